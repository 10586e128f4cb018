"""Workbooks (.xlsx) as rows, read piece by piece: shared and inline strings, dates, flags.

A workbook is a ZIP of XML, and both can be made to burst: what it says it unpacks to is bounded,
entities are never resolved, and rows are let go as they are read. Numbers stay as they are written,
so that an id that a spreadsheet rounded is seen as one. ECMA-376, part 1, chapter 18.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path, PurePosixPath
from typing import Any

from lxml import etree

from scrapers.errors import ImportFileError
from scrapers.importers.rows import Row, RowFile, normalise, what_to_skip

MAX_UNPACKED = 1024 * 1024 * 1024
MAX_RATIO = 200  # text packs at most about so well; a bomb packs a thousandfold
MAX_SHARED = 100_000_000  # characters of shared strings, which are held in memory
MAX_COLUMNS = 16_384
DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(50, 59)})
DATE_MARKS = re.compile(r"[ymdhs年月日]", re.I)
NOT_MARKS = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|General', re.I)
MAIN = "{*}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"
SERIALS = range(1, 2_958_466)  # 1900 … 9999


class Workbook:
    """An open workbook; `names` are its sheets in their order."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self.archive, self.name = archive, name
        self._guard()
        self.paths, self.day_zero = self._sheets()
        self.strings = self._shared_strings()
        self.date_styles = self._date_styles()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.paths)

    def open(self, sheet: str) -> RowFile:
        """Return the rows of a sheet below its header, the first row that is not blank."""
        found = RowFile((), "", iter(()))
        lines = self._lines(self.paths[sheet])
        for _, cells in lines:
            if any(cell not in (None, "") for cell in cells):
                header = [normalise(_text(cell)) for cell in cells]
                while header and not header[-1]:
                    header.pop()
                found.columns = tuple(dict.fromkeys(header))
                found.rows = _rows(lines, header, found)
                break
        return found

    def _guard(self) -> None:
        entries = self.archive.infolist()
        unpacked = sum(entry.file_size for entry in entries)
        packed = sum(entry.compress_size for entry in entries)
        if unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(packed, 65_536):
            raise ImportFileError(
                f"{self.name}: expected a workbook of at most {MAX_UNPACKED:,} bytes, packed at "
                f"most {MAX_RATIO}-fold, found {unpacked:,} bytes in {packed:,}; save it as CSV"
            )

    def _sheets(self) -> tuple[dict[str, str], datetime]:
        targets = {
            e.get("Id"): e.get("Target", "")
            for e in self._parse("xl/_rels/workbook.xml.rels", "Relationship")
        }
        paths: dict[str, str] = {}
        day_zero = datetime(1899, 12, 30)  # noqa: DTZ001  the zone is the reader's to say
        for element in self._parse("xl/workbook.xml", "sheet", "workbookPr"):
            if etree.QName(element).localname == "workbookPr":
                if element.get("date1904") in ("1", "true"):
                    day_zero = datetime(1904, 1, 1)  # noqa: DTZ001
            else:
                target = targets.get(element.get(RELATION) or element.get(STRICT_RELATION), "")
                paths[element.get("name", "")] = _inside(target)
        if not paths:
            raise ImportFileError(f"{self.name}: expected a workbook with a sheet, found none")
        return paths, day_zero

    def _shared_strings(self) -> list[str]:
        strings: list[str] = []
        length = 0
        for element in self._parse("xl/sharedStrings.xml", "si", is_optional=True):
            strings.append(_string(element))
            length += len(strings[-1])
            if length > MAX_SHARED:
                raise ImportFileError(f"{self.name}: too much text for a workbook; save it as CSV")
        return strings

    def _date_styles(self) -> frozenset[int]:
        own: dict[str, str] = {}
        styles: list[str] = []
        path = "xl/styles.xml"
        for element in self._parse(path, "numFmt", "cellXfs", is_optional=True):
            if etree.QName(element).localname == "numFmt":
                own[element.get("numFmtId", "")] = element.get("formatCode", "")
            else:
                styles = [xf.get("numFmtId", "0") for xf in element.iterfind(f"{MAIN}xf")]
        return frozenset(i for i, style in enumerate(styles) if _is_date(style, own))

    def _lines(self, path: str) -> Iterator[tuple[int, list[Any]]]:
        """Yield rows by number; cells are let go one by one, for a row can be a bomb, too."""
        number, cells = 0, list[Any]()
        for element in self._parse(path, "c", "row"):
            if etree.QName(element).localname == "row":
                number = int(element.get("r") or number + 1)
                yield number, cells
                cells = []
            else:
                index = _column(element.get("r"), len(cells))
                cells.extend([None] * (index - len(cells)))
                cells.append(self._value(element))

    def _value(self, cell: Any) -> Any:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _string(cell)
        value = cell.findtext(f"{MAIN}v")
        if value is None or value == "":
            return None
        if kind == "s":
            return self.strings[int(value)] if int(value) < len(self.strings) else None
        if kind == "b":
            return value in ("1", "true")
        if kind == "n" and int(cell.get("s") or 0) in self.date_styles:
            return _date(value, self.day_zero)
        return value

    def _parse(self, path: str, *tags: str, is_optional: bool = False) -> Iterator[Any]:
        try:
            file = self.archive.open(path)
        except KeyError:
            if is_optional:
                return
            raise ImportFileError(f"{self.name}: expected a workbook, found no {path}") from None
        with file:
            found = etree.iterparse(
                file,
                events=("end",),
                tag=[f"{MAIN}{tag}" for tag in tags],
                resolve_entities=False,
                no_network=True,
                load_dtd=False,
            )
            for _, element in found:
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]


