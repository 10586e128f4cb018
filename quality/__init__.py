"""The two gates: what lands, and what is about to be published.

A gate is a list of rules (`quality.rules`), plain data that says what must hold of the tables of
one DuckDB file. `python -m quality.run` checks them with Great Expectations in a short process of
its own, so that its seconds of import and its hold on the file end with it; the verdict comes back
as JSON (`quality.verdict`) and is shown as a page of ours (`quality.page`).
"""
