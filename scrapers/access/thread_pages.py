"""Which pages of a thread are read, and which of its known posts are gone.

Posts bear numbers that grow with time; a thread shows them in that order, many pages long. The
first page is always read, then the last one and those before it, until one begins before all that
is looked for. When the site counts fewer replies than are known, one was removed on a page that was
not read, and all are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

NOWHERE = (float("inf"), float("-inf"))


@dataclass(frozen=True)
class ShownPage:
    """What a page showed: the numbers of its posts in their order, on page 1 the opening one first.

    `oldest_at`: when the oldest reply on it was written at the latest; None when nothing tells.
    """

    number: int
    last_number: int
    posts: tuple[int, ...]
    oldest_at: datetime | None


@dataclass
class ThreadReading:
    """How far a thread was read.

    `held` are the ids of its known replies by number, `declared` how many replies the site counts,
    None when it does not say.
    """

    since: datetime
    held: Mapping[int, str] = field(default_factory=dict)
    declared: int | None = None
    pages: dict[int, ShownPage] = field(default_factory=dict)
    last_number: int = 1

    def add(self, page: ShownPage) -> None:
        self.pages[page.number] = page
        self.last_number = max(page.last_number, page.number)

    def next_number(self) -> int | None:
        """Return the page to read next; None when all that matters was read."""
        unread = [n for n in range(self.last_number, 0, -1) if n not in self.pages]
        if not unread:
            return None
        step = 1
        if self._is_newest_first():
            unread.reverse()
            step = -1
        beside = self.pages.get(unread[0] + step)
        is_old = beside is not None and beside.oldest_at is not None
        if is_old and beside.oldest_at < self.since and not self._misses_some():  # type: ignore
            return None
        return unread[0]

    def gone(self) -> list[str]:
        """List the known replies that would have been shown if they still were there."""
        stretches = list(self._stretches())
        return [
            post_id
            for number, post_id in self.held.items()
            if number not in self._shown and _lies_in(number, stretches)
        ]

    @property
    def _shown(self) -> set[int]:
        return {number for page in self.pages.values() for number in page.posts}

    def _replies(self, page: ShownPage) -> tuple[int, ...]:
        return page.posts[1:] if page.number == 1 else page.posts

    def _is_newest_first(self) -> bool:
        answers = self._replies(self.pages[1]) if 1 in self.pages else ()
        return len(answers) > 1 and all(a > b for a, b in pairwise(answers))

    def _is_in_order(self) -> bool:
        """Whether numbers tell places; merged threads mix them."""
        pages = [self.pages[n] for n in sorted(self.pages)]
        numbers = [number for page in pages for number in self._replies(page)]
        steps = [a < b for a, b in pairwise(numbers)]
        return all(steps) or not any(steps)

    def _misses_some(self) -> bool:
        """Whether the site counts fewer replies than are there or known."""
        replies = {number for page in self.pages.values() for number in self._replies(page)}
        stretches = list(self._stretches())
        unseen = [n for n in self.held if n not in replies and not _lies_in(n, stretches)]
        return self.declared is not None and self.declared < len(replies) + len(unseen)

    def _stretches(self) -> Iterator[tuple[float, float]]:
        """Yield the numbers between which everything that is there was shown."""
        if len(self.pages) >= self.last_number:
            yield float("-inf"), float("inf")
            return
        if not self._is_in_order():
            return
        newest_first = self._is_newest_first()
        newest_page = 1 if newest_first else self.last_number
        low, high = NOWHERE
        for number in range(1, self.last_number + 1):
            page = self.pages.get(number)
            if page is None:
                yield low, high
                low, high = NOWHERE
                continue
            posts = self._replies(page) if newest_first else page.posts
            low, high = min([low, *posts]), max([high, *posts])
            high = float("inf") if number == newest_page else high
        yield low, high


def _lies_in(number: int, stretches: list[tuple[float, float]]) -> bool:
    return any(low < number < high for low, high in stretches)
