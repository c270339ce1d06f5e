"""The handler with OpenTelemetry's Lambda instrumentation as it is by default, and a span for each phase.

BENCHMARK_POINTS=1 measures each phase and the request into a histogram as well, as our records do.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.instrumentation.aws_lambda import AwsLambdaInstrumentor
from request import ANSWER, PHASES, SESSION, invocation, serve

(CONVERSATION, SONNET), (EXTRACTION, HAIKU) = PHASES
POINTS = os.environ.get("BENCHMARK_POINTS") == "1"
tracer = trace.get_tracer("coaching-api")
meter = metrics.get_meter("coaching-api")
phases, requests = (
    meter.create_histogram(name, unit="s")
    for name in ("coaching.phase.duration", "coaching.request.duration")
)


@contextmanager
def timed(name: str, model: str) -> Iterator[None]:
    """A phase: a span and a measurement."""
    begun = time.perf_counter()
    with tracer.start_as_current_span(name, attributes={"model": model, "session.id": SESSION}):
        yield
    phases.record(time.perf_counter() - begun, {"coaching.phase": name})


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Two phases of nothing."""
    begun = time.perf_counter()
    trace.get_current_span().set_attribute("session.id", SESSION)
    with phase(CONVERSATION, SONNET):
        pass
    with phase(EXTRACTION, HAIKU):
        pass
    if POINTS:
        requests.record(time.perf_counter() - begun)
    return ANSWER


def span(name: str, model: str) -> AbstractContextManager[object]:
    """A phase: a span."""
    return tracer.start_as_current_span(name, attributes={"model": model, "session.id": SESSION})


phase = timed if POINTS else span


os.environ["_HANDLER"] = f"{__name__}.handler"
AwsLambdaInstrumentor().instrument()  # puts another function in the handler's place


def prepared(count: int) -> Callable[[], None]:
    """So many requests, ready to be served."""
    invocations = [invocation() for _ in range(count)]
    return lambda: serve(handler, invocations)
