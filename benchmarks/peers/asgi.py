"""An ASGI application that answers 200, bare or in a middleware: BENCHMARK_MIDDLEWARE says which."""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from request import SERVICE

BODY = b'{"status":"ok"}'
HEADERS = [
    (b"host", b"api.example.com"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    (b"accept", b"application/json"),
    (b"accept-encoding", b"gzip, deflate, br"),
    (b"accept-language", b"en"),
    (b"content-type", b"application/json"),
    (b"content-length", b"2"),
    (b"origin", b"https://app.example.com"),
    (b"traceparent", b"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"),
]


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """Answer."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"15")]})
    await send({"type": "http.response.body", "body": BODY})


def _application(middleware: str) -> Any:
    if middleware == "guards":
        from guards import GuardMiddleware

        return GuardMiddleware(bare, service_name=SERVICE)
    if middleware == "otel":
        from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

        return OpenTelemetryMiddleware(bare)
    if middleware == "hand with lines":
        return _with_lines(_by_hand())
    return _by_hand() if middleware == "hand" else bare


def _with_lines(app: Any) -> Any:
    """A line when a request begins and one when it ends, with the facts that our records have."""
    common = {"level": "INFO", "service": SERVICE, "session_id": None}
    metric = [{"Name": "RequestDuration", "Unit": "Milliseconds"}]
    definition = [{"Namespace": "CoachingGuard", "Dimensions": [["service"]], "Metrics": metric}]

    def say(kind: str, request_id: str, trace_id: str, **facts: object) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        ids = {"request_id": request_id, "trace_id": trace_id}
        record = {"timestamp": at, "guard": kind, **common, **ids, **facts}
        print(json.dumps(record, separators=(",", ":")), flush=True)

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        begun, received = time.perf_counter(), datetime.now(UTC).isoformat(timespec="milliseconds")
        trace_id = next(value for name, value in scope["headers"] if name == b"traceparent")[3:35].decode()
        request_id = str(uuid.uuid4())
        facts = {"deadline": None, "limit_by": None, "cold_start": False}
        route = f"{scope['method']} {scope['path']}"
        say("request.start/1", request_id, trace_id, route=route, received=received, **facts)
        await app(scope, receive, send)
        ended = {"response_status": 200, "outcome": "ok", "client_gone": False, "dropped_records": 0}
        emf = {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": definition}
        took = round((time.perf_counter() - begun) * 1000, 1)
        say("request.end/1", request_id, trace_id, RequestDuration=took, **ended, _aws=emf)

    return serve


def _by_hand() -> Any:
    """The floor with the SDK: one span and one measurement, and nothing that is not asked of the API."""
    from opentelemetry import metrics, propagate, trace

    tracer = trace.get_tracer(SERVICE)
    histogram = metrics.get_meter(SERVICE).create_histogram("coaching.request.duration", unit="s")

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        begun = time.perf_counter()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        with tracer.start_as_current_span(
            f"{scope['method']} {scope['path']}",
            context=propagate.extract(headers),
            kind=trace.SpanKind.SERVER,
            attributes={"http.request.method": scope["method"], "http.route": scope["path"]},
        ) as span:
            await bare(scope, receive, send)
            span.set_attribute("http.response.status_code", 200)
        histogram.record(time.perf_counter() - begun)

    return serve


app = _application(os.environ["BENCHMARK_MIDDLEWARE"])
loop = asyncio.new_event_loop()
answers = 0


def prepared(count: int) -> Callable[[], None]:
    """So many requests, ready to be served, one after the other."""
    scopes = [_scope() for _ in range(count)]
    return lambda: loop.run_until_complete(_serve(scopes))


def counts() -> dict[str, int]:
    """Answers that reached the client."""
    return {"answers": answers}


async def _serve(scopes: list[dict[str, Any]]) -> None:
    for scope in scopes:
        await app(scope, _receive, _send)


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"{}", "more_body": False}


async def _send(message: dict[str, Any]) -> None:
    global answers
    if message["type"] == "http.response.body":
        answers += 1


def _scope() -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/coaching/message",
        "raw_path": b"/coaching/message",
        "query_string": b"",
        "root_path": "",
        "headers": [*HEADERS],
        "client": ("203.0.113.7", 51234),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
