from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lake import Added, Lake, LogicalRun, Window
from lake.errors import InvalidRunError, LakeError, WriterClosedError
from lake.schemas import ADDED, IDENTITY, TABLES
from tests.lake.story import DAY, NOW, RUN, check_complete, clock, person, post, tell, ticking

FILE = LogicalRun("shop", "orders_file", "2026-10-09", route="import", file_digest="d" * 64)


def order(number: int, **columns: object) -> dict[str, object]:
    return {
        "order_id": str(number),
        "ordered_at": DAY.start,
        "status": "paid",
        "amount": "1280",
        "currency": "TWD",
        **columns,
    }


def land(lake: Lake, run: LogicalRun, table: str, records: list[dict], end: str = "exhausted"):
    with lake.write(run, now=clock(), max_rows=4) as out:
        added = [out.add(table, record) for record in records]
        out.finish(end, covered=run.window)
    return added


def again(crawl_id: str) -> LogicalRun:
    return LogicalRun("ptt", "phone", crawl_id, window=DAY)


def test_every_table_has_its_zero_row_file(lake: Lake) -> None:
    root = Path(lake.address)
    for table, schema in TABLES.items():
        (path,) = root.glob(f"{table}/source=*/collected_date=*/*.parquet")
        assert pq.read_schema(path).equals(schema)
        assert lake.read(table).schema.names == schema.names


LATER = sorted(ADDED["orders"])


def as_before(path: str) -> None:
    """Take out of a file the columns that its table did not have from the start."""
    pq.write_table(pq.read_table(path).drop_columns(LATER), path)


def test_a_file_from_before_a_column_came_reads_as_null_and_stays_unchanged(lake: Lake) -> None:
    assert land(lake, FILE, "orders", [order(1), order(2)]) == [Added.LANDED, Added.LANDED]
    as_before(lake.segments("orders")[0])
    old = lake.read("orders").to_pylist()
    assert [row[name] for row in old for name in LATER] == [None] * 2 * len(LATER)
    newer = LogicalRun("shop", "orders_file", "later", route="import", file_digest="e" * 64)
    added = land(lake, newer, "orders", [order(1), order(2, discount_amount="5")])
    assert added == [Added.UNCHANGED, Added.LANDED]
    assert [row["discount_amount"] for row in lake.read("orders").to_pylist()] == [
        None,
        None,
        Decimal("5.0000"),
    ]


def test_landed_rows_come_back_with_their_bookkeeping(lake: Lake) -> None:
    tell(lake)
    (row,) = [r for r in lake.read("posts").to_pylist() if r["post_id"] == "M.3"]
    assert row["source"] == "ptt"
    assert row["channel_id"] == "phone"
    assert row["crawl_id"] == RUN.crawl_id
    assert row["collected_at"] == NOW
    assert row["segment_id"] == RUN.segment_id(0)
    assert row["title_text"] == "[心得] 手機 3"
    assert row["is_deleted"] is False
    assert len(row["content_hash"]) == len(row["text_hash"]) == 32


def test_the_ledger_says_what_was_done(lake: Lake) -> None:
    tell(lake)
    first, second = lake.ledger().to_pylist()
    assert (first["ordinal"], first["landed_count"], first["is_last"]) == (0, 8, False)
    assert first["covered_start_at"] is None
    assert (second["landed_count"], second["quarantined_count"]) == (5, 1)
    assert (second["page_count"], second["byte_count"]) == (1, 1000)
    assert second["stop_reason"] == "exhausted"
    assert (second["covered_start_at"], second["covered_end_at"]) == (DAY.start, DAY.end)
    assert second["code_version"]


def test_a_finished_run_has_nothing_left_to_do(lake: Lake) -> None:
    tell(lake)
    with lake.write(RUN, now=clock()) as out:
        assert out.is_done
        assert out.add("posts", post(77)) is Added.ALREADY
        out.finish("exhausted", covered=DAY)
    assert lake.read("posts").num_rows == 10
    assert lake.ledger().num_rows == 2


@pytest.mark.parametrize("end", ["blocked", "error", "budget", "blank_page"])
def test_a_run_that_was_stopped_is_continued(lake: Lake, end: str) -> None:
    assert land(lake, RUN, "posts", [post(1)], end) == [Added.LANDED]
    with lake.write(RUN, now=clock()) as out:
        assert not out.is_done
        assert out.add("posts", post(1)) is Added.ALREADY
        assert out.add("posts", post(2)) is Added.LANDED
        out.finish("reached_watermark", covered=DAY)
    assert lake.ledger()["ordinal"].to_pylist() == [0, 1]
    assert lake.ledger()["landed_count"].to_pylist() == [1, 1]


