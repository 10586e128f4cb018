"""WordPress: the REST interface `wp/v2`, the feeds, and the sitemap of a blog.

REST can be closed in every way that sites close it (`rest`), the feeds can be switched off, and the
headers that count pages can be lost on the way. Each seventh post has lost its UTC time.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from demo.apis import Threads, answer_json, code, edited_by, query_of, stamp
from demo.cast import OFFICIAL, Place
from demo.days import seconds_of, taipei
from demo.faults import Answer
from demo.feeds import rfc_date
from demo.life import Post
from demo.sites import Ask, Room

FEED_PAGE = 10
GMT = "%Y-%m-%dT%H:%M:%S"
NO_TIME = "0000-00-00T00:00:00"
THREAD = re.compile(r"/p/(\d+)/feed/")
HOME = "https://teanotes.example"


class WordpressSite:
    """The blogs at any instant.

    `rest`: open, plain (no permalinks), disabled (401), forbidden (403), no_route (404), html.
    """

    def __init__(self, room: Room) -> None:
        self.room = room
        self.rest = "open"
        self.has_feeds = True
        self.has_thread_feeds = True
        self.counts_pages = True

    def answer(self, ask: Ask, now: int) -> Answer:
        name, _, path = ask.path.removeprefix("/").partition("/")
        place = next((p for p in self.room.places if p.address == name), None)
        if place is None:
            return _page("找不到網頁", 404)
        query = query_of(ask)
        route = query.get("rest_route")
        if route is None and path.startswith("wp-json/"):
            if self.rest == "plain":
                return _page("找不到網頁", 404)
            route = f"/{path.removeprefix('wp-json/')}"
        if route is not None:
            return self._closed() or self._rest(place, route, query, now)
        return self._site(place, f"/{path}", query, now)

    def _closed(self) -> Answer | None:
        closed = {
            "disabled": (401, "rest_not_logged_in", "You are not currently logged in."),
            "forbidden": (403, "rest_cannot_access", "Only authenticated users can access REST."),
            "no_route": (404, "rest_no_route", "No route was found matching the URL."),
        }
        if self.rest == "html":
            return _page("茶園筆記")
        return _error(*closed[self.rest]) if self.rest in closed else None

    # REST.

    def _rest(self, place: Place, route: str, query: dict[str, str], now: int) -> Answer:
        if route in ("/", ""):
            site: dict[str, Any] = {
                "name": place.title,
                "description": "",
                "url": HOME,
                "home": HOME,
            }
            site |= {"gmt_offset": "8", "timezone_string": "Asia/Taipei", "namespaces": ["wp/v2"]}
            return answer_json(_only(site, query))
        threads = Threads.at(self.room.posts[place.id], now)
        if route == "/wp/v2/posts":
            return self._posts(threads.roots, query, now)
        if route == "/wp/v2/comments":
            return self._comments(threads, query, now)
        return _error(404, "rest_no_route", "No route was found matching the URL.")

    def _posts(self, roots: Sequence[Post], query: dict[str, str], now: int) -> Answer:
        wanted = query["include"].split(",") if "include" in query else None
        posts = [post for post in roots if wanted is None or number(post) in wanted]
        if "modified_after" in query:
            since = _second(query["modified_after"])
            posts = [post for post in posts if (edited_by(post, now) or post.at) > since]
        if query.get("orderby") == "modified":
            posts.sort(key=lambda post: edited_by(post, now) or post.at)
        return self._list(posts[::-1], query, now)

    def _comments(self, threads: Threads, query: dict[str, str], now: int) -> Answer:
        roots = {number(post): post for post in threads.roots}
        if "post" in query:
            root = roots.get(query["post"])
            comments = list(threads.below(root)) if root else []
        else:
            comments = [comment for root in threads.roots for comment in threads.below(root)]
        if "after" in query:
            since = _second(query["after"])
            comments = [comment for comment in comments if comment.at > since]
        comments.sort(key=lambda comment: (comment.at, comment.post_id))
        return self._list(comments[::-1], query, now)

    def _list(self, posts: list[Post], query: dict[str, str], now: int) -> Answer:
        size, page = int(query.get("per_page", "10")), int(query.get("page", "1"))
        if not 1 <= size <= 100:
            return _error(400, "rest_invalid_param", "Invalid parameter(s): per_page")
        pages = -(-len(posts) // size)
        if page > max(pages, 1):
            return _error(400, "rest_post_invalid_page_number", BEYOND)
        here = posts[(page - 1) * size : page * size]
        counted = {"X-WP-Total": str(len(posts)), "X-WP-TotalPages": str(pages)}
        headers = counted if self.counts_pages else {}
        body = [_only(self._shown(post, now), query) for post in here]
        return answer_json(body, headers=headers, items=map(native_id, here))

    def _shown(self, post: Post, now: int) -> dict[str, Any]:
        return self._post(post, now) if post.parent is None else self._comment(post, now)

    def _post(self, post: Post, now: int) -> dict[str, Any]:
        saying, edited = post.saying_at(now), edited_by(post, now) or post.at
        loses_gmt = int(number(post)) % 7 == 0
        return {
            "id": int(number(post)),
            "date": f"{taipei(post.at):{GMT}}",
            "date_gmt": NO_TIME if loses_gmt else stamp(post.at, GMT),
            "guid": {"rendered": f"{HOME}/?p={number(post)}"},
            "modified": f"{taipei(edited):{GMT}}",
            "modified_gmt": stamp(edited, GMT),
            "slug": number(post),
            "status": "publish",
            "type": "post",
            "link": _link(post),
            "title": {"rendered": _texturized(saying.title or "")},
            "content": {"rendered": _markup(saying.body), "protected": False},
            "excerpt": {"rendered": "<p>我們在茶園裡… [&hellip;]</p>\n", "protected": False},
            "author": 1,
            "featured_media": 0,
            "comment_status": "open",
            "ping_status": "closed",
            "sticky": False,
            "template": "",
            "format": "standard",
            "meta": [],
            "categories": [1],
            "tags": [],
            "_links": {"self": [{"href": f"{HOME}/wp-json/wp/v2/posts/{number(post)}"}]},
        }

    def _comment(self, post: Post, now: int) -> dict[str, Any]:
        """Show a comment; WordPress keeps no time at which it was edited."""
        assert post.parent is not None
        below = post.parent.parent is not None
        return {
            "id": int(number(post)),
            "post": int(number(post.root)),
            "parent": int(number(post.parent)) if below else 0,
            "author": 1 if post.author == OFFICIAL else 0,
            "author_name": self._name(post),
            "author_url": "",
            "date": f"{taipei(post.at):{GMT}}",
            "date_gmt": stamp(post.at, GMT),
            "content": {"rendered": _markup(post.saying_at(now).body)},
            "link": f"{_link(post.root)}#comment-{number(post)}",
            "status": "approved",
            "type": "comment",
            "author_avatar_urls": {"24": f"https://avatar.example/{code(16, self._name(post))}"},
            "meta": [],
            "_links": {"up": [{"embeddable": True, "post_type": "post", "href": HOME}]},
        }

    def _name(self, post: Post) -> str:
        return post.place.title if post.author == OFFICIAL else self.room.name_of(post)

    # What the site shows to people and to readers of feeds.

    def _site(self, place: Place, path: str, query: dict[str, str], now: int) -> Answer:
        threads = Threads.at(self.room.posts[place.id], now)
        thread = THREAD.fullmatch(path)
        if path == "/wp-sitemap.xml" or path == "/wp-sitemap-posts-post-1.xml":
            return _sitemap(path, threads, now)
        if not self.has_feeds or (thread and not self.has_thread_feeds):
            return _page("找不到網頁", 404)
        if path == "/feed/":
            return self._posts_feed(place, threads, int(query.get("paged", "1")), now)
        if path == "/comments/feed/":
            every = [c for root in threads.roots for c in threads.below(root)]
            return self._comments_feed(f"〈{place.title}〉的留言", path, every, now)
        root = next((r for r in threads.roots if thread and number(r) == thread[1]), None)
        if root is not None:
            title = root.saying_at(now).title or ""
            return self._comments_feed(f"〈{title}〉的留言", path, threads.below(root), now)
        if query.get("feed") == "rss2" and any(number(r) == query.get("p") for r in threads.roots):
            return Answer(301, b"", {"Location": f"{HOME}/p/{query['p']}/feed/"})
        return _page("找不到網頁", 404)

    def _posts_feed(self, place: Place, threads: Threads, page: int, now: int) -> Answer:
        posts = threads.roots[::-1][(page - 1) * FEED_PAGE : page * FEED_PAGE]
        if page > 1 and not posts:
            return _page("找不到網頁", 404)
        items = [self._post_item(post, len(threads.below(post)), now) for post in posts]
        return _feed(place.title, "/feed/", items, map(native_id, posts))

    def _post_item(self, post: Post, count: int, now: int) -> str:
        saying, link = post.saying_at(now), _link(post)
        return (
            f"\t<item>\n\t\t<title>{_texturized(saying.title or '')}</title>\n"
            f"\t\t<link>{link}</link>\n\t\t\t\t\t<comments>{link}#respond</comments>\n"
            f"\t\t\n\t\t<dc:creator><![CDATA[{self._name(post)}]]></dc:creator>\n"
            f"\t\t<pubDate>{rfc_date(post.at)}</pubDate>\n"
            "\t\t\t\t<category><![CDATA[茶園]]></category>\n"
            f'\t\t<guid isPermaLink="false">{HOME}/?p={number(post)}</guid>\n\n'
            "\t\t\t\t\t<description><![CDATA[<p>我們在茶園裡… [&#8230;]</p>\n]]></description>\n"
            f"\t\t\t\t\t\t\t\t\t\t<content:encoded>{_cdata(_markup(saying.body))}</content:encoded>\n"
            f"\t\t\t\t\t\n\t\t\t\t\t<wfw:commentRss>{link}feed/</wfw:commentRss>\n"
            f"\t\t\t<slash:comments>{count}</slash:comments>\n\t\t\n\t\t\n\t\t\t</item>\n"
        )

    def _comments_feed(self, title: str, path: str, comments: Sequence[Post], now: int) -> Answer:
        newest = sorted(comments, key=lambda c: (c.at, c.post_id))[::-1][:FEED_PAGE]
        items = [self._comment_item(comment, now) for comment in newest]
        return _feed(title, path, items, map(native_id, newest))

    def _comment_item(self, post: Post, now: int) -> str:
        name, link = self._name(post), f"{_link(post.root)}#comment-{number(post)}"
        guid = f"{HOME}/?p={number(post.root)}#comment-{number(post)}"
        content = _markup(post.saying_at(now).body)
        if post.parent is not None and post.parent.parent is not None:
            answered = f"{_link(post.root)}#comment-{number(post.parent)}"
            content = f'<p>回覆 <a href="{answered}">{self._name(post.parent)}</a>。</p>\n{content}'
        return (
            f"\t<item>\n\t\t<title>\n\t\t{html.escape(name)} 發表的留言\t\t</title>\n"
            f"\t\t<link>{link}</link>\n\n\t\t<dc:creator><![CDATA[{name}]]></dc:creator>\n"
            f"\t\t<pubDate>{rfc_date(post.at)}</pubDate>\n"
            f'\t\t<guid isPermaLink="false">{guid}</guid>\n'
            f"\t\t\t\t\t<description>{_cdata(post.saying_at(now).body)}</description>\n"
            f"\t\t\t\t\t\t<content:encoded>{_cdata(content)}</content:encoded>\n"
            "\t\t\n\t\t\t</item>\n"
        )


def open_site(room: Room) -> WordpressSite:
    return WordpressSite(room)


def number(post: Post) -> str:
    """The number that WordPress gave to a post or a comment."""
    return post.post_id.rpartition("_")[2]


def native_id(post: Post) -> str:
    """The id under which a post is known: posts and comments are numbered apart."""
    return f"{'post' if post.parent is None else 'comment'}-{number(post)}"


def _link(post: Post) -> str:
    return f"{HOME}/p/{number(post)}/"


def _markup(text: str) -> str:
    """Make paragraphs and line breaks as WordPress does."""
    parts = (html.escape(part, quote=False) for part in text.split("\n\n"))
    return "".join("<p>{}</p>\n".format(part.replace("\n", "<br />\n")) for part in parts)


def _texturized(title: str) -> str:
    return html.escape(title, quote=False).replace(" - ", " &#8211; ")


def _cdata(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


def _feed(title: str, path: str, items: Sequence[str], ids: Iterable[str]) -> Answer:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"\n'
        '\txmlns:content="http://purl.org/rss/1.0/modules/content/"\n'
        '\txmlns:wfw="http://wellformedweb.org/CommentAPI/"\n'
        '\txmlns:dc="http://purl.org/dc/elements/1.1/"\n'
        '\txmlns:atom="http://www.w3.org/2005/Atom"\n'
        '\txmlns:slash="http://purl.org/rss/1.0/modules/slash/"\n\t>\n\n<channel>\n'
        f"\t<title>{html.escape(title)}</title>\n"
        f'\t<atom:link href="{HOME}{path}" rel="self" type="application/rss+xml" />\n'
        f"\t<link>{HOME}</link>\n\t<description></description>\n\t<language>zh-TW</language>\n"
        f"\t<generator>https://wordpress.org/?v=6.8</generator>\n{''.join(items)}"
        "</channel>\n</rss>\n"
    )
    return Answer(
        200, body.encode(), {"Content-Type": "application/rss+xml; charset=UTF-8"}, tuple(ids)
    )


def _sitemap(path: str, threads: Threads, now: int) -> Answer:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    if path == "/wp-sitemap.xml":
        child = f"{HOME}/wp-sitemap-posts-post-1.xml"
        maps = f"<sitemap><loc>{child}</loc></sitemap>"
        body = f'<sitemapindex xmlns="{space}">{maps}</sitemapindex>'
    else:
        urls = "".join(
            f"<url><loc>{_link(post)}</loc>"
            f"<lastmod>{stamp(edited_by(post, now) or post.at)}</lastmod></url>"
            for post in threads.roots
        )
        body = f'<urlset xmlns="{space}">{urls}</urlset>'
    return Answer(200, (head + body).encode(), {"Content-Type": "application/xml"})


def _page(title: str, status: int = 200) -> Answer:
    body = f'<!DOCTYPE html>\n<html lang="zh-TW"><head><title>{title}</title></head></html>'
    return Answer(status, body.encode(), {"Content-Type": "text/html; charset=UTF-8"})


def _error(status: int, name: str, message: str) -> Answer:
    return answer_json({"code": name, "message": message, "data": {"status": status}}, status)


def _only(record: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
    wanted = query["_fields"].split(",") if "_fields" in query else list(record)
    return {name: value for name, value in record.items() if name in wanted}


def _second(printed: str) -> int:
    return seconds_of(datetime.fromisoformat(printed))


BEYOND = "The page number requested is larger than the number of pages available."
