"""A gate's verdict as a page: rules and counts, never a value of a row, nothing that can run."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from quality.verdict import Outcome, Verdict
from tingchao.page_style import read_style

STYLE_SHEET = Path(__file__).parent / "templates" / "verdict.css"


def render_verdict(verdict: Verdict, *, subject: str, at: str) -> str:
    """Render a verdict; `subject` says what was judged, `at` when."""
    environment = Environment(
        loader=PackageLoader("quality"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("verdict.html.j2").render(
        verdict=verdict,
        subject=subject,
        at=at,
        tables=_by_table(verdict.outcomes),
        style=read_style(STYLE_SHEET),
    )


def _by_table(outcomes: Iterable[Outcome]) -> list[tuple[str, list[Outcome]]]:
    """Tables in order of name, what broke first in each."""
    ordered = sorted(outcomes, key=lambda o: (o.table, o.holds, o.rule))
    return [(table, list(group)) for table, group in groupby(ordered, key=lambda o: o.table)]
