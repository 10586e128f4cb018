"""Other ways to the town's blog, as a site offers them to whoever comes late.

The blog's own feed shows its whole history. Here the same posts stand as most sites have them: the
newest few of a feed with older pages behind it (WordPress), the newest few with an archive a
month (RFC 5005), and a sitemap that leads to pages which describe their article (JSON-LD).

    /archive/feed/  /archive/feed/?paged=2
    /archive/monthly.xml  /archive/2026-08.xml
    /archive/wp-sitemap.xml  /archive/wp-sitemap-posts-post-1.xml  /archive/p/1234/
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from urllib.parse import parse_qs

from demo.cast import Place
from demo.days import taipei
from demo.faults import Answer
from demo.feeds import Names, render_feed
from demo.life import Post
from demo.sites import Ask

ROOT = "/archive/"
PLACE_ID = "blog"
IN_A_FEED = 4  # ten in life; the town writes little
IN_A_MAP = 5  # a real WordPress puts 2,000 into one
_RSS = {"Content-Type": "application/rss+xml; charset=UTF-8"}
_XML = {"Content-Type": "application/xml; charset=UTF-8"}
_HTML = {"Content-Type": "text/html; charset=UTF-8"}
_MAPS = "http://www.sitemaps.org/schemas/sitemap/0.9"


def answer_archive(
    place: Place, posts: Sequence[Post], name_of: Names, at: int, ask: Ask
) -> Answer | None:
    """Answer for a path below `ROOT`; None where there is nothing. `posts` come oldest first."""
    shown = [post for post in posts if post.exists_at(at)]
    path, host = ask.path.removeprefix(ROOT), ask.headers.get("host", "")
    if path == "feed/":
        page = parse_qs(ask.query).get("paged", ["1"])[0]
        return _numbered(place, shown, name_of, at, int(page)) if page.isdecimal() else None
    if path == "monthly.xml":
        months = _months(shown)
        return _feed(place, shown[-IN_A_FEED:], name_of, at, older=max(months, default=None))
    if month := re.fullmatch(r"(\d{4}-\d\d)\.xml", path):
        return _monthly(place, shown, name_of, at, month[1])
    if path == "wp-sitemap.xml":
        return _index(shown, at, f"http://{host}{ROOT}")
    if number := re.fullmatch(r"wp-sitemap-posts-post-(\d{1,4})\.xml", path):
        return _map(shown, at, f"http://{host}{ROOT}", int(number[1]))
    if post_id := re.fullmatch(r"p/([^/]+)/", path):
        found = next((post for post in shown if post.post_id == post_id[1]), None)
        return _page(found, name_of, at) if found else None
    return None


def _feed(
    place: Place, posts: Sequence[Post], name_of: Names, at: int, *, older: str | None = None
) -> Answer:
    body = render_feed(place, posts, name_of, at)
    if older:
        link = f'<atom:link rel="prev-archive" href="{ROOT}{older}.xml" />\n\t<atom:link '
        body = body.replace(b"<atom:link ", link.encode(), 1)
    return Answer(200, body, dict(_RSS), tuple(post.post_id for post in posts))


def _numbered(
    place: Place, posts: Sequence[Post], name_of: Names, at: int, page: int
) -> Answer | None:
    """A page of the feed; behind the last one there is none."""
    end = max(0, len(posts) - (max(page, 1) - 1) * IN_A_FEED)
    shown = posts[max(0, end - IN_A_FEED) : end]
    return _feed(place, shown, name_of, at) if shown or page == 1 else None


def _months(posts: Sequence[Post]) -> list[str]:
    return sorted({f"{taipei(post.at):%Y-%m}" for post in posts})


def _monthly(
    place: Place, posts: Sequence[Post], name_of: Names, at: int, month: str
) -> Answer | None:
    inside = [post for post in posts if f"{taipei(post.at):%Y-%m}" == month]
    older = max((one for one in _months(posts) if one < month), default=None)
    return _feed(place, inside, name_of, at, older=older) if inside else None


def _changed(post: Post, at: int) -> str:
    is_edited = post.edited_at is not None and post.edited_at <= at
    return taipei(post.edited_at if is_edited and post.edited_at else post.at).isoformat()


def _maps(posts: Sequence[Post]) -> list[Sequence[Post]]:
    return [posts[start : start + IN_A_MAP] for start in range(0, len(posts), IN_A_MAP)]


def _index(posts: Sequence[Post], at: int, base: str) -> Answer:
    listed = "".join(
        f"<sitemap><loc>{base}wp-sitemap-posts-post-{number}.xml</loc>"
        f"<lastmod>{max(_changed(post, at) for post in part)}</lastmod></sitemap>"
        for number, part in enumerate(_maps(posts), start=1)
    )
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<sitemapindex xmlns="{_MAPS}">{listed}'
    return Answer(200, f"{text}</sitemapindex>\n".encode(), dict(_XML))


def _map(posts: Sequence[Post], at: int, base: str, number: int) -> Answer | None:
    parts = _maps(posts)
    if not 0 < number <= len(parts):
        return None
    listed = "".join(
        f"<url><loc>{base}p/{post.post_id}/</loc><lastmod>{_changed(post, at)}</lastmod></url>\n"
        for post in parts[number - 1]
    )
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="{_MAPS}">{listed}</urlset>\n'
    return Answer(200, text.encode(), dict(_XML))


def _page(post: Post, name_of: Names, at: int) -> Answer:
    saying = post.saying_at(at)
    said = {
        "@context": "https://schema.org",
        "@type": "BlogPosting",
        "headline": saying.title or "",
        "articleBody": saying.body,
        "datePublished": taipei(post.at).isoformat(),
        "dateModified": _changed(post, at),
        "author": {"@type": "Person", "name": name_of(post)},
        "commentCount": 4,
    }
    described = json.dumps(said, ensure_ascii=False).replace("</", "<\\/")
    title, body = html.escape(saying.title or ""), html.escape(saying.body)
    text = (
        '<!DOCTYPE html>\n<html lang="zh-TW"><head><meta charset="UTF-8">\n'
        f"<title>{title}</title>\n<meta name='robots' content='max-image-preview:large' />\n"
        f'<script type="application/ld+json">{described}</script></head>\n'
        f"<body><article><h1>{title}</h1><p>{body}</p></article></body></html>\n"
    )
    return Answer(200, text.encode(), dict(_HTML), (post.post_id,))
