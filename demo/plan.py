"""Who acts where on which day: drawn person by person, kept in eight bytes an act.

Planning goes through the people once; telling the story (`demo.life`) then goes through the days.
That keeps memory at eight bytes per act however long the posts are.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from random import Random

from demo.cast import PLACES, Shape
from demo.days import date_of, month_end, months_between, number_of
from demo.draw import between, happens, open_stream, wait
from demo.people import Membership, People, Person, Role


class Cause(IntEnum):
    """Why somebody acts."""

    HABIT = 0
    WAVE = 1  # paid to post the same text as forty others
    CRISIS = 2  # the plastic in the cup
    ADVERT = 3  # sells something
    ECHO = 4  # passes on what somebody else has said


@dataclass(frozen=True)
class Outbreak:
    """A planted event: who joins in, when, and how often, counted from the town's last day."""

    cause: Cause
    place: str
    days_before_end: int
    share: float  # of the members who talk there
    most_acts: int
    mean_days: float  # how long people go on, on average


WAVE_DAY, CRISIS_DAY = 36, 24  # days before the end
OUTBREAKS = (
    Outbreak(Cause.WAVE, "ptt-towntalk", WAVE_DAY, 0.14, 1, 0.3),
    Outbreak(Cause.CRISIS, "ptt-towntalk", CRISIS_DAY, 0.70, 5, 1.2),
    Outbreak(Cause.CRISIS, "ptt-teadrink", CRISIS_DAY, 0.50, 2, 1.5),
    Outbreak(Cause.CRISIS, "page-wuyu", CRISIS_DAY, 0.60, 2, 2.0),
    Outbreak(Cause.ADVERT, "ptt-towntalk", 45, 0.08, 3, 15.0),
    Outbreak(Cause.ADVERT, "page-wuyu", 40, 0.08, 2, 10.0),
    Outbreak(Cause.ECHO, "weibo-wuyu", 40, 0.70, 3, 15.0),
)


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """One intended act; its stream is named by all of it."""

    cause: Cause
    place: int  # index into PLACES
    ordinal: int
    person: int

    def pack(self) -> int:
        return self.cause << 56 | self.place << 48 | self.ordinal << 40 | self.person

    @classmethod
    def unpack(cls, packed: int) -> Slot:
        return cls(
            Cause(packed >> 56), packed >> 48 & 0xFF, packed >> 40 & 0xFF, packed & (1 << 40) - 1
        )


class Plan:
    """All intended acts of a town by day number."""

    def __init__(self, people: People, first: int, last: int) -> None:
        self.first, self.last = first, last
        self._days = [array("Q") for _ in range(last - first + 1)]
        months = [date(y, m + 1, 1) for y, m in months_between(first, last)]
        for index in range(people.size):
            self._plan_person(people.seed, people.person(index), months)

    def on(self, day: int) -> list[Slot]:
        """Slots of a day in an order that depends on nothing but themselves."""
        return [Slot.unpack(packed) for packed in sorted(self._days[day - self.first])]

    def __len__(self) -> int:
        return sum(map(len, self._days))

    def _plan_person(self, seed: int, person: Person, months: list[date]) -> None:
        for membership in person.memberships:
            if not membership.acts:
                continue
            place = PLACES.index(membership.place)
            for month in months:
                for day, ordinal in _habit(seed, person, membership, month):
                    self._add(day, Slot(Cause.HABIT, place, ordinal, person.index))
            for day, ordinal, cause in _outbreaks(seed, person, membership, self.last):
                self._add(day, Slot(cause, place, ordinal, person.index))

    def _add(self, day: int, slot: Slot) -> None:
        if self.first <= day <= self.last:
            self._days[day - self.first].append(slot.pack())


def _habit(
    seed: int, person: Person, membership: Membership, month: date
) -> Iterator[tuple[int, int]]:
    """(day, ordinal) of the acts that a member does out of habit in one month."""
    stream = open_stream(seed, "habit", person.index, membership.place.id, month.isoformat())
    for day in range(number_of(month), number_of(month_end(month)) + 1):
        rate = membership.pace * _weekday_factor(person, membership, date_of(day).weekday())
        draw = stream.random()
        if draw < rate and membership.may_act_on(day):
            yield day, 0
            if draw < rate * rate / 2:
                yield day, 1


def _weekday_factor(person: Person, membership: Membership, weekday: int) -> float:
    if person.role is Role.HUNTER and membership.place.shape is Shape.PAGE:
        return 4.0 if weekday == 4 else 0.0  # the giveaway is on Friday
    return membership.place.weekend if weekday >= 5 else 1.0


def _outbreaks(
    seed: int, person: Person, membership: Membership, last: int
) -> Iterator[tuple[int, int, Cause]]:
    for outbreak in OUTBREAKS:
        if outbreak.place != membership.place.id or person.role is Role.HUNTER:
            continue
        stream = open_stream(seed, "outbreak", outbreak.cause.name, person.index, outbreak.place)
        joins, count = happens(stream, outbreak.share), between(stream, 1, outbreak.most_acts)
        for ordinal in range(count if joins else 0):
            day = last - outbreak.days_before_end + int(wait(stream, outbreak.mean_days))
            if membership.follows_on(day):
                yield day, ordinal, outbreak.cause


def hour_of(stream: Random) -> int:
    """Second of the day at which somebody acts: lunch and evening peaks, few at night."""
    peak = stream.random()
    centre, spread = ((12.5, 1.5), (21.0, 2.5), (16.0, 5.0))[0 if peak < 0.3 else 1 + (peak > 0.8)]
    around = (stream.random() + stream.random() + stream.random() - 1.5) / 0.75
    return int(min(max(centre + around * spread, 0.1), 23.9) * 3600) + between(stream, 0, 59)
