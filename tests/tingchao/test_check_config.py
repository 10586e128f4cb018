"""`tingchao check-config` names every mistake with its line, and what is still to be typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tingchao.config import load_config
from tingchao.context import Context
from tingchao.errors import ConfigurationError
from tingchao.steps.check_config import check_config

REPOSITORY = Path(__file__).parents[2]

GOOD = """\
version: 1
brands:
  - id: mido
    name: 蜜朵
    competitors: []
channels:
  - id: tea
    source: ptt
    address: Tea
    brand: mido
  - id: page
    source: fanpage
    address: mido
  - id: blog
    source: feed
    address: https://blog.example.com/feed/
sources:
  feed:
    allow_hosts: []
imports:
  - id: audience
    table: channels
    source: fanpage
    format: csv
    path: audience.csv
    columns:
      channel_id: channel
      observed_at: date
      fan_count: fans
  - id: orders
    table: orders
    source: shop
    format: csv
    path: orders*.csv
    columns:
      order_id: Name
      ordered_at: Created at
      status: Status
      amount: Total
    constants:
      brand_id: mido
      currency: TWD
attribution:
  rules:
    - channel: tea
      utm_source: ptt
"""


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINGCHAO_PSEUDONYM_KEY", "ab" * 32)
    monkeypatch.delenv("TINGCHAO_PSEUDONYM_KEY_FILE", raising=False)
    monkeypatch.setenv("TINGCHAO_CONTACT", "mailto:ops@example.com")


def check(folder: Path, text: str) -> str:
    path = folder / "tingchao.yml"
    path.write_text(text, encoding="utf-8")
    return str(check_config(Context(load_config(path))))


def test_a_good_configuration_is_valid_and_lacks_only_files(tmp_path: Path) -> None:
    (tmp_path / "audience.csv").write_text("channel,date,fans\n")
    (tmp_path / "orders-1.csv").write_text("Name,Created at,Status,Total\n")
    said = check(tmp_path, GOOD)
    assert said.startswith(f"{tmp_path / 'tingchao.yml'}: valid")
    assert "warning" not in said


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        ("    brand: mido", "    brand: mida", 10, "channels.tea.brand: expected one of ['mido']"),
        ("[]\nchannels", "[miso]\nchannels", 5, "brands.mido.competitors: expected one of"),
        ("- channel: tea", "- channel: ted", 45, "attribution.rules.0.channel: expected one of"),
        ("brand_id: mido", "brand_id: mida", 41, "imports.orders.constants.brand_id: expected"),
        ("id: page", "id: tea", 11, "channels: expected every id once, found 'tea' more"),
        ("ptt\n    address: Tea", "ptx\n    address: Tea", 8, "channels.tea.source: source 'ptx'"),
        ("address: Tea", "address: ../Tea", 9, "channels.tea.address: expected ^[0-9a-zA-Z]"),
        ("  feed:\n", "  fed:\n", 18, "sources.fed: expected one of ['bluesky', "),
        ("blog.example.com", "127.0.0.1:8000", 16, "write sources.feed.allow_hosts: ['127.0.0.1"),
        ("blog.example.com", "localhost", 16, "expected a public address, found localhost:443"),
        ("blog.example.com", "192.168.0.9", 16, "expected a public address, found 192.168.0.9"),
        ("fan_count: fans", "fans: fans", 29, "imports.audience.columns.fans: channels has no"),
        ("      amount: Total\n", "", 35, "imports.orders.columns: orders needs amount"),
        ("amount: Total", "amount: Sum", 39, "imports.orders.columns.amount: expected a column of"),
        ("version: 1", "version: 1\ndata_dir: ftp://x", 2, "data_dir: expected a folder of this"),
        ("version: 1", "version: 1\ndata_dir: a?b", 2, "without `?` in its path"),
        ("    constants:", "    handles: {shop: x}\n    constants:", 40, "orders has no handles"),
    ],
)
def test_a_mistake_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, expected: str
) -> None:
    (tmp_path / "orders-1.csv").write_text("Name,Created at,Status,Total\n")
    assert GOOD.count(old) >= 1
    with pytest.raises(ConfigurationError) as caught:
        check(tmp_path, GOOD.replace(old, new, 1))
    (told,) = str(caught.value).splitlines()
    assert told.startswith(f"{tmp_path / 'tingchao.yml'}:{line}: "), told
    assert expected in told


def test_a_server_that_is_named_may_be_inside(tmp_path: Path) -> None:
    named = GOOD.replace("allow_hosts: []", "allow_hosts: ['127.0.0.1:8000']")
    assert "valid" in check(
        tmp_path, named.replace("https://blog.example.com", "http://127.0.0.1:8000")
    )


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    wrong = GOOD.replace("address: Tea", "address: ../Tea").replace("fan_count: fans", "fans: fans")
    with pytest.raises(ConfigurationError) as caught:
        check(tmp_path, wrong)
    assert len(str(caught.value).splitlines()) == 2


def test_what_is_not_there_yet_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TINGCHAO_PSEUDONYM_KEY")
    monkeypatch.delenv("TINGCHAO_CONTACT")
    (tmp_path / "audience.csv").write_text("channel,date\n")
    lines = check(tmp_path, GOOD).splitlines()
    warnings = [line for line in lines if line.startswith("warning: ")]
    told = "\n".join(warnings)
    assert "openssl rand -hex 32 > pseudonym.key" in told
    assert "echo 'TINGCHAO_CONTACT=mailto:you@example.com' >> .env" in told
    assert ":34: imports.orders.path: no file matches 'orders*.csv'" in told
    assert ":29: imports.audience.columns.fan_count: audience.csv has no 'fans': NULL" in told
    assert len(warnings) == 4


def test_a_place_where_nothing_can_be_kept_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    said = check(tmp_path, GOOD.replace("version: 1", "version: 1\ndata_dir: taken/data"))
    assert "warning: nothing can be kept yet: data_dir: expected a folder" in said
    assert str(tmp_path / "taken") in said


def test_a_token_that_is_missing_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TINGCHAO_YOUTUBE_KEY", raising=False)
    (tmp_path / "audience.csv").write_text("channel,date,fans\n")
    channel = "  - {id: tube, source: youtube, address: UCdemoBrand00000000001Aa}\n"
    text = GOOD.replace("  - id: page\n", f"{channel}  - id: page\n")
    told = check(tmp_path, text)
    assert "cannot be crawled yet: channels.tube: expected a secret in TINGCHAO_YOUTUBE_KEY" in told
    assert "echo 'TINGCHAO_YOUTUBE_KEY=…' >> .env" in told
    monkeypatch.setenv("TINGCHAO_YOUTUBE_KEY", "an-invented-key")
    assert "TINGCHAO_YOUTUBE_KEY" not in check(tmp_path, text)


@pytest.mark.parametrize("name", ["example.yml", "demo.yml"])
def test_the_configurations_that_ship_have_no_mistake(name: str) -> None:
    assert "valid" in str(check_config(Context(load_config(REPOSITORY / "config" / name))))
