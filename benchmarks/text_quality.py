"""Quality of moods on labelled sets that you have, beside SnowNLP and the commonest label.

    python -m benchmarks.text_quality FOLDER [--most 4000] [--page docs/text-quality.md]

FOLDER holds sets as `benchmarks.labelled` knows them; none comes with this project and none was
trained on. Each is measured without its emoticons, which often made its labels, and where many
texts have some, as it is, too.
SnowNLP takes part where it can be imported. A set with two labels forces a choice: both sides must
say one of them of every text. With three, a text of unknown mood counts as neutral, and so does one
to which SnowNLP gives between 0.4 and 0.6.
"""

from __future__ import annotations

import importlib
import platform
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import click
import pyarrow as pa

from benchmarks.labelled import MAX_ROWS, LabelledSet, find_sets
from enrichment import TEXTS, build_lexicon, enrich_batch
from enrichment.doubt import thoughts

PARTS: Final = ("tingchao", "rjieba", "numpy", "snownlp")
OFTEN: Final = 0.05
"""Share of texts with emoticons from which a set is measured with them, too."""
WORKERS: Final = 4
SNOW_NEUTRAL: Final = (0.4, 0.6)
SHORTEST_KNOWN: Final = 6
"""Letters from which a text that stands in SnowNLP's training data is not there by chance."""
_OURS: Final = {"positive": "pos", "negative": "neg", "neutral": "neu", "unknown": "neu"}


@dataclass(frozen=True)
class Score:
    """Quality on one set: mean F1 of its labels, share of right answers, each 0 to 1."""

    macro_f1: float
    accuracy: float

    def __str__(self) -> str:
        return f"{self.macro_f1:.3f} / {self.accuracy:.3f}"


@dataclass(frozen=True)
class Row:
    """What was measured on one set, in one form."""

    name: str
    form: str
    total: int
    labels: Sequence[str]
    common: Score
    snow: Score | None
    learned_by_snow: float | None
    """Share of the texts that stand in SnowNLP's own training data."""
    ours: Score
    told: float
    """Share of texts of which we say that they are positive or negative, …"""
    told_right: float
    """… and of those in which the set sees a mood the share that it sees as we do."""


def measure(known: LabelledSet) -> Iterator[Row]:
    """Measure a set without emoticons and, where many texts have some, as it is."""
    stripped = known.stripped()
    touched = sum(a != b for a, b in zip(known.texts, stripped, strict=True))
    if touched >= OFTEN * len(stripped):
        yield _measure(known, "as it is", known.texts)
    yield _measure(known, "stripped", stripped)


def _measure(known: LabelledSet, form: str, texts: list[str]) -> Row:
    labels = known.labels
    has_neutral = "neu" in labels
    said = our_moods(texts)
    answers = said if has_neutral else our_choices(texts)
    commonest = Counter(labels).most_common(1)[0][0]
    told = [(a, b) for a, b in zip(labels, said, strict=True) if b != "neu"]
    right = [a == b for a, b in told if a != "neu"]
    snow = snow_moods(texts, has_neutral=has_neutral) if find_spec("snownlp") else None
    return Row(
        name=known.name,
        form=form,
        total=known.total,
        labels=labels,
        common=score(labels, [commonest] * len(labels)),
        snow=score(labels, snow) if snow else None,
        learned_by_snow=_learned_by_snow(known.texts) if snow else None,
        ours=score(labels, answers),
        told=len(told) / len(labels),
        told_right=sum(right) / max(1, len(right)),
    )


def our_moods(texts: list[str]) -> list[str]:
    """Return the mood that our text stage gives; unknown counts as neutral."""
    rows = [{"text_hash": str(i), "text": text} for i, text in enumerate(texts)]
    batch = enrich_batch(pa.RecordBatch.from_pylist(rows, TEXTS), build_lexicon())
    return [_OURS[mood] for mood in batch.column("sentiment").to_pylist()]


def our_choices(texts: list[str]) -> list[str]:
    """Return the side that is the likelier one, however unsure."""
    told, _ = thoughts(texts, build_lexicon())
    return ["pos" if positive >= 0.5 else "neg" for positive in told[:, 0].tolist()]


def snow_moods(texts: list[str], *, has_neutral: bool) -> list[str]:
    """Return what SnowNLP says; it reads some hundred texts a second and core."""
    with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        told = list(pool.map(_ask_snow, texts, chunksize=100))
    low, high = SNOW_NEUTRAL if has_neutral else (0.5, 0.5)
    return ["neg" if x < low else "pos" if x >= high else "neu" for x in told]


def _ask_snow(text: str) -> float:
    return (
        float(importlib.import_module("snownlp").SnowNLP(text).sentiments) if text.strip() else 0.5
    )


