"""People are pseudonyms: a keyed hash stands where a platform shows a person's id.

Who holds the key can compute the pseudonym of a known id, and nobody can go back from a pseudonym.
The source is part of the message, so one person's pseudonyms on two platforms do not meet unless
the user's own member export joins them. A new key with a new `key_id` starts anew, on purpose.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import stat
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from lake.errors import LakeError

KEY_VARIABLE = "TINGCHAO_PSEUDONYM_KEY"
KEY_FILE_VARIABLE = "TINGCHAO_PSEUDONYM_KEY_FILE"
KEY_ID_VARIABLE = "TINGCHAO_PSEUDONYM_KEY_ID"
MAKE_A_KEY = "(umask 077; openssl rand -hex 32 > pseudonym.key)"
MIN_BYTES = 32
LENGTH = 26
# Visits and orders come from several sources; a visitor is the same person in all of them.
VISITORS = "visitor"

PSEUDONYM = re.compile(rf"[a-z0-9]{{1,16}}\.[a-z2-7]{{{LENGTH}}}")
_EMAIL = re.compile(r"\s*[^\s@]+@[^\s@]+\.[^\s@]+\s*")
_KEY_ID = re.compile(r"[a-z0-9]{1,16}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")


class PseudonymKeyError(LakeError):
    """The key is missing, too short or not kept private; nothing may be collected without it."""


class Pseudonyms:
    """Turns native ids into pseudonyms; never shows its key."""

    __slots__ = ("_secret", "key_id")

    def __init__(self, key: bytes, key_id: str = "k1") -> None:
        if len(key) < MIN_BYTES:
            raise PseudonymKeyError(
                f"pseudonym key: expected at least {MIN_BYTES} bytes, found {len(key)}; "
                f"make one: {MAKE_A_KEY}"
            )
        if not _KEY_ID.fullmatch(key_id):
            raise PseudonymKeyError(
                f"{KEY_ID_VARIABLE}: expected 1 to 16 of a-z and 0-9, found {key_id!r}"
            )
        self._secret = key
        self.key_id = key_id

    def __repr__(self) -> str:
        return f"Pseudonyms(key_id={self.key_id!r})"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Pseudonyms:
        """Read the key, 32 bytes or more in hex or base64, from a variable or a private file."""
        text, path = environment.get(KEY_VARIABLE), environment.get(KEY_FILE_VARIABLE)
        if bool(text) == bool(path):
            found = "both" if text else "neither"
            raise PseudonymKeyError(
                f"expected {KEY_VARIABLE} (hex or base64) or {KEY_FILE_VARIABLE} (a file of mode "
                f"0600), found {found} in the environment or in .env of the "
                f"folder you are in; make a key file: {MAKE_A_KEY} "
                f"and set {KEY_FILE_VARIABLE}=pseudonym.key"
            )
        where = KEY_VARIABLE if text else f"{KEY_FILE_VARIABLE}={path}"
        secret = _decode(text or _read_private(Path(path or "")), where)
        return cls(secret, environment.get(KEY_ID_VARIABLE) or "k1")

    def key(self, source: str, native_id: str | int) -> str:
        """Return the pseudonym of a person's id on a source, e.g. `k1.` and 26 of a-z2-7.

        Width and composition of characters do not matter (NFKC), case does; in an e-mail address
        neither case nor blanks around it do, for every system writes it as it likes. An empty id is
        nobody: ValueError.
        """
        name = unicodedata.normalize("NFKC", str(native_id))
        if _EMAIL.fullmatch(name):
            name = name.strip().casefold()
        if not source or not name.strip():
            raise ValueError(f"a pseudonym needs a source and an id; found an empty one ({source})")
        message = f"{source}:{name}".encode("utf-8", "surrogatepass")
        digest = hmac.digest(self._secret, message, hashlib.sha256)
        return f"{self.key_id}.{base64.b32encode(digest).decode().lower()[:LENGTH]}"


def _read_private(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise PseudonymKeyError(
                f"{path}: expected a key that its owner alone can read, found mode "
                f"{stat.S_IMODE(mode):04o}; chmod 600 {path}"
            )
        return path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise PseudonymKeyError(
            f"{KEY_FILE_VARIABLE}: cannot read {path} ({error.strerror}); "
            f"make a key file: {MAKE_A_KEY}"
        ) from None


def _decode(text: str, where: str) -> bytes:
    compact = "".join(text.split())
    if _HEX.fullmatch(compact):
        return bytes.fromhex(compact)
    try:
        standard = compact.rstrip("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except binascii.Error:
        raise PseudonymKeyError(
            f"{where}: expected hex or base64, found neither; make a key: openssl rand -hex 32"
        ) from None
