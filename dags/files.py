"""Airflow imports the files that the team has anyway: `import_files` takes them together, and a
file with a schedule of its own has a DAG of its own, `import_<id>`. `import_inbox` watches the
inbox, where one is configured.

A file that was landed before is recognised by its content and adds nothing. One file that cannot
be read does not keep the others from landing.
"""

from __future__ import annotations

from configured import import_schedule, imports_by_dag, inbox_schedule, landing, open_config
from factory import RUN, announce, pipeline, step

config = open_config()

for dag_id, imports in imports_by_dag(config).items():
    ids = [one.id for one in imports]
    sources = sorted({source for one in imports for source in one.sources})
    with pipeline(
        config,
        dag_id,
        schedule=import_schedule(config, imports),
        doc="\n".join([__doc__, *(f"- `{i.id}`: {i.brings} from {i.path}" for i in imports)]),
        tags=["import", *sources],
    ):
        land = step(config, "import", "import", *ids, RUN, hours=2)
        announce(land, *(landing(source) for source in sources))

if config.inbox:
    with pipeline(
        config,
        "import_inbox",
        schedule=inbox_schedule(config),
        doc=f"{__doc__}\n- inbox: {config.inbox.path}",
        tags=["import", "inbox"],
    ):
        # An inbox that brought nothing new ends with 99: skipped, and no marts are built for it.
        announced = [landing(source) for source in sorted(config.inbox_sources)]
        command = "import --inbox --skip-idle"
        step(config, "import", command, RUN, hours=2, skip_on_exit_code=99, outlets=announced)
