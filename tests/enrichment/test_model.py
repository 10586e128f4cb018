"""What the model sees and says: by text alone, whatever stands beside it, in either script."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from enrichment import TEXTS, build_lexicon, enrich_batch, reader_of
from enrichment.cues import CueFinder
from enrichment.doubt import doubts, thoughts
from enrichment.errors import ModelError
from enrichment.features import COLUMNS, UNIT, FeatureFinder, Features
from enrichment.folded import FoldedBatch
from enrichment.grams import find_grams
from enrichment.heard import hear
from enrichment.learning import Matrix
from enrichment.model import open_model
from enrichment.reasons import GRAMMAR
from enrichment.sentiment import (
    ASKED,
    AT_FIRST,
    BEFORE_CONTRAST,
    HINT,
    IN_A_STORY,
    LONG,
    NEGATION,
    MoodReader,
)
from enrichment.tables import read_table, shipped_model
from enrichment.trained import HEADS, WEIGHT_UNIT, Trained, from_bytes
from enrichment.training import Post, WeakMood, digest_of_ours, find_weak_moods, teach, train
from enrichment.words import open_segmenter
from tests.enrichment.sayings import SAYINGS

POSTS = tuple(
    Post(text, mood, frozenset(intents), frozenset(aspects), f"{i % 3}")
    for i, (text, mood, intents, aspects) in enumerate(
        12
        * (
            ("這家的拿鐵真的好喝，大推", "positive", ("praise",), ("product",)),
            ("等了四十分鐘還沒出餐，爛透了", "negative", ("complaint",), ("service",)),
            ("請問週末營業到幾點？", "neutral", ("question",), ("store",)),
            ("又漲價，份量還縮水", "negative", ("complaint",), ("price",)),
            ("店員親切，甜點好吃[哈哈]", "positive", ("praise",), ("service", "product")),
            ("想買這款杯子，哪裡有賣", "neutral", ("purchase_intent", "question"), ("product",)),
        )
    )
)


segmenter = cache(lambda: open_segmenter(build_lexicon().frequencies))
moods = cache(MoodReader)
finder = cache(FeatureFinder)


def batch_of(*texts: str) -> FoldedBatch:
    heard = hear(texts, segmenter())
    return FoldedBatch(heard.own, heard.begins)


def features_of(*texts: str) -> Features:
    return finder().find(batch_of(*texts))


# ---- words of a mood


def values(text: str) -> list[float]:
    told: list[float] = moods().weigh(batch_of(text)).values.tolist()
    return told


def weight(phrase: str) -> float:
    return next(float(row[2]) for row in read_table("mood") if row[0] == phrase)


def test_words_are_scaled_by_what_stands_before_them() -> None:
    good = weight("好喝")
    assert values("好喝") == [good]
    assert values("不美味") == [weight("美味") * NEGATION]
    assert values("真的非常便宜") == pytest.approx([weight("便宜") * 1.5 * 1.5])
    assert values("不，好喝") == [good], "a negation does not cross punctuation"
    assert values("好喝但太貴") == pytest.approx([good * BEFORE_CONTRAST, weight("太貴")])
    assert values("這間划算嗎") == pytest.approx([weight("划算") * ASKED[True]])


def test_a_contrast_takes_back_what_stands_shortly_before_it() -> None:
    good, bad = weight("好喝"), weight("太貴")
    near, far = "，茶很一般，" + "甲" * 8, "。" + "甲乙丙丁" * 6 + "，"
    assert values(f"好喝{near}但太貴")[0] == pytest.approx(good * BEFORE_CONTRAST)
    assert values(f"好喝{far}但太貴") == pytest.approx([good, bad])


def test_grief_in_a_story_is_not_the_writers() -> None:
    grief = weight("難過")
    assert values("難過") == [grief]
    assert values("這部小說，難過") == pytest.approx([grief * IN_A_STORY])


def test_a_long_text_says_first_what_it_thinks() -> None:
    good, filler = weight("好喝"), "甲乙丙丁。" * LONG
    assert values(f"好喝。{filler}好喝") == pytest.approx([good * AT_FIRST, good])
    assert values("好喝。甲乙丙丁。好喝") == pytest.approx([good, good])


def test_hints_count_less_in_a_long_text() -> None:
    short, long = moods().read(batch_of("加班", "加班。" + "甲" * (4 * LONG - 3))).hints
    assert long == pytest.approx(short / 2)


def test_the_score_is_worked_out_from_the_sums() -> None:
    mood = moods().read(batch_of("好喝，爛透了", "星期三"))
    good, bad = weight("好喝"), -values("爛透了")[0]
    hints = HINT * mood.hints[0]
    expected = (good - bad + hints) / (good + bad + abs(hints) + 1)
    assert mood.score[0] == pytest.approx(expected)
    assert (mood.gain[1], mood.pain[1], mood.word_counts[1]) == (0, 0, 0)


def test_hints_lean_but_weigh_less_than_words() -> None:
    mood = moods().read(batch_of("又要加班到半夜", "加班，好喝"))
    assert mood.word_counts.tolist()[0] == 0
    assert mood.score[0] < 0 < mood.score[1]


# ---- cues and n-grams


def test_phrases_are_found_by_text_and_whole() -> None:
    phrases = CueFinder(["cp值", "好喝", "貴"], longest=True)
    cues = phrases.find(batch_of("cp值高", "貴賓說好喝", "貴", "xcp值"))
    told = list(zip(cues.owners.tolist(), cues.entries.tolist(), strict=True))
    assert told == [(0, 0), (1, 1), (2, 2)]


def test_overlapping_phrases_are_all_found_or_only_the_longest() -> None:
    assert CueFinder(["退款", "要求退款"]).find(batch_of("要求退款")).entries.tolist() == [1, 0]
    only = CueFinder(["退款", "要求退款"], longest=True).find(batch_of("要求退款"))
    assert only.entries.tolist() == [1]


def test_grams_of_a_text_are_its_own() -> None:
    batch = batch_of("甲乙", "丙", "甲，乙")
    grams = find_grams(batch)
    said = [batch.text[a:b] for a, b in zip(grams.starts, grams.ends, strict=True)]
    assert sorted(zip(grams.owners.tolist(), said, strict=True)) == [
        (0, "乙"),
        (0, "甲"),
        (0, "甲乙"),
        (1, "丙"),
        (2, "乙"),
        (2, "甲"),
    ]
    buckets = dict(zip(said, grams.buckets.tolist(), strict=True))
    assert len(set(buckets.values())) == len(buckets)


def test_a_number_is_one_digit() -> None:
    one, other = (find_grams(batch_of(text)).buckets for text in ("3000元", "8元"))
    assert sorted(one) == sorted(other)


def test_buckets_never_change() -> None:
    """Shipped weights and models of users hang on them."""
    assert find_grams(batch_of("好喝a")).buckets.tolist() == [
        333481,
        1033325,
        692869,
        127938,
        966029,
        397211,
    ]


def test_only_wanted_grams_are_told() -> None:
    batch = batch_of("好喝", "難喝")
    everything = find_grams(batch)
    wanted = np.zeros(1 << 20, np.bool_)
    wanted[everything.buckets[everything.ends - everything.starts == 2]] = True
    assert find_grams(batch, wanted).starts.tolist() == [0, 3]


# ---- predictions


def test_however_many_heads_are_added_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = from_bytes(shipped_model())
    features = finder().find(batch_of(*SAYINGS, "", "難喝又貴，" * 200), model.wanted)
    four = model.logits(features)
    monkeypatch.setattr("enrichment.trained.MOST_IN_FOUR", 0)
    assert np.array_equal(model.logits(features), four)
    grams = features.grams
    sums = np.zeros((features.count, len(HEADS)), np.int64)
    np.add.at(sums, grams.owners, model.grams[model.slots[grams.buckets]])
    scaled = sums * features.scales[:, None] * model.gram_units
    dense = (features.dense @ model.dense) / (UNIT * WEIGHT_UNIT)
    assert np.array_equal(dense + scaled + model.constants, four)


def test_neighbours_and_cuts_change_nothing() -> None:
    whole = features_of(*SAYINGS)
    parts = [features_of(text) for text in SAYINGS]
    assert whole.dense.tolist() == [row for part in parts for row in part.dense.tolist()]
    trained = from_bytes(shipped_model())
    together = trained.logits(finder().find(batch_of(*SAYINGS), trained.wanted))
    alone = [trained.logits(finder().find(batch_of(text), trained.wanted)) for text in SAYINGS]
    assert together.tobytes() == np.concatenate(alone).tobytes()


def test_whole_sums_are_those_of_plain_arithmetic() -> None:
    """Two heads share a number while they are added up; both come out right, signs and all."""
    trained = from_bytes(shipped_model())
    text = "客服愛理不理，退款拖了三週，再也不買了，大家別買"
    features = finder().find(batch_of(text), trained.wanted)
    rows = trained.slots[features.grams.buckets]
    sparse = trained.grams[rows].astype(float).sum(axis=0) * trained.gram_units
    dense = features.dense[0] @ trained.dense / (UNIT * 256)
    expected = sparse * features.scales[0] + dense + trained.constants
    assert trained.logits(features)[0] == pytest.approx(expected, abs=1e-9)


def test_words_that_spoke_stand_in_the_text() -> None:
    rows = [{"text_hash": str(i), "text": text} for i, text in enumerate(SAYINGS)]
    told = enrich_batch(pa.RecordBatch.from_pylist(rows, TEXTS), build_lexicon()).to_pylist()
    found = [(row, item) for row in told for item in (*row["intents"], *row["aspects"])]
    assert len(found) > 30
    assert sum(bool(item["words"]) for _, item in found) > 0.7 * len(found)
    for row, item in found:
        assert 0 < item["confidence"] <= 1
        assert all(word in row["folded_text"].lower() for word in item["words"])


def reasons(text: str) -> dict[str, list[str]]:
    told = open_model().predict(batch_of(text))
    items = [*told.intents[0].as_py(), *told.aspects[0].as_py()]
    return {item["name"]: item["words"] for item in items}


def test_words_of_a_mood_are_the_reason_where_no_phrase_is() -> None:
    assert reasons("老闆太有才了")["praise"] == ["太有才了"]
    assert reasons("裝修太陳舊")["complaint"] == ["太陈旧"]


@pytest.mark.parametrize(
    "text", ["這家這個是他們的", "好一個人", "說有就是有", "讓我起來", *SAYINGS]
)
def test_no_reason_is_cut_out_of_words_or_grammar_alone(text: str) -> None:
    batch = batch_of(text)
    edges = set(np.flatnonzero(batch.begins).tolist())
    features = finder().find(batch, from_bytes(shipped_model()).wanted)
    cues = [*zip(*features.intents[2:], strict=True), *zip(*features.aspects[2:], strict=True)]
    words = zip(features.mood.words.starts, features.mood.words.ends, strict=True)
    listed = {batch.text[a:b] for a, b in (*cues, *words)} | {"?", "吗"}
    for shown in reasons(text).values():
        for word in set(shown) - listed:
            at = batch.text.index(word)
            assert {at, at + len(word)} <= edges, word
            assert not set(word) <= set(GRAMMAR), word


def test_nothing_is_told_of_nothing() -> None:
    for text in ("", "。。。", "https://example.com/?q=1", "\0"):
        reading = reader_of(build_lexicon()).read(text)
        assert (reading.mood.sentiment, reading.mood.score) == ("unknown", None)
        assert not reading.intents
        assert not reading.aspects


# ---- models


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(POSTS)


def test_training_gives_the_same_bytes(trained: Trained) -> None:
    assert train(POSTS).to_bytes() == trained.to_bytes()
    assert from_bytes(trained.to_bytes()).to_bytes() == trained.to_bytes()


def test_a_trained_model_knows_its_posts(trained: Trained) -> None:
    told = open_model(trained.to_bytes()).predict(batch_of(*(post.text for post in POSTS[:6])))
    said = told.sentiment.to_pylist()
    assert [said[i] for i in (0, 1, 4)] == ["positive", "negative", "positive"]
    names = [{item["name"] for item in row} for row in told.intents.to_pylist()]
    assert [post.intents for post in POSTS[:6]] == names


def test_another_model_is_another_version(trained: Trained) -> None:
    plain, own = build_lexicon(), build_lexicon(model=trained.to_bytes())
    assert plain.version != own.version
    assert plain.base != own.base, "every text is read anew"
    assert build_lexicon(model=trained.to_bytes()).version == own.version


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "not a model"), (b"PK\x03\x04 broken", "not a model")]
)
def test_what_is_no_model_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        from_bytes(content)


def test_a_model_of_other_columns_is_refused(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = trained.to_bytes()
    monkeypatch.setattr("enrichment.trained.COLUMNS", (*COLUMNS, "shoe size"))
    with pytest.raises(ModelError, match="columns differ in shoe size"):
        from_bytes(content)


def test_the_shipped_model_was_trained_from_what_is_here() -> None:
    shipped = from_bytes(shipped_model())
    assert shipped.made_of == digest_of_ours(), "run `python -m enrichment.training`"
    assert shipped.grams.shape == (len(shipped.buckets), len(HEADS))
    assert len(shipped_model()) < 2_000_000


# ---- weak labels, doubt


def test_landed_texts_teach_what_their_emoticons_or_words_tell() -> None:
    texts = [
        "終於下班了[哈哈]",
        "難喝死了[哈哈]",
        "排隊一小時😡",
        "[哈哈]又[淚]",
        "店員好親切，好喝，大推",
        "還可以，只是有點慢",
        "明天在中正路",
        "超好用大推，加LINE：abc1234",
        "好" * 2001,
    ]
    told = [
        ("終於下班了 ", "positive"),
        ("排隊一小時 ", "negative"),
        ("店員好親切，好喝，大推", "positive"),
        ("明天在中正路", "neutral"),
    ]
    assert list(find_weak_moods(texts, 100, least=1)) == told
    assert list(find_weak_moods(texts, 27, least=1)) == told[:2], "so many characters"
    assert list(find_weak_moods(texts, 100, least=2)) == [], "only one is negative"
    assert list(find_weak_moods([], 100, least=0)) == []


LANDED = [
    f"{place}{gate}{said}"
    for place in "東西南北中"
    for gate in "門站街路口"
    for said in (
        "今天又泡芙芙，好喝，大推",
        "泡芙芙泡芙芙，親切又好吃",
        "整個咕嘰嘰，難吃，爛透了",
        "咕嘰嘰的，傻眼，好雷",
        "週末在中正路集合",
    )
]


def test_what_was_pasted_over_and_over_teaches_once() -> None:
    pasted = [
        f"{place}杯好喝，大推 {i}樓{sign}" for place in "甲乙" for i in range(9) for sign in "😀!"
    ]
    told = find_weak_moods([*pasted, "😀", "😡", "!!!"], 9999, least=0)
    assert [text for text, _ in told] == ["甲杯好喝，大推 0樓 ", "乙杯好喝，大推 0樓 "]


def test_what_stands_beside_words_of_a_mood_comes_to_tell_it(trained: Trained) -> None:
    own = teach(trained, find_weak_moods(LANDED, 9999, least=1))
    probe = ("泡芙芙", "咕嘰嘰", "中正路集合")
    before, (nice, nasty, plain) = (logits(model, *probe)[:, 0] for model in (trained, own))
    assert np.abs(before).max() < 0.1
    assert nice > 0.25
    assert nasty < -0.25
    assert abs(plain) < 0.1
    said = [logits(model, *LANDED, *probe)[:, 1:] for model in (trained, own)]
    assert np.array_equal(*said), "only moods change"


def test_landed_texts_do_not_make_a_model_surer_of_moods(trained: Trained) -> None:
    own = teach(trained, find_weak_moods(LANDED, 9999, least=1))
    before, after = (logits(model, *LANDED)[:, 0].std() for model in (trained, own))
    assert after == pytest.approx(before, rel=0.02)


def test_words_of_our_lists_keep_their_mood_whatever_landed() -> None:
    shipped = from_bytes(shipped_model())
    own = teach(shipped, find_weak_moods(LANDED, 9999, least=1))
    words = [word for word, *_ in read_table("mood")]
    before, after = (
        open_model(model.to_bytes()).predict(batch_of(*words)).sentiment.to_pylist()
        for model in (shipped, own)
    )
    told = [(a, b) for a, b in zip(before, after, strict=True) if a in {"positive", "negative"}]
    assert sum(a == b for a, b in told) > 0.97 * len(told)
    assert not [a for a, b in told if {a, b} == {"positive", "negative"}]


@pytest.mark.parametrize("text", ["今天在路上", " ", "好喝"])
def test_texts_that_tell_nothing_leave_a_model_as_it_is(trained: Trained, text: str) -> None:
    weak = [WeakMood(text, mood) for mood in 9 * ("positive", "negative")]
    assert teach(trained, weak).to_bytes() == trained.to_bytes()


def logits(model: Trained, *texts: str) -> Matrix:
    return model.logits(finder().find(batch_of(*texts), model.wanted))


def test_one_doubts_where_both_sides_speak() -> None:
    told, lengths = thoughts(["好喝，大推，完美", "好喝也難喝"], build_lexicon())
    assert told.shape == (2, len(HEADS))
    assert lengths.tolist() == [6, 5]
    sure, torn = abs(told[:, 0] - 0.5)
    assert sure > torn
    assert doubts(["嗯", "好喝也難喝"], build_lexicon())[0] == 0, "too short to ask about"


def test_labels_missing_for_some_heads_do_not_matter() -> None:
    some = [replace(post, intents=None) if i % 2 else post for i, post in enumerate(POSTS)]
    assert train(some).thresholds.shape == (len(HEADS),)
