"""The incident as Chrome trace events, to open in https://ui.perfetto.dev or chrome://tracing.

Each log stream is a process. Its tracks: what the client waited for, what the server ran, and the
phases and gaps of it, on as many tracks as overlap. Findings and milestones are instants. Times are
microseconds since 1970.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final

from incidents.report import Finding, Report
from incidents.timeline import Gap, Milestone, Phase, Request
from incidents.views import Options
from incidents.views.exports import (
    answered,
    findings_of,
    init_start,
    known_at,
    milliseconds,
    safe,
    waiting_start,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TRACKS: Final = 1000
"""Track numbers of one process; they are unique over all, as some readers ask."""

Json = dict[str, Any]


def render(report: Report, options: Options) -> str:
    """The trace as one JSON document with a newline at its end; the same report gives the same text."""
    return json.dumps(document(report, options), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def document(report: Report, options: Options) -> Json:
    """The trace as plain data: ``traceEvents`` of the kinds X, i and M."""
    report = safe(report, options)
    requests = sorted(report.timeline.requests, key=_stream)
    streams = [tuple(group) for _, group in groupby(requests, key=_stream)]
    events = [
        event for number, each in enumerate(streams, start=1) for event in _process(number, each, report)
    ]
    return {"displayTimeUnit": "ms", "otherData": {"verdict": report.verdict}, "traceEvents": events}


def _stream(request: Request) -> tuple[str, str]:
    return request.log_group or "", request.log_stream or ""


@dataclass(frozen=True, slots=True)
class _Slice:
    """A stretch of time on a track."""

    name: str
    start: datetime
    end: datetime
    about: Json

    def event(self, pid: int, track: int) -> Json:
        return {
            "name": self.name,
            "ph": "X",
            "pid": pid,
            "tid": _tid(pid, track),
            "ts": _micro(self.start),
            "dur": _micro(self.end) - _micro(self.start),
            "args": {key: value for key, value in self.about.items() if value is not None},
        }


def _process(pid: int, requests: Sequence[Request], report: Report) -> Iterator[Json]:
    group, stream = _stream(requests[0])
    yield _named("process_name", pid, 0, " ".join(filter(None, (group, stream))) or "unknown stream")
    parts = [each for request in requests for each in _parts(request)]
    lanes = (
        ("client", [_client(each) for each in requests if each.is_asked_for]),
        ("server", [each for request in requests for each in _server(request)]),
        ("phases", parts),
    )
    track = 0
    for name, slices in lanes:
        for level in _levels(slices):
            track += 1
            yield _named("thread_name", pid, track, name)
            yield {**_named("thread_sort_index", pid, track, ""), "args": {"sort_index": track}}
            yield from (each.event(pid, track) for each in level)
    for request in requests:
        yield from _instants(request, report, pid)


def _named(kind: str, pid: int, track: int, name: str) -> Json:
    return {"name": kind, "ph": "M", "pid": pid, "tid": _tid(pid, track), "args": {"name": name}}


def _tid(pid: int, track: int) -> int:
    return pid * _TRACKS + track


def _levels(slices: Iterable[_Slice]) -> list[list[_Slice]]:
    """The slices on as few tracks as keep those of one track apart: overlapping ones would be lost."""
    levels: list[list[_Slice]] = []
    for each in sorted(slices, key=lambda one: (one.start, one.end)):
        free = next((level for level in levels if level[-1].end <= each.start), None)
        if free is None:
            levels.append([each])
        else:
            free.append(each)
    return levels


def _client(request: Request) -> _Slice:
    gateway = request.gateway
    end = answered(request)
    status = "unknown" if gateway.client_status is None else str(gateway.client_status)
    about = {
        "request_id": request.request_id,
        "status": gateway.client_status,
        "basis": gateway.basis,
        "gateway": gateway.kind,
        "gateway_limit_ms": milliseconds(gateway.limit),
        "answer_not_seen": True if end is None else None,
    }
    return _slice(f"client: {status}", waiting_start(request), end or request.last_seen, about)


def _server(request: Request) -> Iterator[_Slice]:
    if init_start(request) != request.start:
        yield _slice("init", init_start(request), request.start, {"request_id": request.request_id})
    about = {
        "request_id": request.request_id,
        "session_id": ", ".join(request.sessions) or None,
        "outcome": request.outcome,
        "error_type": request.error_type,
        "response_status": request.response_status,
        "duration_ms": None if request.duration is None else milliseconds(request.duration),
        "end_not_seen": True if request.end is None else None,
    }
    yield _slice(request.route or "request", request.start, request.end or request.last_seen, about)


def _parts(request: Request) -> Iterator[_Slice]:
    yield from map(_phase, request.phases)
    yield from map(_gap, request.gaps)


def _phase(phase: Phase) -> _Slice:
    about = {
        "model": phase.model,
        "error_type": phase.error_type,
        "basis": phase.basis,
        "end_not_seen": True if phase.end is None else None,
    }
    return _slice(phase.name, phase.start, phase.seen_until, about)


def _gap(gap: Gap) -> _Slice:
    return _slice("unaccounted", gap.start, gap.end, {"after": gap.after})


def _slice(name: str, start: datetime, end: datetime, about: Json) -> _Slice:
    return _Slice(name, start, max(start, end), about)


def _instants(request: Request, report: Report, pid: int) -> Iterator[Json]:
    for milestone in request.milestones:
        yield _milestone(milestone, pid)
    for finding in findings_of(request, report):
        yield _finding(finding, request, pid)


def _milestone(milestone: Milestone, pid: int) -> Json:
    return _instant(milestone.name, milestone.at, pid, {})


def _finding(finding: Finding, request: Request, pid: int) -> Json:
    about = {"severity": finding.severity, "confidence": finding.confidence, "summary": finding.summary}
    return _instant(f"{finding.severity}: {finding.rule}", known_at(finding, request), pid, about)


def _instant(name: str, at: datetime, pid: int, about: Json) -> Json:
    # On the process, for it marks a moment of all its tracks.
    return {
        "name": name, "ph": "i", "s": "p", "pid": pid, "tid": _tid(pid, 0), "ts": _micro(at), "args": about
    }  # fmt: skip


def _micro(at: datetime) -> int:
    return max((at - _EPOCH) // timedelta(microseconds=1), 0)
