"""Numbers of an instant before the text engine was changed are built from what it said then."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from enrichment import ENRICHED_FILE
from lake.text import text_hash
from tests.dbt.comparing import read
from tests.dbt.conftest import Installation
from tests.dbt.landing import instant, post
from tingchao.enriching.older import CURRENT, is_current, read_as_of_today

TALK, AGAIN = "霧嶼真好喝，下次再來", "霧嶼也還好而已，不用排隊"
ENGINE_1 = pa.schema(
    {
        "text_hash": pa.string(),
        "script": pa.string(),
        "folded_text": pa.string(),
        "words": pa.list_(pa.string()),
        "mentions": pa.list_(
            pa.struct(
                {
                    "brand_id": pa.string(),
                    "alias": pa.string(),
                    "start": pa.int32(),
                    "end": pa.int32(),
                }
            )
        ),
        "topics": pa.list_(pa.string()),
        "sentiment": pa.string(),
        "sentiment_score": pa.float64(),
        "sentiment_confidence": pa.float64(),
        "intents": pa.list_(pa.string()),
        "noise": pa.list_(pa.string()),
        "regions": pa.list_(pa.string()),
        "fingerprint": pa.uint64(),
        "version": pa.string(),
        "enriched_at": pa.timestamp("us", tz="UTC"),
    }
)


def write_as_engine_1(data: Path, activated: str) -> Path:
    """Leave what the first engine would have left of `TALK`, in use from `activated`."""
    row = {
        "text_hash": text_hash(None, TALK),
        "script": "hant",
        "folded_text": "雾屿真好喝,下次再来",
        "words": ["雾屿", "真", "好喝", ",", "下次", "再来"],
        "mentions": [{"brand_id": "tea", "alias": "霧嶼", "start": 0, "end": 2}],
        "topics": [],
        "sentiment": "positive",
        "sentiment_score": 0.5,
        "sentiment_confidence": 0.5,
        "intents": ["praise"],
        "noise": ["advertising"],
        "regions": [],
        "fingerprint": 2**64 - 5,
        "version": "1-old",
        "enriched_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    path = data / "enriched" / "texts" / "version=1-old" / "first.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist([row], schema=ENGINE_1), path)
    told = data / "enriched" / "versions" / "1-old.json"
    told.parent.mkdir(parents=True, exist_ok=True)
    told.write_text(
        f'{{"version": "1-old", "activated_at": "{instant(activated).isoformat()}"}}', "utf-8"
    )
    return path


def test_an_instant_before_the_engine_changed_gives_its_numbers(
    install: Callable[..., Installation],
) -> None:
    home = install()
    old = write_as_engine_1(home.context.data, "2026-02-02 10:00")
    before = hashlib.sha256(old.read_bytes()).hexdigest()
    home.landing.land(
        "2026-02-02 09:00", "board", posts=[post("a", "2026-02-01 10:00", "ann", text=TALK)]
    )
    home.landing.understand(
        "3-new", "2026-02-04 10:00", {TALK: ("neutral", []), AGAIN: ("negative", [("tea", "霧嶼")])}
    )
    home.landing.land(
        "2026-02-05 09:00", "board", posts=[post("b", "2026-02-01 11:00", "bob", text=AGAIN)]
    )
    now, then = home.build(), home.build(as_of=instant("2026-02-03 10:00"))
    query = "select brand_id, mention_count, positive_count, negative_count, s.left_out_post_count"
    query += " from mentions join sentiment_daily as s using (brand_id)"
    assert read(then.database, query) == [("tea", 1, 1, 0, 0)]
    assert read(now.database, query) == [("tea", 1, 0, 1, 0)]
    assert hashlib.sha256(old.read_bytes()).hexdigest() == before


def test_what_an_older_engine_did_not_tell_is_unknown(tmp_path: Path) -> None:
    [row] = read_as_of_today(write_as_engine_1(tmp_path, "2026-02-02 10:00")).to_pylist()
    assert row["word_lengths"] == [2, 1, 2, 1, 2, 2]
    assert row["mentions"] == [
        {
            "brand_id": "tea",
            "product_id": None,
            "alias": "霧嶼",
            "rule": "word",
            "is_quoted": False,
            "start": 0,
            "end": 2,
        }
    ]
    assert row["noise"] == [{"rule": "advertising", "score": None}]  # nobody said how sure it is
    assert row["intents"] == [{"name": "praise", "confidence": None, "words": []}]
    assert (row["fingerprint"], row["bands"], row["own_length"]) == (-5, [], None)


@pytest.mark.parametrize("lacking", ["sketch_low", "own_length", "quotes"])
def test_a_file_without_a_later_column_is_not_current(tmp_path: Path, lacking: str) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(ENRICHED_FILE.empty_table(), path)
    assert is_current(path)
    pq.write_table(ENRICHED_FILE.empty_table().drop([lacking]), path)
    assert not is_current(path)
    assert read_as_of_today(path).schema == CURRENT
