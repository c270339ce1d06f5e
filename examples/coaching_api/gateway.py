"""An HTTP API on 127.0.0.1: it invokes the function, and gives up at its limit while the function runs on."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Protocol

GAVE_UP: Final = (503, {"content-type": "application/json"}, b'{"message":"Service Unavailable"}')
_PATIENCE_S: Final = 60.0
_MOST_BYTES: Final = 1 << 20
Answer = tuple[int, dict[str, str], bytes]


class Environment(Protocol):
    """What runs a handler, one request at a time."""

    def invoke(self, event: object) -> Any:
        """Run it and wait for its end."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """A client's request."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


class Gateway:
    """The integration: payload 2.0, one ``$default`` route, a limit, and environments that are up already."""

    def __init__(self, environments: Sequence[Environment], limit: float) -> None:
        """``limit`` is in seconds."""
        self.limit = limit
        self._count = len(environments)
        self._free: queue.LifoQueue[Environment] = queue.LifoQueue()
        for environment in reversed(environments):
            self._free.put(environment)
        self._pool = ThreadPoolExecutor(self._count)

    def answer(self, call: Call) -> Answer:
        """What the client gets."""
        received = time.time()
        running = self._pool.submit(self._invoke, event_of(call, received))
        try:
            response = running.result(timeout=self.limit)
        except TimeoutError:
            return GAVE_UP
        if response is None:
            return 500, {"content-type": "application/json"}, b'{"message":"Internal Server Error"}'
        return response["statusCode"], response.get("headers", {}), response.get("body", "").encode()

    def wait_until_idle(self) -> None:
        """Wait until no function runs any more, given up on or not."""
        until = time.monotonic() + _PATIENCE_S + 10 * self.limit
        while self._free.qsize() < self._count:
            assert time.monotonic() < until, "a function is still running"
            time.sleep(0.02)

    def close(self) -> None:
        """Wait for what runs; take no more."""
        self._pool.shutdown(wait=True)

    def _invoke(self, event: dict[str, Any]) -> Any:
        environment = self._free.get(timeout=_PATIENCE_S)
        try:
            return environment.invoke(event).response
        finally:
            self._free.put(environment)


def event_of(call: Call, received: float) -> dict[str, Any]:
    """A request as an HTTP API hands it on, received at a time in seconds since 1970."""
    http = {"method": call.method, "path": call.path, "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": call.path,
        "rawQueryString": "",
        "headers": call.headers,
        "requestContext": {"http": http, "stage": "$default", "timeEpoch": round(received * 1000)},
        "body": call.body,
        "isBase64Encoded": False,
    }


@contextmanager
def listening(gateway: Gateway) -> Iterator[str]:
    """The gateway's address while it listens."""

    class Handler(BaseHTTPRequestHandler):
        """Hands each request to the gateway."""

        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            """Whatever its method."""
            length = min(int(self.headers.get("content-length") or 0), _MOST_BYTES)
            body = self.rfile.read(length).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, headers, content = gateway.answer(Call(self.command, self.path, headers, body))
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() != "content-length":
                    self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            """This API has no access log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
        gateway.close()
