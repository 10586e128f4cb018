"""A JSON object of an API whose keys are taken by name; what nobody took is told.

Names are dotted: `snippet.topLevelComment.id`. Keys that name a person are left out of what is
kept, at any depth.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from scrapers.errors import ParsingFailedError

MAX_ID, MAX_DIGITS = 800, 64  # characters of an id, an at:// address at most; of a number
# An escape: a pair of surrogates, half a pair, or any other one, an escaped backslash too.
ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.S,
)


class JsonRecord:
    """One record of an answer; `ParsingFailedError` when it or a value is of a wrong kind."""

    def __init__(self, data: Any, people: Collection[str] = frozenset()) -> None:
        if not isinstance(data, Mapping):
            raise ParsingFailedError(
                "not_an_object", f"expected a JSON object, found {type(data).__name__}"
            )
        self._data, self._people = data, frozenset(people)
        self._taken: set[str] = set()

    def take(self, name: str) -> Any:
        """Return the value of a key and all below it as read; None when it is not there."""
        self._taken.add(name)
        value: Any = self._data
        for key in name.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def text(self, name: str) -> str | None:
        """Return a text; None when the key is absent, null or empty."""
        value = self.take(name)
        if value is not None and not isinstance(value, str):
            raise _wrong(name, "text", value)
        return value or None

    def id(self, name: str) -> str:
        """Return an id, which must be there; a number becomes text."""
        found = self.find_id(name)
        if found is None:
            raise ParsingFailedError("missing_key", f"expected {name}, found none")
        return found

    def find_id(self, name: str) -> str | None:
        """Return an id as text; None when it is absent, null or empty."""
        value = self.take(name)
        if isinstance(value, bool) or not isinstance(value, str | int | None):
            raise _wrong(name, "an id", value)
        native = str(value) if value not in (None, "") else None
        if native is not None and len(native) > (MAX_DIGITS if native.isdecimal() else MAX_ID):
            raise ParsingFailedError(
                "damaged_id",
                f"{name}: expected an id of at most {MAX_DIGITS} digits or {MAX_ID} characters, "
                f"found {len(native):,}",
            )
        if native is not None and (not native.isprintable() or "\ufffd" in native):
            raise ParsingFailedError("damaged_id", f"{name}: expected an id, found {native!a:.60}")
        return native

    def objects(self, name: str) -> list[Any]:
        """Return a list; an absent one is empty."""
        value = self.take(name)
        if value is not None and not isinstance(value, list):
            raise _wrong(name, "a list", value)
        return value or []

    @property
    def unread(self) -> frozenset[str]:
        """Names of what nobody took, each as high up as nobody did."""
        return frozenset(self._left(self._data, ""))

    @property
    def raw(self) -> dict[str, Any]:
        """The record as received, without the people in it."""
        kept: dict[str, Any] = without(self._data, self._people)
        return kept

    def _left(self, data: Mapping[str, Any], above: str) -> Iterator[str]:
        for key, value in data.items():
            name = f"{above}{key}"
            if key in self._people or name in self._taken:
                continue
            is_opened = any(taken.startswith(f"{name}.") for taken in self._taken)
            if is_opened and isinstance(value, Mapping):
                yield from self._left(value, f"{name}.")
            elif not is_opened:
                yield name


def without(value: Any, keys: Collection[str]) -> Any:
    """Return a copy of a JSON value that has none of the keys, at any depth."""
    if isinstance(value, Mapping):
        return {k: without(v, keys) for k, v in value.items() if k not in keys}
    if isinstance(value, list):
        return [without(v, keys) for v in value]
    return value


def make_json_storable(text: str) -> str:
    """Return a JSON text in which half a surrogate pair, which nothing can store, is U+FFFD."""
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return ESCAPE.sub(lambda found: "\\ufffd" if found[1] else found[0], text)


def _wrong(name: str, expected: str, value: Any) -> ParsingFailedError:
    return ParsingFailedError("wrong_kind", f"{name}: expected {expected}, found {value!r:.60}")
