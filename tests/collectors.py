"""OTLP/HTTP collectors on loopback that fail in every way a collector can, and one that does not.

with hanging() as collector:
    export_to(collector.url)
    assert 1 == collector.connections
"""

from __future__ import annotations

import gzip
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedIOBase
from types import TracebackType
from typing import Self

from tests.wire import Request, answer, read_request

_MOST_CONNECTIONS = 10_000
_LONGEST_S = 60.0
"""So long a connection is held at most, whatever it waits for."""
_DRIPPED = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nX-Padding: " + b"." * 10_000
_ACCEPTED = answer("200 OK", headers={"Content-Type": "application/x-protobuf"})

Behaviour = Callable[["Connection"], bool]
"""What is done about a request that was read; whether the next one on the connection is wanted."""


class Connection:
    """A client's connection, as a behaviour sees it."""

    def __init__(self, client: socket.socket, closing: threading.Event) -> None:
        self._client, self._closing = client, closing

    def send(self, data: bytes) -> bool:
        """Send; whether it could be."""
        try:
            self._client.sendall(data)
        except OSError:
            return False
        return True

    def wait(self, seconds: float = _LONGEST_S) -> bool:
        """Wait; whether the collector is still open."""
        return not self._closing.wait(seconds)

    def reset(self) -> bool:
        """End with RST rather than FIN; nothing more is wanted."""
        self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False


class Collector(socketserver.ThreadingTCPServer):
    """A server that reads requests, keeps them, and then behaves as it was made to."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behaviour, self.closing = behaviour, threading.Event()
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._connections = 0
        self._open: set[socket.socket] = set()
        self._serving = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._serving.start()

    @property
    def url(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def connections(self) -> int:
        """How many were accepted so far."""
        return self._connections

    @property
    def requests(self) -> tuple[Request, ...]:
        """Those that were read whole so far; bodies decompressed, and else the bytes as they came."""
        with self._lock:
            return tuple(self._requests)

    def bodies(self, path: str = "/v1/traces") -> list[bytes]:
        """The protobuf messages sent to a path."""
        return [request.body for request in self.requests if request.path == path]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close: who waits is let go, and no more is accepted."""
        self.closing.set()
        self.shutdown()
        self._serving.join(5)
        self.server_close()
        with self._lock:
            for client in self._open:
                _hang_up(client)

    def __enter__(self) -> Self:
        """Itself, listening already."""
        return self

    def keep(self, request: Request) -> None:
        """Note what was received."""
        zipped = request.headers.get("content-encoding") == "gzip"
        body = gzip.decompress(request.body) if zipped else request.body
        with self._lock:
            self._requests.append(Request(request.method, request.path, request.headers, body))

    def verify_request(self, request: object, client_address: object) -> bool:
        """Count; past the limit a connection is closed at once."""
        self._connections += 1
        return self._connections <= _MOST_CONNECTIONS

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        """Remember what is open, so that it can be closed."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        """Close without a FIN of its own: a reset must stay one."""
        with self._lock:
            self._open.discard(request)
        request.close()


class _Handler(socketserver.BaseRequestHandler):
    server: Collector
    request: socket.socket

    def handle(self) -> None:
        self.request.settimeout(_LONGEST_S)
        with self.request.makefile("rb") as stream:
            while (request := _read(stream)) is not None:
                self.server.keep(request)
                if not self.server.behaviour(Connection(self.request, self.server.closing)):
                    return


def accepting() -> Collector:
    """Takes everything and says so."""
    return Collector(lambda connection: connection.send(_ACCEPTED))


def failing(status: str = "500 Internal Server Error") -> Collector:
    """Answers each request with an error."""
    return Collector(lambda connection: connection.send(answer(status, b"no")))


def hanging() -> Collector:
    """Accepts the connection, reads the request and never answers."""
    return Collector(lambda connection: connection.wait() and False)


def slow(seconds: float) -> Collector:
    """Answers well, but late."""
    return Collector(lambda connection: connection.wait(seconds) and connection.send(_ACCEPTED))


def dripping(seconds: float = 1.0) -> Collector:
    """Answers one byte at a time, and does not get to the end."""
    return Collector(lambda connection: _drip(connection, seconds))


def resetting() -> Collector:
    """Reads the request and ends the connection with RST."""
    return Collector(Connection.reset)


class Refusing:
    """Where a collector could be and nobody listens. The port stays ours."""

    connections = 0
    requests: tuple[Request, ...] = ()

    def __init__(self, port: socket.socket) -> None:
        self.url = f"http://127.0.0.1:{port.getsockname()[1]}"


@contextmanager
def refusing() -> Iterator[Refusing]:
    """Refuses each connection."""
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))  # and never listens
        yield Refusing(port)


def _read(stream: BufferedIOBase) -> Request | None:
    try:
        return read_request(stream)
    except OSError:
        return None  # the client is gone, or was silent for too long


def _drip(connection: Connection, seconds: float) -> bool:
    for at in range(min(len(_DRIPPED), int(_LONGEST_S / seconds))):
        if not (connection.send(_DRIPPED[at : at + 1]) and connection.wait(seconds)):
            break
    return False


def _hang_up(client: socket.socket) -> None:
    with suppress(OSError):  # it has ended meanwhile
        client.shutdown(socket.SHUT_RDWR)
