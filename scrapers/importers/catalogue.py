"""Writes the table of named formats into docs/import.md from their descriptions.

python -m scrapers.importers.catalogue        # rewrite it; a test refuses a stale one
"""

from __future__ import annotations

import re
from pathlib import Path

from scrapers.importers.formats import all_formats

TARGET = Path(__file__).parents[2] / "docs" / "import.md"
BEGIN, END = "<!-- formats: begin -->", "<!-- formats: end -->"


def table() -> str:
    """Return the table as Markdown."""
    lines = [
        "| format | what 內容 | written by | sources | tables | whose channel |",
        "|" + "---|" * 6,
    ]
    for name, form in all_formats().items():
        told = form.described
        lines.append(
            f"| `{name}` | {told.title.zh}<br>{told.title.en} | {told.written_by} | "
            f"{', '.join(f'`{s}`' for s in told.sources)} | {', '.join(told.tables)} | "
            f"{told.channel} |"
        )
    return "\n".join(lines)


def with_table(page: str) -> str:
    """Return the page with the present table between its marks."""
    between = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.S)
    return between.sub(lambda _: f"{BEGIN}\n{table()}\n{END}", page)


def main() -> None:
    """Rewrite the table."""
    TARGET.write_text(with_table(TARGET.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
