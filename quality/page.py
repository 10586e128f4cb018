"""A gate's verdict as a page: rules and counts, never a value of a row, nothing that can run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from quality.verdict import Outcome, Verdict


@dataclass(frozen=True)
class Style:
    """The page's one style sheet, and the policy that allows it and nothing else."""

    css: Markup
    policy: str


def render_verdict(verdict: Verdict, *, subject: str, at: str) -> str:
    """Render a verdict; `subject` says what was judged, `at` when."""
    environment = Environment(
        loader=PackageLoader("quality"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("verdict.html.j2").render(
        verdict=verdict, subject=subject, at=at, tables=_by_table(verdict.outcomes), style=style()
    )


@cache
def style() -> Style:
    """Read the style sheet; the policy names its digest, so no other style can apply."""
    css = "\n" + (Path(__file__).parent / "templates" / "verdict.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return Style(Markup(css), policy)  # noqa: S704 - our own file, read from our own package


def _by_table(outcomes: Iterable[Outcome]) -> list[tuple[str, list[Outcome]]]:
    """Tables in order of name, what broke first in each."""
    ordered = sorted(outcomes, key=lambda o: (o.table, o.holds, o.rule))
    return [(table, list(group)) for table, group in groupby(ordered, key=lambda o: o.table)]
