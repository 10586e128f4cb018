"""One number that copies of a text share, whatever was put around them."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

MIN_LENGTH: Final = 8
"""Letters and digits that a text must keep; shorter ones (推, 謝謝) are equal without copying."""

_EMOTICON: Final = re.compile(r"\[[^\[\]\s]{1,8}\]")


def fingerprint(text: str) -> int | None:
    """Return 64 bits of BLAKE2b over what the text says; None when it says too little.

    `text` is folded, lower-cased and masked (no address, no account). Emoticons, emoji, blanks and
    punctuation do not count, nor does the script. Made for exact copies: a text with one word
    changed has another number.
    """
    said = "".join(filter(str.isalnum, _EMOTICON.sub("", text)))
    if len(said) < MIN_LENGTH:
        return None
    digest = blake2b(said.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
