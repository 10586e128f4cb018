"""The fingerprint: copies share it, whatever was put around them."""

from __future__ import annotations

import pytest

from enrichment import reader_of
from tests.enrichment.sayings import lexicon

TEXT = "這杯烏龍鮮奶真的很好喝，下次還要買"


def fingerprint(text: str) -> int | None:
    return reader_of(lexicon()).read(text).fingerprint


@pytest.mark.parametrize(
    "copy",
    [
        "这杯乌龙鲜奶真的很好喝，下次还要买",
        f"{TEXT}！！！😍😍[哈哈]",
        f"//@某人:{TEXT} https://example.com/abc",
        f"  {TEXT.replace('，', chr(10))}  ",
        TEXT.replace("鮮奶", "鮮\u200b奶"),
    ],
)
def test_copies_share_a_fingerprint(copy: str) -> None:
    assert fingerprint(copy) == fingerprint(TEXT) is not None


def test_another_text_has_another_fingerprint() -> None:
    assert fingerprint(TEXT.replace("烏龍", "紅茶")) != fingerprint(TEXT)


@pytest.mark.parametrize("short", ["推", "謝謝分享", "😀" * 10, "", "@a_very_long_name_here"])
def test_short_texts_have_none(short: str) -> None:
    assert fingerprint(short) is None
