"""Airflow imports the files that the team has anyway: `import_files` takes them together, and a
file with a schedule of its own has a DAG of its own, `import_<id>`.

A file that was landed before is recognised by its content and adds nothing. One file that cannot
be read does not keep the others from landing.
"""

from __future__ import annotations

from configured import import_schedule, imports_by_dag, landing, open_config
from factory import RUN, announce, pipeline, step

config = open_config()

for dag_id, imports in imports_by_dag(config).items():
    ids = [one.id for one in imports]
    sources = sorted({one.source for one in imports})
    with pipeline(
        config,
        dag_id,
        schedule=import_schedule(config, imports),
        doc="\n".join([__doc__, *(f"- `{i.id}`: {i.table} from {i.path}" for i in imports)]),
        tags=["import", *sources],
    ):
        land = step(config, "import", "import", *ids, RUN, hours=2)
        announce(land, *(landing(source) for source in sources))
