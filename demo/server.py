"""The town on loopback, in each platform's own wire format, at an instant that a caller sets.

    python -m demo.server --folder var/demo --port 8917

Only 127.0.0.1 is ever bound. Beside the sites there is a room of its own under `/__town__/`:
`GET served` lists what was answered and which posts were in it, `POST now` sets the clock,
`POST faults` plants faults (`demo.faults`), `POST reset` forgets log and faults, `GET health` says
which town this is.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from urllib.request import Request, urlopen

from demo import archives, ptt
from demo.cast import PLACE, PLACES, Place, Shape
from demo.days import seconds_of, taipei
from demo.faults import FAULTS, PAGE_SHIFT, Answer, Break, Fault
from demo.feeds import render_feed, rfc_date
from demo.life import Post, Reaction
from demo.sites import Ask, open_sites
from demo.town import Town, load_town
from tingchao.fence import DIE_WITH_PARENT, obey_parent

HOST = "127.0.0.1"
PORT = 8917
ROBOTS = "User-agent: *\nDisallow: /man/\nDisallow: /b/\nDisallow: /__town__/\n"
_HTML = {"Content-Type": "text/html; charset=utf-8", "Server": "Cryophoenix"}
_TEXT = {"Content-Type": "text/plain; charset=utf-8"}
_JSON = {"Content-Type": "application/json"}
_FEED_TYPES = {Shape.ZINE: "application/atom+xml; charset=utf-8", Shape.FORUM: "application/xml"}


class Sites:
    """Every page of the town at the instant `now` (Unix seconds)."""

    def __init__(self, town: Town, now: int) -> None:
        self.town, self.now = town, now
        self.feeds = {place.address: place for place in PLACES if place.source == "feed"}
        self.posts: dict[str, list[Post]] = defaultdict(list)
        for post in town.posts:
            self.posts[post.place.id].append(post)
        self.boards = {p.address: self._board(p) for p in PLACES if p.shape is Shape.BOARD}
        self._feed = lru_cache(maxsize=32)(self._render_feed)
        reactions: dict[str, list[Reaction]] = defaultdict(list)
        for reaction in town.reactions:
            reactions[reaction.place.id].append(reaction)
        self.others = open_sites(town, self.posts, reactions)

    def answer(self, ask: Ask) -> Answer:
        """Answer as the real site would, its errors included."""
        if ask.path == "/robots.txt":
            return Answer(200, ROBOTS.encode(), dict(_TEXT))
        source, slash, path = ask.path.removeprefix("/").partition("/")
        if source in self.others:
            return self.others[source].answer(replace(ask, path=f"{slash}{path}"), self.now)
        if ask.target in self.feeds:
            return self._answer_feed(self.feeds[ask.target], ask)
        if ask.path.startswith(archives.ROOT):
            blog, posts = PLACE[archives.PLACE_ID], self.posts[archives.PLACE_ID]
            found = archives.answer_archive(blog, posts, self.name_of, self.now, ask)
            return found or _not_found()
        if ask.path == "/ask/over18":
            return _gate(ask)
        if ask.path.startswith("/atom/"):
            return self._answer_atom(ask.path.removeprefix("/atom/").removesuffix(".xml"))
        if ask.path.startswith("/bbs/"):
            return self._answer_board(ask)
        return _not_found()

    def _board(self, place: Place) -> ptt.Board:
        pushes: dict[str, list[Post]] = defaultdict(list)
        for post in self.posts[place.id]:
            if not post.opens_thread:
                pushes[post.root.post_id].append(post)
        articles = [post for post in self.posts[place.id] if post.opens_thread]
        return ptt.Board(place, articles, pushes, self.name_of)

    def name_of(self, post: Post) -> str:
        return self.town.population.native_author(post.place, post.author)

    def _answer_board(self, ask: Ask) -> Answer:
        name, _, page = ask.path.removeprefix("/bbs/").partition("/")
        board = self.boards.get(name)
        if board is None:
            return _not_found()
        if not page:
            return Answer(302, b"", {"Location": f"/bbs/{name}/index.html"})
        if board.place.is_gated and not ask.cookies.get("over18"):
            return Answer(302, b"", {"Location": f"/ask/over18?from={quote(ask.path, safe='')}"})
        stem = page.removesuffix(".html")
        if stem.startswith("index"):
            return self._index(board, stem.removeprefix("index"))
        return self._article(board, stem)

    def _index(self, board: ptt.Board, number: str) -> Answer:
        if number and not number.isdecimal():
            return _not_found()
        text = ptt.index_page(board, int(number) if number else None, self.now)
        return _not_found() if text is None else Answer(200, text.encode(), dict(_HTML))

    def _article(self, board: ptt.Board, post_id: str) -> Answer:
        article = board.find(post_id, self.now)
        if article is None:
            return _not_found()
        pushes = ptt.shown_pushes(board, article, self.now)
        items = (article.post_id, *(push.post_id for push in pushes))
        page = ptt.article_page(board, article, self.now)
        return Answer(200, page.encode(), dict(_HTML), items)

    def _answer_atom(self, name: str) -> Answer:
        board = self.boards.get(name)
        if board is None:
            return _not_found()
        body = ptt.atom_feed(board, self.now).encode()
        return Answer(200, body, {"Content-Type": "application/xml"})

    def _answer_feed(self, place: Place, ask: Ask) -> Answer:
        """Serve a feed with validators, and 304 to whoever has it already."""
        body, items, changed = self._feed(place.address, self.now)
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        modified = rfc_date(changed).replace("+0000", "GMT")
        validators = {"ETag": etag, "Last-Modified": modified}
        known, since = (ask.headers.get(f"if-{name}") for name in ("none-match", "modified-since"))
        if known == etag or (known is None and since == modified):
            return Answer(304, b"", validators)
        kind = _FEED_TYPES.get(place.shape, "application/rss+xml; charset=UTF-8")
        return Answer(200, body, {"Content-Type": kind, **validators}, items)

    def _render_feed(self, address: str, at: int) -> tuple[bytes, tuple[str, ...], int]:
        place = self.feeds[address]
        posts = [post for post in self.posts[place.id] if post.exists_at(at)]
        shown = posts if place.cap is None else posts[-place.cap :]
        return (
            render_feed(place, posts, self.name_of, at),
            tuple(post.post_id for post in shown),
            last_change(self.posts[place.id], at, self.town.opens_at),
        )


def last_change(posts: list[Post], at: int, otherwise: int) -> int:
    """When anything last appeared, changed or went away."""
    moments = (
        t for p in posts for t in (p.at, p.edited_at, p.gone_at) if t is not None and t <= at
    )
    return max(moments, default=otherwise)


def _gate(ask: Ask) -> Answer:
    """The age gate: a form, and a cookie for whoever says yes."""
    if ask.method == "POST":
        said = parse_qs(ask.body.decode("utf-8", "replace"))
        if "yes" not in said:
            return Answer(302, b"", {"Location": "/"})
        home = said.get("from", ["/"])[0]
        home = home if home.startswith("/bbs/") else "/"
        return Answer(302, b"", {"Location": home, "Set-Cookie": "over18=1; Path=/"})
    origin = parse_qs(ask.query).get("from", ["/"])[0]
    return Answer(200, ptt.gate_page(origin).encode(), dict(_HTML))


def _not_found() -> Answer:
    return Answer(404, ptt.NOT_FOUND_PAGE.encode(), dict(_HTML))


@dataclass(frozen=True)
class Served:
    """One line of the log: what was asked, what was answered, which posts were in it."""

    path: str
    status: int
    bytes: int
    fault: str | None
    items: tuple[str, ...]
    now: str


class TownServer(ThreadingHTTPServer):
    """The sites with their log and their faults; start it with `serving` or as a child."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, town: Town, now: datetime, port: int = 0) -> None:
        super().__init__((HOST, port), _Handler)
        self.lock = threading.Lock()
        self.town = town
        self.sites = Sites(town, seconds_of(now))
        self.log: list[Served] = []
        self.faults: list[Fault] = []
        self.wall_clock: Callable[[], float] = time.time  # by which its clients live

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_address[1]}"

    def set_now(self, now: datetime) -> None:
        self.sites.now = seconds_of(now)

    def plant(self, fault: Fault) -> None:
        with self.lock:
            self.faults.append(fault)

    def reset(self) -> None:
        with self.lock:
            self.log.clear()
            self.faults.clear()

    def reply(self, ask: Ask) -> Answer:
        """Answer a request, let the first fitting fault strike, write it down."""
        with self.lock:
            fault = next((f for f in self.faults if f.strikes(ask.target)), None)
        answer = self.sites.answer(ask)
        if fault is None:
            for waiting in self.faults:
                waiting.before = answer if waiting.fits(ask.target) else waiting.before
        else:
            answer = FAULTS[fault.name](answer, fault, int(self.wall_clock()))
            if answer.headers.get("Location") == "":
                answer = replace(answer, headers={"Location": ask.target})
        self._write_down(ask, answer, fault)
        if fault is not None and fault.name == PAGE_SHIFT:
            self.sites.now += fault.seconds
        return answer

    def _write_down(self, ask: Ask, answer: Answer, fault: Fault | None) -> None:
        name, now = fault.name if fault is not None else None, taipei(self.sites.now).isoformat()
        items = answer.items if answer.status == 200 else ()
        line = Served(ask.target, answer.status, len(answer.body), name, items, now)
        with self.lock:
            self.log.append(line)

    def room(self, ask: Ask) -> Answer:
        """The server's own room: clock, faults and log."""
        name = ask.path.removeprefix("/__town__/")
        if ask.method == "POST":
            return self._told(name, ask)
        if name == "served":
            with self.lock:
                return _json([vars(line) for line in self.log])
        if name == "health":
            now = taipei(self.sites.now).isoformat()
            return _json({"town": [self.town.seed, self.town.people, self.town.days], "now": now})
        return _not_found()

    def _told(self, name: str, ask: Ask) -> Answer:
        try:
            told = json.loads(ask.body or b"{}")
            if name == "now":
                self.set_now(datetime.fromisoformat(told["now"]))
            elif name == "faults":
                self.plant(Fault(**told))
            elif name == "reset":
                self.reset()
            else:
                return _not_found()
        except (KeyError, TypeError, ValueError) as error:
            return Answer(400, f"{name}: {error}\n".encode(), dict(_TEXT))
        return _json({"done": name})


