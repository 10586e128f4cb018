"""Everything that is understood of texts, in one go."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from enrichment.columns import from_counts, string_column
from enrichment.fingerprint import Prints
from enrichment.folding import SCRIPTS
from enrichment.heard import Heard, hear
from enrichment.lexicon import Lexicon
from enrichment.masking import Masking
from enrichment.mentions import Mention, MentionFinder, TopicFinder
from enrichment.model import FoldedBatch, Told, open_model
from enrichment.noise import NoiseReader
from enrichment.regions import RegionFinder
from enrichment.schema import ENRICHED
from enrichment.words import open_segmenter

MASKED: Final = {
    "email_count": Masking.EMAIL,
    "phone_count": Masking.PHONE,
    "identity_count": Masking.IDENTITY,
    "account_count": Masking.ACCOUNT,
}


class Mood(NamedTuple):
    """A mood: score -1 to 1 (None when unknown), confidence 0 to 1."""

    sentiment: str
    score: float | None
    confidence: float


class Reading(NamedTuple):
    """What was understood of one text; `schema.ENRICHED` tells the meaning of each part."""

    script: str
    folded_text: str
    words: list[str]
    mentions: list[Mention]
    topics: list[str]
    mood: Mood
    intents: list[Told]
    aspects: list[Told]
    noise: dict[str, float]
    quotes: list[tuple[int, int]]
    own_length: int
    regions: list[str]
    masked_counts: dict[str, int]
    fingerprint: int | None
    bands: list[int]


class Reader:
    """Reads texts with one lexicon; holds what is dear to build, keeps no state between texts."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._segmenter = open_segmenter(lexicon.frequencies)
        self._mentions = MentionFinder(lexicon)
        self._topics = TopicFinder(lexicon)
        self._model = open_model(lexicon.model)
        self._noise = NoiseReader()
        self._regions = RegionFinder()

    def read(self, text: str) -> Reading:
        """Understand one text; never raises, time is linear in its length."""
        columns = self.read_all([text])
        row: dict[str, Any] = {name: column[0].as_py() for name, column in columns.items()}
        ends = np.cumsum(row["word_lengths"]).tolist()
        return Reading(
            script=row["script"],
            folded_text=row["folded_text"],
            words=[
                row["folded_text"][a:b] for a, b in zip([0, *ends[:-1]], ends, strict=False) if b
            ],
            mentions=[Mention(**mention) for mention in row["mentions"]],
            topics=row["topics"],
            mood=Mood(*(row[n] for n in ("sentiment", "sentiment_score", "sentiment_confidence"))),
            intents=[Told(**told) for told in row["intents"]],
            aspects=[Told(**told) for told in row["aspects"]],
            noise={told["rule"]: told["score"] for told in row["noise"]},
            quotes=[(quote["start"], quote["end"]) for quote in row["quotes"]],
            own_length=row["own_length"],
            regions=row["regions"],
            masked_counts={name: row[name] for name in MASKED},
            fingerprint=row["fingerprint"],
            bands=row["bands"],
        )

    def read_all(self, texts: Sequence[str]) -> dict[str, pa.Array]:
        """Understand texts, at least one, into columns of `schema.ENRICHED` by name."""
        heard = hear(texts, self._segmenter)
        judged = self._model.predict(FoldedBatch(heard.own, heard.begins))
        prints = Prints(heard)
        return {
            "script": _script_column(heard),
            "folded_text": string_column(heard.shown),
            "word_lengths": _word_lengths(heard),
            "mentions": self._mentions.find(heard),
            "topics": self._topics.find(heard),
            **vars(judged),
            "noise": self._noise.read(heard),
            "quotes": _quotes(heard),
            "own_length": pa.array(heard.own_lengths.astype(np.int32)),
            "regions": self._regions.find(heard),
            **_masked_counts(heard),
            "fingerprint": prints.fingerprints(),
            "bands": prints.bands(),
            **prints.sketches(),
        }


def _script_column(heard: Heard) -> pa.Array:
    names = pa.array([script.value for script in SCRIPTS])
    return names.take(pa.array(heard.folded.scripts))


def _word_lengths(heard: Heard) -> pa.Array:
    begins = np.flatnonzero(heard.begins)
    is_word = ~heard.shown.is_separator()[begins[:-1]]
    counts = heard.shown.count(heard.begins[:-1]) - 1  # the separator is none of its words
    return from_counts("word_lengths", counts, pa.array(np.diff(begins)[is_word].astype(np.uint16)))


def _quotes(heard: Heard) -> pa.Array:
    starts, ends = np.array(heard.quotes, np.int64).reshape(-1, 2).T
    owners = heard.lowered.owners(starts)
    spans = [places.astype(np.int32) for places in heard.in_originals(owners, starts, ends)]
    kinds = list(ENRICHED.field("quotes").type.value_type)
    fields = pa.StructArray.from_arrays(list(map(pa.array, spans)), fields=kinds)
    return from_counts("quotes", np.bincount(owners, minlength=len(heard)), fields)


def _masked_counts(heard: Heard) -> dict[str, pa.Array]:
    counts = {n: np.bincount(heard.masked(w), minlength=len(heard)) for n, w in MASKED.items()}
    return {name: pa.array(count.astype(np.int32)) for name, count in counts.items()}


@lru_cache(maxsize=4)
def reader_of(lexicon: Lexicon) -> Reader:
    """Return this process's reader of a lexicon; building one takes a third of a second."""
    return Reader(lexicon)
