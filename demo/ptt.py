"""The town's boards in PTT's own web format: blanks, entities, padding and all.

Pages are rendered for an instant and hold what a reader would have seen then. The place of the
board decides two habits of the real site: `TeaDrink` pads user ids, `TownTalk` logs addresses.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote_plus

from demo.cast import Place
from demo.days import DAY, taipei
from demo.draw import between, open_stream, pick
from demo.life import Post, Quirk

PAGE_SIZE = 20
TOMBSTONE_DAYS = 3  # a deleted row stays that long in the list, then the pages shift
LIST_TITLE_BYTES = 64
# A long article shows its head and its tail; sizes as the BBS counts them, 80 bytes a push. The
# real site cuts at 100 KB + 50 KB; the town is smaller, so is its limit.
SHOWN_HEAD, SHOWN_TAIL, PUSH_BYTES = 20_000, 10_000, 80
PADDED_BOARDS = frozenset({"TeaDrink"})
ADDRESS_BOARDS = frozenset({"TownTalk"})
_NICKS = ("愛喝茶", "", "半糖(少冰)", "路人甲 (真的)", "：）", "tea & me", "<3 boba")
_TAG_CLASS = {"推": "hl push-tag", "噓": "f1 hl push-tag", "→": "f1 hl push-tag"}
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;", "+": "&#43;"}
)
_HEAD = """<!DOCTYPE html>
<html>
\t<head>
\t\t<meta charset="utf-8">
\t\t

<meta name="viewport" content="width=device-width, initial-scale=1">

<title>{title} - 批踢踢實業坊</title>
{meta}
<link rel="stylesheet" type="text/css" href="//images.ptt.example/bbs/v2.27/bbs-common.css">




\t</head>
    <body>
\t\t
<div id="topbar-container">
\t<div id="topbar" class="bbs-content">
\t\t<a id="logo" href="/bbs/">批踢踢實業坊</a>
\t\t<span>&rsaquo;</span>
\t\t<a class="board" href="/bbs/{board}/index.html">{label}{board}</a>
\t\t<a class="right small" href="/about.html">關於我們</a>
\t\t<a class="right small" href="/contact.html">聯絡資訊</a>
\t</div>
</div>
"""
_LABEL = '<span class="board-label">看板 </span>'
_FOOT = """
\t\t


    </body>
</html>
"""
NOT_FOUND_PAGE = (
    _HEAD.split("<title>", 1)[0]
    + "<title>404</title>\n\t</head>\n    <body>\n"
    + '<div class="bbs-screen bbs-content">404 - Not Found.</div>'
    + _FOOT
)
BUSY_PAGE = (
    _HEAD.split("<title>", 1)[0]
    + "<title>500 - Internal Server Error</title>\n\t</head>\n    <body>\n"
    + '<div class="bbs-screen bbs-content">500 - Internal Server Error / Server Too Busy.</div>'
    + _FOOT
)
CHALLENGE_PAGE = (
    '<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title>'
    '<meta name="robots" content="noindex,nofollow"></head><body><noscript>Enable JavaScript and '
    "cookies to continue</noscript></body></html>"
)
GATE_FOOTER = (
    '<div class="bbs-footer-message">本網站已依台灣網站內容分級規定處理。'
    "此區域為限制級，未滿十八歲者不得瀏覽。</div>"
)

Names = Callable[[Post], str]


@dataclass(frozen=True)
class Board:
    """A board at an instant: `articles` and `pushes` may hold what is not there yet."""

    place: Place
    articles: Sequence[Post]  # in order of time
    pushes: dict[str, list[Post]]  # article's id: its pushes in order of time
    name_of: Names

    def rows_at(self, at: int) -> list[Post]:
        """Articles that the list shows, tombstones among them, oldest first."""
        kept = TOMBSTONE_DAYS * DAY
        return [
            post
            for post in self.articles
            if post.at <= at and (post.gone_at is None or at < post.gone_at + kept)
        ]

    def pushes_at(self, article: Post, at: int) -> list[Post]:
        return [push for push in self.pushes.get(article.post_id, ()) if push.exists_at(at)]

    def find(self, post_id: str, at: int) -> Post | None:
        """Return the article of that file name if it can be read then."""
        found = next((post for post in self.articles if post.post_id == post_id), None)
        return found if found is not None and found.exists_at(at) else None

    def page_count(self, at: int) -> int:
        return max(1, -(-len(self.rows_at(at)) // PAGE_SIZE))


def escape(text: str) -> str:
    """Escape as the site's templates do: numeric entities for quotes and plus."""
    return text.translate(_ESCAPES)


