"""KEEP: schemas, segments, ledger and quarantine of everything that was ever collected."""
