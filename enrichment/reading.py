"""Everything that is understood of one text, in one go."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from enrichment.fingerprint import fingerprint
from enrichment.intent import IntentReader
from enrichment.lexicon import Lexicon
from enrichment.masking import mask
from enrichment.mentions import Mention, MentionFinder, TopicFinder
from enrichment.noise import NoiseReader
from enrichment.phrases import boundaries_of
from enrichment.regions import RegionFinder
from enrichment.script import Folded, fold, lower
from enrichment.sentiment import Mood, MoodReader
from enrichment.words import cut_words, open_segmenter


class Reading(NamedTuple):
    """What was understood; `enrichment.schema.ENRICHED` tells the meaning of each part."""

    script: str
    folded_text: str
    words: list[str]
    mentions: list[Mention]
    topics: list[str]
    mood: Mood
    intents: list[str]
    noise: list[str]
    regions: list[str]
    fingerprint: int | None


class Reader:
    """Reads texts with one lexicon; holds what is dear to build, keeps no state between texts."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._segmenter = open_segmenter(lexicon.frequencies)
        self._mentions = MentionFinder(lexicon)
        self._topics = TopicFinder(lexicon)
        self._mood = MoodReader()
        self._intents = IntentReader()
        self._noise = NoiseReader()
        self._regions = RegionFinder()

    def read(self, text: str) -> Reading:
        """Understand one text; never raises, time is linear in its length."""
        folded = fold(text)
        words = cut_words(self._segmenter, folded.text)
        boundaries = boundaries_of(words)
        lowered = lower(folded.text)
        speech = mask(lowered)
        mood = self._mood.read(speech, boundaries)
        return Reading(
            script=folded.script,
            folded_text=folded.text,
            words=words,
            mentions=_in_original(self._mentions.find(speech, boundaries), folded),
            topics=self._topics.find(speech, boundaries),
            mood=mood,
            intents=self._intents.read(speech, mood),
            noise=self._noise.read(lowered, text if folded.starts is not None else None),
            regions=self._regions.find(speech, boundaries),
            fingerprint=fingerprint(speech),
        )


def _in_original(mentions: list[Mention], folded: Folded) -> list[Mention]:
    if folded.starts is None:
        return mentions
    spans = (folded.span(mention.start, mention.end) for mention in mentions)
    return [m._replace(start=s, end=e) for m, (s, e) in zip(mentions, spans, strict=True)]


@lru_cache(maxsize=4)
def reader_of(lexicon: Lexicon) -> Reader:
    """Return this process's reader of a lexicon; building one takes a third of a second."""
    return Reader(lexicon)
