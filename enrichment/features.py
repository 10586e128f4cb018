"""What a linear model knows of a text: a few numbers of our lists, and its n-grams.

The numbers are whole: with whole weights every sum is exact, so neither the batch nor the machine
can change a prediction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from enrichment.cues import CueFinders
from enrichment.folded import FoldedBatch
from enrichment.grams import Grams, count_open, find_grams
from enrichment.intent import ASPECTS, INTENTS, CueReader, NamedCues, find_questions
from enrichment.joined import Flags, Places
from enrichment.learning import Rows
from enrichment.sentiment import MoodEvidence, MoodReader

UNIT: Final = 256
"""Dense features are told in whole parts of this."""
SHORTEST: Final = 9
"""Characters of a text in which an n-gram counts in full; it counts less in a longer one."""
MOOD_COLUMNS: Final = (
    "score",
    "balance",
    "gain",
    "pain",
    "best",
    "worst",
    "praised",
    "blamed",
    "silent",
    "last",
    "hints",
    "asks",
    "shouts",
    "length",
)
COLUMNS: Final = (
    *MOOD_COLUMNS,
    *(f"intent:{name}" for name in INTENTS),
    *(f"aspect:{name}" for name in ASPECTS),
)

_SATURATED: Final = 1 - 0.5 ** np.arange(21)

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Features:
    """Features of a batch, and the words behind them."""

    batch: FoldedBatch
    dense: Whole
    """One row per text, a column for each of `COLUMNS`, in parts of `UNIT`."""
    grams: Grams
    scales: NDArray[np.float64]
    """What an n-gram counts in each text: less in a long one."""
    intents: NamedCues
    aspects: NamedCues
    questions: Places
    mood: MoodEvidence

    @property
    def count(self) -> int:
        """Number of texts."""
        return len(self.batch)

    def owners_of(self, places: Places) -> Places:
        """Return the text that each position is in."""
        return self.batch.joined.owners(places)

    def rows(self, slots: Whole, width: int) -> Rows:
        """Return rows to fit; `slots` gives the column of every bucket, -1 for none."""
        at = slots[self.grams.buckets]
        kept = at >= 0
        dense = self.dense / UNIT
        return Rows(at[kept], self.grams.owners[kept], self.scales, dense, width)


class FeatureFinder:
    """Finds the features of a batch; build once per process."""

    def __init__(self) -> None:
        self._mood = MoodReader()
        self._intents = CueReader("intents", INTENTS)
        self._aspects = CueReader("aspects", ASPECTS)
        readers = (self._mood, self._intents, self._aspects)
        self._cues = CueFinders([finder for reader in readers for finder in reader.finders])

    def find(self, batch: FoldedBatch, wanted: Flags | None = None) -> Features:
        """Return the features of a batch; of n-grams only those in `wanted` buckets, if given."""
        count = len(batch)
        words, hints, of_intents, halves, of_aspects, other_halves = self._cues.find(batch)
        mood = self._mood.tell(batch, words, hints)
        intents = self._intents.tell(batch, of_intents, halves)
        aspects = self._aspects.tell(batch, of_aspects, other_halves)
        questions = find_questions(batch)
        lengths = count_open(batch)
        numbers = [
            *_mood_columns(mood),
            _count(batch, questions),
            _count(batch, np.flatnonzero(batch.codes == ord("!"))),
            lengths / (lengths + 40),
            *_flags(intents, len(INTENTS), count),
            *_flags(aspects, len(ASPECTS), count),
        ]
        return Features(
            batch=batch,
            dense=np.rint(np.stack(numbers, axis=1) * UNIT).astype(np.int64),
            grams=find_grams(batch, wanted),
            scales=1 / np.sqrt(np.maximum(lengths / SHORTEST, 1)),
            intents=intents,
            aspects=aspects,
            questions=questions,
            mood=mood,
        )


def _mood_columns(mood: MoodEvidence) -> list[NDArray[np.float64]]:
    gap = mood.gain - mood.pain
    return [
        mood.score,
        gap / (np.abs(gap) + 4),
        mood.gain / (mood.gain + 1),
        mood.pain / (mood.pain + 1),
        mood.best / (mood.best + 1),
        mood.worst / (mood.worst - 1),
        (mood.gain > 0) * 1.0,
        (mood.pain > 0) * 1.0,
        (mood.word_counts == 0) * 1.0,
        np.sign(mood.last),
        mood.hints / (np.abs(mood.hints) + 1),
    ]


def _count(batch: FoldedBatch, places: Places) -> NDArray[np.float64]:
    """Return for each text how often something stands in it: 0, 1/2, 3/4, …"""
    return _saturated(np.bincount(batch.joined.owners(places), minlength=len(batch)))


def _flags(cues: NamedCues, names: int, count: int) -> NDArray[np.float64]:
    """Return, name by name, how much speaks for it in each text: 0, 1/2, 3/4, …"""
    counts = np.bincount(cues.names * count + cues.owners, minlength=names * count)
    return _saturated(counts.reshape(names, count))


def _saturated(counts: Places) -> NDArray[np.float64]:
    return np.asarray(_SATURATED[np.minimum(counts, len(_SATURATED) - 1)], np.float64)