def list_title(title: str) -> str:
    """Cut a title to the 64 Big5 bytes that the board's list keeps."""
    kept, size = "", 0
    for character in title:
        size += 1 if character.isascii() else 2
        if size > LIST_TITLE_BYTES:
            break
        kept += character
    return kept


def score(pushes: Sequence[Post]) -> int:
    return sum((push.tag == "推") - (push.tag == "噓") for push in pushes)


def show_score(value: int) -> str:
    """Print a list score: nothing around zero, 爆 from 100, XX from -100."""
    if value >= 100:
        return '<span class="hl f1">爆</span>'
    if value >= 1:
        return f'<span class="hl f{2 if value < 10 else 3}">{value}</span>'
    if value > -10:
        return ""
    return f'<span class="hl f0">{"XX" if value <= -100 else f"X{-value // 10}"}</span>'


def index_page(board: Board, number: int | None, at: int) -> str | None:
    """Render page `number`, None for the newest; None when there is no such page."""
    rows, last = board.rows_at(at), board.page_count(at)
    shown = last if number is None else number
    if not 1 <= shown <= last:
        return None
    entries = [_entry(board, post, at) for post in rows[(shown - 1) * PAGE_SIZE :][:PAGE_SIZE]]
    if number is None and rows:
        entries.append('\n\t\t<div class="r-list-sep"></div>\n\t\t\n')
        entries.append(_entry(board, rows[0], at))
    name = board.place.address
    head = _HEAD.format(title=f"看板 {name} 文章列表", board=name, meta="", label=_LABEL)
    return (
        f"{head}\n"
        f'<div id="main-container">\n{_action_bar(name, shown, last, number is None)}\n'
        '\t<div class="r-list-container action-bar-margin bbs-screen">\n'
        '\t\t<div class="search-bar">\n'
        '\t\t\t<form type="get" action="search" id="search-bar">\n'
        '\t\t\t\t<input class="query" type="text" name="q" value="" '
        'placeholder="搜尋文章 &#x22ef;">\n'
        "\t\t\t</form>\n\t\t</div>\n\n" + "".join(entries) + "\n\t</div>\n"
        f"{GATE_FOOTER if board.place.is_gated else ''}\n</div>\n{_FOOT}"
    )


def _action_bar(name: str, shown: int, last: int, is_newest: bool) -> str:
    def button(label: str, page: int | None) -> str:
        if page is None:
            return f'\t\t\t\t<a class="btn wide disabled">{label}</a>\n'
        return f'\t\t\t\t<a class="btn wide" href="/bbs/{name}/index{page}.html">{label}</a>\n'

    older = shown - 1 if shown > 1 else None
    newer = shown + 1 if shown < last and not is_newest else None
    return (
        '\t<div id="action-bar-container">\n\t\t<div class="action-bar">\n'
        '\t\t\t<div class="btn-group btn-group-dir">\n'
        f'\t\t\t\t<a class="btn selected" href="/bbs/{name}/index.html">看板</a>\n'
        f'\t\t\t\t<a class="btn" href="/man/{name}/index.html">精華區</a>\n\t\t\t</div>\n'
        '\t\t\t<div class="btn-group btn-group-paging">\n'
        + button("最舊", 1)
        + button("&lsaquo; 上頁", older)
        + button("下頁 &rsaquo;", newer)
        + f'\t\t\t\t<a class="btn wide" href="/bbs/{name}/index.html">最新</a>\n'
        "\t\t\t</div>\n\t\t</div>\n\t</div>\n"
    )


