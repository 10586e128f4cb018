"""What a build on Spark begins with and leaves behind, without a Spark."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tingchao.building import spark_tables
from tingchao.building.models import Workshop
from tingchao.building.spark_tables import (
    EVIDENCE,
    bring_to_duckdb,
    keep_tables,
    put_tables_in_place,
)
from tingchao.building.state import State, finish, read_tables_name
from tingchao.config import Engine
from tingchao.errors import TingchaoError
from tingchao.marts import PROJECT

ACTS = {"post_id": "string", "acted_at": "timestamp_ntz", "in_part": "string"}
SALES = {"day": "date", "amount": "decimal(18,2)", "share": "double", "turn": "int"}
NOON = datetime.fromisoformat("2026-03-01 12:00")  # naive, as all instants in the tables are
REPOSITORY = PROJECT.parent


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """One table in parts, one whole, one without any file."""
    folder = tmp_path / "tables"
    acts = pa.table({"post_id": ["a"], "acted_at": [NOON]})
    _write(acts, folder / "int_acts__rows" / "in_part=2026-03")
    sale = {"day": [date(2026, 3, 1)], "amount": [Decimal("1.50")], "share": [0.5], "turn": [1]}
    kinds = pa.schema({"day": pa.date32(), "amount": pa.decimal128(18, 2), "share": pa.float64()})
    _write(pa.table(sale, schema=kinds.append(pa.field("turn", pa.int32()))), folder / "sales")
    described = {"int_acts__rows": ACTS, "sales": SALES, "empty__rows": ACTS}
    rows = [
        {"table_name": table, "place": place, "column_name": name, "column_type": kind}
        for table, columns in described.items()
        for place, (name, kind) in enumerate(columns.items())
    ]
    _write(pa.Table.from_pylist(rows), folder / "_columns")
    return folder


def _write(table: pa.Table, folder: Path) -> None:
    folder.mkdir(parents=True)
    pq.write_table(table, folder / "part-0.parquet")


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    folder = tmp_path / "attempt"
    workshop = Workshop(folder, tmp_path / "dbt", tmp_path / "logs", "UTC", Engine.SPARK)
    workshop.lay_out()
    return workshop


def test_a_build_begins_with_links_to_what_is_kept(tables: Path, workshop: Workshop) -> None:
    keep_tables(tables, workshop)
    [kept] = workshop.tables.rglob("*.parquet")
    assert kept.samefile(next((tables / "int_acts__rows").rglob("*.parquet")))
    listed = pq.read_table(workshop.inputs / "kept_tables.parquet").to_pylist()
    columns = "`post_id` string, `acted_at` timestamp_ntz, `in_part` string"
    assert listed == [
        {"table_name": "empty__rows", "columns": columns},
        {"table_name": "int_acts__rows", "columns": columns},
    ]


def test_a_full_build_begins_with_nothing(workshop: Workshop) -> None:
    keep_tables(None, workshop)
    assert list(workshop.tables.iterdir()) == []
    assert pq.read_table(workshop.inputs / "kept_tables.parquet").num_rows == 0


def test_where_files_cannot_be_linked_they_are_copied(
    tables: Path, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_source: str, _target: str) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(spark_tables.os, "link", refuse)
    keep_tables(tables, workshop)
    [kept] = workshop.tables.rglob("*.parquet")
    assert pq.read_table(kept.as_posix()).num_rows == 1


def test_tables_come_back_with_the_types_of_duckdb(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spark_tables, "load_marts", lambda: ())
    monkeypatch.setattr(spark_tables, "EVIDENCE", ("int_acts", "sales", "empty"))
    bring_to_duckdb(tables, tmp_path / "work.duckdb")
    with duckdb.connect(tmp_path / "work.duckdb", read_only=True) as connection:
        types = {
            table: [row[1] for row in connection.execute(f"describe {table}").fetchall()]
            for table in ("int_acts", "sales", "empty")
        }
        acts = connection.execute("from int_acts").fetchall()
        assert connection.execute("from sales").fetchall()[0][1] == Decimal("1.50")
        assert connection.execute("from empty").fetchall() == []
    assert types == {
        "int_acts": ["VARCHAR", "TIMESTAMP"],
        "sales": ["DATE", "DECIMAL(18,2)", "DOUBLE", "INTEGER"],
        "empty": ["VARCHAR", "TIMESTAMP"],
    }
    assert acts == [("a", NOON)]


def test_tables_without_a_list_of_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TingchaoError, match=r"no list of columns.*--full-refresh"):
        bring_to_duckdb(tmp_path, tmp_path / "work.duckdb")


def test_a_database_names_the_tables_it_belongs_to(tables: Path, tmp_path: Path) -> None:
    state = State(
        as_of=datetime(2026, 3, 1, tzinfo=UTC),
        through_date=date(2026, 2, 28),
        configuration_digest="c",
        code_digest="m",
        text_version=None,
        segments=frozenset(),
        batches=frozenset(),
        engine="spark",
    )
    database = tmp_path / "work.duckdb"
    duckdb.connect(database).close()
    put_tables_in_place(tables, tmp_path / "spark" / "one")
    finish(database, state, "one")
    assert read_tables_name(database) == "one"
    assert (tmp_path / "spark" / "one" / "sales" / "part-0.parquet").exists()
    assert not tables.exists()


def test_what_is_read_of_the_work_database_comes_back_from_spark() -> None:
    """A query on another model would find it after a build on DuckDB only."""
    readers = [*(REPOSITORY / "reports").rglob("*.py"), *(REPOSITORY / "tingchao").rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in readers)
    read = set(re.findall(r"\b(?:from|join) ((?:int|stg)_\w+)", text))
    assert read
    assert read <= set(EVIDENCE)


def test_every_model_that_keeps_rows_says_how_spark_parts_them() -> None:
    files = [*(PROJECT / "models").rglob("*.sql"), *(PROJECT / "macros").rglob("*.sql")]
    found = {
        path.stem: re.search(r"meta=\{'replaces': \{(.*?)\}\}", path.read_text("utf-8"), re.DOTALL)
        for path in files
    }
    replaces = {name: match.group(1) for name, match in found.items() if match}
    assert len(replaces) > 10
    unparted = [name for name, said in replaces.items() if not _says_parts(said)]
    assert not unparted, "say month_of, each or from: dbt_project/macros/spark_tables.sql"


def _says_parts(replaces: str) -> bool:
    return any(f"'{key}':" in replaces for key in ("month_of", "each", "from"))
