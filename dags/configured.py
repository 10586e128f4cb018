"""What the configuration asks to be scheduled: which sources, at what times."""

from __future__ import annotations

import os
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path

import yaml
from airflow.sdk import Asset, CronDataIntervalTimetable
from airflow.sdk.exceptions import AirflowTimetableInvalid

from tingchao.config import ClockKind, Config, Import, load_config
from tingchao.errors import ConfigurationError

PROJECT = Path(__file__).resolve().parent.parent


def open_config() -> Config:
    """Load TINGCHAO_CONFIG, else config/tingchao.yml, else config/example.yml.

    `ConfigurationError` becomes the import error that Airflow shows: file, line, field, found.
    """
    own, example = (PROJECT / "config" / name for name in ("tingchao.yml", "example.yml"))
    chosen = os.environ.get("TINGCHAO_CONFIG") or (own if own.exists() else example)
    return load_config(Path(chosen).resolve())


def crawled_sources(config: Config) -> list[str]:
    """Sources of the configured channels that a spider knows: scrapers/sources/<source>.yml."""
    asked = {channel.source for channel in config.channels}
    return sorted(source for source in asked if _described(source).exists())


def crawl_schedule(config: Config, source: str) -> CronDataIntervalTimetable | None:
    """When a source is crawled: as this installation says, else its own file, else like all."""
    override = config.sources.get(source)
    if override and override.schedule:
        return interval(config, f"{config.path}: sources.{source}.schedule", override.schedule)
    described = yaml.safe_load(_described(source).read_text(encoding="utf-8")) or {}
    if cron := described.get("schedule"):
        return interval(config, f"{_described(source)}: schedule", cron)
    return interval(config, f"{config.path}: schedule", config.schedule)


def imports_by_dag(config: Config) -> dict[str, list[Import]]:
    """Imports that have no schedule of their own go together, each of the others alone."""
    dags: dict[str, list[Import]] = defaultdict(list)
    for one in config.imports:
        dags[f"import_{one.id}" if one.schedule else "import_files"].append(one)
    return dict(dags)


def import_schedule(config: Config, imports: list[Import]) -> CronDataIntervalTimetable | None:
    """When the files of one DAG are looked for."""
    first = imports[0]
    if first.schedule:
        return interval(config, f"{config.path}: imports.{first.id}.schedule", first.schedule)
    return interval(config, f"{config.path}: schedule", config.schedule)


def inbox_schedule(config: Config) -> CronDataIntervalTimetable | None:
    """How often the inbox is looked into."""
    assert config.inbox
    return interval(config, f"{config.path}: inbox.schedule", config.inbox.schedule)


def landing(source: str) -> Asset:
    """The asset that is updated when a source has landed."""
    return Asset(f"landing_{source}", uri=f"tingchao://landing/{source}")


def interval(config: Config, where: str, cron: str) -> CronDataIntervalTimetable | None:
    """Timetable of a cron expression in the reporting zone: each run asks for one interval.

    None under a logical clock: a replay's runs are started with the intervals they replay.
    `ConfigurationError` says `where` a bad expression stands.
    """
    timetable = CronDataIntervalTimetable(cron, timezone=config.reporting.time_zone)
    try:
        timetable.validate()
    except AirflowTimetableInvalid as error:
        raise ConfigurationError(
            f"{where}: expected a cron expression such as '0 5 * * *', found {cron!r} ({error})"
        ) from None
    return None if config.clock is ClockKind.LOGICAL else timetable


def _described(source: str) -> Path:
    """The file that describes a source; found without importing anything of the scrapers."""
    package = find_spec("scrapers")
    folders = package.submodule_search_locations if package else None
    return Path(next(iter(folders or [PROJECT / "scrapers"]))) / "sources" / f"{source}.yml"
