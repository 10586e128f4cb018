"""Text made to break things: bounded in time, never an exception, nothing lost."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enrichment import Reading, reader_of
from tests.enrichment.sayings import lexicon

MEGABYTE = 1_000_000
INVISIBLE = "\0\u200b\u200d\u202e\u2066\ufeff\ufe0f\u0301\U000e0101\r\n"
TRAPS = INVISIBLE + "𠮷龘潮鳴茶雲霧手搖LG@:/.?嗎抽+1加賴[哈]不好喝😀09"
UNITS = [
    *("哈", "漢", "後", "a", "0", ".", "！", "\0", "\u200d", "\u0301", "\u200b後", "a\0", "😀"),
    *("@", "a@", "www.", "https://", "吗", "?", "[", "潮鳴茶", "LG ", "加", "09", "不", "很"),
    *("好喝", "\n", "\r\n", "龘靐", "1a", "抽1", "line:", "\u202e\u2066", "ﬃ", "星*"),
]


def check(text: str) -> Reading:
    reading = reader_of(lexicon()).read(text)
    assert "".join(reading.words) == reading.folded_text
    ends = [0]
    for mention in reading.mentions:
        assert ends[-1] <= mention.start < mention.end <= len(text)
        ends.append(mention.end)
    return reading


@given(st.text(max_size=300))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_row_22_any_unicode_is_read(text: str) -> None:
    check(text)


@given(st.text(alphabet=TRAPS, max_size=120))
def test_row_22_traps_in_any_order_are_read(text: str) -> None:
    check(text)


@pytest.mark.parametrize(
    "text",
    [
        "\0",
        "\u200d",
        "\u200f\u202e",
        "\U00020000\U0002a6d6",
        "\ufeff",
        "\ud7ff\ue000",
        "\U0010ffff",
    ],
)
def test_row_22_lone_oddities(text: str) -> None:
    check(text)


@pytest.mark.parametrize("unit", UNITS)
def test_row_30_time_stays_linear(unit: str) -> None:
    text = unit * (MEGABYTE // 4 // len(unit.encode()))
    start = time.process_time()
    check(text)
    assert time.process_time() - start < 10  # a busy machine; 1 s on a quiet one


@pytest.mark.parametrize("character", ["哈", "漢", "\u200d", "\0"])
def test_row_30_a_megabyte_of_one_character(character: str) -> None:
    start = time.process_time()
    check(character * (MEGABYTE // len(character.encode())))
    assert time.process_time() - start < 30
