"""Understand each distinct landed text once per version; a changed lexicon is a new version.

What is done is what lies in `enriched/texts/version=<version>/`: a file is put there whole, durably
and in one rename, so after a kill the next run goes on with the texts that are not there. When no
text is left, `enriched/versions/<version>.json` says so, once: from its instant on, marts use it.

Every engine gives the same rows; how they are cut into files, and in which order, is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from enrichment import Alias, Brand, Lexicon, LexiconError, Topic, build_lexicon
from tingchao import config as configured
from tingchao.config import Engine
from tingchao.context import Context
from tingchao.enriching.carrying import carry_over
from tingchao.enriching.files import EnrichedFiles
from tingchao.enriching.own_model import own_model
from tingchao.errors import ConfigurationError
from tingchao.fence import exclusive

Enrich = Callable[[Context, Lexicon, EnrichedFiles, set[str]], Iterator[int]]
"""Enriches what segments other than those already read bring; yields rows as they are on disk."""


@dataclass(frozen=True)
class EnrichSummary:
    """What one run of the step did; counts are of distinct texts."""

    version: str
    enriched_count: int
    known_count: int
    carried_count: int
    activated_at: datetime

    def __str__(self) -> str:
        return (
            f"enriched {self.enriched_count:,} new texts ({self.known_count:,} were known, "
            f"{self.carried_count:,} taken over from the version before); "
            f"version {self.version}, in use since {self.activated_at.isoformat()}"
        )


def enrich(context: Context, *, engine: str | None = None) -> EnrichSummary:
    """Enrich every text of the lake that this version has not seen, and activate the version.

    `engine` is the configuration's when absent. `BusyError` when another process does so now;
    `ConfigurationError` when the brands contradict each other; `TingchaoError` when workers of the
    engine ended or cannot be reached. May be killed at any moment and run again.
    """
    lexicon = lexicon_of(context.config)
    with exclusive(context.lock("enrich")):
        files = EnrichedFiles(context.data / "enriched", lexicon.version)
        files.clear_attempts()
        known_count = files.count()
        carried_count = carry_over(lexicon, files)
        chosen = Engine(engine or context.config.engine)
        enriched_count = _enrich_new(context, lexicon, files, chosen)
        files.clear_attempts()
        files.write_empty()
        activated_at = files.activate(lexicon, context.now())
    return EnrichSummary(lexicon.version, enriched_count, known_count, carried_count, activated_at)


def _enrich_new(context: Context, lexicon: Lexicon, files: EnrichedFiles, engine: Engine) -> int:
    """Enrich what segments that were not gone through yet bring; return the number of texts."""
    read = files.read_segments()
    fresh = {Path(path).stem for path in context.lake.segments("posts")} - read
    if not fresh:
        return 0
    enriched_count = 0
    with context.progress.track("enrich") as progress:
        for count in _engine(engine)(context, lexicon, files, read):
            enriched_count += count
            progress.advance(count)
    files.note_read(fresh)
    return enriched_count


def _engine(engine: Engine) -> Enrich:
    """Return the way in which an engine enriches; Spark is loaded only where it is wanted."""
    if engine is Engine.SPARK:
        from tingchao.enriching.on_spark import enrich_on_spark

        return enrich_on_spark
    from tingchao.enriching.in_processes import enrich_in_processes

    return enrich_in_processes


def lexicon_of(config: configured.Config) -> Lexicon:
    """Build the lexicon of a configuration; a brand's names are aliases, too.

    The model is the user's own, if there is one. `ConfigurationError` names every alias that means
    two brands.
    """
    try:
        return build_lexicon(
            brands=[Brand(brand.id, tuple(_aliases_of(brand))) for brand in config.brands],
            topics=[Topic(topic.id, topic.aliases) for topic in config.topics],
            model=own_model(config.data),
        )
    except LexiconError as error:
        raise ConfigurationError(f"{config.path}: {error}") from None


def _aliases_of(brand: configured.Brand) -> Iterator[Alias]:
    """Yield the aliases of a brand, then those of its products."""
    yield from _written(brand.aliases, filter(None, (brand.name, brand.name_en)), None)
    for product in brand.products:
        yield from _written(product.aliases, (product.name,), product.id)


def _written(
    aliases: tuple[configured.Alias, ...], names: Iterable[str], product_id: str | None
) -> Iterator[Alias]:
    """Yield the aliases as configured, then the names that are not among them."""
    for alias in aliases:
        yield Alias(alias.text, alias.require_context, alias.deny, alias.blockers, product_id)
    written = {alias.text.casefold() for alias in aliases}
    for name in dict.fromkeys(names):
        if name.casefold() not in written:
            yield Alias(name, product_id=product_id)