def _learned_by_snow(texts: list[str]) -> float:
    return sum(_letters(text) in _snow_texts() for text in texts) / len(texts)


@cache
def _snow_texts() -> frozenset[str]:
    """Return the texts that SnowNLP's model was trained on; it brings them along."""
    folder = files("snownlp").joinpath("sentiment")
    lines = [
        _letters(line)
        for name in ("pos.txt", "neg.txt")
        for line in folder.joinpath(name).read_text(encoding="utf-8").splitlines()
    ]
    return frozenset(line for line in lines if len(line) >= SHORTEST_KNOWN)


def _letters(text: str) -> str:
    return re.sub(r"\W", "", text)


def score(true: Sequence[str], said: Sequence[str]) -> Score:
    """Hold answers against labels; a label that is not in the set has no F1."""
    pairs = Counter(zip(true, said, strict=True))
    of_true, of_said = Counter(true), Counter(said)
    f1 = [2 * pairs[name, name] / (of_true[name] + of_said[name]) for name in of_true]
    right = sum(pairs[name, name] for name in of_true)
    return Score(sum(f1) / len(f1), right / len(true))


def told_versions() -> str:
    """Return the versions of what took part."""
    known = [f"{name} {version(name)}" for name in PARTS if find_spec(name)]
    return ", ".join([*known, f"text engine {build_lexicon().version}", _python()])


def _python() -> str:
    return f"python {platform.python_version()}"


def as_page(rows: Sequence[Row]) -> str:
    """Return the page that tells all of it."""
    return (
        "\n".join([*_HEAD, f"Versions: {told_versions()}.", "", *_table(rows), "", *_FOOT]) + "\n"
    )


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield (
        "| set | form | texts | labels | commonest label | SnowNLP | ours | we say a mood | right |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        counts = Counter(row.labels)
        labels = ", ".join(f"{counts[name]:,} {name}" for name in sorted(counts))
        snow = "not installed" if row.snow is None else str(row.snow)
        if row.learned_by_snow and row.learned_by_snow >= 0.005:
            snow += f" ({row.learned_by_snow:.0%} of them in its training data)"
        texts = f"{len(row.labels):,} of {row.total:,}"
        yield (
            f"| {row.name} | {row.form} | {texts} | {labels} | {row.common} | {snow} | "
            f"**{row.ours}** | {row.told:.0%} | {row.told_right:.0%} |"
        )


_HEAD: Final = (
    "# How well moods are read",
    "",
    "Written by `python -m benchmarks.text_quality FOLDER --page docs/text-quality.md` over public",
    "labelled sets; do not edit. Figures are macro-F1 / accuracy. No set comes with this project,",
    "and nothing was trained on any of them. Long sets are a sample, drawn by a fixed seed; equal",
    "texts count once, `//@name:` before a repost is taken away.",
    "",
    "Not wholly unseen, though: words were added to our lists after reading texts of these sets",
    "without their labels, and some weights (of hints, of a dozen words, of what stands before a",
    "contrast or in the first part of a long text, the penalty on n-grams of moods, the threshold",
    "of a mood) were chosen with these figures in sight. The even rows of chnsenticorp were read",
    "with their labels while the lists were made; its odd rows were not, and are measured alone.",
    "",
    "`stripped`: without `[emoticons]` and emoji. The labels of weibo_senti_100k were made from",
    "them, so only its stripped form says something.",
    "",
    "With two labels every text must get one of them, as unsure as it may be. With three, a text",
    "of unknown mood counts as neutral. The last two columns are about what the text stage says by",
    "itself: of how many texts that they are positive or negative, and how often that is right",
    "where the set sees a mood.",
    "",
)
_FOOT: Final = (
    "SnowNLP was trained on reviews, some of them those of these sets: where the table says so,",
    "its figure is one of learning by heart.",
)


@click.command(help=__doc__.splitlines()[0])
@click.argument(
    "folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--most", default=MAX_ROWS, show_default=True, help="Texts of one set.")
@click.option("--page", type=click.Path(dir_okay=False, path_type=Path), help="Write a page, too.")
def main(folder: Path | None, most: int, page: Path | None) -> None:
    if folder is None:
        click.echo("nothing measured: give a folder of labelled sets (see --help)")
        return
    rows = []
    for known in find_sets(folder, most):
        for row in measure(known):
            rows.append(row)
            click.echo(f"{row.name}, {row.form}: ours {row.ours}, SnowNLP {row.snow}")
    if not rows:
        raise click.ClickException(f"{folder}: no set that benchmarks/labelled.py knows")
    if page:
        page.write_text(as_page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
