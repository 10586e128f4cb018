"""The hook for what judges a text: mood, intents, aspects. A whole batch at a time.

Any `TextModel` will do: it sees the writer's own words as arrays and as strings, and answers in
columns of `schema.ENRICHED`. Equal input must give equal output, in every process and batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple, Protocol

import pyarrow as pa

from enrichment.columns import list_column
from enrichment.intent import IntentReader
from enrichment.joined import Codes, Flags, Joined, Places
from enrichment.schema import ENRICHED
from enrichment.sentiment import Mood, MoodReader


@dataclass(frozen=True)
class FoldedBatch:
    """The own words of every text: folded to Simplified, in lower case, masked.

    What is no speech (addresses, accounts, private numbers) and what is quoted is blank, position
    for position. Text `i` is `codes[offsets[i] : offsets[i + 1] - 1]`; behind it stands a separator
    (U+0000), so an n-gram over the whole array that holds one crosses two texts. `begins` says, for
    each position and one more, whether a word begins there; separators are words.
    """

    joined: Joined
    begins: Flags

    def __len__(self) -> int:
        return len(self.joined)

    @property
    def codes(self) -> Codes:
        """Unicode code points, uint32."""
        return self.joined.codes

    @property
    def offsets(self) -> Places:
        """Where texts begin, int64; one more than there are texts."""
        return self.joined.offsets

    @cached_property
    def texts(self) -> list[str]:
        """The same as strings."""
        return self.joined.texts

    def begins_in(self, i: int) -> bytes:
        """Return for each place of text `i` and its end whether a word begins there: 1 or 0."""
        return self.begins[int(self.offsets[i]) : int(self.offsets[i + 1])].tobytes()


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


BY_LIST: Final = 1.0  # a phrase of the list is there or it is not


class ListModel:
    """Mood and intents by our lists of words (data/mood.tsv, data/intents.tsv); no aspects."""

    def __init__(self) -> None:
        self._mood = MoodReader()
        self._intents = IntentReader()

    def predict(self, batch: FoldedBatch) -> Predictions:
        moods = [self._mood.read(t, batch.begins_in(i)) for i, t in enumerate(batch.texts)]
        intents = [
            [Told(name, BY_LIST, words) for name, words in self._intents.read(text, mood).items()]
            for text, mood in zip(batch.texts, moods, strict=True)
        ]
        return Predictions.of(list(map(_labelled, moods)), intents, [[] for _ in moods])


def _labelled(mood: Mood) -> tuple[str, float | None, float]:
    return mood.sentiment, mood.score, mood.confidence


def open_model() -> TextModel:
    """Return the model in use."""
    return ListModel()
