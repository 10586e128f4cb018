from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.errors import RefusedRecordError
from lake.records import content_hash, identity, make_row, quotable, to_arrow
from lake.schemas import IDENTITY, LEDGER, TABLES
from lake.text import joined, make_storable, text_hash
from tests.lake.story import NOW, person, post

LOSSLESS = [
    "👨‍👩‍👧‍👦 👍🏽 🇹🇼",
    "𠮷野家 𡃁 𪚥",
    "葛󠄀 ☺️ ☺︎",
    "ＡＢＣ　１２３ ｶﾞ",
    "nul\0tab\tcr\r\nline",
    "\u202eabc\u200b\ufeff\u2066",
    "e\u0301 é ﬁ",
    "",
]


def order(**columns: object) -> dict[str, object]:
    return {
        "order_id": "1",
        "ordered_at": NOW,
        "status": "paid",
        "amount": Decimal("12.5"),
        "currency": "TWD",
        **columns,
    }


def spend(**columns: object) -> dict[str, object]:
    return {
        "spend_id": "2026-10-08|c1",
        "spend_date": date(2026, 10, 8),
        "level": "campaign",
        "platform": "meta_ads",
        "spend_amount": "12.5",
        "currency": "TWD",
        **columns,
    }


def refused(table: str, record: dict[str, object]) -> RefusedRecordError:
    with pytest.raises(RefusedRecordError) as caught:
        make_row(table, record, channel_id="phone")
    return caught.value


def landed(table: str, record: dict[str, object]) -> dict[str, object]:
    row = make_row(table, record, channel_id="phone")
    bookkeeping = {"source": "ptt", "collected_at": NOW, "crawl_id": "r", "segment_id": "s"}
    (back,) = to_arrow(table, [{**row, **bookkeeping}]).to_pylist()
    return back


@pytest.mark.parametrize("text", LOSSLESS)
def test_row_22_text_is_lossless(text: str) -> None:
    back = landed("posts", post(1, title_text=text, body_text=text, tags=[text]))
    assert (back["title_text"], back["body_text"], back["tags"]) == (text, text, [text])


def test_row_22_what_no_encoding_can_store_is_replaced() -> None:
    assert make_storable("a\ud800b") == "a\ufffdb"
    assert make_storable("\ud83d\ude00") == "😀"
    assert make_storable("𠮷\udfff") == "𠮷\ufffd"
    back = landed("posts", post(1, body_text="x\udc00", tags=["\ud800"]))
    assert (back["body_text"], back["tags"]) == ("x\ufffd", ["\ufffd"])


@given(st.text(st.characters(codec=None, exclude_categories=[]), max_size=40))
def test_row_22_any_text_lands(text: str) -> None:
    back = landed("posts", post(1, body_text=text, title_text=None))["body_text"]
    assert back == make_storable(text)
    if not any("\ud800" <= c <= "\udfff" for c in text):
        assert back == text


def test_a_text_has_one_hash() -> None:
    assert (
        text_hash("標題", "內文") == text_hash(None, "標題\n內文") == text_hash("標題\n內文", None)
    )
    assert text_hash("x", "y") == "9ab9de25768ac172235e119b76362ecd"
    assert text_hash(None, None) is None
    assert text_hash("", None) is not None
    assert joined("標題", None) == "標題"
    assert text_hash("\ud800", None) == text_hash("\ufffd", None)


