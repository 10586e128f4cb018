"""Take people out of everything that is kept, and let nothing of theirs land again.

The order makes a kill harmless. First the pseudonyms are remembered, so that nothing new lands;
then the ledger says which segments change, then they change, then every cache is thrown away, then
all is built and published anew and the earlier versions go. Run again, the command does the rest.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lake import LogicalRun, StopReason
from lake.pseudonyms import PSEUDONYM, VISITORS
from lake.store import LocalStore
from reports.marts_file import OURS
from reports.shelf import DATABASES, Shelf
from scrapers.source import source_names
from tingchao.building.models import DATABASE
from tingchao.context import Context
from tingchao.errors import ConfigurationError, TingchaoError
from tingchao.fence import exclusive
from tingchao.identifiers import quote
from tingchao.verdicts import split_by_verdict

STEPS: Final = ("import", "gate-landing", "enrich", "build", "publish")


@dataclass(frozen=True)
class ErasureSummary:
    """What was taken out; nothing in it tells who."""

    person_count: int
    row_count: int
    segment_count: int
    version: str | None

    def __str__(self) -> str:
        served = (
            f"published anew as {self.version}" if self.version else "nothing was published yet"
        )
        return (
            f"erased {self.person_count:,} people: {self.row_count:,} rows in "
            f"{self.segment_count:,} segments; {served}, earlier versions are gone; read back: "
            "0 rows speak of them. Delete the file of handles now"
        )


def erase(context: Context, source: str, handle_file: Path) -> ErasureSummary:
    """Erase the people whose handles on a source stand in a file, one a line.

    `ConfigurationError` for an unknown source or a file without handles; `BusyError` while any step
    runs; `TingchaoError` when a segment of theirs still waits for a verdict, or something of theirs
    was found afterwards. May be killed at any moment and run again.
    """
    keys = _pseudonyms(context, source, handle_file)
    with _alone(context):
        _require_verdicts(context, keys)
        context.lake.suppress(keys, context.now().astimezone(UTC))
        found = context.lake.segments_naming(keys)
        _announce(context, found)
        context.lake.erase(keys)
        _forget_texts(context)
        if (context.data / "warehouse").exists():
            shutil.rmtree(context.data / "warehouse")
    version = _renew(context)
    _require_gone(context, keys)
    return ErasureSummary(len(keys), sum(found.values()), len(found), version)


def _pseudonyms(context: Context, source: str, handle_file: Path) -> frozenset[str]:
    known = _known_sources(context)
    if source not in known:
        raise ConfigurationError(f"--source: expected one of {', '.join(known)}; found {source!r}")
    try:
        lines = handle_file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--handle-file: cannot read it ({error})") from None
    handles = {" ".join(line.split()) for line in lines if line.strip()}
    if not handles:
        raise ConfigurationError(f"{handle_file}: expected one handle a line, found none")
    return frozenset(context.pseudonyms.key(source, handle) for handle in handles)


def _known_sources(context: Context) -> list[str]:
    config = context.config
    named = {handle for spec in config.imports for handle in spec.handles}
    crawled = {channel.source for channel in config.channels}
    return sorted({*crawled, *config.imported_sources, *named, VISITORS})


@contextmanager
def _alone(context: Context) -> Iterator[None]:
    """Hold every step's lock: what lands, understands or shows must not run meanwhile."""
    sources = {*source_names(), *(channel.source for channel in context.config.channels)}
    with ExitStack() as locks:
        for name in (*(f"crawl-{source}" for source in sorted(sources)), *STEPS):
            locks.enter_context(exclusive(context.lock(name)))
        yield


def _require_verdicts(context: Context, keys: Collection[str]) -> None:
    """Refuse while a gate would still count the rows of a segment against its ledger row."""
    _, waiting = split_by_verdict(context.lake.ledger())
    affected = context.lake.segments_naming(keys)
    crawls = {r["crawl_id"] for r in waiting.to_pylist() if r["segment_id"] in affected}
    if crawls:
        raise TingchaoError(
            f"erase: segments of {', '.join(sorted(crawls))} hold rows of these people and no gate "
            "has passed them; run `tingchao gate landing` (or discard them there), then this again"
        )


def _announce(context: Context, found: Mapping[str, int]) -> None:
    """Say in the ledger, before anything changes, which segments do: one row per channel."""
    by_channel: dict[tuple[str, str], list[str]] = {}
    for row in context.lake.ledger().to_pylist():
        if row["segment_id"] in found:
            channel = (row["source"], row["channel_id"])
            by_channel.setdefault(channel, []).append(row["segment_id"])
    at = context.now().astimezone(UTC)
    for (source, channel_id), segments in by_channel.items():
        named = " ".join(sorted(segments))
        run = LogicalRun(
            source=source,
            channel_id=channel_id,
            crawl_id=f"erasure:{at:%Y%m%dT%H%M%S.%fZ}",
            route="erasure",
            file_digest=hashlib.sha256(named.encode()).hexdigest(),
            query=named,
        )
        rows = sum(found[segment] for segment in segments)
        with context.lake.write(run, context.now) as writer:
            writer.finish(
                StopReason.EXHAUSTED, covered=None, stop_detail=f"{rows} rows of people erased"
            )


def _forget_texts(context: Context) -> None:
    """Take out what was understood of texts that nobody is left to have written."""
    landed = pc.unique(context.lake.read("posts", columns=["text_hash"])["text_hash"])
    store = LocalStore(context.data / "enriched")
    for path in store.files_below("texts"):
        rows = pq.read_table(pa.BufferReader(store.read(path)))
        kept = rows.filter(pc.is_in(rows["text_hash"], landed))
        if kept.num_rows < rows.num_rows:
            out = pa.BufferOutputStream()
            pq.write_table(kept, out, compression="zstd")
            store.write({path: out.getvalue()})


def _renew(context: Context) -> str | None:
    """Build anew; where something is served, serve that instead and keep no earlier version."""
    from tingchao.steps.build import build
    from tingchao.steps.enrich import enrich
    from tingchao.steps.publish import publish

    shelf = Shelf(context.data / "published")
    enrich(context)
    build(context)
    if shelf.current is None:
        return None
    version = publish(context).version
    with exclusive(context.lock("publish")):
        shelf.prune(keep=1)
    return version


def _require_gone(context: Context, keys: Collection[str]) -> None:
    """Read everything back that could name somebody."""
    files = [context.data / "warehouse" / DATABASE]
    files += [path for name in DATABASES for path in (context.data / "published").rglob(name)]
    left = [f"{path}: {name}" for path in files for name in _tables_naming(path, keys)]
    left += [f"segment {segment}" for segment in context.lake.segments_naming(keys)]
    if left:
        raise TingchaoError(
            f"erase: still named in {'; '.join(left)}. What was published may be of a later "
            "instant than what was built: run `tingchao publish`, then this again"
        )


def _tables_naming(database: Path, keys: Collection[str]) -> Iterator[str]:
    if not database.exists():
        return
    with duckdb.connect(str(database), read_only=True, config=OURS) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where not internal order by all"
        ).fetchall()
        for schema, table in tables:
            found: Any = connection.execute(
                f"select count(*) from {quote(schema)}.{quote(table)} as everything where "
                "list_has_any(regexp_extract_all(cast(everything as varchar), ?), ?)",
                [PSEUDONYM.pattern, sorted(keys)],
            ).fetchone()
            if found[0]:
                yield table
