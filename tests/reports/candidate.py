"""A candidate marts file, as `publish` writes it, from the warehouse that the tests make."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from reports.marts_file import Facts, stamp, write_marts
from tests.reports.warehouse import AS_OF, THROUGH, build_warehouse
from tingchao.marts import load_marts

FACTS = Facts(
    as_of_at=AS_OF,
    through_date=date.fromisoformat(THROUGH),
    time_zone="Asia/Taipei",
    currency="TWD",
    suppress_below=5,
    definition_version="1",
    text_version="1-lexicon",
    code_version="0.1.0",
    text_count=1_000,
    noisy_text_count=100,
    unknown_mood_text_count=400,
    wordless_text_count=10,
    turned_text_count=300,
    same_text_count=299,
)
VERSION = "20261031T160000Z-0123456789ab"


def write_candidate(target: Path, *edits: str) -> Path:
    """Build a warehouse beside `target` and write its marts there, stamped."""
    work = target.with_name("work.duckdb")
    work.unlink(missing_ok=True)
    build_warehouse(work, *edits)
    write_marts(work, target, load_marts(), FACTS.suppress_below)
    stamp(target, VERSION, FACTS)
    return target
