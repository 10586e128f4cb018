"""Which entry is which: stable names for entries whose feeds name them badly.

A guid that only one entry of the feed bears, or that bears one content, is the name. A guid that
stands on entries of different content names none of them: their content does. One that was landed
under its bare guid, when it still stood alone, keeps it.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

from scrapers.known import KnownPost

NAMED_BY_CONTENT = re.compile(r"^(.*)#~[0-9a-f]{20}(?:-\d+)?$", re.S)
TRACKING = re.compile(r"(?:^|&)(?:utm_[a-z]+|fbclid|gclid)=[^&]*")


@dataclass(frozen=True)
class Bearer:
    """What of an entry can tell it from another one."""

    guid: str | None
    link: str | None
    author: str | None
    published_at: datetime | None
    text_hash: str | None

    @property
    def name(self) -> str:
        return self.guid or canonical(self.link) or ""

    @property
    def digest(self) -> str:
        said = [self.link, self.published_at and self.published_at.isoformat(), self.text_hash]
        return hashlib.sha256(repr(said).encode()).hexdigest()[:20]


def identify(bearers: Sequence[Bearer], known: Mapping[str, KnownPost]) -> list[str]:
    """Return the post id of each entry, in order; equal ids are one entry shown twice."""
    ambiguous = {m[1] for post_id in known if (m := NAMED_BY_CONTENT.match(post_id))}
    groups: dict[str, list[int]] = defaultdict(list)
    for i, bearer in enumerate(bearers):
        groups[bearer.name].append(i)
    ids = [""] * len(bearers)
    for name, members in groups.items():
        people = {(bearers[i].digest, bearers[i].author) for i in members}
        if name and len(people) == 1 and name not in ambiguous:
            ids = _assign(ids, dict.fromkeys(members, name))
        else:
            ids = _assign(ids, _by_content(name, members, bearers, known))
    return ids


def canonical(link: str | None) -> str | None:
    """Return a link without what advertising adds to it; the fragment stays, it names comments."""
    if not link:
        return None
    try:
        parts = urlsplit(link)
    except ValueError:  # `http://[`
        return link
    query = TRACKING.sub("", parts.query).lstrip("&")
    return urlunsplit(
        (parts.scheme.lower(), parts.netloc.lower(), parts.path, query, parts.fragment)
    )


def _assign(ids: list[str], named: Mapping[int, str]) -> list[str]:
    return [named.get(i, post_id) for i, post_id in enumerate(ids)]


def _by_content(
    name: str, members: list[int], bearers: Sequence[Bearer], known: Mapping[str, KnownPost]
) -> dict[int, str]:
    bare = known.get(name)
    authors: dict[str, list[str | None]] = defaultdict(list)
    named: dict[int, str] = {}
    for i in members:
        bearer = bearers[i]
        if bare is not None and _is_same(bare, bearer) and name not in named.values():
            named[i] = name
            continue
        people = authors[bearer.digest]
        if bearer.author not in people:
            people.append(bearer.author)
        rank = people.index(bearer.author)
        named[i] = f"{name}#~{bearer.digest}{f'-{rank + 1}' if rank else ''}"
    return named


def _is_same(known: KnownPost, bearer: Bearer) -> bool:
    if known.published_at is not None and bearer.published_at is not None:
        return known.published_at == bearer.published_at
    return known.text_hash == bearer.text_hash
