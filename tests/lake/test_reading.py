from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from lake import Lake, LakeError, LogicalRun, Window
from lake.ledger import Ledger
from lake.text import joined
from tests.lake.story import NOW, clock, post, tell


def day(number: int, hours: int = 24) -> Window:
    start = datetime(2026, 10, 1, tzinfo=UTC) + timedelta(days=number)
    return Window(start, start + timedelta(hours=hours))


def crawl(
    lake: Lake,
    asked: Window,
    covered: Window | None,
    *,
    end: str = "exhausted",
    at: datetime = NOW,
    channel: str = "phone",
    **closing: str,
) -> None:
    run = LogicalRun("ptt", channel, f"r{asked.start:%d}-{at:%Y%m%d%H%M}", window=asked)
    with lake.write(run, now=clock(at)) as out:
        out.finish(end, covered=covered, **closing)


def test_cover_is_the_union_of_what_was_covered(lake: Lake) -> None:
    crawl(lake, day(1), day(1))
    crawl(lake, day(3), day(3, hours=6), end="budget")
    crawl(lake, day(2), day(2))
    crawl(lake, day(5), None, end="blocked")
    crawl(lake, day(4), day(4), channel="camera")
    assert lake.covered("ptt", "phone") == [Window(day(1).start, day(3).start + timedelta(hours=6))]
    assert lake.covered("ptt", "nobody") == []


def test_a_watermark_never_passes_a_hole(lake: Lake) -> None:
    assert lake.watermark("ptt", "phone") is None
    crawl(lake, day(1), day(1), at=NOW)
    crawl(lake, day(3), day(3), at=NOW + timedelta(hours=1))
    assert lake.watermark("ptt", "phone") == day(1).end
    assert lake.watermark("ptt", "phone", since=day(2).start) is None
    assert lake.watermark("ptt", "phone", since=day(3).start) == day(3).end
    crawl(lake, day(2), day(2), at=NOW + timedelta(hours=2))
    assert lake.watermark("ptt", "phone") == day(3).end
    assert lake.watermark("ptt", "phone", as_of=NOW) == day(1).end


def test_a_watermark_starts_where_the_first_commit_asked(lake: Lake) -> None:
    crawl(lake, day(5), None, end="blocked")
    crawl(lake, day(6), day(6), at=NOW + timedelta(days=1))
    assert lake.watermark("ptt", "phone") is None
    crawl(lake, day(5), day(5), at=NOW + timedelta(days=2))
    assert lake.watermark("ptt", "phone") == day(6).end


class TestWhereACrawlResumes:
    """`ChannelHistory.resumes_at`: what a crawl that was asked for `day(9)` begins with."""

    def resumes_at(self, lake: Lake, since: datetime | None = None) -> datetime | None:
        return lake.histories("ptt")["phone"].resumes_at(since)

    def test_nowhere_before_the_first_crawl(self, lake: Lake) -> None:
        assert self.resumes_at(lake) is self.resumes_at(lake, day(3).start) is None

    def test_at_the_start_while_nothing_covers_it(self, lake: Lake) -> None:
        crawl(lake, day(1), None, end="blocked")
        assert self.resumes_at(lake) == day(1).start
        crawl(lake, day(2), Window(day(1).start + timedelta(hours=9), day(2).end), end="budget")
        assert self.resumes_at(lake) == day(1).start
        crawl(lake, day(3), Window(day(1).start, day(3).end))
        assert self.resumes_at(lake) == day(3).end

    def test_at_the_watermark_behind_which_a_hole_lies(self, lake: Lake) -> None:
        crawl(lake, day(1), day(1))
        crawl(lake, day(2), None, end="error")
        crawl(lake, day(4), day(4), end="budget")
        assert self.resumes_at(lake) == day(1).end == lake.watermark("ptt", "phone")

    def test_behind_what_a_platform_capped_twice(self, lake: Lake) -> None:
        crawl(lake, day(1), None, end="blocked")
        for number in (3, 4):
            late = Window(day(number).start + timedelta(hours=2), day(number).end)
            crawl(lake, day(number), late, end="cap", at=NOW + timedelta(hours=number))
            resumes_at = day(1).start if number == 3 else day(3).end
            assert self.resumes_at(lake) == resumes_at
        assert lake.watermark("ptt", "phone") is None  # the hole is there all the same

    def test_not_behind_a_cap_that_covered_nothing(self, lake: Lake) -> None:
        crawl(lake, day(1), None, end="cap")
        crawl(lake, day(2), None, end="cap")
        assert self.resumes_at(lake) == day(1).start

    def test_behind_caps_only_as_far_as_both_reached(self, lake: Lake) -> None:
        crawl(lake, day(1), day(1))
        crawl(lake, day(2), day(2, hours=9), end="cap", at=NOW + timedelta(hours=1))
        late = Window(day(2).start + timedelta(hours=9), day(3, hours=5).end)
        crawl(lake, day(3), late, end="cap", at=NOW + timedelta(hours=2))
        crawl(lake, day(4), None, end="error", at=NOW + timedelta(hours=3))
        assert self.resumes_at(lake) == day(3, hours=5).end

    def test_a_start_of_its_own_counts_once_it_was_crawled(self, lake: Lake) -> None:
        crawl(lake, day(5), None, end="blocked")
        assert self.resumes_at(lake, day(2).start) == day(5).start  # nobody asked for so much
        crawl(lake, day(2), day(2), at=NOW + timedelta(hours=1))  # now somebody did
        assert self.resumes_at(lake, day(2).start) == day(2).end

    def test_nothing_before_its_own_start_is_gone_back_to(self, lake: Lake) -> None:
        crawl(lake, day(1), None, end="blocked")
        assert self.resumes_at(lake, day(4).start) == day(4).start


