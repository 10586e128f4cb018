"""Quality of moods on labelled sets that you have, beside SnowNLP and the commonest label.

    python -m benchmarks.text_quality FOLDER [--most 4000] [--page docs/text-quality.md]

FOLDER holds sets as `benchmarks.labelled` knows them; none comes with this project and none was
trained on. Each is measured without its emoticons, which often made its labels, and where many
texts have some, as it is, too.
SnowNLP takes part where it can be imported: as it comes, and, where it learned from texts that are
measured, taught anew without them. A set with two labels forces a choice: both sides must say one
of them of every text. With three, a text of unknown mood counts as neutral, and so does one to
which SnowNLP gives between 0.4 and 0.6.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click
import numpy as np
import pyarrow as pa

from benchmarks import snow
from benchmarks.labelled import MAX_ROWS, LabelledSet, find_sets
from enrichment import TEXTS, Lexicon, build_lexicon, enrich_batch
from enrichment.doubt import thoughts
from enrichment.tables import shipped_model
from enrichment.trained import from_bytes
from enrichment.training import LEAST_WEAK, MOST_WEAK, find_weak_moods, teach

PARTS: Final = ("tingchao", "rjieba", "numpy", "snownlp")
OFTEN: Final = 0.05
"""Share of texts with emoticons from which a set is measured with them, too."""
LEARNED: Final = 0.005
"""Share of a set's texts in SnowNLP's training data from which it is taught anew without them."""
_OURS: Final = {"positive": "pos", "negative": "neg", "neutral": "neu", "unknown": "neu"}


@dataclass(frozen=True)
class Score:
    """Quality on one set: mean F1 of its labels, share of right answers, each 0 to 1."""

    macro_f1: float
    accuracy: float

    def __str__(self) -> str:
        return f"{self.macro_f1:.3f} / {self.accuracy:.3f}"


@dataclass(frozen=True)
class Snow:
    """What SnowNLP reaches on a set."""

    shipped: Score
    learned: float
    """Share of the texts that it learned from, whole or in pieces."""
    anew: Score | None
    """Taught by its own data without these texts; None where it knew next to none of them."""


@dataclass(frozen=True)
class Row:
    """What was measured on one set, in one form."""

    name: str
    form: str
    total: int
    labels: Sequence[str]
    common: Score
    ours: Score
    taught: Score | None
    """Ours, taught by the set's other texts without their labels; None where these are too few."""
    snow: Snow | None
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
    lexicon = build_lexicon()
    said = our_moods(texts, lexicon)
    answers = said if has_neutral else our_choices(texts, lexicon)
    commonest = Counter(labels).most_common(1)[0][0]
    told = [(a, b) for a, b in zip(labels, said, strict=True) if b != "neu"]
    right = [a == b for a, b in told if a != "neu"]
    return Row(
        name=known.name,
        form=form,
        total=known.total,
        labels=labels,
        common=score(labels, [commonest] * len(labels)),
        ours=score(labels, answers),
        taught=_taught(known, texts),
        snow=_ask_snow(known, texts) if find_spec("snownlp") else None,
        told=len(told) / len(labels),
        told_right=sum(right) / max(1, len(right)),
    )


def _taught(known: LabelledSet, texts: list[str]) -> Score | None:
    """Measure what `tingchao train` makes of texts that nobody labelled."""
    weak = find_weak_moods(_shuffled(known.others), MOST_WEAK, LEAST_WEAK)
    if not weak:
        return None
    lexicon = build_lexicon(model=teach(from_bytes(shipped_model()), weak).to_bytes())
    answer = our_moods if "neu" in known.labels else our_choices
    return score(known.labels, answer(texts, lexicon))


def _shuffled(texts: list[str]) -> Iterator[str]:
    return (texts[i] for i in np.random.default_rng(20_26).permutation(len(texts)).tolist())


def _ask_snow(known: LabelledSet, texts: list[str]) -> Snow:
    words, has_neutral = snow.cut(texts), "neu" in known.labels

    def reached(opponent: snow.Opponent) -> Score:
        return score(known.labels, opponent.moods(words, has_neutral=has_neutral))

    lines, learned_texts = snow.find_known(known.texts)
    learned = len(learned_texts) / len(known.texts)
    anew = reached(snow.taught_without(lines)) if learned >= LEARNED else None
    return Snow(reached(snow.shipped()), learned, anew)


def our_moods(texts: list[str], lexicon: Lexicon) -> list[str]:
    """Return the mood that our text stage gives; unknown counts as neutral."""
    rows = [{"text_hash": str(i), "text": text} for i, text in enumerate(texts)]
    batch = enrich_batch(pa.RecordBatch.from_pylist(rows, TEXTS), lexicon)
    return [_OURS[mood] for mood in batch.column("sentiment").to_pylist()]


def our_choices(texts: list[str], lexicon: Lexicon) -> list[str]:
    """Return the side that is the likelier one, however unsure."""
    told, _ = thoughts(texts, lexicon)
    return ["pos" if positive >= 0.5 else "neg" for positive in told[:, 0].tolist()]


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
        "| set | form | texts | labels | commonest label | SnowNLP as it comes "
        "| SnowNLP without these texts | ours | ours, taught | we say a mood | right |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        counts = Counter(row.labels)
        labels = ", ".join(f"{counts[name]:,} {name}" for name in sorted(counts))
        texts = f"{len(row.labels):,} of {row.total:,}"
        yield (
            f"| {row.name} | {row.form} | {texts} | {labels} | {row.common} "
            f"| {' | '.join(_of_snow(row.snow))} | **{row.ours}** "
            f"| {row.taught or 'too few texts'} | {row.told:.0%} | {row.told_right:.0%} |"
        )


def _of_snow(told: Snow | None) -> tuple[str, str]:
    if told is None:
        return "not installed", "not installed"
    if told.anew is None:
        return str(told.shipped), "the same"
    return f"{told.shipped} ({told.learned:.0%} learned by heart)", str(told.anew)


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
    "of unknown mood counts as neutral. `taught`: after `tingchao train` has read the set's other",
    "texts, without labels and emoticons. The last two columns are about what the text stage says",
    "by itself: of how many texts that they are positive or negative, and how often that is right",
    "where the set sees a mood.",
    "",
)
_FOOT: Final = (
    "SnowNLP comes with the reviews that it was trained on, and they are those of some of these",
    "sets: there the figure of SnowNLP as it comes is one of learning by heart. `Without these",
    "texts` is SnowNLP trained again on its own data, but for the lines that are a measured text",
    "or a piece of one (twelve letters or more); what it keeps are still reviews of the same shops",
    "and hotels.",
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
