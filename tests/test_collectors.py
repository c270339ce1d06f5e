"""The fake collectors: each fails in its own way, counts who came, and lets go when it is closed."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from urllib.parse import urlsplit

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tests.collectors import (
    Collector,
    Refusing,
    accepting,
    dripping,
    failing,
    hanging,
    refusing,
    resetting,
    slow,
)

REQUEST = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
PATIENCE = 20.0
"""Seconds until a test gives up; none takes so long."""


def connected(collector: Collector | Refusing) -> socket.socket:
    address = urlsplit(collector.url)
    assert address.hostname and address.port
    return socket.create_connection((address.hostname, address.port), timeout=PATIENCE)


def http_to(collector: Collector) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(collector.url).netloc, timeout=PATIENCE)


def status_of(connection: http.client.HTTPConnection) -> int:
    connection.request("POST", "/v1/traces", b"abc")
    response = connection.getresponse()
    response.read()
    return response.status


def seen_by(collector: Collector) -> tuple[int, list[bytes]]:
    return collector.connections, collector.bodies()


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip], ids=["plain", "gzip"])
def test_accepting_keeps_what_a_real_exporter_sends(compression: Compression) -> None:
    """The bytes kept are the protobuf message of the exporter, whether it compressed them or not."""
    with accepting() as collector:
        provider = TracerProvider()
        exporter = OTLPSpanExporter(f"{collector.url}/v1/traces", compression=compression)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        provider.get_tracer("test").start_span("extraction").end()
        provider.shutdown()

    [body] = collector.bodies()
    [resource] = ExportTraceServiceRequest.FromString(body).resource_spans
    assert ["extraction"] == [span.name for span in resource.scope_spans[0].spans]


def test_accepting_serves_a_kept_alive_connection() -> None:
    """Two requests on one connection are two requests and one connection."""
    with accepting() as collector:
        connection = http_to(collector)

        assert [200, 200] == [status_of(connection), status_of(connection)]
        assert (1, [b"abc", b"abc"]) == seen_by(collector)
        connection.close()


def test_failing_answers_500() -> None:
    """The request is taken and refused."""
    with failing() as collector:
        assert 500 == status_of(http_to(collector))
        assert (1, [b"abc"]) == seen_by(collector)


def test_failing_answers_as_told() -> None:
    """Any status will do, such as that of a collector that has too much to do."""
    with failing("503 Service Unavailable") as collector:
        assert 503 == status_of(http_to(collector))


def test_hanging_accepts_and_never_answers() -> None:
    """The client's own timeout is all that ends its wait, and the request was received."""
    with hanging() as collector, connected(collector) as client:
        client.sendall(REQUEST)
        client.settimeout(0.5)
        with pytest.raises(TimeoutError):
            client.recv(1)

        assert (1, [b"abc"]) == seen_by(collector)


def test_refusing_refuses() -> None:
    """Nobody listens, for as long as the test runs."""
    with refusing() as collector:
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError):
                connected(collector)


def test_dripping_never_gets_to_the_end() -> None:
    """A few bytes come at a time, so that no timeout between two of them ends the client's wait."""
    with dripping(0.05) as collector, connected(collector) as client:
        client.sendall(REQUEST)
        got = [client.recv(4096) for _ in range(5)]

    assert all(0 < len(piece) < 100 for piece in got)
    assert b"HTTP/1.1 200 OK\r\n".startswith(b"".join(got)[:17])


def test_resetting_ends_with_a_reset() -> None:
    """The client gets ECONNRESET and not just the end of the stream."""
    with resetting() as collector, connected(collector) as client:
        client.sendall(REQUEST)
        with pytest.raises(ConnectionResetError):
            client.recv(1)

        assert (1, [b"abc"]) == seen_by(collector)


def test_slow_answers_late() -> None:
    """The answer is good, and comes no sooner than told."""
    with slow(0.3) as collector:
        began = time.monotonic()

        assert 200 == status_of(http_to(collector))
        assert time.monotonic() - began >= 0.3


def test_request_cut_off_in_the_middle_is_none() -> None:
    """A client that dies while it sends has connected, and has sent nothing that counts."""
    with accepting() as collector:
        with connected(collector) as client:
            client.sendall(REQUEST[:-1])
        status_of(http_to(collector))

        assert (2, [b"abc"]) == seen_by(collector)


EVERY = [accepting, failing, hanging, dripping, resetting, lambda: slow(60)]


@pytest.mark.parametrize(
    "make", EVERY, ids=["accepting", "failing", "hanging", "dripping", "resetting", "slow"]
)
def test_closing_lets_go_of_everybody(make: Callable[[], AbstractContextManager[Collector]]) -> None:
    """Once closed, the client that waited is let go, nobody listens, and no thread is left."""
    before = set(threading.enumerate())
    with make() as collector, connected(collector) as client:
        client.sendall(REQUEST)
        wait_until(lambda: bool(collector.requests))
        collector.__exit__(None, None, None)
        read_to_the_end(client)

    with pytest.raises(ConnectionRefusedError):
        connected(collector)
    wait_until(lambda: not set(threading.enumerate()) - before)


def read_to_the_end(client: socket.socket) -> None:
    try:
        while client.recv(4096):
            pass
    except ConnectionResetError:
        pass


def wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE * 100)):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError(f"not within {PATIENCE:.0f} s")
