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
from enrichment.features import FeatureFinder, Features
from enrichment.folded import FoldedBatch
from enrichment.intent import ASPECTS, INTENTS, Intent, NamedCues
from enrichment.joined import Flags
from enrichment.learning import probabilities
from enrichment.reasons import Held, find_reasons
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
    """An intent or aspect that holds, how surely (0 to 1), and words that spoke for it, if any."""

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


_FIRST_ASPECT: Final = 1 + len(INTENTS)
_KINDS: Final = {
    "intents": (slice(1, _FIRST_ASPECT), INTENTS),
    "aspects": (slice(_FIRST_ASPECT, len(HEADS)), ASPECTS),
}
"""Columns of the schema: where their names lie among `HEADS`, and the names."""


class LearnedModel:
    """Judges by trained weights."""

    def __init__(self, trained: Trained) -> None:
        self._trained = trained
        self._finder = FeatureFinder()

    def predict(self, batch: FoldedBatch) -> Predictions:
        features = self._finder.find(batch, self._trained.wanted)
        logits = self._trained.logits(features)
        told = probabilities(logits).round(DECIMALS)
        holds = told >= self._trained.thresholds
        intents, aspects = _with_questions(features), features.aspects
        return Predictions(
            *_moods(told[:, 0], self._trained.thresholds[0], features.mood),
            self._told("intents", features, intents, _Judged(told, logits, holds)),
            self._told("aspects", features, aspects, _Judged(told, logits, holds)),
        )

    def _told(self, kind: str, features: Features, cues: NamedCues, judged: _Judged) -> pa.Array:
        """Return a column of what holds, with its reasons, which may be none.

        Nothing holds in a text without a phrase or an n-gram that the model knows.
        """
        heads, names = _KINDS[kind]
        texts, which = np.nonzero(judged.holds[:, heads])
        evidence = judged.logits[:, heads] - self._trained.constants[heads]
        held = Held(texts, which + heads.start, evidence[texts, which])
        cues = cues._replace(names=cues.names + heads.start)
        reasons = find_reasons(features, self._trained, held, cues)
        sizes = np.bincount(reasons.items, minlength=len(texts))
        has_grams = np.bincount(features.grams.owners, minlength=features.count) > 0
        says = (sizes > 0) | has_grams[texts]
        texts, which = texts[says], which[says]
        said = string_column(features.batch.joined.cut(reasons.starts, reasons.ends))
        offsets = np.append(0, np.cumsum(sizes[says])).astype(np.int32)
        fields = [
            pa.array(names).take(pa.array(which)),
            pa.array(judged.told[:, heads][texts, which].astype(np.float32)),
            pa.ListArray.from_arrays(pa.array(offsets), said),
        ]
        kinds = list(ENRICHED.field(kind).type.value_type)
        counts = np.bincount(texts, minlength=features.count)
        return from_counts(kind, counts, pa.StructArray.from_arrays(fields, fields=kinds))


class _Judged(NamedTuple):
    """What a model says of a batch, a row for each text and a column for each of `HEADS`."""

    told: Numbers
    logits: Numbers
    holds: Flags


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
