"""Shops by their interfaces: the town's orders as they change, and what goes wrong on the way.

Throttling, a key that expired, a body cut short, a change between two pages, a kill: none of them
loses an order or counts one twice.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partialmethod
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest
from scrapy import Request

from demo.apis import stamp
from demo.cast import SHOPS
from demo.days import taipei
from demo.exports import content, files
from demo.shop import Order, Trade, Visit
from demo.sites import Ask, Room, shopify, woocommerce
from demo.town import Town
from lake import Lake, StopReason, Window
from lake.pseudonyms import Pseudonyms
from scrapers.access.calls import Answer
from scrapers.access.cursor import CursorVisit
from scrapers.access.secrets import hide
from scrapers.access.shop import ShopSpider
from scrapers.errors import SiteChangedError
from scrapers.importers.detect import detect_format
from scrapers.importers.head import look_at
from scrapers.importers.land import FileOutcome
from scrapers.importers.named import NamedFile, land_named
from scrapers.plan import Request as Asked
from scrapers.plan import plan_crawl
from scrapers.records import Record
from scrapers.source import load_source
from scrapers.spiders.shopify import ShopifySpider
from scrapers.spiders.woocommerce import WooCommerceSpider
from tests.scrapers.golden import FIXTURES, compare
from tests.scrapers.stage import Page, Played, make_channel, make_job, play_with
from tests.scrapers.townhall import ENVIRONMENT, SERVER, land
from tingchao.config import Alias, Brand, Channel, Config, Import, SourceOverride

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SECRETS = (
    ENVIRONMENT["TINGCHAO_SHOPIFY_TOKEN"],
    *ENVIRONMENT["TINGCHAO_WOOCOMMERCE_KEY"].split(":"),
    b64encode(ENVIRONMENT["TINGCHAO_WOOCOMMERCE_KEY"].encode()).decode(),
)
SPIDERS: dict[str, tuple[type[ShopSpider], ModuleType]] = {
    "shopify": (ShopifySpider, shopify),
    "woocommerce": (WooCommerceSpider, woocommerce),
}
BOTH = pytest.mark.parametrize("source", list(SPIDERS))
# What stands in the fixtures and the stand-ins of people, and may stand nowhere in what lands.
PEOPLE = ("王小明", "0900", "192.0.2.1", "mail.example", "gid://shopify/Customer", "77000000")


@cache
def busy_town() -> Town:
    """Fifteen hundred people, sixty days: some hundred orders in either shop."""
    return Town(seed=11, people=1500, days=60)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@dataclass
class Shopfront:
    """The town's shop behind one of its interfaces, and a spider that visits it."""

    folder: Path
    source: str
    town: Town = field(default_factory=busy_town)
    options: dict[str, Any] = field(default_factory=dict)
    override: dict[str, Any] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    requests: list[Request] = field(default_factory=list)
    answers: list[Page] = field(default_factory=list)
    spoil: Callable[[Request, int], Page | None] = lambda request, turn: None

    def __post_init__(self) -> None:
        self.spider, module = SPIDERS[self.source]
        shops = tuple(shop for shop in SHOPS if shop.source == self.source)
        self.site = module.open_site(Room(self.town, (), {}, {}, f"/{self.source}", shops))
        settings = SourceOverride(
            base_url=f"http://{SERVER}/{self.source}",
            allow_hosts=(SERVER,),
            download_delay=0,
            **self.override,
        )
        channels = (
            Channel(
                id=f"shop-{number}",
                source=self.source,
                address=address,
                brand="wuyu",
                options=self.options,
            )
            for number, address in enumerate(self.addresses or [str(shops[0].address)])
        )
        self.config = Config(
            version=1,
            clock="logical",
            brands=(Brand(id="wuyu", name="霧嶼", aliases=(Alias(text="霧嶼"),)),),
            channels=tuple(channels),
            sources={self.source: settings},
            path=self.folder / "config.yml",
        )
        self.lake = Lake.open(self.folder / "lake")
        self.key = Pseudonyms.from_environment(ENVIRONMENT).key

    def visit(
        self,
        now: datetime,
        *,
        since: datetime | None = None,
        run: str = "",
        until_killed: int | None = None,
    ) -> Played:
        """Let the spider visit, and land what it brings; `until_killed`: so many items of it."""
        folder = self.folder / f"run-{now:%m%d%H}{run}"
        folder.mkdir(exist_ok=True)
        asked = Asked(f"run-{now.isoformat()}{run}", since or now - DAY, now)
        plan = plan_crawl(self.config, self.lake, self.source, asked, now=now, log_folder=folder)
        self.job = plan.job.model_copy(update={"lake_uri": str(self.folder / "lake")})
        spider = self.spider(self.job)
        self.requests.clear()
        self.answers.clear()
        played = play_with(spider, lambda request: self.reply(request, now), most=500)
        asyncio.run(land(spider, played.items[:until_killed]))
        unread = {key for item in played.items for key in getattr(item, "unread", ())}
        assert unread <= set(self.job.ignored_keys)
        return played

    def reply(self, request: Request, now: datetime) -> Page:
        self.requests.append(request)
        spoilt = self.spoil(request, len(self.requests))
        if spoilt is not None:
            return spoilt
        parts = urlsplit(request.url)
        ask = Ask(
            path=parts.path.removeprefix(f"/{self.source}"),
            query=parts.query,
            method=request.method,
            headers={
                name.decode().lower(): values[0].decode()
                for name, values in request.headers.items()
            },
            body=request.body,
        )
        answer = self.site.answer(ask, int(now.timestamp()))
        self.answers.append(Page(answer.body, answer.status, dict(answer.headers)))
        return self.answers[-1]

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.lake.read(table).to_pylist()

    def newest(self) -> dict[str, dict[str, Any]]:
        """Return the last observation of every order, by number."""
        rows = sorted(self.rows("orders"), key=lambda row: row["collected_at"])
        return {row["order_id"]: row for row in rows}

    def name_of(self, order: Order) -> str:
        return str(woocommerce.native_id(order)) if self.source == "woocommerce" else order.order_id

    def orders(self, now: datetime) -> dict[str, Order]:
        """Return what was ordered by then, by the number it bears there."""
        at, is_woo = int(now.timestamp()), self.source == "woocommerce"
        trades = self.town.trades_in(self.source)
        told = (order for trade in trades for order in trade.orders if order.at < at)
        return {self.name_of(order): order for order in told if not (is_woo and order.is_test)}


