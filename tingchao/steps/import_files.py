"""Land the files of the configured imports, files of a named format, or what lies in the inbox."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

from lake.runs import NAME
from scrapers.errors import ImportFileError
from scrapers.importers.detect import CONSIDERED, detect_format, format_called
from scrapers.importers.format import Format, Sureness
from scrapers.importers.head import Head, look_at
from scrapers.importers.land import FileOutcome, land_file
from scrapers.importers.mapping import ColumnMap
from scrapers.importers.named import NamedFile, describe_unfinished, land_named
from tingchao.config import Channel, Config, Import
from tingchao.context import Context
from tingchao.errors import EXIT_FAILED, EXIT_IDLE, ConfigurationError
from tingchao.fence import exclusive
from tingchao.formats import AUTO, MAPPED, named_formats, sources_of_format

QUARANTINE = "landing/quarantine (docs/runbook.md#quarantine)"


@dataclass
class ImportSummary:
    """What became of each file; `failed` are imports that could not be read at all, and why.

    `waiting` are files of the inbox that nothing could be done about, `known` counts those that
    were landed before.
    """

    run_id: str
    files: list[FileOutcome] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    known: int = 0
    is_strict: bool = False
    tells_idle: bool = False

    @property
    def landed(self) -> int:
        return sum(outcome.landed for outcome in self.files)

    @property
    def exit_code(self) -> int:
        if self.failed or (self.is_strict and self.waiting):
            return EXIT_FAILED
        return EXIT_IDLE if self.tells_idle and not self.landed else 0

    def lines(self) -> list[str]:
        """Say it line by line: the whole, then each file, then what failed."""
        quarantined = sum(outcome.quarantined for outcome in self.files)
        whole = (
            f"import {self.run_id}: {len(self.files):,} files, {self.landed:,} landed, "
            f"{quarantined:,} quarantined, {len(self.failed):,} failed"
        )
        counts = (("waiting", len(self.waiting)), ("known", self.known))
        whole += "".join(f", {count:,} {what}" for what, count in counts if count)
        told = [f"  {line}" for outcome in self.files for line in _lines_of(outcome)]
        waiting = [f"  waiting: {_short(problem)}" for problem in self.waiting]
        return [
            whole,
            *told,
            *(f"  {problem}" for problem in _explained_once(self.failed)),
            *waiting,
        ]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def import_files(
    context: Context, import_ids: Collection[str] = (), *, run_id: str | None = None
) -> ImportSummary:
    """Land every file of the imports named, or of all; a file that cannot be read fails alone.

    A file that was imported before adds nothing; a longer version of it adds what is new.
    """
    specs = _chosen(context, import_ids)
    summary = ImportSummary(run_id or name_run(context))
    with exclusive(context.lock("import")):
        for spec in specs:
            _import(context, spec, summary)
    return summary


def import_named(
    context: Context,
    format_name: str,
    paths: Collection[Path],
    *,
    run_id: str | None = None,
    channel: str | None = None,
    source: str | None = None,
) -> ImportSummary:
    """Land files of a named format, or of whatever format each is seen to have (`auto`)."""
    if format_name in MAPPED:
        raise ConfigurationError(
            f"format {format_name} needs a column map: describe the file under `imports` "
            "(docs/import.md), then `tingchao import ID`"
        )
    if channel is not None:
        _require_kin(context.config.channel(channel), format_name, source)
    if source is not None and not NAME.fullmatch(source):
        raise ConfigurationError(f"--source: expected a-z, 0-9, _ and -, found {source!r}")
    summary = ImportSummary(run_id or name_run(context))
    spec = Import(id=format_name, format=format_name, path="given", channel=channel, source=source)
    with exclusive(context.lock("import")):
        _land_named_files(context, spec, paths, summary)
    return summary


def _require_kin(channel: Channel, format_name: str, source: str | None) -> None:
    """Refuse a channel of another source: its posts would be counted among those of the file."""
    expected = {source} if source else set(sources_of_format(format_name))
    if channel.source not in expected:
        raise ConfigurationError(
            f"--channel {channel.id}: expected a channel of {', '.join(sorted(expected))}, found "
            f"one of {channel.source}; name another, or say --source {channel.source} when the "
            "file really is of that source"
        )


def is_asked_by_format(words: Collection[str], config: Config) -> bool:
    """Whether the words of the command are a format and files, and not ids of imports."""
    first, *rest = words or ("",)
    ids = {spec.id for spec in config.imports}
    return bool(rest) and first in (AUTO, *named_formats(), *MAPPED) and not ids.issuperset(words)


def name_run(context: Context) -> str:
    """Name a logical run after the instant at which it begins."""
    return f"import-{context.now().astimezone(UTC):%Y%m%dT%H%M%SZ}"


def land_head(context: Context, form: Format, head: Head, spec: Import, run_id: str) -> FileOutcome:
    """Land a file whose format is known."""
    file = NamedFile(form=form, head=head, spec=spec, channels=context.config.channels)
    with context.progress.track(f"import {spec.id} {head.name}") as counter:
        return land_named(
            context.lake,
            file,
            context.pseudonyms,
            crawl_id=run_id,
            now=context.now,
            advance=counter.advance,
        )


def _chosen(context: Context, import_ids: Collection[str]) -> list[Import]:
    known = {spec.id: spec for spec in context.config.imports}
    unknown = sorted(set(import_ids) - set(known))
    if unknown:
        raise ConfigurationError(
            f"{context.config.path}: no import {', '.join(unknown)} under `imports`; configured: "
            f"{', '.join(known) or 'none'}. Files of a named format: tingchao import FORMAT FILE…, "
            f"FORMAT one of {AUTO}, {', '.join(named_formats())}"
        )
    return [known[i] for i in dict.fromkeys(import_ids)] if import_ids else list(known.values())


def _import(context: Context, spec: Import, summary: ImportSummary) -> None:
    paths = files_of(context.config, spec)
    if not paths:
        summary.failed.append(f"{spec.id}: no file matches {spec.path!r} beside the configuration")
    if spec.is_named:
        _land_named_files(context, spec, paths, summary)
        return
    try:
        column_map = ColumnMap(spec, context.pseudonyms, context.now())
    except ImportFileError as error:
        raise ConfigurationError(f"{context.config.path}: {error}") from None
    for path in paths:
        _try_mapped(context, column_map, path, summary)


def _try_mapped(
    context: Context, column_map: ColumnMap, path: Path, summary: ImportSummary
) -> None:
    spec = column_map.spec
    with context.progress.track(f"import {spec.id} {path.name}") as counter:
        try:
            outcome = land_file(
                context.lake,
                column_map,
                path,
                crawl_id=summary.run_id,
                now=context.now,
                advance=counter.advance,
            )
        except ImportFileError as error:
            summary.failed.append(f"{spec.id}: {error}")
        else:
            summary.files.append(outcome)


def _land_named_files(
    context: Context, spec: Import, paths: Collection[Path], summary: ImportSummary
) -> None:
    """Land files that somebody asked for: what is left out of them is a failure.

    Files with nothing but counters of posts may stand before the file with the posts: they have a
    second turn.
    """
    landed = {path: _try_named(context, spec, path, summary) for path in paths}
    for path, outcome in landed.items():
        if outcome and outcome.unmatched and len(landed) > 1:
            outcome = _try_named(context, spec, path, summary)
        if outcome is None:
            continue
        summary.files.append(outcome)
        if problem := describe_unfinished(outcome):
            summary.failed.append(f"{spec.id}: {path.name}: {problem}")


def _try_named(
    context: Context, spec: Import, path: Path, summary: ImportSummary
) -> FileOutcome | None:
    try:
        head = look_at(path, spec.encoding)
        form = form_of(head, spec)
        if spec.id == AUTO:  # whether told or seen, the file is known by its format
            spec = spec.model_copy(update={"id": form.name})
        return land_head(context, form, head, spec, summary.run_id)
    except ImportFileError as error:
        summary.failed.append(f"{spec.id}: {error}")
        return None


def form_of(head: Head, spec: Import) -> Format:
    """Return the format of a file; `ImportFileError` when it is not the one that is asked for."""
    if spec.format == AUTO:
        return detect_format(head)[0]
    form = format_called(spec.format)
    verdict = form.recognise(head)
    if verdict.sureness == Sureness.NO:
        raise ImportFileError(
            f"{head.name}: expected {form.name}, found {head.shown()}: {verdict.why}"
        )
    return form


def _lines_of(outcome: FileOutcome) -> list[str]:
    lines = [outcome.line()]
    if outcome.first_refusal:
        others = outcome.quarantined - 1
        more = (
            f"; and {others:,} more, all in {QUARANTINE}" if others else f"; it is in {QUARANTINE}"
        )
        lines.append(f"  refused: {outcome.first_refusal}{more}")
    if outcome.unknown_keys:
        keys = ", ".join(
            f"{key!r} ({count:,})" for key, count in outcome.unknown_keys.most_common()
        )
        lines.append(
            f"  unknown keys, with the records that have them: {keys}; take them, or ignore them "
            f"by name in scrapers/importers/formats/{outcome.format_name}.yml"
        )
    return lines


def _short(problem: str) -> str:
    """Leave out what every format said to a file; the command that asks for it says it."""
    return problem.partition(CONSIDERED)[0]


def _explained_once(problems: Collection[str]) -> list[str]:
    """What the formats said is told of the first file that none knows, and not of each."""
    first = next((problem for problem in problems if CONSIDERED in problem), None)
    return [problem if problem is first else _short(problem) for problem in problems]


def files_of(config: Config, spec: Import) -> list[Path]:
    """Return the files that a path or glob names, relative to the configuration, in order."""
    path = Path(spec.path)
    if path.is_absolute():
        found = Path(path.anchor).glob(str(path.relative_to(path.anchor)))
    else:
        found = config.home.glob(spec.path)
    return sorted(p for p in found if p.is_file())