def _json(value: Any) -> Answer:
    return Answer(200, json.dumps(value, ensure_ascii=False).encode(), dict(_JSON))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: TownServer

    def do_GET(self) -> None:
        self._do("GET")

    def do_POST(self) -> None:
        self._do("POST")

    def _do(self, method: str) -> None:
        ask = self._ask(method)
        if ask.path.startswith("/__town__/"):
            self._send(self.server.room(ask))
        else:
            self._send(self.server.reply(ask))

    def _ask(self, method: str) -> Ask:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        cookies = SimpleCookie(self.headers.get("Cookie", ""))
        return Ask(
            path=url.path,
            query=url.query,
            method=method,
            cookies={name: morsel.value for name, morsel in cookies.items()},
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )

    def _send(self, answer: Answer) -> None:
        if answer.breaks is Break.SILENT:
            self._say_nothing()
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        surplus = 512 if answer.breaks is Break.SHORT else 0
        if answer.status != 304:
            self.send_header("Content-Length", str(len(answer.body) + surplus))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self._send_body(answer)

    def _send_body(self, answer: Answer) -> None:
        if answer.breaks is None:
            self.wfile.write(answer.body)
        elif answer.breaks is Break.SLOW:
            for start in range(0, len(answer.body), 64):
                self.wfile.write(answer.body[start : start + 64])
                time.sleep(0.2)
        else:
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self._hang_up(abruptly=answer.breaks is Break.RESET)

    def _say_nothing(self) -> None:
        with contextlib.suppress(OSError):
            self.rfile.read(1)  # comes back when the client is gone
        self.close_connection = True

    def _hang_up(self, *, abruptly: bool) -> None:
        self.wfile.flush()
        if abruptly:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep silent: the log is `/__town__/served`."""


@contextlib.contextmanager
def serving(town: Town, now: datetime | None = None, port: int = 0) -> Iterator[TownServer]:
    """Serve a town from a thread of this process; port 0 takes a free one."""
    server = TownServer(town, now or town.closes_at, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Child:
    """The server as a child process, spoken to over its own room."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self.process, self.url = process, url

    def set_now(self, now: datetime) -> None:
        self._post("now", {"now": now.isoformat()})

    def plant(self, fault: Fault) -> None:
        told = fault.as_json()
        told.pop("struck")
        self._post("faults", told)

    def served(self) -> list[dict[str, Any]]:
        with urlopen(f"{self.url}/__town__/served", timeout=30) as answer:  # noqa: S310 -- loopback
            lines: list[dict[str, Any]] = json.load(answer)
        return lines

    def stop(self) -> None:
        """End the child; kill it when it does not go within five seconds."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _post(self, name: str, told: dict[str, Any]) -> None:
        request = Request(f"{self.url}/__town__/{name}", json.dumps(told).encode(), method="POST")  # noqa: S310
        with urlopen(request, timeout=30) as answer:  # noqa: S310 -- loopback
            answer.read()


def start_child(folder: Path, port: int = PORT, *, now: datetime | None = None) -> Child:
    """Start the server of the town in `folder`, which ends with this process, and await its word.

    `RuntimeError` with what the child said, when it ends before that (a port that is taken).
    """
    argv = [sys.executable, "-m", "demo.server", "--folder", str(folder), "--port", str(port)]
    if now is not None:
        argv += ["--now", now.isoformat()]
    process = subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, DIE_WITH_PARENT: str(os.getpid())},
    )
    assert process.stdout is not None, "the child's output is piped"
    said = process.stdout.readline().decode().strip()
    if not said.startswith("http://"):
        rest = process.stdout.read().decode()
        process.wait()
        raise RuntimeError(
            f"the town's server did not start on port {port}: {said} {rest}".strip()
            + "; is another one running there?"
        )
    return Child(process, said)


def main() -> None:
    """Serve until SIGTERM or ^C; the first line printed is the server's address."""
    parser = argparse.ArgumentParser(prog="python -m demo.server", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the town was prepared")
    parser.add_argument("--port", type=int, default=PORT, help="0 takes a free one")
    parser.add_argument("--now", type=datetime.fromisoformat, help="instant with an offset")
    asked = parser.parse_args()
    obey_parent()
    town = load_town(asked.folder)
    try:
        server = TownServer(town, asked.now or town.closes_at, asked.port)
    except OSError as error:
        sys.exit(f"cannot bind {HOST}:{asked.port}: {error.strerror}")
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    sys.stdout.write(f"{server.url}\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever(poll_interval=0.1)
    server.server_close()


if __name__ == "__main__":
    main()