@pytest.fixture
def front(tmp_path: Path) -> Callable[..., Shopfront]:
    def open_front(source: str, **more: Any) -> Shopfront:
        return Shopfront(tmp_path, source, **more)

    return open_front


def opened() -> datetime:
    return taipei(busy_town().opens_at)


# Answers.


def spider_of(source: str, folder: Path) -> ShopSpider:
    described = load_source(source)
    channel = make_channel(
        "https://demo.example",
        address="https://demo.example",
        brand="tea",
        start=datetime(2026, 10, 1, tzinfo=UTC),
        end=datetime(2026, 10, 20, tzinfo=UTC),
    )
    job = make_job(folder, channel, source=source, auth=described.auth, revisit_days=0)
    return SPIDERS[source][0](job)


@BOTH
def test_an_answer_reads_as_golden(source: str, tmp_path: Path) -> None:
    spider = spider_of(source, tmp_path)
    visit = CursorVisit(spider.job.channels[0], {})
    channel_end = spider.job.channels[0].end
    calls = {name: spider.orders_since(visit, name, channel_end - DAY) for name in spider.lists}
    data = json.loads((FIXTURES / source / "page.json").read_text(encoding="utf-8"))
    answer = Answer(data, calls[spider.lists[-1]], {"x-wp-totalpages": "1", "x-wp-total": "6"})
    steps = list(answer.call.read(answer, visit))
    compare(FIXTURES / source / "page.crawled.golden.json", [_plain(step) for step in steps])


def _plain(step: Any) -> Any:
    if not isinstance(step, Record):
        return step
    named = {person: getattr(step, person) for person in step.people}
    return {"table": step.table, **step.row(), **named, "raw": dict(step.raw)}


@BOTH
def test_a_refused_order_keeps_nothing_of_its_people(source: str, tmp_path: Path) -> None:
    spider = spider_of(source, tmp_path)
    visit = CursorVisit(spider.job.channels[0], {})
    page = json.loads((FIXTURES / source / "page.json").read_text(encoding="utf-8"))
    (order, *_) = page["data"]["orders"]["nodes"] if source == "shopify" else page
    order |= {"displayFinancialStatus": "ODD", "status": "odd", "email": "amy@mail.example"}
    (refused,) = spider.turn(visit, spider.lists[-1], [order], lambda _: None)
    assert (refused.table, refused.rule) == ("orders", "unknown_status")
    assert not [word for word in (*PEOPLE, "amy") if word in json.dumps(refused.raw)]


