"""`tingchao import FORMAT FILE…` and `--inbox`: what is taken, what waits, what fails."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.scrapers.golden import FIXTURES
from tingchao.cli import cli
from tingchao.config import Import, load_config
from tingchao.context import Context
from tingchao.errors import EXIT_IDLE, ConfigurationError
from tingchao.steps.check_config import check_config
from tingchao.steps.import_files import import_files, import_named, is_asked_by_format
from tingchao.steps.inbox import SETTLE_SECONDS, import_inbox

NOW = datetime(2026, 10, 20, tzinfo=UTC)
CONFIG = """\
version: 1
data_dir: data
channels:
  - {id: tea, source: weibo, address: "1900000002"}
  - {id: searched, source: weibo, address: 春茶}
  - {id: page, source: facebook_page, address: "108800000000001"}
  - {id: cafe, source: instagram, address: "17841400000000001"}
  - {id: tube, source: youtube, address: UCexample000000000000000}
inbox: {path: inbox}
imports:
  - {id: fivetran, format: fivetran, path: "fivetran/*.csv"}
  - {id: orders, table: orders, source: shop, format: csv, path: inbox/orders.csv,
     columns: {order_id: id, ordered_at: t, status: s, amount: a}, constants: {currency: TWD}}
"""
TIMELINE = FIXTURES / "weibo_mobile" / "timeline.json"
SEARCH = FIXTURES / "weibo_search" / "早期.csv"


class Home:
    """A configuration with an inbox, and a clock far behind the writing of every file."""

    def __init__(self, folder: Path, config: str = CONFIG) -> None:
        self.folder = folder
        (folder / "inbox").mkdir()
        (folder / "tingchao.yml").write_text(config, encoding="utf-8")
        self.context = Context(load_config(folder / "tingchao.yml"), lambda: NOW)
        self.runs = 0

    def put(self, fixture: Path, name: str, age: float = 3600) -> Path:
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(fixture, target)
        os.utime(target, (1_790_000_000 - age, 1_790_000_000 - age))
        return target

    def write(self, name: str, text: str, age: float = 3600) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        os.utime(path, (1_790_000_000 - age, 1_790_000_000 - age))
        return path

    def look(self, *, is_strict: bool = False) -> Any:
        self.runs += 1
        return import_inbox(
            self.context,
            run_id=f"look-{self.runs}",
            is_strict=is_strict,
            wall=lambda: 1_790_000_000.0,
        )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("TINGCHAO_PSEUDONYM_KEY", "ab" * 32)
    return Home(tmp_path)


def test_files_of_a_format_or_of_any(home: Home) -> None:
    summary = import_named(home.context, "auto", [TIMELINE, SEARCH], channel="searched")
    assert (summary.landed, summary.exit_code) == (3, 0)
    told = str(summary)
    assert "timeline.json (weibo_mobile, utf-8)" in told
    assert "unknown keys, with the records that have them: 'brand_new_key' (1)" in told
    again = import_named(home.context, "weibo_mobile", [TIMELINE], channel="searched")
    assert "imported before" in str(again)
    channels = {p["channel_id"] for p in home.context.lake.read("posts").to_pylist()}
    assert channels == {"tea", "searched"}


def test_a_channel_of_another_source_is_refused(home: Home) -> None:
    with pytest.raises(ConfigurationError, match="expected a channel of dcard, found one of weibo"):
        import_named(home.context, "dcard", [FIXTURES / "dcard" / "thread.json"], channel="tea")
    assert not home.context.lake.read("posts").num_rows


def test_what_the_formats_said_is_told_of_one_file_only(home: Home) -> None:
    files = [home.write(f"inbox/{name}.csv", "day,notes\n1,a\n") for name in "ab"]
    told = str(import_named(home.context, "auto", files))
    assert told.count("Considered:") == 1
    assert told.count("With a column map under `imports` any file can be read") == 2
    assert "Considered:" not in str(home.look())


def test_the_first_refusal_is_told_without_people(home: Home) -> None:
    text = home.write("x.csv", "id,who,when\n1,a,soon me@example.com\n2,b,later\n")
    spec = Import.model_validate(
        {
            "id": "notes",
            "table": "posts",
            "source": "weibo",
            "format": "csv",
            "path": str(text),
            "columns": {"post_id": "id", "author": "who", "published_at": "when"},
            "constants": {"channel_id": "tea", "kind": "post"},
        }
    )
    config = home.context.config.model_copy(update={"imports": (spec,)})
    told = str(import_files(Context(config, home.context.now), ["notes"]))
    assert "refused: line 2: published_at: expected a time such as" in told
    assert "and 1 more, all in landing/quarantine" in told
    assert "example.com" not in told


def test_a_file_of_another_format_fails_alone_and_says_why(home: Home) -> None:
    summary = import_named(home.context, "dcard", [TIMELINE, FIXTURES / "dcard" / "thread.json"])
    assert summary.exit_code == 1
    assert "timeline.json: expected dcard, found json" in str(summary)
    assert "dcard drink (3)" in str(summary)  # read, and its channel is not configured


def test_metrics_that_stand_before_their_posts_have_a_second_turn(home: Home) -> None:
    shutil.copytree(
        FIXTURES / "fivetran", home.folder / "fivetran", ignore=shutil.ignore_patterns("*.json")
    )
    summary = import_files(home.context, ["fivetran"], run_id="r")
    assert summary.failed == []
    posts = home.context.lake.read("posts").to_pylist()
    assert {p["source"] for p in posts} == {"facebook_page", "instagram", "youtube"}
    assert any(c["name"] == "post_clicks" for p in posts for c in p["counters"])
    assert import_files(home.context, ["fivetran"], run_id="s").landed == 0


@pytest.mark.parametrize(
    ("words", "is_format"),
    [
        (["dcard", "a.json"], True),
        (["auto", "a.json"], True),
        (["csv", "a.csv"], True),
        (["fivetran"], False),
        (["fivetran", "orders"], False),
        (["fivetran", "a.csv"], True),
        ([], False),
    ],
)
def test_a_format_and_an_import_of_its_name_are_told_apart(
    words: list[str], is_format: bool, home: Home
) -> None:
    assert is_asked_by_format(words, home.context.config) is is_format


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"format_name": "csv"}, "needs a column map"),
        ({"format_name": "dcard", "channel": "nowhere"}, "no channel 'nowhere'"),
        ({"format_name": "dcard", "source": "No Name"}, "--source: expected"),
    ],
)
def test_nonsense_is_refused(asked: dict[str, str], said: str, home: Home) -> None:
    with pytest.raises(ConfigurationError, match=said):
        import_named(home.context, paths=[TIMELINE], **asked)


def test_the_command(home: Home) -> None:
    words = ["--config", str(home.folder / "tingchao.yml"), "-q", "import"]
    done = CliRunner().invoke(cli, [*words, "weibo_mobile", str(TIMELINE)])
    assert (done.exit_code, "2 landed" in done.output) == (0, True)
    gone = CliRunner().invoke(cli, [*words, "auto", "nowhere.json"])
    assert gone.exit_code == 1
    assert "nowhere.json: cannot be read (No such file or directory)" in gone.output


class TestInbox:
    def test_files_are_landed_and_left_where_they_are(self, home: Home) -> None:
        path = home.put(TIMELINE, "inbox/deep/er/timeline.json")
        assert home.look().landed == 2
        assert path.exists()
        second = home.look()
        assert (second.landed, second.known, second.exit_code) == (0, 1, 0)
        assert str(second).endswith("0 failed, 1 known")
        idle = import_inbox(home.context, run_id="idle", tells_idle=True, wall=lambda: 1.79e9)
        assert idle.exit_code == EXIT_IDLE
        assert len({row["crawl_id"] for row in home.context.lake.ledger().to_pylist()}) == 1

    def test_a_folder_named_like_a_channel_of_another_source_says_nothing(self, home: Home) -> None:
        home.put(SEARCH, "inbox/tube/one.csv")
        summary = home.look()
        assert (summary.landed, summary.exit_code) == (0, 0)
        assert "not configured" in summary.waiting[0]

    def test_a_folder_named_like_a_channel_says_whose_it_is(self, home: Home) -> None:
        home.put(SEARCH, "inbox/searched/one.csv")
        home.put(SEARCH, "inbox/elsewhere/two.csv")
        summary = home.look()
        assert summary.landed == 1
        assert summary.waiting == [one for one in summary.waiting if "elsewhere/two.csv" in one]
        assert "not said in the file" in str(summary)
        assert "elsewhere/two.csv: left out, channels not configured" in home.look().waiting[0]

    @pytest.mark.parametrize(
        ("name", "age", "said"),
        [
            ("a.json.part", 3600, "not complete"),
            ("a.tmp", 3600, "not complete"),
            ("a.json", SETTLE_SECONDS - 1, "written to 59 seconds ago"),
        ],
    )
    def test_what_is_not_complete_waits(self, name: str, age: float, said: str, home: Home) -> None:
        home.put(TIMELINE, f"inbox/{name}", age)
        summary = home.look()
        assert (summary.files, summary.exit_code) == ([], 0)
        assert said in summary.waiting[0]

    def test_hidden_files_and_those_of_an_import_are_nobody_s_business(self, home: Home) -> None:
        home.put(TIMELINE, "inbox/.hidden.json")
        home.put(TIMELINE, "inbox/.sync/a.json")
        home.write("inbox/orders.csv", "id,t,s,a\n")
        summary = home.look(is_strict=True)
        assert (summary.files, summary.waiting, summary.exit_code) == ([], [], 0)

    def test_what_nobody_knows_keeps_nothing_from_landing(self, home: Home) -> None:
        home.write("inbox/a_notes.txt", "to do: buy tea\n")
        home.write("inbox/b.csv", "colour,size\nred,1\n")
        home.put(TIMELINE, "inbox/c.json")
        summary = home.look()
        assert (summary.landed, summary.exit_code, len(summary.waiting)) == (2, 0, 2)
        assert "b.csv: no named format knows this file" in str(summary)
        assert home.look(is_strict=True).exit_code == 1

    def test_a_recognised_file_that_breaks_off_fails(self, home: Home) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = home.folder / "inbox" / "a.parquet"
        columns = {"note_id": ["1"] * 50_000, "content": ["x"] * 50_000}
        marks = ("create_date_time", "comments_count", "shared_count", "creator_hash")
        pq.write_table(pa.table({**columns, **{m: ["2"] * 50_000 for m in marks}}), path)
        raw = bytearray(path.read_bytes())
        raw[100:400] = b"\xff" * 300
        path.write_bytes(raw)
        os.utime(path, (1_780_000_000, 1_780_000_000))
        summary = home.look()
        assert summary.exit_code == 1
        assert "cannot be read to its end" in str(summary)

    def test_objects_are_looked_at_where_they_lie(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TINGCHAO_PSEUDONYM_KEY", "ab" * 32)
        bucket = tmp_path / "bucket"
        text = CONFIG.replace("path: inbox}", f"path: 'file://{bucket}'}}")
        home = Home(tmp_path, text)
        home.put(TIMELINE, "bucket/sub/a.json")
        assert home.look().landed == 2
        (bucket / "sub" / "a.json").unlink()
        assert home.look().files == []

    def test_without_an_inbox_it_says_what_to_write(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TINGCHAO_PSEUDONYM_KEY", "ab" * 32)
        home = Home(tmp_path, CONFIG.replace("inbox: {path: inbox}\n", ""))
        with pytest.raises(ConfigurationError, match="no `inbox`"):
            home.look()


class TestConfiguration:
    @pytest.fixture
    def load(self, tmp_path: Path) -> Callable[[str], Any]:
        def load_one(entry: str) -> Any:
            path = tmp_path / "c.yml"
            path.write_text(f"version: 1\nchannels: []\nimports:\n  - {entry}\n", encoding="utf-8")
            return load_config(path)

        return load_one

    @pytest.mark.parametrize(
        ("entry", "said"),
        [
            ("{id: a, format: nope, path: x}", "expected one of csv, jsonl"),
            ("{id: a, format: csv, path: x}", "format csv needs table, source, columns"),
            ("{id: a, format: dcard, path: x, columns: {a: b}}", "dcard knows its columns"),
        ],
    )
    def test_mistakes(self, entry: str, said: str, load: Any) -> None:
        with pytest.raises(ConfigurationError, match=said):
            load(entry)

    def test_sources_are_those_of_the_format_unless_one_is_given(self, load: Any) -> None:
        assert load("{id: a, format: dcard, path: x}").imports[0].sources == ("dcard",)
        given = load("{id: a, format: meta_content, path: x, source: fanpage}")
        assert given.imports[0].sources == ("fanpage",)
        assert "xiaohongshu" in load("{id: a, format: auto, path: x}").imports[0].sources

    def test_check_config_knows_named_formats_and_the_inbox(self, home: Home) -> None:
        assert "imports    fivetran, orders" in str(check_config(home.context))


def test_a_run_writes_json_that_is_no_format(home: Home) -> None:
    home.write("inbox/x.json", json.dumps({"hello": "world"}))
    assert "keys hello" in home.look().waiting[0]


def test_the_inbox_takes_no_names_beside_it(home: Home) -> None:
    config = str(home.folder / "tingchao.yml")
    for rest in (["fivetran"], ["--channel", "tea"]):
        result = CliRunner().invoke(cli, ["--config", config, "import", "--inbox", *rest])
        assert result.exit_code == 2
        assert "expected no IMPORT" in result.output
