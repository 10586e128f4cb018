"""The feeds, each with the defects of its kind."""

from __future__ import annotations

import re

import pytest

from demo.cast import PLACE
from demo.days import seconds_of
from demo.feeds import render_feed, rfc_date
from demo.life import Quirk
from demo.town import Town


@pytest.fixture(scope="module")
def feeds(town: Town) -> dict[str, str]:
    at = seconds_of(town.closes_at)
    encodings = {"forum": "gbk"}
    return {
        place_id: render_feed(
            PLACE[place_id], standing(town, place_id), lambda p: f"user{p.author}", at
        ).decode(encodings.get(place_id, "utf-8"))
        for place_id in ("blog", "blog-comments", "forum", "zine", "deals")
    }


def standing(town: Town, place_id: str) -> list:
    at = seconds_of(town.closes_at)
    return [post for post in town.posts if post.place.id == place_id and post.exists_at(at)]


def test_every_feed_but_the_capped_one_shows_all_of_its_history(town, feeds):
    counts = {name: len(re.findall(r"<(?:item|entry)>", text)) for name, text in feeds.items()}
    expected = {name: len(standing(town, name)) for name in feeds}
    assert expected["deals"] > 20
    assert counts == {**expected, "deals": 20}


def test_the_forum_speaks_gbk_with_entities_and_raw_titles(feeds):
    forum = feeds["forum"]
    assert forum.startswith('<?xml version="1.0" encoding="gbk"?>')
    assert "&#128077;" in forum or "&#128545;" in forum  # an emoji that GBK lacks
    assert (
        "<title>奶茶 & 咖啡怎么选</title>" in forum or "<title>求推荐 <低糖> 喝法</title>" in forum
    )
    assert "guid" not in forum
    assert re.search(r"<pubDate>\w{3}, \d\d \w{3} 2026 \d\d:\d\d:\d\d \+0000</pubDate>", forum)


def test_the_blog_has_full_content_beside_its_excerpt(feeds):
    assert "[&#8230;]" in feeds["blog"]
    assert "<content:encoded><![CDATA[<p>" in feeds["blog"]


def test_comments_name_their_author_in_the_title_and_one_has_no_date(town, feeds):
    comments = feeds["blog-comments"]
    undated = [p for p in standing(town, "blog-comments") if Quirk.UNDATED in p.quirks]
    assert re.search(r"對「.+」的留言，由 user\d+ 發表", comments)
    assert comments.count("<item>") - comments.count("<pubDate>") == len(undated)


def test_the_zine_names_nobody_and_links_relatively(feeds):
    zine = feeds["zine"]
    assert "author" not in zine
    assert 'xml:base="https://zine.example/"' in zine
    assert re.search(r'href="letters/\d+\.html"', zine)


def test_an_id_may_be_borrowed_from_the_entry_before(town):
    letters = standing(town, "zine")[:2]
    letters[1].quirks = frozenset([Quirk.BORROWED_GUID])
    feed = render_feed(PLACE["zine"], letters, lambda _: "", letters[1].at).decode()
    letters[1].quirks = frozenset()
    ids = re.findall(r"letter-(\d+)</id>", feed)
    links = re.findall(r"letters/(\d+)\.html", feed)
    assert (len(set(ids)), len(set(links))) == (1, 2)


def test_deals_are_dated_in_local_time(feeds):
    assert "+0800</pubDate>" in feeds["deals"]


def test_dates_do_not_ask_the_locale():
    assert rfc_date(1_790_000_000) == "Mon, 21 Sep 2026 14:13:20 +0000"
    assert rfc_date(1_790_000_000, is_local=True) == "Mon, 21 Sep 2026 22:13:20 +0800"
