"""What the writer is after: phrases of data/intents.tsv, questions by form, judgements by mood."""

from __future__ import annotations

import re
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
    PURCHASE_INTENT = "purchase_intent"
    RECOMMENDATION_REQUEST = "recommendation_request"
    PRAISE = "praise"


class IntentReader:
    """Reads intents from folded, lower-cased, masked text; build once per process."""

    def __init__(self) -> None:
        self._finder = PhraseFinder((phrase, intent) for phrase, intent in read_table("intents"))

    def read(self, text: str, mood: Mood) -> list[str]:
        """Return distinct intents, sorted.

        Phrases overlap freely (哪裡買 asks and wants to buy), but one that lies inside a phrase
        marked `-` does not count.
        """
        hits = self._finder.find(text)
        blocks = [hit for hit in hits if hit.payload == "-"]
        intents = {hit.payload for hit in hits if not any(lies_within(hit, b) for b in blocks)}
        if mood.is_praising:
            intents.add(Intent.PRAISE)
        if mood.is_complaining:
            intents.add(Intent.COMPLAINT)
        if _ASKING.search(text):
            intents.add(Intent.QUESTION)
        return sorted(intents)
