"""The counting, against towns counted by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from demo.cast import MASTER, OFFICIAL, PLACE
from demo.days import number_of
from demo.life import Reaction
from demo.people import Character, Person, Role
from demo.phrases import NEGATIVE, POSITIVE
from demo.shop import NO_TOUCH, Order, Trade, Visit
from demo.sights import Reader, Witness
from demo.tally import Tally, periods_of, rank_of
from tests.demo.planting import Planted, at

BOARD = "ptt-teadrink"


def tally_of(planted: Planted, now: int, through: date, *, is_reader: bool = False) -> Tally:
    observer = Reader(planted.town, [now]) if is_reader else Witness(planted.town, now)
    tally = Tally(observer, planted.town.first, number_of(through))
    for post in planted.posts:
        tally.count_act(observer.sees(post))
    return tally


def row_of(rows, **wanted):
    return next(r for r in rows if all(r[name] == value for name, value in wanted.items()))


@pytest.fixture
def fans() -> dict[str, list[int]]:
    return {place: [10] * 200 for place in PLACE}


def test_periods_close_with_their_last_day():
    first, through = number_of(date(2026, 6, 29)), number_of(date(2026, 7, 2))
    found = [
        (p.type, p.start - first, p.end - first, p.is_complete) for p in periods_of(first, through)
    ]
    assert found == [
        ("day", 0, 0, True),
        ("day", 1, 1, True),
        ("day", 2, 2, True),
        ("day", 3, 3, True),
        ("week", 0, 6, False),
        ("month", -28, 1, True),
        ("month", 2, 32, False),
    ]


def test_activity_counts_people_once_and_leaves_out_the_official(fans):
    planted = Planted()
    article = planted.say(BOARD, 1, at(date(2026, 6, 1)))
    for author in (2, 2, 3, OFFICIAL, MASTER):
        planted.say(BOARD, author, at(date(2026, 6, 1), 13), parent=article)
    tally = tally_of(planted, at(date(2026, 6, 3), 0), date(2026, 6, 2))
    rows = list(tally.channel_activity(fans))
    day = row_of(rows, channel_id=BOARD, period_type="day", period_start_date=date(2026, 6, 1))
    assert (day["active_fan_count"], day["post_count"], day["comment_count"]) == (4, 1, 5)
    assert (day["act_count"], day["official_act_count"], day["activity_rate"]) == (6, 1, 0.4)
    silent = row_of(rows, channel_id=BOARD, period_type="day", period_start_date=date(2026, 6, 2))
    assert (silent["active_fan_count"], silent["act_count"]) == (0, 0)
    month = row_of(rows, channel_id=BOARD, period_type="month")
    assert (month["is_complete_period"], month["active_fan_count"]) == (False, 4)


def test_voices_are_counted_and_what_is_left_out_beside_them():
    planted = Planted()
    noon = at(date(2026, 6, 1))
    planted.say(BOARD, 1, noon, brands=("wuyu", "wuyu"), quoted=("wuyu",), mood=POSITIVE)
    planted.say(BOARD, 2, noon, brands=("wuyu",), noise="advertising")
    planted.say(BOARD, 3, noon, quoted=("wuyu", "banri"))
    planted.say(BOARD, 4, noon, quoted=("wuyu",), noise="repost")
    tally = tally_of(planted, at(date(2026, 6, 2), 0), date(2026, 6, 1))
    row = row_of(tally.mentions(), brand_id="wuyu")
    assert (row["mention_count"], row["noise_mention_count"], row["quoted_mention_count"]) == (
        2,
        2,
        2,
    )
    assert (row["post_count"], row["left_out_post_count"], row["author_count"]) == (1, 3, 1)
    mood = row_of(tally.sentiment_daily(), brand_id="wuyu")
    assert (mood["post_count"], mood["positive_count"], mood["left_out_post_count"]) == (1, 1, 3)
    assert [tuple(row.values())[3:] for row in tally.left_out_mentions()] == [
        ("quoted", 1, 1),  # banri
        ("advertising", 1, 1),
        ("quoted", 2, 2),
        ("repost", 1, 1),
    ]
    week = row_of(tally.share_of_voice(), brand_id="wuyu", period_type="week")
    assert (week["mention_count"], week["noise_mention_count"], week["total_mention_count"]) == (
        2,
        2,
        2,
    )


def test_who_does_nothing_but_noise_is_active_and_not_engaged(fans):
    planted = Planted()
    noon = at(date(2026, 6, 1))
    prize = planted.say("page-wuyu", OFFICIAL, noon, noise="giveaway")
    for author, noise in ((1, "giveaway"), (2, "giveaway"), (2, None), (3, "repost")):
        planted.say("page-wuyu", author, noon + 60, parent=prize, noise=noise)
    tally = tally_of(planted, at(date(2026, 6, 2), 0), date(2026, 6, 1))
    like = Reaction(PLACE["page-wuyu"], prize, 4, "like", noon + 90)
    tally.count_act(tally.observer.notices(like))
    row = row_of(tally.channel_activity(fans), channel_id="page-wuyu", period_type="day")
    assert (row["active_fan_count"], row["engaged_fan_count"]) == (4, 2)
    assert (row["act_count"], row["official_act_count"], row["noise_act_count"]) == (6, 1, 3)
    [noise] = tally.noise_acts()
    assert (noise["reason"], noise["act_count"], noise["post_count"]) == ("giveaway", 3, 2)


@pytest.mark.parametrize(
    ("wordings", "voices"),
    [
        (["長", "長"], 2),  # two are not many
        (["長", "長", "長", "長"], 1),
        (["長", "長", "長", "短", "短"], 3),
        (["長", "短"] * 9, 2),  # the first of each wording
        (["長", "短"] * 10, 1),  # and of the whole wave when it is large
    ],
)
def test_the_first_of_those_that_say_the_same_is_a_voice(wordings, voices):
    planted = Planted()
    for number, wording in enumerate(wordings):
        when = at(date(2026, 6, 1)) + number
        planted.say(BOARD, number, when, wording, brands=("wuyu",), noise="copy")
    tally = tally_of(planted, at(date(2026, 6, 2), 0), date(2026, 6, 1))
    [row] = tally.mentions()
    assert row["mention_count"] == voices
    assert row["noise_mention_count"] == len(wordings) - voices


def test_reactions_are_acts_of_people(fans):
    planted = Planted()
    post = planted.say("page-wuyu", OFFICIAL, at(date(2026, 6, 1)))
    tally = tally_of(planted, at(date(2026, 6, 2), 0), date(2026, 6, 1))
    for author in (5, 6):
        like = Reaction(PLACE["page-wuyu"], post, author, "like", at(date(2026, 6, 1), 15))
        tally.count_act(tally.observer.notices(like))
    row = row_of(tally.channel_activity(fans), channel_id="page-wuyu", period_type="day")
    assert (row["reaction_count"], row["act_count"], row["active_fan_count"]) == (2, 3, 2)


def test_an_open_day_counts_nowhere(fans):
    planted = Planted()
    planted.say(BOARD, 1, at(date(2026, 6, 2), 9))
    tally = tally_of(planted, at(date(2026, 6, 2), 10), date(2026, 6, 1))
    assert all(row["act_count"] == 0 for row in tally.channel_activity(fans))


def test_lifecycle_tells_new_retained_returning_dormant_lost():
    months = {1: (4, 5, 7, 8), 2: (4, 6), 3: (4, 5), 4: (8, 9)}
    planted = Planted(start=date(2026, 1, 1))
    for month, authors in months.items():
        for author in authors:
            planted.say(BOARD, author, at(date(2026, month, 10)))
    tally = tally_of(planted, at(date(2026, 5, 1), 0), date(2026, 4, 30))
    rows = [row for row in tally.fan_lifecycle() if row["channel_id"] == BOARD]
    columns = ("active", "new", "retained", "returning", "dormant", "lost")
    found = [tuple(row[f"{name}_fan_count"] for name in columns) for row in rows]
    assert found == [
        (4, 4, 0, 0, 0, 0),  # January: 4 5 7 8 are new
        (2, 1, 1, 0, 3, 0),  # February: 4 stayed, 6 is new; 5 7 8 are silent
        (2, 0, 1, 1, 3, 0),  # March: 4 stayed, 5 came back; 6 7 8 silent for one or two months
        (2, 1, 0, 1, 3, 1),  # April: 8 came back, 9 is new; 4 5 6 silent, 7 lost
    ]
    for row in rows:
        parts = row["new_fan_count"] + row["retained_fan_count"] + row["returning_fan_count"]
        assert parts == row["active_fan_count"]


def test_mentions_are_spans_and_moods_are_posts():
    planted = Planted()
    day = date(2026, 6, 1)
    planted.say(BOARD, 1, at(day), brands=("wuyu", "wuyu", "banri"), mood=POSITIVE)
    planted.say(BOARD, 1, at(day), brands=("wuyu",), mood=NEGATIVE)
    planted.say(BOARD, 2, at(day), brands=("wuyu",), mood=NEGATIVE)
    planted.say(BOARD, OFFICIAL, at(day), brands=("wuyu",) * 9)
    tally = tally_of(planted, at(date(2026, 6, 2), 0), day)
    own = row_of(tally.mentions(), brand_id="wuyu")
    assert (own["mention_count"], own["post_count"], own["author_count"]) == (4, 3, 2)
    mood = row_of(tally.sentiment_daily(), brand_id="wuyu")
    assert (mood["positive_count"], mood["negative_count"]) == (1, 2)
    assert mood["net_sentiment_rate"] == pytest.approx(-1 / 3)
    voice = list(tally.share_of_voice())
    assert row_of(voice, brand_id="wuyu", period_type="day")["share_rate"] == 0.8
    ranks = {r["brand_id"]: r["rank"] for r in voice if r["period_type"] == "day"}
    assert ranks == {"wuyu": 1, "banri": 2, "suiguang": 3}


def test_a_period_without_mentions_has_no_share():
    tally = tally_of(Planted(), at(date(2026, 6, 2), 0), date(2026, 6, 1))
    rows = list(tally.share_of_voice())
    assert len(rows) == 9
    assert {(r["mention_count"], r["share_rate"], r["rank"]) for r in rows} == {(0, None, None)}


def buyer(index: int, **known) -> Person:
    character = Character(Role.FAN, "wuyu")
    fields = {
        "memberships": (),
        "buying": 0.1,
        "ptt_id": f"p{index}",
        "feed_name": f"f{index}",
        "page_id": str(index),
        "customer_id": f"C{index}",
        "visitor_id": f"v{index}",
        "member_since": number_of(date(2026, 1, 1)),
        "told_handles": frozenset({"ptt", "shop"}),
    }
    return Person(index, character.role, character.leaning, **{**fields, **known})


def an_order(person: Person, when: int, **more) -> Order:
    fields = {
        "order_id": f"W{person.index}-{when}",
        "person": person.index,
        "customer_id": person.customer_id,
        "visitor_id": person.visitor_id,
        "at": when,
        "amount": 10_050,
        "shipping": 0,
        "currency": "TWD",
        "touch": NO_TOUCH,
        "coupon": None,
        "is_test": False,
        "paid_at": when + 60,
        "cancelled_at": None,
        "refunded_at": None,
        "refund": 0,
    }
    return Order(**{**fields, **more})


def a_visit(person: Person, when: int, origin: str | None, touch=NO_TOUCH) -> Visit:
    return Visit(f"s{when}", person.index, person.visitor_id, when, origin, touch)


PTT_TOUCH = ("ptt", "community", "teadrink", None)


def test_last_touch_within_the_lookback_wins_and_every_cent_stays():
    person, day = buyer(1), date(2026, 6, 10)
    order = an_order(person, at(day), refunded_at=at(day, 20), refund=50)
    visits = [
        a_visit(person, at(date(2026, 6, 8)), "ptt-teadrink", PTT_TOUCH),
        a_visit(person, at(date(2026, 6, 9)), "blog"),  # its link lost the tracking
        a_visit(person, at(day, 13), "deals", ("deals", None, None, None)),  # after the order
    ]
    trade = Trade(person, visits, [order])
    for is_reader, channel in ((False, "blog"), (True, "ptt-teadrink")):
        tally = tally_of(
            Planted(), at(date(2026, 6, 12), 0), date(2026, 6, 11), is_reader=is_reader
        )
        tally.count_trade(trade)
        (row,) = tally.conversions()
        assert row["channel_id"] == channel
        assert (row["order_count"], row["buyer_count"]) == (1, 1)
        assert row["gross_amount"] == Decimal("100.50")
        assert row["net_amount"] == row["gross_amount"] - row["refund_amount"] == Decimal("100.00")


def test_without_a_visit_the_orders_own_link_tells_else_nobody():
    person = buyer(1, visitor_id=None)
    linked = an_order(person, at(date(2026, 6, 10)), touch=PTT_TOUCH)
    bare = an_order(person, at(date(2026, 6, 11)))
    old = a_visit(person, at(date(2026, 5, 1)), "blog")
    trade = Trade(person, [old], [linked, bare])
    now = at(date(2026, 6, 12))
    assert trade.told_channel(linked, now) == "ptt-teadrink"
    assert trade.told_channel(bare, now) is None
    assert trade.true_channel(bare) is None


def test_each_shop_tells_of_an_order_what_its_system_knows():
    """Analytics know the visitor, Shopify the journey since the last order, WooCommerce neither."""
    day, now = date(2026, 6, 10), at(date(2026, 6, 12))
    told = {}
    for index, source in ((0, "shop"), (3, "shopify"), (4, "woocommerce")):
        person = buyer(index)
        visits = [
            a_visit(person, at(date(2026, 6, 8)), "ptt-teadrink", PTT_TOUCH),
            a_visit(person, at(day, 11), "deals"),  # its link lost the tracking
        ]
        orders = [
            an_order(person, at(date(2026, 6, 9))),
            an_order(person, at(day), touch=PTT_TOUCH),
        ]
        trade = Trade(person, visits, orders)
        assert trade.shop.source == source
        told[source] = [trade.told_channel(order, now) for order in orders]
        assert trade.told_channel(orders[0], orders[0].at) == (
            "ptt-teadrink" if source == "shop" else None  # a journey is told hours later
        )
    assert told == {
        "shop": ["ptt-teadrink", "ptt-teadrink"],
        "shopify": ["ptt-teadrink", None],  # its own last visit says nothing
        "woocommerce": [None, "ptt-teadrink"],
    }


def test_visits_to_shopify_are_known_by_the_order_that_they_led_to():
    person, day = buyer(3), date(2026, 6, 10)
    visits = [
        a_visit(person, at(day), "ptt-teadrink", PTT_TOUCH),
        a_visit(person, at(date(2026, 6, 11)), "ptt-teadrink", PTT_TOUCH),  # led to nothing
    ]
    trade = Trade(person, visits, [an_order(person, at(day, 13))])
    counts = {}
    for is_reader in (False, True):
        tally = tally_of(Planted(), at(date(2026, 6, 12), 0), day, is_reader=is_reader)
        tally.count_trade(trade)
        counts[is_reader] = tally.observer.visited(trade, visits[1])
    assert counts == {False: ("ptt-teadrink", "p3"), True: (None, None)}


def test_cancelled_and_test_orders_do_not_count_and_guests_are_buyers_each():
    person, day = buyer(1), date(2026, 6, 10)
    orders = [
        an_order(person, at(day), is_test=True),
        an_order(person, at(day, 13), cancelled_at=at(day, 14)),
        an_order(person, at(day, 15), customer_id=None),
        an_order(person, at(day, 16), customer_id=None),
        an_order(person, at(day, 17)),
        an_order(person, at(day, 18)),
    ]
    counts = {}
    for is_reader in (False, True):
        tally = tally_of(Planted(), at(date(2026, 6, 12), 0), day, is_reader=is_reader)
        tally.count_trade(Trade(person, [], orders))
        (row,) = tally.conversions()
        counts[is_reader] = row["order_count"], row["buyer_count"]
    assert counts == {False: (4, 1), True: (4, 3)}


def test_conversion_bounds_hold_the_truth():
    """Four active fans: one known to have bought, one bought unknown, two did not buy."""
    day = date(2026, 6, 10)
    known, unknown = buyer(1), buyer(2, told_handles=frozenset())
    planted = Planted()
    for author in (1, 2, 3, 4):
        planted.say(BOARD, author, at(day))
    rows = {}
    for is_reader in (False, True):
        tally = tally_of(planted, at(date(2026, 7, 1), 0), date(2026, 6, 30), is_reader=is_reader)
        for person in (known, unknown):
            tally.count_trade(Trade(person, [], [an_order(person, at(day, 20))]))
            tally.count_handles(person)
        rows[is_reader] = row_of(tally.channel_conversion(), channel_id=BOARD)
    seen, truth = rows[True], rows[False]
    assert (seen["identified_fan_count"], seen["buyer_count"], seen["conversion_rate"]) == (
        1,
        1,
        0.25,
    )
    assert truth["conversion_rate"] == truth["conversion_rate_hi"] == 0.5
    assert seen["conversion_rate"] <= truth["conversion_rate"] <= seen["conversion_rate_hi"] == 1.0


def test_ranks_share_places_and_unknown_has_none():
    values = [3, 3, 1, None]
    assert [rank_of(value, values) for value in values] == [1, 1, 3, None]
