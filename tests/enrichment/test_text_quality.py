"""The measuring itself: scores by hand, labelled sets of every kind, and the page."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.labelled import LabelledSet, find_sets
from benchmarks.snow import Opponent, find_shared
from benchmarks.text_quality import Row, Score, Snow, as_page, measure, score

REPOSITORY = Path(__file__).parents[2]


def test_scores_are_those_of_the_definition() -> None:
    """pos: 1 right of 2 said and 2 true, F1 1/2; neg: 2 right of 3 said and 3 true, F1 2/3."""
    true = ["pos", "pos", "neg", "neg", "neg"]
    told = score(true, ["pos", "neg", "neg", "neg", "pos"])
    assert told.accuracy == pytest.approx(3 / 5)
    assert told.macro_f1 == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert score(true, ["pos"] * 5).macro_f1 == pytest.approx((2 * 2 / 7 + 0) / 2)


def lines(*told: str) -> str:
    return "\n".join((*told, ""))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "weibo_senti_100k/dev.tsv": lines(
            "label\ttext", "1\t真好喝[哈哈] //@某人:好", "0\t難喝[淚]", "0\t難喝[淚]"
        ),
        "chnsenticorp/train.tsv": "房間乾淨\tpositive\n又吵又臭\tnegative\n",
        "bdci_car_2018/train_2.csv": lines(
            "content,sentiment_value", "動力好,1", "耗油,-1", "有兩面,1", "有兩面,-1", "藍色,0"
        ),
        "nlpcc2013_emotion/Nlpcc2013Train.tsv": lines(
            "happiness,開心", "surprise,哇", "anger,氣死", "none,星期三"
        ),
        "ptt_stock_sentiment_gold/ptt_raw_consensus/a.json": json.dumps(
            [{"label": "negative", "text": "又套牢"}, {"label": "neutral", "text": "收盤"}]
        ),
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    (tmp_path / "reviews_sentiment").mkdir()
    with zipfile.ZipFile(
        tmp_path / "reviews_sentiment" / "online_shopping_10_cats.zip", "w"
    ) as zipped:
        zipped.writestr(
            "online_shopping_10_cats.csv", "cat,label,review\n書,1,值得一讀\n書,0,爛透了\n"
        )
    return tmp_path


def test_every_kind_of_set_is_read(folder: Path) -> None:
    sets = {known.name: known for known in find_sets(folder)}
    assert {name: sorted(known.labels) for name, known in sets.items()} == {
        "weibo_senti_100k": ["neg", "pos"],
        "chnsenticorp": ["neg", "pos"],
        "chnsenticorp, odd rows": ["pos"],
        "online_shopping_10_cats": ["neg", "pos"],
        "bdci_car_2018": ["neg", "neu", "pos"],
        "nlpcc2013_emotion": ["neg", "neu", "pos"],
        "ptt_stock_sentiment_gold": ["neg", "neu"],
    }
    weibo = sets["weibo_senti_100k"]
    assert weibo.total == 2, "equal rows count once"
    assert weibo.stripped() == ["難喝 ", "真好喝   好"]


def test_texts_beside_a_sample_are_none_of_it(folder: Path) -> None:
    for known in find_sets(folder, most=1):
        assert not set(known.others) & set(known.stripped())
    cars = next(known for known in find_sets(folder, most=1) if known.name == "bdci_car_2018")
    assert len({*cars.others, *cars.texts}) == 3


def test_a_model_taught_by_the_other_texts_is_measured_beside_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benchmarks.text_quality.LEAST_WEAK", 10)
    monkeypatch.setattr("benchmarks.text_quality.find_spec", lambda name: None)
    places = [place + gate for place in "東西南北" for gate in "門站街路口"]
    others = [place + said for place in places for said in ("泡芙芙好喝大推", "咕嘰嘰難吃好雷")]
    known = LabelledSet("x", [("pos", "泡芙芙"), ("neg", "咕嘰嘰")], 42, others)
    (row,) = measure(known)
    assert row.ours.accuracy == 0.5, "nothing speaks for either"
    assert row.taught == Score(1, 1)
    (row,) = measure(replace(known, others=others[:9]))
    assert row.taught is None


def test_a_sample_is_the_same_each_time(folder: Path) -> None:
    one, other = ([known.rows for known in find_sets(folder, most=1)] for _ in range(2))
    assert one == other
    assert {len(rows) for rows in one} == {1}


@pytest.fixture
def rows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Row]]:
    monkeypatch.setattr("benchmarks.text_quality.find_spec", lambda name: None)  # no SnowNLP
    yield [row for known in find_sets(folder) for row in measure(known)]


def test_a_set_with_emoticons_is_measured_with_and_without(rows: list[Row]) -> None:
    forms = [(row.name, row.form) for row in rows]
    assert forms[:2] == [("weibo_senti_100k", "as it is"), ("weibo_senti_100k", "stripped")]
    assert ("chnsenticorp", "as it is") not in forms
    assert rows[0].ours.accuracy == 1
    page = as_page(rows)
    assert "| weibo_senti_100k | stripped | 2 of 2 | 1 neg, 1 pos |" in page
    assert "not installed" in page


def test_the_page_says_what_it_was_measured_with() -> None:
    """The page in the documentation names versions, and each set in its stripped form."""
    page = (REPOSITORY / "docs" / "text-quality.md").read_text(encoding="utf-8")
    assert "Versions: " in page
    assert "snownlp" in page
    assert "| weibo_senti_100k | stripped |" in page


def test_what_an_opponent_learned_is_found_whole_and_in_pieces() -> None:
    """Twelve letters make a piece; a short text counts only where it is a line by itself."""
    lines = [
        "前台換了三個人都說不清楚",
        "還不錯",
        "床單很乾淨早餐也好吃下次還會再來",
        "值得一住再住",
    ]
    texts = [
        "入住那天前台換了三個人都說不清楚押金怎麼退",  # a line is a piece of it
        "還不錯",  # too short to tell
        "床單很乾淨早餐也好吃下次還會",  # a piece of a line
        "值得一住再住",  # equal
        "前台換了三個人",  # a piece, but of seven letters
    ]
    assert find_shared(lines, texts) == ({0, 2, 3}, {0, 2, 3})


def test_an_opponent_is_asked_for_as_many_moods_as_a_set_knows() -> None:
    class Sure:
        def classify(self, words: list[str]) -> tuple[str, float]:
            return ("pos", 0.9) if "好" in words else ("neg", 0.55)

    opponent = Opponent(Sure())
    texts = [["好"], ["普通"], []]
    assert opponent.moods(texts, has_neutral=False) == ["pos", "neg", "pos"]
    assert opponent.moods(texts, has_neutral=True) == ["pos", "neu", "neu"]


def test_the_page_tells_what_was_learned_by_heart(rows: list[Row]) -> None:
    told = Snow(Score(0.9, 0.9), learned=0.99, anew=Score(0.8, 0.8))
    page = as_page([replace(rows[0], snow=told), replace(rows[1], snow=replace(told, anew=None))])
    assert "| 0.900 / 0.900 (99% learned by heart) | 0.800 / 0.800 |" in page
    assert "| 0.900 / 0.900 | the same |" in page
