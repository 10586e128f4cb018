"""A small installation in a temporary folder: configuration, work database, landed texts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.reports.warehouse import AS_OF, build_warehouse
from tingchao.config import load_config
from tingchao.context import Context

NOW = datetime(2026, 11, 1, 1, tzinfo=UTC)
CONFIGURATION = """
version: 1
data_dir: data
brands:
  - {id: chaoming, name: 潮鳴茶, is_own: true, aliases: [潮鳴茶]}
  - {id: yunwu, name: 雲霧手搖, aliases: [雲霧手搖]}
channels:
  - {id: ptt-drink, source: ptt, address: Drink, name: PTT 飲料板}
  - {id: tea-blog, source: feed, address: "https://blog.example.org/feed", brand: chaoming}
"""


def configure(folder: Path, extra: str = "") -> Context:
    """Open an installation without a work database; the clock stands still."""
    path = folder / "tingchao.yml"
    path.write_text(CONFIGURATION + extra, encoding="utf-8")
    return Context(load_config(path), lambda: NOW)


def install(folder: Path, *edits: str, extra: str = "") -> Context:
    """Open an installation whose marts are built; `edits` change the work database."""
    context = configure(folder, extra)
    rebuild(context, *edits)
    return context


def rebuild(context: Context, *edits: str, as_of: datetime = AS_OF) -> Path:
    """Build the work database anew."""
    work = context.data / "warehouse" / "work.duckdb"
    work.unlink(missing_ok=True)
    return build_warehouse(work, *edits, as_of=as_of)
