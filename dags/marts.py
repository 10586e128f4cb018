"""Whenever a source has landed: gate and understand what landed, build the marts, publish them.

What lands while a run is under way is taken together by the next one. A landing that the gate
refuses is not counted, and publishing gates the very file that will be served: until somebody has
looked, yesterday's marts go on being served.
"""

from __future__ import annotations

from airflow.sdk import AssetAny, chain
from configured import crawled_sources, landing, open_config
from factory import POOL, RUN, pipeline, step

config = open_config()
sources = sorted({*crawled_sources(config), *config.imported_sources})

with pipeline(
    config,
    "marts",
    schedule=AssetAny(*(landing(source) for source in sources)),
    doc="\n".join([__doc__, *(f"- `landing_{source}`" for source in sources)]),
    tags=["marts"],
):
    gate = step(config, "gate", "gate landing", RUN, hours=1)
    enrich = step(config, "enrich", "enrich", hours=4)
    build = step(config, "build", "build", RUN, hours=2, pool=POOL)
    publish = step(config, "publish", "publish", RUN, hours=1, pool=POOL)
    chain([gate, enrich], build, publish)
