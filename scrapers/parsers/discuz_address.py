"""Where the pages of a Discuz forum lie: X with plain or rewritten addresses, 7.2, the plugin.

How a channel's address is spelled says which of them its site uses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl, urlencode, urlsplit

REWRITTEN = re.compile(r"/forum-(\d+)-\d+\.html$")
FORGOTTEN = frozenset({"mod", "fid", "page", "extra", "sid", "fromuid", "highlight", "_dsign"})
API = "api/mobile/index.php"


@dataclass(frozen=True)
class ForumAddress:
    """A forum of a site; `root` ends with a slash, `kept` are words of its query, as a filter."""

    root: str
    fid: str
    is_rewritten: bool = False
    is_old: bool = False
    kept: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, url: str) -> Self:
        """Read the address of a list page; `ValueError` when it names no forum."""
        parts = urlsplit(url)
        root = f"{parts.scheme}://{parts.netloc}{parts.path.rpartition('/')[0]}/"
        rewritten = REWRITTEN.search(parts.path)
        if rewritten:
            return cls(root, rewritten[1], is_rewritten=True)
        asked = parse_qsl(parts.query)
        fid = dict(asked).get("fid", "")
        if not fid.isdecimal():
            raise ValueError(
                "expected the address of a forum's list, such as "
                f"https://…/forum.php?mod=forumdisplay&fid=36, found {parts.path!r:.80}"
            )
        kept = tuple((name, value) for name, value in asked if name not in FORGOTTEN)
        return cls(root, fid, is_old=parts.path.endswith("/forumdisplay.php"), kept=kept)

    def forum(self, page: int = 1) -> str:
        """Return where a page of the list lies."""
        if self.is_rewritten:
            return f"{self.root}forum-{self.fid}-{page}.html"
        asked = [("fid", self.fid), *self.kept, ("page", str(page))]
        if self.is_old:
            return f"{self.root}forumdisplay.php?{urlencode(asked)}"
        return f"{self.root}forum.php?{urlencode([('mod', 'forumdisplay'), *asked])}"

    def thread(self, tid: str, page: int = 1) -> str:
        """Return where a page of a thread lies."""
        if self.is_rewritten:
            return f"{self.root}thread-{tid}-{page}-1.html"
        if self.is_old:
            return f"{self.root}viewthread.php?tid={tid}&page={page}"
        return f"{self.root}forum.php?mod=viewthread&tid={tid}&page={page}"

    def post(self, tid: str, pid: str) -> str:
        """Return the lasting address of a post, whatever page it stands on."""
        script = "redirect.php?" if self.is_old else "forum.php?mod=redirect&"
        return f"{self.root}{script}goto=findpost&ptid={tid}&pid={pid}"

    def mobile_forum(self, page: int = 1) -> str:
        asked = [("fid", self.fid), *self.kept, ("page", str(page))]
        return (
            f"{self.root}{API}?{urlencode([('version', '4'), ('module', 'forumdisplay'), *asked])}"
        )

    def mobile_thread(self, tid: str, page: int = 1) -> str:
        return f"{self.root}{API}?version=4&module=viewthread&tid={tid}&page={page}"


def page_in(url: str) -> int:
    """Return the number of the page that an address asks for; 1 when it names none."""
    found = re.search(r"[?&]page=(\d{1,6})|/(?:forum|thread)-\d+-(\d{1,6})", url)
    return int(found[1] or found[2]) if found else 1