def test_the_first_crawl_that_missed_an_instant_is_known_by_its_end(lake: Lake) -> None:
    crawl(lake, day(1), day(1))
    crawl(lake, day(2), None, end="blocked")
    crawl(lake, Window(day(2).start, day(4).end), day(4), end="budget")
    history = lake.histories("ptt")["phone"]
    assert history.missed_end(day(2).start) == day(2).end
    assert history.missed_end(day(3).start) == day(4).end
    assert history.missed_end(day(5).start) is None


def test_validators_are_of_the_last_run_that_took_in_everything(lake: Lake) -> None:
    assert lake.last_validators("ptt", "phone") == (None, None)
    crawl(lake, day(1), day(1), etag='"a"', last_modified="Thu, 08 Oct 2026 13:05:11 GMT")
    crawl(lake, day(2), None, end="error", at=NOW + timedelta(days=1), etag='"b"')
    crawl(lake, day(3), day(3), end="reached_watermark", at=NOW + timedelta(days=2))
    assert lake.last_validators("ptt", "phone") == ('"a"', "Thu, 08 Oct 2026 13:05:11 GMT")
    crawl(lake, day(4), day(4), at=NOW + timedelta(days=3), etag='"c"')
    assert lake.last_validators("ptt", "phone") == ('"c"', None)


def test_as_of_sees_what_was_committed_then(lake: Lake) -> None:
    tell(lake, at=NOW)
    run = LogicalRun("ptt", "phone", "later", window=day(9))
    with lake.write(run, now=clock(NOW + timedelta(days=1))) as out:
        out.add("posts", post(1, body_text="改了"))
        out.finish("exhausted", covered=None)
    for as_of, rows in ((NOW - timedelta(microseconds=1), 0), (NOW, 10), (None, 11)):
        assert lake.read("posts", as_of=as_of).num_rows == rows
        assert lake.ledger(as_of).num_rows == {0: 0, 10: 2, 11: 3}[rows]
    taipei = NOW.astimezone(tz=None)
    assert len(lake.segments("posts", as_of=taipei)) == 2


def test_reading_takes_columns_and_source(lake: Lake) -> None:
    tell(lake)
    assert lake.read("posts", columns=["post_id"]).column_names == ["post_id"]
    assert lake.read("posts", source="ptt").num_rows == 10
    assert lake.read("posts", source="discuz").num_rows == 0
    assert lake.read("crawls", columns=["ordinal"]).to_pydict() == {"ordinal": [0, 1]}
    with pytest.raises(LakeError, match="no table 'people'; tables: posts"):
        lake.read("people")


def test_an_open_lake_sees_what_others_commit(lake: Lake) -> None:
    assert lake.ledger().num_rows == 0
    other = Lake.open(Path(lake.address))
    tell(other)
    assert lake.ledger().num_rows == 2
    (path, *_) = Path(lake.address).glob("crawls/source=ptt/*/*.parquet")
    path.unlink()
    assert lake.ledger().num_rows == 1


def test_a_summary_spares_opening_the_ledger_files(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake.ledger.MAX_LOOSE", 3)
    for number in range(1, 8):
        crawl(lake, day(number), day(number), at=NOW + timedelta(hours=number))
    root = Path(lake.address)
    (summary,) = (root / ".cache").rglob("*.parquet")
    opened: list[str] = []
    read = Ledger._read
    monkeypatch.setattr(Ledger, "_read", lambda self, new: opened.extend(new) or read(self, new))
    assert Lake.open(root).ledger().equals(lake.ledger())
    assert len(opened) < 7

    next(root.glob("crawls/source=ptt/*/*.parquet")).unlink()
    assert Lake.open(root).ledger().num_rows == 6, "a summary vouches for no file that is gone"
    expected = lake.ledger()
    for damage in (b"", b"PAR1 torn"):
        summary.write_bytes(damage)
        assert Lake.open(root).ledger().equals(expected)
    summary.unlink()
    assert Lake.open(root).ledger().equals(expected)


def test_every_text_comes_once(lake: Lake) -> None:
    bodies = ["一樣", "一樣", "不同", None]
    with lake.write(LogicalRun("ptt", "phone", "r1"), now=clock(), max_rows=2) as out:
        for number, body in enumerate(bodies):
            title = None if body is None else "標題"
            out.add("posts", post(number, title_text=title, body_text=body))
        out.add("posts", post(5, title_text="標題", body_text=None))
        out.finish("exhausted", covered=None)
    texts = {
        digest: text
        for batch in lake.texts()
        for digest, text in zip(*_columns(batch), strict=True)
    }
    assert sorted(texts.values()) == sorted(["標題\n一樣", "標題\n不同", "標題"])
    skip = [digest for digest, text in texts.items() if "不同" not in text]
    for skipped in (set(skip), pa.array(skip), pa.chunked_array([skip])):
        (batch,) = lake.texts(skipped)
        assert batch.column("text").to_pylist() == [joined("標題", "不同")]


def _columns(batch: pa.RecordBatch) -> list[list[str]]:
    return [batch.column("text_hash").to_pylist(), batch.column("text").to_pylist()]


def test_row_29_files_of_an_older_schema_read_with_nulls(lake: Lake) -> None:
    import pyarrow.parquet as pq

    tell(lake)
    for path in lake.segments("posts"):
        older = pq.ParquetFile(path).read().drop_columns(["continues_id", "tags", "counters"])
        pq.write_table(older, path)
    rows = lake.read("posts")
    assert rows.num_rows == 10
    assert rows["counters"].null_count == 10
