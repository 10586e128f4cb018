"""The command line: every step of the pipeline is one command that a person can type.

Steps are imported inside their commands, so that `--help` answers at once. A command exits 0 when
it did its work, 1 when it failed, 2 when it was asked for nonsense, 3 when a gate refused, and 75
when the same step already runs elsewhere.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from dotenv import load_dotenv

from tingchao import __version__
from tingchao.errors import EXIT_FAILED, EXIT_USAGE, ConfigurationError, TingchaoError
from tingchao.fence import obey_parent
from tingchao.instants import parse_instant

if TYPE_CHECKING:
    from tingchao.context import Context

KEY_FILE_VARIABLE = "TINGCHAO_PSEUDONYM_KEY_FILE"  # lake.pseudonyms; a test holds them together
DEFAULT_CONFIG = Path("config/tingchao.yml")
EXAMPLE_CONFIG = Path("config/example.yml")

_F = TypeVar("_F", bound=Callable[..., Any])


class Instant(click.ParamType):
    """An ISO 8601 instant with an offset."""

    name = "instant"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return parse_instant(str(value)).astimezone(UTC)
        except ConfigurationError as error:
            self.fail(str(error), param, ctx)


INSTANT = Instant()

_COMMON = (
    click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="TINGCHAO_CONFIG",
        help=f"Configuration file; TINGCHAO_CONFIG, else {DEFAULT_CONFIG}.",
    ),
    click.option("--quiet", "-q", is_flag=True, help="No progress, only the result."),
    click.option("--now", metavar="INSTANT", help="Freeze the clock; for replays."),
)


def _common(command: _F) -> _F:
    for option in reversed(_COMMON):
        command = option(command)
    return command


def _with_context(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command its `Context`; options before and after the command's name mean the same."""

    @_common
    @click.pass_context
    @wraps(command)
    def wrapped(
        ctx: click.Context, config: Path | None, quiet: bool, now: str | None, **rest: Any
    ) -> Any:
        from tingchao.context import open_context

        before = ctx.obj or {}
        context = open_context(
            config or before.get("config") or DEFAULT_CONFIG,
            now=now or before.get("now"),
            quiet=quiet or before.get("quiet", False),
        )
        return command(context, **rest)

    return wrapped


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@_common
@click.version_option(__version__, prog_name="tingchao")
@click.pass_context
def cli(ctx: click.Context, config: Path | None, quiet: bool, now: str | None) -> None:
    """Listen to Chinese-speaking communities, step by step.

    In order: crawl and import, enrich, build, gate, publish. `run` does them all.
    """
    obey_parent()
    load_dotenv(Path(".env"))  # what the environment already says wins
    _settle_key_file()
    ctx.obj = {"config": config, "quiet": quiet, "now": now}


ENGINES = ("duckdb", "spark")  # tingchao.config.Engine; a test holds them together
_engine_option = click.option(
    "--engine", type=click.Choice(ENGINES), help="duckdb or spark; the configured one when absent."
)
_run_option = click.option("--run", "run_id", help="Logical run; the same id never lands twice.")


@cli.command()
@click.argument("source")
@click.option("--channel", "channel_ids", multiple=True, help="Only this channel; repeatable.")
@_run_option
@click.option("--since", type=INSTANT, help="Start of the window, inclusive.")
@click.option("--until", type=INSTANT, help="End of the window, exclusive; now when absent.")
@_with_context
def crawl(context: Context, source: str, **asked: Any) -> None:
    """Crawl the configured channels of SOURCE and land what they say."""
    from tingchao.steps.crawl import crawl as step

    _finish(step(context, source, **asked))


