"""The town's forum in the format of Discuz! X3.4: default template, GBK, habits and all.

Pages are rendered for an instant. What the real software strews between the lines against copying
is drawn anew for every page and instant; who says to be a robot sees no floor numbers.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any
from urllib.parse import quote

from demo.cast import Place
from demo.days import DAY, taipei
from demo.draw import between, happens, open_stream, pick
from demo.life import Post

# Half of what the software shows by default: the town is smaller, too.
THREADS_A_PAGE, POSTS_A_PAGE = 10, 5
FIRST_PID = 2_000_001
MOVED_TID, MOVED_FID = "90000001", "37"  # a thread that now stands in another forum
TYPES = {"5": "评测", "6": "求助", "7": "闲聊"}
FLOORS = {1: "楼主", 2: "沙发", 3: "板凳", 4: "地板"}
NO_THREAD = "抱歉，指定的主题不存在或已被删除或正在被审核"
NO_FORUM = "抱歉，指定的版块不存在"
_NICKS = ("茶小白", "半糖主义", "珍珠多多", "路过的猫", "少冰谢谢", "奶盖星人", "A&B", "o_o")
_JAMMER = [*map(chr, range(32, 60)), *map(chr, range(63, 127))]

_EMPTY = (
    '<tbody class="bw0_all"><tr><th colspan="5"><p class="emp">本版块或指定的范围内尚无主题</p>'
    "</th></tr></tbody>"
)

Names = Callable[[Post], str]


@dataclass(frozen=True)
class Thread:
    """A thread as it stands at an instant: its opening post and the replies that live."""

    opening: Post
    replies: tuple[Post, ...]

    @property
    def tid(self) -> str:
        return self.opening.post_id

    @property
    def last(self) -> Post:
        return self.replies[-1] if self.replies else self.opening

    @property
    def posts(self) -> tuple[Post, ...]:
        return (self.opening, *self.replies)

    @property
    def page_count(self) -> int:
        return -(-len(self.posts) // POSTS_A_PAGE)


@dataclass(frozen=True)
class Forum:
    """A forum with all that is ever said there, in order of time."""

    place: Place
    posts: Sequence[Post]
    uid_of: Names
    fans_at: Callable[[int], int]
    base: str

    @cached_property
    def pids(self) -> dict[int, int]:
        """Numbers of the posts, by identity; they grow with time."""
        return {id(post): FIRST_PID + index for index, post in enumerate(self.posts)}

    @cached_property
    def _replies(self) -> dict[str, list[Post]]:
        found: dict[str, list[Post]] = {}
        for post in self.posts:
            if not post.opens_thread:
                found.setdefault(post.root.post_id, []).append(post)
        return found

    def thread(self, tid: str, at: int) -> Thread | None:
        """Return a thread if it can be read then."""
        opening = next((p for p in self.posts if p.opens_thread and p.post_id == tid), None)
        return self._stand(opening, at) if opening is not None and opening.exists_at(at) else None

    def listed(self, at: int) -> tuple[Thread | None, list[Thread]]:
        """Return the pinned thread, the oldest that is there, and the others by last reply."""
        there = [self._stand(p, at) for p in self.posts if p.opens_thread and p.exists_at(at)]
        others = sorted(there[1:], key=lambda t: (t.last.at, t.tid), reverse=True)
        return (there[0] if there else None), others

    def id_of(self, post: Post) -> str:
        """Return the id under which a post goes here: of its thread, or its own number."""
        return f"t{post.post_id}" if post.opens_thread else f"p{self.pids[id(post)]}"

    def _stand(self, opening: Post, at: int) -> Thread:
        replies = self._replies.get(opening.post_id, ())
        return Thread(opening, tuple(reply for reply in replies if reply.exists_at(at)))


def nick(uid: str) -> str:
    return f"{pick(open_stream('nick', uid), _NICKS)}{uid[-3:]}"


def escape(text: str) -> str:
    return html.escape(text, quote=False).replace('"', "&quot;")


def day(at: int) -> str:
    """Print a day as the software does: no zero in front."""
    when = taipei(at)
    return f"{when.year}-{when.month}-{when.day}"


def stamp(at: int, *, seconds: bool = False) -> str:
    return f"{day(at)} {taipei(at):%H:%M:%S}" if seconds else f"{day(at)} {taipei(at):%H:%M}"


def ago(at: int, now: int) -> str | None:
    """Say how long ago something was; None when it is long enough to give the date."""
    days = (now + 8 * 3600) // DAY - (at + 8 * 3600) // DAY
    past = now - at
    if past < 0 or days > 7:
        return None
    if days:
        clock = f"&nbsp;{taipei(at):%H:%M}"
        return {1: f"昨天{clock}", 2: f"前天{clock}"}.get(days, f"{days}&nbsp;天前")
    if past >= 3600:
        return f"{past // 3600}&nbsp;小时前"
    if past >= 1800:
        return "半小时前"
    return f"{past // 60}&nbsp;分钟前" if past >= 60 else (f"{past}&nbsp;秒前" if past else "刚刚")


def spoken(at: int, now: int, exact: str) -> str:
    """Print a time as the software does: roughly, with the exact one in the title."""
    rough = ago(at, now)
    return exact if rough is None else f'<span title="{exact}">{rough}</span>'


def views(thread: Thread, now: int) -> int:
    """Count readers, in batches as the software does."""
    return 11 * len(thread.posts) + max(now - thread.opening.at, 0) // 7200


def forum_page(forum: Forum, number: int, now: int) -> str:
    """Render a page of the list; beyond the last one the software shows the first."""
    pinned, threads = forum.listed(now)
    last = max(1, -(-len(threads) // THREADS_A_PAGE))
    shown = number if 1 <= number <= last else 1
    rows = [
        _row(forum, thread, now, "normalthread")
        for thread in threads[(shown - 1) * THREADS_A_PAGE : shown * THREADS_A_PAGE]
    ]
    if shown == 1 and pinned is not None:
        rows = [_announcement(), _row(forum, pinned, now, "stickthread"), _separator(), *rows]
        rows.append(_moved_row(threads[-1] if last == 1 and threads else pinned, now))
    fid = forum.place.address
    pager = _pager(f"forum.php?mod=forumdisplay&fid={fid}&amp;page=", shown, last)
    body = (
        f'<div class="bm bml pbn">\n<div class="bm_h cl">\n<span class="y">\n'
        f'<a href="home.php?mod=spacecp&amp;ac=favorite&amp;type=forum&amp;id={fid}" '
        f'id="a_favorite" '
        'class="fa_fav">收藏本版 <strong class="xi1" id="number_favorite" >'
        f'(<span id="number_favorite_num">{forum.fans_at(now)}</span>)</strong></a>\n</span>\n'
        f'<h1 class="xs2">\n<a href="forum.php?mod=forumdisplay&amp;fid={fid}">'
        f"{forum.place.title.split()[-1]}</a>\n</h1>\n</div>\n</div>\n"
        f'<div id="pgt" class="bm bw0 pgs cl">{pager}</div>\n'
        '<div id="threadlist" class="tl bm bmw" style="position: relative;">\n'
        f'<table summary="forum_{fid}" cellspacing="0" cellpadding="0" id="threadlisttableid">\n'
        f"{''.join(rows) or _EMPTY}</table>\n</div>\n"
        f'<div class="bm bw0 pgs cl">{pager}</div>\n'
    )
    return _page(
        forum, forum.place.title, body, now, f"fid = parseInt('{fid}'), tid = parseInt('0')"
    )


def thread_page(forum: Forum, thread: Thread, number: int, now: int, *, robot: bool) -> str:
    """Render a page of a thread; beyond the last one the software shows the last."""
    shown = min(max(number, 1), thread.page_count)
    first = (shown - 1) * POSTS_A_PAGE
    posts = thread.posts[first : first + POSTS_A_PAGE]
    base = f"forum.php?mod=viewthread&amp;tid={thread.tid}"
    parts = [
        _post(forum, thread, post, first + i + 1, now, robot=robot) for i, post in enumerate(posts)
    ]
    title = escape(thread.opening.saying_at(now).title or "")
    typeid = _type(thread)
    head = (
        '<div class="hm ptn">\n<span class="xg1">查看:</span> '
        f'<span class="xi1">{views(thread, now)}</span><span class="pipe">|</span>'
        f'<span class="xg1">回复:</span> <span class="xi1">{len(thread.replies)}</span>\n</div>'
    )
    body = (
        f'<div id="pgt" class="pgs mbm cl ">{_pager(base + "&amp;page=", shown, thread.page_count)}'
        '</div>\n<div id="postlist" class="pl bm">\n<table cellspacing="0" cellpadding="0">\n<tr>\n'
        f'<td class="pls ptn pbn">\n{head if shown == 1 else ""}</td>\n'
        '<td class="plc ptm pbn vwthd">\n<h1 class="ts">\n'
        f'<a href="forum.php?mod=forumdisplay&amp;fid={forum.place.address}&amp;filter=typeid&amp;'
        f'typeid={typeid}">[{TYPES[typeid]}]</a>\n<span id="thread_subject">{title}</span>\n</h1>\n'
        f"</td>\n</tr>\n</table>\n\n{''.join(parts)}"
        '<div id="postlistreply" class="pl"><div id="post_new" class="viewthread_table" '
        'style="display: none"></div></div>\n</div>\n'
    )
    ids = f"fid = parseInt('{forum.place.address}'), tid = parseInt('{thread.tid}')"
    return _page(forum, f"{title} - {forum.place.title}", body, now, ids)


def message_page(forum: Forum, said: str, now: int) -> str:
    """Render what the software says instead of a page, with status 200."""
    body = (
        '<div id="ct" class="wp cl w">\n<div class="nfl" id="main_succeed" style="display: none">'
        '</div>\n<div class="nfl" id="main_message">\n<div class="f_c altw">\n'
        f'<div id="messagetext" class="alert_error">\n<p>{said}</p>\n'
        '<p class="alert_btnleft"><a href="javascript:history.back()">[ 点击这里返回上一页 '
        "]</a></p>\n"
        "</div>\n</div>\n</div>\n</div>\n"
    )
    return _page(forum, "提示信息", body, now, "fid = parseInt('0'), tid = parseInt('0')")


def mobile_forum(forum: Forum, number: int, now: int) -> str:
    """Tell a page of the list in the words of the mobile plugin."""
    pinned, threads = forum.listed(now)
    first = (number - 1) * THREADS_A_PAGE
    rows = threads[first : first + THREADS_A_PAGE]
    rows = [pinned, *rows] if pinned is not None and number == 1 else rows
    told = {
        "forum": {
            "fid": forum.place.address,
            "name": forum.place.title.split()[-1],
            "threads": str(len(threads)),
            "favtimes": str(forum.fans_at(now)),
        },
        "forum_threadlist": [_mobile_row(forum, thread, now) for thread in rows],
        "threadtypes": {"types": TYPES},
        "tpp": str(THREADS_A_PAGE),
        "page": str(number),
    }
    return _mobile(told)


def mobile_thread(forum: Forum, thread: Thread, number: int, now: int) -> str:
    """Tell a page of a thread in the words of the mobile plugin."""
    first = (number - 1) * POSTS_A_PAGE
    posts = thread.posts[first : first + POSTS_A_PAGE]
    told = {
        "thread": {
            **_mobile_row(forum, thread, now),
            "fid": forum.place.address,
            "dateline": str(thread.opening.at),
        },
        "fid": forum.place.address,
        "postlist": [
            _mobile_post(forum, thread, post, first + i + 1, now) for i, post in enumerate(posts)
        ],
        "comments": [],
        "ppp": str(POSTS_A_PAGE),
    }
    return _mobile(told)


def mobile_message(name: str, said: str) -> str:
    return _mobile({"fid": "0"}, {"messageval": name, "messagestr": said})


def _mobile(told: dict[str, Any], message: dict[str, str] | None = None) -> str:
    head = {"cookiepre": "aB3d_2132_", "auth": None, "member_uid": "0", "member_username": ""}
    answer: dict[str, Any] = {"Version": "4", "Charset": "UTF-8", "Variables": {**head, **told}}
    if message is not None:
        answer["Message"] = message
    return json.dumps(answer, ensure_ascii=False)


def _mobile_row(forum: Forum, thread: Thread, now: int) -> dict[str, str]:
    uid = forum.uid_of(thread.opening)
    return {
        "tid": thread.tid,
        "typeid": _type(thread),
        "author": nick(uid),
        "authorid": uid,
        "subject": escape(thread.opening.saying_at(now).title or ""),
        "dateline": ago(thread.opening.at, now) or day(thread.opening.at),
        "dbdateline": str(thread.opening.at),
        "lastpost": ago(thread.last.at, now) or stamp(thread.last.at),
        "dblastpost": str(thread.last.at),
        "lastposter": nick(forum.uid_of(thread.last)),
        "replies": str(len(thread.replies)),
        "views": str(views(thread, now)),
        "attachment": "0",
    }


def _mobile_post(forum: Forum, thread: Thread, post: Post, floor: int, now: int) -> dict[str, str]:
    uid = forum.uid_of(post)
    return {
        "pid": str(forum.pids[id(post)]),
        "tid": thread.tid,
        "first": "1" if post is thread.opening else "0",
        "author": nick(uid),
        "authorid": uid,
        "username": nick(uid),
        "dateline": ago(post.at, now) or stamp(post.at),
        "dbdateline": str(post.at),
        "message": _message(forum, thread, post, now),
        "number": str(floor),
        "anonymous": "0",
        "attachment": "0",
        "groupid": "10",
    }


def _page(forum: Forum, title: str, body: str, now: int, ids: str) -> str:
    return (
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
        '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
        '<html xmlns="http://www.w3.org/1999/xhtml">\n<head>\n'
        '<meta http-equiv="Content-Type" content="text/html; charset=gbk" />\n'
        f"<title>{title} -  Powered by Discuz!</title>\n"
        '<meta name="generator" content="Discuz! X3.4" />\n'
        f"<script type=\"text/javascript\">var STYLEID = '1', charset = 'gbk', discuz_uid = '0', "
        f"{ids}, SITEURL = '{forum.base}/';</script>\n</head>\n\n"
        '<body id="nv_forum" class="pg_forumdisplay" onkeydown="if(event.keyCode==27) '
        'return false;">\n'
        '<div id="append_parent"></div><div id="ajaxwaitid"></div>\n'
        '<div id="pt" class="bm cl">\n<div class="z">\n<a href="./" class="nvhm" '
        'title="首页">茶语论坛</a>'
        '<em>&raquo;</em><a href="forum.php">论坛</a> <em>&rsaquo;</em> '
        f'<a href="forum.php?mod=forumdisplay&fid={forum.place.address}">{forum.place.title}</a>\n'
        f'</div>\n</div>\n<div id="wp" class="wp">\n{body}</div>\n'
        '<div id="ft" class="wp cl">\n<div id="flk" class="y">\n<p class="xs0">\n'
        f'GMT+8, {stamp(now)}\n<span id="debuginfo">\n, Processed in 0.0{now % 90 + 10} second(s), '
        "9 queries .\n</span>\n</p>\n</div>\n</div>\n</body>\n</html>\n"
    )


def _pager(link: str, shown: int, last: int) -> str:
    if last == 1:
        return ""
    near = range(max(1, shown - 4), min(last, shown + 5) + 1)
    numbers = "".join(
        f"<strong>{n}</strong>" if n == shown else f'<a href="{link}{n}">{n}</a>' for n in near
    )
    before = f'<a href="{link}{shown - 1}" class="prev">&nbsp;&nbsp;</a>' if shown > 1 else ""
    end = f'<a href="{link}{last}" class="last">... {last}</a>' if last > near[-1] else ""
    after = f'<a href="{link}{shown + 1}" class="nxt">下一页</a>' if shown < last else ""
    return (
        f'<div class="pg">{before}{numbers}{end}<label><input type="text" name="custompage" '
        f'class="px" size="2" title="输入页码，按回车快速跳转" value="{shown}" />'
        f'<span title="共 {last} 页"> / {last} 页</span></label>{after}</div>'
    )


def _type(thread: Thread) -> str:
    return pick(open_stream("type", thread.tid), tuple(TYPES))


def _announcement() -> str:
    return (
        '<tbody>\n<tr>\n<td class="icn"><img src="static/image/common/ann_icon.gif" '
        'alt="公告" /></td>\n'
        '<th><strong class="xst">公告: <a href="forum.php?mod=announcement&id=1#1" target="_blank">'
        '版规</a></strong></th>\n<td class="by">\n<cite><a href="home.php?mod=space&uid=1" c="1">'
        'admin</a></cite>\n<em>2026-1-5</em>\n</td>\n<td class="num">&nbsp;</td>\n'
        '<td class="by">&nbsp;</td>\n</tr>\n</tbody>\n'
    )


def _separator() -> str:
    return (
        '<tbody id="separatorline">\n<tr class="ts">\n<td>&nbsp;</td>\n<th><a href="javascript:;" '
        'onclick="checkForumnew_btn(\'36\')" title="查看更新" class="forumrefresh">'
        "版块主题</a></th>\n"
        "<td>&nbsp;</td>\n<td>&nbsp;</td>\n<td>&nbsp;</td>\n</tr>\n</tbody>\n"
    )


def _row(forum: Forum, thread: Thread, now: int, kind: str) -> str:
    tid, typeid, opening = thread.tid, _type(thread), thread.opening
    link = f"forum.php?mod=viewthread&tid={tid}&extra=page%3D1"
    pages = "".join(
        f'<a href="{link}&page={n}">{n}</a>' for n in range(2, min(thread.page_count, 7) + 1)
    )
    more = f'<span class="tps">&nbsp;...{pages}</span>\n' if pages else ""
    uid, poster = forum.uid_of(opening), nick(forum.uid_of(thread.last))
    today = ' class="xi1"' if now - opening.at < DAY else ""
    name = quote(poster.encode("gbk"))
    return (
        f'<tbody id="{kind}_{tid}">\n<tr>\n<td class="icn">\n<a href="{link}" title="新窗口打开" '
        'target="_blank">\n<img src="static/image/common/folder_new.gif" />\n</a>\n</td>\n'
        f'<th class="new">\n<a href="javascript:;" id="content_{tid}" class="showcontent y" '
        'title="更多操作"></a>\n'
        f'<em>[<a href="forum.php?mod=forumdisplay&fid={forum.place.address}&amp;filter=typeid&amp;'
        f'typeid={typeid}">{TYPES[typeid]}</a>]</em> <a href="{link}" onclick="atarget(this)" '
        f'class="s xst">{escape(opening.saying_at(now).title or "")}</a>\n{more}</th>\n'
        f'<td class="by">\n<cite>\n<a href="home.php?mod=space&uid={uid}" c="1">'
        f"{escape(nick(uid))}</a></cite>\n<em><span{today}>"
        f"{spoken(opening.at, now, day(opening.at))}</span></em>\n</td>\n"
        f'<td class="num"><a href="{link}" class="xi2">{len(thread.replies)}</a>'
        f'<em>{views(thread, now)}</em></td>\n<td class="by">\n<cite><a href="home.php?mod=space&'
        f'username={name}" c="1">{escape(poster)}</a></cite>\n'
        f'<em><a href="forum.php?mod=redirect&tid={tid}&goto=lastpost#lastpost">'
        f"{spoken(thread.last.at, now, stamp(thread.last.at))}</a></em>\n</td>\n</tr>\n</tbody>\n"
    )


def _moved_row(beside: Thread, now: int) -> str:
    """Leave the row of a thread that stands in another forum now; its stub has its own number."""
    link = f"forum.php?mod=viewthread&tid={MOVED_TID}&extra=page%3D1"
    at = beside.last.at
    return (
        f'<tbody id="normalthread_{int(MOVED_TID) + 7}">\n<tr>\n<td class="icn">\n<a href="{link}" '
        'title="移动的主题" target="_blank"><img src="static/image/common/folder_lock.gif" /></a>\n'
        f'</td>\n<th class="lock">\n移动:\n<a href="{link}" class="s xst">团购放到交易区</a>'
        f"\n</th>\n"
        '<td class="by">\n<cite>\n<a href="home.php?mod=space&uid=7" c="1">mod</a></cite>\n'
        f'<em><span>{spoken(at, now, day(at))}</span></em>\n</td>\n<td class="num">-<em>'
        f"-</em></td>\n"
        '<td class="by">\n<cite><a href="home.php?mod=space&username=mod" c="1">mod</a></cite>\n'
        f"<em>{spoken(at, now, stamp(at))}</em>\n</td>\n</tr>\n</tbody>\n"
    )


def _post(forum: Forum, thread: Thread, post: Post, floor: int, now: int, *, robot: bool) -> str:
    pid, uid = forum.pids[id(post)], forum.uid_of(post)
    link = f"forum.php?mod=redirect&goto=findpost&ptid={thread.tid}&pid={pid}"
    name = FLOORS.get(floor, f"<em>{floor}</em><sup>#</sup>")
    anchor = f'<strong>\n<a href="{link}" id="postnum{pid}">\n{name}</a>\n</strong>\n'
    only = (
        f'<span class="pipe">|</span><a href="forum.php?mod=viewthread&amp;tid={thread.tid}&amp;'
        f'page=1&amp;authorid={uid}" rel="nofollow">只看该作者</a>\n'
    )
    return (
        f'<div id="post_{pid}" ><table id="pid{pid}" class="plhin" summary="pid{pid}" '
        'cellspacing="0" cellpadding="0">\n<tr>\n<td class="pls" rowspan="2">\n'
        f'<div id="favatar{pid}" class="pls cl favatar">\n<div class="pi">\n<div class="authi">'
        f'<a href="home.php?mod=space&amp;uid={uid}" target="_blank" class="xw1">'
        f"{escape(nick(uid))}"
        f'</a>\n</div>\n</div>\n</div>\n</td>\n<td class="plc">\n<div class="pi">\n'
        f'{"" if robot else anchor}<div class="pti">\n<div class="pdbt">\n</div>\n'
        f'<div class="authi">\n<img class="authicn vm" id="authicon{pid}" '
        'src="static/image/common/online_member.gif" />\n'
        f'<em id="authorposton{pid}">发表于 '
        f"{spoken(post.at, now, stamp(post.at, seconds=True))}</em>\n"
        f"{'' if robot else only}</div>\n</div>\n</div>"
        f'<div class="pct"><style type="text/css">.pcb{{margin-right:0}}</style><div class="pcb">\n'
        '<div class="t_fsz">\n<table cellspacing="0" cellpadding="0"><tr>'
        f'<td class="t_f" id="postmessage_{pid}">\n{_message(forum, thread, post, now)}</td></tr>'
        f'</table>\n{_attachment(post)}</div>\n<div id="comment_{pid}" class="cm">\n</div>\n'
        f'{_ratings(post, pid, now)}<div id="post_rate_div_{pid}"></div>\n</div>\n</div>\n\n</td>'
        "</tr>\n</table>\n</div>\n"
    )


def _message(forum: Forum, thread: Thread, post: Post, now: int) -> str:
    """Write the words with their edit mark, a quote, and signs nobody sees between the lines."""
    noise = open_stream("jammer", post.post_id, now)
    parts = []
    if post.edited_at is not None and post.edited_at <= now:
        parts.append(
            f'<i class="pstatus"> 本帖最后由 {escape(nick(forum.uid_of(post)))} 于 '
            f"{stamp(post.edited_at)} 编辑 </i><br />\r\n<br />\r\n"
        )
    parts.extend(_quote(forum, thread, post, now))
    lines = escape(post.saying_at(now).body).split("\n")
    parts.append("".join(f"{line}{_break(noise)}" for line in lines[:-1]) + lines[-1])
    return "".join(parts)


def _break(noise: Random) -> str:
    """End a line, now and then with random signs that only a copyist sees."""
    if not happens(noise, 0.5):
        return "<br />\r\n"
    pairs = between(noise, 5, 15)
    signs = escape("".join(f"{pick(noise, _JAMMER)} {pick(noise, _JAMMER)}" for _ in range(pairs)))
    if happens(noise, 0.5):
        return f'<font class="jammer">{signs}</font><br />\r\n'
    return f'<br />\r\n<span style="display:none">{signs}</span>'


def quoted_by(thread: Thread, post: Post) -> Post | None:
    """Return the post that a reply quotes: a complaint that is answered, or the one before."""
    if post.answers is not None and post.answers in thread.replies:
        return post.answers
    place = thread.posts.index(post)
    does = happens(open_stream("quotes", post.post_id), 0.2)
    return thread.posts[place - 1] if place > 1 and does else None


def _quote(forum: Forum, thread: Thread, post: Post, now: int) -> Iterator[str]:
    quoted = None if post is thread.opening else quoted_by(thread, post)
    if quoted is not None:
        pid, name = forum.pids[id(quoted)], escape(nick(forum.uid_of(quoted)))
        said = escape(quoted.saying_at(now).body[:60])
        yield (
            '<div class="quote"><blockquote><font size="2"><a href="forum.php?mod=redirect&amp;'
            f'goto=findpost&amp;pid={pid}&amp;ptid={thread.tid}" target="_blank">'
            f'<font color="#999999">{name} 发表于 {stamp(quoted.at)}</font></a></font><br />\r\n'
            f"{said}</blockquote></div><br />\r\n"
        )


def _attachment(post: Post) -> str:
    if not happens(open_stream("attached", post.post_id), 0.1):
        return ""
    return (
        '<div class="attach_nopermission attach_tips">\n<div>\n<h3><strong>'
        "本帖子中包含更多资源</strong>"
        '</h3>\n<p>您需要 <a href="member.php?mod=logging&amp;action=login">登录</a> '
        "才可以下载或查看，"
        "没有帐号？</p>\n</div>\n</div>\n"
    )


def _ratings(post: Post, pid: int, now: int) -> str:
    """Show who rated a post, one more every day for a while."""
    stream = open_stream("rated", post.post_id)
    if not (post.opens_thread and happens(stream, 0.2)):
        return ""
    people = min(between(stream, 1, 4), (now - post.at) // DAY)
    if people < 1:
        return ""
    rows = "".join(
        f'<tr id="rate_{pid}_{n}">\n<td>\n<a href="home.php?mod=space&amp;uid={900 + n}">'
        f"{nick(str(n))}"
        f'</a></td><td class="xi1"> + {n}</td>\n<td class="xg1">很给力!</td>\n</tr>\n'
        for n in range(1, people + 1)
    )
    return (
        f'<h3 class="psth xs1"><span class="icon_ring vm"></span>评分</h3>\n<dl id="ratelog_{pid}" '
        'class="rate">\n<dd style="margin:0">\n<table class="ratl">\n<tr>\n<th class="xw1" '
        'width="80">'
        f'<a href="forum.php?mod=misc&amp;action=viewratings">参与人数 <span class="xi1">'
        f"{people}</span>"
        '</a></th><th class="xw1" width="80">威望 <i><span class="xi1">'
        f"+{people * (people + 1) // 2}</span></i></th>\n</tr>\n"
        f'<tbody class="ratl_l">{rows}</tbody>\n</table>\n</dd>\n</dl>\n'
    )
