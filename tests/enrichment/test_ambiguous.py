"""Names that are words, too: how many of the brands found are right, and how many are found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from enrichment import Alias, Brand, Lexicon, build_lexicon, reader_of

ENOUGH_ROWS = 300
DEMANDED = 0.95
NOBODY = "-"

Place = tuple[str, int, int]


def rows_of(name: str) -> Iterator[list[str]]:
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return (line.split("\t") for line in text.splitlines() if not line.startswith("# "))


@cache
def lexicon() -> Lexicon:
    aliases: defaultdict[str, list[Alias]] = defaultdict(list)
    for row in rows_of("ambiguous_brands.tsv"):
        brand_id, product_id, text, *lists = (*row, "", "", "", "")[:6]
        conditions = [tuple(filter(None, cell.split("|"))) for cell in lists]
        aliases[brand_id].append(Alias(text, *conditions, product_id=product_id or None))
    return build_lexicon(Brand(brand_id, tuple(found)) for brand_id, found in aliases.items())


def labelled() -> dict[str, set[Place]]:
    """The places that mean a brand, by text; texts without one among them."""
    places: defaultdict[str, set[Place]] = defaultdict(set)
    for text, brand_id, start, end in rows_of("ambiguous_mentions.tsv"):
        meant = {(brand_id, int(start), int(end))} if brand_id != NOBODY else set()
        places[text] |= meant
    return dict(places)


def found_in(text: str) -> set[Place]:
    return {(m.brand_id, m.start, m.end) for m in reader_of(lexicon()).read(text).mentions}


def test_every_place_shows_a_name_of_its_brand() -> None:
    known = {brand.brand_id for brand in lexicon().brands}
    rows = list(rows_of("ambiguous_mentions.tsv"))
    assert len(rows) >= 5
    for text, brand_id, start, end in rows:
        assert brand_id in known | {NOBODY}, text
        assert 0 <= int(start) < int(end) <= len(text), text
    assert len({tuple(row) for row in rows}) == len(rows)


def test_brands_are_found_where_they_are_meant() -> None:
    meant, found = set[tuple[str, Place]](), set[tuple[str, Place]]()
    for text, places in labelled().items():
        meant |= {(text, place) for place in places}
        found |= {(text, place) for place in found_in(text)}
    wrong, missed = sorted(found - meant), sorted(meant - found)
    precision = 1 - len(wrong) / len(found)
    recall = 1 - len(missed) / len(meant)
    if len(list(rows_of("ambiguous_mentions.tsv"))) < ENOUGH_ROWS:
        assert (wrong, missed) == ([], []), "the examples must all be right"
    assert precision >= DEMANDED, wrong
    assert recall >= DEMANDED, missed


@pytest.mark.parametrize(
    ("text", "brand", "rule"),
    [
        ("檸檬的耳機", ("ningmeng", None), "context"),
        ("檸檬手機很順", ("ningmeng", None), "word"),
        ("#靜的# 開賣", ("jingde", None), "word"),
        ("買了檸檬X", ("ningmeng", "ningmeng-x"), "word"),
        ("紅馬車很穩", ("hongma", None), "kind_of_thing"),
    ],
)
def test_the_rule_is_told(text: str, brand: tuple[str, str | None], rule: str) -> None:
    (mention,) = reader_of(lexicon()).read(text).mentions
    assert ((mention.brand_id, mention.product_id), mention.rule) == (brand, rule)


@pytest.mark.parametrize("text", ["紅馬甲穿起來", "像脫韁紅馬", "穿過紅馬路口"])
def test_a_blocker_that_shares_a_character_blocks_this_place(text: str) -> None:
    assert found_in(text) == set()
    assert {brand for brand, _, _ in found_in(f"{text}，紅馬不錯")} == {"hongma"}