@cli.command("import")
@click.argument("import_ids", nargs=-1, metavar="[IMPORT]... | FORMAT FILE...")
@click.option("--inbox", is_flag=True, help="Land what lies in the inbox.")
@click.option("--strict", is_flag=True, help="Fail when a file of the inbox has to wait.")
@click.option("--skip-idle", is_flag=True, help="End with 99 when the inbox brought nothing new.")
@click.option("--channel", help="With FORMAT: whose rows they are, where the file does not say.")
@click.option("--source", help="With FORMAT: the source, in place of the format's own.")
@_run_option
@_with_context
def import_(
    context: Context,
    import_ids: tuple[str, ...],
    inbox: bool,
    strict: bool,
    skip_idle: bool,
    run_id: str | None,
    **told: str | None,
) -> None:
    """Land the files of the configured imports, or only of those named.

    With FORMAT, a named one or auto: land these files. docs/import.md lists the formats.
    """
    from tingchao.steps import import_files as step

    if inbox and (import_ids or any(told.values())):
        raise click.UsageError(
            "--inbox takes what lies there; expected no IMPORT, FORMAT, FILE, --channel or "
            "--source beside it. To import one file: tingchao import auto FILE"
        )
    if inbox:
        from tingchao.steps.inbox import import_inbox

        _finish(import_inbox(context, run_id=run_id, is_strict=strict, tells_idle=skip_idle))
    elif step.is_asked_by_format(import_ids, context.config):
        name, *files = import_ids
        paths = [Path(file) for file in files]
        _finish(step.import_named(context, name, paths, run_id=run_id, **told))
    else:
        _finish(step.import_files(context, import_ids, run_id=run_id))


@cli.command()
@_engine_option
@_with_context
def enrich(context: Context, engine: str | None) -> None:
    """Understand each distinct text once: words, mentions, mood, intent, noise."""
    from tingchao.steps.enrich import enrich as step

    _finish(step(context, engine=engine))


@cli.command()
@click.option("--as-of", type=INSTANT, help="Build what was known then, beside the current marts.")
@click.option("--full-refresh", is_flag=True, help="Build everything anew.")
@_engine_option
@click.option("--run", "run_id", help="Logical run in whose folder dbt's log is kept.")
@_with_context
def build(context: Context, **asked: Any) -> None:
    """Build the marts from everything landed and understood that a gate has passed."""
    from tingchao.steps.build import build as step

    _finish(step(context, **asked))


@cli.group()
def gate() -> None:
    """Check what landed, or what is about to be published; exit 3 when refused."""


@gate.command("landing")
@click.option("--accept", multiple=True, metavar="CRAWL", help="A person has looked at this crawl.")
@click.option("--discard", multiple=True, metavar="CRAWL", help="No row of this crawl may count.")
@_run_option
@_with_context
def gate_landing(context: Context, **asked: Any) -> None:
    """Refuse bad rows into quarantine; stop on a broken batch."""
    from tingchao.steps.gate import gate_landing as step

    _finish(step(context, **asked))


@gate.command("marts")
@click.option("--file", "path", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--accept-drop", multiple=True, metavar="MART", help="This mart may lose rows.")
@_run_option
@_with_context
def gate_marts(context: Context, **asked: Any) -> None:
    """Check a marts file; the published one when no file is given."""
    from tingchao.steps.gate import gate_marts as step

    _finish(step(context, **asked))


@cli.command()
@click.option("--accept-drop", multiple=True, metavar="MART", help="This mart may lose rows.")
@click.option("--rollback", metavar="VERSION", help="Serve a version that was kept.")
@_run_option
@_with_context
def publish(context: Context, rollback: str | None, **asked: Any) -> None:
    """Gate the marts, then serve them with one atomic rename."""
    from tingchao.steps import publish as steps

    if rollback:
        _finish(steps.rollback(context, rollback))
    else:
        _finish(steps.publish(context, **asked))


@cli.command()
@_run_option
@click.option("--since", type=INSTANT, help="Start of the window, inclusive.")
@click.option("--until", type=INSTANT, help="End of the window, exclusive; now when absent.")
@_with_context
def run(context: Context, **asked: Any) -> None:
    """Do every step in order, without Airflow."""
    from tingchao.steps.run import run as step

    _finish(step(context, echo=click.echo, **asked))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object per channel and line.")
@_with_context
def status(context: Context, as_json: bool) -> None:
    """Say per channel what is covered, up to when, and what stopped."""
    from tingchao.steps.status import status as step

    _finish(step(context), as_json=as_json)


@cli.command()
@click.argument("file", type=click.File("rb"))
@_COMMON[0]
@click.pass_context
def text(ctx: click.Context, file: Any, config: Path | None) -> None:
    """Show what the text engine makes of each line of FILE (- for stdin), as JSON lines."""
    from tingchao.config import load_config
    from tingchao.steps.text import describe_lines

    before = ctx.obj or {}
    path = config or before.get("config") or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)
    for line in describe_lines(file, load_config(path) if path else None):
        click.echo(line)


