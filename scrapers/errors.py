"""Why a page was not had, named by who must act: the site, the configuration, or nobody yet."""

from __future__ import annotations

from scrapy.exceptions import IgnoreRequest

from lake import StopReason


class SourceError(Exception):
    """A source's description is wrong or incomplete; it refuses to run until that is mended."""


class NotFetchedError(IgnoreRequest):
    """A page was not had; the message says why and what to do."""

    stop_reason = StopReason.ERROR


class SiteRefusedError(NotFetchedError):
    """The site does not want us, now or at all: robots, a challenge, 403, patience used up."""

    stop_reason = StopReason.BLOCKED


class AddressRefusedError(NotFetchedError):
    """We do not want the address: not public, another site, not http; the configuration is wrong or
    somebody redirects us where we must not go."""


class SiteChangedError(NotFetchedError):
    """The page came and has nothing that we know; its template may have changed."""


class BlankPageError(NotFetchedError):
    """The page came with status 200 and without a word; the site may be ill."""

    stop_reason = StopReason.BLANK_PAGE


class ThreadGoneError(Exception):
    """A page says in words, and with status 200, that its thread is no longer there."""


class ImportFileError(Exception):
    """A file cannot be read as the configuration says; nothing of it was landed."""


class ParsingFailedError(Exception):
    """One record or page is odd; it goes to quarantine and the crawl goes on."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule
