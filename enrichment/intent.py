"""What a writer is after and speaks of: phrases by name (data/intents.tsv, data/aspects.tsv)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple

import numpy as np

from enrichment.characters import CODE_POINTS
from enrichment.cues import CueFinder, Cues
from enrichment.folded import FoldedBatch
from enrichment.joined import Flags, Places, are_free
from enrichment.tables import read_table

BLOCK: Final = "-"
"""Name of a phrase inside which no shorter one counts."""
ELLIPSIS: Final = "…"
"""Stands in a phrase of the list for what may lie between its halves."""
REACH: Final = 10
"""Characters, none of which ends a clause, that may."""
_BLANKS_BEFORE_END: Final = 4
_QUESTION: Final = ord("?")


class Intent(StrEnum):
    """What a writer may be after; a text can have several or none."""

    COMPLAINT = "complaint"
    QUESTION = "question"
    ORDER_PROBLEM = "order_problem"
    PURCHASE_INTENT = "purchase_intent"
    SEEK_RECOMMENDATION = "seek_recommendation"
    RECOMMENDATION = "recommendation"
    PRAISE = "praise"
    COMPARISON = "comparison"
    CRISIS = "crisis"


class Aspect(StrEnum):
    """What of a brand is spoken of; a text can have several or none."""

    PRODUCT = "product"
    PRICE = "price"
    DELIVERY = "delivery"
    SERVICE = "service"
    SAFETY = "safety"
    DESIGN = "design"
    ADVERTISING = "advertising"
    APP = "app"
    STORE = "store"


INTENTS: Final = tuple(sorted(Intent))
ASPECTS: Final = tuple(sorted(Aspect))


class NamedCues(NamedTuple):
    """Phrases that speak for something: the text, its place in the list of names, the span."""

    owners: Places
    names: Places
    starts: Places
    ends: Places


class CueReader:
    """Finds the phrases of a table (phrase, name) in a batch; build once per process.

    Phrases overlap freely (哪裡買 asks and wants to buy), but a shorter one that lies inside a
    phrase marked `-` does not count. `比…好` is two phrases in this order with a few characters
    between.
    """

    def __init__(self, table: str, names: Sequence[str]) -> None:
        rows = read_table(table)
        known = [BLOCK, *names]
        halves = [(half, i) for i, row in enumerate(rows) for half in row[0].split(ELLIPSIS)]
        self.finder: Final = CueFinder(half for half, _ in halves)
        """What finds the phrases, and halves of phrases, that `tell` asks for."""
        self._rows = np.array([i for _, i in halves], np.int64)
        self._is_second = np.append(False, self._rows[1:] == self._rows[:-1])
        self._is_paired = np.append(self._is_second[1:], False) | self._is_second
        self._names = np.array([known.index(name) - 1 for _, name in rows], np.int64)
        self._pair_of = np.zeros(len(rows), np.int64)
        self._pair_of[self._rows] = np.cumsum(self._is_second)  # a number for each row of two
        self._pair_count = int(self._is_second.sum()) + 1

    def find(self, batch: FoldedBatch) -> NamedCues:
        """Return what stands in the batch, by place."""
        return self.tell(batch, self.finder.find(batch))

    def tell(self, batch: FoldedBatch, found: Cues) -> NamedCues:
        """Return what the found phrases and halves come to, by place."""
        cues = self._whole(batch, found)
        names = self._names[cues.entries]
        holds = (names >= 0) & ~_lies_within(cues, cues.only(names < 0))
        kept = cues.only(holds)
        return NamedCues(kept.owners, names[holds], kept.starts, kept.ends)

    def _whole(self, batch: FoldedBatch, found: Cues) -> Cues:
        """Return whole phrases and pairs of halves; entries are rows of the table."""
        is_paired, is_second = self._is_paired[found.entries], self._is_second[found.entries]
        found = found._replace(entries=self._rows[found.entries])
        if not is_paired.any():
            return found
        pairs = self._pairs(batch, found.only(is_paired & ~is_second), found.only(is_second))
        both = map(np.concatenate, zip(found.only(~is_paired), pairs, strict=True))
        together = Cues(*both)
        return together.only(np.lexsort((together.ends, together.starts)))

    def _pairs(self, batch: FoldedBatch, firsts: Cues, seconds: Cues) -> Cues:
        """Join halves; before any are sorted, those go whose other half is not in their text."""
        first_rows, second_rows = (
            half.owners * self._pair_count + self._pair_of[half.entries]
            for half in (firsts, seconds)
        )
        is_there = np.zeros(len(batch) * self._pair_count, np.bool_)
        is_there[second_rows] = True
        firsts = firsts.only(is_there[first_rows])
        is_there[second_rows] = False
        is_there[first_rows] = True
        return _paired(batch, firsts, seconds.only(is_there[second_rows]))


def _paired(batch: FoldedBatch, firsts: Cues, seconds: Cues) -> Cues:
    """Join each first half with the next second half of its row, within reach and clause."""
    width = len(batch.codes) + 1
    order = np.lexsort((seconds.starts, seconds.entries))
    keys = (seconds.entries * width + seconds.starts)[order]
    at = np.searchsorted(keys, firsts.entries * width + firsts.ends + 1)
    holds = at < len(keys)
    firsts, at = firsts.only(holds), order[at[holds]]
    nexts = seconds.starts[at]
    gaps = nexts - firsts.ends
    holds = (seconds.entries[at] == firsts.entries) & (gaps <= REACH)
    holds &= are_free(firsts.ends, nexts, batch.parting)
    holds &= are_free(firsts.ends, nexts, batch.asking[batch.codes[batch.asking] == _QUESTION])
    return firsts._replace(ends=seconds.ends[at]).only(holds)


def _lies_within(cues: Cues, blocks: Cues) -> Flags:
    """Say of each span whether one of the others covers it and more."""
    if not len(blocks.starts):
        return np.zeros(len(cues.starts), np.bool_)
    furthest = np.append(-1, np.maximum.accumulate(blocks.ends))
    before = furthest[np.searchsorted(blocks.starts, cues.starts, side="left")]
    until = furthest[np.searchsorted(blocks.starts, cues.starts, side="right")]
    return np.asarray((before >= cues.ends) | (until > cues.ends))


@cache
def _ends_clause() -> Flags:
    table = np.zeros(CODE_POINTS, np.bool_)
    table[[ord(sign) for sign in ",。!~…\n\0"]] = True
    return table


def find_questions(batch: FoldedBatch) -> Places:
    """Return where a sign or a particle asks: every `?`, and 吗 at the end of a clause."""
    codes = batch.codes
    is_sign = codes[batch.asking] == _QUESTION
    signs, particles = batch.asking[is_sign], batch.asking[~is_sign]
    after = particles + 1  # a separator is there at the latest
    for _ in range(_BLANKS_BEFORE_END):
        after = after + (codes[after] == ord(" "))
    return np.sort(np.concatenate((signs, particles[_ends_clause()[codes[after]]])))
