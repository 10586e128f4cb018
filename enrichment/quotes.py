"""Words of others inside a text: quoted lines, and the posts that a repost carries along."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np

from enrichment.joined import Joined
from enrichment.tree import PhraseTree

_SIGNS: Final = ("//@", "引述《", "发表于", " 发表", ">", ": ")
_TIME: Final = r"\d{4}-\d{1,2}-\d{1,2}[ ]\d{1,2}:\d\d(?::\d\d)?"
_QUOTED: Final = re.compile(
    rf"""
      ^(?:>|:[ ]).*  # a line quoted in mail, on PTT, in Markdown
    | ^.{{0,2}}引述《.*  # PTT says whom it quotes: ※ 引述《…》之铭言
    | ^(?:引用:?\s*)?(?:原帖由\s?)?\S{{1,40}}\s(?:[于在]\s?)?
      (?:发表[于在]\s?{_TIME}|{_TIME}\s发表).*(?:\n.+)*  # Discuz!, up to an empty line
    | //@[\w\-·]{{1,64}}:[\s\S]*  # Weibo: the post reposted, to the end
    """,
    re.VERBOSE | re.MULTILINE,
)


def find_quotes(texts: Joined) -> list[tuple[int, int]]:
    """Return the stretches of joined texts, folded and in lower case, that others wrote."""
    signed = np.unique(texts.owners(_signs().find(texts).starts)).tolist()
    return [span for i in signed for span in _quotes_of(texts, i)]


@cache
def _signs() -> PhraseTree:
    return PhraseTree(_SIGNS)


def _quotes_of(texts: Joined, i: int) -> Iterator[tuple[int, int]]:
    start, end = texts.span(i)
    for found in _QUOTED.finditer(texts.text[start:end]):
        yield start + found.start(), start + found.end()
