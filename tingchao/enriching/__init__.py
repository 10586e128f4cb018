"""Understanding texts: in which batches, on which engine, and how the result lies on disk."""
