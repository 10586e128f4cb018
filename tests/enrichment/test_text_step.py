"""`tingchao text`: any line in, one JSON line out, at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tests.enrichment.test_enrich_step import config_of
from tingchao.steps.text import describe_lines


def test_every_line_gives_one_object(tmp_path: Path) -> None:
    lines = ["\ufeff我愛潮鸣茶\r\n".encode(), b"\n", "等了兩小時，雷".encode()]
    first, blank, last = map(json.loads, describe_lines(lines, config_of(tmp_path)))
    mention = {
        "brand_id": "chaoming",
        "product_id": None,
        "alias": "潮鳴茶",
        "rule": "word",
        "is_quoted": False,
        "start": 2,
        "end": 5,
        "written": "潮鸣茶",
    }
    assert (first["text"], first["mentions"]) == ("我愛潮鸣茶", [mention])
    assert (blank["text"], blank["words"], blank["sentiment"]) == ("", [], "unknown")
    assert (last["sentiment"], last["script"]) == ("negative", "hant")


def test_no_configuration_means_no_brands() -> None:
    (said,) = map(json.loads, describe_lines(["潮鳴茶好喝".encode()], None))
    assert said["mentions"] == []
    assert said["sentiment"] == "positive"
    assert list(said) == [
        *("text", "script", "folded_text", "words", "mentions", "topics", "sentiment"),
        *("sentiment_score", "sentiment_confidence", "intents", "aspects", "noise", "quotes"),
        *("regions", "email_count", "phone_count", "identity_count", "account_count"),
        *("fingerprint", "version"),
    ]


def test_undecodable_bytes_are_shown_and_counted() -> None:
    (said,) = map(json.loads, describe_lines([b"\xff\xfe!"], None))
    assert said["text"] == "\ufffd\ufffd!"
    assert said["undecodable_byte_count"] == 2


def test_lines_are_described_as_they_come() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield "推".encode()

    described = describe_lines(endless(), None)
    assert json.loads(next(described))["sentiment"] == "positive"
    assert json.loads(next(described))["text"] == "推"
