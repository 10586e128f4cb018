import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.fs as pafs
import pytest

from lake import Lake, LakeError
from lake.errors import SegmentTakenError
from lake.store import RemoteStore, encode, open_store
from tests.lake.story import RUN, clock, post, tell


def memory() -> pafs.FileSystem:
    return pafs.PyFileSystem(
        pafs.FSSpecHandler(fsspec.filesystem("memory", skip_instance_cache=True))
    )


def mock() -> pafs.FileSystem:
    return pafs._MockFileSystem(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture(params=[memory, mock])
def remote(request: pytest.FixtureRequest) -> pafs.FileSystem:
    filesystem = request.param()
    filesystem.create_dir("bucket")
    yield filesystem
    filesystem.delete_dir("bucket")


def test_a_lake_lives_in_any_pyarrow_file_system(remote: pafs.FileSystem) -> None:
    lake = Lake.open("bucket/landing", filesystem=remote)
    assert not lake.is_local
    tell(lake)
    tell(Lake.open("bucket/landing", filesystem=remote), attempt=1)
    assert lake.read("posts").num_rows == 10
    assert lake.ledger().num_rows == 2
    assert all(
        path.startswith("bucket/landing/posts/source=ptt/") for path in lake.segments("posts")
    )


def test_an_interrupted_remote_run_is_continued(remote: pafs.FileSystem) -> None:
    lake = Lake.open("bucket/landing", filesystem=remote)
    with lake.write(RUN, now=clock(), max_rows=4) as out:
        for number in range(6):
            out.add("posts", post(number))
    tell(lake, attempt=1)
    assert sorted(lake.read("posts")["post_id"].to_pylist()) == [f"M.{n}" for n in range(10)]


def test_a_remote_segment_is_committed_once(remote: pafs.FileSystem) -> None:
    store = RemoteStore(remote, "bucket/landing/")
    data = encode(pa.table({"n": [1]}))
    ledger = "crawls/source=ptt/collected_date=2026-10-08/abc.parquet"
    store.commit({"posts/source=ptt/collected_date=2026-10-08/abc.parquet": data}, (ledger, data))
    with pytest.raises(SegmentTakenError, match="committed already"):
        store.commit({"x": data}, (ledger.replace("10-08", "10-09"), data))
    assert not store.exists("x")


def test_a_mirror_copies_what_is_committed_and_only_what_is_new(
    remote: pafs.FileSystem, tmp_path: Path
) -> None:
    lake = Lake.open("bucket/landing", filesystem=remote)
    tell(lake)
    stray = f"bucket/landing/posts/source=ptt/collected_date=2026-10-09/{'0' * 32}.parquet"
    with remote.open_output_stream(stray) as out:
        out.write(b"torn")
    folder = lake.mirror(tmp_path / "mirror")
    before = {path: path.stat().st_ino for path in folder.rglob("*.parquet")}
    assert len(list(folder.glob("posts/source=ptt/*/*.parquet"))) == len(lake.segments("posts"))
    copy = Lake.open(folder)
    assert copy.read("posts").equals(lake.read("posts"))
    assert copy.ledger().equals(lake.ledger())
    assert lake.mirror(tmp_path / "mirror") == folder
    assert {path: path.stat().st_ino for path in folder.rglob("*.parquet")} == before


def test_a_local_lake_is_its_own_mirror(lake: Lake, tmp_path: Path) -> None:
    assert lake.mirror(tmp_path / "mirror") == Path(lake.address)
    assert not (tmp_path / "mirror").exists()


def test_a_file_uri_is_a_local_lake(tmp_path: Path) -> None:
    lake = Lake.open((tmp_path / "陸 地").as_uri())
    assert lake.is_local
    tell(lake)
    assert Lake.open(tmp_path / "陸 地").read("posts").num_rows == 10


def test_a_relative_path_is_a_local_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lake = Lake.open("data/landing")
    monkeypatch.chdir("/")
    tell(lake)
    assert Lake.open(tmp_path / "data" / "landing").read("posts").num_rows == 10


def test_an_address_that_nothing_can_open_is_explained() -> None:
    with pytest.raises(LakeError, match=r"s3://bucket/landing"):
        open_store("nonsense://x/y")


def test_the_lock_keeps_a_second_writer_waiting_and_not_failing(tmp_path: Path) -> None:
    script = (
        "import sys; from lake import Lake; from tests.lake.story import tell;"
        "tell(Lake.open(sys.argv[1]), max_rows=1)"
    )
    argv = [sys.executable, "-c", script, str(tmp_path)]
    both = [subprocess.Popen(argv, stderr=subprocess.PIPE) for _ in range(2)]
    assert [process.communicate()[1] for process in both] == [b"", b""]
    assert sorted(Lake.open(tmp_path).read("posts")["post_id"].to_pylist()) == [
        f"M.{n}" for n in range(10)
    ]
