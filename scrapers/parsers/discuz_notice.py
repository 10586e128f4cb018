"""What a Discuz site says instead of a page, always with status 200."""

from __future__ import annotations

import re
from enum import StrEnum

from parsel import Selector


class Notice(StrEnum):
    """What a message means for whoever reads."""

    GONE = "gone"  # the thread is no longer there, or not yet
    NO_FORUM = "no_forum"
    LOGIN = "login"  # members only
    PERMISSION = "permission"  # this thread is for some members only
    FLOOD = "flood"  # too many requests, or too busy: later
    CLOSED = "closed"
    UNKNOWN = "unknown"


# The first that fits counts; the names are those that the mobile interface gives instead of words.
MEANINGS: dict[Notice, tuple[str, ...]] = {
    Notice.GONE: (
        r"指定的(?:主题|主題|帖子).{0,12}不存在",
        r"主[题題].{0,6}已被[删刪]除",
        r"thread_nonexistence",
        r"post_not_found",
    ),
    Notice.NO_FORUM: (r"指定的版[块塊]不存在", r"forum_nonexistence"),
    Notice.FLOOD: (
        r"(?:请求|請求|操作|刷新|访问|訪問).{0,8}(?:频繁|頻繁|过快|過快|过于|過於)",
        r"两次|兩次",
        r"服[务務]器.{0,4}(?:繁忙|忙碌)",
        r"[负負][载載][过過]高",
        r"稍[后後]再",
        r"flood",
        r"too_busy",
    ),
    Notice.CLOSED: (
        r"(?:站[点點]|[论論][坛壇]|本站).{0,8}(?:[关關][闭閉]|[维維][护護]|升[级級])",
        r"board_closed",
        r"mobile_is_closed",
    ),
    Notice.PERMISSION: (
        r"[阅閱][读讀][权權]限",
        r"thread_nopermission",
        r"密[码碼].{0,6}(?:访问|訪問|[查浏]|瀏)",
    ),
    Notice.LOGIN: (
        r"登[录錄入]|游客|遊客|用[户戶][组組]",
        r"[没沒]有[权權]限",
        r"not_loggedin|nopermission|to_login",
    ),
}
PATTERNS = tuple((notice, re.compile("|".join(said), re.I)) for notice, said in MEANINGS.items())
WHERE = "#messagetext, div.alert_error, div.alert_info, div.alert_right, div.jump_c"
COOKIE_PUZZLE = re.compile(r"_dsign=|document\.cookie\s*=.{0,400}location", re.S)


def find_notice(page: Selector) -> tuple[Notice, str] | None:
    """Return what a message page means and says; None when the page is none."""
    boxes = page.css(WHERE)
    if not boxes:
        return None
    paragraphs = boxes[0].css("p:not(.alert_btnleft)")
    said = (paragraphs[0] if paragraphs else boxes[0]).xpath("string()").get() or ""
    text = " ".join(said.split())
    return classify(text), text


def classify(said: str) -> Notice:
    """Tell what a message means by its words or by its name."""
    return next((n for n, pattern in PATTERNS if pattern.search(said)), Notice.UNKNOWN)


def is_puzzle(text: str) -> bool:
    """Whether a page holds nothing but a script that sends the reader on with a cookie."""
    return len(text) < 20_000 and COOKIE_PUZZLE.search(text) is not None
