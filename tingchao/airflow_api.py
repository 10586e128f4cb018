"""The little of Airflow's REST API that is needed here, over loopback and without a proxy."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from tingchao.errors import TingchaoError

TIMEOUT_SECONDS = 90.0  # longer than SQLite may wait for its lock (airflow.environment)
ASK_AGAIN_SECONDS = 60.0
DATABASE_ERROR = '"reason":"Database error"'
WAIT_SECONDS = 0.5


class AirflowApiError(TingchaoError):
    """Airflow answered with an error; `status` is the HTTP status, 0 when it did not answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status

    @property
    def is_of_database(self) -> bool:
        """Whether Airflow could not use its database, most likely for a lock, and rolled back."""
        is_told = self.status == HTTPStatus.INTERNAL_SERVER_ERROR and DATABASE_ERROR in str(self)
        return is_told or self.status == HTTPStatus.SERVICE_UNAVAILABLE


@dataclass
class AirflowApi:
    """One Airflow on this machine, asked as one user."""

    port: int
    user: str
    password: str
    _token: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, *parts: str, **query: Any) -> Any:
        """Answer to GET /api/v2/<parts>; `AirflowApiError` on any other status than 2xx."""
        return self._ask("GET", _path(parts, query))

    def post(self, *parts: str, body: Any) -> Any:
        return self._ask("POST", _path(parts, {}), body)

    def patch(self, *parts: str, body: Any) -> Any:
        return self._ask("PATCH", _path(parts, {}), body)

    def unhealthy_parts(self, parts: tuple[str, ...]) -> list[str]:
        """Those of the named components that are not healthy; all of them when nobody answers."""
        try:
            health = self._send("GET", "/api/v2/monitor/health", None, {})
        except AirflowApiError:
            return list(parts)
        return [part for part in parts if health.get(part, {}).get("status") != "healthy"]

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        if not self._token:
            login = {"username": self.user, "password": self.password}
            self._token = self._send("POST", "/auth/token", login, {})["access_token"]
        return self._send_until_served(
            method, path, body, {"Authorization": f"Bearer {self._token}"}
        )

    def _send_until_served(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        """Send, and send again while Airflow cannot use its database: nothing was done then.

        That is common on SQLite. A backfill fails at once when the scheduler wrote in the middle
        of it, for its savepoint cannot be upgraded (apache/airflow, issue 66726); and a request
        that is written down in the audit log may wait for one that itself waits for it.
        """
        deadline = time.monotonic() + ASK_AGAIN_SECONDS
        while True:
            try:
                return self._send(method, path, body, headers)
            except AirflowApiError as error:
                if not error.is_of_database or time.monotonic() > deadline:
                    raise
            time.sleep(WAIT_SECONDS)

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        content = None if body is None else json.dumps(body)
        headers = {**headers, "Accept": "application/json", "Content-Type": "application/json"}
        try:
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise AirflowApiError(f"Airflow does not answer at {self.url}: {error!r}") from None
        finally:
            connection.close()
        if response.status >= 300:
            where = f"{method} {self.url}{path}"
            raise AirflowApiError(f"{where}: {response.status} {text:.500}", response.status)
        return json.loads(text) if text else None


def _path(parts: tuple[str, ...], query: dict[str, Any]) -> str:
    path = "/api/v2/" + "/".join(quote(part, safe="~") for part in parts)
    return f"{path}?{urlencode(query, doseq=True)}" if query else path
