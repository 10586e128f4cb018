"""Walking a board: how far, what is read again, and what is covered when it is cut short."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lake import StopReason
from scrapers.access.channel import ChannelSpider
from scrapers.errors import SiteRefusedError
from scrapers.job import JobChannel
from scrapers.known import KnownPost
from scrapers.records import Refused
from scrapers.source import Limits
from scrapers.spiders.ptt import PttSpider, push_ids
from tests.scrapers.golden import FIXTURES, compare
from tests.scrapers.stage import END, Page, Played, make_channel, make_job, play, window

BASE = "https://www.ptt.cc/bbs/Demo"
INDEX = f"{BASE}/index.html"
START = END - timedelta(days=1)


def name(at: datetime, suffix: str = "AAA") -> str:
    return f"M.{int(at.timestamp())}.A.{suffix}"


def board(*names: str, older: str | None = None, nrec: str = "") -> Page:
    """A board page; rows oldest first, as the site has them."""
    rows = "".join(
        f'<div class="r-ent"><div class="nrec">{nrec}</div><div class="title">\n\t<a '
        f'href="/bbs/Demo/{n}.html">[閒聊] 標題</a>\n</div><div class="meta"><div class="author">'
        f'alice01</div><div class="date">10/11</div><div class="mark"></div></div></div>'
        for n in names
    )
    href = f' href="{older}"' if older else ""
    return Page(
        f'<html><div class="btn-group btn-group-paging"><a class="btn wide"{href}>&lsaquo; 上頁</a>'
        f'</div><div class="r-list-container">{rows}</div></html>'
    )


def article(*pushes: str, author: str = "alice01") -> Page:
    lines = "".join(
        '<div class="push"><span class="hl push-tag">推 </span>'
        f'<span class="push-userid">carol</span><span class="push-content">: 推 {i}</span>'
        f'<span class="push-ipdatetime"> {p}\n</span></div>'
        for i, p in enumerate(pushes)
    )
    return Page(
        '<html><div id="main-content"><div class="article-metaline"><span>作者</span>'
        f"<span>{author} (x)</span></div>\n內文\n--\n<span>※ 發信站: 批踢踢實業坊(ptt.cc), 來自: "
        f"203.0.113.7\n</span>{lines}</div></html>"
    )


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Any]:
    def run(
        site: dict[str, Page | list[Page]],
        known: dict[str, KnownPost] | None = None,
        channel: JobChannel | None = None,
        **job: Any,
    ) -> Played:
        channel = channel or make_channel(INDEX)
        spider = PttSpider(make_job(tmp_path, channel, **job))
        reading = pytest.MonkeyPatch()
        reading.setattr("scrapers.access.channel.read_known", lambda *_: {"demo": known or {}})
        with reading.context():
            played = play(spider, site)
        reading.undo()
        return played

    yield run


def known_post(at: datetime, **changes: Any) -> KnownPost:
    values = {"kind": "article", "text_hash": None, "is_deleted": False, "counters": ()}
    return KnownPost(published_at=at, **{**values, **changes})


def site_of(*pages: tuple[str, Page], articles: dict[str, Page] | None = None) -> Any:
    site = dict(pages)
    return {**site, **{f"{BASE}/{n}.html": page for n, page in (articles or {}).items()}}


def test_newest_first_and_one_page_beyond_the_horizon(walk: Any) -> None:
    new, old = name(END - timedelta(hours=1)), name(END - timedelta(days=8))
    older, oldest = name(END - timedelta(days=9)), name(END - timedelta(days=10))
    site = site_of(
        (INDEX, board(new, older=f"{BASE}/index3.html")),
        (f"{BASE}/index3.html", board(old, older=f"{BASE}/index2.html")),
        (f"{BASE}/index2.html", board(older, older=f"{BASE}/index1.html")),
        (f"{BASE}/index1.html", board(oldest)),
        articles={new: article()},
    )
    played = walk(site)
    assert [u.rsplit("/", 1)[1] for u in played.urls] == [
        "index.html",
        f"{new}.html",
        "index3.html",
        "index2.html",
    ]
    assert played.end.stop_reason is StopReason.REACHED_WATERMARK
    assert played.end.covered == window(START)


def test_the_oldest_page_exhausts_a_board(walk: Any) -> None:
    new = name(END - timedelta(hours=1))
    played = walk(site_of((INDEX, board(new)), articles={new: article()}))
    assert played.end.stop_reason is StopReason.EXHAUSTED
    assert played.end.covered == window(START)


def test_nothing_of_the_windows_end_or_later_lands(walk: Any) -> None:
    late, new = name(END), name(END - timedelta(hours=1))
    in_time, too_late = "10/11 23:59", "10/12 00:00"  # END is midnight in Taipei
    site = site_of((INDEX, board(new, late)), articles={new: article(in_time, "", too_late, "")})
    played = walk(site, is_replay=True)
    assert f"{BASE}/{late}.html" not in played.urls
    texts = [post.body_text for post in played.posts()]
    assert texts == ["內文", "推 0", "推 1"]


def test_young_threads_are_read_again_and_their_new_pushes_belong_to_the_window(walk: Any) -> None:
    at = END - timedelta(days=3)
    site = site_of((INDEX, board(name(at))), articles={name(at): article("10/11 10:00")})
    played = walk(site, known={name(at): known_post(at)})
    assert [post.kind for post in played.posts()] == ["article", "push"]


def test_old_threads_are_read_again_only_when_their_score_moved(walk: Any) -> None:
    at = END - timedelta(days=8)
    score = {"name": "score", "lo": 7, "hi": 7, "how": "exact"}
    for nrec, count in (("7", 1), ("9", 2)):
        site = site_of((INDEX, board(name(at), nrec=nrec)), articles={name(at): article()})
        played = walk(site, known={name(at): known_post(at, counters=(score,))})
        assert len(played.requests) == count


def test_a_known_thread_that_vanished_gets_a_tombstone(walk: Any) -> None:
    at, gone = END - timedelta(hours=2), END - timedelta(hours=3)
    known = {name(gone): known_post(gone), name(at): known_post(at)}
    played = walk(site_of((INDEX, board(name(at))), articles={name(at): article()}), known=known)
    (tombstone,) = [post for post in played.posts() if post.is_deleted]
    assert tombstone.post_id == name(gone)
    assert played.end.covered == window(START)


def test_an_unknown_thread_that_vanished_is_nothing(walk: Any) -> None:
    played = walk(site_of((INDEX, board(name(END - timedelta(hours=2))))))
    assert played.posts() == []
    assert played.end.stop_reason is StopReason.EXHAUSTED


def test_a_hole_behind_the_window_is_walked_too(walk: Any) -> None:
    start = END - timedelta(days=10)
    old = name(END - timedelta(days=9))
    channel = make_channel(INDEX, start=start)
    played = walk(site_of((INDEX, board(old)), articles={old: article()}), channel=channel)
    assert [post.post_id for post in played.posts()] == [old]
    assert played.end.covered == window(start)


def test_nothing_before_the_channels_own_start_lands(walk: Any) -> None:
    at = END - timedelta(days=2)
    channel = make_channel(INDEX, floor=START)
    site = site_of(
        (INDEX, board(name(at))), articles={name(at): article("10/09 10:00", "10/11 10:00")}
    )
    played = walk(site, channel=channel)
    assert [post.body_text for post in played.posts()] == ["推 1"]


def test_the_page_limit_covers_from_the_oldest_thread_read(walk: Any) -> None:
    hours = [END - timedelta(hours=h) for h in (1, 2, 3)]
    site = site_of(
        (INDEX, board(*(name(at) for at in reversed(hours)))),
        articles={name(at): article() for at in hours},
    )
    limits = Limits(max_pages=3, max_seconds=60, max_bytes=10**8)
    played = walk(site, limits=limits)
    assert played.end.stop_reason is StopReason.CAP
    assert played.end.covered == window(hours[1])


def test_a_refusal_on_the_way_keeps_the_sure_part(walk: Any) -> None:
    first, second = END - timedelta(hours=1), END - timedelta(hours=2)
    site = site_of((INDEX, board(name(second), name(first))), articles={name(first): article()})
    site[f"{BASE}/{name(second)}.html"] = Page(error=SiteRefusedError("no"))
    played = walk(site)
    assert (played.end.stop_reason, played.end.detail) == (StopReason.BLOCKED, "no")
    assert played.end.covered == window(first)


def test_a_refusal_at_the_start_covers_nothing(walk: Any) -> None:
    played = walk({INDEX: Page(error=SiteRefusedError("challenge"))})
    assert (played.end.stop_reason, played.end.covered) == (StopReason.BLOCKED, None)


def test_row_14_paging_in_circles_ends(walk: Any) -> None:
    new = name(END - timedelta(hours=1))
    site = {INDEX: board(new, older=INDEX), f"{BASE}/{new}.html": article()}
    played = walk(site)
    assert played.end.stop_reason is StopReason.BLANK_PAGE
    assert len(played.requests) == 4


def test_row_23_a_page_without_a_list_names_what_was_expected(walk: Any) -> None:
    played = walk({INDEX: Page("<html><body>" + "x" * 31_000 + "</body></html>")})
    assert played.end.stop_reason is StopReason.ERROR
    assert "expected div.r-list-container" in (played.end.detail or "")
    assert "docs/runbook.md#changed-site" in (played.end.detail or "")


def test_row_23_one_odd_thread_is_quarantined_three_in_a_row_end_the_walk(walk: Any) -> None:
    hours = [END - timedelta(hours=h) for h in (1, 2, 3, 4)]
    odd = Page("<html>maintenance</html>")
    pages = [odd, article(), odd, odd]
    site = site_of(
        (INDEX, board(*(name(at) for at in reversed(hours)))),
        articles={name(at): page for at, page in zip(hours, pages, strict=True)},
    )
    played = walk(site)
    refused = [item for item in played.items if isinstance(item, Refused)]
    assert [r.record_id for r in refused] == [name(hours[i]) for i in (0, 2, 3)]
    assert played.end.stop_reason is StopReason.EXHAUSTED
    site[f"{BASE}/{name(hours[1])}.html"] = odd
    ended = walk(site).end
    assert ended.stop_reason is StopReason.ERROR
    assert "3 threads in a row" in (ended.detail or "")


def test_row_10_half_an_article_and_another_ones_page_are_refused(walk: Any) -> None:
    whole, half, other = (END - timedelta(hours=h) for h in (1, 2, 3))
    page = str(article("10/11 12:00").body)
    strange = page.replace(
        "<html>", f'<html><link rel="canonical" href="{BASE}/{name(whole)}.html">'
    )
    site = site_of(
        (INDEX, board(*map(name, (other, half, whole)))),
        articles={
            name(whole): Page(strange),
            name(half): Page(page[: len(page) // 2]),
            name(other): Page(strange),
        },
    )
    played = walk(site)
    assert {post.root_id or post.post_id for post in played.posts()} == {name(whole)}
    refused = {i.record_id: i.rule for i in played.items if isinstance(i, Refused)}
    assert refused == {name(half): "cut_off", name(other): "wrong_thread"}


def test_row_10_half_a_board_page_ends_the_walk(walk: Any) -> None:
    whole = str(board(name(END - timedelta(hours=1))).body)
    played = walk({INDEX: Page(whole.removesuffix("</html>"))})
    assert played.end.stop_reason is StopReason.ERROR
    assert "breaks off" in str(played.end.detail)
    assert played.urls == [INDEX]


def test_row_22_a_page_is_read_as_utf_8_whatever_its_header_says(walk: Any) -> None:
    new = name(END - timedelta(hours=1))
    page = replace(article(), headers={"Content-Type": "text/html; charset=iso-8859-1"})
    (post,) = walk(site_of((INDEX, board(new)), articles={new: page})).posts()
    assert post.body_text == "內文"


def test_what_was_refused_last_time_is_read_again(
    walk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, old, unlisted = (name(END - timedelta(days=days)) for days in (0.5, 9, 12))
    monkeypatch.setattr(
        "scrapers.access.channel.read_refused", lambda *_: {"demo": {old, unlisted, "odd"}}
    )
    site = site_of(
        (INDEX, board(old, new)), articles={new: article(), old: article(), unlisted: article()}
    )
    played = walk(site)
    assert {post.post_id for post in played.posts()} == {new, old, unlisted}
    assert played.end.covered == window(START)


def test_a_missing_board_says_so(walk: Any) -> None:
    played = walk({})
    assert played.end.stop_reason is StopReason.ERROR
    assert "HTTP 404" in (played.end.detail or "")


def test_the_age_gate_in_spite_of_the_cookie_is_a_refusal(walk: Any) -> None:
    channel = make_channel("https://www.ptt.cc/ask/over18")
    gate = Page('<html><div class="over18-notice">本網站已依</div></html>')
    played = walk({channel.url: gate}, channel=channel)
    assert played.end.stop_reason is StopReason.BLOCKED


def test_the_age_button_is_pressed_beforehand(walk: Any) -> None:
    played = walk({})
    assert played.requests[0].headers[b"Cookie"] == b"over18=1"


def test_a_bug_ends_the_channel_and_not_the_crawl(
    walk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PttSpider, "read_board", lambda *_: 1 / 0)
    played = walk({INDEX: board()})
    assert (played.end.stop_reason, played.end.detail) == (
        StopReason.ERROR,
        "ZeroDivisionError: division by zero",
    )


def test_channels_of_a_host_come_one_after_another(tmp_path: Path) -> None:
    first, second = name(END - timedelta(hours=1)), name(END - timedelta(hours=2))
    other = "https://www.ptt.cc/bbs/Other/index.html"
    job = make_job(
        tmp_path, make_channel(INDEX, channel_id="a"), make_channel(other, channel_id="b")
    )
    site = site_of((INDEX, board(first, second)), (other, board()), articles={first: article()})
    played = play(PttSpider(job), site)
    assert played.urls.index(other) == 3
    assert {end.channel_id for end in played.ends()} == {"a", "b"}


def test_no_time_left_ends_every_channel_without_a_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channels = [make_channel(INDEX, channel_id=f"c{i}") for i in range(2000)]
    spider = PttSpider(make_job(tmp_path, *channels))
    ticks = iter(range(0, 10**9, 100))
    spider.monotonic = lambda: float(next(ticks))
    played = play(spider, {})
    assert played.requests == []
    assert {end.stop_reason for end in played.ends()} == {StopReason.BUDGET}
    assert len(played.ends()) == 2000


def test_fixture_board_reads_as_golden(walk: Any) -> None:
    folder = FIXTURES / "ptt"
    channel = make_channel(
        "https://www.ptt.cc/bbs/Demo_Phone/index.html",
        start=datetime(2025, 10, 9, tzinfo=UTC),
        end=datetime(2026, 2, 1, tzinfo=UTC),
        options={"revisit_days": 365},
    )
    site = {
        f"https://www.ptt.cc/bbs/Demo_Phone/{path.name}": Page(path.read_text(encoding="utf-8"))
        for path in folder.glob("*.html")
    }
    played = walk(site, channel=channel, is_replay=True)
    compare(
        folder / "records.json", [post.row() | {"author": post.author} for post in played.posts()]
    )


def test_equal_pushes_keep_their_names_when_another_goes(tmp_path: Path) -> None:
    from scrapers.parsers.ptt_article import Push

    twice = (Push("推", "a", "推", "10/09 17:02"), Push("推", "b", "推", "10/09 17:02"))
    first, second = push_ids("M.1.A", twice)
    assert first != second
    assert push_ids("M.1.A", (Push("→", "z", "新", "10/09 17:01"), *twice))[1:] == [first, second]


def test_a_spider_without_a_job_says_how_to_get_one() -> None:
    from scrapy.utils.test import get_crawler

    from scrapers.errors import SourceError

    with pytest.raises(SourceError, match="tingchao crawl ptt"):
        PttSpider.from_crawler(get_crawler(ChannelSpider))
