"""The sites that the town shows beside PTT and its feeds, one module a source.

`demo/sites/<source>.py` defines `open_site(room) -> Site`; it is found by its name and stands under
the path `/<source>`. A site is a pure function of what was asked and of the instant: whoever asks
the same twice gets the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Protocol

from demo.cast import PLACES, SHOPS, Place, Shop, shown_fans
from demo.days import day_at
from demo.faults import Answer
from demo.life import Post, Reaction

if TYPE_CHECKING:
    from demo.town import Town


@dataclass(frozen=True)
class Ask:
    """A request, as far as the sites care; `headers` by lower-case name."""

    path: str
    query: str = ""
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(frozen=True)
class Room:
    """What a site is given: its places and all that is ever said there, in order of time."""

    town: Town
    places: tuple[Place, ...]
    posts: Mapping[str, Sequence[Post]]  # by place id
    reactions: Mapping[str, Sequence[Reaction]]  # by place id
    root: str  # path under which the site stands: /discuz
    shops: tuple[Shop, ...] = ()

    def name_of(self, post: Post) -> str:
        """The native id or name under which its author appears."""
        return self.town.population.native_author(post.place, post.author)

    def fans_at(self, place: Place, now: int) -> int:
        """Followers at the end of the last day that is over, or of the first one, as printed."""
        counts = self.town.fan_counts[place.id]
        closed = day_at(now) - self.town.first - 1
        return shown_fans(place, counts[min(max(closed, 0), len(counts) - 1)])


class Site(Protocol):
    """Every page of a source at any instant."""

    def answer(self, ask: Ask, now: int) -> Answer:
        """Answer as the real site would, its errors included; `ask.path` begins behind the root.

        `now` is a Unix second. `Answer.items` names the posts shown, by the ids they bear there.
        """


Opener = Callable[[Room], Site]


def site_names() -> list[str]:
    """Sources that have a site here, by name."""
    return sorted(module.name for module in iter_modules(__path__))


def open_sites(
    town: Town,
    posts: Mapping[str, Sequence[Post]],
    reactions: Mapping[str, Sequence[Reaction]],
) -> dict[str, Site]:
    """Open the site of every source of the town that has one, by the source's name."""
    return {name: _open(name, town, posts, reactions) for name in site_names()}


def _open(
    name: str,
    town: Town,
    posts: Mapping[str, Sequence[Post]],
    reactions: Mapping[str, Sequence[Reaction]],
) -> Site:
    opener: Opener = import_module(f"{__name__}.{name}").open_site
    places = tuple(place for place in PLACES if place.source == name)
    return opener(
        Room(
            town,
            places,
            {place.id: posts.get(place.id, ()) for place in places},
            {place.id: reactions.get(place.id, ()) for place in places},
            f"/{name}",
            tuple(shop for shop in SHOPS if shop.source == name),
        )
    )
