"""Secrets of an API: read from the environment by the crawl itself, and written down nowhere.

The job file, the ledger and the log never hold one. Where a platform takes it only in the address,
or says it back, every line of the log and every word that leaves the spider is washed of it.
"""

from __future__ import annotations

import base64
import logging
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

from scrapers.job import JobChannel
from scrapers.source import Auth, AuthKind, is_variable

HIDDEN = "[secret]"
SHORTEST = 8  # nothing shorter is a token; hiding it would garble the log
OPTION = "token_variable"

_hidden: set[str] = set()


def variable_of(auth: Auth, options: Mapping[str, Any]) -> str:
    """Return the environment variable that holds a channel's secret."""
    return str(options.get(OPTION) or auth.variable)


def explain_missing(
    auth: Auth | None,
    channel_id: str,
    options: Mapping[str, Any],
    environment: Mapping[str, str] = os.environ,
) -> str | None:
    """Say which secret a channel lacks and what to type; None when it lacks none."""
    if auth is None:
        return None
    names = [variable_of(auth, options), *auth.more_variables.values()]
    for name in names:
        if not is_variable(name):
            return (
                f"channels.{channel_id}.options.{OPTION}: expected TINGCHAO_…, found {name!r:.60}"
            )
        value = environment.get(name, "").strip()
        if not value and auth.is_optional:
            continue
        if not _is_secret(auth, value):
            found = "nothing" if not value else "something that is none"
            return (
                f"channels.{channel_id}: expected a secret in {name}, found {found}. "
                f"{auth.obtain} Then type: echo '{name}=…' >> .env"
            )
    return None


def _is_secret(auth: Auth, value: str) -> bool:
    is_word = len(value) >= SHORTEST and value.isascii() and value.isprintable()
    return is_word and (auth.kind is not AuthKind.BASIC or ":" in value)


class Secrets:
    """What the channels of one crawl prove themselves with."""

    def __init__(self, auth: Auth | None, environment: Mapping[str, str] = os.environ) -> None:
        self.auth, self._environment = auth, environment
        self._given: dict[str, str] = {}

    def explain_missing(self, channel: JobChannel) -> str | None:
        """Say what a channel lacks; see `explain_missing`."""
        return explain_missing(self.auth, channel.id, channel.options, self._environment)

    def of(self, channel: JobChannel) -> str | None:
        """Return a channel's secret, a token that was obtained for it first; None without any."""
        if self.auth is None:
            return None
        return self._given.get(channel.id) or self.named(variable_of(self.auth, channel.options))

    def named(self, variable: str) -> str | None:
        """Return what a variable holds, hidden from now on; None when it is empty."""
        value = self._environment.get(variable, "").strip() or None
        hide_from_logs(value)
        return value

    def give(self, channel: JobChannel, token: str) -> None:
        """Use a token that was obtained for a channel while it is crawled."""
        hide_from_logs(token)
        self._given[channel.id] = token

    def sign(self, channel: JobChannel, url: str) -> tuple[str, dict[str, str]]:
        """Return a URL and the headers with which it is asked for."""
        secret = self.of(channel)
        if self.auth is None or secret is None:
            return url, {}
        if self.auth.kind is AuthKind.QUERY:
            return with_query(url, {self.auth.name: secret}), {}
        if self.auth.kind is AuthKind.BASIC:
            return url, {self.auth.name: f"Basic {_encoded(secret)}"}
        prefix = "Bearer " if self.auth.kind is AuthKind.BEARER else self.auth.prefix
        return url, {self.auth.name: f"{prefix}{secret}"}

    def unsign(self, url: str) -> str:
        """Return a URL of the platform's own without the secret that it repeats."""
        names = {self.auth.name} if self.auth and self.auth.kind is AuthKind.QUERY else set()
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        query = urlencode([(k, v) for k, v in pairs if k not in names and v != HIDDEN])
        return urlunsplit(parts._replace(query=query))


def with_query(url: str, query: Mapping[str, Any]) -> str:
    """Add parameters to a URL."""
    if not query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def hide(text: str) -> str:
    """Put `[secret]` in the place of every secret that this process has read."""
    for value in _hidden:
        text = text.replace(value, HIDDEN)
    return text


def hide_from_logs(secret: str | None) -> None:
    """Wash a secret, in every spelling, out of whatever this process writes to its log."""
    if not secret or len(secret) < SHORTEST:
        return
    _hidden.update(_spellings(secret))
    make = logging.getLogRecordFactory()
    if make is not _make_washed:
        _former.append(make)
        logging.setLogRecordFactory(_make_washed)


_former: list[Any] = []


def _encoded(secret: str) -> str:
    """Return name:password as a header of basic authentication has it (RFC 7617)."""
    return base64.b64encode(secret.encode()).decode()


def _spellings(secret: str) -> Iterable[str]:
    """Spell a secret in every way; of name:password each half is one, and so is its encoding."""
    halves = [half for half in secret.split(":") if len(half) >= SHORTEST]
    for said in (secret, _encoded(secret), *halves):
        yield from {said, quote(said, safe=""), quote_plus(said), said.replace("/", "\\/")}


def _make_washed(*args: Any, **named: Any) -> logging.LogRecord:
    record: logging.LogRecord = _former[-1](*args, **named)
    try:
        said = record.getMessage()
    except (TypeError, ValueError):
        said = f"{record.msg} {record.args}"  # an ill-formed line, which logging would print
    washed = hide(said)
    if washed != said:
        record.msg, record.args = washed, ()
    if record.exc_info and record.exc_info[0] is not None:
        record.exc_text = hide(logging.Formatter().formatException(record.exc_info))
    return record


def last_words(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Print what ends the process as Python does, without a secret."""
    sys.stderr.write(hide(logging.Formatter().formatException((kind, error, trace))) + "\n")
