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
from enrichment.joined import Flags, Places
from enrichment.tables import read_table

BLOCK: Final = "-"
"""Name of a phrase inside which no other one counts."""
_BLANKS_BEFORE_END: Final = 4


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

    Phrases overlap freely (哪裡買 asks and wants to buy), but one that lies inside a phrase marked
    `-` does not count.
    """

    def __init__(self, table: str, names: Sequence[str]) -> None:
        rows = read_table(table)
        known = [BLOCK, *names]
        self._finder = CueFinder(phrase for phrase, _ in rows)
        self._names = np.array([known.index(name) - 1 for _, name in rows], np.int64)

    def find(self, batch: FoldedBatch) -> NamedCues:
        """Return what stands in the batch, by place."""
        cues = self._finder.find(batch)
        names = self._names[cues.entries]
        holds = (names >= 0) & ~_lies_within(cues, cues.only(names < 0))
        kept = cues.only(holds)
        return NamedCues(kept.owners, names[holds], kept.starts, kept.ends)


def _lies_within(cues: Cues, blocks: Cues) -> Flags:
    """Say of each span whether one of the others covers it."""
    if not len(blocks.starts):
        return np.zeros(len(cues.starts), np.bool_)
    order = np.argsort(blocks.starts, kind="stable")
    furthest = np.maximum.accumulate(blocks.ends[order])
    before = np.searchsorted(blocks.starts[order], cues.starts, side="right")
    return np.asarray((before > 0) & (furthest[(before - 1).clip(0)] >= cues.ends))


@cache
def _ends_clause() -> Flags:
    table = np.zeros(CODE_POINTS, np.bool_)
    table[[ord(sign) for sign in ",。!~…\n\0"]] = True
    return table


def find_questions(batch: FoldedBatch) -> Places:
    """Return where a sign or a particle asks: every `?`, and 吗 at the end of a clause."""
    codes = batch.codes
    signs, particles = np.flatnonzero(codes == ord("?")), np.flatnonzero(codes == ord("吗"))
    after = particles + 1  # a separator is there at the latest
    for _ in range(_BLANKS_BEFORE_END):
        after = after + (codes[after] == ord(" "))
    return np.sort(np.concatenate((signs, particles[_ends_clause()[codes[after]]])))
