"""What speaks for a mood: words of a list, what scales them and the order they come in.

The lists are our own: words that have a mood (data/mood.tsv), and hints (data/hints.tsv), which
lean to one side in talk about anything: 加班, 早安, 又. All of it is worked out on arrays of a
batch; the outcome for a text does not depend on its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from enrichment.characters import Kind, kinds
from enrichment.cues import CueFinder, Cues
from enrichment.folded import FoldedBatch
from enrichment.joined import Codes, Flags, Places, are_free
from enrichment.tables import read_table

REACH: Final = 4
"""Characters over which a negation or a degree still acts; it never acts over punctuation."""
MOST_SCALING: Final = 6  # words in a row that scale one and the same
NEGATION: Final = -0.8  # 不好喝 is less than 難喝
BEFORE_CONTRAST: Final = 0.5  # 好喝但太貴: the writer's point comes last
CONTRASTED_WITHIN: Final = 20  # characters: in a long review a contrast takes back one point
IN_A_STORY: Final = 0.4  # of grief: in a text about a book it is the book's
ASKED: Final = {True: 0.2, False: 0.7}  # of praise and of blame that stands in a question
ASKED_WITHIN: Final = 12  # characters between a word and the question mark
HINT: Final = 0.5
"""What a hint counts beside a word of the same weight."""
LONG: Final = 60
"""Characters from which hints count less and less: a long text holds some of either side."""
FIRST: Final = 0.35
"""Share of a long text in which most writers say what they think of it all."""
AT_FIRST: Final = 1.5  # what a word counts there

Numbers = NDArray[np.float64]


class Sentiment(StrEnum):
    """Mood of a text; `neutral` is without one as far as one can tell, `unknown` abstains."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    UNKNOWN = "unknown"


ROLES: Final = ("judgement", "feeling", "plain", "negator", "degree", "contrast", "story")
JUDGEMENT, FEELING, PLAIN, NEGATOR, DEGREE, CONTRAST, STORY = range(len(ROLES))


class Weighed(NamedTuple):
    """The words of a batch that have a mood, by place, after scaling.

    Each begins with what scales it: 不好喝 is one span.
    """

    owners: Places
    starts: Places
    ends: Places
    values: Numbers
    roles: Places


@dataclass(frozen=True)
class MoodEvidence:
    """What speaks for a mood, text by text; `gain` and `pain` are sums of weights, both ≥ 0."""

    gain: Numbers
    pain: Numbers
    hints: Numbers
    """Sum of the weights of hints, below 0 if they lean to the bad side."""
    word_counts: Places
    last: Numbers
    """Value of the last word that has one; 0 without any."""
    best: Numbers
    worst: Numbers
    """Of judgements, highest and lowest value; 0 without any on that side."""
    words: Weighed

    @property
    def score(self) -> Numbers:
        """-1 to 1; 0 without a word and a hint."""
        hints = HINT * self.hints
        weight = self.gain + self.pain + np.abs(hints)
        return np.asarray((self.gain - self.pain + hints) / (weight + 1), np.float64)


class MoodReader:
    """Weighs the words of our lists in a batch; build once per process."""

    def __init__(self) -> None:
        rows = read_table("mood")
        self._words = CueFinder((phrase for phrase, _, _ in rows), longest=True)
        self._roles = np.array([ROLES.index(role) for _, role, _ in rows])
        self._weights = np.array([float(weight) for _, _, weight in rows])
        hints = read_table("hints")
        self._hints = CueFinder((phrase for phrase, _ in hints), longest=True)
        self._hint_weights = np.array([float(weight) for _, weight in hints])
        self.finders: Final = (self._words, self._hints)
        """What finds the words and the hints that `tell` asks for."""

    def read(self, batch: FoldedBatch) -> MoodEvidence:
        """Return what speaks for a mood in each text."""
        return self.tell(batch, *(finder.find(batch) for finder in self.finders))

    def tell(self, batch: FoldedBatch, words: Cues, hints: Cues) -> MoodEvidence:
        """Return what found words and hints say of the mood of each text."""
        return summed(self._weighed(batch, words), self._leaning(batch, words, hints))

    def weigh(self, batch: FoldedBatch) -> Weighed:
        """Return the words that have a mood, scaled by what stands around them."""
        return self._weighed(batch, self._words.find(batch))

    def _leaning(self, batch: FoldedBatch, words: Cues, hints: Cues) -> Numbers:
        """Add up the hints of each text that share no character with a word of a mood."""
        words = words.only(self._roles[words.entries] <= FEELING)
        before = np.append(-1, words.ends)[np.searchsorted(words.starts, hints.ends)]
        hints = hints.only(before <= hints.starts)
        sums = _sums(hints.owners, self._hint_weights[hints.entries], len(batch))
        return np.asarray(sums / np.sqrt(np.maximum(batch.joined.lengths / LONG, 1)), np.float64)

    def _weighed(self, batch: FoldedBatch, cues: Cues) -> Weighed:
        roles = self._roles[cues.entries]
        scales, firsts = _scales(batch, cues, roles, self._weights)
        values = self._weights[cues.entries] * scales
        values *= _before_contrast(cues, roles) * _at_first(batch, cues)
        tells_story = np.bincount(cues.owners[roles == STORY], minlength=len(batch)) > 0
        values[(roles == FEELING) & (values < 0) & tells_story[cues.owners]] *= IN_A_STORY
        asked = _is_asked(batch.codes, cues.ends)
        values[asked & (values > 0)] *= ASKED[True]
        values[asked & (values < 0)] *= ASKED[False]
        holds = (roles <= FEELING) & (values != 0)
        starts = cues.starts[firsts[holds]]
        return Weighed(cues.owners[holds], starts, cues.ends[holds], values[holds], roles[holds])


