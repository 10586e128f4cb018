"""What makes a text count less as a voice: advertising, giveaways, reposts, bots, jammed text.

Signals with a score, not verdicts: nothing is left out here, each mart decides what it leaves out.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Final

import numpy as np
import pyarrow as pa

from enrichment.characters import Kind
from enrichment.columns import sparse_list_column
from enrichment.heard import Heard
from enrichment.joined import Joined, long_runs
from enrichment.masking import Masking
from enrichment.phrases import PhraseList
from enrichment.script import INVISIBLE
from enrichment.tables import read_table
from enrichment.tree import PhraseTree, leftmost_longest

NOTHING: Final = "-"
"""Signal of a phrase inside which no shorter one counts."""
HOLDS_FROM: Final = 2
"""Weight of distinct phrases from which on advertising or a giveaway is told."""
SURE: Final = 0.95  # the form alone leaves little doubt
LIKELY: Final = 0.8
MIN_REPEATED: Final = 10
MIN_SPLIT: Final = 3
CALLED: Final = 2  # friends that an entry to a giveaway must call
ENTRY_LENGTH: Final = 24  # letters and digits; who says more has something to say

_APPS: Final = ("line", "赖", "微信", "v信", "wechat", "weixin", "telegram", "tg", "whatsapp", "qq")
_CONTACT: Final = re.compile(
    r"(?:line|赖|微信|v信|wechat|weixin|telegram|tg|whatsapp|qq)\s?(?:id|号)?\s?[:@]\s?"
    r"[a-z0-9_\-.]{4,}"
    r"|(?:加|\+)\s?(?:line|赖|微信|v信|wechat|telegram|qq)\s?[:@]?\s?[a-z0-9_\-.]{4,}"
)
_DRAWN: Final = re.compile(r"抽出?\s?\d{1,4}\s?(?:位|名|人|个)")
_HAN: Final = "[㐀-鿿]"
_HIDDEN: Final = re.compile(f"{_HAN}[{''.join(sorted(INVISIBLE))}]+(?={_HAN})")
_SPLIT_UP: Final = re.compile(f"(?:{_HAN}[*^|_~·.丨]){{{MIN_SPLIT},}}{_HAN}")
# In a batch a text begins behind a NUL; `^` would be the beginning of the whole batch.
_ENTRY: Final = re.compile(r"(?<![^\s,!。\0])(?:\+1|留言\+1|已?(?:公开)?分享|抽我|求中|拜托抽中)")
REPOSTED: Final = frozenset(("转发", "转发微博", "转", "转推", "repost", "rt", "快转微博", "转载"))
"""All that a repost says when its author says nothing."""


class Noise(StrEnum):
    """Rules; `docs/text.md` tells what each looks at."""

    ADVERTISING = "advertising"
    GIVEAWAY = "giveaway"
    GIVEAWAY_ENTRY = "giveaway_entry"
    CONTACT_SPAM = "contact_spam"
    REPEATED_CHARACTERS = "repeated_characters"
    JAMMER_TEXT = "jammer_text"
    REPOST = "repost"
    BOT = "bot"


Scores = defaultdict[int, dict[str, float]]
"""By text, of those about which there is something to say."""


class NoiseReader:
    """Reads noise signals; build once per process."""

    def __init__(self) -> None:
        rows = read_table("noise")
        self._phrases = PhraseList(phrase for phrase, _, _ in rows)
        self._signals = [signal for _, signal, _ in rows]
        self._weights = np.array([int(weight) for _, _, weight in rows])
        self._tells = np.array([signal != NOTHING for signal in self._signals])

    def read(self, heard: Heard) -> pa.Array:
        """Return a column of (rule, score), by name; the score is from 0 to 1."""
        scores: Scores = defaultdict(dict)
        self._note_phrases(heard, scores)
        _note_forms(heard, scores)
        _note_jammed(heard, scores)
        _note_reposts(heard, scores)
        rows = {i: sorted(told.items()) for i, told in scores.items()}
        return sparse_list_column("noise", rows, len(heard))

    def _note_phrases(self, heard: Heard, scores: Scores) -> None:
        text = heard.lowered.text
        for i, told in self._told(heard):
            phrases: defaultdict[str, dict[str, int]] = defaultdict(dict)
            for start, end, entry in told:
                phrases[self._signals[entry]][text[start:end]] = int(self._weights[entry])
            if heard.own_lengths[i] > ENTRY_LENGTH:
                phrases.pop(Noise.GIVEAWAY_ENTRY, None)
            for signal, found in phrases.items():
                weight = sum(found.values())
                if weight >= HOLDS_FROM:
                    scores[i][signal] = 1 - 0.5 ** min(weight, 20)

    def _told(self, heard: Heard) -> Iterator[tuple[int, list[tuple[int, int, int]]]]:
        """Yield the texts whose phrases may weigh enough, with these: [start, end) and entry."""
        found = leftmost_longest(self._phrases.find(heard.lowered))
        found = found.only(self._tells[found.entries])
        owners = heard.lowered.owners(found.starts)
        weights = np.bincount(owners, self._weights[found.entries], len(heard))
        heavy = np.flatnonzero(weights[owners] >= HOLDS_FROM)
        spans = zip(*(column.tolist() for column in found.only(heavy)), strict=True)
        for i, group in groupby(zip(owners[heavy].tolist(), spans, strict=True), itemgetter(0)):
            yield i, [span for _, span in group]


def _note_forms(heard: Heard, scores: Scores) -> None:
    """Note contacts, draws and entries to them, and characters said over and over."""
    texts = heard.lowered
    signs = np.flatnonzero(texts.codes == ord("抽")).tolist()
    drawn = [at for at in signs if _DRAWN.match(texts.text, at)]
    starts, _ = long_runs(texts.codes, MIN_REPEATED)
    repeated = starts[(heard.kinds[starts] & Kind.SPOKEN) > 0]
    _note(scores, Noise.GIVEAWAY, texts.owners(drawn), SURE)
    _note(scores, Noise.REPEATED_CHARACTERS, texts.owners(repeated), SURE)
    _note(scores, Noise.CONTACT_SPAM, heard.masked(Masking.PHONE), LIKELY)
    naming = np.unique(texts.owners(_apps().find(texts).starts)).tolist()
    named = [i for i in naming if _finds(_CONTACT, texts, i)]
    _note(scores, Noise.CONTACT_SPAM, named, SURE)
    _note_entries(heard, scores)


@cache
def _apps() -> PhraseTree:
    return PhraseTree(_APPS)


def _note_entries(heard: Heard, scores: Scores) -> None:
    """An entry to a giveaway calls friends, or says that it shared, and little else."""
    for i, count in Counter(heard.masked(Masking.ACCOUNT).tolist()).items():
        length = heard.own_lengths[i]
        if length > ENTRY_LENGTH:
            continue
        is_entry = _finds(_ENTRY, heard.lowered, i)
        if is_entry or (count > CALLED and not length):
            scores[i][Noise.GIVEAWAY_ENTRY] = SURE if is_entry and count >= CALLED else LIKELY


def _note_jammed(heard: Heard, scores: Scores) -> None:
    texts = heard.lowered
    splitter_counts = texts.count_places(texts.places(Kind.SPLITTING))
    candidates = np.flatnonzero(splitter_counts >= MIN_SPLIT).tolist()
    split = [i for i in candidates if _finds(_SPLIT_UP, texts, i)]
    hidden = [i for i in heard.folded.ways if len(_HIDDEN.findall(heard.originals[i])) > 1]
    _note(scores, Noise.JAMMER_TEXT, split, LIKELY)
    _note(scores, Noise.JAMMER_TEXT, hidden, SURE)
    _note(scores, Noise.JAMMER_TEXT, heard.masked(Masking.JAMMER), SURE)


def _note_reposts(heard: Heard, scores: Scores) -> None:
    """A repost says nothing of its own, or only that it is one."""
    quoting = {int(i) for i in heard.lowered.owners([start for start, _ in heard.quotes])}
    lengths = heard.own_lengths
    short = np.flatnonzero(lengths <= max(map(len, REPOSTED))).tolist()
    for i in short:
        if lengths[i] == 0:
            if i in quoting:
                scores[i][Noise.REPOST] = SURE
        elif "".join(filter(str.isalnum, heard.own.text[slice(*heard.own.span(i))])) in REPOSTED:
            scores[i][Noise.REPOST] = SURE


def _note(scores: Scores, rule: Noise, texts: Iterable[int], score: float) -> None:
    for i in texts:
        scores[int(i)][rule] = score


def _finds(pattern: re.Pattern[str], texts: Joined, i: int) -> bool:
    return pattern.search(texts.text, *texts.span(i)) is not None
