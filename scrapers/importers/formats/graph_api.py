"""Saved answers of Meta's Graph API: posts, comments, pages, media, accounts, insights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scrapers.importers import graph
from scrapers.importers.fields import Fields
from scrapers.importers.format import Format, Found, Reading, Sureness, Verdict
from scrapers.importers.gathering import gathered
from scrapers.importers.head import Head
from scrapers.importers.pieces import find_pieces
from scrapers.importers.rows import Row

INSTAGRAM_KINDS = {"media", "media_comment", "account"}


class GraphApi(Format):
    """Graph API: whatever lies in an answer."""

    name = "graph_api"

    def recognise(self, head: Head) -> Verdict:
        if head.is_table:
            return Verdict.no("expected JSON")
        kinds = _kinds(head)
        if kinds:
            return Verdict(Sureness.LIKELY, f"holds {', '.join(sorted(kinds))} of the Graph API")
        if any(graph.explain_error(sample) for sample in head.samples):
            return Verdict(Sureness.POSSIBLE, "an error of the Graph API")
        return Verdict.no("expected objects with created_time, timestamp, fan_count or insights")

    def source_of(self, head: Head) -> str:
        return graph.INSTAGRAM if _kinds(head) <= INSTAGRAM_KINDS else graph.FACEBOOK

    def explode(self, row: Row) -> Iterator[Row]:
        pieces = list(find_pieces(row.cells, graph.kind_of))
        for kind, piece in pieces:
            yield Row(row.line, piece, part=kind)
            for inner_kind, inner in graph.inner_of(kind, piece):
                yield Row(row.line, inner, part=inner_kind)
        if not pieces and row.cells.get("data") != []:
            yield replace(row, problem=_why_empty(row))

    def read(self, row: Row, reading: Reading) -> Iterator[Found]:
        yield from graph.read(row.part, Fields(row.cells), reading)

    def close(self, reading: Reading) -> Iterator[Found]:
        yield from gathered(reading)

    def table_of(self, row: Row) -> str:
        return "channels" if row.part in ("page", "account", "insight") else "posts"


def _kinds(head: Head) -> set[str]:
    return {kind for sample in head.samples for kind, _ in find_pieces(sample, graph.kind_of)}


def _why_empty(row: Row) -> tuple[str, str]:
    error = graph.explain_error(row.cells)
    if error is not None:
        return error.rule, str(error)
    keys = ", ".join(sorted(row.cells)[:10])
    return "unknown_record", f"expected a post, comment, page or insight, found {keys}"