@contextmanager
def open_workbook(path: Path) -> Iterator[Workbook]:
    """Open a workbook; `ImportFileError` when it is none, is damaged, or would burst."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield Workbook(archive, path.name)
    except (zipfile.BadZipFile, zlib.error, etree.XMLSyntaxError, NotImplementedError) as error:
        raise ImportFileError(f"{path.name}: expected a whole workbook ({error})") from None
    except (EOFError, RuntimeError, ValueError, IndexError) as error:
        raise ImportFileError(f"{path.name}: this workbook cannot be read ({error})") from None


@contextmanager
def open_sheet(path: Path, sheet: str | None = None) -> Iterator[RowFile]:
    """Open one sheet, the first unless named."""
    with open_workbook(path) as workbook:
        yield workbook.open(sheet or workbook.names[0])


def _rows(
    lines: Iterator[tuple[int, list[Any]]], header: list[str], found: RowFile
) -> Iterator[Row]:
    for number, cells in lines:
        what = what_to_skip([_text(cell) for cell in cells], header, None)
        if what:
            found.skip(what)
            continue
        cells += [None] * (len(header) - len(cells))
        by_name = dict(zip(header, cells, strict=False))
        if any(cell not in (None, "") for cell in cells[len(header) :]):
            reason = f"expected {len(header)} cells, found {len(cells)}"
            yield Row(number, by_name, ("cell_count", reason))
        else:
            yield Row(number, by_name)


def _inside(target: str) -> str:
    path = PurePosixPath("/xl", target)
    return str(path).lstrip("/")


def _string(element: Any) -> str:
    """Join the runs of a rich text; how it sounds (`rPh`) is not part of it."""
    texts = (t for t in element.iter(f"{MAIN}t") if "rPh" not in _parents(t, element))
    return "".join(text.text or "" for text in texts)


def _parents(element: Any, top: Any) -> Iterator[str]:
    above = element.getparent()
    while above is not None and above is not top:
        yield etree.QName(above).localname
        above = above.getparent()


def _column(reference: str | None, position: int) -> int:
    letters = re.match(r"[A-Z]{1,3}", reference or "")
    index = 0 if letters else position + 1
    for letter in letters[0] if letters else "":
        index = index * 26 + ord(letter) - 64
    if not position < index <= MAX_COLUMNS:
        raise ValueError(f"cell {reference} stands where no cell can")
    return index - 1


def _is_date(style: str, own: dict[str, str]) -> bool:
    if style in own:
        return bool(DATE_MARKS.search(NOT_MARKS.sub("", own[style])))
    return style.isdigit() and int(style) in DATE_FORMATS


def _date(value: str, day_zero: datetime) -> str:
    """Write a day number as people do; one that is no day stays as it is."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    if not number.is_finite() or number.adjusted() > 7 or int(number) not in SERIALS:
        return value
    at = day_zero + timedelta(days=int(number), seconds=round(number % 1 * 86_400))
    return at.date().isoformat() if not number % 1 else at.isoformat(sep=" ")


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell)
