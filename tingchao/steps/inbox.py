"""Land what lies in the inbox: a folder or an object prefix into which people put files.

Files are recognised by what is in them, landed, and left where they are: nothing is moved, renamed
or deleted. What was landed before is known by its digest. What cannot be recognised is told every
time and keeps nothing else from landing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.fs as pafs

from scrapers.errors import ImportFileError
from scrapers.importers.detect import detect_format
from scrapers.importers.format import Format
from scrapers.importers.head import look_at
from scrapers.importers.named import describe_unfinished
from tingchao.config import Config, Import
from tingchao.context import Context
from tingchao.errors import ConfigurationError
from tingchao.fence import exclusive
from tingchao.formats import AUTO
from tingchao.steps.import_files import ImportSummary, files_of, land_head, name_run

INBOX = "inbox"
UNFINISHED = (".part", ".tmp", ".crdownload", ".partial", ".filepart", ".download")
SETTLE_SECONDS = 60  # a file that was written to more recently is still being written


def import_inbox(
    context: Context,
    *,
    run_id: str | None = None,
    is_strict: bool = False,
    tells_idle: bool = False,
    wall: Callable[[], float] = time.time,
) -> ImportSummary:
    """Land every file of the inbox that is complete and that a named format knows.

    A file that is not recognised, not complete or whose channels are not configured waits; it fails
    the command only when `is_strict`. One that is recognised and cannot be read to its end fails.
    With `tells_idle` the exit code is another one when nothing landed.
    """
    summary = ImportSummary(run_id or name_run(context), is_strict=is_strict, tells_idle=tells_idle)
    with exclusive(context.lock("import")):
        folder = _folder(context)
        imports = context.config.imports
        claimed = {p.resolve() for spec in imports for p in files_of(context.config, spec)}
        for path in _files_below(folder):
            if path.resolve() in claimed:
                continue
            reason = _unfinished(path, wall())
            if reason:
                summary.waiting.append(f"{path.relative_to(folder)}: {reason}")
            else:
                _take(context, folder, path, summary)
    return summary


def _take(context: Context, folder: Path, path: Path, summary: ImportSummary) -> None:
    shown = path.relative_to(folder)
    try:
        head = look_at(path)
        form, _ = detect_format(head)
    except ImportFileError as error:
        summary.waiting.append(str(error).replace(path.name, str(shown), 1))
        return
    spec = _spec_of(context.config, shown, form)
    try:
        outcome = land_head(context, form, head, spec, summary.run_id)
    except ImportFileError as error:
        summary.failed.append(f"{INBOX}: {error}")
        return
    if outcome.is_known:
        summary.known += 1
    else:
        summary.files.append(outcome)
    if problem := describe_unfinished(outcome):
        summary.waiting.append(f"{shown}: {problem}")


def _spec_of(config: Config, shown: Path, form: Format) -> Import:
    """A file in a folder that is named like a channel of its source is that channel's."""
    kin = {c.id for c in config.channels if c.source in form.described.sources}
    channel = shown.parent.name if shown.parent.name in kin else None
    return Import(id=INBOX, format=AUTO, path=str(shown), channel=channel)


def _files_below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if not any(part.startswith((".", "~$")) for part in parts) and not path.is_dir():
            yield path


def _unfinished(path: Path, wall: float) -> str | None:
    if path.suffix.lower() in UNFINISHED:
        return f"{path.suffix} says that it is not complete"
    if path.is_symlink():
        return "a link, and only files are taken"
    age = wall - path.stat().st_mtime
    if 0 <= age < SETTLE_SECONDS:
        return f"written to {age:.0f} seconds ago; it is taken when it rests for {SETTLE_SECONDS}"
    return None


def _folder(context: Context) -> Path:
    inbox = context.config.inbox
    if inbox is None:
        raise ConfigurationError(
            f"{context.config.path}: no `inbox`; write `inbox: {{path: ../inbox}}` to have "
            "a folder watched"
        )
    if "://" in inbox.path:
        return _copy_here(inbox.path, context.data / INBOX)
    folder = context.config.home / inbox.path
    if not folder.is_dir():
        raise ConfigurationError(
            f"{context.config.path}: inbox.path: expected a folder, found none at {inbox.path!r}"
        )
    return folder.resolve()


def _copy_here(uri: str, folder: Path) -> Path:
    """Copy the objects that are new or changed; the copy may be deleted at any time."""
    try:
        filesystem, base = pafs.FileSystem.from_uri(uri)
        selector = pafs.FileSelector(base, recursive=True, allow_not_found=True)
        objects = [o for o in filesystem.get_file_info(selector) if o.type == pafs.FileType.File]
    except (pa.ArrowException, OSError) as error:
        raise ConfigurationError(f"inbox.path: cannot list {uri} ({error})") from None
    folder.mkdir(parents=True, exist_ok=True)
    kept = {_copy(filesystem, one, base, folder) for one in objects}
    for path in [p for p in folder.rglob("*") if p.is_file() and p not in kept]:
        path.unlink()
    return folder


def _copy(filesystem: pafs.FileSystem, one: pafs.FileInfo, base: str, folder: Path) -> Path:
    relative = PurePosixPath(one.path).relative_to(PurePosixPath(base))
    if ".." in relative.parts:
        raise ConfigurationError(f"inbox: expected a plain object name, found {one.path!r}")
    target = folder / relative
    stamp = (one.size, one.mtime_ns)
    if target.exists() and (target.stat().st_size, target.stat().st_mtime_ns) == stamp:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = target.with_name(f".{target.name}.tmp")
    pafs.copy_files(
        one.path, str(staged), source_filesystem=filesystem, destination_filesystem=_LOCAL
    )
    os.utime(staged, ns=(one.mtime_ns, one.mtime_ns))
    staged.replace(target)
    return target


_LOCAL = pafs.LocalFileSystem()
