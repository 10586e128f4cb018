"""The hook for what judges a text: mood, intents, aspects. A whole batch at a time.

Any `TextModel` will do: it sees the writer's own words as arrays and as strings, and answers in
columns of `schema.ENRICHED`. Equal input must give equal output, in every process and batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from enrichment.columns import from_counts, list_column, string_column
from enrichment.cues import places_of, ranges
from enrichment.features import FeatureFinder, Features
from enrichment.folded import FoldedBatch
from enrichment.intent import ASPECTS, INTENTS, Intent, NamedCues
from enrichment.joined import Flags, Places
from enrichment.learning import probabilities
from enrichment.schema import ENRICHED
from enrichment.sentiment import MoodEvidence, Sentiment
from enrichment.tables import shipped_model
from enrichment.trained import HEADS, Trained, from_bytes

__all__ = ["FoldedBatch", "LearnedModel", "Predictions", "TextModel", "Told", "open_model"]

WORDLESS: Final = 0.05
"""How much surer a mood must be that no word tells, only hints do: one alone is not enough."""

Numbers = NDArray[np.float64]

DECIMALS: Final = 4
"""Of scores and confidences: more than they are worth, and the same on every machine."""


class Told(NamedTuple):
    """An intent or aspect that holds, how surely (0 to 1), and the words that spoke for it."""

    name: str
    confidence: float
    words: list[str]


@dataclass(frozen=True)
class Predictions:
    """Columns of `schema.ENRICHED` of the same names and types; `of` makes them of plain lists."""

    sentiment: pa.Array
    sentiment_score: pa.Array
    sentiment_confidence: pa.Array
    intents: pa.Array
    aspects: pa.Array

    @classmethod
    def of(
        cls,
        moods: Sequence[tuple[str, float | None, float]],
        intents: Sequence[list[Told]],
        aspects: Sequence[list[Told]],
    ) -> Predictions:
        """Make columns of (sentiment, score, confidence) and of what was told, text by text."""
        labels, scores, confidences = zip(*moods, strict=True)
        return cls(
            pa.array(labels, pa.string()),
            pa.array(scores, ENRICHED.field("sentiment_score").type),
            pa.array(confidences, ENRICHED.field("sentiment_confidence").type),
            list_column("intents", intents),
            list_column("aspects", aspects),
        )


class TextModel(Protocol):
    """Judges a batch; built once per process, keeps no state between batches."""

    def predict(self, batch: FoldedBatch) -> Predictions: ...


INTENT_HEADS: Final = slice(1, 1 + len(INTENTS))
ASPECT_HEADS: Final = slice(INTENT_HEADS.stop, len(HEADS))


class LearnedModel:
    """Judges by trained weights."""

    def __init__(self, trained: Trained) -> None:
        self._trained = trained
        self._finder = FeatureFinder()

    def predict(self, batch: FoldedBatch) -> Predictions:
        features = self._finder.find(batch, self._trained.wanted)
        told = probabilities(self._trained.logits(features)).round(DECIMALS)
        is_told = told >= self._trained.thresholds
        return Predictions(
            *_moods(told[:, 0], self._trained.thresholds[0], features.mood),
            self._told("intents", batch, features, is_told, told),
            self._told("aspects", batch, features, is_told, told),
        )

    def _told(
        self, kind: str, batch: FoldedBatch, features: Features, is_told: Flags, told: Numbers
    ) -> pa.Array:
        """Return a column of what holds, each with the words that spoke for it; never without."""
        heads, names, cues = {
            "intents": (INTENT_HEADS, INTENTS, _with_questions(features)),
            "aspects": (ASPECT_HEADS, ASPECTS, features.aspects),
        }[kind]
        texts, which = np.nonzero(is_told[:, heads])
        spans = self._words(features, cues, texts, which, heads.start)
        speaks = np.flatnonzero(spans.sizes)
        texts, which = texts[speaks], which[speaks]
        said = string_column(batch.joined.cut(spans.starts, spans.ends))
        offsets = np.append(0, np.cumsum(spans.sizes[speaks])).astype(np.int32)
        fields = [
            pa.array(names).take(pa.array(which)),
            pa.array(told[texts, which + heads.start].astype(np.float32)),
            pa.ListArray.from_arrays(pa.array(offsets), said),
        ]
        kinds = list(ENRICHED.field(kind).type.value_type)
        counts = np.bincount(texts, minlength=len(batch))
        return from_counts(kind, counts, pa.StructArray.from_arrays(fields, fields=kinds))

    def _words(
        self, features: Features, cues: NamedCues, texts: Places, which: Places, head: int
    ) -> _Spans:
        """Return the phrases of the list that are in each text; without any, its best n-gram."""
        order = np.lexsort((cues.starts, cues.names, cues.owners))
        keys = (cues.owners * len(HEADS) + cues.names)[order]
        wanted = texts * len(HEADS) + which
        firsts, counts = places_of(keys, wanted)
        wordless = np.flatnonzero(counts == 0)
        grams, items = self._best_grams(features, texts[wordless], which[wordless] + head)
        at = order[ranges(firsts, counts)]
        owners = np.concatenate((np.repeat(np.arange(len(texts)), counts), wordless[items]))
        starts = np.concatenate((cues.starts[at], features.grams.starts[grams]))
        ends = np.concatenate((cues.ends[at], features.grams.ends[grams]))
        by_item = np.argsort(owners, kind="stable")
        sizes = np.bincount(owners, minlength=len(texts))
        return _Spans(starts[by_item], ends[by_item], sizes)

    def _best_grams(
        self, features: Features, texts: Places, heads: Places
    ) -> tuple[Places, Places]:
        """Return the n-gram that speaks most for a head in a text, and for which item it does.

        The first of equals; a single character says too little to be shown.
        """
        grams = features.grams
        firsts, counts = places_of(grams.owners, texts)
        items = np.flatnonzero(counts)
        entries = ranges(firsts[items], counts[items])
        rows = self._trained.slots[grams.buckets[entries]]
        weights = self._trained.grams[rows, np.repeat(heads[items], counts[items])].astype(np.int64)
        weights[grams.ends[entries] - grams.starts[entries] < 2] = 0
        if not len(items):
            return items, items
        keys = (weights << 40) - entries
        best = np.maximum.reduceat(keys, np.cumsum(counts[items]) - counts[items])
        speaks = best > 0
        return -best[speaks] & ((1 << 40) - 1), items[speaks]


class _Spans(NamedTuple):
    """Spans of several items, one after the other, and how many each has."""

    starts: Places
    ends: Places
    sizes: Places


def _with_questions(features: Features) -> NamedCues:
    """Return what speaks for intents, question marks among them."""
    cues, asked = features.intents, features.questions
    places = (
        features.owners_of(asked),
        np.full(len(asked), INTENTS.index(Intent.QUESTION)),
        asked,
        asked + 1,
    )
    return NamedCues(*(np.concatenate(pair) for pair in zip(cues, places, strict=True)))


def _moods(
    positive: Numbers, threshold: float, evidence: MoodEvidence
) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return mood, score and confidence of each text, by the probability that it is positive.

    Below the threshold a text with words of both sides, or of mild ones, is neutral; without any
    word the mood is unknown, unless hints and n-grams make it surer still.
    """
    score = 2 * positive - 1
    sure = np.maximum(positive, 1 - positive)
    is_known = evidence.word_counts > 0
    is_told = sure >= np.where(is_known, threshold, threshold + WORDLESS)
    labels = np.where(is_told, score < 0, np.where(is_known, 2, 3))
    names = (Sentiment.POSITIVE, Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.UNKNOWN)
    confidence = np.where(is_told, sure, np.where(is_known, 1 - np.abs(score), 0.0))
    return (
        pa.array(names).take(pa.array(labels)),
        pa.array(score.round(DECIMALS), mask=~(is_told | is_known)),
        pa.array(confidence.round(DECIMALS)),
    )


def open_model(content: bytes | None = None) -> TextModel:
    """Return the model in use: the one given, or else the one that comes with the package."""
    return LearnedModel(from_bytes(content or shipped_model()))
