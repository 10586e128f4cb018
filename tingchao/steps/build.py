"""Build the marts from everything landed and understood.

The work database is a cache of the lake: it can be thrown away at any time. A build works on a copy
of it (incremental) or starts from nothing (full), in a folder of its own, and takes the old one's
place in one rename when every model is built and every test has passed. Whoever is killed before
has changed nothing.
"""

from __future__ import annotations

import csv
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final
from uuid import uuid4

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tingchao.building.inputs import (
    NO_TEXTS,
    Rows,
    Terms,
    describe_configuration,
    digest_of,
    write_inputs,
)
from tingchao.building.models import DATABASE, Workshop, digest_code, run_models
from tingchao.building.spark_tables import bring_to_duckdb, keep_tables, put_tables_in_place
from tingchao.building.state import State, finish, put_in_place, read_state, read_tables_name
from tingchao.config import Engine
from tingchao.context import Context
from tingchao.enriching.files import version_uses
from tingchao.enriching.older import is_current, read_as_of_today
from tingchao.errors import TingchaoError
from tingchao.fence import exclusive
from tingchao.marts import PROJECT, load_marts
from tingchao.verdicts import describe_waiting, split_by_verdict

EMPTY_SEGMENT: Final = "empty"  # the lake lays a file of no rows beside every table's segments
BEFORE_EVERYTHING: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Mode(StrEnum):
    """How much was built."""

    FULL = "full"
    INCREMENTAL = "incremental"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Plan:
    """What to build, from what, and why so."""

    ledger: pa.Table
    wanted: State
    previous: State | None
    mode: Mode
    reason: str
    waiting: tuple[str, ...] = ()
    """Crawl of each segment that is left out because no gate has passed it."""

    @property
    def terms(self) -> Terms:
        old = self.previous if self.mode is Mode.INCREMENTAL else None
        return Terms(
            as_of=self.wanted.as_of,
            through_date=self.wanted.through_date,
            previous_through_date=old.through_date if old else None,
            ledger=self.ledger,
            batches=self.wanted.batches,
            new_segments=self.wanted.segments - (old.segments if old else frozenset()),
            new_batches=self.wanted.batches - (old.batches if old else frozenset()),
        )


@dataclass(frozen=True)
class BuildSummary:
    """What a build made: rows per mart, seconds per model."""

    database: Path
    as_of: datetime
    through_date: date
    mode: Mode
    reason: str
    new_segment_count: int
    text_version: str | None
    row_counts: dict[str, int]
    model_seconds: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    waiting: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(filter(None, [self._built(), describe_waiting(self.waiting)]))

    def _built(self) -> str:
        rows = ", ".join(f"{name} {count:,}" for name, count in self.row_counts.items())
        days = f"as of {self.as_of.isoformat()}, closed through {self.through_date}"
        if self.as_of == BEFORE_EVERYTHING:
            days = "of nothing, for nothing that landed has passed a gate yet"
        if self.mode is Mode.UNCHANGED:
            return f"built nothing: {self.reason} ({days})\n{rows}"
        what = f"{self.mode} ({self.reason}), {days}, {self.new_segment_count:,} new segments"
        slowest = sorted(self.model_seconds.items(), key=lambda item: -item[1])[:3]
        took = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in slowest)
        return f"built {self.database}: {what}, {self.seconds:.1f} s\nrows: {rows}\nslowest: {took}"


def build(
    context: Context,
    *,
    as_of: datetime | None = None,
    full_refresh: bool = False,
    engine: str | None = None,
    run_id: str | None = None,
) -> BuildSummary:
    """Build the marts of now, or those that could be known at `as_of`, beside the current ones.

    `engine` is the configured one unless said; what one engine built, the other builds anew.

    `BusyError` when another process builds; `TingchaoError` names the model or test that failed, in
    which case nothing has changed. May be killed at any moment and run again.
    """
    began = time.monotonic()
    with exclusive(context.lock("build")):
        _clear(context.data / "warehouse" / "attempts")
        _forget_other_tables(context)
        configuration = describe_configuration(context, definition_version())
        chosen = Engine(engine or context.config.engine)
        plan = _plan(context, configuration, as_of, full_refresh, chosen)
        database = _destination(context, as_of)
        seconds = {}
        if plan.mode is not Mode.UNCHANGED:
            context.progress.step(f"build: {plan.mode}, {plan.reason}")
            seconds = _build(context, plan, configuration, database, run_id)
    return BuildSummary(
        database=database,
        as_of=plan.wanted.as_of,
        through_date=plan.wanted.through_date,
        mode=plan.mode,
        reason=plan.reason,
        new_segment_count=len(plan.terms.new_segments),
        text_version=plan.wanted.text_version,
        row_counts=count_rows(database),
        model_seconds=seconds,
        seconds=time.monotonic() - began,
        waiting=plan.waiting,
    )


