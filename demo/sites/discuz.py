"""The forum 茶语论坛: Discuz! X in GBK, and the mobile plugin beside it.

Whatever goes wrong is said with status 200. Pages beyond the end are others than those asked for.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from demo import discuz
from demo.cast import OFFICIAL
from demo.discuz import Forum
from demo.faults import Answer
from demo.life import Post
from demo.sites import Ask, Room, Site

# A program that says it is one of these is shown no floors and kept out of some scripts.
ROBOTS = re.compile(r"bot|crawl|spider|slurp|sohu-search|lycos|robozilla", re.I)
_HTML = {"Content-Type": "text/html; charset=gbk", "Server": "nginx", "X-Powered-By": "PHP/5.6.40"}
_JSON = {"Content-Type": "application/json"}


def open_site(room: Room) -> Site:
    return DiscuzSite(room)


class DiscuzSite:
    """Every page of the forum at any instant."""

    def __init__(self, room: Room) -> None:
        self.forums = {
            place.address: Forum(
                place,
                room.posts[place.id],
                lambda post: _uid(room, post),
                lambda now, place=place: room.fans_at(place, now),  # type: ignore[misc]
                f"https://bbs.chayu.example{room.root}",
            )
            for place in room.places
        }

    def answer(self, ask: Ask, now: int) -> Answer:
        asked = dict(parse_qsl(ask.query))
        page = int(asked["page"]) if asked.get("page", "").isdecimal() else 1
        if ask.path == "/api/mobile/index.php":
            return self._mobile(asked, page, now)
        if ask.path != "/forum.php":
            return Answer(404, b"<html><head><title>404 Not Found</title></head></html>", _HTML)
        if asked.get("mod") == "viewthread":
            is_robot = ROBOTS.search(ask.headers.get("user-agent", "")) is not None
            return self._thread(asked.get("tid", ""), page, now, is_robot=is_robot)
        return self._list(asked.get("fid", ""), page, now)

    def _list(self, fid: str, page: int, now: int) -> Answer:
        forum = self.forums.get(fid)
        if forum is None:
            return self._say(discuz.NO_FORUM, now)
        return _in_gbk(discuz.forum_page(forum, page, now))

    def _thread(self, tid: str, page: int, now: int, *, is_robot: bool) -> Answer:
        for forum in self.forums.values():
            thread = forum.thread(tid, now)
            if thread is not None:
                text = discuz.thread_page(forum, thread, page, now, robot=is_robot)
                return _in_gbk(text, _items(forum, thread, min(max(page, 1), thread.page_count)))
        return self._say(discuz.NO_THREAD, now)

    def _say(self, said: str, now: int) -> Answer:
        forum = next(iter(self.forums.values()))
        return _in_gbk(discuz.message_page(forum, said, now))

    def _mobile(self, asked: dict[str, str], page: int, now: int) -> Answer:
        if asked.get("module") == "forumdisplay":
            forum = self.forums.get(asked.get("fid", ""))
            if forum is None:
                text = discuz.mobile_message("forum_nonexistence", discuz.NO_FORUM)
            else:
                text = discuz.mobile_forum(forum, page, now)
            return Answer(200, text.encode(), dict(_JSON))
        for forum in self.forums.values():
            thread = forum.thread(asked.get("tid", ""), now)
            if thread is not None:
                text = discuz.mobile_thread(forum, thread, page, now)
                return Answer(200, text.encode(), dict(_JSON), _items(forum, thread, page))
        text = discuz.mobile_message("thread_nonexistence", discuz.NO_THREAD)
        return Answer(200, text.encode(), dict(_JSON))


def _items(forum: Forum, thread: discuz.Thread, page: int) -> tuple[str, ...]:
    first = (page - 1) * discuz.POSTS_A_PAGE
    return tuple(forum.id_of(p) for p in thread.posts[first : first + discuz.POSTS_A_PAGE])


def _in_gbk(text: str, items: tuple[str, ...] = ()) -> Answer:
    """Encode as the site does: what GBK lacks becomes an entity."""
    return Answer(200, text.encode("gbk", "xmlcharrefreplace"), dict(_HTML), items)


def _uid(room: Room, post: Post) -> str:
    """Return the account number; the brand's own account has a small one."""
    return post.place.official or "" if post.author == OFFICIAL else room.name_of(post)
