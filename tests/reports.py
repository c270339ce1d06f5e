"""Reports built by hand, for tests of what is shown; `incident` is 2026-02-09 as everybody knows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from incidents.events import Event
from incidents.messages import Kind, Line, Message
from incidents.report import Finding, Report, SourceCount
from incidents.timeline import Gap, Gateway, Milestone, Phase, Request, Session, Timeline

SESSION = "sess_58a0ffa3-6bca-4ed9-9acc-1f99d849065a"
SLOW = "ae220969-d5df-4cdc-a767-70f9fa8624de"
RETRY = "b81c7f52-3d0e-4c64-9a1b-2f6d90c4e7a3"
GROUP = "/aws/lambda/coaching-api-4b4d001"
STREAM = "2026/02/09/[$LATEST]5c14fe7d1c8c4671b97550426018ccf2"
START = datetime(2026, 2, 9, 23, 48, 8, 688000, UTC)
THIRTY = timedelta(seconds=30)


def at(seconds: float) -> datetime:
    """A moment of the incident, in seconds after the slow request's START."""
    return START + timedelta(seconds=seconds)


def line(
    seconds: float,
    name: str | None = None,
    kind: Kind = "log",
    *,
    message: str | None = None,
    fields: Mapping[str, object] | None = None,
    **said: Any,
) -> Line:
    """A line of the coaching API's log at that second, with what it says."""
    event = Event(
        at=at(seconds),
        message=message if message is not None else f"INFO: {name} {dict(fields or {})}",
        log_group=GROUP,
        log_stream=STREAM,
        event_id=None,
        source="coaching-api.ndjson",
        place=f"coaching-api.ndjson:{round(seconds * 10) + 100}",
        order=0,
    )
    return Line(event, Message(kind=kind, name=name, fields=fields, **said))


def request(request_id: str = SLOW, start: float = 0.0, duration: float | None = 1.0, **more: Any) -> Request:
    """A request that went well within a second, but for what is given."""
    end = None if duration is None else at(start + duration)
    facts: dict[str, Any] = {
        "request_id": request_id,
        "log_group": GROUP,
        "log_stream": STREAM,
        "link": "carried",
        "start": at(start),
        "end": end,
        "last_seen": end or at(start),
        "duration": None if duration is None else timedelta(seconds=duration),
        "init_duration": None,
        "init_waited": False,
        "billed_duration": None,
        "memory_size_mb": 1024,
        "max_memory_used_mb": 212,
        "outcome": "unknown" if duration is None else "ok",
        "error_type": None,
        "response_status": 200,
        "route": "POST /coaching/message",
        "sessions": (SESSION,),
        "gateway": Gateway("http", THIRTY, 200, None if end is None else end - at(start), "inferred"),
        "phases": (),
        "milestones": (),
        "gaps": (),
        "unaccounted": None,
        "lines": (),
    }
    return Request(**{**facts, **more})


def finding(rule: str = "outlived-gateway", **more: Any) -> Finding:
    """A critical finding about the slow request, but for what is given."""
    facts: dict[str, Any] = {
        "rule": rule,
        "severity": "critical",
        "confidence": "certain",
        "request_id": SLOW,
        "summary": "The request took 32.3 s and the gateway waits 30.0 s: the client must have got 503.",
        "remedy": "Answer before the gateway gives up: defer what does not fit.",
        "evidence": (),
    }
    return Finding(**{**facts, **more})


def source(**more: Any) -> SourceCount:
    """A source that was read in full."""
    facts: dict[str, Any] = {
        "name": "coaching-api.ndjson",
        "bytes": 1_234_567,
        "used": 9,
        "other": 1204,
        "skipped": (),
        "skipped_count": 0,
        "complete": True,
        "unread_bytes": 0,
    }
    return SourceCount(**{**facts, **more})


def report(*requests: Request, **more: Any) -> Report:
    """A report about these requests, but for what is given."""
    facts: dict[str, Any] = {
        "session_id": SESSION,
        "request_id": None,
        "sources": (source(),),
        "timeline": Timeline(Session(SESSION, "active", None, None), requests),
        "findings": (),
        "verdict": "Nothing is wrong with this session.",
        "advice": (),
        "next_command": f"guard trace --session {SESSION} --format html -o incident.html",
    }
    return Report(**{**facts, **more})


