"""Whenever a source has landed: understand the new texts, build the marts, gate and publish them.

Sources that land while a run is under way are taken together by the next one. Publishing gates
the very file that will be served; if it is refused, yesterday's marts go on being served.
"""

from __future__ import annotations

from airflow.sdk import AssetAny, chain
from configured import crawled_sources, imported_sources, landing, open_config
from factory import POOL, RUN, pipeline, step

config = open_config()
sources = sorted({*crawled_sources(config), *imported_sources(config)})

with pipeline(
    config,
    "marts",
    schedule=AssetAny(*(landing(source) for source in sources)),
    doc="\n".join([__doc__, *(f"- `landing_{source}`" for source in sources)]),
    tags=["marts"],
):
    enrich = step(config, "enrich", "enrich", hours=4)
    build = step(config, "build", "build", hours=2, pool=POOL)
    publish = step(config, "publish", "publish", RUN, hours=1, pool=POOL)
    chain(enrich, build, publish)
