"""The report as one JSON document, ``guard.trace/1``; its schema is ``docs/trace.schema.json``.

Times are RFC 3339 in UTC with milliseconds, durations are milliseconds. The same report gives the
same text, and every text in it is printable and redacted as the options say.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from incidents.events import Skip
from incidents.messages import Line
from incidents.report import Finding, Report, SourceCount
from incidents.timeline import Gap, Gateway, Milestone, Phase, Request, Session
from incidents.views import Options
from incidents.views.exports import evidence, milliseconds, rfc3339, safe

SCHEMA = "guard.trace/1"


def render(report: Report, options: Options) -> str:
    """The document, indented, with a newline at its end."""
    return json.dumps(document(report, options), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def document(report: Report, options: Options) -> dict[str, Any]:
    """The document as plain data: dicts, lists, strings, numbers, booleans and None."""
    report = safe(report, options)
    return {
        "schema": SCHEMA,
        "query": {"session_id": report.session_id, "request_id": report.request_id},
        "verdict": report.verdict,
        "session": _session(report.timeline.session),
        "requests": [_request(each) for each in report.timeline.requests],
        "findings": [_finding(each, options) for each in report.findings],
        "advice": list(report.advice),
        "next_command": report.next_command,
        "sources": [_source(each) for each in report.sources],
        "notes": list(report.notes),
    }


def _session(session: Session) -> dict[str, Any]:
    return {
        "session_id": session.session_id,
        "status": session.status,
        "completed_at": _time(session.completed_at),
        "completed_by": session.completed_by,
    }


def _request(request: Request) -> dict[str, Any]:
    return {
        "request_id": request.request_id,
        "sessions": list(request.sessions),
        "log_group": request.log_group,
        "log_stream": request.log_stream,
        "route": request.route,
        "link": request.link,
        "start": rfc3339(request.start),
        "end": _time(request.end),
        **_figures(request),
        "outcome": request.outcome,
        "error_type": request.error_type,
        "response_status": request.response_status,
        "gateway": _gateway(request.gateway),
        "phases": [_phase(each) for each in request.phases],
        "milestones": [_milestone(each) for each in request.milestones],
        "unaccounted_ms": _ms(request.unaccounted),
        "gaps": [_gap(each) for each in request.gaps],
        "events": len(request.lines),
    }


def _figures(request: Request) -> dict[str, Any]:
    return {
        "duration_ms": _ms(request.duration),
        "init_duration_ms": _ms(request.init_duration),
        "init_waited": request.init_waited,
        "billed_duration_ms": _ms(request.billed_duration),
        "memory_size_mb": request.memory_size_mb,
        "max_memory_used_mb": request.max_memory_used_mb,
    }


def _gateway(gateway: Gateway) -> dict[str, Any]:
    return {
        "kind": gateway.kind,
        "limit_ms": milliseconds(gateway.limit),
        "client_status": gateway.client_status,
        "client_latency_ms": _ms(gateway.client_latency),
        "basis": gateway.basis,
    }


def _phase(phase: Phase) -> dict[str, Any]:
    return {
        "name": phase.name,
        "start": rfc3339(phase.start),
        "end": _time(phase.end),
        "seen_until": rfc3339(phase.seen_until),
        "duration_ms": _ms(phase.duration),
        "model": phase.model,
        "error_type": phase.error_type,
        "basis": phase.basis,
    }


def _milestone(milestone: Milestone) -> dict[str, Any]:
    return {"at": rfc3339(milestone.at), "name": milestone.name}


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "start": rfc3339(gap.start),
        "end": rfc3339(gap.end),
        "duration_ms": milliseconds(gap.duration),
        "after": gap.after,
    }


def _finding(finding: Finding, options: Options) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "request_id": finding.request_id,
        "summary": finding.summary,
        "remedy": finding.remedy,
        "evidence": [_evidence(each, options) for each in finding.evidence],
    }


def _evidence(line: Line, options: Options) -> dict[str, Any]:
    shown = evidence(line, options)
    return {"where": shown.where, "source": shown.place, "at": rfc3339(shown.at), "message": shown.message}


def _source(source: SourceCount) -> dict[str, Any]:
    return {
        "name": source.name,
        "bytes": source.bytes,
        "events": source.used,
        "other": source.other,
        "skipped": [_skip(each) for each in source.skipped],
        "skipped_count": source.skipped_count,
        "complete": source.complete,
        "unread_bytes": source.unread_bytes,
    }


def _skip(skip: Skip) -> dict[str, Any]:
    return {"where": skip.where, "reason": skip.reason}


def _time(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)


def _ms(duration: timedelta | None) -> int | float | None:
    return None if duration is None else milliseconds(duration)
