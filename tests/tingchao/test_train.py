"""`tingchao label` and `tingchao train`: what is asked, what is taken, and what comes of it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from enrichment import build_lexicon
from enrichment.tables import shipped_model
from enrichment.training import Post
from tests.enrichment.test_carrying import land, listening_for
from tingchao.context import Context
from tingchao.enriching.labels import Label, add_labels, labels_path, read_labels
from tingchao.enriching.own_model import own_model, own_model_path
from tingchao.errors import ConfigurationError
from tingchao.steps.enrich import lexicon_of
from tingchao.steps.label import _as_cell, take_labels, write_queue
from tingchao.steps.train import train_model

OURS = [
    Post(text, mood, frozenset(), frozenset(), str(i % 3), is_ours=True)
    for i, (text, mood) in enumerate(
        4 * (("這家真的好喝", "positive"), ("等太久，爛透了", "negative"), ("週末營業", "neutral"))
    )
]


@pytest.fixture
def context(tmp_path: Path) -> Context:
    told = listening_for(tmp_path)
    land(told)
    return told


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def fill(path: Path, **cells: str) -> list[str]:
    """Fill in the first two rows; return their hashes."""
    rows = rows_of(path)
    for row in rows[:2]:
        row.update(cells)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return [row["text_hash"] for row in rows[:2]]


def test_the_queue_asks_and_the_answers_are_taken(context: Context, tmp_path: Path) -> None:
    path = tmp_path / "queue.csv"
    assert write_queue(context, path, 5).asked_count == len(rows_of(path)) == 5
    assert all(row["text"].strip() for row in rows_of(path))
    hashes = fill(path, mood="Negative", intents="complaint，crisis", aspects="none")
    assert take_labels(context, path).taken_count == 2
    labels = read_labels(context.data)
    assert set(labels) == set(hashes)
    label = labels[hashes[0]]
    assert (label.mood, label.intents, label.aspects) == ("negative", ("complaint", "crisis"), ())
    assert "text" not in (context.data / "labels.jsonl").read_text().replace("text_hash", "")
    again = tmp_path / "again.csv"
    write_queue(context, again, 500)
    assert not set(hashes) & {row["text_hash"] for row in rows_of(again)}


def test_a_later_label_holds_and_an_empty_cell_says_nothing(
    context: Context, tmp_path: Path
) -> None:
    path = tmp_path / "queue.csv"
    write_queue(context, path, 3)
    fill(path, mood="positive")
    take_labels(context, path)
    hashes = fill(path, mood="neutral")
    take_labels(context, path)
    label = read_labels(context.data)[hashes[0]]
    assert (label.mood, label.intents) == ("neutral", None)


def test_answers_about_different_things_stand_together(context: Context, tmp_path: Path) -> None:
    """Two people fill in different columns."""
    path = tmp_path / "queue.csv"
    write_queue(context, path, 3)
    fill(path, mood="positive")
    take_labels(context, path)
    hashes = fill(path, mood="", intents="praise")
    take_labels(context, path)
    label = read_labels(context.data)[hashes[0]]
    assert (label.mood, label.intents) == ("positive", ("praise",))


def test_half_a_line_is_no_label_and_harms_no_other(context: Context) -> None:
    path = labels_path(context.data)
    path.parent.mkdir(parents=True, exist_ok=True)
    one, other = Label(32 * "a", "positive"), Label(32 * "b", "negative")
    add_labels(context.data, [one], context.now())
    with path.open("a") as file:
        file.write('{"text_hash": "cc')
    assert read_labels(context.data) == {one.text_hash: one}
    add_labels(context.data, [other], context.now())
    assert read_labels(context.data) == {one.text_hash: one, other.text_hash: other}
    with path.open("a") as file:
        file.write('[1]\n{"mood": "positive"}\n')
    with pytest.raises(ConfigurationError, match=r"labels.jsonl, line 3: found '\[1\]'"):
        read_labels(context.data)


def test_a_long_text_can_be_asked_about(tmp_path: Path) -> None:
    assert len(_as_cell("=" + 200_000 * "好")) < 32_767


def test_answers_are_never_written_over(context: Context, tmp_path: Path) -> None:
    path = tmp_path / "queue.csv"
    write_queue(context, path, 3)
    with pytest.raises(ConfigurationError, match="may hold answers"):
        write_queue(context, path, 3)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"mood": "angry"}, "mood: found angry; expected one of positive, negative, neutral"),
        ({"mood": "positive, negative"}, "mood: found positive, negative"),
        (
            {"text_hash": "a\u2028b", "mood": "positive"},
            "text_hash: found a\u2028b; expected",
        ),
        ({"text_hash": "", "mood": "positive"}, "text_hash: found nothing"),
        ({"intents": "complaint, rant"}, "intents: found rant; expected some of"),
    ],
)
def test_a_wrong_answer_is_named_and_none_is_taken(
    context: Context, tmp_path: Path, cells: dict[str, str], reason: str
) -> None:
    path = tmp_path / "queue.csv"
    write_queue(context, path, 3)
    fill(path, **cells)
    with pytest.raises(ConfigurationError, match=reason):
        take_labels(context, path)
    assert not read_labels(context.data)


def test_another_file_is_refused(context: Context, tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="columns aspects, intents, mood, text_hash"):
        take_labels(context, path)


def test_training_makes_a_model_of_its_own_the_same_one_each_time(
    context: Context, tmp_path: Path
) -> None:
    path = tmp_path / "queue.csv"
    write_queue(context, path, 4)
    fill(path, mood="negative")
    take_labels(context, path)
    before = lexicon_of(context.config).version
    summary = train_model(context, OURS)
    assert (summary.corpus_count, summary.labelled_count) == (len(OURS), 2)
    content = own_model(context.data)
    assert content
    assert content != shipped_model()
    assert lexicon_of(context.config).version != before, "texts are read anew"
    train_model(context, OURS)
    assert own_model(context.data) == content


def test_landed_texts_teach_when_there_are_enough(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="250 that are positive and 250 that are negative"):
        train_model(context, OURS)
    monkeypatch.setattr("tingchao.steps.train.LEAST_WEAK", 1)
    summary = train_model(context, OURS)
    assert summary.weak_count > 2
    assert f"{summary.weak_count} landed texts whose words or emoticons" in str(summary)


def test_without_anything_to_learn_nothing_is_trained(tmp_path: Path) -> None:
    context = listening_for(tmp_path)
    with pytest.raises(ConfigurationError, match="no label and too few landed texts"):
        train_model(context, OURS)
    assert own_model(context.data) is None


def test_a_model_of_another_release_says_what_to_do(context: Context) -> None:
    path = own_model_path(context.data)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else")
    with pytest.raises(ConfigurationError, match="Run `tingchao train`, or take the file away"):
        lexicon_of(context.config)
    assert build_lexicon().model is None
