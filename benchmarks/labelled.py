"""Labelled sets that a user may have in a folder; none of them comes with this project.

Only a set's labels are brought to ours: `pos`, `neg` and, where a set has it, `neu`. Its texts are
measured on and thrown away again.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

MAX_ROWS: Final = 4_000
"""Rows of one set that are measured, drawn by a fixed seed: SnowNLP reads some hundred a second."""

Row = tuple[str, str]
"""A label and a text."""

LOOKED_AT: Final = frozenset({"chnsenticorp"})
"""Sets whose even rows were read with their labels while lists and weights were chosen."""

_REPOST: Final = re.compile(r"//\s*@[^::\s]{1,30}\s*[::]")
_EMOTICON: Final = re.compile(r"\[[^\[\]\s]{1,8}\]")
_EMOJI: Final = re.compile("[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]")

_BINARY: Final = {"0": "neg", "1": "pos"}
_NAMED: Final = {"negative": "neg", "neutral": "neu", "positive": "pos"}
_SIGNED: Final = {"-1": "neg", "0": "neu", "1": "pos"}
_EMOTIONS: Final = {
    "none": "neu",
    "like": "pos",
    "happiness": "pos",
    "disgust": "neg",
    "sadness": "neg",
    "anger": "neg",
    "fear": "neg",
}


@dataclass(frozen=True)
class LabelledSet:
    """Rows of one set, or a sample of them, and how many the set has."""

    name: str
    rows: list[Row]
    total: int
    others: list[str] = field(default_factory=list)
    """Stripped texts of the set that are none of these."""

    @property
    def labels(self) -> list[str]:
        return [label for label, _ in self.rows]

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.rows]

    def stripped(self) -> list[str]:
        """Return the texts without emoticon codes and emoji, which often made the label."""
        return [_strip(text) for text in self.texts]


def _strip(text: str) -> str:
    return _EMOJI.sub("", _EMOTICON.sub(" ", text))


def find_sets(folder: Path, most: int = MAX_ROWS) -> Iterator[LabelledSet]:
    """Yield every known set that lies in the folder, a sample of the long ones."""
    for name, (pattern, read) in READERS.items():
        rows = [row for path in sorted(folder.glob(pattern)) for row in read(path)]
        distinct = sorted({(label, _REPOST.sub(" ", text)) for label, text in rows if text.strip()})
        if distinct:
            yield _drawn(name, distinct, distinct, most)
        if name in LOOKED_AT and len(distinct) > 1:
            yield _drawn(f"{name}, odd rows", distinct[1::2], distinct, most)


def _drawn(name: str, rows: list[Row], whole: list[Row], most: int) -> LabelledSet:
    """Return a sample of rows; all other texts of the whole set stand beside it."""
    sample = _sample(rows, most)
    taken = {text for _, text in sample}
    others = sorted({_strip(text) for _, text in whole if text not in taken})
    return LabelledSet(name, sample, len(rows), others)


def _sample(rows: list[Row], most: int) -> list[Row]:
    order = np.random.default_rng(20_13).permutation(len(rows))[:most]
    return [rows[i] for i in sorted(order.tolist())]


def _tab_separated(path: Path) -> Iterator[Row]:
    """Read `label TAB text`."""
    for line in path.read_text("utf-8").splitlines():
        label, _, text = line.partition("\t")
        if label in _BINARY:
            yield _BINARY[label], text


def _text_first(path: Path) -> Iterator[Row]:
    """Read `text TAB label`."""
    for line in path.read_text("utf-8").splitlines():
        text, _, label = line.rpartition("\t")
        if label in _NAMED:
            yield _NAMED[label], text


def _reviews(lines: Iterable[str]) -> Iterator[Row]:
    for row in csv.DictReader(lines):
        if row["label"] in _BINARY:
            yield _BINARY[row["label"]], row["review"]


def _review_file(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from _reviews(file)


def _review_archive(path: Path) -> Iterator[Row]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith("10_cats.csv"):
                with archive.open(name) as file:
                    yield from _reviews(io.TextIOWrapper(file, "utf-8-sig", newline=""))


def _car_sentences(path: Path) -> Iterator[Row]:
    """Read sentences with one judgement each; those with two, on two subjects, are left out."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    judged: dict[str, set[str]] = {}
    for row in rows:
        judged.setdefault(row["content"], set()).add(row["sentiment_value"])
    for text, values in judged.items():
        if len(values) == 1 and (label := _SIGNED.get(next(iter(values)))):
            yield label, text


def _emotions(path: Path) -> Iterator[Row]:
    """Read `emotion,text` or `emotion:text`; surprise is neither good nor bad and left out."""
    for line in path.read_text("utf-8").splitlines():
        name, _, text = line.partition("," if path.suffix == ".tsv" else ":")
        if label := _EMOTIONS.get(name):
            yield label, text


def _judged_pushes(path: Path) -> Iterator[Row]:
    for row in json.loads(path.read_text("utf-8")):
        if row["label"] in _NAMED:
            yield _NAMED[row["label"]], row["text"]


READERS: Final[dict[str, tuple[str, Callable[[Path], Iterator[Row]]]]] = {
    "weibo_senti_100k": ("weibo_senti_100k/*.tsv", _tab_separated),
    "chnsenticorp": ("chnsenticorp/*.tsv", _text_first),
    "hotel reviews (ChnSentiCorp_htl_all)": ("reviews_sentiment/ChnSentiCorp*.csv", _review_file),
    "takeaway reviews (waimai_10k)": ("reviews_sentiment/waimai*.csv", _review_file),
    "online_shopping_10_cats": ("reviews_sentiment/*10_cats.zip", _review_archive),
    "bdci_car_2018": ("bdci_car_2018/train*.csv", _car_sentences),
    "nlpcc2013_emotion": ("nlpcc2013_emotion/Nlpcc*.tsv", _emotions),
    "ptt_stock_sentiment_gold": (
        "ptt_stock_sentiment_gold/ptt_raw_consensus/*.json",
        _judged_pushes,
    ),
    "ptt_stock_sentiment_gold, pushes": (
        "ptt_stock_sentiment_gold/*push_only/*.json",
        _judged_pushes,
    ),
}
