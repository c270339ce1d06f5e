"""The handler with the spans and histograms that coaching-guard makes, written by hand with OpenTelemetry.

BENCHMARK_LINES says what it prints with json.dumps besides: ``none``; ``ends``, the two phases' and the
request's end as embedded metrics; ``all``, their starts as well.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from opentelemetry import metrics, propagate, trace
from request import ANSWER, PHASES, ROUTE, SERVICE, SESSION, invocation, serve

STARTS = os.environ["BENCHMARK_LINES"] == "all"
ENDS = os.environ["BENCHMARK_LINES"] in ("ends", "all")
METHOD, _, TEMPLATE = ROUTE.partition(" ")
(CONVERSATION, SONNET), (EXTRACTION, HAIKU) = PHASES
EDGES = [1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 25.0, 28.0, 29.0, 30.0, 60.0]

tracer = trace.get_tracer("coaching-api")
meter = metrics.get_meter("coaching-api")
phases, requests = (
    meter.create_histogram(name, unit="s", explicit_bucket_boundaries_advisory=EDGES)
    for name in ("coaching.phase.duration", "coaching.request.duration")
)


@contextmanager
def timed(request_id: str, number: int, name: str, model: str) -> Iterator[None]:
    """A phase: a span, a measurement, its lines."""
    if STARTS:
        say("phase.start", request_id, phase=name, phase_id=number, parent_id=None, model=model)
    attributes = {"coaching.phase": name, "session.id": SESSION}
    start = now()
    begun = time.perf_counter()
    with tracer.start_as_current_span(name, attributes=attributes):
        yield
    seconds = time.perf_counter() - begun
    phases.record(seconds, {"coaching.phase": name})
    if ENDS:
        facts = {"phase": name, "phase_id": number, "start": start, "outcome": "ok", "error_type": None}
        say(
            "phase.end",
            request_id,
            "PhaseDuration",
            seconds,
            [["service"], ["service", "phase"]],
            **facts,
            model=model,
        )


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Two phases of nothing."""
    begun = time.perf_counter()
    request_id = context.aws_request_id
    received = event["requestContext"]["timeEpoch"]
    if STARTS:
        times = {"received": received, "deadline": received + 30_000, "limit_by": "gateway"}
        say("request.start", request_id, route=ROUTE, cold_start=False, **times)
    with tracer.start_as_current_span(
        ROUTE,
        context=propagate.extract(event["headers"]),
        kind=trace.SpanKind.SERVER,
        attributes={"http.request.method": METHOD, "http.route": TEMPLATE},
    ) as span:
        span.set_attribute("session.id", SESSION)
        with timed(request_id, 1, CONVERSATION, SONNET):
            pass
        with timed(request_id, 2, EXTRACTION, HAIKU):
            pass
        span.set_attribute("http.response.status_code", 200)
    seconds = time.perf_counter() - begun
    requests.record(seconds)
    if ENDS:
        facts = {"response_status": 200, "outcome": "ok", "client_gone": False, "dropped_records": 0}
        say("request.end", request_id, "RequestDuration", seconds, [["service"]], **facts)
    return ANSWER


def now() -> str:
    """The time as records have it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def say(
    kind: str,
    request_id: str,
    metric: str | None = None,
    seconds: float = 0.0,
    dimensions: list[list[str]] | None = None,
    **facts: object,
) -> None:
    """Print one line, with an embedded metric if there is one."""
    trace_id = f"{trace.get_current_span().get_span_context().trace_id:032x}"
    record = {
        "level": "INFO",
        "timestamp": now(),
        "guard": f"{kind}/1",
        "service": SERVICE,
        "request_id": request_id,
        "session_id": SESSION,
        "trace_id": trace_id,
        **facts,
    }
    if metric is not None:
        record[metric] = round(seconds * 1000, 1)
        metrics = [{"Name": metric, "Unit": "Milliseconds"}]
        definition = {"Namespace": "CoachingGuard", "Dimensions": dimensions, "Metrics": metrics}
        record["_aws"] = {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [definition]}
    print(json.dumps(record, separators=(",", ":")), flush=True)


def prepared(count: int) -> Callable[[], None]:
    """So many requests, ready to be served."""
    invocations = [invocation() for _ in range(count)]
    return lambda: serve(handler, invocations)
