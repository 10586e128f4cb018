"""What a reader can know, and what only the town knows."""

from __future__ import annotations

from datetime import date

from demo.life import Quirk
from demo.phrases import Saying
from demo.sights import Reader, Witness
from tests.demo.planting import Planted, at

DAY = date(2026, 6, 1)
NOW = at(date(2026, 6, 10), 0)


def seen(planted: Planted, *looks: int) -> list[bool]:
    reader = Reader(planted.town, looks or [NOW])
    return [reader.sees(post) is not None for post in planted.posts]


def test_what_was_removed_between_looks_stays_seen_and_before_them_is_not():
    planted = Planted()
    article = planted.say("ptt-teadrink", 1, at(DAY), gone_at=at(DAY, 20))
    planted.say("ptt-teadrink", 2, at(DAY, 13), parent=article)
    assert seen(planted, at(DAY, 12.5), NOW) == [True, False]
    assert seen(planted, at(DAY, 14), NOW) == [True, True]
    assert seen(planted, NOW) == [False, False]
    witness = Witness(planted.town, NOW)
    assert all(witness.sees(post) is not None for post in planted.posts)


def test_a_capped_feed_shows_the_newest_and_begins_with_the_oldest_seen():
    planted = Planted()
    for index in range(25):
        planted.say("deals", index, at(date(2026, 6, 1 + index // 5), 10 + index % 5))
    assert seen(planted, NOW) == [False] * 5 + [True] * 20
    assert Reader(planted.town, [NOW]).first_days["deals"] == planted.town.first + 1
    assert seen(planted, at(date(2026, 6, 2), 0), NOW) == [True] * 25


def test_the_middle_of_a_long_page_is_hidden():
    planted = Planted()
    article = planted.say("ptt-towntalk", 1, at(DAY), text="長")
    for index in range(500):
        planted.say("ptt-towntalk", 2 + index, at(DAY, 13) + index, parent=article)
    shown = seen(planted, NOW)
    hidden = [index for index, is_shown in enumerate(shown) if not is_shown]
    assert hidden == list(range(1 + 249, 1 + 500 - 125))


def test_the_text_of_the_last_look_counts():
    planted = Planted()
    later = Saying("補充", brands=("wuyu", "wuyu"))
    post = planted.say("forum", 1, at(DAY), edited_at=at(DAY, 20), later_saying=later)
    before, after = Reader(planted.town, [at(DAY, 15)]), Reader(planted.town, [at(DAY, 15), NOW])
    assert (before.sees(post).brands, after.sees(post).brands) == ((), ("wuyu", "wuyu"))


def test_nobody_is_named_in_the_zine_and_an_undated_comment_is_in_no_day():
    planted = Planted()
    letter = planted.say("zine", 7, at(DAY))
    comment = planted.say("blog-comments", 7, at(DAY), quirks=frozenset([Quirk.UNDATED]))
    reader, witness = Reader(planted.town, [NOW]), Witness(planted.town, NOW)
    assert (reader.sees(letter).author, witness.sees(letter).author) == (None, 7)
    assert reader.sees(comment) is None
    assert witness.sees(comment) is not None


def test_nicknames_are_mentions_to_the_town_alone():
    planted = Planted()
    post = planted.say("forum", 1, at(DAY))
    post.saying = Saying("霧霧家好喝", nicknamed=("wuyu",))
    assert Reader(planted.town, [NOW]).sees(post).brands == ()
    assert Witness(planted.town, NOW).sees(post).brands == ("wuyu",)
