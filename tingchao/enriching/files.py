"""Enriched texts on disk: files that appear whole, what was read for them, since when they count.

`texts/version=<version>/<name>.parquet` holds rows, `versions/<version>.json` says since when the
version is in use (`<version>.<n>.json` since when once more, for one that came back),
`lexicons/<version>.json` what it listened for, and
`read/version=<version>/<name>.json` says which segments of the lake a run has gone through and
which files came of it. That is a shortcut and no truth: it counts as long as every file it names is
there, so whoever deletes enriched texts gets them again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from enrichment import ENGINE_VERSION, ENRICHED_FILE, Lexicon
from lake.store import LocalStore

_DISTINCT: Final = ("text_hash", "folded_text", "fingerprint", "sketch_low", "sketch_high")


def _leaves(field: pa.Field, path: str = "") -> Iterator[str]:
    """Yield the names that Parquet gives to the columns of a field."""
    path += field.name
    if pa.types.is_list(field.type):
        yield from _leaves(field.type.value_field.with_name("element"), f"{path}.list.")
    elif pa.types.is_struct(field.type):
        for part in field.type:
            yield from _leaves(part, f"{path}.")
    else:
        yield path


_REPEATING: Final = [
    leaf for field in ENRICHED_FILE if field.name not in _DISTINCT for leaf in _leaves(field)
]
"""Columns whose values come again: a dictionary of the others would be of no use, and is slow."""


def as_parquet(table: pa.Table) -> pa.Buffer:
    """Return the file of rows of `ENRICHED` or `ENRICHED_FILE`."""
    out = pa.BufferOutputStream()
    pq.write_table(table, out, compression="zstd", use_dictionary=_REPEATING)
    return out.getvalue()


class FileName:
    """The name of a file by the text hashes in it, given in order: a repeat replaces itself."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, hashes: Iterable[str]) -> None:
        self._digest.update("".join(f"{one}\n" for one in hashes).encode())

    def __str__(self) -> str:
        return self._digest.hexdigest()[:32]


