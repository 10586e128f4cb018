"""Validate the configuration and everything it points to, and say what it asks for."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from scrapers.access.secrets import explain_missing
from scrapers.addresses import is_inside, server_of
from scrapers.errors import ImportFileError, SourceError
from scrapers.importers.mapping import find_mistakes, needed_columns
from scrapers.importers.rows import normalise, shown
from scrapers.importers.tables import open_table
from scrapers.plan import channel_url, refuse_inside, unread_terms, user_agent
from scrapers.source import Source, load_source, source_names
from tingchao.config import Channel, Config, Import, SourceOverride
from tingchao.context import Context
from tingchao.errors import ConfigurationError
from tingchao.mistakes import Location, Mistake
from tingchao.steps.import_files import files_of

SET_CONTACT = "echo 'TINGCHAO_CONTACT=mailto:you@example.com' >> .env"


@dataclass(frozen=True)
class ConfigSummary:
    """What a valid configuration asks for, and what it still lacks to be run."""

    config: Config
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        config = self.config
        by_source = Counter(channel.source for channel in config.channels)
        channels = ", ".join(f"{source} {count}" for source, count in by_source.items()) or "none"
        return "\n".join(
            [
                f"{config.path}: valid",
                f"channels   {len(config.channels)} ({channels})",
                f"brands     {len(config.brands)}, own: "
                + (", ".join(b.id for b in config.brands if b.is_own) or "none"),
                f"imports    {', '.join(i.id for i in config.imports) or 'none'}",
                f"reporting  {config.reporting.time_zone}, days close at local midnight",
                f"landing    {config.landing_uri}",
                f"data       {config.data}",
                *(f"warning: {warning}" for warning in self.warnings),
            ]
        )


def check_config(context: Context) -> ConfigSummary:
    """Check what the file alone cannot tell: sources, addresses, lexicon, columns of the files.

    `ConfigurationError` lists every mistake with its line. What only keeps a step from running
    today (no key, no contact, no file yet) is a warning.
    """
    from tingchao.steps.enrich import lexicon_of

    config = context.config
    wrong_imports, lacking = _judge_imports(config)
    mistakes = [*_wrong_sources(config), *_wrong_channels(config), *wrong_imports]
    mistakes += _wrong_folder(config)
    said = [config.tell(mistake) for mistake in mistakes]
    try:
        lexicon_of(config)
    except ConfigurationError as error:
        said.append(str(error))
    if said:
        raise ConfigurationError("\n".join(said))
    warnings = (
        *_lacking_room(config),
        *_lacking_secrets(context),
        *_lacking_terms(config),
        *_lacking_tokens(config),
        *map(config.tell, lacking),
    )
    return ConfigSummary(config, warnings)


def _wrong_folder(config: Config) -> Iterator[Mistake]:
    if "://" in config.data_dir or "?" in str(config.data):
        said = f"expected a folder of this machine without `?` in its path, found {config.data}"
        yield Mistake(("data_dir",), f"{said}; what lands may lie elsewhere, by `lake_uri`")


def _lacking_room(config: Config) -> Iterator[str]:
    """Say where nothing can be written; a step would only find out in the middle of its work."""
    there = next(folder for folder in (config.data, *config.data.parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield (
            f"nothing can be kept yet: data_dir: expected a folder that this user may write to, "
            f"found {there} that is none; mend it, or name another"
        )


def _wrong_sources(config: Config) -> Iterator[Mistake]:
    used = {channel.source for channel in config.channels}
    known = sorted({*source_names(), *used})
    for name in config.sources:
        if name not in known:
            yield Mistake(("sources", name), f"expected one of {known}, found {name!r}")


def _wrong_channels(config: Config) -> Iterator[Mistake]:
    imported = config.imported_sources
    for index, channel in enumerate(config.channels):
        place: Location = ("channels", index)
        try:
            source = load_source(channel.source)
        except SourceError as error:
            if channel.source not in imported:
                said = f"{error}, and no import lands {channel.source!r}"
                yield Mistake((*place, "source"), said, f"channels.{channel.id}.source")
            continue
        wrong = _wrong_address(config, channel, source)
        if wrong:
            yield Mistake((*place, "address"), wrong, f"channels.{channel.id}.address")


def _wrong_address(config: Config, channel: Channel, source: Source) -> str | None:
    override = config.sources.get(source.name, SourceOverride())
    field = f"channels.{channel.id}.address: "
    try:
        url = channel_url(channel, source, override)
    except SourceError as error:
        return str(error).removeprefix(field)
    exempt = {host.lower() for host in override.allow_hosts}
    if is_inside(url) and server_of(url) not in exempt:
        return refuse_inside(channel.id, url, source.name).removeprefix(field)
    return None


def _lacking_secrets(context: Context) -> Iterator[str]:
    try:
        _ = context.pseudonyms
    except ConfigurationError as error:
        yield f"nothing can be collected yet: {error}"
    if any(_is_public(context.config, channel) for channel in context.config.channels):
        try:
            user_agent(os.environ, is_public=True)
        except SourceError as error:
            yield f"no public site can be crawled yet: {error}. Type: {SET_CONTACT}"


def _lacking_terms(config: Config) -> Iterator[str]:
    used = {channel.source for channel in config.channels}
    for name in sorted(used.intersection(source_names())):
        source = load_source(name)
        if source.terms.checked_on is None:
            yield f"cannot be crawled yet: {unread_terms(source)}"


def _lacking_tokens(config: Config) -> Iterator[str]:
    known = set(source_names())
    for channel in config.channels:
        if channel.source in known:
            auth = load_source(channel.source).auth
            missing = explain_missing(auth, channel.id, channel.options)
            if missing:
                yield f"cannot be crawled yet: {missing}"


def _is_public(config: Config, channel: Channel) -> bool:
    if channel.source not in source_names():
        return False
    override = config.sources.get(channel.source, SourceOverride())
    url = channel_url(channel, load_source(channel.source), override)
    return server_of(url) not in {host.lower() for host in override.allow_hosts}


def _judge_imports(config: Config) -> tuple[list[Mistake], list[Mistake]]:
    """Find what is wrong with the imports, and what their files lack today."""
    wrong: list[Mistake] = []
    lacking: list[Mistake] = []
    for index, spec in enumerate(config.imports):
        if spec.is_named:
            continue
        unmendable = list(find_mistakes(spec))
        mistakes, gaps = (unmendable, []) if unmendable else _judge_file(config, spec)
        place: Location = ("imports", index)
        wrong += (mistake.below(place, f"imports.{spec.id}") for mistake in mistakes)
        lacking += (gap.below(place, f"imports.{spec.id}") for gap in gaps)
    return wrong, lacking


def _judge_file(config: Config, spec: Import) -> tuple[list[Mistake], list[Mistake]]:
    """Hold the column map against the last file: columns that must be there, and that may."""
    files = files_of(config, spec)
    if not files:
        return [], [
            Mistake(("path",), f"no file matches {spec.path!r}; `tingchao import` needs one")
        ]
    try:
        with open_table(files[-1], spec.format, spec.encoding) as file:
            columns = file.columns
    except ImportFileError as error:
        return [], [Mistake(("path",), str(error))]
    needed = needed_columns(spec)
    wrong, lacking = [], []
    for location, column in _mapped(spec):
        if normalise(column) in columns:
            continue
        if location[1] in needed:
            said = f"expected a column of {files[-1].name} ({shown(columns)}), found {column!r}"
            wrong.append(Mistake(location, said))
        elif spec.format in ("csv", "xlsx"):
            lacking.append(Mistake(location, f"{files[-1].name} has no {column!r}: NULL"))
    return wrong, lacking


def _mapped(spec: Import) -> Iterator[tuple[Location, str]]:
    for group in ("columns", "counters", "handles"):
        for name, column in getattr(spec, group).items():
            yield (group, name), column