@BOTH
def test_orders_that_nobody_can_read_are_a_changed_interface(source: str, tmp_path: Path) -> None:
    spider = spider_of(source, tmp_path)
    visit = CursorVisit(spider.job.channels[0], {})
    with pytest.raises(SiteChangedError, match="none of 3 orders"):
        list(spider.turn(visit, spider.lists[-1], [{}, "x", None], lambda _: None))


def test_an_unknown_query_names_the_version_to_set(front: Callable[..., Shopfront]) -> None:
    shop = front("shopify")
    error = {"message": "Field 'test' doesn't exist", "extensions": {"code": "undefinedField"}}
    shop.spoil = lambda *_: Page(json.dumps({"errors": [error]}))
    end = shop.visit(opened() + DAY).end
    assert end.stop_reason is StopReason.ERROR
    assert "options.api_version" in str(end.detail)
    assert end.covered is None


def test_a_version_is_a_setting(front: Callable[..., Shopfront]) -> None:
    shop = front("shopify", options={"api_version": "2027-01"})
    shop.visit(opened() + DAY)
    assert {"/admin/api/2027-01/" in request.url for request in shop.requests} == {True}
    wrong = front("shopify", options={"api_version": "../../x"})
    end = wrong.visit(opened() + DAY, run="b").end
    assert end.stop_reason is StopReason.ERROR
    assert not wrong.requests


# The town.


@BOTH
def test_every_order_is_landed_as_it_stands_and_each_of_its_fates(
    source: str, front: Callable[..., Shopfront]
) -> None:
    shop = front(source)
    for number in range(1, 21):
        now = opened() + 3 * number * DAY
        end = shop.visit(now, since=now - 3 * DAY).end
        whole = Window(now - 3 * DAY, now)
        assert (end.stop_reason, end.covered) == (StopReason.EXHAUSTED, whole)
    _require_as_it_stands(shop, now)
    seen: dict[str, list[str]] = {}
    for row in sorted(shop.rows("orders"), key=lambda row: row["collected_at"]):
        seen.setdefault(row["order_id"], []).append(row["status"])
    changed = {(told[0], told[-1]) for told in seen.values() if len(told) > 1}
    assert {("paid", "cancelled"), ("paid", "refunded"), ("paid", "partially_refunded")} <= changed
    assert {row["currency"] for row in shop.rows("orders")} == {"TWD", "HKD"}
    has_nameless = any(row["customer_key"] is None for row in shop.rows("orders"))
    assert has_nameless is (source == "shopify")  # WooCommerce knows guests by their address


def _require_as_it_stands(shop: Shopfront, now: datetime) -> None:
    told, stands, at = shop.newest(), shop.orders(now), int(now.timestamp())
    assert set(told) == set(stands)
    assert len(told) > 90
    for number, order in stands.items():
        status, row = order.status_at(at), told[number]
        is_part = bool(order.refund_at(at)) and status == "paid"
        assert row["status"] == ("partially_refunded" if is_part else status), number
        cents = [order.amount, order.tax, order.shipping, order.discount, order.refund_at(at)]
        names = ("amount", "tax_amount", "shipping_amount", "discount_amount", "refund_amount")
        assert [int(row[name] * 100) for name in names] == cents
        assert row["brand_id"] == "wuyu"
    tests = {number for number, order in stands.items() if order.is_test}
    assert {i for i, row in told.items() if row["status"] == "test"} == tests
    assert bool(tests) is (shop.source == "shopify")


@BOTH
def test_what_the_crawl_lands_is_what_the_file_lands(
    source: str, front: Callable[..., Shopfront], tmp_path: Path
) -> None:
    """Down to the customer: an order that came by file and by interface is one order."""
    shop, now = front(source), opened() + 40 * DAY
    shop.visit(now, since=opened())
    name, file = _saved(shop, now)
    (tmp_path / name).write_bytes(file)
    by_interface = shop.rows("orders")
    assert len(by_interface) > 50
    outcome = _import(shop, tmp_path / name, now + HOUR)
    assert outcome.landed == 0
    assert shop.rows("orders") == by_interface


