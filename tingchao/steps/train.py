"""Train a model of this installation: our posts, its own landed text, what its people labelled.

Landed text teaches what else is said where its emoticons, or words of our lists, tell a mood.
Labels of people count most. Nothing leaves the machine, and the model holds numbers only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from enrichment.tables import shipped_model
from enrichment.trained import from_bytes
from enrichment.training import (
    LEAST_WEAK,
    MOST_WEAK,
    Post,
    find_weak_moods,
    read_corpus,
    teach,
    train,
)
from tingchao.context import Context
from tingchao.enriching.labels import Label, read_labels
from tingchao.enriching.own_model import keep_model
from tingchao.errors import ConfigurationError
from tingchao.fence import exclusive

LABELLED: Final = 5.0
"""What a text that a person labelled counts beside a post of ours."""


@dataclass(frozen=True)
class TrainSummary:
    """What a model was trained from, in posts, and where it lies."""

    corpus_count: int
    weak_count: int
    labelled_count: int
    path: Path

    def __str__(self) -> str:
        return (
            f"trained from {self.corpus_count:,} posts of ours, {self.weak_count:,} landed texts "
            f"whose words or emoticons tell a mood, and {self.labelled_count:,} labelled ones; "
            f"{self.path} is in use from the next `tingchao enrich` on, which reads every text anew"
        )


def train_model(context: Context, ours: Iterable[Post] | None = None) -> TrainSummary:
    """Train and keep a model; the same texts and labels give the same one.

    `ours`: posts that come with the package; all of them when absent.

    `BusyError` while texts are enriched; `ConfigurationError` without text and labels, when the
    model of the package says as much.
    """
    with exclusive(context.lock("enrich")):
        labels = read_labels(context.data)
        landed = sorted(_landed(context))
        labelled = [_post(text, labels[digest]) for digest, text in landed if digest in labels]
        others = (text for digest, text in landed if digest not in labels)
        weak = find_weak_moods(others, MOST_WEAK, LEAST_WEAK)
        if not weak and not labelled:
            raise ConfigurationError(
                "train: found no label and too few landed texts that teach moods; expected a "
                f"label or, by their words or emoticons, {LEAST_WEAK} that are positive and "
                f"{LEAST_WEAK} that are negative. Land more posts (`tingchao crawl`, "
                "`tingchao import`), or label some (`tingchao label`)"
            )
        corpus = list(read_corpus() if ours is None else ours)
        model = train([*corpus, *labelled]) if labelled else from_bytes(shipped_model())
        content = (teach(model, weak) if weak else model).to_bytes()
        path = keep_model(context.data, content)
    return TrainSummary(len(corpus), len(weak), len(labelled), path)


def _landed(context: Context) -> Iterator[tuple[str, str]]:
    for batch in context.lake.texts():
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _post(text: str, label: Label) -> Post:
    return Post(
        text,
        label.mood,
        None if label.intents is None else frozenset(label.intents),
        None if label.aspects is None else frozenset(label.aspects),
        group="labelled",
        importance=LABELLED,
    )
