"""What is known of a table before and while a logical run adds to it.

Decides of every observation whether it is news. Three things are told apart: what was committed by
earlier runs (only the last observation of each identity counts), what this run has committed in
earlier attempts, and what this attempt has brought so far.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Added(StrEnum):
    """What became of a record that was added."""

    LANDED = "landed"
    UNCHANGED = "unchanged"
    ALREADY = "already"
    QUARANTINED = "quarantined"
    SUPPRESSED = "suppressed"
    """Speaks of a person who was erased; it is not kept."""


@dataclass(slots=True)
class _Replay:
    """How far the versions of one thing have come in this attempt."""

    version_count: int
    content: bytes


@dataclass(slots=True)
class TableHistory:
    """The observations of one table that a logical run must not land again.

    `earlier`: content hash of the last observation of each identity, of other runs; a content hash
    covers its identity, so a set will do. `landed`: content hashes that this run has committed, by
    identity, in order. A run over a window lands an identity once; a run over a file lands every
    version of it, and a retry goes through the versions in the same order.
    """

    earlier: set[bytes]
    landed: dict[bytes, list[bytes]]
    keeps_versions: bool
    _seen: set[bytes] = field(default_factory=set)
    _replays: dict[bytes, _Replay] = field(default_factory=dict)

    def judge(self, identity: bytes, content: bytes) -> tuple[Added, int]:
        """Say what the next observation is, and which version of its thing (0, 1, 2 …)."""
        if not self.keeps_versions:
            return self._judge_only(identity, content), 0
        replay = self._replays.get(identity)
        if replay is None:
            return self._judge_first(identity, content)
        if replay.content == content:
            return Added.ALREADY, replay.version_count
        replay.content = content
        return self._judge_version(identity, replay)

    def is_landed(self, identity: bytes, content: bytes, version: int) -> bool:
        """Whether this run has committed the version, whoever's attempt it was."""
        landed = self.landed.get(identity, [])
        if not self.keeps_versions:
            return bool(landed)
        return version < len(landed) and landed[version] == content

    def _judge_only(self, identity: bytes, content: bytes) -> Added:
        """Judge an identity that lands once: a long crawl remembers its name and no more."""
        if identity in self._seen or identity in self.landed:
            return Added.ALREADY
        self._seen.add(identity)
        return Added.UNCHANGED if content in self.earlier else Added.LANDED

    def _judge_first(self, identity: bytes, content: bytes) -> tuple[Added, int]:
        replay = self._replays[identity] = _Replay(0, content)
        if content in self.earlier:
            return Added.UNCHANGED, 0
        return self._judge_version(identity, replay)

    def _judge_version(self, identity: bytes, replay: _Replay) -> tuple[Added, int]:
        version, replay.version_count = replay.version_count, replay.version_count + 1
        if self.is_landed(identity, replay.content, version):
            return Added.ALREADY, version
        return Added.LANDED, version
