"""The handler with OpenTelemetry's Lambda instrumentation as it is by default, and a span for each phase."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.aws_lambda import AwsLambdaInstrumentor
from request import ANSWER, PHASES, SESSION, invocation, serve

(CONVERSATION, SONNET), (EXTRACTION, HAIKU) = PHASES
tracer = trace.get_tracer("coaching-api")


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Two phases of nothing."""
    trace.get_current_span().set_attribute("session.id", SESSION)
    with tracer.start_as_current_span(CONVERSATION, attributes={"model": SONNET, "session.id": SESSION}):
        pass
    with tracer.start_as_current_span(EXTRACTION, attributes={"model": HAIKU, "session.id": SESSION}):
        pass
    return ANSWER


os.environ["_HANDLER"] = f"{__name__}.handler"
AwsLambdaInstrumentor().instrument()  # puts another function in the handler's place


def prepared(count: int) -> Callable[[], None]:
    """So many requests, ready to be served."""
    invocations = [invocation() for _ in range(count)]
    return lambda: serve(handler, invocations)
