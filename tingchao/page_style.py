"""The one style sheet of a page of ours, and the policy that allows it and nothing else."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markupsafe import Markup


@dataclass(frozen=True)
class Style:
    """What stands between `<style>` and `</style>`, and the page's content security policy."""

    css: Markup
    policy: str


@cache
def read_style(sheet: Path) -> Style:
    """Read a style sheet of our own; the policy names its digest, so no other style can apply.

    Nothing can run on such a page and nothing is fetched, whatever slips into it.
    """
    css = "\n" + sheet.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return Style(Markup(css), policy)  # noqa: S704 - our own file, read from our own package
