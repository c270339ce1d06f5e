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

from tests.wire import Request, answer, read_request

_ROOT = "/2018-06-01/runtime"
_JSON = {"Content-Type": "application/json"}


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
        request = read_request(self.rfile)
        return request is not None and self._answer(request)

    def _answer(self, request: Request) -> bool:
        if (request.method, request.path) == ("GET", f"{_ROOT}/invocation/next"):
            invocation = self.server.next_invocation()
            if invocation:
                self.wfile.write(answer("200 OK", invocation.body, {**_JSON, **invocation.headers}))
            return invocation is not None
        happening = _posted(request)
        if happening:
            self.server.happenings.put(happening)
        status = "202 Accepted" if happening else "404 Not Found"
        self.wfile.write(answer(status, b'{"status":"OK"}' if happening else b"{}", _JSON))
        return True


def _posted(request: Request) -> Happening | None:
    path = request.path if request.method == "POST" else ""
    if path == f"{_ROOT}/init/error":
        return Happening("init error", request.body)
    if not path.startswith(f"{_ROOT}/invocation/"):
        return None
    if path.endswith("/response"):
        return Happening("response", request.body)
    return Happening("error", request.body) if path.endswith("/error") else None