def test_leaving_without_finish_lands_nothing_more(lake: Lake) -> None:
    with lake.write(RUN, now=clock(), max_rows=4) as out:
        for number in range(6):
            out.add("posts", post(number))
    assert lake.read("posts").num_rows == 4
    with pytest.raises(WriterClosedError, match="closed"):
        out.add("posts", post(9))


def test_an_error_in_the_block_lands_nothing_more(lake: Lake) -> None:
    with pytest.raises(KeyError), lake.write(RUN, now=clock()) as out:
        out.add("posts", post(1))
        raise KeyError
    assert lake.read("posts").num_rows == 0
    assert lake.ledger().num_rows == 0


def test_an_unchanged_post_is_counted_and_not_landed_again(lake: Lake) -> None:
    land(lake, again("r1"), "posts", [post(1), post(2)])
    edited = post(2, body_text="改了")
    assert land(lake, again("r2"), "posts", [post(1), edited]) == [Added.UNCHANGED, Added.LANDED]
    assert lake.ledger()["unchanged_count"].to_pylist() == [0, 1]
    # Back to what it was before the edit: news again, for only the last observation counts.
    assert land(lake, again("r3"), "posts", [post(2)]) == [Added.LANDED]
    assert land(lake, again("r4"), "posts", [post(2), edited]) == [Added.UNCHANGED, Added.ALREADY]


def test_row_28_a_deletion_is_an_observation(lake: Lake) -> None:
    land(lake, again("r1"), "posts", [post(1)])
    assert land(lake, again("r2"), "posts", [post(1, is_deleted=True)]) == [Added.LANDED]


def test_the_same_post_of_another_channel_is_another_post(lake: Lake) -> None:
    land(lake, again("r1"), "posts", [post(1)])
    other = LogicalRun("ptt", "camera", "r1", window=DAY)
    assert land(lake, other, "posts", [post(1)]) == [Added.LANDED]


def test_an_import_knows_what_was_crawled(lake: Lake) -> None:
    land(lake, again("r1"), "posts", [post(1)])
    run = LogicalRun("ptt", "export", "r2", route="import", file_digest="e" * 64)
    records = [post(1, channel_id="phone"), post(1, channel_id="camera")]
    assert land(lake, run, "posts", records) == [Added.UNCHANGED, Added.LANDED]
    assert land(lake, again("r3"), "posts", [post(1)]) == [Added.UNCHANGED]


def test_acts_of_nobody_known_are_told_apart_by_their_time(lake: Lake) -> None:
    def like(minute: int | None, **columns: object) -> dict[str, object]:
        at = (
            {}
            if minute is None
            else {
                "occurred_at": DAY.start + timedelta(minutes=minute),
                "occurred_precision": "minute",
            }
        )
        return {"post_id": "M.1", "kind": "like", **at, **columns}

    records = [like(1), like(2), like(2), like(None), like(None), like(1, actor_key=person("a"))]
    landed, already = Added.LANDED, Added.ALREADY
    expected = [landed, landed, already, landed, already, landed]
    assert land(lake, again("r1"), "reactions", records) == expected
    assert set(land(lake, again("r2"), "reactions", records[:2])) == {Added.UNCHANGED}


def test_a_profile_seen_at_another_instant_is_another_observation(lake: Lake) -> None:
    profile = {"author_key": person("a"), "observed_at": NOW}
    later = {**profile, "observed_at": NOW + timedelta(hours=1)}
    assert land(lake, again("r1"), "authors", [profile, later]) == [Added.LANDED] * 2
    assert land(lake, again("r2"), "authors", [profile, later]) == [Added.UNCHANGED] * 2


def test_a_file_lands_every_version_in_its_order(lake: Lake) -> None:
    versions = [order(1), order(1, status="refunded"), order(1, status="refunded"), order(1)]
    landed, already = Added.LANDED, Added.ALREADY
    assert land(lake, FILE, "orders", versions) == [landed, landed, already, landed]
    rows = lake.read("orders").to_pylist()
    assert [r["status"] for r in rows] == ["paid", "refunded", "paid"]
    times = [r["collected_at"] for r in rows]
    assert times == sorted(set(times)), "the later version is the younger one"


def test_a_retry_of_a_file_lands_the_rest_of_the_versions(lake: Lake) -> None:
    states = ("paid", "refunded", "paid", "cancelled", "paid", "refunded")
    versions = [order(n, status=state) for state in states for n in (1, 2)]
    for done in range(4):
        with lake.write(FILE, now=clock(), max_rows=3) as out:
            for version in versions[: done * 3 + 1]:
                out.add("orders", version)
    with lake.write(FILE, now=clock(), max_rows=3) as out:
        for version in versions:
            out.add("orders", version)
        out.finish("exhausted", covered=None)
    rows = lake.read("orders").to_pylist()
    assert [(r["order_id"], r["status"]) for r in rows] == [
        (str(n), state) for state in states for n in (1, 2)
    ]


