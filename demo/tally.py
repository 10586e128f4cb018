"""Counting acts and sales as the marts define them, in plain Python, apart from the pipeline.

A tally takes in what one observer reports and gives the rows of each mart. People are kept as
packed integers (day and person in eight bytes), so a town of a hundred thousand still fits.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from demo.cast import BRANDS, PLACES, Place
from demo.days import date_of, day_at, month_end, month_start, number_of, week_start
from demo.people import Person
from demo.phrases import NEGATIVE, NEUTRAL, POSITIVE
from demo.shop import Trade
from demo.sights import Act, FanCounts, Observer, Sale

UNATTRIBUTED = "(unattributed)"
MODEL = "last_touch"
COPIES, NEAR_COPIES = (
    3,
    20,
)  # posts of one wording, or of a whole wave, from which on they are copies
_AUTHOR_BITS = 40
Row = dict[str, Any]
Months = dict[int, set[int]]  # month index: people


class Period(NamedTuple):
    """A day, ISO week or month; `closed` is its last closed day."""

    type: str
    start: int
    end: int
    closed: int

    @property
    def is_complete(self) -> bool:
        return self.closed == self.end


def periods_of(first: int, through: int) -> Iterator[Period]:
    """Every day, week and month that has a closed day from `first` on."""
    for kind in ("day", "week", "month"):
        starts = {_start(kind, date_of(day)) for day in range(first, through + 1)}
        for start in sorted(starts):
            end = number_of(_end(kind, start))
            yield Period(kind, number_of(start), end, min(end, through))


def month_index(day: int) -> int:
    when = date_of(day)
    return when.year * 12 + when.month - 1


def _start(kind: str, day: date) -> date:
    return {"day": day, "week": week_start(day), "month": month_start(day)}[kind]


def _end(kind: str, start: date) -> date:
    return {"day": start, "week": start + timedelta(days=6), "month": month_end(start)}[kind]


class Tally:
    """What one observer has reported up to the last closed day."""

    def __init__(self, observer: Observer, first: int, through: int) -> None:
        self.observer, self.first, self.through = observer, first, through
        self._counts: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0] * 6)
        self._authors: dict[str, array[int]] = defaultdict(lambda: array("Q"))
        self._engaged: dict[str, array[int]] = defaultdict(lambda: array("Q"))
        self._brand_days: dict[tuple[str, str, int], list[int]] = defaultdict(lambda: [0] * 8)
        self._left_out: dict[tuple[str, str, int, str], list[int]] = defaultdict(lambda: [0, 0])
        self._noise: dict[tuple[str, int, str], list[int]] = defaultdict(lambda: [0, 0])
        self._pasted: list[Act] = []
        self._voices: dict[tuple[str, str], array[int]] = defaultdict(lambda: array("Q"))
        self._sales: dict[tuple[str, str, int], list[Any]] = {}
        self._months: dict[tuple[str, int], list[Any]] = {}
        self._handles: dict[str, set[int]] = defaultdict(set)
        self._buyers: dict[int, set[int]] = defaultdict(set)  # month index: person indices

    # ---- taking in

    def count_act(self, act: Act | None) -> None:
        if act is None or act.day > self.through:
            return
        counts = self._counts[act.place.id, act.day]
        counts[_column(act.kind)] += 1
        counts[3] += 1
        counts[4] += act.is_official
        if act.is_eligible:
            self._authors[act.place.id].append(_packed(act))
        if act.noise == "copy":
            self._pasted.append(act)  # which of them is the first is known at the end
        elif not act.is_official:
            self._weigh(act, act.noise)

    def _weigh(self, act: Act, noise: str | None) -> None:
        """Take in what an act says, or that it is noise; a bare repost is an act all the same."""
        if noise is not None and noise != "repost":
            self._counts[act.place.id, act.day][5] += 1
            acts = self._noise[act.place.id, act.day, noise]
            acts[0] += 1
            acts[1] += act.kind != "reaction"
        elif act.is_eligible:
            self._engaged[act.place.id].append(_packed(act))
        for brand in {*act.brands, *act.quoted}:
            own, quoted = act.brands.count(brand), act.quoted.count(brand)
            if noise is None:
                self._count_voice(act, brand, own)
                self._leave_out(act, brand, "quoted", quoted)
            else:
                self._leave_out(act, brand, noise, own + quoted)
            self._brand_days[brand, act.place.id, act.day][7] += noise is not None or not own

    def _count_voice(self, act: Act, brand: str, mentions: int) -> None:
        if mentions:
            seen = self._brand_days[brand, act.place.id, act.day]
            seen[0] += mentions
            seen[1] += 1
            seen[{POSITIVE: 2, NEUTRAL: 3, NEGATIVE: 4}[act.mood]] += 1
            if act.author is not None:
                self._voices[brand, act.place.id].append(_packed(act))

    def _leave_out(self, act: Act, brand: str, reason: str, mentions: int) -> None:
        if mentions:
            self._brand_days[brand, act.place.id, act.day][6 if reason == "quoted" else 5] += (
                mentions
            )
            row = self._left_out[brand, act.place.id, act.day, reason]
            row[0] += mentions
            row[1] += 1

    def _settle(self) -> None:
        """Weigh what was pasted: the first is a voice, of a wave or of a wording."""
        pasted = sorted(self._pasted, key=lambda act: (act.at, act.place.id))
        self._pasted = []
        wordings, said = Counter(act.wording for act in pasted), set[str]()
        for place, act in enumerate(pasted):
            is_near = place > 0 and len(pasted) >= NEAR_COPIES
            is_same = act.wording in said and wordings[act.wording] >= COPIES
            said.add(act.wording)
            self._weigh(act, "copy" if is_near or is_same else None)

    def count_trade(self, trade: Trade) -> None:
        """Take in all visits and orders of a person that happened until now."""
        now = self.observer.now
        for visit in trade.visits:
            channel, visitor = self.observer.visited(trade, visit)
            if visit.at <= now and channel is not None and day_at(visit.at) <= self.through:
                row = self._month(channel, month_index(day_at(visit.at)))
                row[0] += 1
                row[1].update([visitor] if visitor is not None else [])
        for order in trade.orders:
            if order.at <= now and order.counts_at(now) and day_at(order.at) <= self.through:
                self._count_sale(self.observer.sells(trade, order))

    def _count_sale(self, sale: Sale) -> None:
        channel, month = sale.channel or UNATTRIBUTED, month_index(sale.day)
        key = channel, sale.currency, sale.day
        row = self._sales.setdefault(key, [0, set(), 0, 0])
        row[0] += 1
        row[1].add(sale.buyer)
        row[2] += sale.amount
        row[3] += sale.refund
        self._month(channel, month)[2] += 1
        if sale.known_person is not None:
            self._buyers[month].add(sale.known_person)

    def count_handles(self, person: Person) -> None:
        """Take in where the CRM's export of now names this person."""
        if person.is_member_on(day_at(self.observer.now)):
            for source in person.told_handles:
                self._handles[source].add(person.index)

    def _month(self, channel: str, month: int) -> list[Any]:
        return self._months.setdefault((channel, month), [0, set(), 0])

    # ---- giving rows

    def places(self) -> Iterator[tuple[Place, int]]:
        """Places that can be spoken of, with the day from which."""
        for place in PLACES:
            first = self.observer.first_days.get(place.id)
            if first is not None and first <= self.through:
                yield place, first

    def channel_activity(self, fans: FanCounts) -> Iterator[Row]:
        self._settle()
        for place, first in self.places():
            people = _by_day(self._authors[place.id])
            engaged = _by_day(self._engaged[place.id])
            for period in periods_of(first, self.through):
                days = range(period.start, period.closed + 1)
                counts = [sum(c) for c in zip(*self._rows_of(place, days), strict=True)]
                active, keen = (
                    len(set().union(*(group.get(day, ()) for day in days)))
                    for group in (people, engaged)
                )
                yield self._activity_row(place, period, counts, (active, keen), fans)

    def _rows_of(self, place: Place, days: range) -> Iterator[list[int]]:
        yield [0] * 6
        yield from (self._counts[place.id, d] for d in days if (place.id, d) in self._counts)

    def _activity_row(
        self,
        place: Place,
        period: Period,
        counts: list[int],
        people: tuple[int, int],
        fans: FanCounts,
    ) -> Row:
        fan_count = fans[place.id][period.closed - self.first]
        is_known = place.id in self.observer.knows_people_of
        known_active, engaged = people if is_known else (None, None)
        return {
            "channel_id": place.id,
            "period_type": period.type,
            "period_start_date": date_of(period.start),
            "period_end_date": date_of(period.end),
            "is_complete_period": period.is_complete,
            "fan_count": fan_count,
            "active_fan_count": known_active,
            "activity_rate": divide(known_active, fan_count),
            "engaged_fan_count": engaged,
            "post_count": counts[0],
            "comment_count": counts[1],
            "reaction_count": counts[2],
            "act_count": counts[3],
            "official_act_count": counts[4],
            "noise_act_count": counts[5],
        }

    def noise_acts(self) -> Iterator[Row]:
        self._settle()
        for (channel, day, reason), (acts, posts) in sorted(self._noise.items()):
            yield {
                "channel_id": channel,
                "act_date": date_of(day),
                "reason": reason,
                "act_count": acts,
                "post_count": posts,
            }

    def fan_lifecycle(self) -> Iterator[Row]:
        for place, first in self.places():
            months = self._active_months(place)
            known = place.id in self.observer.knows_people_of
            for period in periods_of(first, self.through):
                if period.type == "month":
                    counts = _lifecycle(months, month_index(period.start))
                    row = {name: count if known else None for name, count in counts.items()}
                    yield {
                        "channel_id": place.id,
                        "period_start_date": date_of(period.start),
                        "period_end_date": date_of(period.end),
                        **row,
                    }

    def _active_months(self, place: Place) -> Months:
        months: Months = defaultdict(set)
        for day, people in _by_day(self._authors[place.id]).items():
            months[month_index(day)] |= people
        return months

    def conversions(self) -> Iterator[Row]:
        for (channel, currency, day), (orders, buyers, gross, refund) in sorted(
            self._sales.items()
        ):
            yield {
                "brand_id": "wuyu",
                "channel_id": channel,
                "attribution_model": MODEL,
                "currency": currency,
                "conversion_date": date_of(day),
                "order_count": orders,
                "buyer_count": len(buyers),
                "gross_amount": money(gross),
                "refund_amount": money(refund),
                "net_amount": money(gross - refund),
            }

    def channel_conversion(self) -> Iterator[Row]:
        for place, first in self.places():
            months = self._active_months(place)
            for period in periods_of(first, self.through):
                if period.type == "month":
                    month = month_index(period.start)
                    active = {packed - 2 for packed in months.get(month, ())}
                    yield self._conversion_row(place, period, active)

    def _conversion_row(self, place: Place, period: Period, active: set[int]) -> Row:
        month = month_index(period.start)
        visits, visitors, orders = self._months.get((place.id, month), (0, (), 0))
        named = active & self._handles.get(place.source, set())
        buyers = active & self._buyers[month]
        known = place.id in self.observer.knows_people_of
        is_named = self.observer.knows_everybody or place.source in self._handles
        if not self.observer.knows_everybody:
            buyers &= named
        doubtful = 0 if self.observer.knows_everybody else len(active) - len(named)
        counts: dict[str, int | None] = {
            "identified_fan_count": len(named),
            "buyer_count": len(buyers),
        }
        rates = {
            "identified_rate": divide(len(named), len(active)),
            "conversion_rate": divide(len(buyers), len(active)),
            "conversion_rate_hi": divide(len(buyers) + doubtful, len(active)),
        }
        told = {k: v if known and is_named else None for k, v in {**counts, **rates}.items()}
        return {
            "channel_id": place.id,
            "period_start_date": date_of(period.start),
            "period_end_date": date_of(period.end),
            "active_fan_count": len(active) if known else None,
            **told,
            "visit_count": visits,
            "visitor_count": len(visitors),
            "order_count": orders,
        }

    def mentions(self) -> Iterator[Row]:
        self._settle()
        authors = {key: _by_day(packed) for key, packed in self._voices.items()}
        for (brand, channel, day), seen in sorted(self._brand_days.items()):
            known = channel in self.observer.knows_people_of
            voices = authors.get((brand, channel), {}).get(day, set())
            yield {
                "brand_id": brand,
                "channel_id": channel,
                "mention_date": date_of(day),
                "mention_count": seen[0],
                "noise_mention_count": seen[5],
                "quoted_mention_count": seen[6],
                "post_count": seen[1],
                "left_out_post_count": seen[7],
                "author_count": len(voices) if known else None,
            }

    def left_out_mentions(self) -> Iterator[Row]:
        self._settle()
        for (brand, channel, day, reason), (count, posts) in sorted(self._left_out.items()):
            yield {
                "brand_id": brand,
                "channel_id": channel,
                "mention_date": date_of(day),
                "reason": reason,
                "mention_count": count,
                "post_count": posts,
            }

    def sentiment_daily(self) -> Iterator[Row]:
        self._settle()
        for (brand, channel, day), seen in sorted(self._brand_days.items()):
            _, posts, good, neutral, bad, _, _, left_out = seen
            yield {
                "brand_id": brand,
                "channel_id": channel,
                "sentiment_date": date_of(day),
                "post_count": posts,
                "left_out_post_count": left_out,
                "positive_count": good,
                "neutral_count": neutral,
                "negative_count": bad,
                "unknown_count": 0,
                "net_sentiment_rate": divide(good - bad, good + bad),
            }

    def share_of_voice(self) -> Iterator[Row]:
        self._settle()
        first = min((day for _, day in self.places()), default=self.through + 1)
        spoken: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0, 0])
        for (brand, _, day), seen in self._brand_days.items():
            spoken[brand, day] = [
                a + b for a, b in zip(spoken[brand, day], (seen[0], *seen[5:7]), strict=True)
            ]
        for period in periods_of(first, self.through):
            days = range(period.start, period.closed + 1)
            sums = {b.id: _sum(spoken.get((b.id, day)) for day in days) for b in BRANDS}
            counts = {brand: count for brand, (count, _, _) in sums.items()}
            for brand, (count, noise, quoted) in sums.items():
                total = sum(counts.values())
                yield {
                    "brand_id": brand,
                    "period_type": period.type,
                    "period_start_date": date_of(period.start),
                    "period_end_date": date_of(period.end),
                    "mention_count": count,
                    "noise_mention_count": noise,
                    "quoted_mention_count": quoted,
                    "total_mention_count": total,
                    "share_rate": divide(count, total),
                    "rank": rank_of(count, counts.values()) if total else None,
                }

    def channel_scorecard(self, fans: FanCounts) -> Iterator[Row]:
        converted = {
            (row["channel_id"], row["period_start_date"]): row for row in self.channel_conversion()
        }
        rows = []
        for row in self.channel_activity(fans):
            if row["period_type"] == "month":
                bought = converted[row["channel_id"], row["period_start_date"]]
                kept = {name: row[name] for name in _SCORECARD_ACTIVITY}
                rows.append({**kept, **{name: bought[name] for name in _SCORECARD_CONVERSION}})
        for row in rows:
            month = [r for r in rows if r["period_start_date"] == row["period_start_date"]]
            for rank, measure in _RANKS.items():
                row[rank] = rank_of(row[measure], (r[measure] for r in month))
        return iter(rows)


