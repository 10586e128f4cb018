"""The words that are shown as the reason why an intent or aspect holds.

Phrases of our lists come first; for praise and complaints then words of that mood. Elsewhere it is
the n-gram that weighs most, out to the edges of its words, if it weighs enough and is more than
grammar. Without any of them there is no reason to show: many small ones made the sum.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from enrichment.characters import CODE_POINTS, Kind, kinds
from enrichment.cues import places_of
from enrichment.features import Features
from enrichment.folded import FoldedBatch
from enrichment.grams import Grams
from enrichment.intent import Intent, NamedCues
from enrichment.joined import Flags, Places
from enrichment.phrases import ranges
from enrichment.sentiment import Weighed
from enrichment.trained import HEADS, Trained

LEAST_SHARE: Final = 0.2
"""Of what made a label hold: an n-gram with less of it is no reason to show."""
LEAST_VALUE: Final = 0.5
"""Of a word of a mood, after scaling: praise in a question is none."""
SHORTEST: Final = 2
"""Characters of an n-gram that is shown."""
PRAISE, COMPLAINT = (HEADS.index(f"intent:{name}") for name in (Intent.PRAISE, Intent.COMPLAINT))
GRAMMAR: Final = (
    "一二三四五六七八九十百千两几半多少第这那哪此每各某另其个间家款台种次件位支条张份层里边些样天时候点"
    "我你您他她它们咱自己人大是不没有还就都也才只要会能可以得的了着过地在和跟与及或但而且并因为所如果虽然"
    "把被给让对从到向于等像之后前中上下出起来去回进再又更最很太真好挺越全已经曾将正刚先啊吧呢吗嘛呀哦哈啦么"
    "说想看做用叫成买吃喝住带放拿找今明昨年月日现什谁怎直接终本竟居然知道觉感发见实特别"
)
"""Folded characters; a word of them alone tells nothing by itself (这家, 就是)."""


class Held(NamedTuple):
    """Intents or aspects that hold, one by one: the text, the place among `HEADS`, and by what."""

    texts: Places
    heads: Places
    evidence: NDArray[np.float64]
    """Log odds beyond those of a text that says nothing."""

    def only(self, items: Places) -> Held:
        """Return those at these places."""
        return Held(self.texts[items], self.heads[items], self.evidence[items])


class Reasons(NamedTuple):
    """Spans of a batch, and for which item of what holds each speaks."""

    items: Places
    starts: Places
    ends: Places


def find_reasons(features: Features, trained: Trained, held: Held, cues: NamedCues) -> Reasons:
    """Return the reasons of each item, by item and place; `cues` are named by place in `HEADS`."""
    found = _phrases(cues, held, np.arange(len(held.texts)))
    wordless = np.flatnonzero(np.bincount(found.items, minlength=len(held.texts)) == 0)
    heads = held.heads[wordless]
    is_mood = (heads == PRAISE) | (heads == COMPLAINT)
    moods = _phrases(_as_cues(features.mood.words), held, wordless[is_mood])
    grams = _best_grams(features, trained, held, wordless[~is_mood])
    together = [np.concatenate(columns) for columns in zip(found, moods, grams, strict=True)]
    by_item = np.argsort(together[0], kind="stable")
    return Reasons(*(column[by_item] for column in together))


def _phrases(cues: NamedCues, held: Held, items: Places) -> Reasons:
    """Return the phrases that are in the text of each of these items and speak for it."""
    order = np.lexsort((cues.starts, cues.names, cues.owners))
    keys = (cues.owners * len(HEADS) + cues.names)[order]
    firsts, counts = places_of(keys, held.texts[items] * len(HEADS) + held.heads[items])
    at = order[ranges(firsts, counts)]
    return Reasons(np.repeat(items, counts), cues.starts[at], cues.ends[at])


def _as_cues(words: Weighed) -> NamedCues:
    """Return words of a mood as phrases of praise and complaint."""
    tells = np.abs(words.values) >= LEAST_VALUE
    names = np.where(words.values > 0, PRAISE, COMPLAINT)
    return NamedCues(words.owners[tells], names[tells], words.starts[tells], words.ends[tells])


def _best_grams(features: Features, trained: Trained, held: Held, items: Places) -> Reasons:
    """Return the n-gram that speaks most for each item, and enough; of equals the first."""
    grams = features.grams
    firsts, counts = places_of(grams.owners, held.texts[items])
    entries, items = ranges(firsts, counts), np.repeat(items, counts)
    is_long = grams.ends[entries] - grams.starts[entries] >= SHORTEST
    entries, items = entries[is_long], items[is_long]
    texts, heads, evidence = held.only(items)
    weights = trained.grams[trained.slots[grams.buckets[entries]], heads].astype(np.int64)
    told = weights * trained.gram_units[heads] * features.scales[texts]
    speaks = np.flatnonzero((weights > 0) & (told >= LEAST_SHARE * evidence))
    starts, ends = _to_word_edges(features.batch, grams, entries[speaks])
    says = _says_something(features.batch, starts, ends)
    speaks, starts, ends = speaks[says], starts[says], ends[says]
    best = np.lexsort((entries[speaks], -weights[speaks], items[speaks]))
    best = best[np.diff(items[speaks][best], prepend=-1) > 0]
    return Reasons(items[speaks][best], starts[best], ends[best])


def _to_word_edges(batch: FoldedBatch, grams: Grams, entries: Places) -> tuple[Places, Places]:
    """Return where the words begin and end that these n-grams touch."""
    edges = np.flatnonzero(batch.begins)
    starts = edges[np.searchsorted(edges, grams.starts[entries], side="right") - 1]
    return starts, edges[np.searchsorted(edges, grams.ends[entries], side="left")]


def _says_something(batch: FoldedBatch, starts: Places, ends: Places) -> Flags:
    """Say of each span whether it is of Han characters at both ends, and not all grammar."""
    if not len(starts):
        return np.zeros(0, np.bool_)
    codes, lengths = batch.codes, ends - starts
    is_han = (kinds()[codes[starts]] & kinds()[codes[ends - 1]] & Kind.HAN) > 0
    is_grammar = _grammar()[codes[ranges(starts, lengths)]]
    return is_han & ~np.logical_and.reduceat(is_grammar, np.cumsum(lengths) - lengths)


@cache
def _grammar() -> Flags:
    table = np.zeros(CODE_POINTS, np.bool_)
    table[list(map(ord, GRAMMAR))] = True
    return table
