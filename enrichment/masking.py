"""What in a text is not speech: addresses, account names, e-mail addresses."""

from __future__ import annotations

import re
from typing import Final

_ADDRESS: Final = re.compile(r"(?:https?://|www\.)[!-~]+", re.IGNORECASE)
_ACCOUNT: Final = re.compile(r"[a-zA-Z0-9._%+-]{0,64}@[\w.\-·]{1,64}")


def mask(text: str) -> str:
    """Return the text with addresses and @accounts as blanks; no position moves.

    A brand in somebody's account name is not a mention. Linear in the text.
    """
    if "://" in text or "www." in text:
        text = _ADDRESS.sub(_blank, text)
    if "@" in text:
        text = _ACCOUNT.sub(_blank, text)
    return text


def _blank(found: re.Match[str]) -> str:
    return " " * (found.end() - found.start())
