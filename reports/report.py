"""The report: static pages that open from a file, no script, nothing fetched from anywhere.

Everything that came from outside (names of channels and brands) is escaped by the template engine,
and the page's own policy forbids whatever might slip through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from reports.drawing import ROW_HEIGHT, SPARK_HEIGHT, draw_slopes, draw_spark, is_ranked, round_up
from reports.figures import SHOWN_METRICS, SHOWN_WEEKS, Cell, Figures, State
from reports.manifest import Manifest
from reports.words import LANGUAGES, PAGES, REASONS, WORDS
from tingchao.page_style import read_style

STYLE_SHEET = Path(__file__).parent / "templates" / "report.css"


def write_report(folder: Path, figures: Figures, manifest: Manifest) -> None:
    """Write one page per language into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for language in LANGUAGES:
        page = render(language, figures, manifest)
        (folder / PAGES[language]).write_text(page, encoding="utf-8")


def render(language: str, figures: Figures, manifest: Manifest) -> str:
    """Render the page in one of `LANGUAGES`."""
    words = WORDS[language]
    facts = manifest.facts
    zone = ZoneInfo(facts["time_zone"])
    as_of = datetime.fromisoformat(manifest.as_of_at).astimezone(zone)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            language=language,
            w=words,
            reasons=REASONS[language],
            other_page=PAGES[_other(language)],
            other_language=_other(language),
            style=read_style(STYLE_SHEET),
            figures=figures,
            manifest=manifest,
            as_of=f"{as_of:%Y-%m-%d %H:%M} {facts['time_zone']}",
            k=facts["suppress_below"],
            slopes=draw_slopes(figures.channels),
            left_out=[c for c in figures.channels if not is_ranked(c)],
            definition_of=_definition_links(figures),
            most=_leaders(figures),
            conversion_top=_top(c.conversion_hi for c in figures.channels),
            rate_top=_top(c.activity_rate for c in figures.channels),
            spark=draw_spark,
            row_height=ROW_HEIGHT,
            spark_height=SPARK_HEIGHT,
            shown_weeks=SHOWN_WEEKS,
            State=State,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": _count, "percent": _percent, "month": _month}
    return environment


def _other(language: str) -> str:
    return next(other for other in LANGUAGES if other != language)


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _percent(value: float, *, signed: bool = False) -> str:
    """A rate as people read it: two digits that matter below one per cent, one above."""
    digits = 2 if 0 < abs(value) < 0.01 else 1
    return f"{value * 100:{'+' if signed else ''}.{digits}f}%"


def _month(day: date, language: str) -> str:
    return f"{day.year} 年 {day.month} 月" if language == "zh-Hant" else f"{day:%B %Y}"


def _definition_links(figures: Figures) -> Mapping[str, str]:
    """Heading of the page to the metric that defines it, where it is defined."""
    defined = {definition.metric_id for definition in figures.definitions}
    return {metric.partition(".")[2]: metric for metric in SHOWN_METRICS if metric in defined}


def _leaders(figures: Figures) -> dict[str, Any]:
    """The channels that lead by fans, by activity and by conversion; None where nobody is known."""
    channels = figures.channels
    return {
        "fans": next((c for c in channels if c.fan_rank == 1 and c.fans.is_known), None),
        "active": next(
            (c for c in channels if c.activity_rank == 1 and c.activity_rate.is_known), None
        ),
        "conversion": next(
            (c for c in channels if c.conversion_rank == 1 and c.conversion_lo.is_known), None
        ),
    }


def _top(cells: Iterable[Cell]) -> float:
    """End of the axis on which all known cells find place."""
    return round_up(max((cell.value for cell in cells if cell.value is not None), default=0))
