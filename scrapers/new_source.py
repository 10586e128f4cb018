"""Writes what a new source begins with: description, spider, a saved page, a test.

The test fails first: it writes down what the spider reads of the saved page, and somebody must
review that. Nothing that is there already is touched.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from string import Template

from scrapers.errors import SourceError
from scrapers.source import source_names
from tingchao.formats import AUTO, MAPPED, named_formats

PROJECT = Path(__file__).parents[1]
TEMPLATES = Path(__file__).parent / "templates"
FIXTURES = "tests/scrapers/fixtures"
NAME = r"[a-z][a-z0-9]*(_[a-z0-9]+)*"
LONGEST = 24


class Base(StrEnum):
    """By which way of access a source is read."""

    BOARD = "board"
    CURSOR = "cursor"
    FEED = "feed"
    FILE = "file"


TARGETS = {
    Base.BOARD: {
        "source.yml": "scrapers/sources/{name}.yml",
        "spider.py": "scrapers/spiders/{name}.py",
        "board.html": FIXTURES + "/{name}/board.html",
        "thread.html": FIXTURES + "/{name}/thread.html",
        "test.py": "tests/scrapers/test_{name}.py",
    },
    Base.CURSOR: {
        "source.yml": "scrapers/sources/{name}.yml",
        "spider.py": "scrapers/spiders/{name}.py",
        "posts.json": FIXTURES + "/{name}/posts.json",
        "comments.json": FIXTURES + "/{name}/comments.json",
        "test.py": "tests/scrapers/test_{name}.py",
    },
    Base.FEED: {
        "source.yml": "scrapers/sources/{name}.yml",
        "spider.py": "scrapers/spiders/{name}.py",
        "feed.xml": FIXTURES + "/{name}/feed.xml",
        "test.py": "tests/scrapers/test_{name}.py",
    },
    Base.FILE: {
        "format.yml": "scrapers/importers/formats/{name}.yml",
        "format.py": "scrapers/importers/formats/{name}.py",
        "export.csv": FIXTURES + "/{name}/export.csv",
        "test.py": "tests/scrapers/test_{name}.py",
    },
}


@dataclass(frozen=True)
class NewSource:
    """What was written, and what to do with it."""

    name: str
    base: Base
    written: tuple[Path, ...]

    def __str__(self) -> str:
        test = self.written[-1]
        return "\n".join(
            [
                *(f"wrote {path}" for path in self.written),
                f"next   docs/add-a-source.md; python -m pytest -q {test}",
            ]
        )


def write_new_source(name: str, base: Base, today: date, project: Path = PROJECT) -> NewSource:
    """Write the files of a new source; `SourceError` when the name is no good or taken."""
    targets = {t: Path(place.format(name=name)) for t, place in TARGETS[base].items()}
    problem = next(_problems(name, targets, project), None)
    if problem:
        raise SourceError(f"new-source: {problem}")
    values = {
        "name": name,
        "Name": "".join(part.capitalize() for part in name.split("_")),
        "NAME": name.upper(),
        "host": f"{name.replace('_', '-')}.example",
        "today": today.isoformat(),
    }
    for template, target in targets.items():
        text = (TEMPLATES / base / f"{template}.template").read_text(encoding="utf-8")
        _write(project / target, Template(text).substitute(values))
    return NewSource(name, base, tuple(targets.values()))


def _problems(name: str, targets: dict[str, Path], project: Path) -> Iterator[str]:
    if not re.fullmatch(NAME, name) or len(name) > LONGEST:
        yield (
            f"expected a name of a-z, 0-9 and single _, at most {LONGEST} long, beginning with a "
            f"letter; found {name!r:.60}"
        )
        return
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or name in (AUTO, *MAPPED):
        yield f"{name!r} means something else already; choose the site's own short name"
    taken = {*source_names(project / "scrapers" / "sources"), *named_formats()}
    if name in taken:
        yield f"{name!r} is there already; the names taken are {', '.join(sorted(taken))}"
    if not (project / FIXTURES).is_dir():
        yield (
            f"expected a checkout of the project at {project}, found no {FIXTURES} there; an "
            "installed package cannot grow a source"
        )
    for path in targets.values():
        place = project / path
        if place.exists():
            yield f"{path} is there already and stays as it is; choose another name"
    if (project / FIXTURES / name).exists():
        yield f"{FIXTURES}/{name} is there already and stays as it is; choose another name"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
