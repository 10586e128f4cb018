"""Words: lossless, the same from both backends, and never slow."""

from __future__ import annotations

import logging
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichment import words
from enrichment.script import fold
from enrichment.tables import read_table
from enrichment.words import (
    MAX_CHUNK,
    ReferenceSegmenter,
    RustSegmenter,
    Segmenter,
    cut_words,
    join_frequencies,
    open_segmenter,
)
from tests.enrichment.sayings import corpus, lexicon

FREQUENCIES = lexicon().frequencies


@pytest.fixture(scope="module")
def rust() -> Segmenter:
    return RustSegmenter(FREQUENCIES)


@pytest.fixture(scope="module")
def reference() -> Segmenter:
    return ReferenceSegmenter(FREQUENCIES)


def test_the_quick_backend_cuts_as_jieba_does(rust: Segmenter, reference: Segmenter) -> None:
    texts = [fold(text).text for text in corpus()]
    assert len(texts) > 2_000
    differing = [t for t in texts if cut_words(rust, t) != cut_words(reference, t)]
    assert len(differing) <= len(texts) // 1_000, differing[:5]


@given(text=st.text(alphabet="今天喝潮鸣茶踩雷回购了吗好吃LG80.-+ 😀\n，", max_size=60))
def test_words_joined_give_the_text_back(text: str, rust: Segmenter, reference: Segmenter) -> None:
    assert "".join(cut_words(rust, text)) == text
    assert "".join(cut_words(reference, text)) == text


@given(text=st.text(max_size=200))
def test_any_text_is_cut_without_loss(text: str, rust: Segmenter) -> None:
    assert "".join(cut_words(rust, text)) == text


@given(text=st.text(alphabet="今天喝潮鸣茶LGa80.-+%_&# 😀\0，", max_size=60))
def test_words_begin_where_they_are_cut(text: str, rust: Segmenter, reference: Segmenter) -> None:
    for segmenter in (rust, reference):
        lengths = list(map(len, segmenter.cut(text, guess=True)))
        assert segmenter.starts(text).tolist() == [sum(lengths[:i]) for i in range(len(lengths))]


def test_jieba_steps_in_where_rjieba_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_segmenter(FREQUENCIES), RustSegmenter)
    monkeypatch.setattr(words, "find_spec", lambda _name: None)
    assert isinstance(open_segmenter(FREQUENCIES), ReferenceSegmenter)


def test_lexicon_words_stay_whole(rust: Segmenter) -> None:
    assert cut_words(rust, "我在潮鸣茶踩雷") == ["我", "在", "潮鸣茶", "踩雷"]
    assert "鲜奶茶馆" in cut_words(rust, "这间鲜奶茶馆不错")


def test_frequencies_in_the_word_list_are_those_of_jieba() -> None:
    rows = {fold(word).text: int(frequency) for word, frequency in read_table("words")}
    assert dict(join_frequencies(rows)) == rows


def test_latin_names_never_become_words_of_the_dictionary() -> None:
    assert join_frequencies(["LG", "C++", "iPhone 15", "茶"]) == ()


def test_row_30_a_run_is_one_word(rust: Segmenter) -> None:
    assert cut_words(rust, "好" + "哈" * 50 + "笑") == ["好", "哈" * 50, "笑"]
    assert cut_words(rust, "1" + "0" * 20) == ["1" + "0" * 20]


@pytest.mark.parametrize("backend", ["rust", "reference"])
@pytest.mark.parametrize("unit", ["龘靐齉爩", "哈嘻", "漢語拼音字母表與詞典"])
def test_row_30_time_is_linear_on_hostile_text(
    backend: str, unit: str, request: pytest.FixtureRequest
) -> None:
    segmenter = request.getfixturevalue(backend)
    text = unit * (100_000 // len(unit))
    start = time.process_time()
    assert "".join(cut_words(segmenter, text)) == text
    assert time.process_time() - start < 5  # jieba alone: over 20 s


def test_chunks_end_where_no_word_can_lie(rust: Segmenter) -> None:
    sentence = "這杯烏龍鮮奶很好喝，下次還會再來。"
    folded = fold(sentence * 400).text
    assert len(folded) > MAX_CHUNK * 3
    assert cut_words(rust, folded)[: len(sentence)] == cut_words(rust, folded[:1000])[:17]


def test_jieba_is_silent_and_leaves_no_file(tmp_path: object) -> None:
    code = (
        "import sys, enrichment.words as w; w.ReferenceSegmenter(()); "
        "import tempfile, os; sys.exit(bool(os.listdir(tempfile.gettempdir())))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error::SyntaxWarning", "-c", code],
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert logging.getLogger("jieba").level >= logging.WARNING