def definition_version() -> str:
    """Return the version of the definitions in force: the latest that any formula names."""
    with (PROJECT / "seeds" / "metric_definitions.csv").open(encoding="utf-8", newline="") as file:
        versions = {row["definition_version"] for row in csv.DictReader(file)}
    return max(versions, key=lambda version: [int(part) for part in version.split(".")])


def count_rows(database: Path) -> dict[str, int]:
    """Return how many rows each mart of a built database has."""
    with duckdb.connect(database, read_only=True) as connection:
        return {mart.name: len(connection.table(mart.name)) for mart in load_marts()}


# ---- what to build


def _plan(
    context: Context,
    configuration: dict[str, Rows],
    as_of: datetime | None,
    full_refresh: bool,
    engine: Engine,
) -> Plan:
    ledger, waiting = split_by_verdict(context.lake.ledger(as_of=as_of))
    wanted = replace(_wanted(context, ledger, configuration, as_of), engine=engine.value)
    previous = read_state(_destination(context, None)) if as_of is None else None
    mode, reason = _mode(context, previous, wanted, as_of, full_refresh)
    crawls = tuple(waiting["crawl_id"].to_pylist())
    return Plan(ledger, wanted, previous, mode, reason, waiting=crawls)


def _mode(
    context: Context,
    previous: State | None,
    wanted: State,
    as_of: datetime | None,
    full_refresh: bool,
) -> tuple[Mode, str]:
    """Return how much to build, and why so much."""
    if as_of is not None:
        return Mode.FULL, "what could be known then"
    if full_refresh:
        return Mode.FULL, "asked for"
    if previous is None:
        return Mode.FULL, "no earlier build can be read"
    if previous == wanted:
        return Mode.UNCHANGED, "nothing is new since the last build"
    reason = next(_reasons_to_start_anew(context, previous, wanted), None)
    return (Mode.FULL, reason) if reason else (Mode.INCREMENTAL, "only what is new")


def _wanted(
    context: Context, ledger: pa.Table, configuration: dict[str, Rows], as_of: datetime | None
) -> State:
    until = as_of or pc.max(ledger["committed_at"]).as_py() or BEFORE_EVERYTHING
    version = _text_version(context, as_of)
    return State(
        as_of=until.astimezone(UTC),
        through_date=until.astimezone(context.config.zone).date() - timedelta(days=1),
        configuration_digest=digest_of(configuration),
        code_digest=digest_code(),
        text_version=version,
        segments=frozenset(ledger["segment_id"].to_pylist()),
        batches=frozenset(path.stem for path in _texts(context, version).glob("*.parquet")),
    )


def _text_version(context: Context, as_of: datetime | None) -> str | None:
    """Return the latest version of the texts in use by then; the first one when there was none."""
    uses = version_uses(context.data / "enriched")
    by_then = [use.version for use in uses if as_of is None or use.since <= as_of]
    if by_then:
        return by_then[-1]
    return uses[0].version if uses else None


def _texts(context: Context, version: str | None) -> Path:
    return context.data / "enriched" / "texts" / f"version={version}"


def _reasons_to_start_anew(context: Context, old: State, new: State) -> Iterator[str]:
    """Say why the old numbers cannot be added to; nothing when they can."""
    if old.engine != new.engine:
        yield f"{old.engine} built the last one"
    elif new.engine == Engine.SPARK and _tables_of_last_build(context) is None:
        yield "the tables of the last build are gone"
    if old.code_digest != new.code_digest:
        yield "models changed"
    if old.configuration_digest != new.configuration_digest:
        yield "configuration changed"
    if old.text_version != new.text_version:
        yield "texts are understood anew"
    if new.as_of < old.as_of:
        yield "the ledger ends earlier than before"
    if not (old.segments <= new.segments and old.batches <= new.batches):
        yield "something built upon is gone"
    if _is_erased_or_refused(context, old, new):
        yield "rows built upon were erased or refused"


