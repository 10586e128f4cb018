"""WeChat: followers, readers and articles of an official account, day by day; nobody is heard."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from scrapy.http import Response

from scrapers.access.calls import Answer, Call, Problem, Steps, Trouble
from scrapers.access.cursor import CursorVisit
from scrapers.access.gauge import A_DAY, GaugeSpider
from scrapers.access.secrets import variable_of
from scrapers.parsers import wechat_oa as parse
from scrapers.parsers.json_record import JsonRecord
from scrapers.parsers.wechat_oa import DayTold
from scrapers.records import ChannelRecord, PostRecord, Refused

ISSUER = "cgi-bin/stable_token"
A_MINUTE = 60.0  # in which calls of one kind are counted
PART = 30  # days that are asked for and landed together


class WechatOaSpider(GaugeSpider):
    """Whoever follows is the audience; of articles their numbers are told, and never their words.

    They are asked for until a month after an article was published. One that an answer leaves out
    is not gone: what nobody reads is not told.
    """

    name = "wechat_oa"
    zone = parse.ZONE

    def opening(self, visit: CursorVisit) -> Iterator[Any]:
        yield self.token_call(visit)
        yield from self.questions(parse.ARTICLES, self.days_before(visit))
        for part in parse.spans(self.days(visit), PART):
            for name in parse.LONGEST:
                yield from self.questions(name, part)
            yield partial(self.land_days, part=part)

    def decode(self, response: Response) -> Any:
        """Read JSON; a token that is told once more must not be washed out of its own answer."""
        if urlsplit(response.url).path.endswith(ISSUER):
            with suppress(ValueError, RecursionError):
                return json.loads(response.body)
        return super().decode(response)

    def find_error(self, data: Any, response: Response) -> Problem | None:
        problem = parse.read_error(data) or super().find_error(data, response)
        is_limit = problem is not None and problem.kind is Trouble.LIMITED
        return replace(problem, wait=A_MINUTE) if problem and is_limit else problem

    def rescue(self, visit: CursorVisit, call: Call, problem: Problem) -> Steps | None:
        """Get another token once for a call; go without what the account may not ask for."""
        name, asked = call.path.rpartition("/")[2], (call.path, call.body)
        if problem.code in parse.OF_THE_TOKEN and call.is_signed:
            if visit.facts.get("renewed_for") == asked:
                return None
            visit.facts["renewed_for"] = asked
            return iter([self.token_call(visit, renew=problem.code != parse.EXPIRED), call])
        if problem.kind is not Trouble.REFUSED or name in (parse.CUMULATE, "stable_token"):
            return None
        if name not in visit.facts.setdefault("refused", set()):
            visit.facts["refused"].add(name)
            visit.notes.append(f"no {name}: {problem.code}: {problem.message}")
        return iter(())

    def token_call(self, visit: CursorVisit, *, renew: bool = False) -> Call:
        """Return the call for a token: the one in force, or a new one that ends all others.

        Of new ones an account gets twenty a day, so they are for a token that was refused.
        """
        assert self.job.auth is not None
        secret = self.secrets.named(variable_of(self.job.auth, visit.channel.options))
        app_id = self.secrets.named(self.job.auth.more_variables["app_id"])
        body = {
            "grant_type": "client_credential",
            "appid": visit.channel.options.get("app_id") or app_id,
            "secret": secret,
            "force_refresh": renew,
        }
        return Call(ISSUER, self.read_token, body=body, is_signed=False)

    def read_token(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        self.secrets.give(visit.channel, JsonRecord(answer.data).id("access_token"))
        yield from ()

    def days_before(self, visit: CursorVisit) -> list[date]:
        """Return the days before the window of which the articles are still counted."""
        since = max(self.horizon(visit), visit.channel.floor)
        first, in_window = since.astimezone(self.zone).date(), self.days(visit)
        count = (in_window[0] - first).days if in_window else 0
        return [first + number * A_DAY for number in range(count)]

    def questions(self, name: str, days: Sequence[date]) -> Iterator[Any]:
        """Yield a step for each part of the days that one call may ask for."""
        told = [day for day in days if day >= parse.first_day(name)]
        for part in parse.spans(told, parse.LONGEST[name]):
            yield partial(self.ask, name=name, days=part)

    def ask(self, visit: CursorVisit, *, name: str, days: Sequence[date]) -> Iterator[Call]:
        """Yield the call, unless its kind was refused before."""
        if name in visit.facts.get("refused", ()):
            return
        read = self.read_articles if name == parse.ARTICLES else partial(self.read_days, name=name)
        body = {"begin_date": days[0].isoformat(), "end_date": days[-1].isoformat()}
        yield Call(f"datacube/{name}", read, body=body)

    def read_days(self, answer: Answer, visit: CursorVisit, *, name: str) -> Iterator[Refused]:
        """Keep what is told of days until every call about them has answered."""
        days: dict[date, DayTold] = visit.facts.setdefault("days", {})
        self._note_delay(answer, visit, name)

        def read(row: JsonRecord) -> None:
            day = parse.day_of(row).at.astimezone(self.zone).date()
            parse.read_day(name, row, days.setdefault(day, DayTold()))

        rows = self.each(visit, answer.data["list"], read, table="channels")
        yield from (row for row in rows if row is not None)

    def land_days(self, visit: CursorVisit, *, part: Sequence[date]) -> Iterator[ChannelRecord]:
        """Land the days of which the followers were told; without them a day is not told yet."""
        days: dict[date, DayTold] = visit.facts.pop("days", {})
        for day in part:
            told = days.get(day, DayTold())
            if told.fans is None:
                self.leave(visit, day, "no followers told")
                continue
            self.tell(visit, day)
            yield ChannelRecord(
                channel_id=visit.channel.id,
                observed_at=self.end_of(day),
                fan_count=told.fans,
                fan_count_how="exact",
                counters=tuple(told.counters),
                raw=told.raw,
                unread=frozenset(told.unread),
            )

    def read_articles(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        self._note_delay(answer, visit, parse.ARTICLES)
        yield from self.each(visit, answer.data["list"], partial(self.article, visit))

    def article(self, visit: CursorVisit, item: JsonRecord) -> PostRecord:
        """Read an article, which is known by its message and its place in it: `2247490098_1`."""
        published = parse.day_of(item)
        counters, unknown = parse.article_counters(item)
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=item.id("msgid"),
            kind="article",
            author=visit.channel.address,
            title_text=item.text("title"),
            url=item.text("content_url"),
            published_at=published.at,
            published_precision=published.precision,
            published_raw=published.raw,
            counters=counters,
            is_excerpt=True,  # the words of an article are not told
            raw=item.raw,
            unread=item.unread | unknown,
        )

    def _note_delay(self, answer: Answer, visit: CursorVisit, name: str) -> None:
        note = f"{name} says that its numbers are late"
        if answer.data.get("is_delay") is True and note not in visit.notes:
            visit.notes.append(note)
