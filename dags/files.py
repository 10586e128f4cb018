"""Airflow keeps one DAG per source that arrives as files: import them.

A file that was landed before is recognised by its content and adds nothing.
"""

from __future__ import annotations

from configured import import_schedule, imported_sources, landing, open_config
from factory import RUN, announce, pipeline, step

config = open_config()

for source, imports in imported_sources(config).items():
    ids = [one.id for one in imports]
    with pipeline(
        config,
        f"import_{source}",
        schedule=import_schedule(config, imports),
        doc="\n".join([__doc__, *(f"- `{i.id}`: {i.table} from {i.path}" for i in imports)]),
        tags=["import", source],
    ):
        announce(step(config, "import", "import", *ids, RUN, hours=2), landing(source))
