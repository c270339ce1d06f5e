"""The handler with Powertools for AWS Lambda: Logger, Tracer and Metrics, the same facts as our records.

BENCHMARK_LINES=all logs that the request and each phase begins and ends, as our records do; =few logs each
phase when it ends. The X-Ray emitter throws subsegments away before they are serialised.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from request import ANSWER, PHASES, ROUTE, SERVICE, SESSION, invocation, serve

ALL = os.environ["BENCHMARK_LINES"] == "all"
(CONVERSATION, SONNET), (EXTRACTION, HAIKU) = PHASES
METRIC = {CONVERSATION: "ConversationDuration", EXTRACTION: "ExtractionDuration"}


class NullEmitter:
    """Takes subsegments and keeps their number only."""

    def __init__(self) -> None:
        self.count = 0

    def send_entity(self, entity: Any) -> None:
        """Count it."""
        self.count += 1


emitter = NullEmitter()
logger = Logger(service=SERVICE)
tracer = Tracer(service=SERVICE, auto_patch=False)
tracer.provider.configure(emitter=emitter)
metrics = Metrics(namespace="CoachingGuard", service=SERVICE)


@contextmanager
def timed(name: str, model: str) -> Iterator[None]:
    """A phase: a subsegment, its lines, its metric."""
    if ALL:
        logger.info("phase.start", phase=name, model=model)
    with tracer.provider.in_subsegment(name) as subsegment:
        begun = time.perf_counter()
        yield
        duration = (time.perf_counter() - begun) * 1000
        subsegment.put_annotation("model", model)
    metrics.add_metric(METRIC[name], MetricUnit.Milliseconds, duration)
    logger.info("phase.end", phase=name, model=model, duration_ms=round(duration, 1), outcome="ok")


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler
@metrics.log_metrics
def handler(event: Any, context: Any) -> dict[str, Any]:
    """Two phases of nothing."""
    begun = time.perf_counter()
    logger.append_keys(session_id=SESSION)
    tracer.put_annotation("session_id", SESSION)
    if ALL:
        logger.info("request.start", route=ROUTE, received=event["requestContext"]["timeEpoch"])
    with timed(CONVERSATION, SONNET):
        pass
    with timed(EXTRACTION, HAIKU):
        pass
    duration = (time.perf_counter() - begun) * 1000
    metrics.add_metric("RequestDuration", MetricUnit.Milliseconds, duration)
    if ALL:
        logger.info("request.end", duration_ms=round(duration, 1), response_status=200, outcome="ok")
    return ANSWER


def prepared(count: int) -> Callable[[], None]:
    """So many requests, ready to be served."""
    invocations = [invocation() for _ in range(count)]
    return lambda: serve(handler, invocations)


def counts() -> dict[str, int]:
    """Subsegments so far."""
    return {"subsegments": emitter.count}
