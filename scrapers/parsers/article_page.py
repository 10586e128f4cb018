"""An article's page as its site describes it to machines: JSON-LD of schema.org.

What a page shows to people is laid out differently on every site; this it says of itself.
https://schema.org/Article
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from parsel import Selector

from scrapers.parsers.json_record import make_json_storable

ARTICLES = frozenset(
    (
        "Article",
        "BlogPosting",
        "DiscussionForumPosting",
        "NewsArticle",
        "ReportageNewsArticle",
        "Review",
        "SocialMediaPosting",
    )
)
STAY_AWAY = frozenset({"noindex", "none"})
MOST_BLOCKS = 50
MAX_DEPTH = 4
PEOPLE = frozenset({"author", "creator", "editor", "contributor", "comment", "review", "sender"})


@dataclass(frozen=True)
class ArticlePage:
    """What a page says of itself; `article` None when it describes none."""

    article: Mapping[str, Any] | None
    stays_away: bool


def read_article_page(text: str, robots_header: str = "") -> ArticlePage:
    """Read a page; `robots_header` is what the transport says to robots."""
    page = Selector(text=text or "<html></html>", type="html")
    told = page.css("meta[name='robots' i]::attr(content)").getall()
    words = {word.strip().lower() for one in [*told, robots_header] for word in one.split(",")}
    blocks = page.css("script[type='application/ld+json']::text").getall()[:MOST_BLOCKS]
    found = (one for block in blocks for one in _objects(_read(block), MAX_DEPTH))
    return ArticlePage(
        next((one for one in found if _kinds(one) & ARTICLES), None),
        not STAY_AWAY.isdisjoint(words),
    )


def author_of(article: Mapping[str, Any]) -> str | None:
    """Return the first person or organisation that is named as the author."""
    author = article.get("author") or article.get("creator")
    first = author[0] if isinstance(author, list) and author else author
    name = first.get("name") if isinstance(first, Mapping) else first
    return name.strip() or None if isinstance(name, str) else None


def interactions(article: Mapping[str, Any]) -> dict[str, Any]:
    """Return how often people did what, by schema.org's name of the act."""
    listed = article.get("interactionStatistic")
    counted = listed if isinstance(listed, list) else [listed]
    return {
        name: one["userInteractionCount"]
        for one in counted
        if isinstance(one, Mapping) and "userInteractionCount" in one
        if (name := _act(one.get("interactionType")))
    }


def _act(kind: Any) -> str | None:
    name = kind.get("@type") if isinstance(kind, Mapping) else kind
    return name.rstrip("/").rpartition("/")[2] if isinstance(name, str) else None


def _read(block: str) -> Any:
    try:
        return json.loads(make_json_storable(block), strict=False)
    except (ValueError, RecursionError):
        return None


def _objects(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
    inner = value if isinstance(value, list) else [] if value is None else [_graph(value)]
    for one in inner if depth else ():
        if one is not None:
            yield from _objects(one, depth - 1)


def _graph(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return None
    return value.get("@graph") or value.get("mainEntity")


def _kinds(one: Mapping[str, Any]) -> set[str]:
    kind = one.get("@type")
    return {k for k in (kind if isinstance(kind, list) else [kind]) if isinstance(k, str)}