def _entry(board: Board, post: Post, at: int) -> str:
    is_gone = post.gone_at is not None and post.gone_at <= at
    author = board.name_of(post)
    when = taipei(post.at)
    nrec = "" if is_gone else show_score(score(board.pushes_at(post, at)))
    title = _tombstone(post, author) if is_gone else _title_link(board.place, post)
    menu = "" if is_gone else _menu(board.place.address, post, author)
    return (
        "\n\t\t\n            \n        \n        \n"
        f'\t\t<div class="r-ent">\n\t\t\t<div class="nrec">{nrec}</div>\n'
        f'\t\t\t<div class="title">\n\t\t\t\n\t\t\t\t{title}\n\t\t\t\n\t\t\t</div>\n'
        '\t\t\t<div class="meta">\n'
        f'\t\t\t\t<div class="author">{"-" if is_gone else author}</div>\n'
        f'\t\t\t\t<div class="article-menu">\n\t\t\t\t\t\n{menu}\t\t\t\t</div>\n'
        f'\t\t\t\t<div class="date">{when.month:>2}/{when.day:02}</div>\n'
        '\t\t\t\t<div class="mark"></div>\n\t\t\t</div>\n\t\t</div>\n'
    )


def _tombstone(post: Post, author: str) -> str:
    if Quirk.DELETED_BY_MASTER in post.quirks:
        return f"(已被teamaster刪除) &lt;{author}&gt; 違反板規"
    return f"(本文已被刪除) [{author}]"


def _title_link(place: Place, post: Post) -> str:
    title = escape(list_title(post.saying.title or ""))
    return f'<a href="/bbs/{place.address}/{post.post_id}.html">{title}</a>'


def _menu(name: str, post: Post, author: str) -> str:
    thread = quote_plus(f"thread:{list_title(post.saying.title or '')}").replace("+", "&#43;")
    search = f"/bbs/{name}/search?q="
    return (
        '\t\t\t\t\t<div class="trigger">&#x22ef;</div>\n\t\t\t\t\t<div class="dropdown">\n'
        f'\t\t\t\t\t\t<div class="item"><a href="{search}{thread}">搜尋同標題文章</a></div>\n'
        "\t\t\t\t\t\t\n"
        f'\t\t\t\t\t\t<div class="item"><a href="{search}author%3A{author}">'
        f"搜尋看板內 {author} 的文章</a></div>\n\t\t\t\t\t\t\n\t\t\t\t\t</div>\n"
    )


