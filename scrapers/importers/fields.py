"""A piece of somebody's export, its keys taken by name; what nobody took is known in the end.

Each reader returns None for what says nothing and raises `ParsingFailedError`, naming the key, for
what says something else than expected.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import tzinfo
from decimal import Decimal
from typing import Any, TypeVar

from lake.counters import Counter, CounterFormatError, parse_counter
from lake.times import Instant, TimeFormatError, parse_time
from scrapers.errors import ParsingFailedError
from scrapers.importers.mapping import PERSONAL
from scrapers.parsers.values import (
    read_amount,
    read_flag,
    read_id,
    read_tags,
    read_text,
    read_word,
)

MAX_ID = 200  # characters; the longest that a platform is known to have is about half of it
MAX_DEPTH = 32

_T = TypeVar("_T")


class Fields:
    """A raw record being read: `take` once, and `left` and `unread` tell the rest."""

    def __init__(self, raw: Mapping[str, Any], path: str = "") -> None:
        self.raw = raw
        self.path = path
        self._taken: set[str] = set()
        self._inner: list[Fields] = []

    def take(self, *names: str) -> Any:
        """Take some keys; return the value of the first that says anything."""
        self._taken.update(names)
        return next((v for n in names if (v := self.raw.get(n)) not in (None, "")), None)

    @property
    def untaken(self) -> list[str]:
        """The keys that nobody took yet, in their order."""
        return [name for name in self.raw if name not in self._taken]

    def inner(self, name: str) -> Fields:
        """Take a nested object, to be read in turn; an empty one when there is none."""
        value = self.take(name)
        inner = Fields(value if isinstance(value, Mapping) else {}, f"{self.path}{name}.")
        self._inner.append(inner)
        return inner

    def each(self, name: str) -> list[Fields]:
        """Take a list of objects, or an object of them, each to be read in turn."""
        value = self.take(name)
        listed = value.values() if isinstance(value, Mapping) else value
        objects = [v for v in listed if isinstance(v, Mapping)] if _is_many(listed) else []
        found = [Fields(one, f"{self.path}{name}.") for one in objects]
        self._inner += found
        return found

    def text(self, *names: str) -> str | None:
        return self._read(read_text, names)

    def word(self, *names: str) -> str | None:
        """Return one code or name, None where a word says that there is none."""
        return self._read(read_word, names)

    def id(self, *names: str) -> str | None:
        """Return an id as text; one that was damaged, or is none for its length, is refused."""
        return self._read(_read_short_id, names)

    def flag(self, *names: str) -> bool | None:
        return self._read(read_flag, names)

    def tags(self, *names: str) -> list[str] | None:
        return self._read(read_tags, names)

    def amount(self, *names: str) -> Decimal | None:
        return self._read(read_amount, names)

    def counter(self, name: str, *names: str, cap: int | None = None) -> Counter:
        """Return a counter under the platform's word for it; of an absent key it is missing."""
        return self._read(lambda value: parse_counter(name, value, cap=cap), names, or_none=False)

    def counters(self, **names: str | tuple[str, ...]) -> list[dict[str, Any]] | None:
        """Return the counters whose keys are there; None when there are none."""
        asked = ((n, keys if isinstance(keys, tuple) else (keys,)) for n, keys in names.items())
        there = [(n, keys) for n, keys in asked if any(key in self.raw for key in keys)]
        return [dict(self.counter(name, *keys)) for name, keys in there] or None

    def instant(self, zone: tzinfo, *names: str) -> Instant | None:
        """Return a time of any unambiguous format; Unix times by their size."""
        return self.parsed(lambda value: parse_time(value, zone), *names)

    def parsed(self, parse: Callable[[Any], _T], *names: str) -> _T | None:
        """Return what a reader of the platform's own makes of the value."""
        return self._read(parse, names)

    @property
    def left(self) -> dict[str, Any]:
        """What no column took and names nobody."""
        rest = {k: v for k, v in self.raw.items() if k not in self._taken and v not in (None, "")}
        kept: dict[str, Any] = without_people(rest)
        for inner in self._inner:
            if inner_left := inner.left:
                kept.setdefault(inner.path.removeprefix(self.path).rstrip("."), inner_left)
        return kept

    @property
    def unread(self) -> frozenset[str]:
        """The keys that nobody took, nested ones with dots."""
        own = {f"{self.path}{name}" for name in self.raw if name not in self._taken}
        return frozenset(own.union(*(inner.unread for inner in self._inner)))

    def _read(
        self, read: Callable[[Any], Any], names: tuple[str, ...], or_none: bool = True
    ) -> Any:
        value = self.take(*names)
        if value is None and or_none:
            return None
        try:
            return read(value)
        except ParsingFailedError as error:
            raise ParsingFailedError(error.rule, f"{self._said(names)}: {error}") from None
        except TimeFormatError as error:
            raise ParsingFailedError("time_format", f"{self._said(names)}: {error}") from None
        except CounterFormatError as error:
            raise ParsingFailedError("counter_format", str(error)) from None
        except (TypeError, ValueError, AttributeError, ArithmeticError):
            # a reader is written for what a platform prints, and this is not even text
            found = f"{self._said(names)}: found {type(value).__name__} where none can be"
            raise ParsingFailedError("wrong_type", found) from None

    def _said(self, names: tuple[str, ...]) -> str:
        found = next((name for name in names if self.raw.get(name) not in (None, "")), names[0])
        return f"{self.path}{found}"


def timed(stem: str, instant: Instant | None) -> dict[str, Any]:
    """Return the columns of a time: `published_at`, its precision, and as it was printed."""
    if instant is None:
        return {}
    columns = {f"{stem}_at": instant.at, f"{stem}_precision": str(instant.precision)}
    return columns | ({"published_raw": instant.raw} if stem == "published" else {})


def without_people(value: Any, named: Collection[str] = frozenset(), depth: int = MAX_DEPTH) -> Any:
    """Return a raw value without the keys that speak of a person, at any depth, or are `named`."""
    if depth == 0:
        return "[too deep]"
    if isinstance(value, Mapping):
        return {
            name: without_people(inner, named, depth - 1)
            for name, inner in value.items()
            if name not in named and not PERSONAL.search(str(name))
        }
    if isinstance(value, list):
        return [without_people(inner, named, depth - 1) for inner in value]
    return value


def needed(value: _T | None, name: str) -> _T:
    """Return a value without which there is no record."""
    if value is None:
        raise ParsingFailedError("missing_value", f"{name}: required, found nothing")
    return value


def _is_many(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str)


def _read_short_id(value: Any) -> str | None:
    native = read_id(value)
    if native is not None and len(native) > MAX_ID:
        raise ParsingFailedError(
            "damaged_id", f"expected an id of at most {MAX_ID} characters, found {len(native):,}"
        )
    if native is not None and not native.isprintable():
        raise ParsingFailedError("damaged_id", f"expected an id, found {native!a:.60}")
    return native
