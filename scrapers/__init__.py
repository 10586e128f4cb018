"""COLLECT: spiders and file importers; they yield records, nothing else."""