def _saved(shop: Shopfront, now: datetime) -> tuple[str, bytes]:
    """Return the orders as somebody saved them: WooCommerce's export, Shopify's nodes."""
    if shop.source == "woocommerce":
        name = "leaves-orders.jsonl"
        return name, content(files()[name], shop.town, int(now.timestamp()))
    answers = [json.loads(page.body)["data"].get("orders") for page in shop.answers]
    nodes = [node for orders in answers if orders for node in orders["nodes"]]
    return "orders.jsonl", "".join(f"{json.dumps(node)}\n" for node in nodes).encode()


def _import(shop: Shopfront, path: Path, now: datetime) -> FileOutcome:
    head = look_at(path)
    form, _ = detect_format(head)
    spec = Import(id="saved", format=form.name, path=path.name, constants={"brand_id": "wuyu"})
    file = NamedFile(form=form, head=head, spec=spec, channels=())
    pseudonyms = Pseudonyms.from_environment(ENVIRONMENT)
    return land_named(shop.lake, file, pseudonyms, crawl_id="by-file", now=lambda: now)


def test_people_are_those_of_the_importer(front: Callable[..., Shopfront]) -> None:
    """The same realms: whoever changes from files to the interface keeps the same customers."""
    shop, now = front("shopify"), opened() + 15 * DAY
    shop.visit(now, since=opened())
    trades = {o.order_id: t for t in shop.town.trades_in("shopify") for o in t.orders}
    for number, row in shop.newest().items():
        native = str(shopify.customer_id(trades[number].person.index))
        known = shop.orders(now)[number].customer_id is not None
        assert row["customer_key"] == (shop.key("shopify", native) if known else None)
    visits = shop.rows("visits")
    visitors = {row["visitor_key"] for row in shop.newest().values()}
    assert visits
    assert {row["visitor_key"] for row in visits} <= visitors
    at = int(now.timestamp())
    told = [v for i in shop.orders(now) for v in _visits_of(trades[i], i, at)]
    assert len(visits) == len(told)


def _visits_of(trade: Trade, number: str, at: int) -> list[Visit]:
    (order,) = (order for order in trade.orders if order.order_id == number)
    return trade.told_visits(order, at)


def test_a_journey_is_read_once_it_is_ready(front: Callable[..., Shopfront]) -> None:
    shop = front("shopify")
    trades = shop.town.trades_in("shopify")
    order = next(
        o for t in trades for o in t.orders if o.visitor_id and t.journey(o) and not o.is_test
    )
    soon = datetime.fromtimestamp(order.at, UTC) + 2 * HOUR
    shop.visit(soon)
    assert shop.newest()[order.order_id]["landing_url"] is None
    shop.visit(soon + DAY)
    assert shop.newest()[order.order_id]["landing_url"] == "https://shop.wuyu.example/menu"
    assert shop.rows("visits")


@BOTH
def test_nothing_new_lands_nothing(source: str, front: Callable[..., Shopfront]) -> None:
    shop, now = front(source), opened() + 9 * DAY
    shop.visit(now, since=opened())
    before = len(shop.rows("orders"))
    shop.visit(now, since=opened(), run="b")
    assert len(shop.rows("orders")) == before > 10


@BOTH
def test_a_long_history_goes_on_where_it_was_cut(
    source: str, front: Callable[..., Shopfront]
) -> None:
    shop, now = front(source, override={"max_pages": 3}), opened() + 30 * DAY
    reached = opened()
    for attempt in range(40):
        end = shop.visit(now, since=reached, run=str(attempt)).end
        if end.stop_reason is StopReason.EXHAUSTED:
            break
        assert end.stop_reason is StopReason.BUDGET
        assert end.covered is not None
        assert end.covered.end > reached
        reached = end.covered.end
    assert attempt > 1
    assert set(shop.newest()) == set(shop.orders(now))


