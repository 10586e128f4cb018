"""Sitemaps: which pages a site has and when they changed; news sitemaps name them, too.

https://www.sitemaps.org/protocol.html
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from scrapers.encodings import decode
from scrapers.parsers.feed_document import (
    NotAFeedError,
    declared_encoding,
    local_name,
    parse_xml,
)

GZIP = b"\x1f\x8b"
LARGEST = 50 * 1024 * 1024  # bytes that the protocol allows


@dataclass(frozen=True)
class SitePage:
    """A page as listed; `title` and `published_raw` only in news sitemaps."""

    url: str
    changed_raw: str | None = None
    title: str | None = None
    published_raw: str | None = None


@dataclass(frozen=True)
class Sitemap:
    """Pages, or, in an index, further sitemaps."""

    pages: tuple[SitePage, ...]
    maps: tuple[SitePage, ...] = ()


def parse_sitemap(body: bytes) -> Sitemap:
    """Read a sitemap or an index of sitemaps; `NotAFeedError` when it is neither."""
    plain = _unpacked(body)
    root = parse_xml(decode(plain, [declared_encoding(plain)]))
    kind = local_name(root)
    if kind not in {"urlset", "sitemapindex"}:
        raise NotAFeedError(f"XML that is no sitemap: <{kind}>")
    listed = tuple(_pages(root))
    return Sitemap((), listed) if kind == "sitemapindex" else Sitemap(listed)


def is_sitemap(body: bytes) -> bool:
    """Whether a document says that it is a sitemap."""
    start = _unpacked(body[:4096], is_whole=False)[:2048]
    return b"<urlset" in start or b"<sitemapindex" in start


def _unpacked(body: bytes, *, is_whole: bool = True) -> bytes:
    """Unpack a map that is a gzip file; not further than the protocol allows a map to be."""
    if not body.startswith(GZIP):
        return body
    packed = zlib.decompressobj(wbits=31)
    try:
        plain = packed.decompress(body, LARGEST)
    except zlib.error as error:
        raise NotAFeedError(f"a gzip file that is damaged: {error}") from None
    if is_whole and packed.unconsumed_tail:
        raise NotAFeedError(f"a gzip file of more than {LARGEST:,} bytes")
    return plain


def _pages(root: etree._Element) -> Iterator[SitePage]:
    for entry in root:
        said = _children(entry)
        news = next((_children(e) for e in entry if local_name(e) == "news"), {})
        if said.get("loc"):
            yield SitePage(
                said["loc"],
                said.get("lastmod"),
                news.get("title"),
                news.get("publication_date"),
            )


def _children(element: etree._Element) -> dict[str, str]:
    """Return what the children of an element say, by their names; empty ones say nothing."""
    texts = ((local_name(e), "".join(e.itertext()).strip()) for e in element)
    return {name: text for name, text in texts if text}
