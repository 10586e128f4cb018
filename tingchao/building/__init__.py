"""Building the marts: what dbt is given, what it is asked to do, what was built before."""
