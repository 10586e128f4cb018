"""The text of a post: kept as written, joined one way, named by one hash.

Every stage that speaks of "the text of a post" means `joined(title, body)`; character positions
(mention spans) count code points in it.
"""

from __future__ import annotations

import hashlib


def joined(title: str | None, body: str | None) -> str | None:
    """Return title, newline, body; the one that is there when the other is absent; else None."""
    if title is None:
        return body
    return title if body is None else f"{title}\n{body}"


def text_hash(title: str | None, body: str | None) -> str | None:
    """Return 32 hex digits of the SHA-256 of `joined(title, body)`; None without any text."""
    text = joined(title, body)
    if text is None:
        return None
    return hashlib.sha256(make_storable(text).encode()).hexdigest()[:32]


def make_storable(text: str) -> str:
    """Return the text as UTF-8 can hold it; nothing else about it changes.

    A surrogate pair that a sloppy decoder left in two halves becomes its one character; a half on
    its own, which no encoding can store, becomes U+FFFD.
    """
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
