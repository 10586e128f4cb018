"""The town as a load generator: any number of people and days, in the memory of one day.

    python -m demo.town --people 100000 --days 365 --out /tmp/big

Writes `posts.csv`, `reactions.csv`, `orders.csv` and `visits.csv`, the columns of the generic
importer, and tells how many rows a second it made.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from demo.days import utc
from demo.life import Day, Post, Reaction
from demo.shop import Order, Trade, Visit
from demo.town import Town

_COLUMNS = {
    "posts": (
        "channel_id",
        "post_id",
        "kind",
        "parent_id",
        "author",
        "title_text",
        "body_text",
        "published_at",
    ),
    "reactions": ("channel_id", "post_id", "actor", "kind", "occurred_at"),
    "orders": (
        "order_id",
        "customer",
        "visitor",
        "ordered_at",
        "status",
        "amount",
        "refund_amount",
        "currency",
        "utm_source",
        "utm_medium",
        "utm_campaign",
    ),
    "visits": ("visit_id", "visitor", "occurred_at", "utm_source", "utm_medium", "utm_campaign"),
}
Row = tuple[object, ...]


def generate(town: Town, out: Path) -> Counter[str]:
    """Write the whole town under `out`; return the number of rows in each file."""
    out.mkdir(parents=True, exist_ok=True)
    rows: Counter[str] = Counter()
    with ExitStack() as files:
        writers = {name: _writer(files, out / f"{name}.csv", _COLUMNS[name]) for name in _COLUMNS}
        for name, row in _rows(town):
            writers[name].writerow(row)
            rows[name] += 1
    return rows


def _writer(files: ExitStack, path: Path, columns: tuple[str, ...]) -> Any:
    writer = csv.writer(files.enter_context(path.open("w", encoding="utf-8", newline="")))
    writer.writerow(columns)
    return writer


def _rows(town: Town) -> Iterator[tuple[str, Row]]:
    for day in town.life.days():
        yield from _day_rows(town, day)
    end = int(town.closes_at.timestamp())
    for trade in town.trading():
        yield from _trade_rows(trade, end)


def _day_rows(town: Town, day: Day) -> Iterator[tuple[str, Row]]:
    for post in day.posts:
        yield "posts", _post_row(town, post)
    for reaction in day.reactions:
        yield "reactions", _reaction_row(town, reaction)


def _post_row(town: Town, post: Post) -> Row:
    return (
        post.place.id,
        post.post_id,
        post.kind.value,
        post.parent.post_id if post.parent is not None else "",
        town.population.native_author(post.place, post.author),
        post.saying.title or "",
        post.saying.body,
        utc(post.at).isoformat(),
    )


def _reaction_row(town: Town, reaction: Reaction) -> Row:
    actor = town.population.native_author(reaction.place, reaction.author)
    at = utc(reaction.at).isoformat()
    return reaction.place.id, reaction.post.post_id, actor, reaction.kind, at


def _trade_rows(trade: Trade, end: int) -> Iterator[tuple[str, Row]]:
    for order in trade.orders:
        yield "orders", _order_row(order, end)
    for visit in trade.visits:
        yield "visits", _visit_row(visit)


def _order_row(order: Order, end: int) -> Row:
    return (
        order.order_id,
        order.customer_id or "",
        order.visitor_id or "",
        utc(order.at).isoformat(),
        order.status_at(end),
        f"{order.amount / 100:.2f}",
        f"{order.refund_at(end) / 100:.2f}",
        order.currency,
        *(part or "" for part in order.touch[:3]),
    )


def _visit_row(visit: Visit) -> Row:
    at = utc(visit.at).isoformat()
    return visit.visit_id, visit.visitor_id or "", at, *(part or "" for part in visit.touch[:3])


def main() -> None:
    """Generate, and say how fast."""
    parser = argparse.ArgumentParser(prog="python -m demo.town", description=__doc__)
    parser.add_argument("--people", type=int, default=Town.people)
    parser.add_argument("--days", type=int, default=Town.days)
    parser.add_argument("--seed", type=int, default=Town.seed)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    began = time.monotonic()
    rows = generate(Town(asked.seed, asked.people, asked.days), asked.out)
    seconds = time.monotonic() - began
    total = sum(rows.values())
    listed = ", ".join(f"{count:,} {name}" for name, count in rows.items())
    sys.stdout.write(
        f"{listed}: {total:,} rows in {seconds:.1f} s, {total / seconds:,.0f} rows/s\n"
    )
