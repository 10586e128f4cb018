"""docs/marts.md, written from the yml beside the models: `python -m tingchao.marts_page`."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Final

from tingchao.marts import PROJECT, Mart, load_marts

PAGE: Final = PROJECT.parent / "docs" / "marts.md"

HEAD: Final = """\
# The marts

Written by `python -m tingchao.marts_page` from the yml beside each model; a test says when it is
stale. Change the yml, not this page.

Every mart is a plain table of aggregates. A row counts closed calendar days of the reporting time
zone only: the last one is the day before the local day of the instant up to which was built
(`as_of`, by default the last commit in the ledger). NULL means unknown, 0 means counted and none.
`coverage_rate` says how much of the time was listened to, `definition_version` by which definitions
was counted; `metric_definitions` holds them in words.

- **Act**: a landed post of any kind, or a reaction. Its day is the local day of its time; an act
  whose time nothing tells is in no number but `coverage.undated_post_count`.
- **Eligible**: by a known author who is not an official account of that channel.
- **Voice**: own words in a post that is no noise. Numbers of what people say count voices, and have
  what is left out beside them; `left_out_mentions` and `noise_acts` have it by reason, and
  `tingchao trace` lists the posts. `noise` in the configuration says what is noise
  ([why](decisions/0012-what-counts-as-a-voice.md)).
- **Observed again**: the latest observation of a post wins, and a time once known stays known; the
  first observed author stays. A deleted post that was seen before stays an act; one never seen but
  as deleted is none.
- **Periods**: days, ISO weeks (from Monday) and months, without gaps from the channel's first
  covered or acted day. A period still running is there too, with the days closed so far, and
  `is_complete_period` says so.
- **Suppression**: where 0 < a count of people < `suppress_below`, the published row has NULL in the
  columns marked so; the private one has the number. Where as few are left of a whole, likewise.

How a build works: `tingchao build` copies `warehouse/work.duckdb`, lets one `dbt build` bring the
copy up to date, and renames it over the old file when every model is built and every test passed.
It computes anew only what is new: of each channel, everything on or after the earliest day that any
new or changed row concerns. A change of configuration, models or text version starts from nothing,
and so does `--full-refresh`; both ways give the same rows. `tingchao build --as-of INSTANT` writes
what could be known then to `warehouse/as_of/`, and leaves the current marts alone.

Unit tests with numbers worked out by hand stand beside each model. They are not part of a build; to
run one, or any other dbt command, enter the folder of a build that failed (the error names it) and
set TINGCHAO_TIME_ZONE to the reporting time zone: the folder is a dbt project with its database
beside. `TINGCHAO_MEMORY_LIMIT` (4GB) and `TINGCHAO_THREADS` (2) bound what DuckDB takes.
"""


def render_page() -> str:
    """Return the whole page as Markdown."""
    names = _names()
    return "\n".join(
        [HEAD, *_index(), *(line for m in load_marts() for line in _section(m, names))]
    )


def _names() -> dict[str, str]:
    with (PROJECT / "seeds" / "metric_definitions.csv").open(encoding="utf-8", newline="") as file:
        return {row["metric_id"]: row["name_zh"] for row in csv.DictReader(file)}


def _index() -> Iterator[str]:
    yield "| mart | folder | key |"
    yield "|---|---|---|"
    for mart in load_marts():
        key = ", ".join(f"`{name}`" for name in mart.key)
        yield f"| [{mart.name}](#{mart.name}) | {mart.folder or '(top)'} | {key} |"
    yield ""


def _section(mart: Mart, names: dict[str, str]) -> Iterator[str]:
    yield f"## {mart.name}\n"
    yield f"{mart.description}\n"
    yield "| column | type | 名稱 | meaning |"
    yield "|---|---|---|---|"
    for column in mart.columns:
        name_zh = names.get(f"{mart.name}.{column.name}", "")
        meaning = column.description + _marks(mart, column.name)
        yield f"| `{column.name}` | {column.data_type} | {name_zh} | {meaning} |"
    yield ""


def _marks(mart: Mart, column: str) -> str:
    marks = [
        mark
        for mark, marked in (
            ("key", mart.key),
            ("counts people", mart.people_columns),
            ("suppressed", mart.suppress_columns),
        )
        if column in marked
    ]
    return f" *({', '.join(marks)})*" if marks else ""


def main() -> None:
    """Write the page."""
    PAGE.write_text(render_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
