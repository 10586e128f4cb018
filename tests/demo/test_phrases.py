"""Every text says exactly the mentions that were planted in it, by a matcher of the test's own."""

from __future__ import annotations

import re

from demo.cast import BRANDS
from demo.draw import open_stream
from demo.phrases import LINES, LINES_HANS, NEGATIVE, NEUTRAL, POSITIVE, Voice


def find_brands(text: str) -> list[str]:
    """Longest name first, never inside a longer word that means something else."""
    names = {name.text: brand.id for brand in BRANDS for name in brand.names}
    denied = {word for brand in BRANDS for name in brand.names for word in name.deny}
    words = sorted([*names, *denied], key=len, reverse=True)
    pattern = re.compile("|".join(map(_bounded, words)))
    found = (match.group() for match in pattern.finditer(text))
    return [names[word] for word in found if word in names and word not in denied]


def _bounded(word: str) -> str:
    if word.isascii():
        return rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])"
    return re.escape(word)


def test_planted_mentions_can_be_counted_from_the_text(town):
    assert len(town.posts) > 3000
    mentioned = 0
    for post in town.posts:
        for said in (post.saying, post.later_saying or post.saying):
            text = f"{said.title or ''}\n{said.body}"
            assert sorted(find_brands(text)) == sorted(said.brands + said.quoted), text
            mentioned += bool(said.brands)
    assert mentioned > 1000


def test_traps_name_no_brand_though_its_letters_are_there():
    letters = [name.text for brand in BRANDS for name in brand.names]
    traps = [trap for brand in BRANDS for trap in brand.traps]
    assert [trap for trap in traps if find_brands(trap)] == []
    assert sum(any(word in trap for word in letters) for trap in traps) >= 7


def test_every_trap_alias_and_mood_occurs_in_a_town(town):
    texts = "\n".join(post.saying.body for post in town.posts)
    missing = [trap for brand in BRANDS for trap in brand.traps if trap not in texts]
    missing += [name.text for brand in BRANDS for name in brand.names if name.text not in texts]
    assert missing == []
    assert {post.saying.mood for post in town.posts} == {POSITIVE, NEUTRAL, NEGATIVE}


def test_there_are_thousands_of_ways_of_saying_something():
    voice = Voice(open_stream("test"))
    said = {voice.about(BRANDS[0], mood).body for mood in LINES for _ in range(1500)}
    assert len(said) > 3000


def test_each_line_about_a_brand_names_it():
    for lines in (LINES, LINES_HANS):
        assert all("{b}" in line for mood in lines.values() for line, _ in mood)
