"""What makes a text count less as a voice: advertising, giveaways, contacts, jammed characters."""

from __future__ import annotations

import re
from collections import defaultdict
from enum import StrEnum
from typing import Final

from enrichment.phrases import PhraseFinder, longest
from enrichment.script import INVISIBLE
from enrichment.tables import read_table

HOLDS_FROM: Final = 2
"""Weight of distinct phrases from which on advertising or a giveaway is told."""

_CONTACT: Final = re.compile(
    r"(?:line|赖|微信|v信|wechat|weixin|telegram|tg|whatsapp|qq)\s?(?:id|号)?\s?[:@]\s?"
    r"[a-z0-9_\-.]{4,}"
    r"|(?:加|\+)\s?(?:line|赖|微信|v信|wechat|telegram|qq)\s?[:@]?\s?[a-z0-9_\-.]{4,}"
    r"|(?<!\d)09\d\d[ \-]?\d{3}[ \-]?\d{3}(?!\d)"
    r"|(?<!\d)1[3-9]\d{9}(?!\d)"
)
_NUMBER_OR_NAME: Final = re.compile(r"[a-z0-9_\-.]{4}")  # every contact has one, few posts do
_REPEATED: Final = re.compile(r"(\w)\1{9,}")
_DRAWN: Final = re.compile(r"抽出?\s?\d{1,4}\s?(?:位|名|人|个)")
_HAN: Final = "[㐀-鿿]"
_HIDDEN: Final = re.compile(f"{_HAN}[{''.join(sorted(INVISIBLE))}]+(?={_HAN})")
_SPLIT_UP: Final = re.compile(f"(?:{_HAN}[*^|_~·.丨]){{3,}}{_HAN}")


class Noise(StrEnum):
    """Signals, not verdicts: each mart decides what it leaves out."""

    ADVERTISING = "advertising"
    GIVEAWAY = "giveaway"
    CONTACT_SPAM = "contact_spam"
    REPEATED_CHARACTERS = "repeated_characters"
    JAMMER_TEXT = "jammer_text"


class NoiseReader:
    """Reads noise signals; build once per process."""

    def __init__(self) -> None:
        rows = read_table("noise")
        self._finder = PhraseFinder((p, (signal, int(weight))) for p, signal, weight in rows)

    def read(self, text: str, original: str | None) -> list[str]:
        """Return distinct signals, sorted.

        `text` is folded and lower-cased, not masked: contacts are what is looked for. `original`
        is the text as written where folding took something out of it, else None.
        """
        signals: set[str] = set(self._told_by_phrases(text))
        if "抽" in text and _DRAWN.search(text):
            signals.add(Noise.GIVEAWAY)
        if _NUMBER_OR_NAME.search(text) and _CONTACT.search(text):
            signals.add(Noise.CONTACT_SPAM)
        if _REPEATED.search(text):
            signals.add(Noise.REPEATED_CHARACTERS)
        if _SPLIT_UP.search(text) or (original and len(_HIDDEN.findall(original)) > 1):
            signals.add(Noise.JAMMER_TEXT)
        return sorted(signals)

    def _told_by_phrases(self, text: str) -> list[str]:
        phrases: dict[str, dict[str, int]] = defaultdict(dict)
        for hit in longest(self._finder.find(text)):
            signal, weight = hit.payload
            phrases[signal][text[hit.start : hit.end]] = weight
        return [s for s, found in phrases.items() if s != "-" and sum(found.values()) >= HOLDS_FROM]
