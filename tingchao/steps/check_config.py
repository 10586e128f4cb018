"""Validate the configuration and everything it points to, and say what it asks for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tingchao.config import Config
from tingchao.context import Context
from tingchao.errors import ConfigurationError


@dataclass(frozen=True)
class ConfigSummary:
    """What a valid configuration asks for."""

    config: Config

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
            ]
        )


def check_config(context: Context) -> ConfigSummary:
    """Check what the file alone cannot tell: that its sources and its lexicon exist and agree.

    `ConfigurationError` names the source without a definition, or the alias of two brands.
    """
    from enrichment.lexicon import LexiconError
    from scrapers.source import SourceError, load_source
    from tingchao.steps.enrich import lexicon_of

    config = context.config
    imported = {i.source for i in config.imports}
    try:
        for source in sorted({c.source for c in config.channels} - imported):
            load_source(source)
        lexicon_of(config)
    except (LexiconError, SourceError) as error:
        raise ConfigurationError(f"{config.path}: {error}") from None
    return ConfigSummary(config)
