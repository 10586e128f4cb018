"""The town's feeds, each in the dialect of the software that would serve it.

Every feed but the capped one shows its whole history newest first, because paging of feeds is no
standard: the first crawl sees everything, and what the capped one leaves out is known.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from itertools import zip_longest

from demo.cast import Place, Shape
from demo.days import taipei, utc
from demo.life import Post, Quirk

Names = Callable[[Post], str]
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
BLOG = "https://blog.wuyu.example"
FORUM = "https://bbs.cha.example/forum.php"
ZINE = "https://zine.example/"
DEALS = "https://deals.example"


def render_feed(place: Place, posts: Sequence[Post], name_of: Names, at: int) -> bytes:
    """Render the feed of a place at an instant; `posts` are those that exist then, oldest first."""
    newest_first = list(reversed(posts))[: place.cap]
    dialect = _DIALECTS[place.shape]
    return dialect(place, newest_first, name_of, at)


def rfc_date(at: int, *, is_local: bool = False) -> str:
    """Write RFC 2822 without asking the host's locale."""
    when = taipei(at) if is_local else utc(at)
    return (
        f"{_DAYS[when.weekday()]}, {when.day:02} {_MONTHS[when.month - 1]} {when.year} "
        f"{when:%H:%M:%S %z}"
    )


def _cdata(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{html.escape(line)}</p>\n" for line in text.split("\n") if line)


def _changed_at(posts: Sequence[Post], at: int) -> int:
    """When the newest visible change happened; the oldest instant when there is none."""
    edits = [p.edited_at for p in posts if p.edited_at is not None and p.edited_at <= at]
    return max([*(post.at for post in posts), *edits], default=0)


def _wordpress(title: str, link: str, items: str, changed: int) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"\n'
        '\txmlns:content="http://purl.org/rss/1.0/modules/content/"\n'
        '\txmlns:wfw="http://wellformedweb.org/CommentAPI/"\n'
        '\txmlns:dc="http://purl.org/dc/elements/1.1/"\n'
        '\txmlns:atom="http://www.w3.org/2005/Atom"\n'
        '\txmlns:sy="http://purl.org/rss/1.0/modules/syndication/"\n'
        '\txmlns:slash="http://purl.org/rss/1.0/modules/slash/"\n\t>\n\n<channel>\n'
        f"\t<title>{html.escape(title)}</title>\n"
        f'\t<atom:link href="{link}" rel="self" type="application/rss+xml" />\n'
        f"\t<link>{BLOG}</link>\n\t<description></description>\n"
        f"\t<lastBuildDate>{rfc_date(changed)}</lastBuildDate>\n\t<language>zh-TW</language>\n"
        "\t<sy:updatePeriod>\n\thourly\t</sy:updatePeriod>\n"
        "\t<sy:updateFrequency>\n\t1\t</sy:updateFrequency>\n"
        f"\t<generator>https://wordpress.org/?v=6.8</generator>\n{items}</channel>\n</rss>\n"
    )


def _blog(place: Place, posts: Sequence[Post], name_of: Names, at: int) -> bytes:
    items = []
    for post in posts:
        saying, link = post.saying_at(at), f"{BLOG}/p/{post.post_id}/"
        content = _paragraphs(saying.body)
        items.append(
            f"\t<item>\n\t\t<title>{html.escape(saying.title or '')}</title>\n"
            f"\t\t<link>{link}</link>\n\t\t\t\t\t<comments>{link}#respond</comments>\n"
            f"\t\t\n\t\t<dc:creator>{_cdata(name_of(post))}</dc:creator>\n"
            f"\t\t<pubDate>{rfc_date(post.at)}</pubDate>\n"
            f"\t\t\t\t<category>{_cdata('茶園')}</category>\n"
            f'\t\t<guid isPermaLink="false">{BLOG}/?p={post.post_id}</guid>\n\n'
            f"\t\t\t\t\t<description>{_cdata('<p>我們在茶園裡… [&#8230;]</p>')}</description>\n"
            f"\t\t\t\t\t\t\t\t\t\t<content:encoded>{_cdata(content)}</content:encoded>\n"
            f"\t\t\t\t\t\n\t\t\t\t\t<wfw:commentRss>{link}feed/</wfw:commentRss>\n"
            "\t\t\t<slash:comments>4</slash:comments>\n\t\t\t</item>\n"
        )
    changed = _changed_at(posts, at)
    return _wordpress(place.title, f"{BLOG}/feed/", "".join(items), changed).encode()