def test_two_attempts_side_by_side_double_nothing(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path)
    first = Lake.open(tmp_path).write(RUN, now=clock(), max_rows=4)
    second = Lake.open(tmp_path).write(RUN, now=clock(NOW + timedelta(days=1)), max_rows=3)
    for number in range(10):
        first.add("posts", post(number))
        second.add("posts", post(9 - number))
    second.finish("exhausted", covered=DAY)
    first.finish("exhausted", covered=DAY)
    posts = lake.read("posts")["post_id"].to_pylist()
    assert sorted(posts) == [f"M.{number}" for number in range(10)]
    assert lake.ledger()["is_last"].to_pylist().count(True) == 1
    assert first.is_done


def test_an_attempt_that_was_overtaken_by_far_doubles_nothing(tmp_path: Path) -> None:
    late = Lake.open(tmp_path).write(RUN, now=clock(), max_rows=1)
    early = Lake.open(tmp_path).write(RUN, now=clock(), max_rows=1)
    for number in range(4):
        early.add("posts", post(number))
    for number in (0, 1, 2):
        late.add("posts", post(number))
        early.add("posts", post(4 + number))
    for number in range(10):
        late.add("posts", post(number))
    posts = Lake.open(tmp_path).read("posts")["post_id"].to_pylist()
    assert sorted(posts) == [f"M.{number}" for number in range(10)]
    assert 0 not in Lake.open(tmp_path).ledger()["landed_count"].to_pylist()


def test_two_readings_of_one_file_side_by_side_double_nothing(tmp_path: Path) -> None:
    states = ("paid", "refunded", "paid", "cancelled")
    versions = [order(n, status=state) for state in states for n in range(3)]
    first = Lake.open(tmp_path).write(FILE, now=clock(), max_rows=5)
    second = Lake.open(tmp_path).write(FILE, now=clock(), max_rows=4)
    for version in versions:
        first.add("orders", version)
        second.add("orders", version)
    first.finish("exhausted", covered=None)
    second.finish("exhausted", covered=None)
    rows = Lake.open(tmp_path).read("orders").to_pylist()
    assert [(r["order_id"], r["status"]) for r in rows] == [
        (v["order_id"], v["status"]) for v in versions
    ]


def test_a_data_file_without_ledger_row_does_not_exist(lake: Lake) -> None:
    tell(lake)
    (path, *_) = lake.segments("posts")
    for stray in (
        Path(path).with_name(f"{'0' * 32}.parquet"),
        Path(path).parent.with_name("collected_date=2026-10-08") / Path(path).name,
    ):
        stray.parent.mkdir(exist_ok=True)
        stray.write_bytes(Path(path).read_bytes())
    assert lake.read("posts").num_rows == 10
    assert len(list(lake.texts())) == len(lake.segments("posts"))


def test_a_leftover_of_the_same_segment_is_overwritten(lake: Lake) -> None:
    tell(lake)
    ledger_rows = list(Path(lake.address).glob("crawls/source=ptt/*/*.parquet"))
    for path in ledger_rows:
        path.unlink()
    tell(lake, attempt=1)
    check_complete(Path(lake.address))


def test_row_20_names_that_are_no_folder_are_refused() -> None:
    for name in ("../x", "a/b", "a\0b", "a=b", "", "😀", "A", "x" * 65, "-a"):
        with pytest.raises(InvalidRunError, match="source"):
            LogicalRun(name, "phone", "r1")
    with pytest.raises(InvalidRunError, match="crawl_id is empty"):
        LogicalRun("ptt", "phone", "")


def test_windows_are_aware_and_not_empty() -> None:
    with pytest.raises(InvalidRunError, match="zone"):
        Window(datetime(2026, 1, 1), datetime(2026, 1, 2))  # noqa: DTZ001
    with pytest.raises(InvalidRunError, match="start < end"):
        Window(NOW, NOW)


def test_segment_ids_never_change() -> None:
    assert RUN.segment_id(0) == "b0292ab47126ce333e621a3131e2a754"
    assert FILE.segment_id(3) == "605fd4f180a1ccc6c62a1d65221195c6"
    taipei = Window(
        datetime.fromisoformat("2026-10-08T08:00:00+08:00"),
        datetime.fromisoformat("2026-10-09T08:00:00+08:00"),
    )
    assert LogicalRun("ptt", "phone", RUN.crawl_id, window=taipei).segment_id(0) == (
        RUN.segment_id(0)
    ), "the same window in another zone"


