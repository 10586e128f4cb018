"""The answer key: what the marts of a town must say, worked out from what was planted.

`answers/<mart>.parquet` is the truth. `answers/seen/<mart>.parquet` is what a tireless reader who
looked at given instants could know of it (`demo.sights`). `answers/truths.json` lists the planted
stories: who is silent, what was copied, how the crisis went, which complaints nobody answered.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from demo.days import day_at, seconds_of
from demo.life import Day
from demo.shop import Trade
from demo.sights import Observer, Reader, Witness
from demo.tally import Row, Tally
from demo.town import Town, write_if_changed
from demo.truths import planted_truths

_TEXT, _DATE, _COUNT, _RATE, _FLAG = (
    pa.string(),
    pa.date32(),
    pa.int64(),
    pa.float64(),
    pa.bool_(),
)
_MONEY = pa.decimal128(18, 2)
_ENDINGS = {
    "_id": _TEXT,
    "_type": _TEXT,
    "_model": _TEXT,
    "currency": _TEXT,
    "_date": _DATE,
    "_count": _COUNT,
    "rank": _COUNT,
    "_rate": _RATE,
    "_rate_hi": _RATE,
    "_amount": _MONEY,
    "_period": _FLAG,
    "reason": _TEXT,
}
KEYS: dict[str, tuple[str, ...]] = {
    "channel_activity": ("channel_id", "period_type", "period_start_date"),
    "fan_lifecycle": ("channel_id", "period_start_date"),
    "conversions": (
        "brand_id",
        "channel_id",
        "attribution_model",
        "currency",
        "conversion_date",
    ),
    "channel_conversion": ("channel_id", "period_start_date"),
    "mentions": ("brand_id", "channel_id", "mention_date"),
    "left_out_mentions": ("brand_id", "channel_id", "mention_date", "reason"),
    "noise_acts": ("channel_id", "act_date", "reason"),
    "share_of_voice": ("brand_id", "period_type", "period_start_date"),
    "sentiment_daily": ("brand_id", "channel_id", "sentiment_date"),
    "channel_scorecard": ("channel_id", "period_start_date"),
}
MARTS = tuple(KEYS)


def true_answers(town: Town, now: datetime, *, is_streamed: bool = False) -> dict[str, list[Row]]:
    """Rows of every mart as they truly are at an instant.

    `is_streamed` tells the days anew, one at a time, instead of holding the town in memory.
    """
    at = seconds_of(now)
    if is_streamed:
        return _answers(town, Witness(town, at), town.life.days(), town.trading())
    return _answers(town, Witness(town, at), town.told, town.trades)


def seen_answers(town: Town, looks: Sequence[datetime]) -> dict[str, list[Row]]:
    """Rows of every mart as a reader could know them who looked then; the last look is now."""
    reader = Reader(town, [seconds_of(look) for look in looks])
    return _answers(town, reader, town.told, town.trades)


def _answers(
    town: Town, observer: Observer, days: Iterable[Day], trades: Iterable[Trade]
) -> dict[str, list[Row]]:
    tally = Tally(observer, town.first, min(day_at(observer.now) - 1, town.last))
    for day in days:
        for post in day.posts:
            tally.count_act(observer.sees(post))
        for reaction in day.reactions:
            tally.count_act(observer.notices(reaction))
    for trade in trades:
        tally.count_trade(trade)
        tally.count_handles(trade.person)
    fans = observer.fans_of(town)
    return {
        "channel_activity": list(tally.channel_activity(fans)),
        "fan_lifecycle": list(tally.fan_lifecycle()),
        "conversions": list(tally.conversions()),
        "channel_conversion": list(tally.channel_conversion()),
        "mentions": list(tally.mentions()),
        "left_out_mentions": list(tally.left_out_mentions()),
        "noise_acts": list(tally.noise_acts()),
        "share_of_voice": list(tally.share_of_voice()),
        "sentiment_daily": list(tally.sentiment_daily()),
        "channel_scorecard": list(tally.channel_scorecard(fans)),
    }


def write_answers(
    town: Town, folder: Path, now: datetime, looks: Sequence[datetime] | None = None
) -> Path:
    """Write the answer key under `folder/answers`; `looks` defaults to one look, now."""
    home = folder / "answers"
    for mart, rows in true_answers(town, now).items():
        write_if_changed(home / f"{mart}.parquet", to_parquet(mart, rows))
    for mart, rows in seen_answers(town, looks or [now]).items():
        write_if_changed(home / "seen" / f"{mart}.parquet", to_parquet(mart, rows))
    truths = json.dumps(planted_truths(town, now), ensure_ascii=False, indent=1, sort_keys=True)
    write_if_changed(home / "truths.json", truths.encode() + b"\n")
    return home


def to_parquet(mart: str, rows: Sequence[Row]) -> bytes:
    """Encode rows in order of their key; the same rows give the same bytes."""
    ordered = sorted(rows, key=lambda row: tuple(row[name] for name in KEYS[mart]))
    names = list(ordered[0]) if ordered else list(KEYS[mart])
    schema = pa.schema([(name, _type_of(name)) for name in names])
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ordered, schema=schema), sink, compression="zstd")
    return sink.getvalue()


def _type_of(name: str) -> pa.DataType:
    return next(kind for ending, kind in _ENDINGS.items() if name.endswith(ending))


def read_answers(folder: Path, mart: str) -> list[dict[str, Any]]:
    """Read one mart's rows back; `FileNotFoundError` when no answers were written there."""
    rows: list[dict[str, Any]] = pq.read_table(folder / f"{mart}.parquet").to_pylist()
    return rows
