"""A DuckDB dialect for SQLAlchemy whose results outlive their connection.

Great Expectations closes a connection before it fetches what it asked; DuckDB's results die with
their connection, and every metric fails with `IndexError`. Fetching everything at once, right
after a statement ran, mends that. A gate's results are counts and schema rows, so they are small.
"""

from __future__ import annotations

from duckdb_sqlalchemy import Dialect
from sqlalchemy.dialects import registry
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

SCHEME = "duckdb_buffered"


class BufferingContext(Dialect.execution_ctx_cls):
    """Reads a statement's whole result while the cursor is still open."""

    def post_exec(self) -> None:
        super().post_exec()
        if self.cursor.description is not None:
            self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
                self.cursor, initial_buffer=self.cursor.fetchall()
            )


class BufferedDuckDB(Dialect):
    """DuckDB as Great Expectations needs it."""

    execution_ctx_cls = BufferingContext
    supports_statement_cache = True


def register() -> None:
    """Make `duckdb_buffered:///file` a connection string that SQLAlchemy knows."""
    registry.register(SCHEME, __name__, BufferedDuckDB.__name__)
