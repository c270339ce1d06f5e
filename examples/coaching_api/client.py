"""The frontend: it sends, tries again, polls, and keeps what it saw."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_NO_HEADERS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer; times in seconds of the incident since the client's first request."""

    request: str
    """Method and path."""
    sent: float
    answered: float
    status: int
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def result(self) -> Any:
        """The session's result, where the answer holds it."""
        return self.body.get("result")

    @property
    def code(self) -> str | None:
        """The error's code, where there is one."""
        return self.body.get("code")


@dataclass(slots=True)
class Client:
    """One user's browser."""

    address: str
    session_id: str
    scale: float
    """Seconds here for one second of the incident."""
    seen: list[Exchange] = field(default_factory=list)
    """All exchanges, in the order of their answers."""
    began: float = field(default_factory=time.monotonic)

    def say(self, text: str, *, conversation_s: float = 0.3) -> Exchange:
        """Send a message; the conversation's model will take so long."""
        headers = {"x-twin-conversation": str(conversation_s)}
        return self._ask("POST", "/coaching/message", {"session_id": self.session_id, "text": text}, headers)

    def complete(self) -> Exchange:
        """Ask for the completion."""
        return self._ask("POST", "/coaching/complete", {"session_id": self.session_id})

    def status(self) -> Exchange:
        """Ask how the session stands."""
        return self._ask("GET", f"/coaching/sessions/{self.session_id}")

    def follow(self, answer: Exchange, *, most_s: float = 600.0) -> Exchange:
        """As docs/completion.md asks of a frontend: complete where it is told to; poll while pending."""
        if answer.body.get("status") == "ready":
            answer = self.complete()
        wait_s = float(answer.headers.get("retry-after", "2"))
        until = self._now() + most_s
        while answer.body.get("status") == "pending" and self._now() < until:
            time.sleep(wait_s * self.scale)
            answer = self.status()
        return answer

    def wait_until(self, moment: float) -> None:
        """Wait until so many seconds of the incident have passed since the first request."""
        time.sleep(max(0.0, (moment - self._now()) * self.scale))

    def _now(self) -> float:
        return (time.monotonic() - self.began) / self.scale

    def _ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] = _NO_HEADERS
    ) -> Exchange:
        if not self.seen:
            self.began = time.monotonic()
        sent = self._now()
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.address + path, data, {"content-type": "application/json", **headers}, method=method
        )
        status, told, content = _answer(request)
        exchange = Exchange(f"{method} {path}", sent, self._now(), status, told, json.loads(content))
        self.seen.append(exchange)
        return exchange


def _answer(request: urllib.request.Request) -> tuple[int, Mapping[str, str], bytes]:
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return response.status, _lower(response.headers), response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _lower(error.headers), error.read()


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
