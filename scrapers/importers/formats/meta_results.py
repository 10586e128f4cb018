"""Daily numbers of a page or an account as Meta Business Suite exports them, metric by metric.

UTF-16; a line `sep=,`, the metric's name, `Date` and `Primary`, then the days; and the next metric
below. Blocks that tell shares of the audience count nobody and are passed over.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

from scrapers.importers.fields import Fields, needed
from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.gathering import gather_audience, gathered
from scrapers.importers.graph import FACEBOOK, INSTAGRAM
from scrapers.importers.head import Head
from scrapers.importers.meta_times import read_meta_time
from scrapers.importers.rows import Row, bounded_lines, normalise

HEADER = ["date", "primary"]


class MetaResults(Format):
    """Meta Business Suite: results, a number a day."""

    name = "meta_results"

    def recognise(self, head: Head) -> Verdict:
        lines = [_cells(line) for line in head.start.splitlines()[:30]]
        if HEADER in lines:
            return Verdict(Sureness.CERTAIN, "a metric's name above Date and Primary")
        return Verdict.no("expected a metric's name above the columns Date and Primary")

    def source_of(self, head: Head) -> str:
        return INSTAGRAM if "instagram" in head.start.casefold() else FACEBOOK

    def items(self, head: Head, skipped: dict[str, int]) -> Iterator[Row]:
        """Yield the days of each block, told its metric; `part` is the metric."""
        metric, is_daily = "", False
        with head.path.open(encoding=head.encoding, errors="replace", newline="") as text:
            for number, line in enumerate(bounded_lines(text, set()), start=1):
                cells = _cells(line)
                if not any(cells) or cells[0].startswith("sep="):
                    is_daily = is_daily and bool(cells and cells[0])
                elif cells == HEADER:
                    is_daily = True
                elif len(cells) == 1:
                    metric, is_daily = cells[0], False
                elif is_daily:
                    yield Row(number, dict(zip(HEADER, cells, strict=False)), part=metric)
                else:
                    skipped["audience breakdown"] = skipped.get("audience breakdown", 0) + 1

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        fields = Fields(row.cells)
        day = needed(read_meta_time(fields, reading, "date"), "date")
        counter = fields.counter(row.part, "primary")
        gather_audience(reading, None, day.at, [dict(counter)])
        yield from ()

    def close(self, reading: Reading) -> Iterator[Found]:
        yield from gathered(reading)


def _cells(line: str) -> list[str]:
    cells = next(csv.reader([line.lstrip("\ufeff")]), [])
    return [normalise(cell) for cell in cells]