def test_a_segment_lies_within_one_utc_day(lake: Lake) -> None:
    midnight = datetime(2026, 10, 10, tzinfo=UTC)
    now = ticking(midnight - timedelta(seconds=4))
    with lake.write(RUN, now=now) as out:
        for number in range(6):
            out.add("posts", post(number))
        out.finish("exhausted", covered=DAY)
    for path in lake.segments("posts"):
        days = {str(at.date()) for at in pq.read_table(path)["collected_at"].to_pylist()}
        assert [f"collected_date={day}" for day in days] == [Path(path).parent.name]
    assert len(lake.segments("posts")) == 2


def test_a_segment_is_closed_when_its_text_is_long(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake.writer.MAX_TEXT_LENGTH", 5_000)
    with lake.write(RUN, now=clock()) as out:
        for number in range(9):
            out.add("posts", post(number, body_text="長" * 1_000))
    assert lake.read("posts").num_rows == 5


def test_bad_records_go_to_quarantine_once_and_harm_nobody(lake: Lake) -> None:
    bad = {
        "post_id": "M.2",
        "kind": "push",
        "author_key": "王小明",
        "body_text": "call 0912-345-678",
    }
    for _ in range(2):
        with lake.write(RUN, now=clock(), max_rows=3) as out:
            assert out.add("posts", post(1)) in {Added.LANDED, Added.ALREADY}
            assert out.add("posts", bad) is Added.QUARANTINED
            out.refuse("posts", "<html>1.2.3.4", "no_posts", "expected posts, found none")
    (refused, page) = lake.read("quarantine").to_pylist()
    assert (refused["table_name"], refused["record_id"]) == ("posts", "M.2")
    assert refused["rule"] == "not_a_pseudonym"
    assert "author_key" in refused["reason"]
    assert "王小明" not in str(refused)
    assert "0912" not in refused["raw_record"]
    assert page["raw_record"] == '"<html>[ip]"'
    assert refused["segment_id"] == page["segment_id"] == RUN.segment_id(0)


def test_a_landed_row_is_refused_once_and_stays(lake: Lake) -> None:
    tell(lake)
    gate = LogicalRun("ptt", "phone", "gate:daily", route="gate", file_digest="f" * 64)
    for end in ("error", "exhausted"):
        with lake.write(gate, now=clock()) as out:
            for segment in (RUN.segment_id(0), RUN.segment_id(1)):
                out.refuse_landed("posts", segment, "M.1", "future", "published tomorrow")
            out.finish(end, covered=None)
    refused = lake.read("quarantine").slice(1)
    assert refused["of_segment_id"].to_pylist() == [RUN.segment_id(0), RUN.segment_id(1)]
    assert refused["record_id"].to_pylist() == ["M.1", "M.1"]
    assert lake.read("posts").num_rows == 10


def test_a_writer_says_which_tables_there_are(lake: Lake) -> None:
    with lake.write(RUN, now=clock()) as out:
        for table in ("crawls", "quarantine", "people"):
            with pytest.raises(LakeError, match="tables: posts"):
                out.add(table, {})
    assert set(IDENTITY) | {"crawls", "quarantine"} == set(TABLES)


def test_days_replayed_in_any_order_land_the_same(tmp_path: Path) -> None:
    days = [NOW + timedelta(days=n) for n in range(3)]
    seen = {days[0]: [post(1)], days[1]: [post(1), post(2)], days[2]: [post(1, body_text="改了")]}
    states = []
    for number, order_of_days in enumerate(permutations(days)):
        lake = Lake.open(tmp_path / str(number))
        for day in order_of_days:
            with lake.write(again(f"{day:%Y%m%d}"), now=clock(day)) as out:
                for record in seen[day]:
                    out.add("posts", record)
                out.finish("exhausted", covered=DAY)
        states.append([latest_texts(lake, day) for day in days])
    assert len(states) == 6
    assert all(state == states[0] for state in states)


def latest_texts(lake: Lake, as_of: datetime) -> dict[str, str]:
    rows = sorted(lake.read("posts", as_of=as_of).to_pylist(), key=lambda r: r["collected_at"])
    return {row["post_id"]: row["body_text"] for row in rows}


def test_row_25_a_clock_that_jumps_back_does_no_harm(lake: Lake) -> None:
    tell(lake)
    tell(lake, at=NOW - timedelta(days=400))
    land(lake, again("r2"), "posts", [post(1, body_text="new")])
    assert lake.read("posts").num_rows == 11


def test_what_lands_is_private_to_its_owner(lake: Lake) -> None:
    tell(lake)
    for path in Path(lake.address).rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