_SCORECARD_ACTIVITY = (
    "channel_id",
    "period_start_date",
    "period_end_date",
    "is_complete_period",
    "fan_count",
    "active_fan_count",
    "activity_rate",
)
_SCORECARD_CONVERSION = (
    "identified_fan_count",
    "buyer_count",
    "conversion_rate",
    "conversion_rate_hi",
)
_RANKS = {
    "fan_rank": "fan_count",
    "activity_rank": "activity_rate",
    "conversion_rank": "conversion_rate",
}


def _packed(act: Act) -> int:
    return act.day << _AUTHOR_BITS | (act.author or 0) + 2  # OFFICIAL, MASTER are negative


def _sum(rows: Iterable[list[int] | None]) -> list[int]:
    return [sum(column) for column in zip([0, 0, 0], *filter(None, rows), strict=True)]


def _column(kind: str) -> int:
    if kind == "reaction":
        return 2
    return 1 if kind in ("push", "comment") else 0


def _by_day(packed: array[int]) -> dict[int, set[int]]:
    """Unpack to the distinct people of each day (shifted by two, see `count_act`)."""
    mask = (1 << _AUTHOR_BITS) - 1
    return {
        day: {p & mask for p in group}
        for day, group in groupby(sorted(set(packed)), key=lambda p: p >> _AUTHOR_BITS)
    }


def _lifecycle(months: Months, month: int) -> dict[str, int]:
    """Count fans by what this month is to them; month indices count months since year 0."""
    none: set[int] = set()
    active, last = months.get(month, none), months.get(month - 1, none)
    before = set().union(*(people for m, people in months.items() if m < month))
    quiet_1_2 = (last | months.get(month - 2, none)) - active
    quiet_3 = months.get(month - 3, none) - months.get(month - 2, none) - last - active
    return {
        "active_fan_count": len(active),
        "new_fan_count": len(active - before),
        "retained_fan_count": len(active & last),
        "returning_fan_count": len((active & before) - last),
        "dormant_fan_count": len(quiet_1_2),
        "lost_fan_count": len(quiet_3),
    }


def divide(part: int | None, whole: int | None) -> float | None:
    """A rate; unknown when either number is, or when there is nothing to divide by."""
    return part / whole if part is not None and whole else None


def money(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def rank_of(value: float | None, values: Iterable[float | None]) -> int | None:
    """Rank from the greatest down, ties sharing the better rank; unknown has none."""
    if value is None:
        return None
    return 1 + sum(other is not None and other > value for other in values)
