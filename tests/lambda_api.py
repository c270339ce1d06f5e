"""The Lambda Runtime API for one process, on loopback: what the runtime client calls, and no more.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import json
import queue
import socketserver
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

_ROOT = "/2018-06-01/runtime"
_LONGEST_LINE = 2 << 20
"""The client sends up to 1 MiB of stack trace in one header, where http.server takes 64 KiB."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What the process gets for its next question."""

    request_id: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Happening:
    """What the process did, or what became of it."""

    what: Literal["next", "response", "error", "init error", "exited"]
    body: bytes = b""
    exit_code: int | None = None
    """Of what exited; a signal's number with a minus."""

    def payload(self) -> Any:
        """The body as JSON; None where there is none."""
        return json.loads(self.body) if self.body else None


class RuntimeApi(socketserver.ThreadingTCPServer):
    """Hands out one invocation after the other and tells what happened, until it is closed."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.happenings: queue.Queue[Happening] = queue.Queue()
        self._invocations: queue.Queue[Invocation | None] = queue.Queue()
        self._serving = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._serving.start()

    @property
    def address(self) -> str:
        """For AWS_LAMBDA_RUNTIME_API."""
        host, port = self.server_address[:2]
        return f"{host!s}:{port}"

    def hand_out(self, invocation: Invocation) -> None:
        """Answer the process's question for the next invocation, asked or yet to be asked."""
        self._invocations.put(invocation)

    def next_invocation(self) -> Invocation | None:
        """Wait for one; None when the environment ends."""
        self.happenings.put(Happening("next"))
        return self._invocations.get()

    def close(self) -> None:
        """Stop listening and let go of who waits. The process must have ended before."""
        self._invocations.put(None)
        self.shutdown()
        self._serving.join(5)
        self.server_close()


class _Connection(socketserver.StreamRequestHandler):
    """One kept-alive connection of the client."""

    server: RuntimeApi
    disable_nagle_algorithm = True
    timeout = 900  # a Lambda's longest run; nothing waits for a client that is gone

    def handle(self) -> None:
        try:
            while self._one_request():
                pass
        except OSError:
            pass  # the process was killed in mid-request

    def _one_request(self) -> bool:
        words = self.rfile.readline(_LONGEST_LINE).decode("latin-1").split()
        if len(words) != 3:
            return False
        headers = dict(iter(self._header, ("", "")))
        length = int(headers.get("content-length", 0))
        body = self.rfile.read(length)
        # A process killed while it posted has posted nothing.
        return len(body) == length and self._answer(words[0], words[1], body)

    def _header(self) -> tuple[str, str]:
        name, _, value = self.rfile.readline(_LONGEST_LINE).decode("latin-1").partition(":")
        return name.strip().lower(), value.strip()

    def _answer(self, method: str, path: str, body: bytes) -> bool:
        if (method, path) == ("GET", f"{_ROOT}/invocation/next"):
            invocation = self.server.next_invocation()
            if invocation:
                self._send("200 OK", invocation.body, invocation.headers)
            return invocation is not None
        happening = _posted(path, body) if method == "POST" else None
        if happening is None:
            return self._send("404 Not Found", b"{}", {})
        self.server.happenings.put(happening)
        return self._send("202 Accepted", b'{"status":"OK"}', {})

    def _send(self, status: str, body: bytes, headers: Mapping[str, str]) -> bool:
        every = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in every.items())
        self.wfile.write(f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body)
        return True


def _posted(path: str, body: bytes) -> Happening | None:
    if path == f"{_ROOT}/init/error":
        return Happening("init error", body)
    if not path.startswith(f"{_ROOT}/invocation/"):
        return None
    if path.endswith("/response"):
        return Happening("response", body)
    return Happening("error", body) if path.endswith("/error") else None
