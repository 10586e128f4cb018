"""Land the files of the configured imports."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

from scrapers.errors import ImportFileError
from scrapers.importers.land import FileOutcome, land_file
from scrapers.importers.mapping import ColumnMap
from tingchao.config import Config, Import
from tingchao.context import Context
from tingchao.errors import EXIT_FAILED, ConfigurationError
from tingchao.fence import exclusive


@dataclass
class ImportSummary:
    """What became of each file; `failed` are imports that could not be read at all, and why."""

    run_id: str
    files: list[FileOutcome] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def landed(self) -> int:
        return sum(outcome.landed for outcome in self.files)

    @property
    def exit_code(self) -> int:
        return EXIT_FAILED if self.failed else 0

    def lines(self) -> list[str]:
        """Say it line by line: the whole, then each file, then what failed."""
        quarantined = sum(outcome.quarantined for outcome in self.files)
        whole = (
            f"import {self.run_id}: {len(self.files):,} files, {self.landed:,} landed, "
            f"{quarantined:,} quarantined, {len(self.failed):,} failed"
        )
        told = [f"  {outcome.line()}" for outcome in self.files]
        return [whole, *told, *(f"  {problem}" for problem in self.failed)]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def import_files(
    context: Context, import_ids: Collection[str] = (), *, run_id: str | None = None
) -> ImportSummary:
    """Land every file of the imports named, or of all; a file that cannot be read fails alone.

    A file that was imported before adds nothing; a longer version of it adds what is new.
    """
    specs = _chosen(context, import_ids)
    summary = ImportSummary(run_id or f"import-{context.now().astimezone(UTC):%Y%m%dT%H%M%SZ}")
    with exclusive(context.lock("import")):
        for spec in specs:
            _import(context, spec, summary)
    return summary


def _chosen(context: Context, import_ids: Collection[str]) -> list[Import]:
    known = {spec.id: spec for spec in context.config.imports}
    unknown = sorted(set(import_ids) - set(known))
    if unknown:
        raise ConfigurationError(
            f"{context.config.path}: no import {', '.join(unknown)} under `imports`; configured: "
            f"{', '.join(known) or 'none'}"
        )
    return [known[i] for i in dict.fromkeys(import_ids)] if import_ids else list(known.values())


def _import(context: Context, spec: Import, summary: ImportSummary) -> None:
    try:
        column_map = ColumnMap(spec, context.pseudonyms, context.now())
    except ImportFileError as error:
        raise ConfigurationError(f"{context.config.path}: {error}") from None
    paths = files_of(context.config, spec)
    if not paths:
        summary.failed.append(f"{spec.id}: no file matches {spec.path!r} beside the configuration")
    for path in paths:
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


def files_of(config: Config, spec: Import) -> list[Path]:
    """Return the files that a path or glob names, relative to the configuration, in order."""
    path = Path(spec.path)
    if path.is_absolute():
        return sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    return sorted(p for p in config.home.glob(spec.path) if p.is_file())
