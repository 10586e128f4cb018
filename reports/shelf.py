"""The folder that readers see, and the only way anything gets into it.

    published/current.json          which version is served; replacing it is the decision
    published/marts.duckdb          copy of that version's marts, mode 0444
    published/desks.duckdb          copy of that version's cases, mode 0440
    published/report/               copy of that version's pages
    published/<version>/            a version: whole, gated, never changed
    published/.candidate-*          a version in the making; left over only by a kill

Each step is one atomic rename, made durable before the next. A kill leaves either the old decision
or the new one; `settle` carries out whichever stands, any number of times. The served files are
copies, so that a reader who forces one open for writing cannot harm the version behind it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from reports.digests import digest_of_file, digest_of_table
from reports.errors import PublicationError
from reports.manifest import NAME, Manifest, Table
from reports.marts_file import read_published
from tingchao.durable import sync

VERSION_PATTERN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{12}")
CANDIDATE = ".candidate-"
DATABASES = {"marts.duckdb": 0o444, "desks.duckdb": 0o440}
PAGES = "report"


class Shelf:
    """The published versions of one installation; one process at a time may change it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pointer = folder / "current.json"

    @property
    def current(self) -> str | None:
        """The version that is served; None before the first publication."""
        try:
            version = str(json.loads(self._pointer.read_text(encoding="utf-8"))["version"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            raise PublicationError(
                f'{self._pointer}: expected {{"version": …}}; '
                "choose one of the kept versions: `tingchao publish --rollback VERSION`"
            ) from None
        return version

    def versions(self) -> list[str]:
        """Kept versions, oldest instant first."""
        found = self.folder.glob("*/" + NAME)
        return sorted(p.parent.name for p in found if VERSION_PATTERN.fullmatch(p.parent.name))

    def has(self, version: str) -> bool:
        return (
            VERSION_PATTERN.fullmatch(version) is not None
            and (self.folder / version / NAME).is_file()
        )

    def manifest(self, version: str) -> Manifest:
        return Manifest.read(self.folder / version)

    @contextmanager
    def candidate(self) -> Iterator[Path]:
        """A fresh folder for a version in the making; what killed attempts left is removed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for leftover in self.folder.glob(CANDIDATE + "*"):
            _discard(leftover)
        folder = Path(tempfile.mkdtemp(prefix=CANDIDATE, dir=self.folder))
        try:
            yield folder
        finally:
            _discard(folder)

    def admit(self, candidate: Path, version: str) -> None:
        """Make a finished candidate a version: durable first, then one rename."""
        for path in sorted(candidate.rglob("*")):
            if path.is_file():
                path.chmod(DATABASES.get(path.name, 0o444))
            sync(path)
        candidate.chmod(0o755)
        sync(candidate)
        target = self.folder / version
        if target.exists():  # damaged, or it would have been served again instead of rebuilt
            target.rename(self.folder / f"{CANDIDATE}replaced-{os.getpid()}")
        candidate.rename(target)
        sync(self.folder)

    def choose(self, version: str) -> None:
        """Decide that `version` is served, and serve it; `PublicationError` when it is not kept."""
        if not self.has(version):
            kept = ", ".join(self.versions()) or "none"
            raise PublicationError(f"no published version {version!r}; kept: {kept}")
        if version != self.current:
            text = json.dumps({"version": version}) + "\n"
            _place(self._pointer, 0o444, lambda path: path.write_text(text, encoding="utf-8"))
        self.settle()

    def settle(self) -> None:
        """Make the served files those of the current version, whatever a kill left of it."""
        version = self.current
        if version is None or not self.has(version):  # gone only with the disk: publish anew
            return
        folder = self.folder / version
        files = self.manifest(version).files
        for name, mode in DATABASES.items():
            _unlink_foreign_log(self.folder / name)
            self._serve(folder / name, self.folder / name, files[name].sha256, mode)
            _unlink_foreign_log(self.folder / name)
        pages = [name for name in files if name.startswith(f"{PAGES}/")]
        for name in pages:
            self._serve(folder / name, self.folder / name, files[name].sha256, 0o444)
        self._remove_stale_pages(pages)
        sync(self.folder)

    def problems(self, version: str) -> list[str]:
        """Read every byte and every row of a version back; lists what is not as it was written."""
        folder = self.folder / version
        manifest = self.manifest(version)
        found = [
            f"{version}/{name}: its bytes are not those that were published"
            for name, stored in manifest.files.items()
            if not _is_file_with(folder / name, stored.sha256)
        ]
        return found or self.misread(version, folder)

    def misread(self, version: str, folder: Path) -> list[str]:
        """Scan every table of the two files in `folder` against the version's manifest."""
        tables = self.manifest(version).tables
        return [
            problem
            for name in DATABASES
            for problem in _misread_tables(
                folder / name, {n: t for n, t in tables.items() if t.file == name}
            )
        ]

    def prune(self, keep: int) -> list[str]:
        """Remove all but the newest `keep` versions; the served one always stays."""
        served = self.current
        removed = [v for v in self.versions()[:-keep] if v != served]
        for version in removed:
            _discard(self.folder / version)
        return removed

    def _serve(self, source: Path, target: Path, sha256: str, mode: int) -> None:
        if _is_file_with(target, sha256):
            target.chmod(mode)
            return
        _place(target, mode, lambda path: shutil.copyfile(source, path))
        if not _is_file_with(target, sha256):
            raise PublicationError(
                f"{source}: its bytes are not those that were published; the disk may be failing. "
                "Choose another version: `tingchao publish --rollback VERSION`"
            )

    def _remove_stale_pages(self, pages: list[str]) -> None:
        served = {Path(name).name for name in pages}
        for path in (self.folder / PAGES).glob("*"):
            if path.name not in served:
                path.unlink()


def _misread_tables(database: Path, tables: Mapping[str, Table]) -> Iterator[str]:
    try:
        with read_published(database) as connection:
            for table, stored in tables.items():
                found = digest_of_table(connection, table, stored.key)
                if found != (stored.rows, stored.digest):
                    yield (
                        f"{database.name}: {table}: {found[0]:,} rows are not the "
                        f"{stored.rows:,} that were published"
                    )
    except (duckdb.Error, PublicationError) as error:
        yield f"{database.name}: {str(error).splitlines()[0]}"


def _place(target: Path, mode: int, write: Callable[[Path], object]) -> None:
    """Write a file under a hidden name, make it durable, and rename it into place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(CANDIDATE + target.name)
    unfinished.unlink(missing_ok=True)
    write(unfinished)
    unfinished.chmod(mode)
    sync(unfinished)
    unfinished.replace(target)
    sync(target.parent)


def _unlink_foreign_log(database: Path) -> None:
    """DuckDB applies whatever log lies beside a file, even another file's."""
    database.with_name(database.name + ".wal").unlink(missing_ok=True)


def _is_file_with(path: Path, sha256: str) -> bool:
    return path.is_file() and digest_of_file(path) == sha256


def _discard(path: Path) -> None:
    """Remove a file or a folder of ours, read-only entries included."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    for folder in [path, *(p for p in path.rglob("*") if p.is_dir())]:
        folder.chmod(folder.stat().st_mode | stat.S_IRWXU)
    shutil.rmtree(path)
