"""A batch of texts as what judges them sees it: the writers' own words, folded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from enrichment.characters import Kind
from enrichment.joined import Codes, Flags, Joined, Places
from enrichment.phrases import lone_words


@dataclass(frozen=True)
class FoldedBatch:
    """The own words of every text: folded to Simplified, in lower case, masked.

    What is no speech (addresses, accounts, private numbers) and what is quoted is blank, position
    for position. Text `i` is `codes[offsets[i] : offsets[i + 1] - 1]`; behind it stands a separator
    (U+0000), so an n-gram over the whole array that holds one crosses two texts. `begins` says, for
    each position and one more, whether a word begins there; separators are words.
    """

    joined: Joined
    begins: Flags

    def __len__(self) -> int:
        return len(self.joined)

    @property
    def codes(self) -> Codes:
        """Unicode code points, uint32."""
        return self.joined.codes

    @property
    def offsets(self) -> Places:
        """Where texts begin, int64; one more than there are texts."""
        return self.joined.offsets

    @property
    def kinds(self) -> NDArray[np.uint16]:
        """The `Kind` of each character."""
        return self.joined.kinds

    @cached_property
    def asking(self) -> Places:
        """Where a character stands that may make a question of a clause."""
        return self.joined.places(Kind.ASKING)

    @cached_property
    def parting(self) -> Places:
        """Where a character ends a clause, which a question mark is none of, or a text."""
        return self.joined.places(Kind.PARTING)

    @cached_property
    def lone_words(self) -> Flags:
        """Say, position by position, whether one Han character there is a word of its own."""
        return lone_words(self.joined, self.begins)

    @property
    def text(self) -> str:
        """All of it as one string; positions are those of `codes`."""
        return self.joined.text

    @cached_property
    def texts(self) -> list[str]:
        """The same as strings, one by one."""
        return self.joined.texts

    @cached_property
    def is_separator(self) -> Flags:
        """Say, position by position, whether a text ends there."""
        return self.joined.is_separator()
