"""Rows of CSV and JSON-lines files, one at a time, with the line where each begins.

Files come as people have them: any usual encoding, comma, semicolon or tab, `sep=` on top, comments
and blank lines before the header, quoted newlines, the header again where somebody appended, totals
at the foot. A file is never held in memory as a whole.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from scrapers.encodings import detect_encoding
from scrapers.errors import ImportFileError

SAMPLE_BYTES = 1024 * 1024
MAX_CELL = 4 * 1024 * 1024
MAX_LINE = 16 * 1024 * 1024  # characters of one line that are held in memory
MAX_HEAD_LINES = 100
SEPARATORS = (",", ";", "\t", "|")
UNDECODED = re.compile("[\udc80-\udcff]")
UNCLOSED = (
    "expected the quote that closes a cell, found the end of the file; was the file cut off? "
    "Export it again"
)
TOTALS = re.compile(
    r"(?:合計|合计|總計|总计|總和|总和|小計|小计|共計|共计|(?:grand |sub)?totals?|sum)[:：]?", re.I
)


@dataclass(frozen=True)
class Row:
    """One record of a file: `cells` by normalised column name; `problem` when it is none.

    `part` is the table of a database that holds it, or what of a document it is.
    """

    line: int
    cells: Mapping[str, Any]
    problem: tuple[str, str] | None = None
    part: str = ""


@dataclass
class RowFile:
    """A file being read: its columns as they stand, and what was skipped on the way."""

    columns: tuple[str, ...]
    encoding: str
    rows: Iterator[Row]
    skipped: dict[str, int] = field(default_factory=dict)

    def skip(self, what: str) -> None:
        self.skipped[what] = self.skipped.get(what, 0) + 1


def normalise(name: str) -> str:
    """Write a column name so that width, case and blanks make no difference."""
    return " ".join(unicodedata.normalize("NFKC", name).split()).casefold()


def shown(names: Sequence[str]) -> str:
    """List names for a message: the first thirty, and of each its beginning."""
    first = ", ".join(name[:40] for name in names[:30])
    return f"{first} … ({len(names)})" if len(names) > 30 else first or "none"


@contextmanager
def open_rows(
    path: Path, file_format: str, encoding: str | None = None, id_column: str | None = None
) -> Iterator[RowFile]:
    """Open a file for reading row by row; `ImportFileError` when it cannot be read at all.

    A row that begins with a word for a total is none of a thing unless it has an id of its own.
    """
    found = encoding_of(path, encoding)
    errors = "replace" if found.startswith("utf-16") else "surrogateescape"
    with path.open(encoding=found, errors=errors, newline="") as text:
        if file_format == "csv":
            yield _csv_file(text, path, found, id_column)
        else:
            yield _jsonl_file(text, path, found)


def encoding_of(path: Path, declared: str | None = None) -> str:
    """Return a file's encoding: its mark's, the declared, or what explains its first bytes."""
    if path.exists() and not path.is_file():
        raise ImportFileError(f"{path.name}: expected a file, found a directory, pipe or device")
    try:
        with path.open("rb") as file:
            sample = file.read(SAMPLE_BYTES)
    except OSError as error:
        raise ImportFileError(f"{path.name}: cannot be read ({error.strerror})") from None
    marked = detect_encoding(sample)
    is_marked = (marked or "").endswith(("-sig", "16", "32"))
    found = marked if declared is None or is_marked else declared
    if found is None:
        raise ImportFileError(
            f"{path.name}: no encoding explains its first {len(sample):,} bytes; if it is "
            "text, say which with `encoding:`, else export it as CSV or .xlsx"
        )
    try:
        "".encode(found)
    except LookupError:
        raise ImportFileError(f"{path.name}: unknown encoding {found!r}") from None
    return found


def _csv_file(text: io.TextIOBase, path: Path, encoding: str, id_column: str | None) -> RowFile:
    csv.field_size_limit(MAX_CELL)
    header_line, number, separator = _find_header(text, path)
    separator = separator or max(SEPARATORS, key=header_line.count)
    cut: set[int] = set()
    lines = _Lines(itertools.chain((header_line,), bounded_lines(text, cut)))
    reader = csv.reader(lines, delimiter=separator)
    header = [normalise(cell) for cell in next(reader)]
    while header and not header[-1]:
        header.pop()
    found = RowFile(tuple(dict.fromkeys(header)), encoding, iter(()))
    id_index = header.index(id_column) if id_column in header else None
    rows = _csv_rows(reader, lines, header, number, found, id_index)
    found.rows = _whole(rows, cut, number)
    return found


def _find_header(text: io.TextIOBase, path: Path) -> tuple[str, int, str | None]:
    """Return the header's line, its number, and the separator that a `sep=` line names."""
    separator = None
    for number in range(1, MAX_HEAD_LINES + 1):
        line = text.readline(MAX_CELL)
        if not line:
            break
        stated = re.match(r"^\s*\"?sep=(.)\"?\s*$", line, re.I)
        if stated:
            separator = stated[1]
        elif line.strip() and not line.lstrip().startswith("#"):
            return line, number, separator
    raise ImportFileError(f"{path.name}: expected a header line, found none; is the file empty?")


