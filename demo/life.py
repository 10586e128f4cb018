"""The town's days as they were lived: posts, replies and reactions with their later fate.

`Life.day(n)` tells one day by itself: nothing is carried over from the day before, so a story of
any length streams in the memory of one day. A reply picks its thread on a hash ring, so one more
thread moves only the replies beside it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from random import Random

from demo.cast import BRAND, BRANDS, MASTER, OFFICIAL, PLACE, PLACES, Brand, Place, Shape
from demo.days import DAY, date_of, day_at, midnight
from demo.draw import between, happens, open_stream, pick, pick_weighted, wait
from demo.people import Character, People, Role
from demo.phrases import (
    ADVERTS,
    APOLOGIES,
    BLOG_SUBJECTS,
    CRISIS_BODY,
    CRISIS_LINES,
    DEAL_SUBJECTS,
    GIVEAWAY,
    GIVEAWAY_LINES,
    INLINE_REPLIES,
    NEGATIVE,
    NEUTRAL,
    PAGE_POSTS,
    POSITIVE,
    STATEMENT,
    WAVE,
    WAVE_ENDINGS,
    Saying,
    Voice,
    under,
)
from demo.plan import CRISIS_DAY, WAVE_DAY, Cause, Plan, Slot, hour_of

HOUR = 3600
SPEAKING = (Shape.PAGE, Shape.WALL)  # places where the brand posts every day
NUMBERING = (*SPEAKING, Shape.COMMENTS, Shape.TALK)  # places whose replies bear a number


class Kind(StrEnum):
    """What a post is; the first three open a thread."""

    ARTICLE = "article"
    POST = "post"
    THREAD = "thread"
    PUSH = "push"
    COMMENT = "comment"


class Quirk(StrEnum):
    """What is odd about the way a post is shown."""

    HEADER_GONE = "header_gone"
    SYSTEM_HEADER = "system_header"
    SIGNATURE = "signature"
    QUOTE = "quote"
    RICH = "rich"
    DELETED_BY_MASTER = "deleted_by_master"
    NO_SPACE = "no_space"
    UNDATED = "undated"
    BORROWED_GUID = "borrowed_guid"


@dataclass(slots=True, eq=False)
class Post:
    """A planted post and all that will happen to it. Times are Unix seconds."""

    place: Place
    post_id: str
    kind: Kind
    author: int  # person, OFFICIAL or MASTER
    at: int
    saying: Saying
    parent: Post | None = None
    about: Post | None = None  # post that a comment feed's comment stands under, in another place
    answers: Post | None = None  # complaint that this official post answers
    edited_at: int | None = None
    later_saying: Saying | None = None
    gone_at: int | None = None
    tag: str = ""  # of a push
    cause: Cause = Cause.HABIT
    quirks: frozenset[Quirk] = frozenset()
    inline_reply: str | None = None

    @property
    def opens_thread(self) -> bool:
        return self.kind in (Kind.ARTICLE, Kind.POST, Kind.THREAD)

    @property
    def root(self) -> Post:
        return self if self.parent is None else self.parent.root

    def exists_at(self, at: int) -> bool:
        """Whether it can be read then: a reply goes with its thread."""
        here = self.at <= at and (self.gone_at is None or at < self.gone_at)
        return here and (self.parent is None or self.parent.exists_at(at))

    def saying_at(self, at: int) -> Saying:
        if self.later_saying is not None and self.edited_at is not None and self.edited_at <= at:
            return self.later_saying
        return self.saying


@dataclass(slots=True, eq=False)
class Reaction:
    """An act without words on a post of a page."""

    place: Place
    post: Post
    author: int
    kind: str
    at: int

    def exists_at(self, at: int) -> bool:
        return self.at <= at and self.post.exists_at(at)


@dataclass(slots=True)
class Day:
    """What was begun on one day; replies may carry a later date."""

    number: int
    posts: list[Post] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)


class Ring:
    """Threads to answer, each reached from an arc of its own."""

    def __init__(self, seed: int, threads: list[Post]) -> None:
        spots = ((open_stream(seed, "ring", post.post_id).random(), post) for post in threads)
        self._spots = sorted(spots, key=lambda spot: (spot[0], spot[1].post_id))
        self._places = [spot for spot, _ in self._spots]

    def choose(self, stream: Random) -> Post | None:
        draw = stream.random()
        if not self._spots:
            return None
        return self._spots[bisect_left(self._places, draw) % len(self._spots)][1]


class Life:
    """Tells the days of a town."""

    def __init__(self, people: People, first: int, last: int) -> None:
        self.people, self.first, self.last = people, first, last
        self.seed = people.seed
        self.crisis_day, self.wave_day = last - CRISIS_DAY, last - WAVE_DAY
        self.plan = Plan(people, first, last)

    def days(self) -> Iterator[Day]:
        for number in range(self.first, self.last + 1):
            yield self.day(number)

    def day(self, number: int) -> Day:
        """Everything that was begun on a day: threads first, then what they called forth."""
        told = Day(number)
        for place in PLACES:
            told.posts.extend(self.standing_threads(place, number))
        replies: list[tuple[Slot, Random, Character]] = []
        for slot in self.plan.on(number):
            stream = open_stream(self.seed, "act", number, *_name(slot))
            person = self.people.character(slot.person)
            if self._opens(stream, slot):
                told.posts.append(self._open_thread(stream, slot, person, number))
            else:
                replies.append((slot, stream, person))
        _tell_apart(told.posts)
        rings = {place.id: self._ring(place, number, told.posts) for place in PLACES}
        for slot, stream, person in replies:
            self._reply(told, rings[PLACES[slot.place].id], stream, slot, person)
        return told

    def standing_threads(self, place: Place, number: int) -> list[Post]:
        """Threads that a place opens by itself: official posts, daily threads, the crisis."""
        if not self.first <= number <= self.last:
            return []
        stream = open_stream(self.seed, "standing", place.id, number)
        if place.shape is Shape.BOARD:
            return [*_daily_thread(stream, place, number), *self._crisis_thread(place, number)]
        if place.shape in SPEAKING:
            return self._page_posts(stream, place, number)
        if place.shape is Shape.BLOG:
            return self._blog_posts(stream, place, number)
        return []

    def _opens(self, stream: Random, slot: Slot) -> bool:
        return happens(stream, PLACES[slot.place].opens) and slot.cause is Cause.HABIT

    def _open_thread(self, stream: Random, slot: Slot, person: Character, number: int) -> Post:
        place = PLACES[slot.place]
        at = midnight(number) + hour_of(stream)
        saying = self._write(stream, place, person, number)
        post = Post(
            place,
            _thread_id(place, slot, stream, at),
            _opening_kind(place),
            slot.person,
            at,
            saying,
        )
        _draw_fate(stream, post)
        return post

    def _write(self, stream: Random, place: Place, person: Character, number: int) -> Saying:
        voice = Voice(stream, is_simplified=place.is_simplified)
        share = {Shape.FORUM: 0.75, Shape.DEALS: 1.0}.get(place.shape, 0.5)
        brand = self._brand(stream, place, person) if happens(stream, share) else None
        mood = self._mood(stream, brand, person, number)
        if place.shape is Shape.DEALS and brand is not None:
            deal = voice.fill(pick(stream, DEAL_SUBJECTS), brand)
            return under(deal, voice.about(brand, NEUTRAL))
        return voice.article(brand, mood)

    def _brand(self, stream: Random, place: Place, person: Character) -> Brand:
        home, any_brand = stream.random(), pick(stream, BRANDS)
        if place.brand is not None and home < 0.85:
            return BRAND[place.brand]
        if person.leaning is not None and home < 0.60:
            return BRAND[person.leaning]
        return any_brand

    def _mood(self, stream: Random, brand: Brand | None, person: Character, number: int) -> str:
        good, bad = (0.38, 0.27)
        if brand is not None and brand.id == person.leaning:
            good, bad = (0.50, 0.17)
        if brand is not None and brand.is_own and 0 <= number - self.crisis_day <= 6:
            good, bad = (0.10, 0.65)
        weights = [(POSITIVE, good), (NEGATIVE, bad), (NEUTRAL, 1 - good - bad)]
        return pick_weighted(stream, weights)

    def _ring(self, place: Place, number: int, today: list[Post]) -> Ring:
        """Threads that a reply of the day may go to."""
        if place.shape in (Shape.BOARD, Shape.TALK):
            return Ring(self.seed, [post for post in today if post.place is place])
        if place.shape is Shape.COMMENTS:
            back, home = 14, PLACE["blog"]
        else:
            back, home = 3, place
        days = range(number - back, number + 1)
        return Ring(self.seed, [post for day in days for post in self.standing_threads(home, day)])

    def _reply(self, told: Day, ring: Ring, stream: Random, slot: Slot, person: Character) -> None:
        place = PLACES[slot.place]
        thread = self._thread_to_answer(ring, stream, slot)
        earliest = midnight(told.number) + hour_of(stream)
        if thread is None:
            return
        at = max(thread.at + 60 + int(wait(stream, 4 * HOUR)), earliest)
        if thread.place is place and happens(stream, 0.004):
            at += between(stream, 10, 40) * DAY  # somebody digs out an old thread
        if thread.gone_at is not None and at >= thread.gone_at:
            return
        if _only_reacts(stream, slot):
            today = self.standing_threads(place, told.number)[0]
            kind = pick_weighted(stream, [("like", 8.0), ("love", 2.0), ("angry", 1.0)])
            at = max(today.at + 60 + int(wait(stream, 4 * HOUR)), earliest)
            told.reactions.append(Reaction(place, today, slot.person, kind, at))
            return
        name = f"{told.number}-{slot.pack():x}"
        told.posts.extend(self._speak(stream, slot, person, thread, at, name))

    def _thread_to_answer(self, ring: Ring, stream: Random, slot: Slot) -> Post | None:
        """Most go where the ring says; those whom the crisis brought go to its thread."""
        thread = ring.choose(stream)
        place = PLACES[slot.place]
        if slot.cause is Cause.CRISIS and place.shape is Shape.BOARD:
            crisis = self._crisis_thread(place, self.crisis_day)
            return crisis[0] if crisis else thread
        return thread

    def _speak(
        self, stream: Random, slot: Slot, person: Character, thread: Post, at: int, name: str
    ) -> Iterator[Post]:
        """The reply, its second line if it was too long, and the official answer if one comes."""
        place = PLACES[slot.place]
        saying = self._say(stream, place, slot, person, thread, at)
        kind = Kind.PUSH if place.shape is Shape.BOARD else Kind.COMMENT
        home = thread if thread.place is place else None  # the comment feed names no parent
        reply = Post(
            place, _reply_id(place, name), kind, slot.person, at, saying, home, cause=slot.cause
        )
        reply.about = thread
        reply.tag = _tag(stream, saying.mood) if kind is Kind.PUSH else ""
        reply.quirks = _reply_quirks(stream, place)
        fate, hours = stream.random(), between(stream, 1, 60)
        if fate < 0.006:
            reply.gone_at = at + hours * HOUR
        yield reply
        if kind is Kind.PUSH and slot.cause is Cause.HABIT and happens(stream, 0.07):
            yield self._second_line(stream, reply)
        yield from self._official_answer(stream, reply)

    def _say(
        self, stream: Random, place: Place, slot: Slot, person: Character, thread: Post, at: int
    ) -> Saying:
        voice = Voice(stream, is_simplified=place.is_simplified)
        if slot.cause is Cause.WAVE:
            return replace(WAVE, body=f"{WAVE.body}{pick(stream, WAVE_ENDINGS)}")
        if slot.cause is Cause.ADVERT:
            advert = voice.fill(pick(stream, ADVERTS), pick(stream, BRANDS))
            return replace(advert, noise="advertising")
        if slot.cause is Cause.ECHO:
            return voice.echo(BRANDS[0], POSITIVE)
        if slot.cause is Cause.CRISIS:
            line, intent = pick(stream, CRISIS_LINES)
            said = voice.fill(line, BRANDS[0])
            mood = NEUTRAL if line == "坐等新聞" else NEGATIVE
            return Saying(said.body, None, said.brands, said.nicknamed, mood, intent)
        if person.role is Role.HUNTER or thread.saying.body == GIVEAWAY:
            entry = voice.fill(pick(stream, GIVEAWAY_LINES), BRAND[place.brand or BRANDS[0].id])
            return replace(entry, noise="giveaway")
        share = 0.30 if place.shape is Shape.BOARD else 0.60
        brand = self._brand(stream, place, person) if happens(stream, share) else None
        return voice.sentence(brand, self._mood(stream, brand, person, day_at(at)))

    def _second_line(self, stream: Random, reply: Post) -> Post:
        saying = Voice(stream).chatter()
        second = Post(
            reply.place,
            f"{reply.post_id}-2",
            Kind.PUSH,
            reply.author,
            reply.at + 1,
            saying,
            reply.parent,
        )
        second.tag, second.gone_at = "→", reply.gone_at
        return second

    def _official_answer(self, stream: Random, reply: Post) -> Iterator[Post]:
        """Complaints about the own brand are answered where somebody listens, and not always."""
        answers, hours = happens(stream, 0.55), wait(stream, 9.0)
        saying = Saying(pick(stream, APOLOGIES))
        if not (answers and is_own_complaint(reply)) or reply.place.brand == "suiguang":
            return
        at = reply.at + 300 + int(hours * HOUR)
        root = reply.parent
        if root is not None and root.gone_at is not None and at >= root.gone_at:
            return
        parent = reply if reply.place.shape in SPEAKING else root
        post_id = _reply_id(reply.place, f"{reply.post_id}-a")
        answer = Post(reply.place, post_id, reply.kind, OFFICIAL, at, saying, parent)
        answer.tag = "→" if reply.kind is Kind.PUSH else ""
        answer.about, answer.answers = reply.about, reply
        yield answer

    def _page_posts(self, stream: Random, place: Place, number: int) -> list[Post]:
        day = date_of(number)
        voice = Voice(stream, is_simplified=place.is_simplified)
        template = GIVEAWAY if day.weekday() == 4 else pick(stream, PAGE_POSTS)
        if place.brand == "wuyu" and number == self.crisis_day + 1:
            template = STATEMENT
        noise = "giveaway" if template == GIVEAWAY else None
        saying = Saying(voice.fill(template).body, noise=noise)
        at = midnight(number) + between(stream, 11 * HOUR, 19 * HOUR)
        return [Post(place, page_post_id(place, number), Kind.POST, OFFICIAL, at, saying)]

    def _blog_posts(self, stream: Random, place: Place, number: int) -> list[Post]:
        if date_of(number).weekday() not in (1, 3):
            return []
        voice = Voice(stream)
        title = voice.fill(pick(stream, BLOG_SUBJECTS)).body
        body = "\n".join(voice.fill("我們在茶園裡慢慢等{d}熟成，第{n}天").body for _ in range(3))
        at = midnight(number) + between(stream, 9 * HOUR, 17 * HOUR)
        return [Post(place, f"{4000 + number}", Kind.ARTICLE, OFFICIAL, at, Saying(body, title))]

    def _crisis_thread(self, place: Place, number: int) -> list[Post]:
        """The thread that opened the crisis; the same however often it is asked for."""
        if number != self.crisis_day or not self.first <= number <= self.last:
            return []
        stream = open_stream(self.seed, "crisis", place.id)
        voice = Voice(stream)
        title = voice.fill("[爆卦] {b}喝到塑膠片", BRANDS[0])
        lines = [voice.fill(line, BRANDS[0]) for line in CRISIS_BODY]
        body = lines[0]
        for line in lines[1:]:
            body = body.plus(line, "\n\n")
        said = under(title, body)
        saying = Saying(said.body, said.title, said.brands, said.nicknamed, NEGATIVE, "complaint")
        at = midnight(number) + 20 * HOUR + 14 * 60 + between(stream, 0, 59)
        post_id = file_name(at, between(stream, 0, 4095))
        author = _victim(self.seed, self.people.size, place)
        return [Post(place, post_id, Kind.ARTICLE, author, at, saying, cause=Cause.CRISIS)]


def _only_reacts(stream: Random, slot: Slot) -> bool:
    """On pages more than half say it with a mark, under the day's post and once at most."""
    is_page, draw = PLACES[slot.place].shape is Shape.PAGE, stream.random()
    return is_page and slot.cause is Cause.HABIT and slot.ordinal == 0 and draw < 0.55