def _comments(place: Place, posts: Sequence[Post], name_of: Names, at: int) -> bytes:
    items = []
    for post in posts:
        about, name = post.about, name_of(post)
        under = about.saying.title if about is not None else ""
        link = f"{BLOG}/p/{about.post_id if about is not None else 0}/#comment-{post.post_id}"
        dated = Quirk.UNDATED not in post.quirks
        date = f"\t\t<pubDate>{rfc_date(post.at)}</pubDate>\n" if dated else ""
        content = _paragraphs(post.saying_at(at).body)
        items.append(
            f"\t<item>\n\t\t<title>\n\t\t對「{html.escape(under or '')}」的留言，由 "
            f"{html.escape(name)} 發表\t\t</title>\n\t\t<link>{link}</link>\n\n"
            f"\t\t<dc:creator>{_cdata(name)}</dc:creator>\n{date}"
            f'\t\t<guid isPermaLink="false">{link}</guid>\n'
            f"\t\t\t\t\t<description>{_cdata(post.saying_at(at).body)}</description>\n"
            f"\t\t\t\t\t\t<content:encoded>{_cdata(content)}</content:encoded>\n\t\t\n\t\t\t</item>\n"
        )
    changed = _changed_at(posts, at)
    feed = _wordpress(f"〈{place.title}〉的留言", f"{BLOG}/comments/feed/", "".join(items), changed)
    return feed.encode()


def _forum(place: Place, posts: Sequence[Post], name_of: Names, at: int) -> bytes:
    """Discuz: GBK with entities for what GBK lacks, titles that nobody escapes."""
    items = []
    for post in posts:
        saying = post.saying_at(at)
        description = html.escape(saying.body.replace("\n", "<br />\n"))
        items.append(
            f"    <item>\n      <title>{saying.title}</title>\n"
            f"      <link>{FORUM}?mod=viewthread&amp;tid={post.post_id}</link>\n"
            f"      <description>{_cdata(description)}</description>\n"
            f"      <category>{place.title.split()[-1]}</category>\n"
            f"      <author>{name_of(post)}</author>\n"
            f"      <pubDate>{rfc_date(post.at)}</pubDate>\n    </item>\n"
        )
    text = (
        '<?xml version="1.0" encoding="gbk"?>\n<rss version="2.0">\n  <channel>\n'
        f"    <title>{place.title}</title>\n"
        f"    <link>{FORUM}?mod=forumdisplay&amp;fid=2</link>\n"
        f"    <description>Latest {len(posts)} threads of {place.title}</description>\n"
        "    <copyright>Copyright(C) 茶饮论坛</copyright>\n"
        "    <generator>Discuz! Board by Comsenz Inc.</generator>\n"
        f"    <lastBuildDate>{rfc_date(_changed_at(posts, at))}</lastBuildDate>\n"
        "    <ttl>60</ttl>\n    <image>\n      <url>https://bbs.cha.example/logo_88_31.gif</url>\n"
        f"      <title>{place.title}</title>\n      <link>{FORUM}</link>\n    </image>\n"
        + "".join(items)
        + "  </channel>\n</rss>"
    )
    return text.encode("gbk", "xmlcharrefreplace")


def _zine(place: Place, posts: Sequence[Post], _name_of: Names, at: int) -> bytes:
    """Atom without authors, with relative links, and now and then an id used a second time."""
    entries = []
    for post, before in zip_longest(posts, posts[1:]):
        saying = post.saying_at(at)
        borrowed = before if Quirk.BORROWED_GUID in post.quirks and before is not None else post
        edited = post.edited_at if post.edited_at is not None and post.edited_at <= at else post.at
        entries.append(
            f"  <entry>\n    <title>{html.escape(saying.title or '')}</title>\n"
            f"    <id>tag:zine.example,2026:letter-{borrowed.post_id}</id>\n"
            f'    <link rel="alternate" href="letters/{post.post_id}.html"/>\n'
            f"    <published>{taipei(post.at).isoformat()}</published>\n"
            f"    <updated>{taipei(edited).isoformat()}</updated>\n"
            f'    <content type="html">{html.escape(_paragraphs(saying.body))}</content>\n'
            "  </entry>\n"
        )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="zh-Hant" xml:base="{ZINE}">\n'
        f"  <title>{place.title}</title>\n  <id>{ZINE}</id>\n"
        f"  <updated>{taipei(_changed_at(posts, at)).isoformat()}</updated>\n"
        + "".join(entries)
        + "</feed>\n"
    ).encode()


def _deals(place: Place, posts: Sequence[Post], name_of: Names, at: int) -> bytes:
    """Plain RSS with local times and no guid; it shows the newest twenty and forgets the rest."""
    items = []
    for post in posts:
        saying = post.saying_at(at)
        items.append(
            f"<item><title>{html.escape(saying.title or '')}</title>"
            f"<link>/deal/{post.post_id}</link>"
            f"<description>{html.escape(saying.body)}</description>"
            f"<dc:creator>{html.escape(name_of(post))}</dc:creator>"
            f"<pubDate>{rfc_date(post.at, is_local=True)}</pubDate></item>\n"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>\n'
        f"<title>{place.title}</title><link>{DEALS}</link><ttl>30</ttl>\n"
        + "".join(items)
        + "</channel></rss>\n"
    ).encode()


_DIALECTS = {
    Shape.BLOG: _blog,
    Shape.COMMENTS: _comments,
    Shape.FORUM: _forum,
    Shape.ZINE: _zine,
    Shape.DEALS: _deals,
}
