"""The loopback server: sites, clock, log, and every fault."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest

from demo.cast import PLACE
from demo.days import seconds_of
from demo.faults import FAULTS, PAGE_SHIFT, Fault
from demo.life import Cause
from demo.server import TownServer, serving, start_child
from demo.town import Size, Town, prepare

COOKIE = {"Cookie": "over18=1"}


@pytest.fixture(scope="module")
def shared(town: Town) -> Iterator[TownServer]:
    with serving(town) as server:
        yield server


@pytest.fixture
def server(shared: TownServer, town: Town) -> TownServer:
    shared.reset()
    shared.set_now(town.closes_at)
    return shared


class Got:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers = response.status, response.headers
        self.body = response.read()

    @property
    def text(self) -> str:
        return self.body.decode()


def get(server: TownServer, path: str, method: str = "GET", body=None, **headers: str) -> Got:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=5)
    try:
        connection.request(method, path, body, headers)
        return Got(connection.getresponse())
    finally:
        connection.close()


def article_paths(page: str) -> list[str]:
    return re.findall(r'<a href="(/bbs/\w+/M[^"]+\.html)">', page)


def test_only_loopback_is_bound(server):
    assert server.server_address[0] == "127.0.0.1"


def test_the_gate_asks_once_and_sends_back(server):
    refused = get(server, "/bbs/TownTalk/index.html")
    assert refused.status == 302
    assert refused.headers["Location"] == "/ask/over18?from=%2Fbbs%2FTownTalk%2Findex.html"
    gate = get(server, refused.headers["Location"])
    assert 'name="from" value="/bbs/TownTalk/index.html"' in gate.text
    told = "from=%2Fbbs%2FTownTalk%2Findex.html&yes=yes"
    opened = get(server, "/ask/over18", "POST", told)
    assert opened.headers["Set-Cookie"] == "over18=1; Path=/"
    assert opened.headers["Location"] == "/bbs/TownTalk/index.html"
    assert get(server, "/bbs/TownTalk/index.html", **COOKIE).status == 200
    assert get(server, "/atom/TownTalk.xml").status == 200


@pytest.mark.parametrize("path", ["/", "/bbs/Nowhere/index.html", "/bbs/TeaDrink/index9999.html"])
def test_what_is_missing_is_a_404_page(server, path):
    got = get(server, path)
    assert got.status == 404
    assert "404 - Not Found." in got.text


def test_walking_a_board_finds_every_post_and_the_log_knows_them(server, town):
    number, pushes, articles = 1, 0, set()
    while (page := get(server, f"/bbs/TeaDrink/index{number}.html")).status == 200:
        for path in article_paths(page.text):
            articles.add(path)
            pushes += get(server, path).text.count('<div class="push">')
        number += 1
    now = seconds_of(town.closes_at)
    standing = [p for p in town.posts if p.place.id == "ptt-teadrink" and p.exists_at(now)]
    assert len(articles) == sum(post.opens_thread for post in standing) > 40
    log = json.loads(get(server, "/__town__/served").body)
    served = {item for line in log for item in line["items"]}
    assert served == {post.post_id for post in standing}
    assert pushes == len(standing) - len(articles)


def test_the_clock_decides_what_exists(server, town):
    server.set_now(town.closes_at - timedelta(days=10))
    old = get(server, "/bbs/TeaDrink/index.html").text
    server.set_now(town.closes_at)
    assert set(article_paths(get(server, "/bbs/TeaDrink/index.html").text)) - set(
        article_paths(old)
    )


def test_a_deleted_article_is_gone_and_its_row_a_tombstone(server, town):
    gone = next(
        p for p in town.posts if p.place.id == "ptt-towntalk" and p.opens_thread and p.gone_at
    )
    path = f"/bbs/TownTalk/{gone.post_id}.html"
    for offset, status in ((-1, 200), (1, 404)):
        server.sites.now = gone.gone_at + offset
        assert get(server, path, **COOKIE).status == status


def test_feeds_answer_304_to_whoever_has_them(server, town):
    first = get(server, "/forum/forum.php?mod=rss&fid=2")
    assert first.status == 200
    for name, value in (
        ("If-None-Match", first.headers["ETag"]),
        ("If-Modified-Since", first.headers["Last-Modified"]),
    ):
        again = get(server, "/forum/forum.php?mod=rss&fid=2", **{name: value})
        assert (again.status, again.body) == (304, b"")
    server.set_now(town.closes_at - timedelta(days=5))
    changed = get(
        server, "/forum/forum.php?mod=rss&fid=2", **{"If-None-Match": first.headers["ETag"]}
    )
    assert changed.status == 200


PATH = "/bbs/TeaDrink/index.html"
STATUSES = {
    "too_many": 429,
    "too_many_until": 429,
    "too_many_silent": 429,
    "half": 200,
    "wrong_charset": 200,
    "repeat": 200,
    "emptied": 200,
    "newest_only": 200,
    "upside_down": 200,
    "error_500": 500,
    "error_502": 502,
    "error_503": 503,
    "not_found": 404,
    "gone": 410,
    "busy": 500,
    "challenge": 403,
    "blank": 200,
    "gzip": 200,
    "redirect_loop": 302,
    PAGE_SHIFT: 200,
    "no_times": 200,
    "new_make": 200,
    "stale_cache": 200,
    "rss_disabled": 200,
    "forbid_all": 200,
}
BROKEN = {"silence", "slow", "reset", "wrong_length"}


def test_no_fault_is_untested():
    assert STATUSES.keys() | BROKEN == FAULTS.keys()


def test_a_server_may_be_silent(server):
    server.plant(Fault("silence", match="/deals/*"))
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=0.1)
    connection.request("GET", "/deals/feed.xml")
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    assert get(server, "/deals/feed.xml").status == 200


def test_half_a_page_says_that_it_is_whole(server):
    whole = get(server, PATH).body
    server.plant(Fault("half", match=PATH))
    half = get(server, PATH)
    assert whole.startswith(half.body)
    assert len(half.body) == int(half.headers["Content-Length"]) == len(whole) // 2


def test_another_charset_is_named_than_is_written(server):
    server.plant(Fault("wrong_charset", match=PATH))
    page = get(server, PATH)
    assert page.headers["Content-Type"] == "text/html; charset=iso-8859-1"
    assert "看板" in page.text


@pytest.mark.parametrize(
    ("path", "row"), [(PATH, b'class="r-ent"'), ("/forum/forum.php?mod=rss&fid=2", b"<item>")]
)
def test_lists_can_be_cut_emptied_and_turned_upside_down(server, path, row):
    plain = get(server, path).body.split(row)
    server.plant(Fault("upside_down", match=path))
    turned = get(server, path).body.split(row)
    assert [part.strip()[:200] for part in turned[1:]] == [
        part.strip()[:200] for part in plain[:0:-1]
    ]
    server.plant(Fault("newest_only", match=path))
    assert get(server, path).body.count(row) == 1
    server.plant(Fault("emptied", match=path))
    assert row not in get(server, path).body


def test_lists_in_json_can_be_emptied_and_turned(server):
    path = "/mastodon/api/v1/timelines/tag/%E6%89%8B%E6%90%96%E9%A3%B2"
    names = [status["id"] for status in json.loads(get(server, path).body)]
    server.plant(Fault("upside_down", match=path))
    turned = [status["id"] for status in json.loads(get(server, path).body)]
    assert turned == names[::-1] != names
    server.plant(Fault("emptied", match=path))
    assert json.loads(get(server, path).body) == []


def test_what_was_answered_before_comes_again(server):
    server.plant(Fault("repeat", match="/bbs/TeaDrink/*", skip=1))
    first = get(server, "/bbs/TeaDrink/index1.html").body
    assert get(server, "/deals/feed.xml").body != first
    assert get(server, PATH).body == first
    assert get(server, PATH).body != first


@pytest.mark.parametrize("name", STATUSES)
def test_a_fault_strikes_as_often_as_told_and_is_logged(server, name):
    server.plant(Fault(name, match="/bbs/TeaDrink/*", times=1))
    assert get(server, "/atom/TeaDrink.xml").status == 200
    assert get(server, PATH).status == STATUSES[name]
    assert get(server, PATH).status == 200
    assert [line.fault for line in server.log] == [None, name, None]


def test_a_fault_can_wait_and_a_robots_file_can_fail(server):
    server.plant(Fault("error_500", match="/robots.txt", skip=1))
    server.plant(Fault("not_found", match="/robots.txt"))
    assert [get(server, "/robots.txt").status for _ in range(3)] == [404, 500, 200]


def test_retry_after_comes_as_seconds_and_as_a_date(server):
    server.plant(Fault("too_many", match=PATH, seconds=7))
    server.plant(Fault("too_many_until", match=PATH, seconds=60))
    assert get(server, PATH).headers["Retry-After"] == "7"
    until = parsedate_to_datetime(get(server, PATH).headers["Retry-After"])
    assert 50 < until.timestamp() - time.time() <= 61
    server.plant(Fault("too_many_silent", match=PATH))
    assert "Retry-After" not in get(server, PATH).headers


def test_refusals_look_like_refusals(server):
    server.plant(Fault("challenge", match=PATH))
    server.plant(Fault("busy", match=PATH))
    refused = get(server, PATH)
    assert "<title>Just a moment...</title>" in refused.text
    assert refused.headers["cf-mitigated"] == "challenge"
    assert "Server Too Busy." in get(server, PATH).text


def test_a_body_may_stop_half_way(server):
    server.plant(Fault("reset", match=PATH))
    server.plant(Fault("wrong_length", match=PATH))
    with pytest.raises((ConnectionError, http.client.IncompleteRead)):
        get(server, PATH)
    with pytest.raises(http.client.IncompleteRead):
        get(server, PATH)


def test_a_slow_body_comes_in_drips(server):
    server.plant(Fault("slow", match="/deals/*"))
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=0.1)
    connection.request("GET", "/deals/feed.xml")
    with pytest.raises(TimeoutError):
        connection.getresponse().read()
    connection.close()


def test_gzip_is_gzip(server):
    plain = get(server, "/blog/feed/").body
    server.plant(Fault("gzip", match="/blog/feed/"))
    packed = get(server, "/blog/feed/")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain


def test_a_redirect_loop_leads_to_itself(server):
    server.plant(Fault("redirect_loop", match=PATH, times=None))
    assert {get(server, PATH).headers["Location"] for _ in range(3)} == {PATH}


def test_pages_shift_between_two_fetches(server, town):
    server.set_now(town.closes_at - timedelta(days=3))
    server.plant(Fault(PAGE_SHIFT, match=PATH, seconds=86_400))
    before, after = (article_paths(get(server, PATH).text) for _ in range(2))
    assert before[:-1] != after[:-1]


def test_pages_without_times_and_of_a_new_make(server, town):
    story = next(p for p in town.posts if p.cause is Cause.CRISIS and p.opens_thread)
    path = f"/bbs/{story.place.address}/{story.post_id}.html"
    assert re.search(r"\d\d/\d\d \d\d:\d\d\n</span></div>", get(server, path, **COOKIE).text)
    server.plant(Fault("no_times", match=path))
    timeless = get(server, path, **COOKIE).text
    assert not re.search(r"\d\d/\d\d \d\d:\d\d\n</span></div>", timeless)
    server.plant(Fault("new_make", match=path))
    assert 'id="main-content"' not in get(server, path, **COOKIE).text


def test_the_forums_cache_goes_stale_and_its_feed_may_be_off(server):
    address = PLACE["forum"].address
    server.plant(Fault("stale_cache", match="/forum/*"))
    server.plant(Fault("rss_disabled", match="/forum/*"))
    stale = get(server, address)
    assert b"</rss>" in stale.body
    assert b"<item>" not in stale.body
    assert get(server, address).body == b"RSS Disabled"
    assert get(server, address).body.count(b"<item>") > 20


def test_the_room_refuses_nonsense(server):
    for name, told in (
        ("now", "{}"),
        ("now", '{"now": "2026-09-30"}'),
        ("faults", '{"name": "x"}'),
    ):
        got = get(server, f"/__town__/{name}", "POST", told)
        assert got.status == 400
        assert got.body.startswith(name.encode())
    assert get(server, "/__town__/elsewhere", "POST", "{}").status == 404


def test_a_child_serves_takes_orders_and_goes(tmp_path):
    town = prepare(tmp_path, Size(people=20, days=3), seed=5)
    child = start_child(tmp_path, port=0, now=town.closes_at)
    try:
        child.set_now(town.closes_at - timedelta(days=1))
        child.plant(Fault("error_503", match="/robots.txt"))
        port = urlsplit(child.url).port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/robots.txt")
        assert connection.getresponse().status == 503
        (line,) = child.served()
        assert (line["path"], line["fault"]) == ("/robots.txt", "error_503")
        with pytest.raises(RuntimeError, match=f"cannot bind 127.0.0.1:{port}"):
            start_child(tmp_path, port=port)
    finally:
        child.stop()
    assert child.process.returncode == 0


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_child_ends_with_its_parent(tmp_path):
    prepare(tmp_path, Size(people=20, days=3), seed=5)
    script = (
        "import os, sys; from pathlib import Path; from demo.server import start_child; "
        f"child = start_child(Path({str(tmp_path)!r}), port=0); "
        "print(child.url, flush=True); os.kill(os.getpid(), 9)"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    port = urlsplit(told.stdout.strip()).port
    assert port is not None, told.stderr
    deadline = time.monotonic() + 5
    while answers(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not answers(port)
