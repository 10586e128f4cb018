"""What the little API client makes of Airflow's answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tingchao.airflow_api import AirflowApi, AirflowApiError

TOLD = {
    503: {"detail": "Database is locked. Backfill creation is not supported on SQLite"},
    555: {"detail": {"reason": "Database error", "statement": "hidden"}},
}
"""Bodies of errors; 555 stands for a 500 of the database."""


@contextmanager
def answering(*statuses: int) -> Iterator[tuple[AirflowApi, list[str]]]:
    """An Airflow that gives these statuses in turn, and what it was asked for beside the token."""
    asked: list[str] = []
    left = iter(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/auth/token":
                self.answer(201, {"access_token": "t"})
            else:
                asked.append(self.path)
                status = next(left)
                self.answer(500 if status == 555 else status, TOLD.get(status, {"id": 1}))

        def answer(self, status: int, body: Mapping[str, object]) -> None:
            content = json.dumps(body, separators=(",", ":")).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield AirflowApi(server.server_address[1], "u", "p"), asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tingchao.airflow_api.WAIT_SECONDS", 0)


def test_a_locked_database_is_asked_again() -> None:
    with answering(503, 555, 200) as (api, asked):
        assert api.post("backfills", body={}) == {"id": 1}
    assert asked == ["/api/v2/backfills"] * 3


def test_a_database_locked_for_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tingchao.airflow_api.ASK_AGAIN_SECONDS", 0)
    with answering(503, 503, 503) as (api, asked), pytest.raises(AirflowApiError, match="locked"):
        api.post("backfills", body={})
    assert len(asked) <= 2


@pytest.mark.parametrize("status", [400, 404, 409, 500])
def test_other_errors_are_told_at_once(status: int) -> None:
    with answering(status) as (api, asked), pytest.raises(AirflowApiError) as caught:
        api.post("backfills", body={})
    assert (caught.value.status, len(asked)) == (status, 1)
