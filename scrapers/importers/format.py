"""What a named export format is: how it knows its files, and what a piece of one says.

A format is one module in `scrapers/importers/formats/` with one class, and beside it a description
of the same name: titles, sources, tables, time zone, and the keys that it ignores by name. Nothing
else knows of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated, Any, ClassVar, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lake.times import Instant
from scrapers.capabilities import declared_by
from scrapers.errors import SourceError
from scrapers.importers.head import Head
from scrapers.importers.items import read_items
from scrapers.importers.rows import Row
from scrapers.source import Title
from tingchao.formats import describe_format


class Description(BaseModel):
    """What is known of a format and is not code: `<name>.yml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Title
    written_by: Annotated[str, Field(min_length=3, description="the tool, and which file of it")]
    sources: Annotated[tuple[str, ...], Field(min_length=1)]
    tables: Annotated[tuple[str, ...], Field(min_length=1)]
    time_zone: str = "UTC"
    channel: Annotated[str, Field(min_length=3, description="what says whose channel a row is of")]
    capabilities: dict[str, bool | list[str] | None] = Field(
        default_factory=dict, description="what its files tell: scrapers.capabilities.declared_by"
    )
    ignored_keys: dict[str, str] = Field(default_factory=dict)
    personal_keys: tuple[str, ...] = Field(default=(), description="never kept, not as evidence")

    @model_validator(mode="after")
    def _says_what_it_tells(self) -> Self:
        for source in self.sources:
            declared_by(self.model_dump(), source)
        return self


class Sureness(IntEnum):
    """How sure a format is that a file is its own."""

    NO = 0
    POSSIBLE = 1
    LIKELY = 2
    CERTAIN = 3


@dataclass(frozen=True)
class Verdict:
    """What a format thinks of a file, and why."""

    sureness: Sureness
    why: str

    @classmethod
    def no(cls, why: str) -> Verdict:
        return cls(Sureness.NO, why)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a format is told of the file at hand; `memory` is its own, as long as the file."""

    head: Head
    zone: ZoneInfo
    now: datetime
    source: str
    constants: Mapping[str, str] = field(default_factory=dict)
    time_formats: tuple[str, ...] = ()
    counter_cap: int | None = None
    skipped: dict[str, int] = field(default_factory=dict)
    memory: dict[Any, Any] = field(default_factory=dict)
    unread: Counter[str] = field(default_factory=Counter)

    def note_unread(self, keys: Iterable[str]) -> None:
        """Report keys that nobody knows, of a piece that becomes no record by itself."""
        self.unread.update(keys)

    def skip(self, what: str) -> None:
        """Count a piece that is no record of ours."""
        self.skipped[what] = self.skipped.get(what, 0) + 1

    @property
    def saved_at(self) -> datetime:
        """When the file was last written: the instant of what tells no other."""
        return min(self.head.saved_at, self.now)


@dataclass(frozen=True, kw_only=True)
class Found:
    """One record for a table of the lake.

    In `record` people are still the platform's own ids, under `author`, `actor`, `customer`,
    `visitor`, `member`; `handles` maps a source to an id there. `channel` is the platform's own id
    of the channel, None when the file does not say; `happened` is what the record is evidence of.
    `raw` is what of the piece no column took, `unread` the keys that nobody knows. A record that
    `completes` tells only the counters of a post: the rest is as it was observed last. One that
    `is_extra` says the same piece once more, for whoever listens to that channel. `keyed` names
    columns whose id is made of a person's and lands as a pseudonym, too.
    """

    table: str
    record: dict[str, Any]
    source: str | None = None
    channel: str | None = None
    happened: Instant | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()
    keyed: frozenset[str] = frozenset()
    completes: bool = False
    is_extra: bool = False


class Format:
    """Base of every named format. Says NO to everything until it is told better."""

    name: ClassVar[str]
    version: ClassVar[int] = 1  # of what it makes of a file; a higher one reads old files again
    kept: ClassVar[frozenset[str] | None] = None  # keys of a refused piece; None: all but people

    @cached_property
    def described(self) -> Description:
        """The description; `SourceError` names the file and field that is wrong."""
        try:
            return Description.model_validate(describe_format(self.name))
        except ValidationError as error:
            raise SourceError(f"{self.name}.yml: {error}") from None

    def recognise(self, head: Head) -> Verdict:
        """Say whether a file is of this format, from its name, first bytes, columns and keys."""
        raise NotImplementedError

    def source_of(self, head: Head) -> str:
        """Return the source of a recognised file."""
        del head
        return self.described.sources[0]

    def items(self, head: Head, skipped: dict[str, int]) -> Iterator[Row]:
        """Yield the pieces of a file one by one; counts what is no piece in `skipped`."""
        for row in read_items(head, skipped):
            yield from (row,) if row.problem else self.explode(row)

    def explode(self, row: Row) -> Iterator[Row]:
        """Yield the pieces of a row or document; most rows are one."""
        yield row

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        """Yield what a piece says; `ParsingFailedError` sends it to quarantine."""
        raise NotImplementedError

    def close(self, reading: Reading) -> Iterator[Found]:
        """Yield what only the whole file says."""
        del reading
        yield from ()

    def table_of(self, row: Row) -> str:
        """Return the table that a refused piece was meant for."""
        del row
        return self.described.tables[0]

    def unknown(self, keys: frozenset[str]) -> frozenset[str]:
        """Return those keys that are not ignored by name; a name may end in `*`."""
        ignored = {*self.described.ignored_keys, *self.described.personal_keys}
        patterns = [name for name in ignored if "*" in name]
        left = keys.difference(ignored)
        return frozenset(k for k in left if not any(fnmatchcase(k, p) for p in patterns))
