"""The files that a team in this town already has: page exports, members, audiences, the shop's.

Each is a snapshot at an instant, in a format of its own: byte-order marks, CRLF, Big5, thousands
separators, repeated rows, and columns with names and contacts that nobody asked for and that must
never land. All contacts are out of ranges that lead nowhere.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from demo.cast import CRM, OFFICIAL, OWN, PLACES, SHOP, SHOPS, WEB, Place, Shape
from demo.days import date_of, day_at, midnight, seconds_of, taipei
from demo.life import Post
from demo.people import Person, page_id
from demo.shop import Trade
from demo.shop_files import NAMELESS, ORDERS, SPEND, contact, events, orders, spend
from demo.sites import shopify, woocommerce
from demo.town import Town, write_if_changed

LATE_SECONDS = 8 * 3600


class Table(NamedTuple):
    """One kind of file: its columns in the file's own words, and how it is written."""

    columns: tuple[str, ...]
    rows: Callable[[Town, int], Iterator[tuple[object, ...]]]
    encoding: str = "utf-8"
    ending: str = "\n"


class Lines(NamedTuple):
    """One kind of file of JSON lines."""

    rows: Callable[[Town, int], Iterator[str]]


def stamp(at: int) -> str:
    """Local time as spreadsheets show it."""
    return taipei(at).strftime("%Y-%m-%d %H:%M:%S")


def stamp_with_colon(at: int) -> str:
    return taipei(at).isoformat(sep=" ")


def page_posts(place: Place) -> Callable[[Town, int], Iterator[tuple[object, ...]]]:
    """Posts and comments of a fan page; authors as page-scoped ids, beside names to be dropped."""

    def rows(town: Town, at: int) -> Iterator[tuple[object, ...]]:
        for post in town.posts:
            if post.place is place and post.exists_at(at):
                parent = post.parent.post_id if post.parent is not None else ""
                author = town.population.native_author(place, post.author)
                yield (
                    post.post_id,
                    post.kind.value,
                    parent,
                    author,
                    NAMELESS if post.author != OFFICIAL else place.title,
                    post.saying_at(at).body,
                    stamp(post.at),
                )

    return rows


def crawled_notes(place: Place) -> Callable[[Town, int], Iterator[tuple[object, ...]]]:
    """Posts of a competitor's page as MediaCrawler writes them; `create_time` was 8 hours late."""

    def rows(town: Town, at: int) -> Iterator[tuple[object, ...]]:
        for post in _of_page(town, place, at):
            if post.parent is None:
                text, name = post.saying_at(at).body, place.title
                person = town.population.native_author(place, post.author)
                times = (post.at + LATE_SECONDS, stamp_with_colon(post.at))
                yield post.post_id, text, *times, "", "", "", at * 1000, person, name

    return rows


def crawled_comments(place: Place) -> Callable[[Town, int], Iterator[tuple[object, ...]]]:
    """Comments under them, in a file of their own."""

    def rows(town: Town, at: int) -> Iterator[tuple[object, ...]]:
        for post in _of_page(town, place, at):
            if post.parent is not None:
                above = post.parent.post_id if post.parent is not post.root else ""
                person = town.population.native_author(place, post.author)
                times = (post.at + LATE_SECONDS, stamp_with_colon(post.at))
                note, text = post.root.post_id, post.saying_at(at).body
                yield post.post_id, *times, note, text, at * 1000, above, person, NAMELESS

    return rows


def _of_page(town: Town, place: Place, at: int) -> Iterator[Post]:
    return (post for post in town.posts if post.place is place and post.exists_at(at))


def page_reactions(place: Place) -> Callable[[Town, int], Iterator[tuple[object, ...]]]:
    """Marks under the posts of a fan page, with who left them and when."""

    def rows(town: Town, at: int) -> Iterator[tuple[object, ...]]:
        for reaction in town.reactions:
            if reaction.place is place and reaction.exists_at(at):
                person = page_id(reaction.author)
                yield reaction.post.post_id, person, reaction.kind, stamp(reaction.at)

    return rows


def audiences(source: str) -> Callable[[Town, int], Iterator[tuple[object, ...]]]:
    """Fans of each channel at the end of each closed day; of one channel nobody knows."""

    def rows(town: Town, at: int) -> Iterator[tuple[object, ...]]:
        counts = town.fan_counts
        for place in PLACES:
            if place.source != source or not place.shows_fans:
                continue
            for offset, count in enumerate(counts[place.id]):
                observed = midnight(town.first + offset + 1) - 60
                if observed < at:
                    yield place.id, place.title, stamp(observed), f"{count:,}"

    return rows


