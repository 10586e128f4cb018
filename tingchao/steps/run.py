"""Every step in order, without Airflow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from tingchao.context import Context
from tingchao.errors import EXIT_FAILED, TingchaoError

Echo = Callable[[str], None]
Step = tuple[str, Callable[[], Any]]


@dataclass(frozen=True)
class RunSummary:
    """How a whole run ended; collecting may fail for one source without stopping the rest."""

    failed: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        return EXIT_FAILED if self.failed else 0

    def __str__(self) -> str:
        if not self.failed:
            return "run: every step done"
        return f"run: published, but incomplete: {', '.join(self.failed)} (see above)"


def run(
    context: Context,
    *,
    run_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    echo: Echo = print,
) -> RunSummary:
    """Collect from every source, then understand, build, gate and publish.

    A source that fails is reported and the others go on: coverage tells readers what is missing.
    Any later step that fails ends the run with its `TingchaoError`; what is served stays served.
    """
    context.pseudonyms.key("run", "key")  # no key, no run: better told before the first step
    failed = []
    for name, step in _collecting(context, run_id, since, until):
        try:
            summary = _announce(context, echo, name, step)
        except TingchaoError as error:
            echo(f"{name}: {error}")
            failed.append(name)
        else:
            if getattr(summary, "exit_code", 0):
                failed.append(name)
    for name, step in _refining(context, run_id):
        _announce(context, echo, name, step)
    return RunSummary(tuple(failed))


def _announce(context: Context, echo: Echo, name: str, step: Callable[[], Any]) -> Any:
    context.progress.step(f"── {name}")
    summary = step()
    echo(str(summary))
    return summary


def crawled_sources(context: Context) -> list[str]:
    """Sources that a spider collects, in the order of the configuration, each once."""
    from scrapers.source import source_names

    known = set(source_names())
    return list(dict.fromkeys(c.source for c in context.config.channels if c.source in known))


def _collecting(
    context: Context, run_id: str | None, since: datetime | None, until: datetime | None
) -> Iterator[Step]:
    from tingchao.steps.crawl import crawl
    from tingchao.steps.import_files import import_files
    from tingchao.steps.inbox import import_inbox

    for source in crawled_sources(context):
        step = partial(crawl, context, source, run_id=run_id, since=since, until=until)
        yield f"crawl {source}", step
    if context.config.imports:
        yield "import", partial(import_files, context, (), run_id=run_id)
    if context.config.inbox:
        yield "import --inbox", partial(import_inbox, context, run_id=run_id)


def _refining(context: Context, run_id: str | None) -> Iterator[Step]:
    from tingchao.steps.build import build
    from tingchao.steps.enrich import enrich
    from tingchao.steps.gate import gate_landing
    from tingchao.steps.publish import publish

    yield "gate landing", partial(gate_landing, context, run_id=run_id)
    yield "enrich", partial(enrich, context)
    yield "build", partial(build, context, run_id=run_id)
    yield "publish", partial(publish, context, run_id=run_id)
