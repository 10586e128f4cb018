"""Writes two tables into docs/import.md: named formats, and what a column map may name.

python -m scrapers.importers.catalogue        # rewrite them; a test refuses stale ones
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from lake.schemas import INSTANT, MONEY
from scrapers.importers.formats import all_formats
from scrapers.importers.mapping import NEEDED, PEOPLE, nameable

TARGET = Path(__file__).parents[2] / "docs" / "import.md"
KINDS = {
    INSTANT: "time",
    pa.date32(): "day",
    pa.int64(): "number",
    MONEY: "amount",
    pa.bool_(): "yes or no",
    pa.list_(pa.string()): "list",
    pa.string(): "text",
}


def formats() -> Iterator[str]:
    """Yield the lines of the table of named formats."""
    yield "| format | what 內容 | written by | sources | tables | whose channel |"
    yield "|" + "---|" * 6
    for name, form in all_formats().items():
        told = form.described
        yield (
            f"| `{name}` | {told.title.zh}<br>{told.title.en} | {told.written_by} | "
            f"{', '.join(f'`{s}`' for s in told.sources)} | {', '.join(told.tables)} | "
            f"{told.channel} |"
        )


def columns() -> Iterator[str]:
    """Yield the lines of the table of what a column map may name; what it must is bold."""
    yield "| table | column | of kind | what it says |"
    yield "|" + "---|" * 4
    for table, needed in NEEDED.items():
        for name, field in nameable(table).items():
            shown = f"**`{name}`**" if name in needed else f"`{name}`"
            kind = "person" if name in PEOPLE else KINDS[field.type]
            yield f"| {table} | {shown} | {kind} | {field.metadata[b'doc'].decode()} |"


def with_tables(page: str) -> str:
    """Return the page with the present tables between their marks."""
    for name, lines in (("formats", formats()), ("columns", columns())):
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        parts = re.split(f"({re.escape(begin)}\n).*?({re.escape(end)})", page, flags=re.S)
        before, _, _, after = parts
        page = "\n".join([f"{before}{begin}", *lines, f"{end}{after}"])
    return page


def main() -> None:
    """Rewrite the tables."""
    TARGET.write_text(with_tables(TARGET.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
