"""The texts of a batch in every form that is looked at, each worked out once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from enrichment.characters import Kind, lower_forms
from enrichment.folding import FoldedTexts, fold_all
from enrichment.joined import Flags, Joined, Places
from enrichment.masking import Masking, Stretch, cover, find_stretches, hide
from enrichment.quotes import find_quotes
from enrichment.words import Segmenter, cut_all


@dataclass(frozen=True)
class Heard:
    """Texts as written, folded, and as speech; all folded forms have the same positions.

    `shown`: folded, private things as stars. `lowered`: folded, in lower case, nothing masked.
    `speech`: lowered, with blanks for what is no speech. `own`: speech without what others said.
    `begins`: whether a word begins at a position (`words.cut_all`).
    """

    originals: Sequence[str]
    folded: FoldedTexts
    shown: Joined
    lowered: Joined
    stretches: list[Stretch]
    quotes: list[tuple[int, int]]
    speech: Joined
    own: Joined
    begins: Flags

    def __len__(self) -> int:
        return len(self.lowered)

    @property
    def kinds(self) -> NDArray[np.uint16]:
        """The `Kind` of each character, whether it is masked or not."""
        return self.lowered.kinds

    @property
    def offsets(self) -> Places:
        return self.lowered.offsets

    @cached_property
    def word_begins(self) -> bytes:
        """`begins` as bytes, which are quick to look at one by one."""
        return self.begins.tobytes()

    @cached_property
    def is_quoted(self) -> Flags:
        """Whether others wrote what stands at a position."""
        flags = np.zeros(len(self.lowered.codes), np.bool_)
        for start, end in self.quotes:
            flags[start:end] = True
        return flags

    @cached_property
    def is_spoken(self) -> Flags:
        """Whether a letter or digit of speech stands at a position, whoever said it."""
        return self.speech.are(Kind.SPOKEN)

    @cached_property
    def own_lengths(self) -> Places:
        """Letters and digits of own words, text by text."""
        return self.own.count(self.is_spoken & ~self.is_quoted)

    def masked(self, why: Masking) -> Places:
        """Return the text of each stretch that is masked for this reason."""
        starts = [stretch.start for stretch in self.stretches if stretch.why is why]
        return self.lowered.owners(starts)

    def in_originals(self, texts: Places, starts: Places, ends: Places) -> tuple[Places, Places]:
        """Return spans of the joined forms, each in its text, as ones of the texts as written."""
        firsts = self.offsets[texts]
        starts, ends = starts - firsts, ends - firsts
        if self.folded.ways:
            is_uneven = np.zeros(len(self), np.bool_)
            is_uneven[list(self.folded.ways)] = True
            for at in np.flatnonzero(is_uneven[texts]).tolist():
                span = int(texts[at]), int(starts[at]), int(ends[at])
                starts[at], ends[at] = self.folded.span(*span)
        return starts, ends


def hear(texts: Sequence[str], segmenter: Segmenter) -> Heard:
    """Fold, mask and cut texts; at least one."""
    folded = fold_all(texts)
    lowered = folded.joined.with_codes(lower_forms().take(folded.joined.codes))
    stretches = find_stretches(lowered)
    quotes = find_quotes(lowered)
    shown = folded.joined.with_codes(hide(folded.joined.codes, stretches))
    speech = lowered.with_codes(cover(lowered.codes, stretches)) if stretches else lowered
    return Heard(
        originals=texts,
        folded=folded,
        shown=shown,
        lowered=lowered,
        stretches=stretches,
        quotes=quotes,
        speech=speech,
        own=_without(quotes, speech),
        begins=cut_all(segmenter, shown),
    )


def _without(quotes: list[tuple[int, int]], speech: Joined) -> Joined:
    if not quotes:
        return speech
    codes = speech.codes.copy()
    for start, end in quotes:
        codes[start:end] = ord(" ")
    return speech.with_codes(codes)
