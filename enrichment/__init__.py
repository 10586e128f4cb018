"""UNDERSTAND: pure functions on Chinese community text."""

from enrichment.batch import enrich_batch
from enrichment.errors import LexiconError
from enrichment.lexicon import Alias, Brand, Lexicon, Topic, build_lexicon
from enrichment.reading import Reading, reader_of
from enrichment.schema import ENGINE_VERSION, ENRICHED, ENRICHED_FILE, TEXTS

__all__ = [
    "ENGINE_VERSION",
    "ENRICHED",
    "ENRICHED_FILE",
    "TEXTS",
    "Alias",
    "Brand",
    "Lexicon",
    "LexiconError",
    "Reading",
    "Topic",
    "build_lexicon",
    "enrich_batch",
    "reader_of",
]
