"""Which addresses belong to the open internet, in whatever spelling they come."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
LOCALHOST = "localhost"


def host_and_port(url: str) -> tuple[str, int]:
    """Split the server out of a URL; `ValueError` says what no server can be."""
    parts = urlsplit(url)
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("expected a port from 1 to 65535") from None
    if not host:
        raise ValueError("expected a host, found none")
    return host.lower(), port or (443 if parts.scheme == "https" else 80)


def server_of(url: str) -> str:
    """Write a URL's server as `allow_hosts` does, `host:port`; `ValueError` as above."""
    host, port = host_and_port(url)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_inside(url: str) -> bool:
    """Whether the URL itself says that its server is no public one; what a name hides, it hides."""
    host, _ = host_and_port(url)
    literal = parse_address(host)
    if literal is None:
        return host == LOCALHOST or host.endswith(f".{LOCALHOST}")
    return not is_public(literal)


def parse_address(host: str) -> Address | None:
    """Read an address in any spelling that a resolver takes: 127.1, 0x7f.1, 2130706433, ::1."""
    plain = host.strip("[]").rstrip(".").partition("%")[0]
    try:
        return ipaddress.ip_address(plain)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(plain))
    except (OSError, UnicodeError):
        return None


def is_public(address: Address) -> bool:
    """Whether an address belongs to the open internet, and so does any address hidden in it."""
    if isinstance(address, ipaddress.IPv6Address):
        hidden = address.ipv4_mapped or address.sixtofour
        if address.teredo:
            hidden = address.teredo[1]
        if address in NAT64:
            hidden = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if hidden is not None:
            return is_public(hidden)
    return address.is_global and not address.is_multicast
