"""PTT's pages, as the site writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parsel import Selector

from scrapers.parsers.ptt_article import (
    AID_SYMBOLS,
    author_id,
    file_of_aid,
    infer_push_times,
    own_words,
    parse_article,
)
from scrapers.parsers.ptt_index import instant_in_file_name, parse_index, score
from tests.scrapers.golden import FIXTURES, compare

PTT = FIXTURES / "ptt"
ARTICLES = sorted(PTT.glob("M.*.html"))
ARTICLE_AT = datetime(2025, 12, 31, 12, 0, 5, tzinfo=UTC)


def _page(path: Path) -> Selector:
    return Selector(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", ARTICLES, ids=lambda p: p.stem)
def test_article_reads_as_golden(path: Path) -> None:
    compare(path.with_suffix(".json"), parse_article(_page(path)))


def test_there_are_articles_to_read() -> None:
    assert len(ARTICLES) == 3


def test_index_reads_as_golden() -> None:
    compare(PTT / "index.json", parse_index(_page(PTT / "index.html")))


def test_pinned_and_deleted_rows_are_no_articles() -> None:
    page = parse_index(_page(PTT / "index.html"))
    assert page is not None
    assert "M.1700000000.A.AAA" not in {row.file_name for row in page.rows}
    assert (len(page.rows), page.deleted_count) == (4, 2)


@pytest.mark.parametrize("path", ARTICLES, ids=lambda p: p.stem)
def test_no_value_holds_an_address(path: Path) -> None:
    said = repr(parse_article(_page(path)))
    assert "203.0.113" not in said
    assert "198.51.100" not in said


def test_a_page_that_is_none_is_told() -> None:
    page = Selector('<html><div class="bbs-screen bbs-content">404 - Not Found.</div></html>')
    assert parse_article(page) is None
    assert parse_index(page) is None


@pytest.mark.parametrize(
    ("nrec", "lo", "hi", "how"),
    [
        ("", -9, 0, "rounded"),
        ("7", 7, 7, "exact"),
        ("爆", 100, None, "at_least"),
        ("X3", -39, -30, "rounded"),
        ("XX", None, -100, "at_most"),
    ],
)
def test_score_is_an_interval(nrec: str, lo: int | None, hi: int | None, how: str) -> None:
    assert score(nrec) == {"name": "score", "lo": lo, "hi": hi, "how": how}


@pytest.mark.parametrize(
    ("value", "native"),
    [
        ("alice01 (愛麗絲)", "alice01"),
        ("alice01 ()", "alice01"),
        ("alice01 (a (b) c)", "alice01"),
        ("alice01", "alice01"),
        ("[系統] ()", None),
        ("", None),
        (None, None),
    ],
)
def test_author_is_the_id_alone(value: str | None, native: str | None) -> None:
    assert author_id(value) == native


def test_time_of_creation_is_in_the_file_name() -> None:
    assert instant_in_file_name("M.1700000000.A.1B2") == datetime(
        2023, 11, 14, 22, 13, 20, tzinfo=UTC
    )
    assert instant_in_file_name("G.1700000000.A").year == 2023
    with pytest.raises(ValueError, match="expected a file name"):
        instant_in_file_name("index")


@given(st.integers(0, 2**32 - 1), st.integers(0, 0xFFF), st.sampled_from("MG"))
def test_short_code_names_its_file(seconds: int, suffix: int, kind: str) -> None:
    number = ("MG".index(kind) << 44) | (seconds << 12) | suffix
    aid = "".join(AID_SYMBOLS[(number >> shift) & 63] for shift in range(42, -1, -6))
    assert file_of_aid(aid) == f"{kind}.{seconds}.A.{suffix:03X}"


def test_row_24_years_roll_over_and_never_go_back() -> None:
    times = ["12/31 20:00", "12/31 23:59", "01/01 00:01", "06/01 10:00", "03/01 10:00"]
    found = infer_push_times(ARTICLE_AT, times, None)
    assert [at.year for at in found if at] == [2025, 2025, 2025, 2026, 2027]
    assert found[2] == datetime(2025, 12, 31, 16, 1, tzinfo=UTC)  # 00:01 in Taipei


def test_row_24_a_day_that_no_calendar_has_is_unknown() -> None:
    found = infer_push_times(ARTICLE_AT, ["03/32 10:00", "13/01 10:00", "", "02/29 10:00"], None)
    assert found[:3] == [None, None, None]
    assert found[3] == datetime(2028, 2, 29, 2, tzinfo=UTC)


def test_row_24_nothing_lies_in_the_future() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    times = ["12/31 21:00", "12/20 00:00", "12/31 22:00"]
    found = infer_push_times(ARTICLE_AT, times, now)
    assert found[1] is None
    assert found[2] == datetime(2025, 12, 31, 14, tzinfo=UTC)


def test_a_push_is_never_before_its_article() -> None:
    assert infer_push_times(ARTICLE_AT, ["12/31 20:00"], None) == [ARTICLE_AT]


@given(st.lists(st.from_regex(r"\A[0-9]{2}/[0-9]{2}( [0-9]{2}:[0-9]{2})?\Z"), max_size=20))
def test_any_printed_time_gives_a_time_in_order_or_none(times: list[str]) -> None:
    found = infer_push_times(ARTICLE_AT, times, None)
    known = [at for at in found if at is not None]
    assert all(at >= ARTICLE_AT for at in known)
    assert all(b - a >= timedelta(days=-1) for a, b in pairwise(known))


@given(st.text())
def test_any_text_can_be_cut(text: str) -> None:
    assert isinstance(own_words(text), str)


def test_row_21_deep_nesting_is_read() -> None:
    deep = "<div id='main-content'>" + "<span>" * 20_000 + "文" + "</span>" * 20_000
    article = parse_article(Selector(deep))
    assert article is not None
