"""Folding many texts at once: the same forms as `script.fold`, worked out on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from enrichment.characters import Kind, even_forms, kinds
from enrichment.joined import Codes, Flags, Joined, decode, encode, join
from enrichment.script import Script, convert, converter, fold_unevenly

_LINE_FEED: Final = 10
"""Stands for a separator while OpenCC reads: it ends at a NUL, and no phrase of it holds this."""
SCRIPTS: Final = (Script.NONE, Script.HANT, Script.HANS, Script.MIXED)
"""By the two lowest bits of `Kind`: whether a character of either script is there."""

Way = tuple[tuple[int, ...], tuple[int, ...]]
"""For each folded character, where it starts and ends in the original text."""


@dataclass(frozen=True)
class FoldedTexts:
    """Folded texts, the script of each as a place in `SCRIPTS`, and the way back where uneven."""

    joined: Joined
    scripts: NDArray[np.intp]
    ways: dict[int, Way] = field(default_factory=dict)

    def span(self, text: int, start: int, end: int) -> tuple[int, int]:
        """Return the half-open span of the original for a non-empty one of the folded text."""
        if text not in self.ways:
            return start, end
        starts, ends = self.ways[text]
        return starts[start], ends[end - 1]


def fold_all(texts: Sequence[str]) -> FoldedTexts:
    """Fold every text as `script.fold` folds it alone."""
    joined = join(texts)
    if not len(joined):
        return FoldedTexts(joined, np.zeros(0, np.intp))
    seen = _kinds_in(joined)
    ways: dict[int, Way] = {}
    if uneven := np.flatnonzero(seen & Kind.UNEVEN).tolist():
        plain = list(texts)
        for i in uneven:
            plain[i], *way = fold_unevenly(texts[i])
            ways[i] = (way[0], way[1])
        joined = join(plain)
    joined = joined.with_codes(even_forms().take(joined.codes))
    scripts = (_kinds_in(joined) & (Kind.TRADITIONAL | Kind.SIMPLIFIED)).astype(np.intp)
    return FoldedTexts(joined.with_codes(_simplify(joined, scripts)), scripts, ways)


def _kinds_in(joined: Joined) -> NDArray[np.uint16]:
    """Return, text by text, the kinds of all its characters together."""
    return np.bitwise_or.reduceat(kinds().take(joined.codes), joined.starts)


def _simplify(joined: Joined, scripts: NDArray[np.intp]) -> Codes:
    codes = joined.codes.copy()
    for script, name in ((Script.HANT, "tw2s"), (Script.MIXED, "t2s")):
        chosen = scripts == SCRIPTS.index(script)
        if chosen.any():
            _convert(joined, codes, chosen, name)
    return codes


def _convert(joined: Joined, codes: Codes, chosen: Flags, name: str) -> None:
    """Convert the chosen texts in one call; one by one should that have moved a line's end."""
    places = joined.each(chosen)
    before = codes[places]
    lines = np.where(before == 0, np.uint32(_LINE_FEED), before)
    after = encode(converter(name).convert(decode(lines)))
    if _ends_where(lines, after):
        codes[places] = np.where(before == 0, before, after)
        return
    for start, end in (span for i, span in enumerate(joined.spans()) if chosen[i]):
        codes[start:end] = encode(convert(converter(name), decode(codes[start:end])))


def _ends_where(lines: Codes, others: Codes) -> bool:
    """Whether two strings are of one length and have the ends of their lines in the same places."""
    if len(lines) != len(others):
        return False
    return np.array_equal(lines == _LINE_FEED, others == _LINE_FEED)