def members(town: Town, at: int) -> Iterator[tuple[object, ...]]:
    """CRM members with the handles that they told the shop, fewer than they have."""
    for trade in town.trades:
        person = trade.person
        if person.member_since is not None and person.is_member_on(day_at(at)):
            yield (
                f"M{person.index:07d}",
                date_of(person.member_since).isoformat(),
                stamp(at),
                *(_told(person, source) for source in ("ptt", "feed", "fanpage")),
                *(_told_shop(trade, shop.source) for shop in SHOPS),
                NAMELESS,
                contact(person).upper(),
                "0900-000-000",
            )


def _told(person: Person, source: str) -> str:
    return person.native_id(source) if source in person.told_handles else ""


def _told_shop(trade: Trade, source: str) -> str:
    """By what the shop knows the member, if it is the one where the member buys."""
    person = trade.person
    if SHOP not in person.told_handles or trade.shop.source != source:
        return ""
    numbers = {
        "shopify": str(shopify.customer_id(person.index)),
        "woocommerce": str(woocommerce.customer_id(person.index)),
    }
    return numbers.get(source) or contact(person)


def saved_orders(town: Town, at: int) -> Iterator[str]:
    """The orders that the interface tells too, as the bookkeeper saved them, one a line."""
    for order in woocommerce.orders_of(town, at):
        yield json.dumps(order, ensure_ascii=False, separators=(",", ":"))


_POSTS = ("post_id", "type", "parent_id", "user_id", "user_name", "message", "created_time")
_NOTES = (
    "note_id",
    "content",
    "create_time",
    "create_date_time",
    "liked_count",
    "comments_count",
    "shared_count",
    "last_modify_ts",
    "user_id",
    "nickname",
)
_COMMENTS = (
    "comment_id",
    "create_time",
    "create_date_time",
    "note_id",
    "content",
    "last_modify_ts",
    "parent_comment_id",
    "user_id",
    "nickname",
)
_REACTIONS = ("post_id", "user_id", "reaction", "reacted_time")
_AUDIENCE = ("channel", "name", "observed", "fans")
_MEMBERS = (
    "會員編號",
    "入會日",
    "匯出時間",
    "PTT帳號",
    "論壇暱稱",
    "粉專編號",
    "商店帳號信箱",
    "禮盒店會員編號",
    "茶葉行會員編號",
    "姓名",
    "電子郵件",
    "手機",
)
PAGES = tuple(place for place in PLACES if place.shape is Shape.PAGE)
CRAWLED = tuple(place for place in PAGES if place.brand != OWN.id)  # a competitor exports nothing


def files() -> dict[str, Table | Lines]:
    """Every file of the folder `exports`, by name."""
    listed: dict[str, Table | Lines] = {
        f"audience-{source}.csv": Table(_AUDIENCE, audiences(source), "big5", "\r\n")
        for source in ("ptt", "feed", "fanpage")
    }
    for place in PAGES:
        if place in CRAWLED:
            notes, comments = crawled_notes(place), crawled_comments(place)
            listed[f"{place.id}-contents.csv"] = Table(_NOTES, notes, "utf-8-sig")
            listed[f"{place.id}-comments.csv"] = Table(_COMMENTS, comments, "utf-8-sig")
        else:
            listed[f"{place.id}-posts.csv"] = Table(_POSTS, page_posts(place), "utf-8-sig", "\r\n")
        listed[f"{place.id}-reactions.csv"] = Table(_REACTIONS, page_reactions(place))
    listed[f"{SHOP}-orders.csv"] = Table(ORDERS, orders)
    listed[f"{WEB}-events.jsonl"] = Lines(events)
    listed["leaves-orders.jsonl"] = Lines(saved_orders)
    listed["meta-ads.csv"] = Table(SPEND, spend, "utf-8-sig")
    listed[f"{CRM}-members.csv"] = Table(_MEMBERS, members, "utf-8-sig")
    return listed


def write_exports(town: Town, folder: Path, now: datetime) -> list[Path]:
    """Write the files as they stand at an instant under `folder/exports`; return those written."""
    at = seconds_of(now)
    written = []
    for name, kind in files().items():
        path = folder / "exports" / name
        if write_if_changed(path, content(kind, town, at)):
            written.append(path)
    return written


def content(kind: Table | Lines, town: Town, at: int) -> bytes:
    """Return a file as it stands at an instant."""
    if isinstance(kind, Lines):
        return "".join(f"{line}\n" for line in kind.rows(town, at)).encode()
    return encode(kind, kind.rows(town, at))


def encode(table: Table, rows: Iterable[tuple[object, ...]]) -> bytes:
    """Write CSV; what an encoding lacks becomes a question mark, as spreadsheets have it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=table.ending)
    writer.writerow(table.columns)
    writer.writerows(rows)
    return text.getvalue().encode(table.encoding, "replace")
