"""What is scheduled, in what order, with what patience; and that all of it can be typed."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import click
import jinja2
import pytest

from tests.dags.conftest import CONFIG, DAGS, PROJECT, REPLAY
from tingchao.cli import cli
from tingchao.errors import EXIT_IDLE

IDS = {"crawl_ptt", "crawl_feed", "import_files", "import_visits", "marts"}
START, END = datetime(2026, 9, 30, 19, 30, tzinfo=UTC), datetime(2026, 10, 1, 19, 30, tzinfo=UTC)


class Run:
    """A DAG run as templates see it."""

    run_id = "scheduled__2026-09-30T19:30:00+00:00"
    data_interval_start: datetime | None = START
    data_interval_end: datetime | None = END


class RunByHand(Run):
    data_interval_start = data_interval_end = None


def typed(task: Any, run: Run | None = None, events: Any = None) -> list[str]:
    """The words that bash executes for a task, after its fence."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    environment.filters["ts"] = datetime.isoformat
    run = run or Run()
    known = {"dag": task.dag, "run_id": run.run_id, "dag_run": run}
    known |= {"triggering_asset_events": events or {}, **task.dag.user_defined_macros}
    fence, line = environment.from_string(task.bash_command).render(known).split(" exec ")
    assert fence == "TINGCHAO_DIE_WITH_PARENT=$PPID"
    return shlex.split(line)


