"""What must hold of any text whatever: nothing lost, nothing moved, nothing that batches change."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enrichment import TEXTS, batch, enrich_batch
from enrichment.columns import string_column
from enrichment.folding import SCRIPTS, fold_all
from enrichment.joined import decode, encode, join
from enrichment.script import converter, detect_script, fold, fold_variants, lower
from enrichment.words import ReferenceSegmenter, RustSegmenter, cut_all
from tests.enrichment.sayings import SAYINGS, corpus, lexicon

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
PLANES = st.integers(0, 16).flatmap(
    lambda plane: st.integers(plane << 16, (plane << 16) + 0xFFFF).filter(
        lambda code: not 0xD800 <= code < 0xE000
    )
)
TRICKY = st.text("潮鳴茶LG雲霧手搖。 @a/:>#\0\n\r\u200b\u0301後臺𠮷[哈]😀0912345678", max_size=40)
TEXT = ANY | TRICKY | st.lists(PLANES.map(chr), max_size=20).map("".join)
BATCH = st.lists(TEXT, min_size=1, max_size=8)
REPOSITORY = Path(__file__).parents[2]


def written() -> list[str]:
    """Every text of ours: the sayings, and the labelled corpora that come with the package."""
    folder = files("enrichment").joinpath("data", "corpus")
    tables = folder.iterdir() if folder.is_dir() else ()
    lines = [line for table in tables for line in table.read_text("utf-8").splitlines()[1:]]
    return [*SAYINGS, *(line.rsplit("\t", 1)[-1] for line in lines)]


def batch_of(texts: list[str]) -> pa.RecordBatch:
    hashes = [f"{i:032x}" for i in range(len(texts))]
    return pa.RecordBatch.from_pydict({"text_hash": hashes, "text": texts}, schema=TEXTS)


@given(BATCH)
def test_texts_come_back_from_one_array(texts: list[str]) -> None:
    joined = join(texts)
    assert joined.texts == texts == string_column(joined).to_pylist()
    assert decode(encode("".join(texts))) == "".join(texts)


@given(BATCH)
def test_many_texts_fold_as_each_folds_alone(texts: list[str]) -> None:
    folded = fold_all(texts)
    for i, (text, plain) in enumerate(zip(texts, folded.joined.texts, strict=True)):
        alone = fold(text)
        assert (plain, SCRIPTS[folded.scripts[i]]) == (alone.text, alone.script)
        ways = None if alone.starts is None else (alone.starts, alone.ends)
        assert folded.ways.get(i) == ways


@given(BATCH)
@settings(max_examples=50)
def test_words_fill_the_folded_text_and_spans_show_an_alias(texts: list[str]) -> None:
    forms = {f for b in lexicon().brands for a in b.aliases for f in fold_variants(a.text)}
    for text, row in zip(texts, enrich_batch(batch_of(texts), lexicon()).to_pylist(), strict=True):
        assert sum(row["word_lengths"]) == len(row["folded_text"])
        for mention in row["mentions"]:
            shown = text[mention["start"] : mention["end"]]
            assert lower(fold(shown).text) in forms or set(fold_variants(shown)) & forms
        for quote in row["quotes"]:
            assert 0 <= quote["start"] < quote["end"] <= len(text)


@given(texts=BATCH, cut=st.integers(0, 8))
@settings(max_examples=50)
def test_batches_change_nothing(texts: list[str], cut: int) -> None:
    whole = batch_of(texts)
    parts = [whole.slice(0, cut), whole.slice(cut)]
    enriched = pa.concat_batches([enrich_batch(part, lexicon()) for part in parts])
    assert enriched.equals(enrich_batch(whole, lexicon()))


def test_pieces_of_a_batch_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = batch_of(corpus()[:400])
    whole = enrich_batch(texts, lexicon())
    monkeypatch.setattr(batch, "PIECE", 100)
    assert enrich_batch(texts, lexicon()).equals(whole)


def test_every_host_gives_the_same() -> None:
    """Another hash seed, locale and time zone; what is not said is not looked at."""
    code = "import tests.enrichment.test_properties as told; print(told.digest_of_sayings())"
    environment = {"PYTHONHASHSEED": "7", "LC_ALL": "C", "TZ": "Asia/Taipei", "PYTHONPATH": "."}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == digest_of_sayings()


def digest_of_sayings() -> str:
    enriched = enrich_batch(batch_of(list(SAYINGS)), lexicon())
    return hashlib.sha256(repr(enriched.to_pylist()).encode()).hexdigest()


def test_either_script_says_the_same_over_all_that_we_wrote() -> None:
    """Brands, intents, mood, topics, noise and regions of a post and of its other script."""
    texts = [text for text in written() if detect_script(text) in ("hant", "hans")]
    other = {"hant": converter("tw2s"), "hans": converter("s2tw")}
    turned = [other[detect_script(text)].convert(text) for text in texts]
    both = zip(texts, summaries(texts), summaries(turned), strict=True)
    differing = [text for text, one, two in both if one != two]
    assert len(texts) > 50
    assert len(differing) <= len(texts) // 200, differing[:10]


def summaries(texts: list[str]) -> list[tuple[object, ...]]:
    return [
        (
            [mention["brand_id"] for mention in row["mentions"]],
            [told["name"] for told in row["intents"]],
            *(row[name] for name in ("sentiment", "topics", "noise", "regions")),
        )
        for row in enrich_batch(batch_of(texts), lexicon()).to_pylist()
    ]


def test_the_quick_words_are_those_of_jieba_over_all_that_we_wrote() -> None:
    """At least 99.95 % of posts; the others are told."""
    texts = list(dict.fromkeys([*written(), *corpus()]))
    joined = fold_all(texts).joined
    frequencies = lexicon().frequencies
    quick, slow = (
        cut_all(segmenter(frequencies), joined) for segmenter in (RustSegmenter, ReferenceSegmenter)
    )
    differing = sorted(set(joined.owners((quick[:-1] != slow[:-1]).nonzero()[0]).tolist()))
    assert len(texts) > 2_000
    assert len(differing) <= len(texts) * 0.0005, [texts[i] for i in differing]
