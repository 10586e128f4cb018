"""Which of what was collected a gate has passed: only that is counted.

A verdict is a ledger row of route `gate` that names the segments it is about. So what is counted is
a function of the ledger, and what was counted at an earlier instant is one of the ledger of then.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

COLLECTED: Final = ("crawl", "import")
NAMED: Final = 5  # as many crawls as a message names


def judged_segments(ledger: pa.Table) -> pa.Array:
    """Return the ids of the segments that the verdicts among these ledger rows name."""
    verdicts = ledger.filter(pc.equal(ledger["route"], "gate"))
    ids = pc.list_flatten(pc.utf8_split_whitespace(verdicts["query"]))
    return ids.combine_chunks()


def split_by_verdict(ledger: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the ledger rows that count, and those of segments that wait for a verdict."""
    is_collected = pc.is_in(ledger["route"], pa.array(COLLECTED))
    is_judged = pc.is_in(ledger["segment_id"], judged_segments(ledger))
    is_waiting = pc.and_not(is_collected, is_judged)
    return ledger.filter(pc.invert(is_waiting)), ledger.filter(is_waiting)


def describe_waiting(crawl_ids: Iterable[str]) -> str | None:
    """Say that segments of these crawls are not counted, and what to type; None when none are."""
    names = list(crawl_ids)
    crawls = list(dict.fromkeys(names))
    if not crawls:
        return None
    more = f" and {len(crawls) - NAMED:,} more" if len(crawls) > NAMED else ""
    return (
        f"not counted: {len(names):,} segments that no gate has passed, of "
        f"{', '.join(crawls[:NAMED])}{more}; run `tingchao gate landing`"
    )
