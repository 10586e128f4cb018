"""YouTube: uploads of a channel with their statistics, comments and replies, by Data API v3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from scrapy.http import Response

from lake import Window
from lake.counters import parse_counter
from scrapers.access.calls import Answer, Call, Listed, Page, Problem
from scrapers.access.cursor import CursorSpider, CursorVisit
from scrapers.errors import SiteChangedError
from scrapers.known import KnownPost
from scrapers.parsers.json_record import JsonRecord
from scrapers.parsers.youtube import PEOPLE, read_error, read_time, subscribers, video_counters
from scrapers.records import ChannelRecord, PostRecord, dated

AT_ONCE = 50  # ids that one call takes
COMMENTS = "commentCount"
UPLOADS = "contentDetails.relatedPlaylists.uploads"
TOP = "snippet.topLevelComment"


class YoutubeSpider(CursorSpider):
    """Videos newest first, each with its comment threads; every call costs one unit."""

    name = "youtube"
    people = PEOPLE
    disorder = timedelta(days=14)  # uploads stand in the order in which they were added

    def opening(self, visit: CursorVisit) -> Iterator[Call]:
        address = visit.channel.address
        who = {"forHandle": address} if address.startswith("@") else {"id": address}
        yield Call(
            "channels", self.read_channel, {"part": "snippet,statistics,contentDetails", **who}
        )

    def timeline(self, visit: CursorVisit, part: Window) -> Call | None:  # noqa: ARG002
        uploads = visit.facts["uploads"]
        query = {"part": "contentDetails", "playlistId": uploads, "maxResults": AT_ONCE}
        return Call("playlistItems", self.read_uploads, query) if uploads else None

    def look_up(self, visit: CursorVisit, posts: Mapping[str, KnownPost]) -> Iterator[Call]:  # noqa: ARG002
        comments = [i for i, post in posts.items() if post.kind == "comment"]
        videos = [i for i, post in posts.items() if post.kind != "comment"]
        for ids in _batches(videos):
            yield self._videos(ids, lambda a, v: self.each(v, a.data["items"], self.video(v)))
        for ids in _batches(comments):
            query = {"part": "snippet", "id": ",".join(ids), "textFormat": "plainText"}
            yield Call("comments", self.read_comments, query, asked=ids)

    def find_error(self, data: Any, response: Response) -> Problem | None:
        return read_error(data) or super().find_error(data, response)

    def read_channel(self, answer: Answer, visit: CursorVisit) -> Iterator[ChannelRecord]:
        if not answer.data.get("items"):
            raise SiteChangedError(
                f"youtube: no channel {visit.channel.address!r}; expected an id UC… or a handle "
                f"@… in channels.{visit.channel.id}.address"
            )
        channel = JsonRecord(answer.data["items"][0], self.people)
        fans = subscribers(channel)
        has_videos = channel.take("statistics.videoCount") != "0"
        visit.facts["uploads"] = channel.text(UPLOADS) if has_videos else None
        channel.id("id")
        printed = channel.take("statistics.subscriberCount")
        yield ChannelRecord(
            channel_id=visit.channel.id,
            observed_at=self.job.clock()(),
            title=channel.text("snippet.title"),
            fan_count=None if fans["lo"] is None else int(printed),
            fan_count_how=fans["how"],
            counters=(
                fans,
                *(
                    parse_counter(name, channel.take(f"statistics.{name}"))
                    for name in ("viewCount", "videoCount")
                ),
            ),
            raw=channel.raw,
            unread=channel.unread,
        )

    def read_uploads(self, answer: Answer, visit: CursorVisit) -> Iterator[Call]:  # noqa: ARG002
        """Ask for the videos of a page of uploads, and keep their order and the way on."""
        items = [JsonRecord(item, self.people) for item in answer.data["items"]]
        order = {
            item.find_id("contentDetails.videoId") or item.id("snippet.resourceId.videoId"): (
                item.text("contentDetails.videoPublishedAt") or item.text("snippet.publishedAt")
            )
            for item in items
        }
        token = answer.data.get("nextPageToken")
        after = answer.call.turned(pageToken=token) if token else None

        def read(found: Answer, visit: CursorVisit) -> Iterator[Any]:
            read = list(self.each(visit, found.data["items"], self.video(visit)))
            yield from (one for one in read if not isinstance(one, PostRecord))
            videos = {one.post_id: one for one in read if isinstance(one, PostRecord)}
            listed = [self.listed(visit, videos[i], order[i]) for i in order if i in videos]
            yield Page(listed, after)

        yield self._videos(tuple(order), read, is_asking=False)

    def listed(self, visit: CursorVisit, video: PostRecord, printed: str | None) -> Listed:
        counts = {c["name"]: c["lo"] for c in video.counters or ()}
        query = {
            "part": "snippet,replies",
            "videoId": video.post_id,
            "maxResults": 100,
            "order": "time",
            "textFormat": "plainText",
        }
        threads = Call("commentThreads", self.read_threads, query, root=video.post_id)
        is_silent = counts[COMMENTS] is None or (
            counts[COMMENTS] == 0 and video.post_id not in visit.known_under
        )
        at = read_time(printed)
        return Listed(
            video, () if is_silent else (threads,), COMMENTS, listed_at=at.at if at else None
        )

    def read_threads(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        """Take top comments with up to five replies each, and ask for replies beyond these."""
        for step in self.each(visit, answer.data["items"], lambda item: self.thread(visit, item)):
            yield from step if isinstance(step, list) else [step]
        token = answer.data.get("nextPageToken")
        if token:
            yield answer.call.turned(pageToken=token)

    def thread(self, visit: CursorVisit, item: JsonRecord) -> list[Any]:
        thread_id, video = item.id("id"), item.find_id("snippet.videoId")
        shown = item.objects("replies.comments")
        count = parse_counter("replyCount", item.take("snippet.totalReplyCount"))
        top = JsonRecord(item.take(TOP), self.people)
        yielded: list[Any] = [self.comment(visit, top, video, item.unread, (count,))]
        if (count["lo"] or 0) <= len(shown):
            yielded += self.each(visit, shown, lambda reply: self.comment(visit, reply, video))
            return yielded
        query = {
            "part": "snippet",
            "parentId": thread_id,
            "maxResults": 100,
            "textFormat": "plainText",
        }
        return [*yielded, Call("comments", self.read_comments, query, root=video)]

    def read_comments(self, answer: Answer, visit: CursorVisit) -> Iterator[Any]:
        """Take comments by parent or by id; the answer does not always say of which video."""

        def read(item: JsonRecord) -> PostRecord:
            known = visit.known.get(item.id("id"))
            video = item.find_id("snippet.videoId") or answer.call.root
            return self.comment(visit, item, video or (known.root_id if known else None))

        yield from self.each(visit, answer.data["items"], read)
        token = answer.data.get("nextPageToken")
        if token:
            yield answer.call.turned(pageToken=token)

    def comment(
        self,
        visit: CursorVisit,
        item: JsonRecord,
        video: str | None,
        unread: frozenset[str] = frozenset(),
        counters: tuple[Any, ...] = (),
    ) -> PostRecord:
        """Read a comment; the plain text was asked for, so what is displayed is no HTML."""
        post_id, author = item.id("id"), item.find_id("snippet.authorChannelId.value")
        item.take("snippet.videoId")
        published = read_time(item.id("snippet.publishedAt"))
        updated = read_time(item.text("snippet.updatedAt"))
        was_edited = published and updated and updated.at > published.at
        likes = parse_counter("likeCount", item.take("snippet.likeCount"))
        return PostRecord(
            channel_id=visit.channel.id,
            post_id=post_id,
            kind="comment",
            parent_id=item.find_id("snippet.parentId") or video,
            root_id=video,
            author=author,
            body_text=item.text("snippet.textOriginal") or item.text("snippet.textDisplay"),
            url=f"{self.job.permalink_base}/watch?v={video}&lc={post_id}" if video else None,
            **dated(published),
            edited_at=updated.at if updated and was_edited else None,
            counters=(likes, *counters),
            raw=item.raw,
            unread=item.unread | unread,
        )

    def video(self, visit: CursorVisit) -> Any:
        """Return the reader of one video."""

        def read(item: JsonRecord) -> PostRecord:
            post_id = item.id("id")
            published = read_time(item.id("snippet.publishedAt"))
            tags = item.objects("snippet.tags")
            item.take("contentDetails.duration")
            return PostRecord(
                channel_id=visit.channel.id,
                post_id=post_id,
                kind="article",
                author=item.find_id("snippet.channelId"),
                title_text=item.text("snippet.title"),
                body_text=item.text("snippet.description"),
                url=f"{self.job.permalink_base}/watch?v={post_id}",
                tags=tuple(str(tag) for tag in tags) or None,
                **dated(published),
                counters=video_counters(item),
                raw=item.raw,
                unread=item.unread,
            )

        return read

    def _videos(self, ids: tuple[str, ...], read: Any, *, is_asking: bool = True) -> Call:
        query = {"part": "snippet,statistics,contentDetails", "id": ",".join(ids)}
        return Call("videos", read, query, asked=ids if is_asking else ())


def _batches(ids: list[str]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(ids), AT_ONCE):
        yield tuple(ids[start : start + AT_ONCE])