@pytest.mark.parametrize(
    ("table", "record", "rule", "words"),
    [
        ("posts", {"kind": "article"}, "missing_value", "post_id: required"),
        ("posts", post(1, kind=None), "missing_value", "kind"),
        ("posts", post(1, boss="x"), "unknown_column", "posts has no column boss"),
        ("posts", post(1, source="ptt"), "unknown_column", "source"),
        ("posts", post(1, post_id=1.22158e17), "wrong_type", "a float has lost digits"),
        ("posts", post(1, body_text=b"x"), "wrong_type", "body_text: expected text"),
        ("posts", post(1, is_deleted="yes"), "wrong_type", "true or false"),
        ("posts", post(1, author_key="alice01"), "not_a_pseudonym", "author_key"),
        ("posts", post(1, tags="x"), "wrong_type", "a list of texts"),
        ("posts", post(1, tags=[1]), "wrong_type", "a list of texts"),
        ("posts", post(1, published_at="2026-10-08"), "wrong_type", "a datetime"),
        ("posts", post(1, published_at=datetime(2026, 1, 1)), "time_without_zone", "zone"),  # noqa: DTZ001
        ("posts", post(1, published_precision=None), "missing_value", "both or none"),
        ("posts", post(1, published_at=None), "missing_value", "both or none"),
        ("posts", post(1, published_precision="hour"), "unknown_value", "second, minute, day"),
        ("posts", post(1, counters={"push": 1}), "wrong_type", "a list of counters"),
        ("posts", post(1, counters=[{"name": "push"}]), "wrong_type", "name, lo, hi, how"),
        ("orders", order(amount=12.5), "wrong_type", "an exact amount"),
        ("orders", order(amount="12.34567"), "out_of_range", "4 decimals"),
        ("orders", order(amount=10**14), "out_of_range", "14 digits"),
        ("orders", order(amount="NaN"), "out_of_range", "amount"),
        ("orders", order(amount="NT$12"), "out_of_range", "amount"),
        ("orders", order(amount=True), "wrong_type", "amount"),
        ("orders", order(currency="NT$"), "unknown_value", "ISO 4217"),
        ("orders", order(status="lost"), "unknown_value", "partially_refunded"),
        ("orders", order(is_test="no"), "wrong_type", "true or false"),
        ("spend", spend(spend_date=NOW), "wrong_type", "a calendar day"),
        ("spend", spend(spend_date=None), "missing_value", "spend_date"),
        ("spend", spend(level="keyword"), "unknown_value", "account, campaign"),
        ("spend", spend(click_count=1.5), "wrong_type", "a whole number"),
        ("channels", {"observed_at": NOW, "fan_count": 2**63}, "out_of_range", "64 bits"),
        ("channels", {"observed_at": NOW, "fan_count": "12"}, "wrong_type", "whole number"),
        ("channels", {"observed_at": NOW, "fan_count_how": "about"}, "unknown_value", "exact"),
        (
            "members",
            {"member_key": person("m"), "observed_at": NOW, "handles": [{"source": "ptt"}]},
            "wrong_type",
            "source and key",
        ),
        (
            "members",
            {
                "member_key": person("m"),
                "observed_at": NOW,
                "handles": [{"source": "ptt", "key": "alice"}],
            },
            "not_a_pseudonym",
            "handles",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    table: str, record: dict[str, object], rule: str, words: str
) -> None:
    error = refused(table, record)
    assert error.rule == rule
    assert words in error.reason
    assert "alice" not in error.reason


@pytest.mark.parametrize(
    ("lo", "hi", "how"),
    [
        (1, 2, "exact"),
        (1, None, "exact"),
        (None, None, "rounded"),
        (2, 1, "rounded"),
        (1, 1, "at_least"),
        (None, None, "at_most"),
        (0, 0, "missing"),
        (0, None, "hidden"),
    ],
)
def test_a_counter_that_cannot_be_is_refused(lo: int, hi: int, how: str) -> None:
    counter = {"name": "push", "lo": lo, "hi": hi, "how": how}
    assert refused("posts", post(1, counters=[counter])).rule == "impossible_counter"


def test_a_counter_is_given_once() -> None:
    counter = {"name": "push", "lo": 1, "hi": 1, "how": "exact"}
    assert refused("posts", post(1, counters=[counter, counter])).rule == "impossible_counter"


def test_values_are_taken_into_their_columns() -> None:
    taipei = timezone(timedelta(hours=8))
    back = landed("orders", order(order_id=12, ordered_at=NOW.astimezone(taipei), tax_amount=1))
    assert back["order_id"] == "12"
    assert back["ordered_at"] == NOW
    assert back["amount"] == Decimal("12.5000")
    assert back["tax_amount"] == Decimal(1)
    assert back["refund_amount"] is None


def test_what_a_refused_record_shows_names_nobody() -> None:
    record = post(1, author_key="alice01", author_name="Alice", handles=["alice"])
    assert set(record) - set(quotable("posts", record)) == {"author_key", "author_name", "handles"}
    member = {"member_key": person("m"), "handles": [{"source": "ptt", "key": "alice"}]}
    assert quotable("members", member) == {"member_key": person("m")}


def row(table: str = "posts", **columns: object) -> dict[str, object]:
    return make_row(table, post(1, **columns), channel_id="phone")


def test_the_hash_covers_what_is_said_and_nothing_else() -> None:
    base = row()["content_hash"]
    assert row(raw_record="{}")["content_hash"] == base
    assert row(is_truncated=False)["content_hash"] == base
    said = {
        "body_text": "other",
        "title_text": None,
        "is_deleted": True,
        "url": "https://example.org/1",
        "tags": ["M"],
        "author_key": person("other"),
        "channel_id": "camera",
        "edited_at": NOW,
    }
    hashes = {row(**{name: value})["content_hash"] for name, value in said.items()}
    assert len(hashes | {base}) == len(said) + 1


def test_the_hash_does_not_depend_on_the_order_of_counters_or_the_zone() -> None:
    counters = [{"name": n, "lo": 1, "hi": 1, "how": "exact"} for n in ("push", "boo")]
    assert row(counters=counters)["content_hash"] == row(counters=counters[::-1])["content_hash"]
    taipei = timezone(timedelta(hours=8))
    assert (
        row(edited_at=NOW)["content_hash"] == row(edited_at=NOW.astimezone(taipei))["content_hash"]
    )


def test_a_hash_never_changes() -> None:
    assert row()["content_hash"] == "477fa4a106b4bc0294f64d185df8aec1"


def test_a_member_exported_again_says_the_same() -> None:
    member = {"member_key": person("m"), "observed_at": NOW}
    later = {**member, "observed_at": NOW + timedelta(days=1)}
    one, two = (make_row("members", m, channel_id="crm") for m in (member, later))
    assert one["content_hash"] == two["content_hash"]
    one, two = (
        make_row("channels", {"observed_at": m["observed_at"]}, channel_id="c")
        for m in (member, later)
    )
    assert one["content_hash"] != two["content_hash"]


TEXTS = st.text(max_size=5)


@given(st.tuples(TEXTS, TEXTS), st.tuples(TEXTS, TEXTS))
def test_identities_differ_whenever_their_parts_do(one: tuple, two: tuple) -> None:
    named = [
        identity("posts", dict(zip(IDENTITY["posts"], parts, strict=True))) for parts in (one, two)
    ]
    assert (named[0] == named[1]) == (one == two)


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=8),
    st.datetimes(timezones=st.one_of(st.none(), st.just(UTC))),
    st.decimals(),
    st.lists(
        st.one_of(st.text(max_size=3), st.dictionaries(st.text(max_size=3), st.integers())),
        max_size=3,
    ),
)


