"""What the writer is after: phrases of data/intents.tsv, questions by form, judgements by mood."""

from __future__ import annotations

import re
from collections import defaultdict
from enum import StrEnum
from typing import Final

from enrichment.phrases import PhraseFinder, lies_within
from enrichment.sentiment import Mood
from enrichment.tables import read_table

_ASKING: Final = re.compile(r"\?|吗\s{0,4}(?:[,。!~…\n]|$)")


class Intent(StrEnum):
    """What a writer may be after; a text can have several or none."""

    COMPLAINT = "complaint"
    QUESTION = "question"
    ORDER_PROBLEM = "order_problem"
    PURCHASE_INTENT = "purchase_intent"
    SEEK_RECOMMENDATION = "seek_recommendation"
    RECOMMENDATION = "recommendation"
    PRAISE = "praise"
    COMPARISON = "comparison"
    CRISIS = "crisis"


class IntentReader:
    """Reads intents from folded, lower-cased, masked text; build once per process."""

    def __init__(self) -> None:
        self._finder = PhraseFinder((phrase, intent) for phrase, intent in read_table("intents"))

    def read(self, text: str, mood: Mood) -> dict[str, list[str]]:
        """Return distinct intents, sorted, each with the phrases that spoke for it.

        Phrases overlap freely (哪裡買 asks and wants to buy), but one that lies inside a phrase
        marked `-` does not count.
        """
        hits = self._finder.find(text)
        blocks = [hit for hit in hits if hit.payload == "-"]
        words: defaultdict[str, list[str]] = defaultdict(list)
        for hit in hits:
            if not any(lies_within(hit, block) for block in blocks):
                words[hit.payload].append(text[hit.start : hit.end])
        if mood.is_praising:
            words[Intent.PRAISE] += []
        if mood.is_complaining:
            words[Intent.COMPLAINT] += []
        if asked := _ASKING.search(text):
            words[Intent.QUESTION].append(asked.group().strip())
        return {name: words[name] for name in sorted(words)}
