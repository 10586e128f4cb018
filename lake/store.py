"""Where files lie: a local folder, or anything that `pyarrow.fs` reaches.

Two promises, on which exactly-once rests. A file appears whole or not at all. A segment's data
files are durable before its ledger row appears, and the row of a segment appears once: whoever
comes second is told so (`SegmentTakenError`) before it has changed anything.

Locally that takes a kernel lock round every commit (freed by the kernel when its holder dies),
temporary names that no `*.parquet` glob matches, fsync, rename, and fsync of the folder. What a
killed commit left behind is announced in one small file and cleared by whoever commits next. An
object store shows an object only when its upload is complete, so there a write is direct; it has
no lock, so writers of one source must be kept apart by the step that starts them.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from lake.errors import LakeError, SegmentTakenError

SUFFIX = ".parquet"
CLOCK_GRAIN_NS = 50_000_000
STAGING = ".staging"
LOCK = ".staging/commit.lock"
ANNOUNCED = ".staging/announced.json"


class Store(ABC):
    """Files by relative path, `/` between the parts."""

    filesystem: pafs.FileSystem
    base: str

    @abstractmethod
    def write(self, files: Mapping[str, pa.Buffer]) -> None:
        """Put files in place, each whole or not at all; one of the same name is replaced."""

    @abstractmethod
    def commit(self, files: Mapping[str, pa.Buffer], ledger: tuple[str, pa.Buffer]) -> None:
        """Put a segment's data files in place, then its ledger row, durable in that order.

        Raises `SegmentTakenError`, with nothing changed, when a ledger row of that file name is
        there already, whatever its date.
        """

    def address(self, path: str) -> str:
        """Return the path as this store's file system names it."""
        return f"{self.base}/{path}"

    def exists(self, path: str) -> bool:
        info = self.filesystem.get_file_info(self.address(path))
        return info.type == pafs.FileType.File

    def files_below(self, folder: str) -> list[str]:
        """Return the `*.parquet` files below a folder, sorted; none when it does not exist."""
        selector = pafs.FileSelector(self.address(folder), recursive=True, allow_not_found=True)
        found = (i.path for i in self.filesystem.get_file_info(selector) if i.is_file)
        # File systems differ in whether they give back the leading slash of the base.
        cut = len(self.base.strip("/")) + 1
        return sorted(p.strip("/")[cut:] for p in found if p.endswith(SUFFIX))

    def read(self, path: str) -> pa.Buffer:
        with self.filesystem.open_input_file(self.address(path)) as file:
            return file.read_buffer()

    def read_schema(self, path: str) -> pa.Schema:
        return pq.read_schema(self.address(path), filesystem=self.filesystem)

    def dataset(self, paths: list[str], schema: pa.Schema) -> pads.Dataset:
        """Return the rows of these files, in this order; a column that a file lacks is NULL."""
        return pads.FileSystemDataset.from_paths(
            [self.address(path) for path in paths],
            schema=schema,
            format=pads.ParquetFileFormat(),
            filesystem=self.filesystem,
        )

    def _refuse_taken(self, ledger_path: str) -> None:
        if taken := self._find_at_any_date(ledger_path):
            raise SegmentTakenError(
                f"{self.address(taken)}: this segment is committed already, by another attempt of "
                "the same logical run; nothing was changed"
            )

    def _find_at_any_date(self, path: str) -> str | None:
        name, folder = PurePosixPath(path).name, str(PurePosixPath(path).parent.parent)
        return next((p for p in self.files_below(folder) if PurePosixPath(p).name == name), None)


class RemoteStore(Store):
    """Any file system of pyarrow's in which a file appears when its upload is complete."""

    def __init__(self, filesystem: pafs.FileSystem, base: str) -> None:
        self.filesystem = filesystem
        self.base = base.rstrip("/")

    def write(self, files: Mapping[str, pa.Buffer]) -> None:
        for path, data in files.items():
            address = self.address(path)
            self.filesystem.create_dir(str(PurePosixPath(address).parent), recursive=True)
            with self.filesystem.open_output_stream(address) as out:
                out.write(data)

    def commit(self, files: Mapping[str, pa.Buffer], ledger: tuple[str, pa.Buffer]) -> None:
        self._refuse_taken(ledger[0])
        self.write(files)
        self._refuse_taken(ledger[0])
        self.write(dict([ledger]))


