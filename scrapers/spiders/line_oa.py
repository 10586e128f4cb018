"""LINE: friends and deliveries of an official account, day by day; nobody is heard there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

from scrapy.http import Response

from scrapers.access.calls import Answer, Call, Problem, Steps, Trouble
from scrapers.access.cursor import CursorVisit
from scrapers.access.gauge import GaugeSpider
from scrapers.errors import SiteChangedError
from scrapers.parsers import line_oa as parse
from scrapers.parsers.json_record import JsonRecord
from scrapers.records import ChannelRecord

AN_HOUR = 3600.0  # insights are limited by the hour
PARTS = "insight/demographic"


class LineOaSpider(GaugeSpider):
    """Net friends are the audience: who ever added the account, less who blocks it."""

    name = "line_oa"
    zone = parse.ZONE
    people = frozenset({"userId", "pictureUrl"})

    def opening(self, visit: CursorVisit) -> Iterator[Call]:
        yield Call("info", self.read_info)
        for day in self.days(visit):
            read = partial(self.read_followers, day=day)
            yield Call("insight/followers", read, {"date": parse.printed(day)})
        yield Call(PARTS, self.read_parts)

    def find_error(self, data: Any, response: Response) -> Problem | None:
        problem = super().find_error(data, response)
        is_limit = problem is not None and problem.kind is Trouble.LIMITED
        return replace(problem, wait=AN_HOUR) if problem and is_limit else problem

    def rescue(self, visit: CursorVisit, call: Call, problem: Problem) -> Steps | None:
        """Go without what the account is made of, where LINE does not tell it."""
        if call.path != PARTS or problem.kind is not Trouble.REFUSED:
            return None
        visit.notes.append(f"no demographics: {problem.code}: {problem.message}")
        return iter(())

    def read_info(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        """Make sure that the token is this account's, for insights name none."""
        info = JsonRecord(answer.data, self.people)
        ids = {info.text("basicId"), info.text("premiumId")}
        if visit.channel.address not in ids:
            told = " or ".join(sorted(filter(None, ids))) or "nobody"
            raise SiteChangedError(
                f"line_oa: channels.{visit.channel.id}.address: expected {told}, whose token this "
                f"is; found {visit.channel.address}"
            )
        visit.facts["title"] = info.text("displayName")
        yield from ()

    def read_followers(self, answer: Answer, visit: CursorVisit, *, day: date) -> Iterator[Call]:
        told = JsonRecord(answer.data)
        status = told.text("status")
        if status != parse.READY:
            self.leave(visit, day, status or "no status")
            return
        if told.take("followers") is None:  # an answer to another question is ready, too
            self.leave(visit, day, "ready, and no word of followers")
            return
        read = partial(self.read_delivery, day=day, followers=told)
        yield Call("insight/message/delivery", read, {"date": parse.printed(day)})

    def read_delivery(
        self, answer: Answer, visit: CursorVisit, *, day: date, followers: JsonRecord
    ) -> Iterator[ChannelRecord]:
        """Land a day; its deliveries are left out as long as they are not ready."""
        sent = JsonRecord(answer.data)
        is_ready = sent.text("status") == parse.READY
        friends = parse.friends(followers)
        self.tell(visit, day)
        yield ChannelRecord(
            channel_id=visit.channel.id,
            observed_at=self.end_of(day),
            title=visit.facts.get("title"),
            fan_count=friends,
            fan_count_how=None if friends is None else "exact",
            counters=(
                *parse.counters(followers, parse.FOLLOWERS),
                *(parse.counters(sent, parse.DELIVERIES) if is_ready else ()),
            ),
            raw={**followers.raw, "delivery": sent.raw},
            unread=followers.unread | sent.unread,
        )

    def read_parts(self, answer: Answer, visit: CursorVisit) -> Iterator[ChannelRecord]:
        """Land what the friends are made of now, where LINE tells it."""
        told = JsonRecord(answer.data)
        if told.take("available") is not True:
            visit.notes.append("no demographics: there are too few friends, or none are told here")
            return
        yield ChannelRecord(
            channel_id=visit.channel.id,
            observed_at=self.job.clock()(),
            title=visit.facts.get("title"),
            counters=parse.shares(told),
            raw=told.raw,
            unread=told.unread,
        )
