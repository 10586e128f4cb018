"""Training a model: labelled posts in, whole weights out. Equal posts give equal bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import NDArray

from enrichment.features import COLUMNS, FeatureFinder, Features, Whole
from enrichment.folded import FoldedBatch
from enrichment.grams import BITS
from enrichment.heard import hear
from enrichment.intent import ASPECTS, INTENTS
from enrichment.learning import Matrix, Rows, fit, probabilities
from enrichment.lexicon import build_lexicon
from enrichment.trained import HEADS, WEIGHT_UNIT, Trained
from enrichment.words import open_segmenter

SEEN_IN: Final = 3
"""Posts in which an n-gram must occur to be learned."""
SPARSE_PENALTY: Final = 3e-4
DENSE_PENALTY: Final = 1e-4
FOLDS: Final = 5
STRIPPED_SHARE: Final = 0.8
"""Share of posts that are learned without their emoticons, which would outshine the words."""
LEAST_PART: Final = 3
"""n-grams of which no weight has so many parts (of 127) are left out."""

_EMOTICON: Final = re.compile(r"\[[^\[\]\s]{1,8}\]|[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]")
_MOODS: Final = {"pos": "positive", "neg": "negative", "neu": "neutral"}


@dataclass(frozen=True)
class Post:
    """A labelled text; what nobody labelled is None. `group`: posts that resemble each other."""

    text: str
    mood: str | None
    intents: frozenset[str] | None = None
    aspects: frozenset[str] | None = None
    group: str = ""
    importance: float = 1.0


def read_corpus() -> Iterator[Post]:
    """Yield the posts of data/corpus, our own, in the order of files and lines."""
    folder = files("enrichment").joinpath("data", "corpus")
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            mood, intents, aspects, text = line.split("\t", 3)
            yield Post(
                text,
                _MOODS[mood],
                frozenset(intents.split(",")) & frozenset(INTENTS),
                frozenset(aspects.split(",")) & frozenset(ASPECTS),
                path.name.removesuffix(".tsv"),
            )


def features_of(texts: Sequence[str]) -> Features:
    """Return all features of texts, at least one."""
    heard = hear(texts, open_segmenter(build_lexicon().frequencies))
    return FeatureFinder().find(FoldedBatch(heard.own, heard.begins))


def without_emoticons(text: str) -> str:
    """Take away emoji and emoticons in brackets."""
    return _EMOTICON.sub(" ", text)


def train(posts: Sequence[Post]) -> Trained:
    """Learn all heads from posts."""
    features = features_of([_as_learned(i, post.text) for i, post in enumerate(posts)])
    slots, width = _columns(features)
    rows = features.rows(slots, width)
    targets, importance = answers(posts)
    weights = fit_heads(rows, targets, importance)
    return _whole(weights, slots, thresholds_of(posts, rows, targets, importance))


def _as_learned(i: int, text: str) -> str:
    """Strip all posts but each fifth."""
    return text if i % FOLDS == 0 else without_emoticons(text)


def _columns(features: Features) -> tuple[Whole, int]:
    """Give a column to each bucket that enough texts have; return the table and their number."""
    pairs = np.unique(features.grams.owners << BITS | features.grams.buckets)
    buckets, counts = np.unique(pairs & ((1 << BITS) - 1), return_counts=True)
    kept = buckets[counts >= SEEN_IN]
    slots = np.full(1 << BITS, -1, np.int64)
    slots[kept] = np.arange(len(kept))
    return slots, len(kept)


def answers(posts: Sequence[Post]) -> tuple[Matrix, Matrix]:
    """Return what each head should say of each post, and how much that counts (0: not known)."""
    targets = np.zeros((len(posts), len(HEADS)))
    importance = np.zeros((len(posts), len(HEADS)))
    for i, post in enumerate(posts):
        for head, name in enumerate(HEADS):
            told = _told(post, name)
            if told is not None:
                targets[i, head], importance[i, head] = told, post.importance
    return targets, importance


def _told(post: Post, head: str) -> bool | None:
    kind, _, name = head.partition(":")
    if not name:
        return None if post.mood is None else post.mood == kind
    told = post.intents if kind == "intent" else post.aspects
    return None if told is None else name in told


def fit_heads(rows: Rows, targets: Matrix, importance: Matrix) -> Matrix:
    """Return the weights of all heads."""
    return fit(
        rows,
        targets,
        sparse_penalty=SPARSE_PENALTY,
        dense_penalty=DENSE_PENALTY,
        importance=importance,
    )


def held_out(
    posts: Sequence[Post], rows: Rows, targets: Matrix, importance: Matrix
) -> NDArray[np.float64]:
    """Return the log odds of each post by weights that saw no post of its group."""
    groups = sorted({post.group for post in posts})
    fold = np.array([groups.index(post.group) % FOLDS for post in posts])
    logits = np.zeros_like(targets)
    for i in range(FOLDS):
        others = importance * (fold != i)[:, None]
        if (others.max(axis=0) > 0).all():
            logits[fold == i] = rows.times(fit_heads(rows, targets, others))[fold == i]
    return logits


def thresholds_of(
    posts: Sequence[Post], rows: Rows, targets: Matrix, importance: Matrix
) -> NDArray[np.float64]:
    """Return for each head the probability from which yes is best, by F1 on held-out posts."""
    told = probabilities(held_out(posts, rows, targets, importance))
    tried = np.arange(1, 20) / 20
    best = [
        tried[np.argmax([_f1(told[:, head] >= limit, targets[:, head] > 0) for limit in tried])]
        for head in range(len(HEADS))
    ]
    return np.array(best)


def _f1(said: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    return float(2 * (said & true).sum() / max(1, said.sum() + true.sum()))


def _whole(weights: Matrix, slots: Whole, thresholds: NDArray[np.float64]) -> Trained:
    """Round weights to whole numbers and leave out n-grams that say nothing."""
    width = len(weights) - len(COLUMNS) - 1
    sparse = weights[:width]
    units = np.maximum(np.abs(sparse).max(axis=0, initial=0), 1e-9) / 127
    units = np.ldexp(1.0, np.ceil(np.log2(units)).astype(np.int64))  # a power of two: few bits
    parts = np.rint(sparse / units).astype(np.int8)
    kept = np.abs(parts).max(axis=1, initial=0) >= LEAST_PART
    buckets = np.flatnonzero(slots >= 0).astype(np.uint32)
    return Trained(
        buckets=buckets[kept],
        grams=parts[kept],
        gram_units=units,
        dense=np.rint(weights[width:-1] * WEIGHT_UNIT).astype(np.int64),
        constants=np.rint(weights[-1] * WEIGHT_UNIT) / WEIGHT_UNIT,
        thresholds=thresholds,
    )