def hidden_pushes(article: Post, pushes: Sequence[Post], at: int) -> Sequence[Post]:
    """Pushes in the middle of an article that is too long to be shown whole."""
    size = len(article.saying_at(at).body) * 2
    if size + len(pushes) * PUSH_BYTES <= SHOWN_HEAD + SHOWN_TAIL:
        return ()
    head = max(0, SHOWN_HEAD - size) // PUSH_BYTES
    return pushes[head : len(pushes) - SHOWN_TAIL // PUSH_BYTES]


def shown_pushes(board: Board, article: Post, at: int) -> list[Post]:
    """Pushes that the page shows, in their order."""
    pushes = board.pushes_at(article, at)
    hidden = {id(push) for push in hidden_pushes(article, pushes, at)}
    return [push for push in pushes if id(push) not in hidden]


def article_page(board: Board, article: Post, at: int) -> str:
    """Render an article with its pushes as they stood at an instant."""
    place, saying = board.place, article.saying_at(at)
    pushes = board.pushes_at(article, at)
    shown = shown_pushes(board, article, at)
    url = f"https://www.ptt.example/bbs/{place.address}/{article.post_id}.html"
    title = escape(saying.title or "")
    opening = escape("\n".join(line for line in saying.body.split("\n") if line)[:120])
    meta = (
        f'<meta name="robots" content="all">\n<meta name="description" content="{opening}\n">\n'
        f'<meta property="og:title" content="{title}">\n'
        f'<meta property="og:description" content="{opening}\n">\n'
        f'<link rel="canonical" href="{url}">\n'
    )
    warning = '<div class="warning-box">檔案過大！部分文章無法顯示</div>\n'
    head = _HEAD.format(
        title=f"{title} - 看板 {place.address}", board=place.address, meta=meta, label=_LABEL
    )
    return (
        f'{head}<div id="main-container">\n{warning if len(shown) < len(pushes) else ""}'
        f'    <div id="main-content" class="bbs-screen bbs-content">{_header(board, article)}\n'
        f"{_body(article, at)}{_tail(article, url)}{_flow(board, article, shown, at)}</div>\n"
        f'    \n    <div id="article-polling" data-pollurl="/poll/{place.address}/{article.post_id}'
        f'.html?cacheKey=2052-610175139&amp;offset={len(pushes) * PUSH_BYTES}" '
        f'data-offset="{len(pushes) * PUSH_BYTES}"></div>\n    \n'
        f"{GATE_FOOTER if place.is_gated else ''}\n</div>\n{_FOOT}"
    )


def _header(board: Board, article: Post) -> str:
    nick = pick(open_stream("nick", article.author), _NICKS)
    author = f"{board.name_of(article)} ({nick})"
    when = taipei(article.at)
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    zone = "CST " if Quirk.SYSTEM_HEADER in article.quirks else ""
    stamp = (
        f"{names[when.weekday()]} {months[when.month - 1]} {when.day:>2} "
        f"{when:%H:%M:%S} {zone}{when.year}"
    )
    title = article.saying.title or ""
    if Quirk.HEADER_GONE in article.quirks:
        lines = f"作者: {author} 看板: {board.place.address}\n標題: {title}\n時間: {stamp}\n"
        return escape(lines)
    values = (("作者", author), ("看板", board.place.address), ("標題", title), ("時間", stamp))
    return "".join(_meta_line(tag, value, tag == "看板") for tag, value in values)


def _meta_line(tag: str, value: str, is_right: bool) -> str:
    return (
        f'<div class="article-metaline{"-right" if is_right else ""}">'
        f'<span class="article-meta-tag">{tag}</span>'
        f'<span class="article-meta-value">{escape(value)}</span></div>'
    )


def _body(article: Post, at: int) -> str:
    """The author's words with what surrounds them: quoted lines, a picture, a signature."""
    parts = []
    if Quirk.QUOTE in article.quirks:
        parts.append("※ 引述《someone (路人)》之銘言：\n")
        parts.append(
            '<span class="f6">: 這家店最近如何\n</span><span class="f6">: 有人去過嗎\n</span>'
        )
    parts.append(escape(article.saying_at(at).body) + "\n")
    if Quirk.RICH in article.quirks:
        link = f"https://img.example/{article.at}.jpg"
        parts.append(
            f'<a href="{link}" target="_blank" rel="nofollow">{link}</a>\n'
            f'<div class="richcontent"><img src="{link}" alt="" loading="lazy" /></div>'
        )
    if Quirk.SIGNATURE in article.quirks:
        parts.append('\n--\n<span class="f3">人生如茶</span>，<span class="hl b4">先苦後甘</span>')
    return "".join(parts)


def _tail(article: Post, url: str) -> str:
    return (
        "\n--\n"
        '<span class="f2">※ 發信站: 批踢踢實業坊(ptt.cc), '
        f"來自: {_address(article)} (臺灣)\n</span>"
        '<span class="f2">※ 文章網址: '
        f'<a href="{url}" target="_blank" rel="nofollow">{url}</a>\n</span>'
    )


def _flow(board: Board, article: Post, pushes: Sequence[Post], at: int) -> str:
    """The pushes, and between them what the author wrote when editing."""
    edited_at = article.edited_at if (article.edited_at or at + 1) <= at else None
    before = [push for push in pushes if edited_at is None or push.at <= edited_at]
    parts = [_push(board, push) for push in before]
    if edited_at is not None:
        if article.inline_reply is not None and before:
            parts.append(f"\n{escape(article.inline_reply)}\n")
        name, when = board.name_of(article), taipei(edited_at)
        parts.append(
            f'<span class="f2">※ 編輯: {name} ({_address(article)} 臺灣), '
            f"{when:%m/%d/%Y %H:%M:%S}\n</span>"
        )
        parts.extend(_push(board, push) for push in pushes[len(before) :])
    return "".join(parts)


def _push(board: Board, push: Post) -> str:
    name, when = board.name_of(push), taipei(push.at)
    if board.place.address in PADDED_BOARDS:
        name = f"{name:<12}"
    address = f"{_address(push):>15}" if board.place.address in ADDRESS_BOARDS else ""
    colon = ":" if Quirk.NO_SPACE in push.quirks else ": "
    return (
        f'<div class="push"><span class="{_TAG_CLASS[push.tag]}">{push.tag} </span>'
        f'<span class="f3 hl push-userid">{name}</span>'
        f'<span class="f3 push-content">{colon}{escape(push.saying.body)}</span>'
        f'<span class="push-ipdatetime">{address} {when:%m/%d %H:%M}\n</span></div>'
    )


def _address(post: Post) -> str:
    """An address out of the ranges that are kept for documentation."""
    stream = open_stream("address", post.author)
    return f"{pick(stream, ('203.0.113', '198.51.100', '192.0.2'))}.{between(stream, 1, 254)}"


def atom_feed(board: Board, at: int) -> str:
    """Render the board's feed: twenty newest, and the oldest one's time as the feed's own."""
    shown = [post for post in board.articles if post.exists_at(at)][-20:]
    name = board.place.address
    updated = taipei(shown[0].at).isoformat() if shown else taipei(at).isoformat()
    link = f"https://www.ptt.example/atom/{name}.xml"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f"  <title>批踢踢實業坊 {name} 板</title>\n  <id>{link}</id>\n"
        f'  <link rel="self" href="{link}"></link>\n  <updated>{updated}</updated>\n'
        + "".join(_atom_entries(board, shown, at))
        + "</feed>\n"
    )