@cli.command()
@click.option("--queue", type=click.Path(dir_okay=False, path_type=Path), help="Ask in this file.")
@click.option("--count", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--take", type=click.Path(dir_okay=False, path_type=Path), help="Take in a file.")
@_with_context
def label(context: Context, queue: Path | None, count: int, take: Path | None) -> None:
    """Ask what texts mean, the doubtful ones first, or take in what was answered."""
    from tingchao.steps.label import take_labels, write_queue

    if queue and not take:
        _finish(write_queue(context, queue, count))
    elif take and not queue:
        _finish(take_labels(context, take))
    else:
        raise click.UsageError("give either --queue FILE or --take FILE")


@cli.command()
@_with_context
def train(context: Context) -> None:
    """Train the text model from our posts, landed text and labels; with labels in a minute."""
    from tingchao.steps.train import train_model

    _finish(train_model(context))


@cli.command()
@click.argument("mart")
@click.argument("cell", nargs=-1, metavar="[COLUMN=VALUE]...")
@click.option("--limit", default=20, show_default=True, help="Posts to show.")
@_with_context
def trace(context: Context, mart: str, cell: tuple[str, ...], limit: int) -> None:
    """Trace a number of MART back to its posts and the landed files they came in."""
    from tingchao.steps.trace import trace as step

    _finish(step(context, mart, cell, limit=limit))


@cli.command()
@click.option("--source", required=True, help="Where the handles are somebody's.")
@click.option(
    "--handle-file",
    required=True,
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="One handle a line, UTF-8; delete it afterwards.",
)
@_with_context
def erase(context: Context, source: str, handle_file: Path) -> None:
    """Take people out of everything that is kept, and let nothing of theirs land again."""
    from tingchao.steps.erase import erase as step

    _finish(step(context, source, handle_file))


@cli.command("check-config")
@_with_context
def check_config(context: Context) -> None:
    """Validate the configuration and say what it asks for."""
    from tingchao.steps.check_config import check_config as step

    _finish(step(context))


BASES = ("board", "cursor", "feed", "file")  # scrapers.new_source.Base; a test holds them together


@cli.command("new-source")
@click.argument("name")
@click.option("--base", type=click.Choice(BASES), required=True, help="How the source is read.")
def new_source(name: str, base: str) -> None:
    """Write what a source NAME begins with: description, spider, a saved page, a failing test.

    docs/add-a-source.md goes on from there. Nothing that exists is touched.
    """
    from scrapers.errors import SourceError
    from scrapers.new_source import Base, write_new_source

    try:
        click.echo(write_new_source(name, Base(base), datetime.now(UTC).date()))
    except SourceError as error:
        raise ConfigurationError(str(error)) from None


@cli.command()
@click.option("--port", default=8080, show_default=True, help="Loopback port of the web interface.")
@_COMMON[0]
@click.pass_context
def airflow(ctx: click.Context, port: int, config: Path | None) -> None:
    """Start Airflow on this machine with the DAGs of this configuration.

    Where nobody wrote a configuration yet, the DAGs of the example show; they start paused.
    """
    from tingchao.airflow import serve
    from tingchao.config import load_config

    path = config or (ctx.obj or {}).get("config") or DEFAULT_CONFIG
    if path == DEFAULT_CONFIG and not path.exists():
        click.echo(f"no {path} yet: showing {EXAMPLE_CONFIG}; copy it there and make it yours")
        path = EXAMPLE_CONFIG
    serve(load_config(path), port=port, echo=click.echo)


@cli.command("spark-cluster", context_settings={"allow_interspersed_args": False})
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--cores", type=click.IntRange(min=1), default=1, show_default=True, help="Of each.")
@click.option("--memory", default="2g", show_default=True, help="Of each, as Spark writes it.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND]...")
@_with_context
def spark_cluster(context: Context, command: tuple[str, ...], **size: Any) -> None:
    """Start a Spark master and workers on this machine, and run COMMAND on them.

    Without COMMAND it waits for Ctrl-C and says how to use them from elsewhere.
    """
    from tingchao.spark_cluster import Size, compute_on_cluster

    sys.exit(compute_on_cluster(context, Size(**size), command, echo=click.echo))


@cli.command()
@click.option("--people", type=click.IntRange(min=50), help="People in the town.")
@click.option("--days", type=click.IntRange(min=14), help="Days of the town's life.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), default="var/demo")
def demo(**asked: Any) -> None:
    """Run the main job on a made-up town whose truth is known, and show how close it came."""
    from demo.main_job import run_demo

    sys.exit(run_demo(echo=click.echo, **asked))


def _settle_key_file() -> None:
    """Name the key's file from the root: steps have children that work in other folders."""
    if path := os.environ.get(KEY_FILE_VARIABLE):
        os.environ[KEY_FILE_VARIABLE] = str(Path(path).absolute())


def _finish(summary: Any, *, as_json: bool = False) -> None:
    """Print what a step returns, and end with its exit code when it has one."""
    lines: Iterable[str] = summary.json_lines() if as_json else str(summary).splitlines()
    for line in lines:
        click.echo(line)
    code = getattr(summary, "exit_code", 0)
    if code:
        sys.exit(code)


def main() -> None:
    """Entry point: errors that a person can act on are printed, never a traceback."""
    try:
        cli.main(standalone_mode=False)
    except TingchaoError as error:
        click.echo(f"tingchao: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USAGE)
    except click.Abort:
        click.echo("tingchao: interrupted; what was committed stays, run again to go on", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        click.echo(f"tingchao: {_explain_system(error)}", err=True)
        sys.exit(EXIT_FAILED)
    except Exception as error:
        click.echo(f"tingchao: {_keep_fault(error)}", err=True)
        sys.exit(EXIT_FAILED)


_SPACE = "what was committed stays; free space and run it again: docs/runbook.md#disk-full"
_WRITABLE = "let this user write there, or name another `data_dir`, and run it again"
_MEANS = {
    errno.ENOSPC: ("expected room on the disk", _SPACE),
    errno.EDQUOT: ("expected room in this user's quota", _SPACE),
    errno.EFBIG: ("expected to be allowed files of this size (ulimit -f)", _SPACE),
    errno.EROFS: ("expected a disk that can be written to", _WRITABLE),
    errno.EACCES: ("expected a place that this user may write to and read", _WRITABLE),
    errno.EPERM: ("expected a place that this user may write to and read", _WRITABLE),
}


def _explain_system(error: OSError) -> str:
    """Say what the system refused, where, and what to do next."""
    where = f"{error.filename}: " if error.filename else ""
    expected, advice = _MEANS.get(
        error.errno or 0,
        ("expected the system to do it", "what was committed stays; mend that and run it again"),
    )
    return f"{where}{expected}, found: {error.strerror or error}; {advice}"


def _keep_fault(error: Exception) -> str:
    """Keep the traceback of a fault of ours in a private file, without secrets, and say where.

    The same fault has the same file: a scheduler that tries again and again fills no disk.
    """
    from scrapers.access.secrets import hide

    told = hide(f"{type(error).__name__}: {error}".strip())
    trace = hide("".join(traceback.format_exception(error)))
    digest = hashlib.sha256(trace.encode("utf-8", "replace")).hexdigest()[:12]
    path = str(Path(tempfile.gettempdir()) / f"tingchao-fault-{digest}.txt")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(trace)
    except FileExistsError:
        pass
    except OSError:
        path = "nowhere, for no file can be written"
    return (
        f"a fault of ours, {told:.500}; what was committed stays. Run it again; if it comes back, "
        f"report it with what stands in {path}"
    )


if __name__ == "__main__":
    main()
