"""What a user listens for, as plain immutable data, and the version that it gives to results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any, Final

from enrichment.errors import LexiconError
from enrichment.fitting import MAX_CHANCE_LENGTH
from enrichment.schema import ENGINE_VERSION
from enrichment.script import fold, fold_variants
from enrichment.tables import digests, read_table
from enrichment.words import WordFrequency, join_frequencies

FAVOUR: Final = 10
"""How much likelier a longer name is, in talk that is listened to for it, than its parts are in
jieba's corpus: 半日紅｜外送 instead of 半日｜紅外｜送, and yet still 中華｜電影 beside 中華電."""


@dataclass(frozen=True, slots=True)
class Alias:
    """One way of writing a brand or a product of it, and when it does not mean it.

    `require_context`: the alias counts only in a text that holds one of these phrases.
    `deny`: a phrase that contains the alias (世界大同 for 大同) keeps that one occurrence from
    counting; any other phrase (果汁 for 蘋果) keeps the alias from counting in the whole text.
    `blockers`: an occurrence that shares a character with one of these phrases does not count.
    """

    text: str
    require_context: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()
    product_id: str | None = None

    @property
    def conditions(self) -> tuple[tuple[str, ...], ...]:
        return self.require_context, self.deny, self.blockers


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand and every way of writing it."""

    brand_id: str
    aliases: tuple[Alias, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """A subject and the phrases that raise it."""

    topic_id: str
    phrases: tuple[str, ...]


@dataclass(frozen=True)
class Lexicon:
    """Brands, topics and words; picklable, equal when equal in content. Made by `build_lexicon`."""

    brands: tuple[Brand, ...]
    topics: tuple[Topic, ...]
    words: tuple[str, ...]
    frequencies: tuple[WordFrequency, ...]
    """Folded words and the frequency at which they stay whole (`words.join_frequencies`)."""
    model: bytes | None = field(default=None, repr=False)
    """A model of the user's own (`trained.Trained.to_bytes`); None: the one of the package."""

    @property
    def base(self) -> str:
        """Name of what acts in every text: the engine, its lists and the model."""
        content = json.dumps([ENGINE_VERSION, self._tables], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def _tables(self) -> dict[str, str]:
        """Return the digests of the lists and of the model in use."""
        if self.model is None:
            return digests()
        return digests() | {"model": hashlib.sha256(self.model).hexdigest()}

    @cached_property
    def parts(self) -> dict[str, tuple[str, ...]]:
        """Return each alias, topic and word with the phrases without which it says nothing.

        Keys are equal for what is equal in every respect.
        """
        aliases = {
            _canonical([brand.brand_id, asdict(alias)]): (alias.text, *chain(*alias.conditions))
            for brand in self.brands
            for alias in brand.aliases
        }
        topics = {
            _canonical([topic.topic_id, phrase]): (phrase,)
            for topic in self.topics
            for phrase in topic.phrases
        }
        return aliases | topics | {_canonical(word): (word,) for word in self.words}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content as canonical JSON, word lists and model included."""
        content: dict[str, Any] = {
            "brands": [asdict(brand) for brand in self.brands],
            "topics": [asdict(topic) for topic in self.topics],
            "words": self.words,
            "tables": self._tables,
        }
        return hashlib.sha256(_canonical(content).encode()).hexdigest()

    @property
    def version(self) -> str:
        return f"{ENGINE_VERSION}-{self.digest[:12]}"

    def __hash__(self) -> int:
        return hash(self.digest)


def build_lexicon(
    brands: Iterable[Brand] = (),
    topics: Iterable[Topic] = (),
    words: Iterable[str] = (),
    model: bytes | None = None,
) -> Lexicon:
    """Check and freeze a lexicon; what comes in any order gives one version.

    Raises `LexiconError` when two brands share an alias, when one brand gives an alias two
    different conditions, or when a phrase is blank: a mention must mean one brand.
    """
    sorted_brands = tuple(sorted(brands, key=lambda brand: brand.brand_id))
    sorted_topics = tuple(sorted(topics, key=lambda topic: topic.topic_id))
    problems = [*_blank_phrases(sorted_brands, sorted_topics), *_shared_aliases(sorted_brands)]
    if problems:
        raise LexiconError("\n".join(problems))
    extra = tuple(sorted(set(words)))
    frequencies = dict(_community_words())
    frequencies |= {
        word: frequency * (FAVOUR if len(word) > MAX_CHANCE_LENGTH else 1)
        for word, frequency in join_frequencies(_whole_words(sorted_brands, extra))
    }
    return Lexicon(sorted_brands, sorted_topics, extra, tuple(sorted(frequencies.items())), model)


def _canonical(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _whole_words(brands: Iterable[Brand], extra: Iterable[str]) -> Iterator[str]:
    """Yield the folded words that must not be cut: the brands' and the user's own."""
    for brand in brands:
        yield from (fold(alias.text).text for alias in brand.aliases)
    yield from (fold(word).text for word in extra)


def _community_words() -> Iterator[WordFrequency]:
    """Yield the words of data/words.tsv; their frequencies lie there, computed once."""
    for word, frequency in read_table("words"):
        yield fold(word).text, int(frequency)


def _blank_phrases(brands: Iterable[Brand], topics: Iterable[Topic]) -> Iterator[str]:
    for brand in brands:
        for alias in brand.aliases:
            if not all(map(str.strip, (alias.text, *chain(*alias.conditions)))):
                yield f"brand {brand.brand_id!r}, alias {alias.text!r}: expected text, found blanks"
    for topic in topics:
        if not all(map(str.strip, topic.phrases)):
            yield f"topic {topic.topic_id!r}: expected text in every alias, found blanks"


def _shared_aliases(brands: Iterable[Brand]) -> Iterator[str]:
    """Compare aliases as they are matched: folded, in lower case, in every form."""
    seen: dict[str, tuple[str, Alias]] = {}
    for brand in brands:
        for alias in brand.aliases:
            owner, other = seen.setdefault(_comparable(alias.text), (brand.brand_id, alias))
            if owner != brand.brand_id:
                yield (
                    f"alias {alias.text!r} of brand {brand.brand_id!r} is also alias "
                    f"{other.text!r} of brand {owner!r}; expected every alias to mean one brand. "
                    "Take it from one of them, or write it with more of its context"
                )
            elif (other.conditions, other.product_id) != (alias.conditions, alias.product_id):
                yield (
                    f"brand {brand.brand_id!r}: {alias.text!r} and {other.text!r} are the same "
                    "alias once folded, with different product, require_context, deny or blockers; "
                    "give it once"
                )


def _comparable(phrase: str) -> str:
    """Return the form by which two spellings of one alias are told to be the same."""
    return fold_variants(phrase)[-1]
