"""One file of a named format into the lake: every channel in it with a ledger row of its own.

The file itself has a ledger row, too, written last: with it the file is known by its digest and not
read again. Records of channels that are not configured are left out and told; as soon as one of
them is configured the file is read again, and adds what it did not land before.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from lake import Added, ChannelWriter, Lake, LogicalRun, StopReason
from lake.ledger import DONE
from lake.pseudonyms import VISITORS, Pseudonyms
from lake.redact import redact
from lake.schemas import TABLES
from scrapers.errors import ParsingFailedError
from scrapers.importers.fields import without_people
from scrapers.importers.format import Format, Found, Reading
from scrapers.importers.head import Head
from scrapers.importers.known_posts import KnownPosts
from scrapers.importers.land import LEFT_OUT, REPORT_EVERY, FileOutcome, Span, sha256_of
from scrapers.importers.mapping import PEOPLE
from scrapers.importers.rows import Row
from scrapers.importers.spend import Spent
from tingchao.config import Channel, Import

PEOPLE_REMEMBERED = 50_000
OPTIONS = ("channel", "source", "time_zone", "time_formats", "constants", "counter_cap")
UNSAID = "(not said in the file)"


@dataclass
class _Tally:
    """What one logical run of a file has brought so far."""

    writer: ChannelWriter
    span: Span = field(default_factory=Span)
    count: int = 0


@dataclass(frozen=True, kw_only=True)
class NamedFile:
    """A file whose format is known, and what is asked of it."""

    form: Format
    head: Head
    spec: Import
    channels: Collection[Channel]

    @property
    def source(self) -> str:
        return self.spec.source or self.form.source_of(self.head)

    @property
    def query(self) -> str:
        """What stands in the ledger: the file's name, and how it was read."""
        return f"{self.head.name} {self.how}"

    @property
    def how(self) -> str:
        """The format, and a digest of all that decides where its records go."""
        given = [name for name in OPTIONS if name in self.spec.model_fields_set]
        options = {name: getattr(self.spec, name) for name in given if getattr(self.spec, name)}
        known = sorted((c.source, c.id, c.address) for c in self.channels if self._is_asked(c))
        asked = json.dumps([self.form.name, self.form.version, options, known])
        return f"({self.form.name}, map {hashlib.sha256(asked.encode()).hexdigest()[:8]})"

    def run(self, crawl_id: str, digest: str, source: str, channel_id: str) -> LogicalRun:
        return LogicalRun(
            source=source,
            channel_id=channel_id,
            crawl_id=crawl_id,
            route="import",
            file_digest=digest,
            query=self.query,
        )

    def channel_of(self, source: str, native: str | None) -> str | None:
        """Return the configured channel of a record, else the import's own, else None."""
        ours = (c for c in self.channels if c.source == source and native is not None)
        configured = next((c.id for c in ours if is_address_of(c, native or "")), None)
        return configured or self.spec.channel

    def _is_asked(self, channel: Channel) -> bool:
        return channel.source in (self.spec.source, *self.form.described.sources)


def is_address_of(channel: Channel, native: str) -> bool:
    """Whether a channel's address or id is the platform's id of it, or a URL that ends in it."""
    told = {channel.id.casefold(), channel.address.casefold()}
    told.add(channel.address.rstrip("/").rpartition("/")[2].casefold())
    return native.casefold() in told


def land_named(
    lake: Lake,
    file: NamedFile,
    pseudonyms: Pseudonyms,
    *,
    crawl_id: str,
    now: Callable[[], datetime],
    advance: Callable[[int], None] = lambda _: None,
) -> FileOutcome:
    """Land one file; a file that was taken in whole before is left alone.

    `advance` is told how many rows more were read. Raises `ImportFileError` when the file cannot be
    read to its end; it counts as not imported then.
    """
    outcome = FileOutcome(file.spec.id, file.head.name, file.form.name, file.head.encoding)
    digest = sha256_of(file.head.path)
    own_channel = file.spec.channel or file.spec.id
    earlier = finished_by(lake, file, digest, own_channel)
    if earlier is not None:
        run_id, remarks = earlier
        outcome.is_known = True
        outcome.detail = f"this very file was imported before, by run {run_id}"
        _, left_out, what = (remarks or "").partition(LEFT_OUT)
        outcome.reminder = f"{left_out}{what}" or None
        return outcome
    with ExitStack() as open_writers:
        landing = _Landing(lake, file, pseudonyms, crawl_id, digest, now, open_writers, outcome)
        landing.tally(*landing.own).writer.count_page(file.head.path.stat().st_size)
        for row in file.form.items(file.head, outcome.skipped):
            landing.take(row)
            if outcome.rows % REPORT_EVERY == 0:
                advance(REPORT_EVERY)
        landing.close()
    return outcome


