"""The files: snapshots of an instant, in the habits of the tools that would write them."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from decimal import Decimal

import pytest

from demo.configuration import TARGET
from demo.days import seconds_of
from demo.exports import CRAWLED, Lines, content, files, write_exports
from demo.town import Town
from lake import Lake
from lake.pseudonyms import Pseudonyms
from scrapers.importers.detect import format_called
from scrapers.importers.head import look_at
from scrapers.importers.named import NamedFile, land_named
from tingchao.config import load_config


def rows_of(town: Town, name: str, now) -> list[dict[str, str]]:
    table = files()[name]
    raw = content(table, town, seconds_of(now))
    if isinstance(table, Lines):
        return [json.loads(line) for line in raw.splitlines()]
    return list(csv.DictReader(io.StringIO(raw.decode(table.encoding), newline="")))


@pytest.mark.parametrize("name", files())
def test_an_earlier_file_holds_less(town, name):
    earlier = rows_of(town, name, town.closes_at - timedelta(days=20))
    assert 0 < len(earlier) < len(rows_of(town, name, town.closes_at))


def test_writing_again_writes_nothing(town, tmp_path):
    assert len(write_exports(town, tmp_path, town.closes_at)) == len(files())
    assert write_exports(town, tmp_path, town.closes_at) == []


def orders_in(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [row for row in rows if row["Total"]]


def test_orders_repeat_change_and_have_several_lines(town):
    now = town.closes_at
    rows = rows_of(town, "shop-orders.csv", now)
    later = orders_in(rows)
    earlier = orders_in(rows_of(town, "shop-orders.csv", now - timedelta(days=5)))
    ids = [row["Name"] for row in later]
    assert len(ids) > len(set(ids))
    assert len(rows) > 1.5 * len(later)
    before = {row["Name"]: row for row in earlier}
    refunds = [
        row
        for row in later
        if row["Name"] in before
        and row["Refunded Amount"] != before[row["Name"]]["Refunded Amount"]
    ]
    assert refunds
    assert {row["Currency"] for row in later} == {"TWD", "HKD"}
    assert "" in {row["Email"] for row in later}
    assert {row["Financial Status"] for row in later} == {
        "paid",
        "voided",
        "refunded",
        "partially_refunded",
    }
    assert any(row["Cancelled at"] for row in later)
    assert any("Bogus" in row["Payment Method"] for row in later)


def test_what_the_lines_of_an_order_cost_is_what_it_costs(town):
    rows = rows_of(town, "shop-orders.csv", town.closes_at)
    order, lines = None, {}
    for row in rows:
        order = row if row["Total"] else order
        lines.setdefault(row["Name"], (order, []))[1].append(Decimal(row["Lineitem price"]))
    once = [(o, prices) for o, prices in lines.values() if len(prices) <= 3]
    assert once
    for order, prices in once[:500]:
        goods = Decimal(order["Subtotal"]) + Decimal(order["Discount Amount"])
        if sum(prices) != goods:  # the order is in the file twice
            assert sum(prices) == 2 * goods
        assert Decimal(order["Total"]) == Decimal(order["Subtotal"]) + Decimal(order["Shipping"])


def test_events_name_the_session_that_a_browser_agreed_to(town):
    events = rows_of(town, "shop-events.jsonl", town.closes_at)
    measured = [e for e in events if e["user_pseudo_id"]]
    refused = [e for e in events if not e["user_pseudo_id"]]
    assert {e["event_name"] for e in measured} == {"session_start", "page_view"}
    assert {e["event_name"] for e in refused} == {"page_view"}
    keys = {p["key"] for e in refused for p in e["event_params"]}
    assert keys == {"page_location", "page_referrer"}
    assert len(measured) > len(refused) > 0


def test_no_two_visits_of_the_town_are_one_session(town):
    visits = [visit for trade in town.trades for visit in trade.visits]
    sessions = {(v.visitor_id, v.at) for v in visits if v.visitor_id is not None}
    assert len(sessions) == sum(v.visitor_id is not None for v in visits)
    measured = [t for t in town.trades if t.shop.source != "shopify"]
    nameless = [v for trade in measured for v in trade.visits if v.visitor_id is None]
    refused = {
        (e["event_timestamp"], e["event_params"][0]["value"]["string_value"])
        for e in rows_of(town, "shop-events.jsonl", town.closes_at)
        if not e["user_pseudo_id"]
    }
    assert len(refused) == len(nameless)


def test_members_tell_some_handles_only(town):
    members = rows_of(town, "crm-members.csv", town.closes_at)
    told = sum(bool(row["PTT帳號"]) for row in members) / len(members)
    assert 0.35 < told < 0.55
    shops = ("商店帳號信箱", "禮盒店會員編號", "茶葉行會員編號")
    known = [[name for name in shops if row[name]] for row in members]
    assert {len(names) for names in known} == {0, 1}  # a member buys in one shop
    assert sum(map(len, known)) / len(members) > 0.8
    assert {name for names in known for name in names} == set(shops)


def test_of_one_channel_nobody_knows_the_fans(town):
    rows = rows_of(town, "audience-feed.csv", town.closes_at)
    channels = {row["channel"] for row in rows}
    assert channels == {"blog", "blog-comments", "forum", "deals"}


def test_files_keep_their_habits(town):
    at = seconds_of(town.closes_at)
    raw = {name: content(kind, town, at) for name, kind in files().items()}
    assert raw["page-wuyu-posts.csv"].startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in raw["page-wuyu-posts.csv"]
    assert "手搖飲板".encode("big5") in raw["audience-ptt.csv"]
    assert "王小明".encode() in raw["crm-members.csv"]


def test_a_crawled_page_says_what_the_town_knows(town, tmp_path):
    """The competitor's page arrives through its named format, without a column map, and whole."""
    keys, now = Pseudonyms(b"k" * 32), town.closes_at
    write_exports(town, tmp_path, now)
    place, lake = CRAWLED[0], Lake.open(tmp_path / "landing")
    specs = [s for s in load_config(TARGET).imports if s.format == "mediacrawler"]
    for spec in specs:
        head = look_at(tmp_path / "exports" / spec.path.rsplit("/", 1)[-1])
        file = NamedFile(form=format_called(spec.format), head=head, spec=spec, channels=())
        outcome = land_named(lake, file, keys, crawl_id=spec.id, now=lambda: now)
        assert not (outcome.quarantined or outcome.unknown_keys or outcome.left_out)
    at = seconds_of(now)
    assert {post["post_id"]: _as_told(post) for post in lake.read("posts").to_pylist()} == {
        post.post_id: {
            "channel_id": place.id,
            "kind": post.kind.value,
            "author_key": keys.key("fanpage", town.population.native_author(place, post.author)),
            "body_text": post.saying_at(at).body,
            "published_at": post.at,
            "parent_id": post.parent and post.parent.post_id,
        }
        for post in town.posts
        if post.place is place and post.exists_at(at)
    }


def _as_told(post):
    names = ("channel_id", "kind", "author_key", "body_text", "parent_id")
    return {n: post[n] for n in names} | {"published_at": int(post["published_at"].timestamp())}