def _victim(seed: int, size: int, place: Place) -> int:
    """Who tells the story; somebody whom the board need not know as a member."""
    return between(open_stream(seed, "victim", place.id), 0, min(size, 50) - 1)


def is_own_complaint(post: Post) -> bool:
    """A complaint about the own brand by somebody else than its staff."""
    saying = post.saying
    return saying.intent == "complaint" and "wuyu" in saying.brands and post.author != OFFICIAL


def file_name(at: int, suffix: int) -> str:
    """PTT's name of an article: Unix seconds and twelve bits."""
    return f"M.{at}.A.{suffix:03X}"


def page_post_id(place: Place, number: int) -> str:
    return f"{place.address}_{number}"


def _name(slot: Slot) -> tuple[object, ...]:
    return slot.cause.name, PLACES[slot.place].id, slot.ordinal, slot.person


def _opening_kind(place: Place) -> Kind:
    return Kind.THREAD if place.shape in (Shape.FORUM, Shape.TALK) else Kind.ARTICLE


def _thread_id(place: Place, slot: Slot, stream: Random, at: int) -> str:
    suffix = between(stream, 0, 4095)
    if place.shape is Shape.BOARD:
        return file_name(at, suffix)
    return str((at // DAY % 10_000) * 1_000_000 + slot.person * 4 % 1_000_000 + slot.ordinal)


def _reply_id(place: Place, name: str) -> str:
    if place.shape not in NUMBERING:
        return name
    return str(between(open_stream("reply", place.id, name), 10**13, 10**14 - 1))


def _tag(stream: Random, mood: str) -> str:
    draw = stream.random()
    if mood == POSITIVE:
        return "推"
    if mood == NEGATIVE:
        return "噓" if draw < 0.7 else "→"
    return "推" if draw < 0.6 else "→"


def _tell_apart(posts: list[Post]) -> None:
    """Give threads that fell on one id, once in a great while, the next free one."""
    taken: set[tuple[str, str]] = set()
    for post in posts:
        while (post.place.id, post.post_id) in taken:
            post.post_id = _next_id(post.post_id)
        taken.add((post.place.id, post.post_id))


def _next_id(post_id: str) -> str:
    if post_id.startswith("M."):
        _, at, _, suffix = post_id.split(".")
        return file_name(int(at), (int(suffix, 16) + 1) % 4096)
    return str(int(post_id) + 1)


def _daily_thread(stream: Random, place: Place, number: int) -> list[Post]:
    day: date = date_of(number)
    at = midnight(number) + between(stream, 300, 1500)
    saying = Saying("今天想聊什麼都在這裡聊", f"[閒聊] {day.month}/{day.day} 每日閒聊文")
    post_id = file_name(at, between(stream, 0, 4095))
    quirk = frozenset([Quirk.SYSTEM_HEADER]) if day.weekday() == 0 else frozenset()
    return [Post(place, post_id, Kind.ARTICLE, MASTER, at, saying, quirks=quirk)]


def _draw_fate(stream: Random, post: Post) -> None:
    """Edits, deletion and looks of a thread; every draw is made whatever comes of it."""
    edited, edit_wait, gone, gone_wait = (stream.random() for _ in range(4))
    quirks = {
        quirk
        for quirk, share in _QUIRK_SHARES.get(post.place.shape, {}).items()
        if happens(stream, share)
    }
    if gone < 0.03:
        post.gone_at = post.at + int((0.5 + 70 * gone_wait) * HOUR)
    if edited < 0.09:
        post.edited_at = post.at + int((0.3 + 30 * edit_wait) * HOUR)
        post.later_saying = _add_to(stream, post)
        reply = pick(stream, INLINE_REPLIES)
        post.inline_reply = reply if edited < 0.045 else None
    post.quirks = frozenset(quirks)


def _add_to(stream: Random, post: Post) -> Saying:
    """What the text says after the edit; half of the edits name the brand once more."""
    voice = Voice(stream, is_simplified=post.place.is_simplified)
    brands = post.saying.brands
    brand = BRAND[brands[0]] if brands and happens(stream, 0.5) else None
    line = "補充：{b}已經回覆了" if brand is not None else "補充：更新一下後續"
    if voice.is_simplified:
        line = "补充：{b}已经回复了" if brand is not None else "补充：更新一下后续"
    return post.saying.plus(voice.fill(line, brand), "\n\n")


def _reply_quirks(stream: Random, place: Place) -> frozenset[Quirk]:
    draw = stream.random()
    if place.shape is Shape.BOARD and draw < 0.01:
        return frozenset([Quirk.NO_SPACE])
    if place.shape is Shape.COMMENTS and draw < 0.01:
        return frozenset([Quirk.UNDATED])
    return frozenset()


_QUIRK_SHARES: dict[Shape, dict[Quirk, float]] = {
    Shape.BOARD: {
        Quirk.HEADER_GONE: 0.02,
        Quirk.SIGNATURE: 0.15,
        Quirk.QUOTE: 0.10,
        Quirk.RICH: 0.08,
        Quirk.DELETED_BY_MASTER: 0.30,
    },
    Shape.ZINE: {Quirk.BORROWED_GUID: 0.02},
}
