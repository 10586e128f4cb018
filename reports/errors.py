"""What can go wrong on the way to the reader."""

from __future__ import annotations


class PublicationError(Exception):
    """Something cannot be published or read back; the message says what to do."""
