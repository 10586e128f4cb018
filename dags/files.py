"""One DAG per source that arrives as files: import its files, then the landing gate.

A file that was landed before is recognised by its content and adds nothing.
"""

from __future__ import annotations

from airflow.sdk import chain
from configured import import_schedule, imported_sources, landing, open_config
from factory import RUN, pipeline, step

config = open_config()

for source, imports in imported_sources(config).items():
    with pipeline(
        config,
        f"import_{source}",
        schedule=import_schedule(config, imports),
        doc="\n".join([__doc__, *(f"- `{i.id}`: {i.table} from {i.path}" for i in imports)]),
        tags=["import", source],
    ):
        land = step(config, "import", "import", *(i.id for i in imports), RUN, hours=2)
        gate = step(config, "gate", "gate landing", RUN, hours=1, outlets=[landing(source)])
        chain(land, gate)
