"""Which number can be computed from which source, and why not where it cannot.

A source that is crawled declares what it lets anybody see in its own yml; one that only comes in as
files is as good as the named formats that bring it. What nobody declared is unknown, and so is each
number that needs it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from scrapers.source import Capabilities, Title, load_source, source_names
from tingchao.formats import describe_format, named_formats

TABLES = {  # what a table of a format says by itself
    "texts": "posts",
    "fan_count": "channels",
    "visits": "visits",
    "orders": "orders",
    "spend": "spend",
}
OF_POSTS = ("author_identity", "reaction_actors", "replies", "reaction_counts", "view_counts")


class Kpi(NamedTuple):
    """A number of the marts, and what a source must let us see for it."""

    kpi_id: str
    title: Title
    needs: tuple[str, ...]


def _kpi(kpi_id: str, zh: str, en: str, *needs: str) -> Kpi:
    return Kpi(kpi_id, Title(zh=zh, en=en), needs)


KPIS = (
    _kpi("fan_count", "粉絲數", "fans", "fan_count"),
    _kpi("active_fans", "活躍粉絲數", "active fans", "author_identity"),
    _kpi("activity_rate", "活躍率", "activity rate", "author_identity", "fan_count"),
    _kpi("fan_lifecycle", "粉絲生命週期", "fan life cycle", "author_identity"),
    _kpi("mentions", "提及數", "mentions", "texts"),
    _kpi("share_of_voice", "聲量占比", "share of voice", "texts"),
    _kpi("sentiment", "情緒", "sentiment", "texts"),
    _kpi("reactions", "互動數", "reactions", "reaction_counts"),
    _kpi("reach", "觸及與觀看數", "reach and views", "view_counts"),
    _kpi("response_time", "回應時間", "response time", "texts", "replies", "author_identity"),
    _kpi("channel_conversion", "粉絲購買率", "fans who buy", "author_identity"),
    _kpi("conversions", "轉換", "conversions", "orders"),
    _kpi("visits", "造訪數", "visits", "visits"),
    _kpi("orders", "訂單", "orders", "orders"),
    _kpi("spend", "廣告花費", "spend", "spend"),
)

REASONS = {
    "author_identity": Title(zh="看不出是誰寫的", en="nobody can be told from anybody else"),
    "fan_count": Title(zh="不公布粉絲數", en="it does not say how many follow"),
    "reaction_actors": Title(zh="看不出誰按的", en="it does not say who reacted"),
    "texts": Title(zh="沒有貼文內容", en="nobody writes there"),
    "replies": Title(zh="看不出回覆哪一則", en="it does not say what answers what"),
    "reaction_counts": Title(zh="沒有互動計數", en="it does not count reactions"),
    "view_counts": Title(zh="沒有觀看計數", en="it does not count views"),
    "visits": Title(zh="沒有造訪紀錄", en="it knows of no visits"),
    "orders": Title(zh="沒有訂單", en="it knows of no orders"),
    "spend": Title(zh="沒有花費", en="it knows of no spend"),
}
NOBODY_LOOKED = Title(zh="尚未查明", en="nobody has looked yet")


@dataclass(frozen=True)
class Computable:
    """Whether a number can be had; None: unknown. `missing` names what is lacking or unknown."""

    is_computable: bool | None
    missing: tuple[str, ...] = ()

    @property
    def reason(self) -> Title | None:
        """Say why not, in both languages; None where it can."""
        if self.is_computable:
            return None
        told = [REASONS[name] for name in self.missing]
        zh, en = "；".join(t.zh for t in told), "; ".join(t.en for t in told)
        if self.is_computable is None:
            return Title(zh=f"{NOBODY_LOOKED.zh}：{zh}", en=f"{NOBODY_LOOKED.en}: {en}")
        return Title(zh=zh, en=en)


def judge(can: Capabilities | None, kpi: Kpi) -> Computable:
    """Say whether a source with these capabilities has a number; None: a source of which nothing
    is declared."""
    has = {name: None if can is None else getattr(can, name) for name in kpi.needs}
    lacking = tuple(name for name, value in has.items() if value is False)
    unknown = tuple(name for name, value in has.items() if value is None)
    if lacking:
        return Computable(False, lacking)
    return Computable(None, unknown) if unknown else Computable(True)


def capabilities_of(source: str) -> Capabilities | None:
    """Return what a source is declared to let anybody see; None when nothing is declared."""
    if source in source_names():
        return load_source(source).capabilities
    return _of_formats(source)


def described_sources() -> list[str]:
    """List every source that a spider or a named format brings, by name."""
    brought = (described["sources"] for described in map(describe_format, named_formats()))
    return sorted({*source_names(), *(source for sources in brought for source in sources)})


def formats_of(source: str) -> list[str]:
    """List the named formats that bring a source."""
    return [name for name in named_formats() if source in describe_format(name)["sources"]]


def declared_by(described: Mapping[str, Any], source: str) -> Capabilities:
    """Return what files of a format tell of a source: by their tables, and as declared.

    A value is true, false, null (unknown), or the list of those sources of which it is true.
    """
    tables: Collection[str] = described["tables"]
    by_tables = {name: table in tables for name, table in TABLES.items()}
    by_posts: dict[str, bool | None] = dict.fromkeys(OF_POSTS, None if "posts" in tables else False)
    declared = {
        name: _is_listed(source, value, described["sources"]) if isinstance(value, list) else value
        for name, value in (described.get("capabilities") or {}).items()
    }
    merged = {**by_tables, **by_posts, **declared}
    if merged["author_identity"] is None or merged["reaction_actors"] is None:
        raise ValueError(
            "capabilities: expected author_identity and reaction_actors of a format that brings "
            "posts, found none; write true or false"
        )
    return Capabilities.model_validate(merged)


def _is_listed(source: str, those: Collection[str], sources: Collection[str]) -> bool | None:
    """Whether it is true of a source; unknown of one that the format does not know by itself."""
    return source in those if source in sources else None


@cache
def _of_formats(source: str) -> Capabilities | None:
    return together(declared_by(describe_format(name), source) for name in formats_of(source))


def together(ways_in: Iterable[Capabilities]) -> Capabilities | None:
    """Return what is to be seen by any of several ways in; None without one."""
    found = list(ways_in)
    if not found:
        return None
    return Capabilities.model_validate(
        {name: _either(getattr(one, name) for one in found) for name in Capabilities.model_fields}
    )


def _either(values: Iterable[bool | None]) -> bool | None:
    """True when any way in shows it; unknown when one might."""
    seen = set(values)
    if True in seen:
        return True
    return None if None in seen else False


def matrix(
    sources: Mapping[str, Capabilities | None],
) -> Iterator[tuple[str, Kpi, Computable]]:
    """Yield every source with every number."""
    for source, can in sources.items():
        for kpi in KPIS:
            yield source, kpi, judge(can, kpi)
