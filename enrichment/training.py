"""Training a model: labelled posts in, whole weights out. Equal posts give equal bytes.

    python -m enrichment.training

writes the model that comes with the package anew, from our posts and lists.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from enrichment.features import COLUMNS, FeatureFinder, Features, Whole
from enrichment.folded import FoldedBatch
from enrichment.grams import BITS, Grams
from enrichment.heard import hear
from enrichment.intent import ASPECTS, INTENTS
from enrichment.joined import Flags, Places
from enrichment.learning import Matrix, Rows, fit, probabilities
from enrichment.lexicon import build_lexicon
from enrichment.noise import NoiseReader
from enrichment.sentiment import Weighed
from enrichment.tables import digests
from enrichment.trained import HEADS, MOOD, WEIGHT_UNIT, Trained
from enrichment.words import Segmenter, open_segmenter

SEEN_IN: Final = 3
"""Posts in which an n-gram must occur to be learned."""
MOOD_PENALTY: Final = 0.6
"""Of n-grams: high, since a few thousand posts tell more of their writer than of moods."""
LIMITS: Final = np.arange(6, 19) / 20
"""Probabilities that may be asked of an intent or aspect; below, too little would speak for it."""
TRUSTED_FROM: Final = 300.0
"""Importance of other posts, those of the installation itself, that halves this penalty."""
SPARSE_PENALTY: Final = 7e-5
DENSE_PENALTY: Final = 1e-5
MOOD_THRESHOLD: Final = 0.65
"""Probability from which a mood is believed."""
FOLDS: Final = 3
LEAST_PART: Final = 3
"""n-grams of which no weight has so many parts (of 127) are left out."""
SURE_FROM: Final = 0.4
"""Score by our lists from which the words of a landed text tell its mood."""
NEUTRAL_BELOW: Final = 0.1
"""Score up to which they tell none."""
WEAK_PENALTY: Final = 1e-3
"""Of the n-grams of landed texts: what speaks beside the words of our lists is to be found."""
WEAK_SHARE: Final = 0.25
"""What they count, in spreads of all that speaks for a mood otherwise. With more, words of our
lists lose their mood where nothing stands beside them."""
MOST_WEAK: Final = 3_000_000
"""Characters of landed texts that teach: enough, and read in seconds."""
LEAST_WEAK: Final = 250
"""Landed texts of either mood; fewer teach what a handful of threads was about."""
LONGEST_WEAK: Final = 2000
"""Characters of a landed text; longer ones do not teach."""

_EMOTICON: Final = re.compile(r"\[[^\[\]\s]{1,8}\]|[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]")
_MOODS: Final = {"pos": "positive", "neg": "negative", "neu": "neutral"}
_SIDES: Final = {"positive": 1.0, "neutral": 0.5, "negative": 0.0}


@dataclass(frozen=True)
class Post:
    """A labelled text; what nobody labelled is None. `group`: posts that resemble each other."""

    text: str
    mood: str | None
    intents: frozenset[str] | None = None
    aspects: frozenset[str] | None = None
    group: str = ""
    importance: float = 1.0
    is_ours: bool = False


def _corpus_files() -> list[Traversable]:
    folder = files("enrichment").joinpath("data", "corpus")
    return sorted(folder.iterdir(), key=lambda path: path.name)


def digest_of_ours() -> str:
    """Return a digest of our posts and of the lists that make features."""
    texts = [path.read_text(encoding="utf-8") for path in _corpus_files()]
    told = [*texts, *(digests()[name] for name in ("aspects", "hints", "intents", "mood"))]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def read_corpus() -> Iterator[Post]:
    """Yield the posts of data/corpus, our own, in the order of files and lines."""
    for path in _corpus_files():
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            mood, intents, aspects, text = line.split("\t", 3)
            yield Post(
                text,
                _MOODS[mood],
                frozenset(intents.split(",")) & frozenset(INTENTS),
                frozenset(aspects.split(",")) & frozenset(ASPECTS),
                path.name.removesuffix(".tsv"),
                is_ours=True,
            )


def features_of(texts: Sequence[str]) -> Features:
    """Return all features of texts, at least one."""
    segmenter, finder = _tools()
    heard = hear(texts, segmenter)
    return finder.find(FoldedBatch(heard.own, heard.begins))


@cache
def _tools() -> tuple[Segmenter, FeatureFinder]:
    return open_segmenter(build_lexicon().frequencies), FeatureFinder()


def without_emoticons(text: str) -> str:
    """Take away emoji and emoticons in brackets."""
    return _EMOTICON.sub(" ", text)


class WeakMood(NamedTuple):
    """A landed text without its emoticons, and the mood that these or its words tell."""

    text: str
    mood: str


def find_weak_moods(texts: Iterable[str], most: int, least: int) -> Sequence[WeakMood]:
    """Return what texts teach of moods, the first ones, up to `most` characters.

    A text whose emoticons are all of one side, and whose words do not speak against it, has that
    mood; without emoticons of a mood, its words tell when they are many or of one side
    (`SURE_FROM`), and are neutral when they say nothing. Nothing at all when fewer than `least`
    texts are positive, or negative.
    """
    first = list(_up_to(most, texts))
    if not first:
        return ()
    bare = [without_emoticons(text) for text in first]
    signs = features_of([" ".join(_EMOTICON.findall(text)) for text in first]).mood
    words = features_of(bare).mood.score
    shown = np.sign(signs.gain - signs.pain)
    is_torn = (signs.gain > 0) & (signs.pain > 0)
    sides = np.where(shown != 0, shown, np.sign(words) * (np.abs(words) >= SURE_FROM))
    says_nothing = (shown == 0) & (np.abs(words) < NEUTRAL_BELOW)
    tells = ~is_torn & np.where(sides == 0, says_nothing, sides * words >= 0) & ~_is_noise(first)
    if min((tells & (sides == side)).sum() for side in (1, -1)) < least:
        return ()
    names = ("neutral", "positive", "negative")  # the last for side -1
    return [WeakMood(bare[i], names[int(sides[i])]) for i in np.flatnonzero(tells).tolist()]


def _is_noise(texts: Sequence[str]) -> Flags:
    """Say, text by text, whether any rule takes it for noise: advertisers praise everything."""
    noise = NoiseReader().read(hear(texts, _tools()[0]))
    return np.diff(noise.offsets.to_numpy()) > 0


def _up_to(most: int, texts: Iterable[str]) -> Iterator[str]:
    """Yield the first texts that are not too long, until they have so many characters.

    Of those that say the same but for numbers, signs and emoticons only the first: a slogan that
    was pasted a thousand times teaches once. Not one without a letter.
    """
    known = {""}
    for text in texts:
        said = "".join(filter(str.isalpha, without_emoticons(text)))
        if len(text) > LONGEST_WEAK or said in known:
            continue
        known.add(said)
        most -= len(text)
        if most < 0:
            return
        yield text


def train(posts: Sequence[Post]) -> Trained:
    """Learn all heads from posts."""
    features = features_of([_as_learned(i, post.text) for i, post in enumerate(posts)])
    slots, width = _columns(features)
    rows = features.rows(slots, width)
    lessons = lessons_of(posts)
    weights = learn(rows, lessons)
    return _whole(weights, slots, thresholds_of(rows, lessons))


def teach(trained: Trained, weak: Sequence[WeakMood]) -> Trained:
    """Add to a model's mood what n-grams are to landed texts of a known mood; its spread stays.

    Only n-grams learn that lie outside the words of our lists, which told those moods: they are
    another view of the same texts (Blum and Mitchell 1998, co-training). The model itself when
    these texts have nothing to tell.
    """
    features = features_of([text for text, _ in weak])
    grams, words = features.grams, features.mood.words
    known = replace(features, grams=grams.only(trained.wanted[grams.buckets]))
    beside = replace(features, grams=grams.only(_are_outside(grams, words)))
    slots, width = _columns(beside)
    sides = np.array([[_SIDES[mood]] for _, mood in weak])
    learned = fit(
        _sparse_rows(beside, slots, width),
        sides,
        sparse_penalty=WEAK_PENALTY,
        dense_penalty=0.0,
        importance=_evened(sides),
    )
    learned[-1] = 0
    told = trained.logits(known)[:, 0]
    said = _sparse_rows(features, slots, width).times(learned)[:, 0]
    if not (told.std() > 0 and said.std() > 0):
        return trained
    share = WEAK_SHARE * told.std() / said.std()
    spread = told.std() / (told + share * said).std()

    ours, theirs = trained.buckets, np.flatnonzero(slots >= 0)
    both = np.union1d(ours, theirs)
    parts = np.zeros((len(both), len(HEADS)), np.int8)
    parts[np.searchsorted(both, ours)] = trained.grams
    mood = np.zeros((len(both), 1))
    mood[np.searchsorted(both, ours), 0] = trained.grams[:, 0] * trained.gram_units[0]
    mood[np.searchsorted(both, theirs)] += share * learned[:-1]
    units, dense = trained.gram_units.copy(), trained.dense.copy()
    parts[:, :1], units[:1] = _in_parts(spread * mood)
    dense[:, 0] = np.rint(spread * dense[:, 0])
    kept = _says(parts)
    return replace(
        trained,
        buckets=both[kept].astype(np.uint32),
        grams=parts[kept],
        gram_units=units,
        dense=dense,
    )


def _are_outside(grams: Grams, words: Weighed) -> Flags:
    """Say of each n-gram whether it shares no character with a word of a mood or a hint."""
    size = 1 + max(grams.ends.max(initial=0), words.ends.max(initial=0))
    opened = np.bincount(words.starts, minlength=size) - np.bincount(words.ends, minlength=size)
    covered = np.concatenate(([0], np.cumsum(np.cumsum(opened) > 0)))
    return np.asarray(covered[grams.ends] == covered[grams.starts])


def _sparse_rows(features: Features, slots: Whole, width: int) -> Rows:
    rows = features.rows(slots, width)
    return replace(rows, dense=rows.dense[:, :0])


def _evened(sides: Matrix) -> Matrix:
    """Return what texts count so that those of each side count as much."""
    _, which, counts = np.unique(sides, return_inverse=True, return_counts=True)
    return np.asarray((1 / counts)[which].reshape(sides.shape), np.float64)


def _as_learned(i: int, text: str) -> str:
    """Strip all posts but each fifth."""
    return text if i % 5 == 0 else without_emoticons(text)


def _columns(features: Features) -> tuple[Whole, int]:
    """Give a column to each bucket that enough texts have; return the table and their number."""
    pairs = np.unique(features.grams.owners << BITS | features.grams.buckets)
    buckets, counts = np.unique(pairs & ((1 << BITS) - 1), return_counts=True)
    kept = buckets[counts >= SEEN_IN]
    slots = np.full(1 << BITS, -1, np.int64)
    slots[kept] = np.arange(len(kept))
    return slots, len(kept)


@dataclass(frozen=True)
class Lessons:
    """What each head should say of each post, and how much that counts (0: not known)."""

    targets: Matrix
    importance: Matrix
    folds: Places
    """Posts of one group are in one fold."""
    own: float = 0.0
    """Importance of the posts that are not of our corpus."""

    def without(self, fold: int) -> Lessons:
        return replace(self, importance=self.importance * (self.folds != fold)[:, None])


def lessons_of(posts: Sequence[Post]) -> Lessons:
    """Return what there is to learn; a neutral post lies between both moods."""
    told = [[_told(post, head) for head in HEADS] for post in posts]
    targets = np.array([[value or 0.0 for value in row] for row in told])
    known = np.array([[value is not None for value in row] for row in told])
    importance = known * np.array([post.importance for post in posts])[:, None]
    groups = sorted({post.group for post in posts})
    folds = np.array([groups.index(post.group) % FOLDS for post in posts])
    own = sum(post.importance for post in posts if not post.is_ours)
    return Lessons(targets, importance, folds, own)


def _told(post: Post, head: str) -> float | None:
    if head == MOOD:
        return None if post.mood is None else _SIDES[post.mood]
    kind, _, name = head.partition(":")
    told = post.intents if kind == "intent" else post.aspects
    return None if told is None else float(name in told)


def learn(rows: Rows, lessons: Lessons) -> Matrix:
    """Return the weights of all heads, as `Rows.times` takes them."""
    mood = fit(
        replace(rows, dense=rows.dense[:, :1]),
        lessons.targets[:, :1],
        sparse_penalty=MOOD_PENALTY / (1 + lessons.own / TRUSTED_FROM),
        dense_penalty=DENSE_PENALTY,
        importance=_balanced(lessons),
    )
    others = fit(
        rows,
        lessons.targets[:, 1:],
        sparse_penalty=SPARSE_PENALTY,
        dense_penalty=DENSE_PENALTY,
        importance=lessons.importance[:, 1:],
    )
    weights = np.zeros((len(others), len(HEADS)))
    weights[:, 1:] = others
    weights[: rows.width + 1, 0] = mood[:-1, 0]  # of the dense columns only the first
    return weights  # and no constant: a text that says nothing leans to neither side


def _balanced(lessons: Lessons) -> Matrix:
    """Return what posts count for the mood: both sides as much, however many there are."""
    importance = lessons.importance[:, :1].copy()
    sides = [lessons.targets[:, :1] == side for side in (0.0, 1.0)]
    totals = [importance[side].sum() for side in sides]
    for side, total in zip(sides, totals, strict=True):
        importance[side] *= max(totals) / max(total, 1e-9)
    return importance


def held_out(rows: Rows, lessons: Lessons) -> Matrix:
    """Return the probabilities of each post by weights that saw no post of its group."""
    told = np.full(lessons.targets.shape, 0.5)
    for fold in range(FOLDS):
        here, others = lessons.folds == fold, lessons.without(fold)
        if here.any() and others.importance.any():
            told[here] = probabilities(rows.times(learn(rows, others)))[here]
    return told


def thresholds_of(rows: Rows, lessons: Lessons) -> NDArray[np.float64]:
    """Return for each head the probability from which yes is best, by F1 on held-out posts."""
    told, tried = held_out(rows, lessons), LIMITS
    best = [MOOD_THRESHOLD]
    for head in range(1, len(HEADS)):
        known = lessons.importance[:, head] > 0
        true = lessons.targets[known, head] > 0
        scores = [_f1(told[known, head] >= limit, true) for limit in tried]
        best.append(float(tried[np.argmax(scores)]))
    return np.array(best)


def _f1(said: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    return float(2 * (said & true).sum() / max(1, said.sum() + true.sum()))


def _whole(weights: Matrix, slots: Whole, thresholds: NDArray[np.float64]) -> Trained:
    """Round weights to whole numbers and leave out n-grams that say nothing."""
    width = len(weights) - len(COLUMNS) - 1
    parts, units = _in_parts(weights[:width])
    kept = _says(parts)
    buckets = np.flatnonzero(slots >= 0).astype(np.uint32)
    return Trained(
        buckets=buckets[kept],
        grams=parts[kept],
        gram_units=units,
        dense=np.rint(weights[width:-1] * WEIGHT_UNIT).astype(np.int64),
        constants=np.rint(weights[-1] * WEIGHT_UNIT) / WEIGHT_UNIT,
        thresholds=thresholds,
        made_of=digest_of_ours(),
    )


def _in_parts(weights: Matrix) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Return weights as at most 127 parts of a unit, and the unit of each column."""
    units = np.maximum(np.abs(weights).max(axis=0, initial=0), 1e-9) / 127
    units = np.ldexp(1.0, np.ceil(np.log2(units)).astype(np.int64))  # a power of two: few bits
    return np.rint(weights / units).astype(np.int8), units


def _says(parts: NDArray[np.int8]) -> Flags:
    return np.asarray(np.abs(parts).max(axis=1, initial=0) >= LEAST_PART)


if __name__ == "__main__":
    Path(__file__).with_name("data").joinpath("model.npz").write_bytes(
        train(list(read_corpus())).to_bytes()
    )
