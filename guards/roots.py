"""The root of a request: where it begins and ends, whoever calls it.

The middleware and the handler's decorator both come here. Where one stands inside the other the outer one is
the root, and the inner one adds what only it can see.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import Token
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, TypeVar

from guards import lines, names, spans
from guards import request as requests
from guards.deadlines import budget_of
from guards.names import RecordOutcome
from guards.origin import Origin
from guards.request import Request, identifier, now_ms, service_name
from guards.safe import error_type_of
from guards.traces import Parent, parent_of
from guards.watcher import watcher
from guards.writer import writer

_T = TypeVar("_T")

_SHORTEST_MS: Final = 50
# https://docs.aws.amazon.com/apigateway/latest/api/API_PutIntegration.html: an integration's least timeout
_LONGEST_MS: Final = 86_400_000

ended: Final[list[Callable[[Request], None]]] = []
"""Called when a request has ended and is recorded, before the answer leaves: guards.telemetry sends then."""


class Root:
    """A request from its begin to its end. Nothing here raises."""

    __slots__ = ("_generation", "_outermost", "_token", "request")

    def __init__(self, request: Request, *, outermost: bool, generation: int | None = None) -> None:
        self.request = request
        self._outermost = outermost
        self._generation = generation
        self._token: Token[Request | None] | None = None

    def end(
        self,
        kind: type[BaseException] | None,
        response_status: int | None,
        *,
        answered: float | None = None,
    ) -> None:
        """The request is over; ``answered`` is when its answer was out (time.monotonic()), if before."""
        try:
            request = self.request
            if response_status is not None:
                request.response_status = response_status
            if not self._outermost:
                return
            at = time.monotonic() if answered is None else answered
            seconds = at - request.began
            requests.leave(request, self._token)
            if self._generation is not None:
                watcher.forget(self._generation)
            error_type = None if kind is None else error_type_of(kind)
            if request.otel is not None:
                self._tell(request.otel, seconds, error_type)
            _attempt(self._record_end, error_type, seconds, at)
            for hook in ended:
                _attempt(hook, request)
        except Exception:
            writer.dropped.add()

    def _tell(self, otel: spans.Otel, seconds: float, error_type: str | None) -> None:
        span, status = self.request.span, self.request.response_status
        if span is not None:
            failed = error_type or (str(status) if status is not None and status >= 500 else None)
            known = None if status is None else {names.OTEL_RESPONSE_STATUS: status}
            span.end(failed, known, self.request.patience)
        otel.measurements.record_request(seconds, error_type)

    def _record_end(self, error_type: str | None, seconds: float, at: float) -> None:
        request = self.request
        records, lost_spans = writer.dropped.take(), spans.dropped.take()
        if not request.records:
            if not records and not lost_spans:
                return
            request.say_about()  # what was lost is told even where nothing else is
        outcome: RecordOutcome = "ok" if error_type is None else "error"
        limit = request.budget.gateway_limit
        gone = limit is not None and at - request.budget.received > limit
        line = lines.request_end(
            request.about,
            now_ms(),
            seconds * 1000,
            request.response_status,
            outcome,
            gone,
            records,
            lost_spans,
            error_type,
        )
        if not writer.write(line):
            # What this record would have told is told by the next one.
            writer.dropped.add(records)
            spans.dropped.add(lost_spans)


def begin(
    origin: Origin,
    *,
    service: str | None,
    request_id: object,
    left_ms: float | None = None,
    in_lambda: bool = False,
) -> Root | None:
    """Begin a request; None where everything is switched off or it could not be begun. Never raises."""
    try:
        if requests.disabled():
            return None
        outer = requests.under_way()
        if outer is not None and not (in_lambda and _is_another(outer, request_id)):
            outer.route = outer.route or origin.route
            return Root(outer, outermost=False)
        return _begin(origin, service, request_id, left_ms, in_lambda)
    except Exception:
        writer.dropped.add()
        return None


def _is_another(outer: Request, request_id: object) -> bool:
    """Whether Lambda says that this is not the request under way, which then was left without an end."""
    known = identifier(request_id)
    return outer.in_lambda and None not in (known, outer.request_id) and known != outer.request_id


def _begin(
    origin: Origin, service: str | None, request_id: object, left_ms: float | None, in_lambda: bool
) -> Root:
    parent = parent_of(origin.headers)
    request = Request(
        service=service_name(service),
        request_id=request_id,
        budget=budget_of(origin, gateway_limit_ms(), left_ms),
        route=origin.route,
        trace_id=None if parent is None else parent.trace_id,
        in_lambda=in_lambda,
    )
    root = Root(request, outermost=True)
    root._token = requests.enter(request)
    cold = _is_cold_start(in_lambda)
    request.otel = spans.configured()
    if request.otel is not None:
        _attempt(_begin_span, request, request.otel, origin, parent, cold)
    if request.span is not None and request.records:
        request.say_about()  # the trace may be one that begins here
    if request.starts:
        _attempt(_record_start, request, cold)
    if request.budget.gateway_limit is not None:
        root._generation = _attempt(watcher.watch, request)
    return root


def _attempt(step: Callable[..., _T], *about: Any) -> _T | None:
    """Do a step of the way; where it fails the others are done all the same."""
    try:
        return step(*about)
    except Exception:
        writer.dropped.add()
        return None


def _begin_span(
    request: Request, otel: spans.Otel, origin: Origin, parent: Parent | None, cold: bool
) -> None:
    name = request.route or request.service
    attributes = _span_attributes(request, otel, origin, cold)
    request.span = otel.begin(name, request.patience, attributes, server=True, parent=parent)


def _span_attributes(request: Request, otel: spans.Otel, origin: Origin, cold: bool) -> Mapping[str, Any]:
    known = {} if origin.method is None else _http_attributes(origin.method, request.route)
    if not otel.faas or not request.in_lambda:
        return known
    invocation = {} if request.request_id is None else {names.OTEL_INVOCATION_ID: request.request_id}
    return {**known, names.OTEL_COLD_START: cold, **invocation}


@lru_cache(128)  # an API has few routes
def _http_attributes(method: str, route: str | None) -> Mapping[str, str]:
    template = (route or "").partition(" ")[2]
    known = {names.OTEL_METHOD: method}
    return MappingProxyType({**known, names.OTEL_ROUTE: template} if template else known)


def _record_start(request: Request, cold: bool) -> None:
    budget = request.budget
    at = request.began_ms
    deadline = budget.deadline
    writer.write(
        lines.request_start(
            request.about,
            at,
            request.route,
            at - round((request.began - budget.received) * 1000),
            at + round((deadline.monotonic - request.began) * 1000) if deadline.known else None,
            deadline.limit_by,
            cold,
            budget.skew_ms,
        )
    )


def gateway_limit_ms() -> float | None:
    """The gateway's limit as GUARD_GATEWAY_LIMIT_MS gives it; None where it is not set, or no limit in ms."""
    given = requests.setting("GUARD_GATEWAY_LIMIT_MS")
    return _limit(given) if given else None


@lru_cache(16)  # once for each value, and so is the warning
def _limit(given: str) -> float | None:
    try:
        limit = float(given)
    except ValueError:
        limit = 0.0
    if _SHORTEST_MS <= limit < _LONGEST_MS:
        return limit
    told = given if len(given) <= 16 else "..."
    what = f"GUARD_GATEWAY_LIMIT_MS={told!r} is passed over: it is no gateway's limit in ms"
    with suppress(Warning):  # where warnings are errors, requests are timed all the same
        warnings.warn(f"{what}; write 30000 for 30 s", stacklevel=2)
    return None


_served = False


def _is_cold_start(in_lambda: bool) -> bool:
    """Whether it is the first request of a Lambda environment that was not started ahead of requests."""
    global _served
    if _served:
        return False
    _served = True
    ahead = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "provisioned-concurrency"
    return in_lambda and not ahead