class EnrichedFiles:
    """The files of one version, below `<data>/enriched`."""

    def __init__(self, root: Path, version: str) -> None:
        self.version = version
        self._store = LocalStore(root)

    def __reduce__(self) -> tuple[type[EnrichedFiles], tuple[Path, str]]:
        return EnrichedFiles, (self.root, self.version)  # a worker lists for itself

    @property
    def root(self) -> Path:
        return self._store.root

    @property
    def folder(self) -> Path:
        """Where the rows of this version lie."""
        return self.root / self._texts

    @property
    def attempts(self) -> Path:
        """Where workers of other machines leave finished files, in a folder per attempt."""
        return self.root / "attempts"

    def clear_attempts(self) -> None:
        """Remove what attempts left aside; nobody but a dead one's worker writes there still."""
        shutil.rmtree(self.attempts, ignore_errors=True)

    @property
    def _texts(self) -> str:
        return f"texts/version={self.version}"

    def names(self) -> set[str]:
        """Return the names of the files that are there."""
        return {Path(path).stem for path in self._store.files_below(self._texts)}

    def hashes(self) -> set[str]:
        """Return the hashes of all texts that this version has on disk."""
        known: set[str] = set()
        for path in self._store.files_below(self._texts):
            table = pq.read_table(self._store.address(path), columns=["text_hash"])
            known.update(table.column("text_hash").to_pylist())
        return known

    def count(self) -> int:
        """Return the number of texts that this version has on disk, from the files' footers."""
        paths = self._store.files_below(self._texts)
        return sum(pq.read_metadata(self._store.address(path)).num_rows for path in paths)

    def write(self, table: pa.Table) -> str:
        """Write one file, and return its name."""
        name = FileName()
        name.add(sorted(table.column("text_hash").to_pylist()))
        self._store.write({f"{self._texts}/{name}.parquet": as_parquet(table)})
        return str(name)

    def write_empty(self) -> None:
        """Make sure that there is a file, so that readers find the columns."""
        if not self.names():
            self.write(ENRICHED_FILE.empty_table())

    def adopt(self, finished: Mapping[str, Path]) -> None:
        """Take over durable files from elsewhere on this disk, each by one rename."""
        self._store.adopt({f"{self._texts}/{name}.parquet": p for name, p in finished.items()})

    # ---- which segments were read

    def read_segments(self) -> set[str]:
        """Return the segments whose texts are all here."""
        there = self.names()
        told = [note for note in self._notes() if there.issuperset(note["files"])]
        return {segment for note in told for segment in note["segments"]}

    def note_read(self, segments: Collection[str]) -> None:
        """Say that every text of these segments is here; keeps which files that took."""
        named = {name for note in self._notes() for name in note["files"]}
        files = sorted(self.names() - named)
        note = json.dumps({"segments": sorted(segments), "files": files})
        name = hashlib.sha256(note.encode()).hexdigest()[:32]
        path = f"read/version={self.version}/{name}.json"
        self._store.write({path: pa.py_buffer(note.encode())})

    def _notes(self) -> Iterator[dict[str, Any]]:
        for path in sorted((self.root / f"read/version={self.version}").glob("*.json")):
            yield json.loads(path.read_bytes())

    # ---- what an older version can give

    def predecessor(self, lexicon: Lexicon) -> EnrichedFiles | None:
        """Return the version last in use that read with the same engine and lists; None if none."""
        if self._store.exists(f"versions/{self.version}.json"):
            return None
        told = [json.loads(path.read_bytes()) for path in (self.root / "lexicons").glob("*.json")]
        usable = [row for row in told if row["base"] == lexicon.base]
        if not usable:
            return None
        latest = max(usable, key=lambda row: (row["activated_at"], row["version"]))
        return EnrichedFiles(self.root, latest["version"])

    def parts(self) -> dict[str, tuple[str, ...]]:
        """Return what the lexicon of this version was made of (`Lexicon.parts`)."""
        told = json.loads(self._store.read(f"lexicons/{self.version}.json").to_pybytes())
        return {key: tuple(phrases) for key, phrases in told["parts"].items()}

    def tables(self) -> Iterator[pa.Table]:
        """Yield the rows of this version, file by file."""
        for path in sorted(self._store.files_below(self._texts)):
            yield pq.read_table(self._store.address(path), schema=ENRICHED_FILE)

    # ---- since when the version is in use

    def activate(self, lexicon: Lexicon, now: datetime) -> datetime:
        """Return since when the version is in use; the first complete run settles that for good.

        A version that comes back, since an alias or a model was taken back, is in use from then on
        once more: a further file beside the first says so.
        """
        uses = version_uses(self.root)
        if uses and uses[-1].version == self.version:
            return uses[-1].since
        count = sum(use.version == self.version for use in uses)
        since = now.astimezone(UTC)
        if count:  # after the last one, even if the clock is frozen
            since = max(since, uses[-1].since + timedelta(microseconds=1))
        told = {
            "version": self.version,
            "engine_version": ENGINE_VERSION,
            "lexicon_digest": lexicon.digest,
            "activated_at": since.isoformat(),
        }
        content = json.dumps(told, ensure_ascii=False, indent=2) + "\n"
        known = {**told, "base": lexicon.base, "parts": lexicon.parts}
        made_of = json.dumps(known, ensure_ascii=False) + "\n"
        name = f"{self.version}.{count}" if count else self.version
        self._store.write({f"lexicons/{name}.json": pa.py_buffer(made_of.encode())})
        self._store.write({f"versions/{name}.json": pa.py_buffer(content.encode())})
        return since


class VersionUse(NamedTuple):
    """A version of the texts, and an instant from which on it is in use."""

    since: datetime
    version: str


def version_uses(root: Path) -> list[VersionUse]:
    """Return which version of texts below `<data>/enriched` is in use from when on, by time."""
    told = [json.loads(path.read_bytes()) for path in (root / "versions").glob("*.json")]
    return sorted(
        VersionUse(datetime.fromisoformat(row["activated_at"]), row["version"]) for row in told
    )
