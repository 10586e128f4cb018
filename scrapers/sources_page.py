"""docs/sources.md, written from what is declared: `python -m scrapers.sources_page`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scrapers.capabilities import (
    KPIS,
    REASONS,
    Computable,
    Kpi,
    capabilities_of,
    described_sources,
    formats_of,
    judge,
)
from scrapers.source import Source, Title, load_source, source_names

PAGE = Path(__file__).parents[1] / "docs" / "sources.md"
MARKS = {True: "✓", False: "–", None: "?"}

HEAD = """\
# Sources 來源

Written by `python -m scrapers.sources_page` from `scrapers/sources/*.yml` and the named formats of
[import.md](import.md); a test says when it is stale. The mart
[source_capabilities](marts.md#source_capabilities) holds the same of a running installation, the
column maps of its own imports among it.

## Which number from which source 各來源可計算的指標

✓ computable 可計算 · – not computable 無法計算 · ? nobody has looked yet 尚未查明. A number that
cannot be computed is NULL in the marts, never 0.
"""


def render_page() -> str:
    """Return the whole page as Markdown."""
    return "\n".join([HEAD, *_matrix(), "", *_reasons(), "", *_crawled(), "", *_imported(), ""])


def _matrix() -> Iterator[str]:
    yield "| source | " + " | ".join(f"{k.title.zh}<br>{k.title.en}" for k in KPIS) + " |"
    yield "|---|" + ":-:|" * len(KPIS)
    for source in described_sources():
        marks = " | ".join(MARKS[_judged(source, kpi).is_computable] for kpi in KPIS)
        yield f"| `{source}` | {marks} |"


def _judged(source: str, kpi: Kpi) -> Computable:
    return judge(capabilities_of(source), kpi)


def _reasons() -> Iterator[str]:
    yield "## Why not 無法計算的原因\n"
    yield "| 原因 reason | keeps from 缺少的指標 | sources |"
    yield "|---|---|---|"
    missing = {s: {m for k in KPIS for m in _judged(s, k).missing} for s in described_sources()}
    for capability, reason in REASONS.items():
        numbers = "、".join(kpi.title.zh for kpi in KPIS if capability in kpi.needs)
        sources = ", ".join(
            f"`{source}`" for source, names in missing.items() if capability in names
        )
        if numbers and sources:
            yield f"| {reason.zh}<br>{reason.en} | {numbers} | {sources} |"


def _crawled() -> Iterator[str]:
    yield "## Crawled 網路蒐集\n"
    yield "| source | 名稱 title | route | auth | terms | limits |"
    yield "|---|---|---|---|---|---|"
    for name in source_names():
        source = load_source(name)
        cells = (_title(source.title), _route(source), _auth(source), _terms(source))
        yield f"| `{name}` | {' | '.join(cells)} | {_limits(source)} |"


def _title(title: Title) -> str:
    return f"{title.zh}<br>{title.en}"


def _route(source: Source) -> str:
    where = source.base_url or "each channel's own site"
    how = "robots.txt is obeyed" if source.robots.applies else "an interface used with a key"
    files = ", ".join(f"`{name}`" for name in formats_of(source.name))
    return f"{where}; {how}" + (f"; also as files: {files}" if files else "")


def _auth(source: Source) -> str:
    if source.auth is None:
        return "none"
    needed = "optional, " if source.auth.is_optional else ""
    names = ", ".join(
        f"`{v}`" for v in (source.auth.variable, *source.auth.more_variables.values())
    )
    return f"{needed}{names}"


def _terms(source: Source) -> str:
    terms = source.terms
    where = "each site's own" if terms.url == "per-channel" else f"[terms]({terms.url})"
    return f"{where}, read {terms.checked_on}" if terms.checked_on else f"{where}, not read yet"


def _limits(source: Source) -> str:
    polite, limits = source.politeness, source.limits
    told = [
        f"{polite.download_delay:g} s between requests",
        f"{limits.max_pages:,} pages a channel",
        f"{source.history_days} days back at first",
    ]
    if source.revisit_days:
        told.append(f"posts read again for {source.revisit_days} days")
    if source.quota:
        told.append(f"{source.quota.units_per_day:,} units a day")
    return ", ".join(told)


def _imported() -> Iterator[str]:
    yield "## Only as files 僅能匯入\n"
    yield "| source | formats |"
    yield "|---|---|"
    for source in described_sources():
        if source not in source_names():
            yield f"| `{source}` | {', '.join(f'`{name}`' for name in formats_of(source))} |"


def main() -> None:
    """Write the page."""
    PAGE.write_text(render_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
