"""The incident as an OTLP/JSON trace that any OpenTelemetry backend can import.

The document is an ``ExportTraceServiceRequest`` in OTLP's own JSON encoding: IDs in hex, 64-bit
integers as strings, enums as numbers, times in nanoseconds since 1970. A session is one trace; its
requests are spans of kind SERVER, with init, phases and gaps (``unaccounted``) below them and with
milestones and findings as span events. IDs are hashes of what they name, so that the same incident
gives the same trace wherever it is made.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from typing import Any, Final

from guards.names import (
    OTEL_COLD_START,
    OTEL_ERROR_TYPE,
    OTEL_INVOCATION_ID,
    OTEL_OPERATION_NAME,
    OTEL_PHASE,
    OTEL_REQUEST_MODEL,
    OTEL_RESPONSE_STATUS,
    OTEL_SESSION_ID,
)
from incidents.report import Finding, Report
from incidents.timeline import Gap, Gateway, Milestone, Phase, Request
from incidents.views import Options
from incidents.views.exports import findings_of, init_start, known_at, safe

_INTERNAL: Final = 1
_SERVER: Final = 2
_ERROR: Final = 2
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_NANO: Final = 2**63 - 1
"""OTLP has room for 2^64, but readers hold times in signed integers."""

Value = str | bool | int | float | tuple[str, ...] | None
Json = dict[str, Any]


def render(report: Report, options: Options) -> str:
    """The trace as one JSON document with a newline at its end; the same report gives the same text."""
    return json.dumps(document(report, options), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def document(report: Report, options: Options) -> Json:
    """The ExportTraceServiceRequest as plain data."""
    report = safe(report, options)
    requests = sorted(report.timeline.requests, key=_resource_key)
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _resource(*key)},
                "scopeSpans": [
                    {
                        "scope": {"name": "coaching-guard"},
                        "spans": [span for each in group for span in _spans(each, report)],
                    }
                ],
            }
            for key, group in groupby(requests, key=_resource_key)
        ]
    }


def _resource_key(request: Request) -> tuple[str, str]:
    return request.log_group or "", request.log_stream or ""


def _resource(group: str, stream: str) -> list[Json]:
    function = group.removeprefix("/aws/lambda/") if group.startswith("/aws/lambda/") else ""
    return _attributes(
        {
            "service.name": function or "unknown_service",
            "cloud.provider": "aws",
            "cloud.platform": "aws_lambda",
            "faas.name": function or None,
            "faas.instance": stream or None,
            "aws.log.group.names": (group,) if group else None,
            "aws.log.stream.names": (stream,) if stream else None,
        }
    )


def _spans(request: Request, report: Report) -> Iterator[Json]:
    trace = _trace_id(request, report)
    # Lambda runs a failed asynchronous invocation again under the same ID: its start tells them apart.
    named = (trace, request.request_id, _nano(request.start))
    root = _span_id(*named)
    yield _request_span(request, report, trace, root)
    children = (*_init(request), *map(_phase, request.phases), *map(_gap, request.gaps))
    for index, child in enumerate(children):
        own = _span_id(*named, str(index))
        yield {"traceId": trace, "spanId": own, "parentSpanId": root, "kind": _INTERNAL, **child}


def _request_span(request: Request, report: Report, trace: str, root: str) -> Json:
    return {
        "traceId": trace,
        "spanId": root,
        "name": request.route or "request",
        "kind": _SERVER,
        **_times(request.start, request.end or request.last_seen),
        "attributes": _attributes(_about(request) | _client(request.gateway)),
        "events": [
            *map(_milestone, request.milestones),
            *(_finding(each, request) for each in findings_of(request, report)),
        ],
        "status": _status(_failure(request)),
    }


def _about(request: Request) -> dict[str, Value]:
    reported = request.duration is not None or request.init_duration is not None
    return {
        OTEL_INVOCATION_ID: request.request_id,
        OTEL_SESSION_ID: request.sessions[0] if request.sessions else None,
        OTEL_COLD_START: request.init_duration is not None if reported else None,
        OTEL_RESPONSE_STATUS: request.response_status,
        OTEL_ERROR_TYPE: request.error_type or _failure(request),
        "coaching.outcome": request.outcome,
        "coaching.link": request.link,
        "coaching.open": True if request.end is None else None,
        "coaching.duration": _seconds(request.duration),
        "coaching.init.duration": _seconds(request.init_duration),
        "coaching.unaccounted.duration": _seconds(request.unaccounted),
    }


def _client(gateway: Gateway) -> dict[str, Value]:
    return {
        "coaching.gateway.kind": gateway.kind,
        "coaching.gateway.limit": _seconds(gateway.limit),
        "coaching.client.status_code": gateway.client_status,
        "coaching.client.latency": _seconds(gateway.client_latency),
        "coaching.client.basis": gateway.basis,
    }


def _failure(request: Request) -> str | None:
    """What went wrong, from Lambda's view, the handler's or the client's; None where nothing did."""
    if request.outcome in ("error", "timeout"):
        return request.outcome
    statuses = (request.gateway.client_status, request.response_status)
    return next((str(status) for status in statuses if status is not None and status >= 500), None)