class _Lines:
    """Lines on their way into a CSV reader: how many went, whether a quote is still open.

    `are_over` once somebody has asked for one more than there are.
    """

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines, self.count, self.quotes, self.are_over = lines, 0, 0, False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            line = next(self.lines)
        except StopIteration:
            self.are_over = True
            raise
        self.count += 1
        self.quotes += line.count('"')
        return line

    def begin_row(self) -> None:
        self.quotes = 0

    def leave_quotes(self) -> None:
        """Go on behind the quoted cell in which the reader gave up: its lines are no rows."""
        while self.quotes % 2 and next(self, None) is not None:
            pass


def bounded_lines(text: io.TextIOBase, cut: set[int]) -> Iterator[str]:
    """Yield lines; of one longer than MAX_LINE only its beginning, and its number goes to `cut`."""
    for number in itertools.count(1):
        line = text.readline(MAX_LINE)
        if not line:
            return
        rest = line
        while len(rest) == MAX_LINE and not rest.endswith(("\n", "\r")):
            cut.add(number)
            rest = text.readline(MAX_LINE)
        yield f"{line}\n" if number in cut else line


def _whole(rows: Iterator[Row], cut: set[int], before: int) -> Iterator[Row]:
    """Mark the rows of lines that were cut; the header stands `before` their first."""
    for row in rows:
        if row.line - before in cut:
            cells = {name: cell[:2000] for name, cell in row.cells.items()}
            reason = f"expected a line of at most {MAX_LINE:,} characters"
            yield Row(row.line, cells, ("line_too_long", reason))
        else:
            yield row


def _csv_rows(
    reader: Any,
    lines: _Lines,
    header: list[str],
    before: int,
    found: RowFile,
    id_index: int | None,
) -> Iterator[Row]:
    line = before - 1 + lines.count
    while True:
        start = line + 1
        lines.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines.leave_quotes()
            line = before - 1 + lines.count
            yield Row(start, {}, ("unreadable_row", f"expected CSV, found: {error}"))
            continue
        line = before - 1 + lines.count
        if lines.are_over:  # a whole row is known before the line after it is asked for
            shown = {name: cell[:2000] for name, cell in zip(header, cells, strict=False)}
            yield Row(start, shown, ("unclosed_quote", UNCLOSED))
            return
        what = what_to_skip(cells, header, id_index)
        if what:
            found.skip(what)
        else:
            yield _csv_row(start, cells, header)


def what_to_skip(cells: list[str], header: list[str], id_index: int | None) -> str | None:
    """Name a line that is no record: blank, comment, the header again, totals."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if not filled:
        return "blank"
    if len(filled) == 1 and filled[0].startswith("#") and len(header) > 1:
        return "comment"
    if [normalise(cell) for cell in cells[: len(header)]] == header:
        return "header"
    own_id = cells[id_index].strip() if id_index is not None and id_index < len(cells) else ""
    return "total" if _is_total(filled[0]) and (not own_id or _is_total(own_id)) else None


def _is_total(cell: str) -> bool:
    return bool(TOTALS.fullmatch(unicodedata.normalize("NFKC", cell)))


def _csv_row(line: int, cells: list[str], header: list[str]) -> Row:
    while len(cells) > len(header) and not cells[-1].strip():
        cells.pop()
    by_name = dict(zip(reversed(header), reversed(cells[: len(header)]), strict=False))
    if len(cells) != len(header):
        reason = f"expected {len(header)} cells, found {len(cells)}"
        return Row(line, dict(zip(header, cells, strict=False)), ("cell_count", reason))
    if any(UNDECODED.search(cell) for cell in cells):
        return Row(line, by_name, ("undecodable", "bytes that the file's encoding does not have"))
    return Row(line, by_name)


def _jsonl_file(text: io.TextIOBase, path: Path, encoding: str) -> RowFile:
    found = RowFile((), encoding, iter(()))
    rows = _jsonl_rows(text, found)
    first = next(rows, None)
    if first is None:
        raise ImportFileError(f"{path.name}: expected one JSON object a line, found nothing")
    found.columns = tuple(first.cells)
    found.rows = _again(first, rows)
    return found


def _jsonl_rows(text: io.TextIOBase, found: RowFile) -> Iterator[Row]:
    cut: set[int] = set()
    for line, raw in enumerate(bounded_lines(text, cut), start=1):
        if not raw.strip():
            found.skip("blank")
            continue
        try:
            data = json.loads(raw, parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            yield Row(line, {"line": raw[:2000]}, ("unreadable_row", f"expected JSON: {error}"))
            continue
        if isinstance(data, dict):
            yield Row(line, dict(_flatten(data)))
        else:
            kind = type(data).__name__
            yield Row(line, {}, ("unreadable_row", f"expected a JSON object, found {kind}"))


def _flatten(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Name nested values with dots: `user.id`."""
    for name, value in data.items():
        full = f"{prefix}{normalise(str(name))}"
        if isinstance(value, dict):
            yield from _flatten(value, f"{full}.")
        else:
            yield full, value


def _again(first: Row, rest: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rest
