"""Copies and near-copies: found where they were planted, and the same in one build or in many."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from enrichment import build_lexicon, enrich_batch
from tests.dbt.rendering import render
from tests.enrichment.test_properties import batch_of, written
from tingchao.marts import PROJECT

MODELS = ("int_text_bands", "int_touched_bands", "int_text_pairs", "int_text_clusters")
KINDS = ("exact", "decorated", "edited", "edited twice", "prefixed", "truncated", "turned")
MIN_SOURCE = 24  # characters; an edit of a shorter post is another post
Texts = dict[str, str]


def copy_of(text: str, kind: str, draw: random.Random) -> str:
    """One of the ways in which people pass on what they did not write."""
    place = draw.randrange(len(text) - 1)
    edited = f"{text[:place]}{draw.choice('的了嗎呢吧')}{text[place + 1 :]}"
    other = len(text) // 2
    return {
        "exact": f"{text} ",
        "decorated": f"😂😂{text}[哈哈] http://a.example/{place}",
        "edited": edited,
        "edited twice": f"{edited[:other]}喔{edited[other + 1 :]}",
        "prefixed": f"轉自別處：{text}",
        "truncated": text[: int(len(text) * 0.8)],
        "turned": f"{text[other:]}，{text[:other]}",
    }[kind]


@pytest.fixture(scope="module")
def planted() -> tuple[Texts, set[frozenset[str]]]:
    """Texts of ours by hash, copies among them, and which two are copies."""
    draw = random.Random(3)
    texts = {f"t{i:05}": text for i, text in enumerate(dict.fromkeys(written()))}
    sources = [name for name, text in texts.items() if MIN_SOURCE <= len(text) < 200]
    pairs = set()
    for number, name in enumerate(draw.sample(sources, 700)):
        copy = f"c{number:05}"
        texts[copy] = copy_of(texts[name], KINDS[number % len(KINDS)], draw)
        pairs.add(frozenset((name, copy)))
    return texts, pairs


@pytest.fixture(scope="module")
def understood(planted: tuple[Texts, set[frozenset[str]]]) -> pa.Table:
    texts, _ = planted
    enriched = enrich_batch(batch_of(list(texts.values())), build_lexicon())
    columns = ["folded_text", "fingerprint", "bands", "sketch_low", "sketch_high"]
    return pa.Table.from_batches([enriched.select(columns)]).append_column(
        "text_hash", pa.array(list(texts))
    )


def build(understood: pa.Table, batch_count: int) -> dict[str, list[tuple[Any, ...]]]:
    """Build the models as the incremental strategy does, one batch after the other."""
    with duckdb.connect() as connection:
        connection.register("understood", understood)
        connection.execute(
            "create table all_texts as select *, "
            f"cast(hash(text_hash) % {batch_count} as varchar) as batch_id from understood"
        )
        connection.execute("create table stg_texts as from all_texts limit 0")
        for number in range(batch_count):
            connection.execute(
                f"create or replace table int_new_batches as select '{number}' as batch_id; "
                f"insert into stg_texts from all_texts where batch_id = '{number}'; "
                "create or replace table int_posts as select text_hash, 'c' as channel_id, "
                "text_hash as post_id, timestamp '2026-01-01' as published_at from stg_texts"
            )
            for model in MODELS:
                _build_model(connection, model, is_first=number == 0)
        connection.execute("set TimeZone = 'UTC'")
        return {
            model: connection.execute(f"select * from {model} order by all").fetchall()
            for model in ("int_text_pairs", "int_text_clusters")
        }


def _build_model(connection: duckdb.DuckDBPyConnection, model: str, *, is_first: bool) -> None:
    sql = render((PROJECT / f"models/intermediate/{model}.sql").read_text("utf-8"), "duckdb")
    if is_first or model in ("int_touched_bands", "int_text_clusters"):
        connection.execute(f"create or replace table {model} as {sql}")
        return
    changed = {
        "int_text_bands": "batch_id in (from int_new_batches)",
        "int_text_pairs": "band_key in (select band_key from int_touched_bands)",
    }
    connection.execute(f"create or replace temp table fresh as {sql}")
    connection.execute(
        f"delete from {model} where {changed[model]}; insert into {model} from fresh"
    )


def clusters_of(built: dict[str, list[tuple[Any, ...]]]) -> dict[str, int]:
    return {row[0]: row[1] for row in built["int_text_clusters"]}


def test_planted_copies_are_found_and_hardly_anything_else(
    planted: tuple[Texts, set[frozenset[str]]], understood: pa.Table
) -> None:
    texts, pairs = planted
    cluster = clusters_of(build(understood, 1))
    found = {frozenset(pair) for pair in _together(cluster)}
    missed = [pair for pair in pairs if pair not in found]
    wrong = [pair for pair in found - pairs if not _are_alike(*(texts[name] for name in pair))]
    assert len(missed) <= 0.05 * len(pairs), [[texts[n] for n in pair] for pair in missed[:5]]
    assert len(wrong) <= 0.01 * len(found), [[texts[n] for n in pair] for pair in wrong[:5]]


def test_many_small_builds_equal_one(understood: pa.Table) -> None:
    assert build(understood, 5) == build(understood, 1)


def _together(cluster: dict[str, int]) -> Iterator[tuple[str, str]]:
    members: dict[int, list[str]] = {}
    for name, number in cluster.items():
        members.setdefault(number, []).append(name)
    for names in members.values():
        yield from combinations(names, 2)


def _are_alike(one: str, other: str) -> bool:
    """Half of their stretches of three are the same: a reader would call it a copy."""
    first, second = ({t[i : i + 3] for i in range(len(t) - 2)} for t in map(_said, (one, other)))
    return 2 * len(first & second) >= len(first | second)


def _said(text: str) -> str:
    return "".join(filter(str.isalnum, text))