def _status(failure: str | None) -> Json:
    # Without an error the status stays unset, as the conventions ask of whoever is not the operator.
    return {} if failure is None else {"code": _ERROR, "message": failure}


def _init(request: Request) -> Iterator[Json]:
    # An init that nobody waited for has a length, but no known place in time.
    if request.init_waited and request.init_duration is not None:
        yield {"name": "init", **_times(init_start(request), request.start)}


def _phase(phase: Phase) -> Json:
    about: dict[str, Value] = {
        OTEL_PHASE: phase.name,
        OTEL_REQUEST_MODEL: phase.model,
        OTEL_OPERATION_NAME: "chat" if phase.model else None,
        OTEL_ERROR_TYPE: phase.error_type,
        "coaching.phase.basis": phase.basis,
        "coaching.open": True if phase.end is None else None,
    }
    return {
        "name": phase.name,
        **_times(phase.start, phase.seen_until),
        "attributes": _attributes(about),
        "status": _status(phase.error_type),
    }


def _gap(gap: Gap) -> Json:
    about: dict[str, Value] = {"coaching.after": gap.after}
    return {"name": "unaccounted", **_times(gap.start, gap.end), "attributes": _attributes(about)}


def _milestone(milestone: Milestone) -> Json:
    return {"name": milestone.name, "timeUnixNano": _nano(milestone.at)}


def _finding(finding: Finding, request: Request) -> Json:
    about: dict[str, Value] = {
        "coaching.finding.severity": finding.severity,
        "coaching.finding.confidence": finding.confidence,
        "coaching.finding.summary": finding.summary,
        "coaching.finding.remedy": finding.remedy,
    }
    at = _nano(known_at(finding, request))
    return {"name": finding.rule, "timeUnixNano": at, "attributes": _attributes(about)}


def _trace_id(request: Request, report: Report) -> str:
    session = report.timeline.session.session_id
    named = f"request {request.request_id}" if session is None else f"session {session}"
    return sha256(named.encode()).hexdigest()[:32]


def _span_id(*names: str) -> str:
    return sha256("\n".join(names).encode()).hexdigest()[:16]


def _times(start: datetime, end: datetime) -> Json:
    # Clocks run backwards in logs; a span that ends before it starts is refused by many a reader.
    return {"startTimeUnixNano": _nano(start), "endTimeUnixNano": _nano(max(start, end))}


def _nano(at: datetime) -> str:
    nano = (at - _EPOCH) // timedelta(microseconds=1) * 1000
    return str(min(max(nano, 0), _LAST_NANO))


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def _attributes(values: dict[str, Value]) -> list[Json]:
    return [{"key": key, "value": _value(value)} for key, value in values.items() if value is not None]


def _value(value: Value) -> Json:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, tuple):
        return {"arrayValue": {"values": [_value(each) for each in value]}}
    return {"stringValue": value}
