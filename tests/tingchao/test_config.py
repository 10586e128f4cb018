"""A configuration error names file, line, field, what was found and what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from tingchao.config import MAX_BYTES, load_config
from tingchao.errors import ConfigurationError

REPOSITORY = Path(__file__).parents[2]

GOOD = """\
version: 1
brands:
  - id: mido
    name: 蜜朵
    is_own: true
    aliases: [蜜朵, {text: MIDO, deny: [MIDOR]}]
channels:
  - id: ptt-tea
    source: ptt
    address: Tea
    brand: mido
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "tingchao.yml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_good_file_is_read_with_defaults(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD))
    assert config.reporting.time_zone == "Asia/Taipei"
    assert [alias.text for alias in config.brands[0].aliases] == ["蜜朵", "MIDO"]
    assert config.data == tmp_path / "data"
    assert config.landing_uri == str(tmp_path / "data" / "landing")


def test_relative_paths_start_at_the_file_not_at_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load_config(write(tmp_path, GOOD + "data_dir: elsewhere\n"))
    monkeypatch.chdir("/")
    assert config.data == tmp_path / "elsewhere"


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        ("source: ptt", "source: PTT", 9, "channels.0.source: String should match pattern"),
        (
            "address: Tea",
            "adress: Tea",
            10,
            "channels.0.adress: there is no such field; did you mean address?",
        ),
        ("version: 1", "version: 2", 1, "version: Input should be 1; found 2"),
        ("brand: mido", "brand: mida", 11, "channels.ptt-tea.brand: expected one of ['mido']"),
        ("is_own: true", "is_own: perhaps", 5, "brands.0.is_own: Input should be a valid boolean"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_field(
    tmp_path: Path, old: str, new: str, line: int, expected: str
) -> None:
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ConfigurationError) as caught:
        load_config(path)
    assert f"{path}:{line}: " in str(caught.value)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("added", "line", "expected"),
    [
        ("data_dir: a\ndata_dir: b\n", 13, "expected 'data_dir' once, found it in line 12 already"),
        ("start_date: 2026-13-01\n", 12, "expected a day such as 2026-10-01, found '2026-13-01'"),
        ("schedule: every hour\n", 12, "schedule: expected a cron expression such as '0 5 * * *'"),
        ("sources: {ptt: {schedule: 61 * * * *}}\n", 12, "found '61 * * * *'"),
        ("sources: {ptt: {download_dely: 2}}\n", 12, "did you mean download_delay?"),
        ("inbx: {}\n", 12, "inbx: there is no such field; did you mean inbox?"),
        ("publish: {zzz: 1}\n", 12, "zzz: there is no such field; expected one of keep_versions"),
        ("data_dir: 7\n", 12, "data_dir: expected text, found 7; write it in quotes"),
    ],
)
def test_what_is_added_wrongly_is_named_with_its_line(
    tmp_path: Path, added: str, line: int, expected: str
) -> None:
    path = write(tmp_path, GOOD + added)
    with pytest.raises(ConfigurationError) as caught:
        load_config(path)
    assert f"{path}:{line}: " in str(caught.value)
    assert expected in str(caught.value)


def test_a_secret_that_somebody_wrote_there_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_config(write(tmp_path, GOOD + "token: EAAB-secret\n"))
    assert "token: there is no such field" in str(caught.value)
    assert "EAAB" not in str(caught.value)


def test_what_is_found_is_said_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_config(write(tmp_path, GOOD + "reporting: {time_zone: Taipei}\n"))
    assert str(caught.value).count("found 'Taipei'") == 1


@pytest.mark.parametrize("schedule", ["@daily", "0 5 * * MON", "*/15 8-20 * * 1-5", "0 5 L * *"])
def test_every_schedule_that_the_scheduler_reads_is_allowed(tmp_path: Path, schedule: str) -> None:
    assert load_config(write(tmp_path, GOOD + f'schedule: "{schedule}"\n')).schedule == schedule


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_config(write(tmp_path, GOOD.replace("address: Tea", "since: soon")))
    assert len(str(caught.value).splitlines()) == 2


def test_an_unknown_time_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="IANA time zone such as Asia/Taipei"):
        load_config(write(tmp_path, GOOD + "reporting: {time_zone: Taipei}\n"))


def test_a_repeated_id_is_refused(tmp_path: Path) -> None:
    twice = GOOD + "  - {id: ptt-tea, source: ptt, address: Cafe}\n"
    with pytest.raises(ConfigurationError, match=r"channels: expected every id once.*ptt-tea"):
        load_config(write(tmp_path, twice))


def test_51_aliases_tags_and_bulk_are_refused(tmp_path: Path) -> None:
    bomb = "a: &a [x, x]\nb: [*a, *a]\n"
    with pytest.raises(ConfigurationError, match="anchors and aliases are not allowed"):
        load_config(write(tmp_path, bomb))
    with pytest.raises(ConfigurationError, match="not valid YAML"):
        load_config(write(tmp_path, "version: !!python/object/apply:os.system ['true']\n"))
    with pytest.raises(ConfigurationError, match="expected at most"):
        load_config(write(tmp_path, "#" * (MAX_BYTES + 1)))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "expected a mapping at the top"),
        ("- 1\n", "expected a mapping at the top"),
        (b"\xff\xfe\x00", "expected UTF-8"),
        ("version: [1\n", "not valid YAML"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(
    tmp_path: Path, content: str | bytes, expected: str
) -> None:
    with pytest.raises(ConfigurationError, match=expected):
        load_config(write(tmp_path, content))


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"config/example\.yml is one to start from"):
        load_config(tmp_path / "none.yml")


@pytest.mark.parametrize("name", ["example.yml", "demo.yml"])
def test_the_configurations_that_ship_are_valid(name: str) -> None:
    assert load_config(REPOSITORY / "config" / name).channels


def test_products_have_plain_or_careful_aliases_and_each_id_once(tmp_path: Path) -> None:
    products = """\
    products:
      - {id: cup, name: 杯子, aliases: [小杯, {text: 大杯, blockers: [最大杯]}]}
      - {id: lid, name: 蓋子}
"""
    said = GOOD.replace("channels:\n", f"{products}channels:\n")
    (brand,) = load_config(write(tmp_path, said)).brands
    cup, lid = brand.products
    assert [alias.text for alias in cup.aliases] == ["小杯", "大杯"]
    assert cup.aliases[1].blockers == ("最大杯",)
    assert lid.aliases == ()
    with pytest.raises(ConfigurationError, match="expected every id once, found 'cup'"):
        load_config(write(tmp_path, said.replace("id: lid", "id: cup")))
