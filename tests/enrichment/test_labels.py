"""Our labelled posts and lists: known labels, no post twice, words found where they stand."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from benchmarks.intent_quality import HeadScore, macro_f1, measure, table
from enrichment import build_lexicon
from enrichment.folded import FoldedBatch
from enrichment.folding import fold_all
from enrichment.heard import hear
from enrichment.intent import ASPECTS, BLOCK, ELLIPSIS, INTENTS, CueReader
from enrichment.script import converter
from enrichment.tables import read_table
from enrichment.training import Post, read_corpus
from enrichment.words import open_segmenter

CORPUS = tuple(read_corpus())
TABLES = {"intents": INTENTS, "aspects": ASPECTS}
READERS = {table: CueReader(table, names) for table, names in TABLES.items()}
SEGMENTER = open_segmenter(build_lexicon().frequencies)


def batch_of(*texts: str) -> FoldedBatch:
    heard = hear(texts, SEGMENTER)
    return FoldedBatch(heard.own, heard.begins)


def cues(text: str, table: str = "intents") -> set[tuple[str, str]]:
    """Return (name, words) of what a list finds in a text."""
    batch = batch_of(text)
    found = READERS[table].find(batch)
    spans = zip(found.names, found.starts, found.ends, strict=True)
    return {(TABLES[table][name], batch.text[start:end]) for name, start, end in spans}


def names(text: str, table: str = "intents") -> set[str]:
    return {name for name, _ in cues(text, table)}


# ---- the posts


def test_every_intent_has_posts_enough_in_most_files() -> None:
    for name in INTENTS:
        files = Counter(post.group for post in CORPUS if name in (post.intents or ()))
        assert sum(files.values()) >= 330, name
        assert len(files) >= 15, name


def test_every_aspect_has_posts_enough() -> None:
    counts = Counter(name for post in CORPUS for name in post.aspects or ())
    assert set(counts) == set(ASPECTS)
    assert min(counts.values()) >= 200


def test_both_scripts_are_spoken() -> None:
    scripts = Counter(fold_all([post.text for post in CORPUS]).scripts.tolist())
    traditional, simplified = scripts[1], scripts[2]
    assert min(traditional, simplified) > len(CORPUS) / 4


def test_no_post_stands_twice_in_either_script() -> None:
    folded = Counter(fold_all([post.text.strip() for post in CORPUS]).joined.texts)
    assert [text for text, count in folded.items() if count > 1] == []


def test_posts_of_different_files_are_no_copies_of_each_other() -> None:
    """No two long posts of different files share most of their three-character stretches."""
    texts = fold_all([post.text for post in CORPUS]).joined.texts
    where: dict[str, list[int]] = {}
    grams = [{text[i : i + 3] for i in range(len(text) - 2)} for text in texts]
    for i, found in enumerate(grams):
        for gram in found if len(found) >= 8 else ():
            where.setdefault(gram, []).append(i)
    shared: Counter[tuple[int, int]] = Counter()
    for owners in where.values():
        if len(owners) <= 30:
            shared.update(combinations(owners, 2))
    copies = [
        (texts[a], texts[b])
        for (a, b), count in shared.items()
        if CORPUS[a].group != CORPUS[b].group and count > 0.55 * len(grams[a] | grams[b])
    ]
    assert copies == []


# ---- the lists


@pytest.mark.parametrize("table", TABLES)
def test_a_list_names_what_is_known_and_no_phrase_twice(table: str) -> None:
    rows = read_table(table)
    assert {name for _, name in rows} == {BLOCK, *TABLES[table]}
    assert max(Counter(rows).values()) == 1
    assert all(half for phrase, _ in rows for half in phrase.split(ELLIPSIS))
    assert all(phrase.count(ELLIPSIS) <= 1 for phrase, _ in rows)


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("訂了三週還沒收到，查無訂單", "order_problem", "还没收到"),
        ("这家的酥皮求推荐", "seek_recommendation", "求推荐"),
        ("已經加購物車了", "purchase_intent", "加购物车"),
        ("孩子吃完送急診", "crisis", "送急诊"),
        ("怕吵的人閉眼買這台", "recommendation", "闭眼买"),
    ],
)
def test_words_are_found_in_either_script(text: str, name: str, words: str) -> None:
    assert (name, words) in cues(text)
    assert names(converter("tw2s").convert(text)) == names(text)


def test_a_gap_ends_at_a_stop_and_at_its_reach() -> None:
    assert ("comparison", "比我姐那台更") in cues("比我姐那台更會吸")
    assert "comparison" not in names("比，我姐那台更會吸")
    assert ("seek_recommendation", "有安静的店推荐") in cues("有安靜的店推薦嗎")
    assert ("seek_recommendation", "有安静的店推荐") not in cues("有安靜的店。推薦嗎")
    assert "comparison" not in names("比" + "那台放在客廳角落的老舊機器" + "更會吸")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("晚餐吃紅燒肉配炸雞", "crisis"),
        ("剪了頭髮", "crisis"),
        ("購物車停在門口的推薦碼", "seek_recommendation"),
        ("我不推薦", "recommendation"),
        ("今天星期三", "question"),
    ],
)
def test_a_blocked_or_absent_phrase_says_nothing(text: str, name: str) -> None:
    assert name not in names(text)


def test_a_blocker_lets_a_phrase_of_its_own_length_speak() -> None:
    assert ("complaint", "不推荐") in cues("真的不推薦")


def test_aspects_are_found() -> None:
    assert {"delivery", "service"} <= names("物流太慢，客服也不回", "aspects")
    assert {"advertising", "app"} <= names("開屏廣告太長，登入又閃退", "aspects")


def test_texts_of_a_batch_do_not_speak_for_each_other() -> None:
    batch = batch_of("比", "好", "求", "推薦", "有", "嗎")
    found = READERS["intents"].find(batch)
    lengths = np.diff(batch.offsets) - 1
    assert all(lengths[found.owners] >= found.ends - found.starts)


# ---- the benchmark


def test_unseen_files_are_scored_by_what_the_others_teach() -> None:
    posts = [
        Post(text, mood, frozenset((intent,)), frozenset((aspect,)), f"file {i // 4 % 4}")
        for i, (text, mood, intent, aspect) in enumerate(
            12
            * (
                ("求推薦好喝的咖啡店", "neutral", "seek_recommendation", "store"),
                ("客服態度差，爛透了", "negative", "complaint", "service"),
                ("真的好喝，大推", "positive", "praise", "product"),
                ("訂單還沒收到，已經三週", "negative", "order_problem", "delivery"),
            )
        )
    ]
    scores = {score.name: score for score in measure(posts, folds=2)}
    assert scores["complaint"].posts == 12
    assert scores["complaint"].f1 == 1
    assert scores["crisis"].f1 == 0
    with pytest.raises(ValueError, match="9 folds of 4 groups"):
        measure(posts, folds=9)


def test_the_table_ends_with_the_means() -> None:
    scores = [
        HeadScore("intent", "praise", 10, 1.0, 0.5),
        HeadScore("intent", "crisis", 5, 0.0, 0.0),
        HeadScore("aspect", "price", 5, 1.0, 1.0),
    ]
    lines = list(table(scores))
    assert macro_f1(scores, "intent") == pytest.approx(1 / 3)
    assert lines[-2:] == [
        "| intent | **mean** | | | | **0.333** |",
        "| aspect | **mean** | | | | **1.000** |",
    ]
