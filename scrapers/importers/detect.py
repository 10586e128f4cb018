"""Which format a file has: every named format is asked, and the surest one is believed."""

from __future__ import annotations

from scrapers.errors import ImportFileError
from scrapers.importers.format import Format, Sureness, Verdict
from scrapers.importers.formats import all_formats
from scrapers.importers.head import Head

CONSIDERED = ". Considered:\n"


class UnrecognisedError(ImportFileError):
    """No format, or more than one, says that a file is its own."""


def format_called(name: str) -> Format:
    """Return a format by its name."""
    return all_formats()[name]


def detect_format(head: Head) -> tuple[Format, Verdict]:
    """Return the format that is surest of a file, and why it is.

    `UnrecognisedError` says what was found and what every format said to it.
    """
    verdicts = {form: form.recognise(head) for form in all_formats().values()}
    best = max((verdict.sureness for verdict in verdicts.values()), default=Sureness.NO)
    sure = [form for form, verdict in verdicts.items() if verdict.sureness == best]
    if best > Sureness.NO and len(sure) == 1:
        return sure[0], verdicts[sure[0]]
    if best > Sureness.NO:
        said = "; ".join(f"{form.name}: {verdicts[form].why}" for form in sure)
        raise UnrecognisedError(
            f"{head.name}: expected one format, {len(sure)} claim it ({said}); say which: "
            f"tingchao import {sure[0].name} {head.name}"
        )
    said = "\n".join(f"    {form.name}: {verdict.why}" for form, verdict in verdicts.items())
    raise UnrecognisedError(
        f"{head.name}: no named format knows this file; found {head.shown()}. With a column map "
        f"under `imports` any file can be read (docs/import.md){CONSIDERED}{said}"
    )