def test_an_order_that_changes_meanwhile_hides_no_other(
    front: Callable[..., Shopfront], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, now = front("woocommerce"), opened() + 20 * DAY
    stands = shop.orders(now)
    mover = woocommerce.native_id(min(stands.values(), key=lambda order: order.at))
    told = woocommerce.WooCommerceSite._orders

    def moved(site: Any, at: int, status: str) -> list[dict[str, Any]]:
        orders = told(site, at, status)
        if len(shop.requests) < 3:  # the bin, and the first page
            return orders
        late = [
            {**o, "date_modified_gmt": "2099-01-01T00:00:00"} for o in orders if o["id"] == mover
        ]
        return [o for o in orders if o["id"] != mover] + late

    monkeypatch.setattr(woocommerce.WooCommerceSite, "_orders", moved)
    shop.visit(now, since=opened())
    assert set(shop.newest()) == set(stands)


def test_a_page_out_of_order_is_a_changed_interface(tmp_path: Path) -> None:
    spider = spider_of("woocommerce", tmp_path)
    visit = CursorVisit(spider.job.channels[0], {})
    orders = json.loads((FIXTURES / "woocommerce" / "page.json").read_text(encoding="utf-8"))
    with pytest.raises(SiteChangedError, match="the oldest first"):
        list(spider.turn(visit, "any", orders[::-1], lambda _: None))


@pytest.mark.parametrize("has_been_read", [True, False])
def test_an_order_that_changes_between_two_pages_is_landed_as_it_is_by_the_next_crawl(
    has_been_read: bool, front: Callable[..., Shopfront], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It moves behind the window's end: what is between is read, and it counts once."""
    shop, now = front("shopify"), opened() + 40 * DAY
    stands, end_at = shop.orders(now), int(now.timestamp())
    in_turn = sorted(stands.values(), key=lambda order: order.changed_at(end_at))
    mover = in_turn[0 if has_been_read else -20]
    changed_at, refund_at = Order.changed_at, Order.refund_at

    def has_moved(order: Order) -> bool:
        return order == mover and (len(shop.requests) > 3 or not is_first)  # scopes, two pages

    def later(order: Order, at: int) -> int:
        return end_at + 60 if has_moved(order) else changed_at(order, at)

    def given_back(order: Order, at: int) -> int:
        return order.amount if has_moved(order) else refund_at(order, at)

    monkeypatch.setattr(Order, "changed_at", later)
    monkeypatch.setattr(Order, "refund_at", given_back)
    is_first = True
    shop.visit(now, since=opened())
    others = set(stands) - {mover.order_id}
    assert set(shop.newest()) == (set(stands) if has_been_read else others)
    is_first = False
    shop.visit(now + DAY)
    assert shop.newest()[mover.order_id]["refund_amount"] * 100 == mover.amount
    assert set(shop.newest()) == set(shop.orders(now + DAY))


def test_a_search_that_lags_behind_ends_no_list(
    front: Callable[..., Shopfront], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first order of all has just changed, and still stands where it stood."""
    shop, now = front("shopify"), opened() + 40 * DAY
    told = shopify._node

    def fresh(trade: Trade, order: Order, at: int) -> dict[str, Any]:
        node = told(trade, order, at)
        is_lagging = order.order_id == first.order_id and at == int(now.timestamp())
        return node | ({"updatedAt": stamp(at + 60)} if is_lagging else {})

    first = min(shop.orders(now).values(), key=lambda order: order.changed_at(int(now.timestamp())))
    monkeypatch.setattr(shopify, "_node", fresh)
    end = shop.visit(now, since=opened()).end
    assert (end.stop_reason, end.covered) == (StopReason.EXHAUSTED, Window(opened(), now))
    assert set(shop.newest()) == set(shop.orders(now)) - {first.order_id}


def test_a_list_too_deep_to_turn_is_asked_for_anew(
    front: Callable[..., Shopfront], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, now = front("shopify"), opened() + 40 * DAY
    monkeypatch.setattr("scrapers.spiders.shopify.DEEPEST", 20)
    end = shop.visit(now, since=opened()).end
    bodies = [json.loads(request.body)["variables"] for request in shop.requests]
    windows = {body["since"] for body in bodies if "since" in body}
    assert len(windows) > 2
    assert (end.stop_reason, end.covered) == (StopReason.EXHAUSTED, Window(opened(), now))
    assert set(shop.newest()) == set(shop.orders(now))


@BOTH
def test_a_crawl_that_was_killed_is_finished_by_its_next_run(
    source: str, front: Callable[..., Shopfront], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it committed before stays; what it had not comes; nothing comes twice."""
    shop, now = front(source), opened() + 40 * DAY
    monkeypatch.setattr(Lake, "write", partialmethod(Lake.write, max_rows=8))
    shop.visit(now, since=opened(), until_killed=30)
    committed = shop.rows("orders")
    assert 0 < len(committed) < len(shop.orders(now))
    shop.visit(now, since=opened())
    assert [row for row in shop.rows("orders") if row in committed] == committed
    assert len(shop.rows("orders")) == len(shop.newest())
    assert set(shop.newest()) == set(shop.orders(now))


@BOTH
def test_a_body_cut_short_covers_what_was_read_before_it(
    source: str, front: Callable[..., Shopfront]
) -> None:
    shop, now = front(source), opened() + 40 * DAY

    def cut(request: Request, turn: int) -> Page | None:
        del request
        return Page('{"data": {"orders": {"nodes": [{"id": "gid://') if turn == 4 else None

    shop.spoil = cut
    end = shop.visit(now, since=opened()).end
    assert end.stop_reason is StopReason.ERROR
    assert "expected JSON" in str(end.detail)
    assert end.covered is not None
    assert opened() == end.covered.start < end.covered.end < now
    shop.spoil = lambda *_: None
    end = shop.visit(now, since=end.covered.end, run="b").end
    assert end.stop_reason is StopReason.EXHAUSTED
    assert set(shop.newest()) == set(shop.orders(now))


def test_too_many_requests_are_waited_for_as_the_server_says(
    front: Callable[..., Shopfront],
) -> None:
    shop, now = front("woocommerce"), opened() + 9 * DAY
    busy = Page('{"code": "too_many", "message": "Slow down"}', 429, {"Retry-After": "7"})
    shop.spoil = lambda request, turn: busy if turn == 2 else None
    assert shop.visit(now, since=opened()).end.stop_reason is StopReason.EXHAUSTED
    assert [request.meta["wait_seconds"] for request in shop.requests][:4] == [0, 0, 7, 0]
    assert set(shop.newest()) == set(shop.orders(now))
    shop.spoil = lambda *_: busy
    end = shop.visit(now + DAY).end
    assert (end.stop_reason, end.covered) == (StopReason.BUDGET, None)


def test_a_list_that_does_not_say_how_long_it_is_is_not_taken_for_whole(
    front: Callable[..., Shopfront],
) -> None:
    shop = front("woocommerce")
    shop.spoil = lambda *_: Page("[]")
    end = shop.visit(opened() + DAY).end
    assert (end.stop_reason, end.covered) == (StopReason.ERROR, None)
    assert "x-wp-totalpages" in str(end.detail)


def test_a_key_without_its_second_half_is_told_before_anything_is_asked(
    front: Callable[..., Shopfront], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINGCHAO_WOOCOMMERCE_KEY", "ck_alone-0123456789")
    shop = front("woocommerce")
    end = shop.visit(opened() + DAY).end
    assert end.stop_reason is StopReason.ERROR
    assert "ck_…:cs_…" in str(end.detail)
    assert not shop.requests


def test_what_was_thrown_away_is_cancelled(front: Callable[..., Shopfront]) -> None:
    shop, now = front("woocommerce"), opened() + 10 * DAY
    shop.visit(now, since=opened())
    victim = next(i for i, row in shop.newest().items() if row["status"] == "paid")
    shop.site.binned[int(victim)] = int((now + HOUR).timestamp())
    shop.visit(now + DAY)
    assert shop.newest()[victim]["status"] == "cancelled"


# What an interface keeps to itself.


def test_sixty_days_without_the_scope_for_all(front: Callable[..., Shopfront]) -> None:
    shop, now = front("shopify"), opened() + 80 * DAY
    shop.site.scopes = ["read_orders"]
    edge = now - 60 * DAY
    end = shop.visit(now, since=opened()).end
    assert end.stop_reason is StopReason.CAP
    assert end.covered == Window(edge, now)
    assert "read_all_orders" in str(end.detail)
    assert f"lost: {opened().astimezone(UTC):%Y-%m-%dT%H:%MZ}" in str(end.detail)
    assert shop.visit(now + DAY).end.stop_reason is StopReason.CAP  # believed when met twice
    later = now + 2 * DAY
    daily = shop.visit(later).end
    assert (daily.stop_reason, daily.covered) == (StopReason.EXHAUSTED, Window(now + DAY, later))
    assert "nor what becomes of them" in str(daily.detail)


def test_throttling_waits_as_long_as_the_points_take(front: Callable[..., Shopfront]) -> None:
    shop, now = front("shopify"), opened() + 9 * DAY
    shop.site.throttled = 2
    end = shop.visit(now, since=opened()).end
    assert end.stop_reason is StopReason.EXHAUSTED
    waits = [request.meta["wait_seconds"] for request in shop.requests]
    assert waits[:4] == [0, 1.0, 1.0, 0]
    assert set(shop.newest()) == set(shop.orders(now))


def test_a_shop_that_only_throttles_is_left_for_later(front: Callable[..., Shopfront]) -> None:
    shop = front("shopify")
    shop.site.throttled = 99
    end = shop.visit(opened() + DAY).end
    assert (end.stop_reason, end.covered) == (StopReason.BUDGET, None)
    assert "docs/runbook.md#rate-limited" in str(end.detail)


def test_a_query_that_costs_too_much_is_asked_for_less(front: Callable[..., Shopfront]) -> None:
    shop, now = front("shopify"), opened() + 9 * DAY
    error = {"message": "Query cost is 1200", "extensions": {"code": "MAX_COST_EXCEEDED"}}

    def costly(request: Request, turn: int) -> Page | None:
        del turn
        first = json.loads(request.body)["variables"].get("first", 1)
        return Page(json.dumps({"errors": [error]})) if first > 6 else None

    shop.spoil = costly
    assert shop.visit(now, since=opened()).end.stop_reason is StopReason.EXHAUSTED
    assert set(shop.newest()) == set(shop.orders(now))


@BOTH
def test_a_token_that_is_no_longer_taken_is_told_and_never_written(
    source: str, front: Callable[..., Shopfront], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = front(source)
    variable = load_source(source).auth.variable
    monkeypatch.setenv(variable, "ck_expired-one:cs_expired-one")
    end = shop.visit(opened() + DAY).end
    assert end.stop_reason is StopReason.BLOCKED
    assert variable in str(end.detail)
    assert "docs/runbook.md#token-expired" in str(end.detail)
    assert "expired-one" not in str(shop.lake.ledger().to_pylist())


@pytest.mark.parametrize(
    ("source", "status", "said"),
    [
        ("shopify", 200, {"errors": [{"message": "no", "extensions": {"code": "ACCESS_DENIED"}}]}),
        ("woocommerce", 401, {"code": "woocommerce_rest_cannot_view", "message": "Sorry"}),
    ],
)
def test_a_right_that_is_missing_is_told(
    source: str, status: int, said: dict[str, Any], front: Callable[..., Shopfront]
) -> None:
    shop = front(source)
    shop.spoil = lambda *_: Page(json.dumps(said), status)
    end = shop.visit(opened() + DAY).end
    assert end.stop_reason is StopReason.BLOCKED
    assert "docs/runbook.md#blocked" in str(end.detail)


@BOTH
def test_secrets_and_people_are_written_nowhere(
    source: str, front: Callable[..., Shopfront]
) -> None:
    shop, now = front(source), opened() + 9 * DAY
    shop.visit(now, since=opened())
    written = f"{shop.job.model_dump_json()} {[request.url for request in shop.requests]}"
    for path in (shop.folder / "lake").rglob("*.parquet"):
        written += path.read_bytes().decode("latin-1")
    for table in ("orders", "visits", "crawls", "quarantine"):
        written += str(shop.rows(table))
    assert [word for word in (*SECRETS, *PEOPLE) if word in written] == []
    assert {hide(secret) for secret in SECRETS if secret in _sent(shop)} == {"[secret]"}


def _sent(shop: Shopfront) -> str:
    return str([request.headers for request in shop.requests])


def test_of_people_woocommerce_is_asked_for_the_address_alone(
    front: Callable[..., Shopfront],
) -> None:
    shop = front("woocommerce")
    shop.visit(opened() + 3 * DAY, since=opened())
    (fields,) = {urlsplit(request.url).query.partition("_fields=")[2] for request in shop.requests}
    assert "billing.email" in fields
    assert "billing%2C" not in fields


def test_orders_of_two_shops_are_not_taken_for_one(front: Callable[..., Shopfront]) -> None:
    shop = front("woocommerce", addresses=("wuyu-leaves", "wuyu-leaves-hk"))
    played = shop.visit(opened() + 3 * DAY, since=opened())
    ends = {end.channel_id: end for end in played.ends()}
    assert ends["shop-0"].stop_reason is StopReason.EXHAUSTED
    assert ends["shop-1"].stop_reason is StopReason.ERROR
    assert "order_prefix: shop-1-" in str(ends["shop-1"].detail)
