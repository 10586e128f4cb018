"""Each step of the pipeline as one function; the command line and the DAGs run these."""
