"""A PTT board page: twenty rows, oldest first, pinned articles below the separator."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree
from parsel import Selector

from lake.counters import PTT_SCORE, Counter, parse_counter

FILE_NAME = re.compile(r"^[MG]\.(\d{1,10})\.A(?:\.[0-9A-F]+)?$")


@dataclass(frozen=True)
class IndexRow:
    """One article as its board lists it; the title may be cut at 64 bytes, the date has no year."""

    file_name: str
    path: str
    title: str
    author: str | None
    nrec: str
    date: str
    mark: str

    @property
    def published_at(self) -> datetime:
        return instant_in_file_name(self.file_name)


@dataclass(frozen=True)
class IndexPage:
    """What a board page holds, pinned articles left out."""

    rows: tuple[IndexRow, ...]
    deleted_count: int
    previous_path: str | None


def instant_in_file_name(file_name: str) -> datetime:
    """Return when an article was created: the one time on the site that nobody can edit.

    `ValueError` when it is no file name.
    """
    match = FILE_NAME.match(file_name)
    if match is None:
        raise ValueError(f"expected a file name such as M.1700000000.A.1B2, found {file_name!r}")
    return datetime.fromtimestamp(int(match[1]), UTC)


def parse_index(page: Selector) -> IndexPage | None:
    """Read a board page; None when it has no list at all, which no true board page lacks."""
    lists = page.css("div.r-list-container")
    if not lists:
        return None
    rows, deleted = [], 0
    for entry in lists[0].root:
        classes = (entry.get("class") or "").split() if isinstance(entry.tag, str) else []
        if "r-list-sep" in classes:
            break
        if "r-ent" in classes:
            row = _row(entry)
            deleted += row is None
            rows.extend([row] if row else [])
    return IndexPage(tuple(rows), deleted, _previous(page))


def _row(entry: etree._Element) -> IndexRow | None:
    """Read one row; None for the tombstone of a deleted article, which has no link."""
    cells = _cells(entry)
    link = next(cells["title"].iter("a"), None) if "title" in cells else None
    path = link.get("href") if link is not None else None
    name = path.rsplit("/", 1)[-1].removesuffix(".html") if path else ""
    if link is None or path is None or not FILE_NAME.match(name):
        return None
    author, nrec, date, mark = (
        _text(cells.get(name)) for name in ("author", "nrec", "date", "mark")
    )
    return IndexRow(
        file_name=name,
        path=path,
        title=_text(link),
        author=None if author in {"", "-"} else author,
        nrec=nrec,
        date=date,
        mark=mark,
    )


def _cells(entry: etree._Element) -> dict[str, etree._Element]:
    """Return the first block of each class: a selector for each would cost more than the rest."""
    cells: dict[str, etree._Element] = {}
    for block in entry.iter("div"):
        for name in (block.get("class") or "").split():
            cells.setdefault(name, block)
    return cells


def score(nrec: str) -> Counter:
    """Read the net score of a row: capped at ±100, and an interval where nothing is printed."""
    return {**parse_counter(PTT_SCORE, nrec), "name": "score"}


def _text(element: etree._Element | None) -> str:
    return "" if element is None else "".join(element.itertext()).strip(" \t\r\n")


def _previous(page: Selector) -> str | None:
    for button in page.css("div.btn-group-paging a.btn"):
        if "上頁" in (button.xpath("string()").get() or ""):
            path: str | None = button.attrib.get("href")
            return path
    return None
