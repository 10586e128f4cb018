"""Every named format against files of ours in its true shape: recognised alone, read to the end."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from scrapers.errors import ParsingFailedError
from scrapers.importers.catalogue import TARGET, with_tables
from scrapers.importers.detect import detect_format
from scrapers.importers.format import Format, Reading
from scrapers.importers.formats import all_formats
from scrapers.importers.head import Head, look_at
from scrapers.importers.items import read_items
from scrapers.importers.rows import Row
from tests.scrapers.golden import FIXTURES, compare
from tingchao.formats import named_formats, sources_of_format

NOW = datetime(2026, 10, 20, tzinfo=UTC)
SEEDS = 15
SAVED = datetime(2026, 10, 10, tzinfo=UTC)
GOLDEN = ".golden.json"


def fixtures() -> list[Path]:
    files = (p for name in named_formats() for p in (FIXTURES / name).rglob("*") if p.is_file())
    return sorted(path for path in files if not path.name.endswith(GOLDEN))


def saved(path: Path, folder: Path) -> Path:
    """Copy a fixture, written when it was written."""
    target = folder / path.relative_to(FIXTURES)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, target)
    os.utime(target, (SAVED.timestamp(), SAVED.timestamp()))
    return target


def reading_of(form: Format, head: Head) -> Reading:
    zone = ZoneInfo(form.described.time_zone)
    return Reading(head=head, zone=zone, now=NOW, source=form.source_of(head))


def read_all(form: Format, head: Head) -> Iterator[dict[str, Any]]:
    reading = reading_of(form, head)
    for row in form.items(head, reading.skipped):
        try:
            if row.problem:
                raise ParsingFailedError(*row.problem)
            for found in form.read(row, reading):
                yield {
                    **{name: value for name, value in asdict(found).items() if value},
                    "unread": sorted(form.unknown(found.unread)),
                }
        except ParsingFailedError as error:
            yield {"refused": error.rule, "line": row.line, "why": str(error)}
    for found in form.close(reading):
        yield {name: value for name, value in asdict(found).items() if value}
    if reading.skipped:
        yield {"skipped": dict(reading.skipped)}


@pytest.mark.parametrize("path", fixtures(), ids=lambda p: str(p.relative_to(FIXTURES)))
def test_a_file_is_recognised_and_read(path: Path, tmp_path: Path) -> None:
    head = look_at(saved(path, tmp_path))
    form, verdict = detect_format(head)
    assert form.name == path.relative_to(FIXTURES).parts[0], verdict.why
    compare(path.with_name(f"{path.name}{GOLDEN}"), list(read_all(form, head)))


def test_every_format_has_a_module_a_description_and_a_file() -> None:
    forms = all_formats()
    assert tuple(forms) == named_formats()
    assert {path.relative_to(FIXTURES).parts[0] for path in fixtures()} == set(forms)
    assert len(forms) > 10


@pytest.mark.parametrize("name", named_formats())
def test_a_description_is_whole(name: str) -> None:
    described = all_formats()[name].described
    assert set(described.sources) == set(sources_of_format(name))
    assert described.title.zh
    ZoneInfo(described.time_zone)


@pytest.mark.parametrize("path", fixtures(), ids=lambda p: str(p.relative_to(FIXTURES)))
def test_no_other_format_claims_the_file(path: Path, tmp_path: Path) -> None:
    head = look_at(saved(path, tmp_path))
    own = path.relative_to(FIXTURES).parts[0]
    others = {n: f.recognise(head) for n, f in all_formats().items() if n != own}
    best = all_formats()[own].recognise(head).sureness
    assert all(verdict.sureness < best for verdict in others.values())
    assert all(verdict.why for verdict in others.values())


def test_the_page_lists_the_formats_as_they_are() -> None:
    page = TARGET.read_text(encoding="utf-8")
    assert page == with_tables(page), "run: python -m scrapers.importers.catalogue"
    assert all(f"| `{name}` |" in page for name in named_formats())


ODD = (None, "", "x", 0, -1, 1.5, True, [], {}, [1], ["x"], {"id": 1}, [[{}]], 10**30, "９", "\x00")


def with_odd_values(value: Any, stream: Random) -> Any:
    """Replace some of the values in a piece of JSON by what nobody expects there."""
    if stream.random() < 0.08:
        return stream.choice(ODD)
    if isinstance(value, dict):
        return {name: with_odd_values(inner, stream) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_odd_values(inner, stream) for inner in value]
    return value


def pieces_of(form: Format, path: Path, row: Row, folder: Path) -> Iterator[Row]:
    """What a format makes of one row; one that puts rows together itself sees it as a file."""
    if type(form).items is Format.items or path.suffix != ".jsonl":
        return form.explode(row)
    file = folder / "odd.jsonl"
    file.write_text(json.dumps(row.cells, default=str) + "\n", encoding="utf-8")
    return form.items(look_at(file), {})


@pytest.mark.parametrize("path", fixtures(), ids=lambda p: str(p.relative_to(FIXTURES)))
def test_whatever_stands_in_a_file_is_a_record_or_is_refused(path: Path, tmp_path: Path) -> None:
    head = look_at(saved(path, tmp_path))
    form = all_formats()[path.relative_to(FIXTURES).parts[0]]
    reading = reading_of(form, head)
    rows = list(read_items(head, {}))
    for seed in range(SEEDS):
        stream = Random(seed)
        for row in rows:
            odd = replace(row, cells=with_odd_values(dict(row.cells), stream) or {})
            if not isinstance(odd.cells, dict):
                continue
            form.recognise(replace(head, samples=(odd.cells,)))
            try:
                for piece in pieces_of(form, path, odd, tmp_path):
                    if not piece.problem:
                        list(form.read(piece, reading))
            except ParsingFailedError as error:
                assert str(error)
    list(form.close(reading))