def _scales(
    batch: FoldedBatch, cues: Cues, roles: Places, weights: Numbers
) -> tuple[Numbers, Places]:
    """Return by what each phrase is scaled, and the first of the phrases that scale it.

    It is the product of the negators and degrees before it.
    """
    own = np.ones(len(roles))
    own[roles == NEGATOR] = NEGATION
    own[roles == DEGREE] = weights[cues.entries[roles == DEGREE]]
    is_linked = np.zeros(len(roles), np.bool_)  # with the phrase before, and scaled by it
    is_linked[1:] = _reach(batch, cues) & ((roles[:-1] == NEGATOR) | (roles[:-1] == DEGREE))
    scales, firsts = np.ones(len(roles)), np.arange(len(roles))
    at = np.flatnonzero(is_linked)
    back = at - 1
    for _ in range(MOST_SCALING):
        scales[at] *= own[back]
        firsts[at] = back
        goes_on = is_linked[back]
        at, back = at[goes_on], back[goes_on] - 1
        if not len(at):
            break
    return scales, firsts


def _reach(batch: FoldedBatch, cues: Cues) -> Flags:
    """Say of each phrase but the first whether the one before it is near: no sign in between."""
    ends, starts = cues.ends[:-1], cues.starts[1:]
    gaps = starts - ends
    is_near = (gaps >= 0) & (gaps <= REACH)
    for distance in range(REACH):
        wide = np.flatnonzero(is_near & (gaps > distance))
        is_near[wide] = (batch.kinds[ends[wide] + distance] & Kind.SPOKEN) > 0
    return np.asarray(is_near)


def _at_first(batch: FoldedBatch, cues: Cues) -> Numbers:
    """Return by what each phrase counts for standing in the first part of a long text."""
    lengths = batch.joined.lengths[cues.owners]
    is_first = cues.starts - batch.offsets[cues.owners] < FIRST * lengths
    return np.where(is_first & (lengths >= LONG), AT_FIRST, 1.0)


def _before_contrast(cues: Cues, roles: Places) -> Numbers:
    """Halve what stands shortly before a contrast of the same text."""
    turns = np.flatnonzero(roles == CONTRAST)
    factors = np.ones(len(roles))
    following = np.searchsorted(turns, np.arange(len(roles)), side="right")
    at = np.flatnonzero(following < len(turns))
    nexts = turns[following[at]]
    is_near = cues.starts[nexts] - cues.starts[at] <= CONTRASTED_WITHIN
    factors[at[is_near & (cues.owners[nexts] == cues.owners[at])]] = BEFORE_CONTRAST
    return factors


def _is_asked(codes: Codes, ends: Places) -> Flags:
    """Say of each phrase whether it stands in a question that ends soon."""
    asking = np.flatnonzero((codes == ord("?")) | (codes == ord("吗")))
    is_asked = np.zeros(len(ends), np.bool_)
    if not len(asking):
        return is_asked
    following = asking[np.searchsorted(asking, ends).clip(0, len(asking) - 1)]
    distance = following - ends
    near = np.flatnonzero((distance >= 0) & (distance <= ASKED_WITHIN))
    parting = np.flatnonzero(kinds().take(codes) & np.uint16(Kind.PARTING))
    is_asked[near] = are_free(ends[near], following[near], parting)
    return is_asked


def summed(words: Weighed, hints: Numbers) -> MoodEvidence:
    """Add up the words of each text, one after the other: so neighbours change no last digit."""
    count = len(hints)
    owners, told = words.owners, words.values
    judged = words.roles == JUDGEMENT
    best, worst, last = np.zeros(count), np.zeros(count), np.zeros(count)
    np.maximum.at(best, owners[judged], told[judged])
    np.minimum.at(worst, owners[judged], told[judged])
    last[owners] = told  # the last assignment stays
    return MoodEvidence(
        gain=_sums(owners, told.clip(0), count),
        pain=_sums(owners, (-told).clip(0), count),
        hints=hints,
        word_counts=np.bincount(owners, minlength=count),
        last=last,
        best=best,
        worst=worst,
        words=words,
    )


def _sums(owners: Places, values: Numbers, count: int) -> Numbers:
    return np.asarray(np.bincount(owners, values, count), np.float64)
