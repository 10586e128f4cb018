"""Where a crawl may go."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.error import DNSLookupError

from scrapers.addresses import is_public, parse_address
from scrapers.errors import AddressRefusedError
from scrapers.middlewares.guard import PublicResolver, check_url

NO_EXEMPTION: frozenset[str] = frozenset()

LOOPBACK_SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0x7f000001",
    "017700000001",
    "0",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "169.254.169.254",
    "10.0.0.1",
    "100.64.0.1",
    "192.168.1.1",
    "[fe80::1]",
    "[fd00::1]",
    "224.0.0.1",
]


@pytest.mark.parametrize("host", LOOPBACK_SPELLINGS)
def test_row_15_no_spelling_of_a_private_address_passes(host: str) -> None:
    with pytest.raises(AddressRefusedError):
        check_url(f"http://{host}/", exempt=NO_EXEMPTION)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "data:text/html,x",
        "ftp://example.org/x",
        "s3://bucket/x",
        "gopher://x",
    ],
)
def test_row_16_other_schemes_are_refused(url: str) -> None:
    with pytest.raises(AddressRefusedError, match="expected http or https"):
        check_url(url, exempt=NO_EXEMPTION)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://user:pass@example.org/", "no user and password"),
        ("https://example.org:22/", "expected one of the ports"),
        ("https://example.org:99999/", "port from 1 to 65535"),
        ("https:///x", "expected a host"),
    ],
)
def test_row_15_odd_addresses_are_refused(url: str, said: str) -> None:
    with pytest.raises(AddressRefusedError, match=said):
        check_url(url, exempt=NO_EXEMPTION)


def test_row_52_a_refusal_shows_no_token_and_no_password() -> None:
    with pytest.raises(AddressRefusedError) as refused:
        check_url("https://user:canary@10.0.0.1/x?token=canary", exempt=NO_EXEMPTION)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "is_home"),
    [
        ("example.org", True),
        ("www.example.org", True),
        ("blog.example.org", True),
        ("example.com", False),
        ("notexample.org", False),
        ("example.org.evil.com", False),
    ],
)
def test_row_17_other_sites_are_refused(host: str, is_home: bool) -> None:
    if is_home:
        check_url(f"https://{host}/x", exempt=NO_EXEMPTION, homes={"example.org"})
    else:
        with pytest.raises(AddressRefusedError, match="another site"):
            check_url(f"https://{host}/x", exempt=NO_EXEMPTION, homes={"example.org"})


def test_an_exempt_server_is_reached_on_its_port_alone() -> None:
    exempt = frozenset({"127.0.0.1:8931"})
    check_url("http://127.0.0.1:8931/x", exempt=exempt)
    with pytest.raises(AddressRefusedError):
        check_url("http://127.0.0.1:8932/x", exempt=exempt)
    with pytest.raises(AddressRefusedError):
        check_url("file://127.0.0.1:8931/x", exempt=exempt)


def test_row_15_a_name_that_resolves_to_a_private_address_is_refused() -> None:
    resolver = PublicResolver.__new__(PublicResolver)
    with pytest.raises(DNSLookupError, match="not public"):
        resolver._check("127.0.0.1", "rebound.example.org")
    assert resolver._check("93.184.216.34", "example.org") == "93.184.216.34"


@given(st.integers(0, 2**32 - 1))
def test_every_decimal_spelling_is_the_address_it_means(number: int) -> None:
    assert parse_address(str(number)) == ipaddress.IPv4Address(number)


@given(st.ip_addresses())
def test_an_address_hidden_in_another_is_judged(address: Any) -> None:
    if address.version == 4:
        mapped = ipaddress.IPv6Address(f"::ffff:{address}")
        assert is_public(mapped) == is_public(address)


def test_public_addresses_pass() -> None:
    check_url("https://93.184.216.34/x", exempt=NO_EXEMPTION)
    check_url("https://[2606:2800:220:1:248:1893:25c8:1946]/x", exempt=NO_EXEMPTION)
