"""The mood of a text, by a list of words, what scales them and the order they come in.

The list (data/mood.tsv) is our own. Nothing is guessed: a text without a word of the list has the
mood `unknown`, which is not `neutral`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

from enrichment.fitting import is_word_or_phrase
from enrichment.phrases import Hit, PhraseFinder, longest
from enrichment.tables import read_table

REACH: Final = 4
"""Characters over which a negation or a degree still acts; it never acts over punctuation."""
NEGATION: Final = -0.8  # 不好喝 is less than 難喝
BEFORE_CONTRAST: Final = 0.5  # 好喝但太貴: the writer's point comes last
ASKED: Final = {True: 0.2, False: 0.7}  # of praise and of blame that stands in a question
NEUTRAL_BELOW: Final = 0.15  # score
JUDGES_FROM: Final = 1.0  # weight after scaling

_ASKED_ABOUT: Final = re.compile(r"[^,。!;?\n]{0,12}?(?:吗|\?)")


class Sentiment(StrEnum):
    """Mood of a text; `neutral` has evidence on both sides or mild words only."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    UNKNOWN = "unknown"


class Mood(NamedTuple):
    """A mood: score -1 to 1 (None when unknown), confidence 0 to 1, and whether it judges."""

    sentiment: Sentiment
    score: float | None
    confidence: float
    is_praising: bool
    is_complaining: bool


class _Word(NamedTuple):
    role: str
    weight: float


class _Weighed(NamedTuple):
    value: float
    is_judgement: bool


NO_MOOD: Final = Mood(Sentiment.UNKNOWN, None, 0.0, False, False)


class MoodReader:
    """Reads the mood of folded, lower-cased, masked text; build once per process."""

    def __init__(self) -> None:
        self._finder = PhraseFinder(
            (phrase, _Word(role, float(weight))) for phrase, role, weight in read_table("mood")
        )

    def read(self, text: str, begins: bytes) -> Mood:
        """Return the mood; `begins` says, for each place, whether a word begins there."""
        found = self._finder.find(text)
        hits = longest([hit for hit in found if is_word_or_phrase(text, hit, begins)])
        weighed = _weigh(text, hits)
        return _judge(weighed) if weighed else NO_MOOD


def _weigh(text: str, hits: list[Hit[_Word]]) -> list[_Weighed]:
    weighed: list[_Weighed] = []
    scale, reached = 1.0, 0
    may_ask = "?" in text or "吗" in text
    for hit in hits:
        if not _reaches(text, reached, hit.start):
            scale = 1.0
        reached = hit.end
        role, weight = hit.payload
        if role == "negator":
            scale *= NEGATION
        elif role == "degree":
            scale *= weight
        elif role == "contrast":
            scale = 1.0
            weighed = [_Weighed(old.value * BEFORE_CONTRAST, old.is_judgement) for old in weighed]
        else:
            if weight:
                value = weight * scale
                if may_ask and _ASKED_ABOUT.match(text, hit.end):
                    value *= ASKED[value > 0]
                weighed.append(_Weighed(value, role == "judgement"))
            scale = 1.0
    return weighed


def _reaches(text: str, end: int, start: int) -> bool:
    between = text[end:start]
    return not between or (len(between) <= REACH and between.isalnum())


def _judge(weighed: list[_Weighed]) -> Mood:
    """Weigh both sides; one word alone is believed by half, every further one by half the rest."""
    gain = sum(value for value, _ in weighed if value > 0)
    pain = -sum(value for value, _ in weighed if value < 0)
    score = (gain - pain) / (gain + pain + 1)
    agreement = abs(gain - pain) / (gain + pain)
    belief = 1 - 0.5 ** min(len(weighed), 50)
    judgements = [value for value, is_judgement in weighed if is_judgement]
    sentiment = _label(score)
    is_clear = sentiment is not Sentiment.NEUTRAL
    return Mood(
        sentiment=sentiment,
        score=score,
        confidence=belief * (agreement if is_clear else 1 - agreement),
        is_praising=max(judgements, default=0.0) >= JUDGES_FROM,
        is_complaining=min(judgements, default=0.0) <= -JUDGES_FROM,
    )


def _label(score: float) -> Sentiment:
    if abs(score) < NEUTRAL_BELOW:
        return Sentiment.NEUTRAL
    return Sentiment.POSITIVE if score > 0 else Sentiment.NEGATIVE
