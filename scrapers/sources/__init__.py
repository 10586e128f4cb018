"""One file per source: who it is, on what terms we read it, how politely, and what it shows."""
