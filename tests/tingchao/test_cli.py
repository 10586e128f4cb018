"""Every command helps, refuses nonsense with a reason, and stands in the documentation."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from lake.pseudonyms import KEY_FILE_VARIABLE, KEY_VARIABLE
from tingchao import cli as door
from tingchao.cli import ENGINES, cli
from tingchao.config import Engine
from tingchao.errors import TingchaoError

REPOSITORY = Path(__file__).parents[2]
STEPS = {"crawl", "import", "enrich", "build", "gate", "publish", "run", "status", "text"}


def commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


ALL = dict(commands(cli))


def test_the_steps_are_commands() -> None:
    assert STEPS | {"check-config"} <= set(cli.commands)


@pytest.mark.parametrize("name", ALL)
def test_every_command_prints_help(name: str) -> None:
    result = CliRunner().invoke(cli, [*name.split(), "--help"])
    assert result.exit_code == 0
    assert ALL[name].help


@pytest.mark.parametrize("name", ALL)
def test_every_command_stands_in_the_documentation(name: str) -> None:
    page = (REPOSITORY / "docs" / "commands.md").read_text(encoding="utf-8")
    assert f"`tingchao {name}" in page


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["crowl"], "No such command 'crowl'"),
        (["crawl"], "Missing argument 'SOURCE'"),
        (["crawl", "ptt", "--since", "yesterday"], "expected an instant such as"),
        (["crawl", "ptt", "--since", "2026-10-01T00:00:00"], "expected an offset"),
        (["crawl", "ptt", "--since", "2026-10-01"], "as in 2026-10-01T00:00:00+08:00 or"),
        (["build", "--as-of", "2026-13-01T00:00:00Z"], "expected an instant such as"),
        (["text", "no-such-file"], "No such file or directory"),
    ],
)
def test_nonsense_is_refused_with_a_reason(argv: list[str], expected: str) -> None:
    result = CliRunner().invoke(cli, argv)
    assert result.exit_code == 2
    assert expected in result.output


def test_a_missing_configuration_is_told_without_a_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tingchao.cli", "status", "--config", str(tmp_path / "no.yml")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "cannot read the configuration" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("argv", [["--config", "C", "status"], ["status", "--config", "C"]])
def test_options_before_and_after_the_command_mean_the_same(
    argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def remember(path: Path, **_: object) -> None:
        seen.append(path)
        raise TingchaoError("enough")

    monkeypatch.setattr("tingchao.context.open_context", remember)
    CliRunner().invoke(cli, argv)
    assert seen == [Path("C")]


def test_a_build_keeps_its_log_with_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, object] = {}

    def remember(_context: object, **options: object) -> None:
        asked.update(options)
        raise TingchaoError("enough")

    config = tmp_path / "tingchao.yml"
    config.write_text("version: 1\nchannels: []\n", encoding="utf-8")
    monkeypatch.setattr("tingchao.steps.build.build", remember)
    command = ["--config", str(config), "build", "--run", "nightly", "--engine", "spark"]
    CliRunner().invoke(cli, command)
    assert asked == {"as_of": None, "full_refresh": False, "engine": "spark", "run_id": "nightly"}


def test_a_build_knows_the_engines_of_the_configuration() -> None:
    assert list(ENGINES) == [engine.value for engine in Engine]


def test_airflow_on_a_fresh_checkout_shows_the_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Path] = []
    monkeypatch.setattr("tingchao.airflow.serve", lambda config, **_: served.append(config.path))
    monkeypatch.delenv("TINGCHAO_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    example = tmp_path / "config" / "example.yml"
    shutil.copyfile(REPOSITORY / "config" / "example.yml", example)
    first = CliRunner().invoke(cli, ["airflow"])
    assert "no config/tingchao.yml yet: showing config/example.yml" in first.output
    mine = shutil.copyfile(example, example.with_name("tingchao.yml"))
    assert "showing" not in CliRunner().invoke(cli, ["airflow"]).output
    assert served == [example, mine]


def test_the_key_file_of_a_child_is_named_from_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(KEY_FILE_VARIABLE, "pseudonym.key")
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    CliRunner().invoke(cli, ["text", "no-such-file"])
    assert os.environ[KEY_FILE_VARIABLE] == str(tmp_path / "pseudonym.key")
    assert door.KEY_FILE_VARIABLE == KEY_FILE_VARIABLE


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "room on the disk, found: No space"),
        (OSError(errno.EROFS, "Read-only file system", "/data/x"), "tingchao: /data/x: expected a"),
        (OSError(errno.EFBIG, "File too large"), "ulimit -f"),
        (OSError(errno.EIO, "Input/output error"), "found: Input/output error"),
        (OSError("it is gone"), "found: it is gone"),
    ],
)
def test_what_the_system_refuses_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: OSError,
    expected: str,
) -> None:
    assert ended_by(error, monkeypatch) == 1
    told = capsys.readouterr().err
    assert expected in told
    assert "run it again" in told
    assert "Traceback" not in told


def test_a_fault_of_ours_is_kept_privately_and_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("scrapers.access.secrets._hidden", {"s3cret-of-ours"})
    for _ in range(2):
        assert ended_by(LookupError("found s3cret-of-ours"), monkeypatch) == 1
    first, told = capsys.readouterr().err.splitlines(keepends=True)
    assert told == first, "the same fault has the same file"
    (kept,) = tmp_path.iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    assert len(told.splitlines()) == 1
    assert "LookupError" in told
    assert str(kept) in told
    assert "Traceback" in kept.read_text(encoding="utf-8")
    assert "s3cret" not in told + kept.read_text(encoding="utf-8")


def ended_by(error: Exception, monkeypatch: pytest.MonkeyPatch) -> object:
    """Exit code of a command that ends with an error."""

    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(door.cli, "main", fail)
    with pytest.raises(SystemExit) as ended:
        door.main()
    return ended.value.code


def test_an_error_ends_with_its_own_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class OddError(TingchaoError):
        exit_code = 42

    def fail(**_: object) -> None:
        raise OddError("what, where, found, expected, next")

    monkeypatch.setattr(door.cli, "main", fail)
    with pytest.raises(SystemExit) as ended:
        door.main()
    assert ended.value.code == 42
    assert capsys.readouterr().err == "tingchao: what, where, found, expected, next\n"


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; import tingchao.cli; "
        "heavy = {'airflow', 'dbt', 'duckdb', 'great_expectations', 'jieba', 'pandas', 'pyarrow', "
        "'pydantic', 'scrapy'}; print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("step", ["enrich", "build"])
@pytest.mark.parametrize(
    ("words", "asked"), [([], None), *((["--engine", name], name) for name in door.ENGINES)]
)
def test_a_step_computes_on_the_engine_that_is_asked_for(
    step: str,
    words: list[str],
    asked: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []

    def remember(_context: object, *, engine: str | None, **_: object) -> None:
        found.append(engine)
        raise TingchaoError("enough")

    config = tmp_path / "tingchao.yml"
    config.write_text("version: 1\nchannels: []\n", encoding="utf-8")
    monkeypatch.setattr(f"tingchao.steps.{step}.{step}", remember)
    CliRunner().invoke(cli, ["--config", str(config), step, *words])
    assert found == [asked]