def parse(words: list[str]) -> click.Context:
    """Let the real command line parse a command without running it; `UsageError` if it cannot."""
    assert words[0] == "tingchao"
    context = cli.make_context("tingchao", words[1:])
    while isinstance(context.command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, command, rest = context.command.resolve_command(context, rest)
        assert command is not None, words
        context = command.make_context(name, rest, parent=context)
    return context


def test_dag_ids_are_the_configured_sources(load: Any) -> None:
    """No import error is not enough: Airflow skips files without a word that look like no DAG."""
    bag = load(CONFIG)
    assert bag.import_errors == {}
    assert set(bag.dags) == IDS


@pytest.mark.parametrize("config", [CONFIG, REPLAY], ids=["wall", "replay"])
def test_every_command_is_one_that_a_person_can_type(load: Any, config: str) -> None:
    tasks = [t for d in load(config).dags.values() for t in d.tasks if t.task_id != "landed"]
    assert len(tasks) == 4 + 4
    for task in tasks:
        context = parse(typed(task))
        assert context.params, task


def test_a_crawl_asks_for_its_interval_and_nothing_else(load: Any, tmp_path: Any) -> None:
    task = load(CONFIG).dags["crawl_ptt"].get_task("crawl")
    words = typed(task)
    assert words[:5] == ["tingchao", "--config", str(tmp_path / "tingchao.yml"), "crawl", "ptt"]
    asked = parse(words).params
    assert (asked["since"], asked["until"]) == (START, END)
    assert asked["run_id"] == f"crawl_ptt.{Run.run_id}"
    assert "--now" not in words


def test_a_run_started_by_hand_without_an_interval_goes_on_from_the_watermark(load: Any) -> None:
    asked = parse(typed(load(CONFIG).dags["crawl_ptt"].get_task("crawl"), RunByHand())).params
    assert asked["since"] is None
    assert asked["until"] is None


def test_files_without_a_time_of_their_own_are_imported_together(load: Any) -> None:
    asked = parse(typed(load(CONFIG).dags["import_files"].get_task("import"))).params
    assert asked["import_ids"] == ("orders", "members")
    assert asked["run_id"] == f"import_files.{Run.run_id}"


def test_in_a_replay_now_is_the_end_of_the_interval(load: Any) -> None:
    words = typed(load(REPLAY).dags["crawl_feed"].get_task("crawl"))
    assert words[3:5] == ["--now", END.isoformat()]


def test_in_a_replay_the_marts_are_built_at_the_end_of_what_landed_last(load: Any) -> None:
    class Event:
        def __init__(self, end: datetime) -> None:
            self.source_dag_run = Run()
            self.source_dag_run.data_interval_end = end

    build = load(REPLAY).dags["marts"].get_task("build")
    events = {"a": [Event(END - timedelta(days=1))], "b": [Event(END), Event(START)]}
    assert typed(build, RunByHand(), events)[4] == END.isoformat()
    with pytest.raises(ValueError, match="no data interval"):
        typed(build, RunByHand())


def test_replays_are_started_by_hand_alone(load: Any) -> None:
    schedules = {i: dag.schedule for i, dag in load(REPLAY).dags.items() if i != "marts"}
    assert set(schedules.values()) == {None}


def test_order_of_the_tasks(load: Any) -> None:
    dags = load(CONFIG).dags
    order = {i: [t.task_id for t in dag.topological_sort()] for i, dag in dags.items()}
    assert order == {
        "crawl_ptt": ["crawl", "landed"],
        "crawl_feed": ["crawl", "landed"],
        "import_files": ["import", "landed"],
        "import_visits": ["import", "landed"],
        "marts": ["gate", "enrich", "build", "publish"],
    }
    for dag in dags.values():
        assert len(dag.leaves) == 1
    build = dags["marts"].get_task("build")
    assert build.upstream_task_ids == {"gate", "enrich"}  # neither waits for the other


def test_marts_follow_every_landing(load: Any) -> None:
    dags = load(CONFIG).dags
    landed = {
        asset.name: (task.dag_id, task.task_id)
        for dag in dags.values()
        for task in dag.tasks
        for asset in task.outlets
    }
    assert landed == {
        "landing_ptt": ("crawl_ptt", "landed"),
        "landing_feed": ("crawl_feed", "landed"),
        "landing_shop": ("import_files", "landed"),
        "landing_crm": ("import_files", "landed"),
        "landing_web": ("import_visits", "landed"),
    }
    assert all(dags[i].get_task("landed").is_teardown for i, _ in landed.values())
    condition = dags["marts"].timetable.asset_condition
    assert type(condition).__name__ == "AssetAny"
    assert {asset.name for asset in condition.objects} == set(landed)


def test_one_writer_of_the_warehouse(load: Any) -> None:
    tasks = [task for dag in load(CONFIG).dags.values() for task in dag.tasks]
    pooled = {f"{task.dag_id}.{task.task_id}" for task in tasks if task.pool == "warehouse"}
    assert pooled == {"marts.build", "marts.publish"}


def test_patience_and_care_of_every_task(load: Any) -> None:
    for dag in load(CONFIG).dags.values():
        assert dag.max_active_runs == 1
        assert dag.catchup is False
        assert dag.doc_md
        assert "tingchao" in dag.tags
        for task in dag.tasks:
            assert task.owner == "tingchao"
            assert task.retries >= 3
            assert task.retry_exponential_backoff >= 2
            assert task.retry_delay < task.max_retry_delay <= timedelta(hours=1)
            assert timedelta(0) < task.execution_timeout <= timedelta(hours=4)
            assert task.on_failure_callback


def test_intervals_are_days_of_the_reporting_zone(load: Any) -> None:
    """Also what `airflow backfill create` goes through: every interval of the past, once."""
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.timetables.base import TimeRestriction
    from pendulum import instance

    dag = load(CONFIG).dags["crawl_ptt"]
    timetable = DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable
    past = TimeRestriction(instance(START), instance(START + timedelta(days=40)), catchup=True)
    intervals = []
    info = timetable.next_dagrun_info_v2(last_dagrun_info=None, restriction=past)
    while info:
        intervals.append((info.data_interval.start, info.data_interval.end))
        info = timetable.next_dagrun_info_v2(last_dagrun_info=info, restriction=past)
    assert intervals[0] == (START, END)  # 03:30 to 03:30 in Taipei
    assert len(intervals) == 41
    assert all(earlier[1] == later[0] for earlier, later in pairwise(intervals))


def test_the_first_day_may_be_asked_for(load: Any) -> None:
    """Airflow runs nothing before a DAG's start; the first local midnight is not before it."""
    assert load(CONFIG).dags["crawl_ptt"].start_date == datetime(2025, 12, 31, 16, tzinfo=UTC)


def test_each_source_has_its_own_time(load: Any) -> None:
    dags = load(CONFIG).dags
    assert dags["crawl_ptt"].timetable.expression == "30 3 * * *"  # the installation says so
    assert dags["import_visits"].timetable.expression == "0 * * * *"  # this file says so
    assert dags["import_files"].timetable.expression == "0 5 * * *"  # nobody says otherwise
    assert {str(dags[i].timetable.timezone) for i in IDS - {"marts"}} == {"Asia/Taipei"}


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (CONFIG.replace("Asia/Taipei", "Asia/Taibei"), r"tingchao\.yml:4: reporting\.time_zone: "),
        (
            CONFIG.replace("30 3", "30 99"),
            r"tingchao\.yml:\d+: sources\.ptt\.schedule: .*'30 99 \* \*",
        ),
        (CONFIG.replace("@hourly", "hourly"), r"tingchao\.yml:\d+: imports\.2\.schedule: "),
        (CONFIG.replace("30 3 * * *", "30 3 * * XYZ"), r"tingchao\.yml: sources\.ptt\.schedule: "),
    ],
    ids=["zone", "cron", "preset", "name"],
)
def test_a_broken_configuration_is_a_clear_import_error(
    load: Any, broken: str, expected: str
) -> None:
    bag = load(broken)
    assert bag.import_errors
    for error in bag.import_errors.values():
        assert re.search(expected, error), error