class LocalStore(Store):
    """A folder of this machine; readable by its owner alone, for it holds what people wrote."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.base = self.root.as_posix()
        self.filesystem = pafs.LocalFileSystem()
        self.disk = Disk()
        self._folders: dict[str, _Folder] = {}
        self._listings: dict[str, tuple[list[_Folder], list[str]]] = {}

    def exists(self, path: str) -> bool:
        return (self.root / path).is_file()

    def files_below(self, folder: str) -> list[str]:
        """Return the `*.parquet` files below a folder, sorted; the same list while none changed."""
        found = list(self._folders_below(f"{self.base}/{folder}", f"{folder}/"))
        before, listing = self._listings.get(folder, ([], []))
        if len(found) != len(before) or any(a is not b for a, b in zip(found, before, strict=True)):
            listing = sorted(path for one in found for path in one.files)
            self._listings[folder] = found, listing
        return listing

    def _folders_below(self, path: str, prefix: str) -> Iterator[_Folder]:
        known = self._folders.get(path)
        found = _read_folder(path, prefix, known)
        if found is not None:
            self._folders[path] = found
            yield found
            for name in found.folders:
                yield from self._folders_below(f"{path}/{name}", f"{prefix}{name}/")

    def write(self, files: Mapping[str, pa.Buffer]) -> None:
        with self._locked():
            for path, data in files.items():
                self._put(path, data)

    def adopt(self, files: Mapping[str, Path]) -> None:
        """Take over finished, durable files of the same disk, each in one rename."""
        with self._locked():
            for path, file in files.items():
                self._make_folder((self.root / path).parent)
                self.disk.replace(file, self.root / path)
            for folder in sorted({(self.root / path).parent for path in files}):
                self.disk.sync_folder(folder)

    def commit(self, files: Mapping[str, pa.Buffer], ledger: tuple[str, pa.Buffer]) -> None:
        ledger_path, row = ledger
        with self._locked():
            self._refuse_taken(ledger_path)
            if files:
                self._announce([*files], ledger_path)
            for path, data in files.items():
                self._put(path, data)
            self._put_once(ledger_path, row)
            self._clear_leftovers()

    def _find_at_any_date(self, path: str) -> str | None:
        name, folder = PurePosixPath(path).name, self.root / PurePosixPath(path).parent.parent
        found = next(folder.glob(f"*/{name}"), None)
        return found.relative_to(self.root).as_posix() if found else None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._make_folder(self.root / STAGING)
        handle = os.open(self.root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._clear_leftovers()
            yield
        finally:
            os.close(handle)

    def _announce(self, paths: list[str], ledger_path: str) -> None:
        """Say durably which files a commit is about to place, so that a kill leaves no riddle."""
        told = json.dumps({"files": paths, "ledger": ledger_path}).encode()
        self._put(ANNOUNCED, pa.py_buffer(told))

    def _clear_leftovers(self) -> None:
        """Finish what a killed commit left: its data files without a ledger row, its temporaries.

        Only under the lock, when every temporary file belongs to somebody who is dead.
        """
        announced = self.root / ANNOUNCED
        if announced.exists():
            told = json.loads(announced.read_bytes())
            if not self.exists(told["ledger"]):
                self._discard([self.root / path for path in told["files"]])
            self._discard([announced])
        self._discard((self.root / STAGING).glob("*.tmp"))

    def _discard(self, paths: Iterator[Path] | list[Path]) -> None:
        for path in [p for p in paths if p.exists()]:
            self.disk.remove(path)
            self.disk.sync_folder(path.parent)

    def _put(self, path: str, data: pa.Buffer) -> None:
        target = self.root / path
        self._make_folder(target.parent)
        self.disk.replace(self._stage(data), target)
        self.disk.sync_folder(target.parent)

    def _put_once(self, path: str, data: pa.Buffer) -> None:
        target = self.root / path
        self._make_folder(target.parent)
        self.disk.link(self._stage(data), target)
        self.disk.sync_folder(target.parent)

    def _stage(self, data: pa.Buffer) -> Path:
        staged = self.root / STAGING / f"{secrets.token_hex(8)}.tmp"
        self.disk.write_new(staged, data)
        return staged

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        self.disk.make_folder(folder)
        self.disk.sync_folder(folder.parent)


class Disk:
    """The few operations that change a local disk; each may be the last one that happens."""

    def write_new(self, path: Path, data: pa.Buffer) -> None:
        """Write a new file and force its bytes to the disk."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb", buffering=0) as file:
            rest = memoryview(data)
            while len(rest):
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())

    def replace(self, source: Path, target: Path) -> None:
        source.replace(target)

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name, which must be new: `FileExistsError` otherwise."""
        os.link(source, target)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def make_folder(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """Force a folder's names to the disk: without it a rename may not survive power loss."""
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def open_store(uri: str | Path, filesystem: pafs.FileSystem | None = None) -> Store:
    """Open a local path, a `file://` or other pyarrow URI, or a path in a given file system."""
    if filesystem is not None:
        return RemoteStore(filesystem, str(uri))
    if isinstance(uri, Path) or not urlsplit(uri).scheme:
        return LocalStore(Path(uri))
    try:
        found, path = pafs.FileSystem.from_uri(uri)
    except (pa.ArrowInvalid, OSError) as error:
        raise LakeError(
            f"lake {uri!r}: expected a local path or a URI that pyarrow can open, such as "
            f"s3://bucket/landing; found: {error}"
        ) from None
    return LocalStore(Path(path)) if found.type_name == "local" else RemoteStore(found, path)


def encode(table: pa.Table) -> pa.Buffer:
    """Return the table as one Parquet file, Zstandard inside.

    Without Arrow's own copy of the schema: Parquet's says the same, and the copy, column docs and
    all, would be most of a small file (a ledger row: 9.6 KB with it, 2.8 KB without).
    """
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", store_schema=False)
    return sink.getvalue()


@dataclass(frozen=True, eq=False)
class _Folder:
    """What a folder held when it was read, by the folder's own time of change."""

    changed_ns: int
    read_ns: int
    files: tuple[str, ...]
    folders: tuple[str, ...]

    def is_as_read(self, changed_ns: int) -> bool:
        """Whether nothing changed since; a change within the clock's grain might not show."""
        return self.changed_ns == changed_ns and self.read_ns - changed_ns > CLOCK_GRAIN_NS


def _read_folder(path: str, prefix: str, known: _Folder | None) -> _Folder | None:
    try:
        changed_ns, read_ns = Path(path).stat().st_mtime_ns, time.time_ns()
        if known is not None and known.is_as_read(changed_ns):
            return known
        with os.scandir(path) as found:
            entries = list(found)
    except FileNotFoundError:
        return None
    folders = tuple(e.name for e in entries if e.is_dir(follow_symlinks=False))
    files = tuple(prefix + e.name for e in entries if e.name.endswith(SUFFIX))
    return _Folder(changed_ns, read_ns, files, folders)
