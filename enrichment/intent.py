"""What a writer is after and speaks of: phrases by name (data/intents.tsv, data/aspects.tsv)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from itertools import count
from typing import Final, NamedTuple

import numpy as np

from enrichment.characters import CODE_POINTS
from enrichment.cues import CueFinder, Cues, places_of
from enrichment.folded import FoldedBatch
from enrichment.joined import Flags, Places, are_free
from enrichment.phrases import ranges
from enrichment.tables import read_table

BLOCK: Final = "-"
"""Name of a phrase inside which no shorter one counts."""
ELLIPSIS: Final = "…"
"""Stands in a phrase of the list for what may lie between its halves."""
REACH: Final = 10
"""Characters, none of which ends a clause, that may."""
_BLANKS_BEFORE_END: Final = 4
_QUESTION: Final = ord("?")
_NO_PLACES: Final = np.zeros(0, np.int64)


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
        whole = [i for i, (phrase, _) in enumerate(rows) if ELLIPSIS not in phrase]
        self._pairs = _Pairs([(i, row[0]) for i, row in enumerate(rows) if ELLIPSIS in row[0]])
        self._whole_rows = np.array(whole, np.int64)
        self._names = np.array([known.index(name) - 1 for _, name in rows], np.int64)
        self.finders: Final = (CueFinder(rows[i][0] for i in whole), CueFinder(self._pairs.halves))
        """What finds the whole phrases and the halves that `tell` asks for."""

    def find(self, batch: FoldedBatch) -> NamedCues:
        """Return what stands in the batch, by place."""
        return self.tell(batch, *(finder.find(batch) for finder in self.finders))

    def tell(self, batch: FoldedBatch, whole: Cues, halves: Cues) -> NamedCues:
        """Return what the found phrases and halves come to, by place."""
        cues = whole._replace(entries=self._whole_rows[whole.entries])
        pairs = self._pairs.join(batch, halves)
        if len(pairs.starts):
            cues = Cues(*map(np.concatenate, zip(cues, pairs, strict=True)))
            cues = cues.only(np.lexsort((cues.ends, cues.starts)))
        names = self._names[cues.entries]
        holds = (names >= 0) & ~_lies_within(cues, cues.only(names < 0))
        kept = cues.only(holds)
        return NamedCues(kept.owners, names[holds], kept.starts, kept.ends)


class _Pairs:
    """Phrases of two halves, each with its row."""

    def __init__(self, phrases: Sequence[tuple[int, str]]) -> None:
        pairs = [(row, phrase.split(ELLIPSIS)) for row, phrase in phrases]
        self.halves = tuple(dict.fromkeys(half for _, both in pairs for half in both))
        self._width = max(1, len(self.halves))
        keys = [self.halves.index(a) * self._width + self.halves.index(b) for _, (a, b) in pairs]
        order = np.argsort(np.array(keys, np.int64), kind="stable")
        self._keys = np.array(keys, np.int64)[order]
        self._rows = np.array([row for row, _ in pairs], np.int64)[order]
        self._go_together = np.zeros(self._width**2, np.bool_)
        self._go_together[self._keys] = True
        self._is_first = np.zeros(self._width, np.bool_)
        self._is_first[self._keys // self._width] = True

    def join(self, batch: FoldedBatch, found: Cues) -> Cues:
        """Join each first half with the next second half of its row, within reach and clause.

        Of `found`, by place, entries are of `halves`; of what comes back they are rows.
        """
        firsts, seconds, keys = self._near(found)
        at, counts = places_of(self._keys, keys)
        rows = self._rows[ranges(at, counts)]
        firsts, seconds = np.repeat(firsts, counts), np.repeat(seconds, counts)
        # the nearest is the first of each
        _, nearest = np.unique(firsts * (rows.max(initial=0) + 1) + rows, return_index=True)
        firsts, seconds, rows = firsts[nearest], seconds[nearest], rows[nearest]
        begins, ends = found.ends[firsts], found.starts[seconds]
        questions = batch.asking[batch.codes[batch.asking] == _QUESTION]
        holds = are_free(begins, ends, batch.parting) & are_free(begins, ends, questions)
        pairs = Cues(found.starts[firsts], found.ends[seconds], found.owners[firsts], rows)
        return pairs.only(holds)

    def _near(self, found: Cues) -> tuple[Places, Places, Places]:
        """Return halves that go together with a later one within reach, the near ones first."""
        near = [(_NO_PLACES, _NO_PLACES, _NO_PLACES)]
        firsts = np.flatnonzero(self._is_first[found.entries])
        for distance in count(1):
            firsts = firsts[: np.searchsorted(firsts, len(found.starts) - distance)]
            gaps = found.starts[firsts + distance] - found.ends[firsts]
            firsts, gaps = firsts[gaps <= REACH], gaps[gaps <= REACH]
            if not len(firsts):
                break
            keys = found.entries[firsts] * self._width + found.entries[firsts + distance]
            holds = np.flatnonzero(self._go_together[keys] & (gaps > 0))
            near.append((firsts[holds], firsts[holds] + distance, keys[holds]))
        firsts, seconds, keys = map(np.concatenate, zip(*near, strict=True))
        return firsts, seconds, keys


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