@given(st.sampled_from(sorted(IDENTITY)), st.data())
def test_any_record_is_a_row_or_is_refused(table: str, data: st.DataObject) -> None:
    names = [
        n
        for n in TABLES[table].names
        if n not in {"source", "collected_at", "crawl_id", "segment_id", "content_hash"}
    ]
    record = {name: data.draw(JUNK, label=name) for name in names}
    try:
        back = landed(table, record)
    except RefusedRecordError as error:
        assert error.rule
        assert error.reason
        return
    assert back["content_hash"] == content_hash(table, make_row(table, record, channel_id="phone"))


def test_every_table_but_the_ledger_has_bookkeeping_and_an_identity() -> None:
    for table, schema in TABLES.items():
        assert {"source", "segment_id", "crawl_id"} <= set(schema.names)
        assert all(field.metadata[b"doc"] for field in schema)
        assert table in {LEDGER, "quarantine"} or set(IDENTITY[table]) <= set(schema.names)


def test_a_column_that_came_later_changes_no_hash_of_an_order_that_does_not_tell_it() -> None:
    said = {"tax_amount": "0.6", "refund_amount": "0", "utm_source": "ptt"}
    told_before = order(ordered_at=datetime(2026, 10, 9, tzinfo=UTC), **said)
    row = make_row("orders", told_before, channel_id="x")
    assert row["content_hash"] == "01a67dab8b788a73f1d83537ae5e21a2"  # as it was without them
    later = {"discount_amount": None, "is_test": None, "cancelled_at": None, "utm_term": None}
    assert landed("orders", {**told_before, **later})["content_hash"] == row["content_hash"]
    assert (
        landed("orders", {**told_before, "is_test": False})["content_hash"] != row["content_hash"]
    )


def test_a_day_of_spend_comes_back_as_it_was() -> None:
    back = landed("spend", spend(campaign_name="秋季", impression_count=0))
    assert (back["spend_date"], back["spend_amount"]) == (date(2026, 10, 8), Decimal("12.5000"))
    assert (back["impression_count"], back["click_count"]) == (0, None)
