"""Show what the text engine makes of any text, one JSON object per line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from enrichment import Lexicon, Reading, build_lexicon, reader_of
from tingchao.config import Config
from tingchao.steps.enrich import lexicon_of


def describe_lines(lines: Iterable[bytes], config: Config | None) -> Iterator[str]:
    """Yield one JSON object per line as soon as the line is there; blank lines have one, too.

    `config` gives brands and topics; without it there are none. Bytes that are not UTF-8 become
    U+FFFD and are counted in `undecodable_byte_count`; a byte-order mark at the start is dropped.
    """
    lexicon = lexicon_of(config) if config else build_lexicon()
    for number, line in enumerate(lines):
        raw = line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line
        yield describe(raw.rstrip(b"\r\n"), lexicon)


def describe(raw: bytes, lexicon: Lexicon) -> str:
    """Return what is understood of one text, as JSON."""
    text = raw.decode("utf-8", "replace")
    told = {"text": text, **_told(reader_of(lexicon).read(text), text), "version": lexicon.version}
    if lost := _undecodable_bytes(raw):
        told["undecodable_byte_count"] = lost
    return json.dumps(told, ensure_ascii=False)


def _told(reading: Reading, text: str) -> dict[str, object]:
    return {
        "script": reading.script,
        "folded_text": reading.folded_text,
        "words": reading.words,
        "mentions": [
            {**mention._asdict(), "written": text[mention.start : mention.end]}
            for mention in reading.mentions
        ],
        "topics": reading.topics,
        "sentiment": reading.mood.sentiment,
        "sentiment_score": reading.mood.score,
        "sentiment_confidence": reading.mood.confidence,
        "intents": [told._asdict() for told in reading.intents],
        "aspects": [told._asdict() for told in reading.aspects],
        "noise": reading.noise,
        "quotes": [text[start:end] for start, end in reading.quotes],
        "regions": reading.regions,
        **reading.masked_counts,
        "fingerprint": None if reading.fingerprint is None else _in_hex(reading.fingerprint),
    }


def _in_hex(number: int) -> str:
    return f"{number & 0xFFFF_FFFF_FFFF_FFFF:016x}"


def _undecodable_bytes(raw: bytes) -> int:
    return len(raw) - len(raw.decode("utf-8", "ignore").encode())
