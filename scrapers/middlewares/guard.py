"""Where a crawl may go: http and https, public addresses, the sites it was sent to.

Every request passes here, redirected ones too, and every name passes again when it is resolved, so
a name that answers with a private address gets nowhere. `allow_hosts` exempts a `host:port` from
the rules on addresses and ports: stand-in servers on the loopback.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from typing import ClassVar, Self
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.resolver import CachingThreadedResolver
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError

from scrapers.access.channel import ChannelSpider, own_host, shown
from scrapers.addresses import host_and_port, is_public, parse_address, server_of
from scrapers.errors import AddressRefusedError

PORTS = frozenset({80, 443, 8080, 8443})
OWN_SERVER = "a server of your own goes into sources.<name>.allow_hosts"
NOT_PUBLIC = "resolves to an address that is not public"
ALLOW_HOSTS = "TINGCHAO_ALLOW_HOSTS"


class Guard:
    """Refuses requests to where nobody asked us to go."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.exempt = frozenset(h.lower() for h in crawler.settings.getlist(ALLOW_HOSTS))
        PublicResolver.exempt.update(host.rpartition(":")[0] for host in self.exempt)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        spider = self.crawler.spider
        homes = spider.homes if isinstance(spider, ChannelSpider) else None
        check_url(request.url, exempt=self.exempt, homes=homes)


class PublicResolver(CachingThreadedResolver):
    """Resolves names as Scrapy does and refuses the answer when it is not public."""

    # Of the process, as the resolver is: one process crawls once.
    exempt: ClassVar[set[str]] = set()

    def getHostByName(  # noqa: N802  Twisted's name
        self, name: str, timeout: Sequence[int] = ()
    ) -> Deferred[str]:
        found: Deferred[str] = super().getHostByName(name, timeout)
        return found.addCallback(self._check, name)

    def _check(self, address: str, name: str) -> str:
        if name.lower() not in self.exempt and not is_public(ipaddress.ip_address(address)):
            raise DNSLookupError(f"{name} {NOT_PUBLIC}")
        return address


def check_url(url: str, *, exempt: frozenset[str], homes: Collection[str] | None = None) -> None:
    """Raise `AddressRefusedError` unless a URL may be fetched; say which rule forbids it."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise AddressRefusedError(f"{shown(url)}: expected http or https, found {parts.scheme!r}")
    if "@" in parts.netloc:
        raise AddressRefusedError(f"{shown(url)}: expected no user and password in an address")
    try:
        host, port = host_and_port(url)
    except ValueError as error:
        raise AddressRefusedError(f"{shown(url)}: {error}") from None
    if homes is not None and own_host(host) not in homes and not _is_below(host, homes):
        raise AddressRefusedError(
            f"{shown(url)}: another site than the channel's; if it moved there, write the new "
            "address into the configuration"
        )
    if server_of(url) in exempt:
        return
    if port not in PORTS:
        raise AddressRefusedError(
            f"{shown(url)}: expected one of the ports {sorted(PORTS)}, found {port}; "
            f"{OWN_SERVER} as {server_of(url)}"
        )
    literal = parse_address(host)
    if literal is not None and not is_public(literal):
        raise AddressRefusedError(
            f"{shown(url)}: expected a public address, found {literal}; "
            f"{OWN_SERVER} as {server_of(url)}"
        )


def _is_below(host: str, homes: Collection[str]) -> bool:
    labels = host.split(".")
    return any(".".join(labels[i:]) in homes for i in range(1, len(labels)))


def explain_lookup(error: Exception) -> str | None:
    """Return the message of a refused name; None for any other failure."""
    text = str(error)
    return f"{text}; {OWN_SERVER} as host:port" if text.endswith(NOT_PUBLIC) else None
