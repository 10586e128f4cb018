"""The town: a made-up community whose every act is known, at any instant of its life.

`Town(seed, people, days)` is a pure value: the same three numbers give the same town everywhere. It
is small enough to hold for the demo (`Town.posts`); a town of a hundred thousand streams by days
(`Town.life.days()`), see `demo.load` (`python -m demo.town` runs it).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from demo.days import TAIPEI, date_of, midnight, number_of
from demo.life import Day, Life, Post, Reaction
from demo.people import People, count_fans
from demo.shop import Trade, trade_of

END = date(2026, 9, 30)


class Size(NamedTuple):
    """How many people live in a town, and how many days are told of it."""

    people: int = 2000
    days: int = 100


@dataclass(frozen=True)
class Town:
    """A town by its parameters; everything else follows from them."""

    seed: int = 20260930
    people: int = 2000
    days: int = 100
    end: date = END

    def __post_init__(self) -> None:
        if self.people < 10 or self.days < 1:
            raise ValueError(
                f"a town needs at least 10 people and 1 day, "
                f"found {self.people} people and {self.days} days"
            )

    @property
    def last(self) -> int:
        """Number of the last day."""
        return number_of(self.end)

    @property
    def first(self) -> int:
        return self.last - self.days + 1

    @property
    def start_date(self) -> date:
        return date_of(self.first)

    @property
    def closes_at(self) -> datetime:
        """Midnight after the last day, in Taipei: the instant at which all days are closed."""
        following = self.end + timedelta(days=1)
        return datetime(following.year, following.month, following.day, tzinfo=TAIPEI)

    @property
    def opens_at(self) -> int:
        """Unix second at which the town's first day begins."""
        return midnight(self.first)

    @cached_property
    def population(self) -> People:
        return People(self.seed, self.people, self.last)

    @cached_property
    def life(self) -> Life:
        return Life(self.population, self.first, self.last)

    @cached_property
    def posts(self) -> list[Post]:
        """Every post in order of time; holds the whole town in memory."""
        return sorted(
            (post for day in self.told for post in day.posts), key=lambda p: (p.at, p.post_id)
        )

    @cached_property
    def reactions(self) -> list[Reaction]:
        return sorted(
            (reaction for day in self.told for reaction in day.reactions),
            key=lambda r: (r.at, r.post.post_id, r.author),
        )

    @cached_property
    def told(self) -> list[Day]:
        """Every day as it was lived; holds the whole town in memory."""
        return list(self.life.days())

    @cached_property
    def trades(self) -> list[Trade]:
        """What every inhabitant did in the shop; holds them all in memory."""
        return list(self.trading())

    def trades_in(self, source: str) -> list[Trade]:
        """The trades of whoever buys in the shop of that source."""
        return [trade for trade in self.trades if trade.shop.source == source]

    @cached_property
    def fan_counts(self) -> dict[str, list[int]]:
        """Followers of every place at the end of every day."""
        people = (self.population.person(index) for index in range(self.people))
        return count_fans(people, self.first, self.last)

    def trading(self) -> Iterator[Trade]:
        """What every inhabitant did in the shop, one at a time."""
        for index in range(self.people):
            yield trade_of(self.seed, self.population.person(index), self.first, self.last)


def prepare(folder: Path, size: Size | None = None, seed: int = Town.seed) -> Town:
    """Write down which town lives in a folder; the same parameters again change nothing."""
    size = size or Size()
    town = Town(seed, size.people, size.days)
    deed = json.dumps({**asdict(town), "end": town.end.isoformat()}, indent=2) + "\n"
    write_if_changed(folder / "town.json", deed.encode())
    return town


def load_town(folder: Path) -> Town:
    """Return the town that was prepared in a folder; `FileNotFoundError` when none was."""
    deed = json.loads((folder / "town.json").read_text("utf-8"))
    return Town(**{**deed, "end": date.fromisoformat(deed["end"])})


def write_if_changed(path: Path, content: bytes) -> bool:
    """Replace a file in one step, unless it holds these very bytes; say whether it was written."""
    if path.exists() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".draft")
    draft.write_bytes(content)
    draft.replace(path)
    return True


if __name__ == "__main__":
    from demo.load import main

    main()
