"""How well intents and aspects are read in kinds of posts that the model has not seen.

    python -m benchmarks.intent_quality [--folds 5]

The corpus is ours: each file is a kind of place, and no file is in two folds. For each fold a model
learns from the other files only, and chooses its thresholds on them, by folds of their own. The
lists of phrases are the same for all folds and were written with the corpus in sight, which
flatters the figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import click
import numpy as np
from numpy.typing import NDArray

from enrichment.features import FeatureFinder
from enrichment.folded import FoldedBatch
from enrichment.heard import hear
from enrichment.learning import probabilities
from enrichment.lexicon import build_lexicon
from enrichment.trained import HEADS, MOOD
from enrichment.training import Post, read_corpus, train
from enrichment.words import open_segmenter

FOLDS: Final = 5

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class HeadScore:
    """How an intent or aspect did on posts of unseen files; shares are 0 to 1."""

    kind: str
    name: str
    posts: int
    """Posts that have it."""
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def measure(posts: Sequence[Post], folds: int = FOLDS) -> list[HeadScore]:
    """Score every intent and aspect by cross-validation over groups of posts."""
    groups = sorted({post.group for post in posts})
    if folds > len(groups):
        raise ValueError(f"{folds} folds of {len(groups)} groups; expected at most as many")
    part = np.array([groups.index(post.group) % folds for post in posts])
    said = np.zeros((len(posts), len(HEADS)), np.bool_)
    for fold in range(folds):
        here = np.flatnonzero(part == fold)
        others = [posts[i] for i in np.flatnonzero(part != fold)]
        said[here] = _said(others, [posts[i].text for i in here])
    return list(_scores(posts, said))


def _said(learned: Sequence[Post], texts: Sequence[str]) -> Flags:
    """Return what a model that learned from posts says of texts, a column for each head."""
    trained = train(learned)
    heard = hear(texts, open_segmenter(build_lexicon().frequencies))
    features = FeatureFinder().find(FoldedBatch(heard.own, heard.begins), trained.wanted)
    return np.asarray(probabilities(trained.logits(features)) >= trained.thresholds)


def _scores(posts: Sequence[Post], said: Flags) -> Iterator[HeadScore]:
    for column, head in enumerate(HEADS):
        if head == MOOD:
            continue
        kind, _, name = head.partition(":")
        true = np.array([name in (_labels(post, kind) or ()) for post in posts])
        right = int((true & said[:, column]).sum())
        told, held = int(said[:, column].sum()), int(true.sum())
        yield HeadScore(kind, name, held, right / max(1, told), right / max(1, held))


def _labels(post: Post, kind: str) -> frozenset[str] | None:
    return post.intents if kind == "intent" else post.aspects


def macro_f1(scores: Sequence[HeadScore], kind: str) -> float:
    """Return the mean F1 of all intents, or of all aspects."""
    return float(np.mean([score.f1 for score in scores if score.kind == kind]))


def table(scores: Sequence[HeadScore]) -> Iterator[str]:
    """Yield the lines of a Markdown table, the means last."""
    yield "| kind | label | posts | precision | recall | F1 |"
    yield "|---|---|---|---|---|---|"
    for score in scores:
        yield (
            f"| {score.kind} | {score.name} | {score.posts:,} | {score.precision:.3f} | "
            f"{score.recall:.3f} | {score.f1:.3f} |"
        )
    for kind in Counter(score.kind for score in scores):
        yield f"| {kind} | **mean** | | | | **{macro_f1(scores, kind):.3f}** |"


@click.command(help=__doc__.splitlines()[0])
@click.option("--folds", default=FOLDS, show_default=True, help="Parts that the files fall into.")
def main(folds: int) -> None:
    for line in table(measure(list(read_corpus()), folds)):
        click.echo(line)


if __name__ == "__main__":
    main()