def _slow() -> Request:
    extracted = line(
        22.262,
        "coaching_service.llm_call_completed",
        fields={"model_code": "CLAUDE_3_5_SONNET_V2", "processing_time_ms": 21900},
    )
    return request(
        SLOW,
        duration=32.312,
        gateway=Gateway("http", THIRTY, 503, THIRTY, "inferred"),
        phases=(
            Phase(
                "extraction", at(0.362), at(22.262), "inferred", at(22.262), "CLAUDE_3_5_SONNET_V2",
                lines=(extracted,),
            ),
        ),
        milestones=(
            Milestone(at(0.322), "extraction-triggered", TRIGGER),
            Milestone(at(22.312), "session-completed", COMMIT),
        ),
        gaps=(Gap(at(0), at(0.362), None), Gap(at(22.312), at(32.312), "session-completed")),
        unaccounted=timedelta(seconds=10.412),
        lines=(FIRST, extracted, COMMIT, LAST),
    )  # fmt: skip


FIRST = line(0, kind="start", request_ids=(SLOW,))
TRIGGER = line(0.322, "coaching_service.auto_completion_triggered", session_id=SESSION)
COMMIT = line(22.312, "coaching_service.session_completed", session_id=SESSION)
LAST = line(
    32.312,
    kind="report",
    request_ids=(SLOW,),
    fields={"durationMs": 32312.0, "billedDurationMs": 32313, "memorySizeMB": 1024, "maxMemoryUsedMB": 212},
)
REFUSAL = line(
    43.45,
    "coaching_sessions.send_message.not_active",
    session_id=SESSION,
    fields={"current_status": "completed", "error_code": "SESSION_NOT_ACTIVE"},
)


def _retry() -> Request:
    return request(
        RETRY,
        start=43.312,
        duration=0.15,
        response_status=400,
        gateway=Gateway("http", THIRTY, 400, timedelta(seconds=0.15), "inferred"),
        milestones=(Milestone(at(43.45), "request-refused", REFUSAL),),
        lines=(REFUSAL,),
    )


def _findings() -> tuple[Finding, ...]:
    return (
        finding(evidence=(FIRST, LAST)),
        finding(
            "stranded-success",
            summary="The session was stored as completed at 22.3 s, 7.7 s before the gateway gave up: "
            "an answer at that moment would have been in time; the client never heard of it.",
            confidence="likely",
            evidence=(COMMIT, LAST),
            remedy="Answer at the commit, or give the client a way to fetch the stored result.",
        ),
        finding(
            "retry-refused",
            request_id=RETRY,
            summary="A request 21.1 s after ae220969 had completed the session was refused with "
            "SESSION_NOT_ACTIVE (HTTP 400).",
            evidence=(COMMIT, REFUSAL),
            remedy="Answer a retry of a completed session with the stored result.",
        ),
        finding(
            "unaccounted-time",
            severity="warning",
            summary="10.4 s of the request (32%) belong to no phase; the longest gap, 10.0 s, follows the "
            "commit of the session (10.0 s after it): an answer at the commit, at 22.3 s, "
            "would have been in time.",
            confidence="likely",
            evidence=(COMMIT, LAST),
            remedy="Time what runs after the commit with phase(...).",
        ),
        finding(
            "slow-phase",
            severity="warning",
            summary="extraction took 21.9 s with CLAUDE_3_5_SONNET_V2 (budget 8.0 s).",
            evidence=(_slow().phases[0].lines),
            remedy="Use a faster extraction model.",
        ),
    )


def incident(**more: Any) -> Report:
    """The incident of 2026-02-09: done at 32.3 s, 503 at 30.0 s, the retry refused."""
    session = Session(SESSION, "completed", at(22.312), SLOW)
    facts: dict[str, Any] = {
        "timeline": Timeline(session, (_slow(), _retry())),
        "findings": _findings(),
        "verdict": f"Session {SESSION} was completed, but the client got 503 after 30.0 s; "
        "its retry was refused with SESSION_NOT_ACTIVE.",
        "advice": (
            "The result is stored: tell the user that the session is complete and must not be repeated.",
            f"Read it from the sessions table: session_id = {SESSION}, attribute extracted_result.",
        ),
    }
    return report(**{**facts, **more})
