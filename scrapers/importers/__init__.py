"""Files that a team already has: rows of CSV and JSON lines become records of the lake."""
