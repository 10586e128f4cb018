"""PTT: boards of twenty articles a page, pushes under each article."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

from parsel import Selector
from scrapy.http import Response

from lake.counters import parse_counter
from scrapers.access.board import BoardPage, BoardSpider, BoardVisit, ThreadLink
from scrapers.access.channel import shown
from scrapers.errors import ParsingFailedError, SiteChangedError, SiteRefusedError
from scrapers.parsers.markup import is_cut_off
from scrapers.parsers.ptt_article import Article, Push, infer_push_times, parse_article
from scrapers.parsers.ptt_index import FILE_NAME, instant_in_file_name, parse_index, score
from scrapers.records import PostRecord

TAG_NAMES = {"推": "push", "噓": "boo", "→": "arrow"}
MOST_TORN = 20  # one character in so many
SAME_BREATH = timedelta(minutes=2)


class PttSpider(BoardSpider):
    """PTT boards: newest page first, twenty articles a page, pushes under each article."""

    name = "ptt"
    headers = {"Cookie": "over18=1"}  # noqa: RUF012  the public age button, pressed beforehand

    def read_board(self, response: Response, visit: BoardVisit) -> BoardPage:  # noqa: ARG002
        try:
            page = parse_index(_opened(response))
        except ParsingFailedError as error:
            raise SiteChangedError(f"{shown(response.url)}: {error}") from None
        if page is None:
            _refuse_age_gate(response)
            raise SiteChangedError(
                f"{shown(response.url)}: no list on a page of {len(response.body):,} bytes; "
                "expected div.r-list-container. The site may have changed: "
                "docs/runbook.md#changed-site"
            )
        if is_cut_off(response.body):
            raise SiteChangedError(
                f"{shown(response.url)}: the list breaks off after {len(response.body):,} bytes; "
                "expected </html>. Something on the way cut it: run again later"
            )
        links = [
            ThreadLink(
                post_id=row.file_name,
                url=urljoin(response.url, row.path),
                published_at=row.published_at,
                author=row.author,
                score=score(row.nrec),
                printed={"title": row.title, "nrec": row.nrec, "date": row.date, "mark": row.mark},
            )
            for row in reversed(page.rows)
        ]
        older = urljoin(response.url, page.previous_path) if page.previous_path else None
        return BoardPage(tuple(links), older)

    def read_thread(
        self, response: Response, visit: BoardVisit, link: ThreadLink
    ) -> Iterator[PostRecord]:
        page = _opened(response)
        article = parse_article(page)
        if article is None:
            _refuse_age_gate(response)
            raise ParsingFailedError(
                "unreadable_page",
                f"no article on a page of {len(response.body):,} bytes; expected #main-content",
            )
        _refuse_wrong_page(response, page, link)
        pushes = list(self._pushes(visit, link, article))
        if visit.is_wanted(link.published_at):
            torn = _torn(response.body)
            raw = {"undecoded_characters": torn} if torn else {}
            yield self._article(visit, link, article, pushes, raw)
        yield from pushes

    def thread_url(self, visit: BoardVisit, post_id: str) -> str:
        return urljoin(visit.channel.url, f"{post_id}.html")

    def opened_at(self, visit: BoardVisit, post_id: str) -> datetime | None:  # noqa: ARG002
        return instant_in_file_name(post_id) if FILE_NAME.match(post_id) else None

    def _article(
        self,
        visit: BoardVisit,
        link: ThreadLink,
        article: Article,
        pushes: list[PostRecord],
        raw: Mapping[str, Any],
    ) -> PostRecord:
        title = article.title or link.printed.get("title") or None
        raw = {**raw, **link.printed, **article.headers}
        raw.pop("作者", None)
        marks = [article.category, link.printed.get("mark")]
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=link.post_id,
            kind="repost" if article.is_repost else "article",
            parent_id=article.reposted_file,
            author=article.author if "作者" in article.headers else link.author,
            title_text=title,
            body_text=article.body,
            url=self._permalink(link),
            tags=tuple(mark for mark in marks if mark) or None,
            published_at=instant_in_file_name(link.post_id),
            published_precision="second",
            published_raw=article.time_raw,
            edited_at=article.edited_at,
            counters=(*([link.score] if link.score else []), *_tally(article, pushes)),
            is_truncated=article.is_truncated,
            raw=raw,
            unread=frozenset(article.headers) - {"作者", "標題", "時間"},
        )

    def _pushes(
        self, visit: BoardVisit, link: ThreadLink, article: Article
    ) -> Iterator[PostRecord]:
        """Yield the pushes of the window; behind the first that lies after it, none belongs."""
        not_after = None if self.job.is_replay else self.job.clock()()
        times = infer_push_times(
            link.published_at, [push.time_raw for push in article.pushes], not_after
        )
        ids = push_ids(link.post_id, article.pushes)
        starts = breath_starts(article.pushes, times)
        url = self._permalink(link)
        for push, at, post_id, start in zip(article.pushes, times, ids, starts, strict=True):
            if at is not None and at >= visit.channel.end:
                return
            if visit.is_wanted(at):
                yield PostRecord(
                    channel_id=visit.channel.id,
                    post_id=post_id,
                    kind="push",
                    parent_id=link.post_id,
                    root_id=link.post_id,
                    continues_id=None if ids[start] == post_id else ids[start],
                    author=push.author,
                    body_text=push.text,
                    url=url,
                    tags=(push.tag,) if push.tag else None,
                    published_at=at,
                    published_precision=None if at is None else "inferred",
                    published_raw=push.time_raw or None,
                    raw={"tag": push.tag, "time": push.time_raw},
                )

    def _permalink(self, link: ThreadLink) -> str:
        return urljoin(self.job.permalink_base or link.url, urlsplit(link.url).path)


def push_ids(file_name: str, pushes: tuple[Push, ...]) -> list[str]:
    """Name each push by what it says and when, and by how many equal ones stand above it.

    Positions move when one is deleted, so they cannot name anything. The person is left out of the
    name on purpose: whoever guesses an id could try it out.
    """
    seen: Counter[str] = Counter()
    ids = []
    for push in pushes:
        said = "\n".join((file_name, push.tag, push.text, push.time_raw))
        seen[said] += 1
        digest = hashlib.sha256(f"{said}\n{seen[said]}".encode("utf-8", "replace")).hexdigest()
        ids.append(f"{file_name}#{digest[:20]}")
    return ids


def breath_starts(pushes: tuple[Push, ...], times: list[datetime | None]) -> list[int]:
    """Say of each push at which position its comment began.

    A comment longer than a line becomes several pushes of the same person in a row, two minutes
    apart at most.
    """
    starts: list[int] = []
    for i, push in enumerate(pushes):
        at, before = times[i], times[i - 1] if i else None
        goes_on = (
            i > 0
            and push.author is not None
            and push.author == pushes[i - 1].author
            and at is not None
            and before is not None
            and timedelta(0) <= at - before <= SAME_BREATH
        )
        starts.append(starts[-1] if goes_on else i)
    return starts


def _tally(article: Article, pushes: list[PostRecord]) -> Iterator[dict[str, Any]]:
    """Count the lines under an article by mark; lines left out by the site may be more."""
    tags = Counter(push.tags[0] for push in pushes if push.tags)
    for tag, name in TAG_NAMES.items():
        printed = f"{tags[tag]}+" if article.is_truncated else tags[tag]
        yield dict(parse_counter(name, printed))


def _refuse_wrong_page(response: Response, page: Selector, link: ThreadLink) -> None:
    """Refuse half an article and another one's page, which a cache may hand out for the asked."""
    if is_cut_off(response.body):
        raise ParsingFailedError(
            "cut_off", f"the page breaks off after {len(response.body):,} bytes; expected </html>"
        )
    own = page.css('link[rel="canonical"]::attr(href)').get()
    if own and not own.endswith(f"/{link.post_id}.html"):
        raise ParsingFailedError(
            "wrong_thread", f"expected article {link.post_id}, found the page of {shown(own):.80}"
        )


def _opened(response: Response) -> Selector:
    """Parse a page as UTF-8, the one encoding of PTT, whatever a header on the way says.

    A character may be torn where the site cut a long page; more than that is another encoding.
    """
    text = response.body.decode("utf-8-sig", "replace")
    torn = _torn(response.body)
    wide = sum(c > "\x7f" for c in text) if torn else 0
    if torn * MOST_TORN > wide:
        raise ParsingFailedError(
            "not_utf8",
            f"expected UTF-8, PTT's only encoding, found {torn:,} of {wide:,} characters that are "
            "none; something on the way rewrites its pages: docs/runbook.md#changed-site",
        )
    return Selector(text=text or "<html></html>", type="html")


def _torn(body: bytes) -> int:
    """Count the characters of a page that are no UTF-8; authors may write U+FFFD themselves."""
    text = body.decode("utf-8", "replace")
    return text.count("\ufffd") - body.count("\ufffd".encode())


def _refuse_age_gate(response: Response) -> None:
    if "/ask/over18" in response.url:
        raise SiteRefusedError(
            f"{shown(response.url)}: the age gate came in spite of its cookie; the site "
            "changed how it asks, see docs/runbook.md#changed-site"
        )