def _is_erased_or_refused(context: Context, old: State, new: State) -> bool:
    fresh = new.segments - old.segments
    ledger = context.lake.ledger(as_of=new.as_of).select(["segment_id", "route"]).to_pylist()
    if any(row["route"] == "erasure" and row["segment_id"] in fresh for row in ledger):
        return True
    columns = ["segment_id", "of_segment_id"]
    refused = context.lake.read("quarantine", columns=columns, as_of=new.as_of).to_pylist()
    return any(
        row["segment_id"] in fresh and row["of_segment_id"] in old.segments for row in refused
    )


# ---- building it


def _destination(context: Context, as_of: datetime | None) -> Path:
    warehouse = context.data / "warehouse"
    if as_of is None:
        return warehouse / DATABASE
    return warehouse / "as_of" / f"{as_of.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}.duckdb"


def _build(
    context: Context,
    plan: Plan,
    configuration: dict[str, Rows],
    database: Path,
    run_id: str | None,
) -> dict[str, float]:
    attempt = f"{context.now():%Y%m%dT%H%M%S}-{os.getpid()}"
    workshop = Workshop(
        folder=context.data / "warehouse" / "attempts" / attempt,
        target=context.data / "warehouse" / "dbt",
        logs=context.run_folder(run_id or attempt) / "dbt",
        time_zone=context.config.reporting.time_zone,
        engine=Engine(plan.wanted.engine),
    )
    try:
        workshop.lay_out()
        write_inputs(workshop.inputs, configuration, plan.terms)
        _link_what_is_new(context, plan, workshop)
        _bring_last_build(context, plan, workshop)
        seconds = run_models(workshop)
        _settle(context, plan, workshop, database)
    except (OSError, duckdb.Error) as error:
        raise TingchaoError(
            f"build: {error}; the marts of the last build stay as they are. A build needs room for "
            f"a copy of {database.name} and what it adds, below {workshop.folder.parent}"
        ) from None
    _clear(workshop.folder)
    return seconds


def _link_what_is_new(context: Context, plan: Plan, workshop: Workshop) -> None:
    """Lay out the files that no build has read, and an empty one for every table."""
    landing = context.lake.mirror(context.data / "warehouse" / "mirror")
    segments = {*plan.terms.new_segments, EMPTY_SEGMENT}
    landed = (path for path in landing.glob("*/*/*/*.parquet") if path.stem in segments)
    workshop.link("landing", landed, landing)
    texts = _texts(context, plan.wanted.text_version)
    batches = [texts / f"{batch}.parquet" for batch in sorted(plan.terms.new_batches)]
    older = [path for path in batches if not is_current(path)]
    workshop.link("texts", set(batches).difference(older), texts)
    workshop.link("texts", [workshop.inputs / NO_TEXTS], workshop.inputs)
    for path in older:
        pq.write_table(read_as_of_today(path), workshop.folder / "texts" / path.name)


def _bring_last_build(context: Context, plan: Plan, workshop: Workshop) -> None:
    """Give an incremental build what it adds to, a full one nothing."""
    adds = plan.mode is Mode.INCREMENTAL
    if workshop.engine is Engine.SPARK:
        keep_tables(_tables_of_last_build(context) if adds else None, workshop)
    elif adds:
        shutil.copyfile(_destination(context, None), workshop.database)


def _settle(context: Context, plan: Plan, workshop: Workshop, database: Path) -> None:
    """Put what was built in its place; the rename of the database, at the end, is what counts."""
    kept = None
    if workshop.engine is Engine.SPARK:
        bring_to_duckdb(workshop.tables, workshop.database)
        if database == _destination(context, None):
            kept = uuid4().hex
            put_tables_in_place(workshop.tables, _tables_folder(context) / kept)
    finish(workshop.database, plan.wanted, kept)
    put_in_place(workshop.database, database)
    _forget_other_tables(context)


def _tables_folder(context: Context) -> Path:
    return context.data / "warehouse" / "spark"


def _tables_of_last_build(context: Context) -> Path | None:
    """Return the Spark tables that belong to the current database."""
    name = read_tables_name(_destination(context, None))
    folder = _tables_folder(context) / name if name else None
    return folder if folder and folder.is_dir() else None


def _forget_other_tables(context: Context) -> None:
    """Remove the Spark tables that no database goes on from."""
    kept = _tables_of_last_build(context)
    for folder in _tables_folder(context).glob("*"):
        if folder != kept:
            _clear(folder)


def _clear(folder: Path) -> None:
    """Remove a folder and all in it; what a killed build left behind is nobody's.

    A Spark that dies with its build may still write into its own folder for a moment: what does not
    go now goes with the next build.
    """
    shutil.rmtree(folder, ignore_errors=True)