def _atom_entries(board: Board, shown: Sequence[Post], at: int) -> Iterator[str]:
    for post in reversed(shown):
        url = f"https://www.ptt.example/bbs/{board.place.address}/{post.post_id}.html"
        pushes = board.pushes_at(post, at)
        changed = max([post.at, *(push.at for push in pushes)])
        lines = [line for line in post.saying_at(at).body.split("\n") if line][:5]
        content = html.escape(f"<pre>{html.escape(chr(10).join(lines))}</pre>")
        yield (
            f"  <entry>\n    <title>{html.escape(list_title(post.saying.title or ''))}</title>\n"
            f"    <id>{url}</id>\n"
            f'    <link rel="alternate" type="text/html" href="{url}"></link>\n'
            f"    <published>{taipei(post.at).isoformat()}</published>\n"
            f"    <updated>{taipei(changed).isoformat()}</updated>\n"
            f"    <author><name>{board.name_of(post)}</name></author>\n"
            f'    <content type="html">{content}</content>\n  </entry>\n'
        )


def gate_page(origin: str) -> str:
    """Render the age gate that sends back to `origin`."""
    head = _HEAD.format(title="看板 over18", board="over18", meta="", label=_LABEL)
    return (
        f'{head}<div class="bbs-screen bbs-content center clear">\n'
        '    <form action="/ask/over18" method="post">\n'
        f'        <input type="hidden" name="from" value="{escape(origin)}">\n'
        '        <div class="over18-notice">\n            <p>本網站已依網站內容分級規定處理</p>\n'
        "        </div>\n"
        '        <div class="over18-button-container">\n            <button class="btn-big" '
        'type="submit" name="yes" value="yes">我同意，我已年滿十八歲 進入</button>\n'
        "        </div>\n"
        '        <div class="over18-button-container">\n            <button class="btn-big" '
        'type="submit" name="no" value="no">未滿十八歲或不同意本條款 離開</button>\n'
        "        </div>\n"
        f"    </form>\n</div>\n{_FOOT}"
    )
