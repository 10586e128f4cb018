"""What is shown: the published marts, the desks' cases, and the report that marketing reads.

The warehouse that dbt builds is private and may be half new; what stands in `published/` is always
one whole build that passed its gate. `reports.marts_file` and `reports.desks_file` write the two
DuckDB files, `reports.shelf` puts them in place with one rename each, `reports.report` draws the
pages.
"""