def test_a_failure_says_what_broke_and_what_to_type(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.syspath_prepend(str(DAGS))
    import alarm

    task = SimpleNamespace(bash_command="TINGCHAO_DIE_WITH_PARENT=$PPID exec tingchao publish")
    ti = SimpleNamespace(dag_id="marts", task_id="publish", run_id="r1", task=task)
    error = RuntimeError("Bash command failed. The command returned a non-zero exit code 3.")
    alarm.report_failure_to(tmp_path / "runs" / "failures.log")({"ti": ti, "exception": error})
    lines = (tmp_path / "runs" / "failures.log").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1
    assert "marts.publish failed in run r1: exit code 3: a gate refused the data" in lines[0]
    assert lines[0].endswith("clear the task in Airflow, or type: tingchao publish")
    task.bash_command = "… exec tingchao publish --run '{{ run_id }}'"
    assert alarm.describe_failure({"ti": ti}).endswith("clear the task in Airflow")
    assert "its process was killed" in alarm.describe_failure({"ti": ti})


def test_dags_import_nothing_heavy() -> None:
    files = sorted(DAGS.glob("*.py"))
    ours = {file.stem for file in files}
    assert {"crawl", "files", "marts"} <= ours
    allowed = {"airflow", "yaml", "tingchao.config", "tingchao.errors"} | ours
    for file in files:
        for module in imported_by(ast.parse(file.read_text(encoding="utf-8"))):
            top = module if module.startswith("tingchao") else module.partition(".")[0]
            assert top in allowed or top in sys.stdlib_module_names, f"{file.name}: {module}"


def imported_by(tree: ast.AST) -> list[str]:
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    return found


PARSE = """
import json, sys, time
import airflow.sdk, airflow.providers.standard.operators.bash, airflow.dag_processing.dagbag
sys.path.insert(0, {dags!r})
before, began = set(sys.modules), time.process_time()
bag = airflow.dag_processing.dagbag.DagBag(dag_folder={dags!r})
seconds = time.process_time() - began
print(json.dumps([seconds, sorted(bag.dags), sorted(set(sys.modules) - before)]))
"""


def test_parsing_is_quick_and_loads_no_stage(tmp_path: Any, airflow_home: Any) -> None:
    (tmp_path / "c.yml").write_text(CONFIG, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PARSE.format(dags=str(DAGS))],
        env={
            "AIRFLOW_HOME": str(airflow_home),
            "TINGCHAO_CONFIG": str(tmp_path / "c.yml"),
            "PATH": "/usr/bin:/bin",
        },
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT,
    )
    seconds, ids, modules = json.loads(done.stdout.splitlines()[-1])
    assert set(ids) == IDS
    assert seconds < 1.0
    stages = {"lake", "scrapers", "enrichment", "quality", "reports", "demo", "scrapy", "dbt"}
    stages |= {"great_expectations", "duckdb", "jieba", "pyarrow", "pandas"}
    assert not stages & {module.partition(".")[0] for module in modules}


def test_the_engine_is_chosen_by_configuration_and_never_by_a_dag(load: Any) -> None:
    def commands(config: str) -> dict[tuple[str, str], str]:
        return {
            (dag.dag_id, task.task_id): getattr(task, "bash_command", "")
            for dag in load(config).dags.values()
            for task in dag.tasks
        }

    on_duckdb, on_spark = commands(CONFIG), commands(CONFIG + "engine: spark\n")
    assert on_duckdb == on_spark
    assert ("marts", "enrich") in on_spark
    for file in DAGS.glob("*.py"):
        assert not re.search("spark|engine", file.read_text(encoding="utf-8"), re.I)


def test_an_inbox_is_watched_for_every_source_that_it_can_land(load: Any) -> None:
    dags = load(CONFIG + "inbox: {path: inbox}\n").dags
    assert set(dags) == {*IDS, "import_inbox"}
    inbox = dags["import_inbox"]
    asked = parse(typed(inbox.get_task("import"))).params
    assert asked["inbox"] is True
    assert asked["run_id"] == f"import_inbox.{Run.run_id}"
    assert (asked["skip_idle"], inbox.get_task("import").skip_on_exit_code) == (True, [EXIT_IDLE])
    announced = {asset.name for asset in inbox.get_task("import").outlets}
    assert {"landing_weibo", "landing_dcard", "landing_facebook_page"} <= announced
    assert load(REPLAY + "inbox: {path: inbox}\n").dags["import_inbox"].schedule is None