def finished_by(
    lake: Lake, file: NamedFile, digest: str, own_channel: str
) -> tuple[str, str | None] | None:
    """Return the run that read this file to its end in this very way, and what it remarked."""
    columns = ["channel_id", "file_digest", "query", "stop_reason", "stop_detail", "crawl_id"]
    for row in lake.read("crawls", columns=columns, source=file.source).to_pylist():
        is_same = row["file_digest"] == digest and (row["query"] or "").endswith(file.how)
        if is_same and row["channel_id"] == own_channel and row["stop_reason"] in DONE:
            return row["crawl_id"], row["stop_detail"]
    return None


class _Landing:
    """The writers of one file, one a channel, and the way of a record to them."""

    def __init__(
        self,
        lake: Lake,
        file: NamedFile,
        pseudonyms: Pseudonyms,
        crawl_id: str,
        digest: str,
        now: Callable[[], datetime],
        open_writers: ExitStack,
        outcome: FileOutcome,
    ) -> None:
        self.lake, self.file, self.outcome, self.now = lake, file, outcome, now
        self.crawl_id, self.digest, self.open_writers = crawl_id, digest, open_writers
        self.key = lru_cache(PEOPLE_REMEMBERED)(pseudonyms.key)
        self.tallies: dict[tuple[str, str], _Tally] = {}
        self.own = (file.source, file.spec.channel or file.spec.id)
        self.spent = Spent()
        self.reading = Reading(
            head=file.head,
            zone=ZoneInfo(_zone_of(file)),
            now=now(),
            source=file.source,
            constants=file.spec.constants,
            time_formats=file.spec.time_formats,
            counter_cap=file.spec.counter_cap,
            skipped=outcome.skipped,
            unread=outcome.unknown_keys,
        )
        self.known = KnownPosts(lake)
        self.lone_channel: dict[str, str] = {}

    def tally(self, source: str, channel_id: str) -> _Tally:
        """Return the tally of a channel, and open its writer when it is the first time."""
        name = (source, channel_id)
        if name not in self.tallies:
            run = self.file.run(self.crawl_id, self.digest, source, channel_id)
            writer = self.open_writers.enter_context(self.lake.write(run, self.now))
            self.tallies[name] = _Tally(writer)
        return self.tallies[name]

    def take(self, row: Row) -> None:
        """Land all that a piece of the file says, or refuse it."""
        self.outcome.rows += 1
        try:
            pieces = self._read(row)
        except ParsingFailedError as error:
            self._refuse(row, error)
            return
        for found in pieces:
            self._land(found)

    def _read(self, row: Row) -> list[Found]:
        if row.problem:
            raise ParsingFailedError(*row.problem)
        try:
            pieces = list(self.file.form.read(row, self.reading))
        except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
            # one odd record must not keep the others, and the files after this one, from landing
            said = f"expected a record of {self.file.form.name}, found an odd one"
            said += f" ({type(error).__name__}; what stands in it is kept without people)"
            raise ParsingFailedError("unreadable_record", said) from error
        for found in pieces:
            if found.table == "spend":
                self.spent.require_new(found.record)
        return pieces

    def close(self) -> None:
        """Take what only the whole file says, and close every channel, the file itself last.

        A file with counters of posts that nothing brought yet is not done: it is read again.
        """
        for found in self.file.form.close(self.reading):
            self._land(found)
        if self.outcome.unmatched and not self.outcome.added:
            return
        for name in sorted(self.tallies, key=lambda name: name == self.own):
            tally, is_own = self.tallies[name], name == self.own
            is_whole = not (is_own and self.outcome.unmatched)
            tally.writer.finish(
                StopReason.EXHAUSTED if is_whole else StopReason.ERROR,
                covered=tally.span.window,
                declared_total=self.outcome.rows if is_own else tally.count,
                stop_detail=self.outcome.remarks() if is_own else None,
            )
            self._widen(tally.span)

    def _widen(self, span: Span) -> None:
        covered, window = self.outcome.covered, span.window
        if window is not None:
            start = min(covered.start, window.start) if covered else window.start
            end = max(covered.end, window.end) if covered else window.end
            self.outcome.covered = type(window)(start, end)

    def _land(self, found: Found) -> None:
        self._note_unknown(found)
        source = self.file.spec.source or found.source or self.file.source
        if found.completes:
            completed = self.known.complete(source, found)
            if completed is None:
                self.outcome.unmatched += 1
                return
            found = completed
        tally = self._tally_of(found, source)
        if tally is None:
            if not found.is_extra:
                self.outcome.left_out[f"{source} {found.channel or UNSAID}"] += 1
            return
        record = dict(self._columns(found, source))
        if "channel_id" in TABLES[found.table].names:
            record["channel_id"] = tally.writer.run.channel_id
        added = tally.writer.add(found.table, record)
        tally.count += 1
        self.outcome.count(added, found.table)
        if found.happened is not None and added not in (Added.QUARANTINED, Added.SUPPRESSED):
            tally.span.take(found.happened)

    def _tally_of(self, found: Found, source: str) -> _Tally | None:
        if "channel_id" not in TABLES[found.table].names:
            return self.tally(source, self.own[1])
        channel_id = found.record.get("channel_id") or self.file.channel_of(source, found.channel)
        if channel_id is None or not self._may_speak_for(channel_id, found):
            return None
        return self.tally(source, channel_id)

    def _may_speak_for(self, channel_id: str, found: Found) -> bool:
        """Whether this may be the audience of a channel: two pages have not one audience."""
        if found.table != "channels" or found.channel is None:
            return True
        return self.lone_channel.setdefault(channel_id, found.channel) == found.channel

    def _columns(self, found: Found, source: str) -> Iterator[tuple[str, Any]]:
        """Put pseudonyms in the place of people, and add what is constant and what is evidence."""
        names = TABLES[found.table].names
        for name, value in self.file.spec.constants.items():
            if name in names and found.record.get(name) is None:
                yield name, value
        for name, value in found.record.items():
            if name in PEOPLE:
                realm = VISITORS if name == "visitor" else source
                yield f"{name}_key", self.key(realm, value) if value else None
            elif name == "handles" and value:
                yield name, [{"source": s, "key": self.key(s, n)} for s, n in value.items() if n]
            elif name in found.keyed and value is not None:
                yield name, self.key(source, value)
            elif value is not None:
                yield name, value
        if "raw_record" in names and found.raw:
            yield "raw_record", redact(self._without_people(found.raw))

    def _without_people(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        kept = without_people(raw, self.file.form.described.personal_keys)
        return dict(kept)

    def _note_unknown(self, found: Found) -> None:
        for key in self.file.form.unknown(found.unread):
            self.outcome.unknown_keys[key] += 1

    def _refuse(self, row: Row, error: ParsingFailedError) -> None:
        table = self.file.form.table_of(row)
        where = f"{row.part} row" if row.part else "line"
        kept = self.file.form.kept
        cells = row.cells if kept is None else {k: v for k, v in row.cells.items() if k in kept}
        evidence = {"line": row.line, **_jsonable(self._without_people(cells))}
        reason = f"{where} {row.line:,}: {error}"
        self.tally(*self.own).writer.refuse(table, evidence, error.rule, reason)
        self.outcome.refuse(reason, table)


def _zone_of(file: NamedFile) -> str:
    if "time_zone" in file.spec.model_fields_set:
        return file.spec.time_zone
    return file.form.described.time_zone


def _jsonable(cells: Any) -> dict[str, Any]:
    shortened = {name: v[:10_000] if isinstance(v, str) else v for name, v in cells.items()}
    written = json.dumps(shortened, default=str, ensure_ascii=False)
    return dict(json.loads(written))


def describe_unfinished(outcome: FileOutcome) -> str | None:
    """Say what of a file has not landed, and what to do so that it does; None when all has."""
    said = [outcome.reminder] if outcome.reminder else []
    if outcome.left_out:
        said.append(_describe_left_out(outcome.left_out))
    if outcome.unmatched:
        said.append(
            f"{outcome.unmatched:,} records tell only counters of posts that nothing brought yet; "
            "import the file with the posts, then this one again"
        )
    return "; ".join(said) or None


def _describe_left_out(left_out: Counter[str]) -> str:
    """Say whose records were left out, and what to configure so that they land."""
    shown = ", ".join(f"{channel} ({count:,})" for channel, count in left_out.most_common(5))
    more = f" and {len(left_out) - 5:,} more" if len(left_out) > 5 else ""
    return (
        f"{left_out.total():,} records left out, their channels are not configured: {shown}{more}; "
        "add `- {id: …, source: …, address: …}` under `channels`, or name one channel for the file"
    )
