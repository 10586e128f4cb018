"""Gate the marts, then put them where readers are, in one rename.

Everything is made in a candidate folder, and the gate judges the very file that will be served.
Only then does the candidate become a version and the version the one that is served. Killed at any
point, the old version goes on being served, and the same command run again finishes the work.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from lake.redact import mask_text
from lake.text import joined
from quality.verdict import Verdict
from reports import cases, left_out
from reports.digests import digest_of_file, digest_of_table
from reports.errors import PublicationError
from reports.exports import export
from reports.figures import read_figures
from reports.manifest import NAME, Manifest, StoredFile, Table, name_version
from reports.marts_file import Facts, count_suppressed, read_published, stamp, write_marts
from reports.report import write_report
from reports.shelf import PAGES, Shelf
from tingchao import __version__
from tingchao.building.models import DATABASE
from tingchao.building.state import read_state
from tingchao.context import Context
from tingchao.enriching.counting import count_understanding
from tingchao.errors import TingchaoError
from tingchao.fence import exclusive
from tingchao.judge import Judge, hire_judge
from tingchao.marts import Mart, load_marts
from tingchao.steps.build import BEFORE_EVERYTHING, definition_version
from tingchao.steps.enrich import lexicon_of
from tingchao.steps.gate import judge_marts

MARTS, DESKS = "marts.duckdb", "desks.duckdb"


class Outcome(StrEnum):
    """What publishing came to."""

    PUBLISHED = "published"
    UNCHANGED = "unchanged"
    OLDER = "older"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True)
class PublishSummary:
    """Which version is served now, and why."""

    outcome: Outcome
    version: str
    folder: Path
    rows: int
    removed: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.outcome is Outcome.OLDER:
            return (
                f"left {self.version} in place: the work database is of an earlier instant. "
                "`tingchao publish --rollback VERSION` serves a kept version"
            )
        if self.outcome is Outcome.UNCHANGED:
            return f"{self.version} is published already, read back whole; nothing changed"
        kept = f"; removed {', '.join(self.removed)}" if self.removed else ""
        return (
            f"{self.outcome} {self.version}: {self.rows:,} rows{kept}\n"
            f"report: {self.folder / PAGES / 'index.html'}"
        )


@dataclass(frozen=True)
class _Job:
    """What one publication works with."""

    context: Context
    shelf: Shelf
    work: Path
    marts: tuple[Mart, ...]
    facts: Facts


def publish(
    context: Context, *, accept_drop: Sequence[str] = (), run_id: str | None = None
) -> PublishSummary:
    """Publish the work database's marts, unless what is served is the same or of a later instant.

    `GateRefusedError` when the gate refuses, `TingchaoError` when there is nothing to publish or
    it cannot be read back; what was published before stays. `BusyError` when somebody publishes.
    """
    with exclusive(context.lock("publish")), _explained():
        shelf = Shelf(context.data / "published")
        shelf.settle()
        job = _prepare(context, shelf)
        if _is_older(job):
            return _summary(Outcome.OLDER, shelf)
        with hire_judge("marts") as judge, shelf.candidate() as folder:
            tables = _write_databases(job, folder)
            version = name_version(job.facts, tables, _labels(context))
            if shelf.has(version) and not shelf.problems(version):
                outcome = Outcome.UNCHANGED if shelf.current == version else Outcome.PUBLISHED
            else:
                _complete(job, judge, folder, version, tables, accept_drop, run_id)
                shelf.admit(folder, version)
                outcome = Outcome.PUBLISHED
        _serve(shelf, version)
        return _summary(outcome, shelf, shelf.prune(context.config.publish.keep_versions))


def rollback(context: Context, version: str) -> PublishSummary:
    """Serve a kept version again, until something newer is published."""
    with exclusive(context.lock("publish")), _explained():
        shelf = Shelf(context.data / "published")
        if problems := shelf.problems(version) if shelf.has(version) else []:
            raise TingchaoError(f"{version} is damaged, so it is not served: {'; '.join(problems)}")
        _serve(shelf, version)
        return _summary(Outcome.ROLLED_BACK, shelf)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except PublicationError as error:
        raise TingchaoError(str(error)) from None


def _summary(outcome: Outcome, shelf: Shelf, removed: Sequence[str] = ()) -> PublishSummary:
    version = shelf.current or ""
    rows = sum(shelf.manifest(version).mart_rows.values())
    return PublishSummary(outcome, version, shelf.folder, rows, tuple(removed))


def _prepare(context: Context, shelf: Shelf) -> _Job:
    work = context.data / "warehouse" / DATABASE
    state = read_state(work)
    if state is None:
        raise TingchaoError(f"{work}: no finished build to publish; run `tingchao build`")
    if state.as_of == BEFORE_EVERYTHING:
        raise TingchaoError(
            f"{work}: nothing that landed has passed a gate yet, so there is nothing to publish; "
            "`tingchao status` says what is missing, `tingchao run` does every step"
        )
    reporting = context.config.reporting
    facts = Facts(
        as_of_at=state.as_of.astimezone(UTC),
        through_date=state.through_date,
        time_zone=reporting.time_zone,
        currency=reporting.currency,
        suppress_below=reporting.suppress_below,
        definition_version=definition_version(),
        text_version=state.text_version,
        code_version=f"{__version__}+{state.code_digest[:12]}",
        **_about_texts(context, state.text_version),
    )
    return _Job(context, shelf, work, load_marts(), facts)


def _about_texts(context: Context, version: str | None) -> dict[str, int]:
    """Return how well the texts of a version are understood; nothing where there are none."""
    found = count_understanding(_texts_of(context, version), lexicon_of(context.config))
    return asdict(found) if found else {}


def _texts_of(context: Context, version: str | None) -> list[Path]:
    folder = context.data / "enriched" / "texts" / f"version={version}"
    return sorted(folder.glob("*.parquet"))


def _is_older(job: _Job) -> bool:
    """Whether what is served knows more: a replay of an old day must not take it away."""
    version = job.shelf.current
    if version is None or not job.shelf.has(version):
        return False
    return job.facts.as_of_at < datetime.fromisoformat(job.shelf.manifest(version).as_of_at)


def _write_databases(job: _Job, folder: Path) -> dict[str, Table]:
    """Write both DuckDB files and digest their rows."""
    job.context.progress.step("publish: copying the marts, few people left out")
    write_marts(job.work, folder / MARTS, job.marts, job.facts.suppress_below)

    def text_of(wanted: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        return _read_texts(job.context, wanted)

    found = cases.find_complaints(
        job.work,
        _understood(job),
        [brand.id for brand in job.context.config.brands if brand.is_own],
        job.facts.through_date,
        text_of,
    )
    cases.write_cases(folder / DESKS, found)
    noise = left_out.find_left_out(job.work, job.facts.through_date, text_of)
    left_out.write_left_out(folder / DESKS, noise)
    marts = {mart.name: mart.key for mart in job.marts}
    return {
        **_digest_tables(folder / MARTS, marts),
        **_digest_tables(folder / DESKS, {cases.TABLE: cases.KEY, left_out.TABLE: left_out.KEY}),
    }


def _digest_tables(database: Path, keys: Mapping[str, tuple[str, ...]]) -> dict[str, Table]:
    with read_published(database) as connection:
        return {
            name: Table(
                database.name,
                *digest_of_table(connection, name, key),
                key=key,
                suppressed_rows=count_suppressed(connection, name),
            )
            for name, key in keys.items()
        }


def _understood(job: _Job) -> list[Path]:
    return _texts_of(job.context, job.facts.text_version)


def _read_texts(
    context: Context, wanted: Collection[tuple[str, str]]
) -> Mapping[tuple[str, str], str]:
    """Landed texts by (segment, post), contacts masked; only the segments asked for are read."""
    import pyarrow.dataset as pads

    segments = {segment for segment, _ in wanted}
    root = context.lake.mirror(context.data / "warehouse" / "mirror")
    paths = [str(p) for p in sorted(root.glob("posts/*/*/*.parquet")) if p.stem in segments]
    if not paths:
        return {}
    columns = ["segment_id", "post_id", "title_text", "body_text"]
    rows = pads.dataset(paths, format="parquet").to_table(columns=columns).to_pylist()
    return {
        (row["segment_id"], row["post_id"]): mask_text(text)
        for row in rows
        if (row["segment_id"], row["post_id"]) in wanted
        and (text := joined(row["title_text"], row["body_text"]))
    }


def _complete(
    job: _Job,
    judge: Judge,
    folder: Path,
    version: str,
    tables: dict[str, Table],
    accept_drop: Sequence[str],
    run_id: str | None,
) -> None:
    """Make the candidate a whole version: stamped, gated, exported, drawn, and listed."""
    for name in (MARTS, DESKS):
        stamp(folder / name, version, job.facts)
    _require_no_log(folder)
    gates = job.context.run_folder(run_id or f"publish-{version}") / "gates"
    gates.mkdir(parents=True, exist_ok=True)
    job.context.progress.step("publish: the gate judges the file that will be served")
    verdict = judge_marts(job.context, judge, folder / MARTS, job.shelf, accept_drop, gates)
    export(folder / MARTS, [(mart.name, mart.key) for mart in job.marts], folder)
    manifest = Manifest(
        version=version,
        published_at=job.context.now().astimezone(UTC).isoformat(),
        as_of_at=job.facts.as_of_at.isoformat(),
        facts=asdict(job.facts),
        tables=tables,
        gate=_gate_facts(verdict),
    )
    _draw(job, folder, manifest)
    shutil.copyfile(gates / "marts.html", folder / PAGES / "gate.html")
    shutil.copyfile(gates / "marts.json", folder / "gate.json")
    Manifest(**{**vars(manifest), "files": _list_files(folder)}).write(folder)


def _draw(job: _Job, folder: Path, manifest: Manifest) -> None:
    hides = {mart.name: mart.hides for mart in job.marts}
    brands = {b.id: (b.name, b.is_own) for b in job.context.config.brands}
    with read_published(folder / MARTS) as connection:
        figures = read_figures(connection, hides, brands)
    write_report(folder / PAGES, figures, manifest)


def _gate_facts(verdict: Verdict) -> dict[str, object]:
    return {
        "gate": verdict.gate,
        "passed": verdict.passed,
        "rules": len(verdict.outcomes),
        "accepted_drops": list(verdict.waived),
    }


def _list_files(folder: Path) -> dict[str, StoredFile]:
    return {
        path.relative_to(folder).as_posix(): StoredFile(path.stat().st_size, digest_of_file(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != NAME
    }


def _labels(context: Context) -> dict[str, str]:
    """What the report prints beside the numbers; a new name is a new version."""
    return {brand.id: f"{brand.name} {brand.is_own}" for brand in context.config.brands}


def _require_no_log(folder: Path) -> None:
    if logs := sorted(path.name for path in folder.glob("*.wal")):
        raise PublicationError(
            f"{', '.join(logs)}: a finished database has no log beside it; run the command again"
        )


def _serve(shelf: Shelf, version: str) -> None:
    """Decide for a version, put its files in place, and read every row of them back."""
    shelf.choose(version)
    if problems := shelf.misread(version, shelf.folder):
        raise PublicationError(
            f"{'; '.join(problems)}: what was written cannot be read back; the disk may be failing"
        )
