"""Servers that misbehave, on the loopback: one fault an address, every request on record."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FEED = (
    "<?xml version='1.0' encoding='utf-8'?><rss version='2.0'><channel><title>x</title>"
    "<item><title>某某手機</title><guid isPermaLink='false'>g-1</guid>"
    "<pubDate>Thu, 08 Oct 2026 13:05:11 +0000</pubDate><author>canary-handle</author>"
    "<description>螢幕不錯</description></item></channel></rss>"
).encode()
BOMB = gzip.compress(b"\0" * (64 * 1024 * 1024))


@dataclass
class Fault:
    """How one host behaves; `respond` may write anything to the connection."""

    respond: Callable[[BaseHTTPRequestHandler], None]
    robots: tuple[int, str] = (404, "")
    seen: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    address: str = ""

    @property
    def pages(self) -> list[str]:
        return [path for path in self.seen if path != "/robots.txt"]


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    """Answer properly."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    if "Content_Length" not in headers:
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def feed(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 200, FEED, Content_Type="application/rss+xml")


def busy_then(fault_count: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    left = [fault_count]

    def respond(handler: BaseHTTPRequestHandler) -> None:
        if left[0]:
            left[0] -= 1
            send(handler, 429, **headers)
        else:
            feed(handler)

    return respond


def silent(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(5)


def dripping(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _ in range(50):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.1)


def reset(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(FEED)))
    handler.end_headers()
    handler.wfile.write(FEED[: len(FEED) // 2])
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)


def bomb(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 200, BOMB, Content_Encoding="gzip")


def flood(handler: BaseHTTPRequestHandler) -> None:
    """Fifty megabytes that nobody announced, made as they go."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(50):
        handler.wfile.write(b" " * (1024 * 1024))


def deflated(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 200, zlib.compress(b"\0" * (64 * 1024 * 1024), 1), Content_Encoding="deflate")


def long_header(handler: BaseHTTPRequestHandler) -> None:
    send(handler, 200, FEED, X_Long="x" * (2 * 1024 * 1024))


def cookies(handler: BaseHTTPRequestHandler) -> None:
    """Two thousand cookies of four kilobytes."""
    handler.send_response(200)
    for number in range(2000):
        handler.send_header("Set-Cookie", f"c{number}={'x' * 4000}")
    handler.send_header("Content-Length", str(len(FEED)))
    handler.end_headers()
    handler.wfile.write(FEED)


def endless(handler: BaseHTTPRequestHandler) -> None:
    number = int(handler.path.partition("n=")[2] or 0) + 1
    send(handler, 302, Location=f"/feed?n={number}")


def answers(status: int, body: bytes = b"", **headers: str) -> Callable[..., None]:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        send(handler, status, body, **headers)

    return respond


@contextmanager
def serving(faults: dict[str, Fault]) -> Iterator[None]:
    """Give every fault an address of its own in 127.0.0.0/8."""
    servers = []
    for number, fault in enumerate(faults.values(), start=2):
        server = ThreadingHTTPServer((f"127.0.0.{number}", 0), _handler(fault))
        fault.address = f"127.0.0.{number}:{server.server_address[1]}"
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def _handler(fault: Fault) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fault.seen.append(self.path)
            fault.times.append(time.monotonic())
            fault.headers.append({k.lower(): v for k, v in self.headers.items()})
            try:
                if self.path == "/robots.txt":
                    status, text = fault.robots
                    send(self, status, text.encode())
                else:
                    fault.respond(self)
            except OSError:
                pass  # the client hung up, which is what some faults are about

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
