"""The fake on a port of 127.0.0.1: JSON 1.1, signed requests, recorded calls, faults on order."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from tests.aws_account import QUERY, Account, as_json, as_xml, call_of, error_as_xml
from tests.cloudwatch_logs.errors import ApiError
from tests.cloudwatch_logs.operations import Logs, Settings
from tests.cloudwatch_logs.store import Store
from tests.permissions import heard_by_server
from tests.serving import served

TARGET = "Logs_20140328."
TABLES = "DynamoDB_20120810."
LONGEST = 4 << 20


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong at some calls of one operation."""

    operation: str
    what: ApiError | Literal["reset", "hang", "cut", "nonsense"]
    first: int = 1
    """At which call of this operation, counted from 1 ..."""
    times: int = 1_000_000
    """... and at how many from there."""


@dataclass(slots=True)
class Fake:
    """The running fake."""

    logs: Logs
    url: str = ""
    account: Account = field(default_factory=Account)
    """What there is besides logs."""
    faults: tuple[Fault, ...] = ()
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Every operation that was asked for, in order, with its parameters."""
    signers: Counter[str] = field(default_factory=Counter)
    """Access key -> how many calls were signed with it."""
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def counts(self) -> Counter[str]:
        """How often each operation was asked for."""
        return Counter(operation for operation, _ in self.calls)

    def fault(self, operation: str) -> Fault | None:
        """What goes wrong at the call that was just recorded."""
        number = self.counts[operation]
        for each in self.faults:
            if each.operation == operation and each.first <= number < each.first + each.times:
                return each
        return None


@contextmanager
def serving(
    store: Store,
    settings: Settings | None = None,
    *faults: Fault,
    port: int = 0,
    account: Account | None = None,
) -> Iterator[Fake]:
    """The fake while it runs."""
    fake = Fake(Logs(store, settings), faults=faults, account=account or Account())
    handler = type("Handler", (_Handler,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}"
    with served(server):
        try:
            yield fake
        finally:
            fake.over.set()


class _Handler(BaseHTTPRequestHandler):
    # Head and body are two small writes: without this the second waits 40 ms for the client's kernel.
    disable_nagle_algorithm = True
    fake: Fake
    lock = threading.Lock()
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._of_account(b"")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(min(length, LONGEST))
        if not self.headers.get("X-Amz-Target", "").startswith((TARGET, TABLES)):
            return self._of_account(body)
        operation = self.headers.get("X-Amz-Target", "").removeprefix(TARGET).removeprefix(TABLES)
        try:
            with self.lock:
                parameters = self._parameters(body)
                self._heard("dynamodb" if self._is_for_tables else "logs", operation)
                self.fake.calls.append((operation, parameters))
                fault = self.fake.fault(operation)
            if fault is None:
                with self.lock:
                    answer = self.fake.logs.answer(operation, parameters)
                self._say(200, answer)
            else:
                self._fail(fault)
        except ApiError as error:
            self._refuse(error)

    @property
    def _is_for_tables(self) -> bool:
        return self.headers.get("X-Amz-Target", "").startswith(TABLES)

    def _heard(self, service: str, operation: str) -> None:
        signed = self.headers.get("Authorization", "").partition("Credential=")[2]
        self.fake.signers[signed.partition("/")[0]] += 1
        heard_by_server(self.headers.get("User-Agent", ""), service, operation)

    def _of_account(self, body: bytes) -> None:
        """A call of another service than these two."""
        service = ""
        try:
            with self.lock:
                service, operation, asked = call_of(self.command, self.path, self.headers, body)
                self._heard(service, operation)
                self.fake.calls.append((operation, asked))
                fault = self.fake.fault(operation)
            if fault is not None:
                return self._fail(fault)
            with self.lock:
                answer = self.fake.account.answer(service, operation, asked)
            self._send(200, as_xml(operation, answer) if service in QUERY else as_json(answer))
        except ApiError as error:
            if service in QUERY:
                return self._send(error.status, error_as_xml(error))
            self._refuse(error)

    def _parameters(self, body: bytes) -> dict[str, Any]:
        target = self.headers.get("X-Amz-Target", "")
        prefix, kind, name = (
            (TABLES, "1.0", "dynamodb") if target.startswith(TABLES) else (TARGET, "1.1", "logs")
        )
        if not target.startswith(prefix):
            raise ApiError("UnknownOperationException", "no such operation")
        if self.headers.get("Content-Type") != f"application/x-amz-json-{kind}":
            raise ApiError("SerializationException", f"not JSON {kind}")
        if f"/{name}/aws4_request" not in self.headers.get("Authorization", ""):
            raise ApiError("MissingAuthenticationTokenException", f"the request is not signed for {name}")
        try:
            parameters = json.loads(body)
        except ValueError:
            raise ApiError("SerializationException", "the body is no JSON") from None
        assert isinstance(parameters, dict)
        return parameters

    def _fail(self, fault: Fault) -> None:
        if isinstance(fault.what, ApiError):
            raise fault.what
        self.close_connection = True
        if fault.what == "hang":
            self.fake.over.wait(30)
        elif fault.what == "nonsense":
            self._send(200, b"<html>a proxy speaks</html>")
        elif fault.what == "cut":
            self._send(200, b'{"events": [', promised=1000)
        else:
            # A reset, not an orderly end: nothing lingers, so that the peer gets RST.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def _refuse(self, error: ApiError) -> None:
        self._say(error.status, {"__type": error.code, "message": error.message})

    def _say(self, status: int, answer: dict[str, Any]) -> None:
        self._send(status, json.dumps(answer).encode())

    def _send(self, status: int, body: bytes, promised: int | None = None) -> None:
        with suppress(OSError):  # the client may have gone
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(promised or len(body)))
            self.send_header("x-amzn-RequestId", "00000000-0000-4000-8000-000000000000")
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the recorded calls tell more."""
