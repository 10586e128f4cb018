"""Folding: one form for both scripts, with a way back to what was written."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichment.script import Script, converter, detect_script, fold, fold_variants, lower
from tests.enrichment.sayings import SAYINGS


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("臺灣的飲料", Script.HANT),
        ("台湾的饮料", Script.HANS),
        ("臺灣的饮料", Script.MIXED),
        ("今天很好吃", Script.NONE),
        ("hello 😀", Script.NONE),
        ("", Script.NONE),
        ("乾隆、名著、皇后", Script.NONE),
        ("台北市中心", Script.NONE),
    ],
)
def test_script_is_told_by_characters_of_one_script_only(text: str, script: Script) -> None:
    assert detect_script(text) is script
    assert fold(text).script is script


def test_simplified_text_is_never_converted() -> None:
    """tw2s would turn 题么 into 题幺."""
    text = "有问题么，这么便宜"
    assert fold(text).text == "有问题么,这么便宜"


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("看著電視機", "看着电视机"),
        ("ｉＰｈｏｎｅ１５", "iPhone15"),
        ("㊣港式①號", "正港式1号"),
        ("星\u200b巴\u00ad克", "星巴克"),
        ("Nestle\u0301", "Nestlé"),
        ("ｶﾞﾑ", "ガム"),
        ("⼀⼈", "一人"),
        ("等…™", "等…™"),
        ("❤️👨‍👩‍👧", "❤️👨‍👩‍👧"),
        ("前\0後", "前\0后"),
    ],
)
def test_folding_undoes_form_and_keeps_meaning(written: str, folded: str) -> None:
    assert fold(written).text == folded


@pytest.mark.parametrize(
    ("written", "part", "shown"),
    [
        ("喝星\u200b巴\u200b克。", "星巴克", "星\u200b巴\u200b克"),
        ("\u200f買Nestle\u0301的", "Nestlé", "Nestle\u0301"),
        ("重㎏ 臺灣ﬁne", "台湾fine", "臺灣ﬁne"),
        ("①個ＬＧ", "LG", "ＬＧ"),
    ],
)
def test_spans_lead_back_to_what_was_written(written: str, part: str, shown: str) -> None:
    folded = fold(written)
    at = folded.text.index(part)
    start, end = folded.span(at, at + len(part))
    assert written[start:end] == shown


@given(st.text(max_size=200))
def test_every_string_folds_with_ordered_spans_inside_it(text: str) -> None:
    folded = fold(text)
    spans = [folded.span(i, i + 1) for i in range(len(folded.text))]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(spans))


@given(st.text(max_size=100))
def test_lowering_moves_nothing(text: str) -> None:
    assert len(lower(text)) == len(text)


@pytest.mark.parametrize("name", ["tw2s", "t2s"])
@pytest.mark.parametrize("saying", SAYINGS)
def test_conversion_keeps_every_position(name: str, saying: str) -> None:
    assert len(converter(name).convert(saying)) == len(saying)


def test_a_phrase_is_looked_for_in_every_form_it_can_take() -> None:
    assert "台积电" in fold_variants("台積電")
    assert set(fold_variants("著色")) >= {"着色"}
