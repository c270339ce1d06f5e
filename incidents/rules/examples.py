"""Timelines by hand, in seconds after 23:48:08.688 on 2026-02-09: the examples of the rules.

>>> request(32.312).duration
datetime.timedelta(seconds=32, microseconds=312000)
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from guards.limits import GATEWAY_LIMITS, GatewayKind
from incidents.events import Event
from incidents.messages import Kind, Line, Message
from incidents.timeline import Basis, Gap, Gateway, Milestone, Phase, Request, Session, Status, Timeline

START: Final = datetime(2026, 2, 9, 23, 48, 8, 688000, tzinfo=UTC)
SESSION: Final = "sess_58a0ffa3-6bca-4ed9-9acc-1f99d849065a"
FIRST: Final = "ae220969-d5df-4cdc-a767-70f9fa8624de"
LOG_GROUP: Final = "/aws/lambda/coaching-api-4b4d001"
LOG_STREAM: Final = "2026/02/09/[$LATEST]1"
RETRY: Final = "0b9f3c52-7d1e-4c0a-9a57-2f1d6f0c4e11"


def at(after: float) -> datetime:
    """The moment so many seconds after the start."""
    return START + timedelta(seconds=after)


def line(after: float, text: str, *, kind: Kind = "log", **said: Any) -> Line:
    """A log line and what it says."""
    event = Event(at(after), text, LOG_GROUP, LOG_STREAM, None, "example", "example:1", 0)
    return Line(event, Message(kind, at=event.at, **said))


def milestone(name: str, after: float, **said: Any) -> Milestone:
    """A milestone with its line."""
    return Milestone(at(after), name, line(after, name, name=name, **said))


def phase(name: str, start: float, end: float, *, open: bool = False, **more: Any) -> Phase:
    """A phase; an open one was seen until ``end``."""
    lines = (line(end, "executing_llm_call" if open else "llm_call_completed"),)
    return Phase(name, at(start), None if open else at(end), "inferred", at(end), lines=lines, **more)


def gap(start: float, end: float, after: str | None = None) -> Gap:
    """Time in no phase."""
    return Gap(at(start), at(end), after)


def gateway(kind: GatewayKind = "http", status: int | None = None, latency: float | None = None) -> Gateway:
    """A gateway with its default limit; with a status, one whose log was read."""
    basis: Basis = "none" if status is None else "observed"
    took = None if latency is None else timedelta(seconds=latency)
    lines = () if status is None else (line(latency or 0, "access log", kind="gateway"),)
    return Gateway(kind, GATEWAY_LIMITS[kind], status, took, basis, lines)


def request(
    duration: float | None = 5.0, *, start: float = 0.0, seen: float | None = None, **more: Any
) -> Request:
    """A request that went well, ``start`` seconds in; without a duration, one last seen at ``seen``.

    ``more`` are fields of Request; lengths of time in seconds.
    """
    end = None if duration is None else at(start + duration)
    last = end or at(start + 1.0 if seen is None else seen)
    for field in ("init_duration", "unaccounted"):
        if field in more:
            more[field] = timedelta(seconds=more[field])
    plain = Request(
        request_id=FIRST,
        log_group=LOG_GROUP,
        log_stream=LOG_STREAM,
        link="carried",
        start=at(start),
        end=end,
        last_seen=last,
        duration=None if duration is None else timedelta(seconds=duration),
        init_duration=None,
        init_waited=False,
        billed_duration=None,
        memory_size_mb=1024,
        max_memory_used_mb=300,
        outcome="unknown" if duration is None else "ok",
        error_type=None,
        response_status=None,
        route="POST /coaching/message",
        sessions=(SESSION,),
        gateway=gateway(),
        phases=(),
        milestones=(),
        gaps=(),
        unaccounted=None,
        lines=(),
    )
    return _with_lines(replace(plain, **more), start, duration)


def _with_lines(request: Request, start: float, duration: float | None) -> Request:
    if request.lines:
        return request
    between = [each.line for each in request.milestones] + [
        line for each in request.phases for line in each.lines
    ]
    lines = [line(start, "START", kind="start"), *between]
    if duration is not None:
        lines += [line(start + duration, "END", kind="end"), line(start + duration, "REPORT", kind="report")]
    return replace(request, lines=tuple(sorted(lines, key=lambda each: each.event.at)))


def timeline(
    *requests: Request, status: Status = "unknown", completed_by: str | None = None, **more: Any
) -> Timeline:
    """The timeline of the session."""
    return Timeline(Session(SESSION, status, None, completed_by), requests, **more)
