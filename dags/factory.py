"""What every DAG here is made of: one run at a time, patient retries, commands as tasks.

A task is a command that a person can type. Nothing of the pipeline is imported but its
configuration: parsing stays quick, and what a step needs lives and dies with its own process.
"""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, time, timedelta
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, chain
from alarm import report_failure_to

from tingchao.config import ClockKind, Config

# One slot, for DuckDB allows one writing process. `tingchao airflow` makes it; on an Airflow of
# your own: airflow pools set warehouse 1 "one writing process"
POOL = "warehouse"

# Bash's parent is the task runner. The command dies with it, even when it was gone already.
FENCE = "TINGCHAO_DIE_WITH_PARENT=$PPID exec "
RUN = "--run '{{ dag.dag_id }}.{{ run_id }}'"  # sources scheduled together share a run_id
WINDOW = (  # a run that somebody starts without an interval goes from the watermark to now
    "{% if dag_run.data_interval_start %}--since '{{ dag_run.data_interval_start | ts }}' "
    "--until '{{ dag_run.data_interval_end | ts }}'{% endif %}"
)
NOW = "--now '{{ replayed_instant(dag_run, triggering_asset_events) | ts }}'"


def pipeline(config: Config, dag_id: str, *, schedule: Any, doc: str, tags: list[str]) -> DAG:
    """A DAG of ours, to be opened with `with`; `doc` is Markdown for its page."""
    is_replay = config.clock is ClockKind.LOGICAL
    return DAG(
        dag_id,
        schedule=schedule,
        start_date=datetime.combine(config.start_date, time(), config.zone).astimezone(UTC),
        catchup=False,
        max_active_runs=1,
        doc_md=doc,
        tags=["tingchao", *tags],
        user_defined_macros={"replayed_instant": replayed_instant},
        default_args={
            "owner": "tingchao",
            "retries": 3,
            "retry_delay": timedelta(seconds=5 if is_replay else 60),
            "retry_exponential_backoff": 2.0,
            "max_retry_delay": timedelta(minutes=30),
            "on_failure_callback": report_failure_to(config.data / "runs" / "failures.log"),
        },
    )


def step(config: Config, task_id: str, *words: str, hours: float, **more: Any) -> BashOperator:
    """A task that becomes `tingchao --config FILE …` and may take so many hours.

    Exit 75 (the step runs elsewhere) is a failure like others: the retry comes when it is over.
    """
    now = [NOW] if config.clock is ClockKind.LOGICAL else []
    command = ["tingchao --config", shlex.quote(str(config.path)), *now, *words]
    return BashOperator(
        task_id=task_id,
        bash_command=FENCE + " ".join(command),
        execution_timeout=timedelta(hours=hours),
        **more,
    )


def announce(collected: BashOperator, *assets: Asset) -> None:
    """Update assets when their source was collected, and also when it failed after all retries.

    What its healthy channels brought is counted, and coverage shows what is missing. A teardown
    never decides the state of its run: a run whose collecting failed stays red.
    """
    quick = timedelta(minutes=10)
    landed = EmptyOperator(task_id="landed", outlets=list(assets), execution_timeout=quick)
    chain(collected, landed.as_teardown())


def replayed_instant(dag_run: Any, events: Any) -> datetime:
    """Now, in a replay: the end of the run's interval, or of the latest run that triggered it."""
    if dag_run.data_interval_end:
        return dag_run.data_interval_end
    ends = [e.source_dag_run.data_interval_end for found in events.values() for e in found]
    if not ends:
        raise ValueError(
            f"run {dag_run.run_id} has no data interval, and with `clock: logical` that is the "
            "only clock there is; trigger it with data_interval_start and data_interval_end"
        )
    return max(ends)
