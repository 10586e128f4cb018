"""Airflow keeps one DAG per source that has a spider: crawl its channels.

Each run asks for its own data interval and nothing else, so any stretch of the past can be asked
for again: `airflow backfill create --dag-id crawl_ptt --from-date 2026-09-01 --to-date 2026-09-30
--max-active-runs 1`. A rerun of the same run finds what it landed before and adds only the rest.
"""

from __future__ import annotations

from configured import crawl_schedule, crawled_sources, landing, open_config
from factory import RUN, WINDOW, announce, pipeline, step

config = open_config()

for source in crawled_sources(config):
    channels = config.channels_of(source)
    with pipeline(
        config,
        f"crawl_{source}",
        schedule=crawl_schedule(config, source),
        doc="\n".join([__doc__, *(f"- `{c.id}`: {c.title}, {c.address}" for c in channels)]),
        tags=["crawl", source],
    ):
        announce(step(config, "crawl", "crawl", source, RUN, WINDOW, hours=4), landing(source))
