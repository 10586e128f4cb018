from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.counters import CounterFormatError, parse_counter, parse_significant
from lake.records import make_row
from tests.lake.story import post


def read(raw: object, name: str = "view") -> tuple[int | None, int | None, str]:
    counter = parse_counter(name, raw)
    assert counter["name"] == name
    make_row("posts", post(1, counters=[counter]), channel_id="phone")  # the lake takes it
    return counter["lo"], counter["hi"], counter["how"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (0, (0, 0, "exact")),
        (7.0, (7, 7, "exact")),
        (Decimal(12), (12, 12, "exact")),
        ("1,234", (1234, 1234, "exact")),
        ("1 234 567", (1234567, 1234567, "exact")),
        ("１，２３４", (1234, 1234, "exact")),
        ("\u00a012\u3000", (12, 12, "exact")),
        ("120.0", (120, 120, "exact")),
        ("-5", (-5, -5, "exact")),
        ("1.2万", (11500, 12999, "rounded")),
        ("1.2萬", (11500, 12999, "rounded")),
        ("1.5w", (14500, 15999, "rounded")),
        ("１.５Ｗ", (14500, 15999, "rounded")),
        ("12K", (11500, 12999, "rounded")),
        ("3.4M", (3_350_000, 3_499_999, "rounded")),
        ("1.25亿", (124_500_000, 125_999_999, "rounded")),
        ("2億", (150_000_000, 299_999_999, "rounded")),
        ("2千", (1500, 2999, "rounded")),
        ("1.2345万", (12345, 12345, "exact")),
        ("-1.2万", (-12999, -11500, "rounded")),
        ("100万+", (1_000_000, None, "at_least")),
        ("10w+", (100_000, None, "at_least")),
        ("999＋", (999, None, "at_least")),
        ("1万多", (10_000, None, "at_least")),
        ("爆", (100, None, "at_least")),
        ("X1", (-19, -10, "rounded")),
        ("X9", (-99, -90, "rounded")),
        ("XX", (None, -100, "at_most")),
        ("赞", (None, None, "hidden")),
        ("评论", (None, None, "hidden")),
        ("转发", (None, None, "hidden")),
        ("-", (None, None, "hidden")),
        ("Hidden", (None, None, "hidden")),
        ("", (None, None, "missing")),
        ("  ", (None, None, "missing")),
        (None, (None, None, "missing")),
        (float("nan"), (None, None, "missing")),
    ],
)
def test_what_is_printed_bounds_the_truth(raw: object, expected: tuple) -> None:
    assert read(raw) == expected


def test_nothing_beside_a_ptt_title_is_not_zero() -> None:
    assert read("", "nrec") == (-9, 0, "rounded")
    assert read("29", "nrec") == (29, 29, "exact")
    assert read(None, "nrec") == (None, None, "missing")


@pytest.mark.parametrize(
    "raw",
    [
        *("abc", "1.5", "1.2.3", "X0", "X10", "万", "12,34", "1e5", "१२", "+", "1.22158E+17"),
        *("9" * 26, True, [1], 1.5, float("inf"), Decimal("0.1"), b"12", "<script>", 2**63),
    ],
)
def test_nonsense_is_an_error_that_names_the_counter(raw: object) -> None:
    with pytest.raises(CounterFormatError, match="counter view: expected"):
        parse_counter("view", raw)


def test_a_number_at_the_cap_is_a_lower_bound() -> None:
    assert parse_counter("like", "5000", cap=5000) == parse_counter("like", "5000+")
    assert parse_counter("like", 4999, cap=5000)["how"] == "exact"
    assert parse_counter("like", "", cap=5000)["how"] == "missing"


def test_three_significant_digits() -> None:
    assert parse_significant("subscriber", "12300") == {
        "name": "subscriber",
        "lo": 12250,
        "hi": 12399,
        "how": "rounded",
    }
    assert parse_significant("subscriber", 999)["how"] == "exact"
    assert parse_significant("subscriber", "")["how"] == "missing"


@given(st.integers(0, 10**11), st.sampled_from("kKwW万萬亿億mM"), st.integers(0, 3), st.booleans())
def test_the_interval_holds_the_truth_rounded_or_cut(
    truth: int, unit: str, digits: int, is_cut: bool
) -> None:
    size = {"k": 10**3, "w": 10**4, "m": 10**6, "亿": 10**8, "億": 10**8}.get(unit.lower(), 10**4)
    step = Decimal(size) / 10**digits
    shown = (Decimal(truth) / step).quantize(1, "ROUND_DOWN" if is_cut else "ROUND_HALF_UP")
    counter = parse_counter("view", f"{shown * step / size:.{digits}f}{unit}")
    assert counter["lo"] <= truth <= counter["hi"]


@given(st.integers(-(10**15), 10**15))
def test_a_whole_number_comes_back_however_it_is_written(number: int) -> None:
    expected = (number, number, "exact")
    for written in (number, str(number), f"{number:,}", f" {number}\u00a0"):
        assert read(written) == expected


@given(st.text(max_size=30))
def test_any_text_is_a_counter_or_a_clear_error(text: str) -> None:
    try:
        counter = parse_counter("view", text)
    except CounterFormatError as error:
        assert "counter view" in str(error)
    else:
        make_row("posts", post(1, counters=[counter]), channel_id="phone")
