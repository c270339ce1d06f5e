"""From an invocation's lines to a request: times, outcome, phases, milestones, gaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from incidents import recorded
from incidents.invocations import Invocation
from incidents.meanings import Meaning, Meanings
from incidents.messages import Line
from incidents.phases import gaps, phases, records, unaccounted
from incidents.timeline import COMPLETED, Gateway, Milestone, Outcome, Request
from incidents.values import Fields, milliseconds, text, whole

NO_GATEWAY = Gateway("unknown", timedelta(0), None, None, "none")
"""Before anything is known of the client's side."""

_WAITED_AT_MOST = timedelta(seconds=1)
_CLOCKS = timedelta(milliseconds=500)
"""How far the gateway's clock and Lambda's may be apart."""
_NOT_WAITED_FOR = ("provisioned-concurrency", "lambda-managed-instances")


def request_of(invocation: Invocation, meanings: Meanings) -> Request:
    """All that an invocation's own lines tell; the client's side is added by incidents.gateway."""
    start = (invocation.start or invocation.lines[0]).event.at
    end = _end(invocation)
    last_seen = max(end or start, start) if end else max(line.event.at for line in invocation.lines)
    duration = milliseconds(_report(invocation), "durationMs")
    known = phases(invocation, meanings, until=last_seen)
    moments = _milestones(invocation, meanings)
    told = records(invocation)
    received = recorded.received(told)
    return Request(
        request_id=invocation.request_id,
        log_group=invocation.log_group,
        log_stream=invocation.log_stream,
        link=invocation.link,
        start=start,
        end=end,
        last_seen=last_seen,
        duration=duration,
        init_duration=_init_duration(invocation),
        init_waited=_init_waited(invocation, start, received),
        billed_duration=milliseconds(_report(invocation), "billedDurationMs"),
        memory_size_mb=whole(_report(invocation), "memorySizeMB"),
        max_memory_used_mb=whole(_report(invocation), "maxMemoryUsedMB"),
        outcome=_outcome(invocation),
        error_type=_error_type(invocation) or recorded.error_type(told),
        response_status=_response_status(invocation, meanings),
        route=_route(invocation, meanings),
        sessions=sessions_of(invocation),
        gateway=NO_GATEWAY,
        phases=known,
        milestones=moments,
        gaps=gaps(start, last_seen, known, moments),
        unaccounted=unaccounted(start, duration, known),
        lines=(*invocation.init, *invocation.lines),
        received=received,
        gateway_limit=recorded.gateway_limit(told),
    )


def sessions_of(invocation: Invocation) -> tuple[str, ...]:
    """The sessions that the lines of a request say they are about, in order of appearance."""
    named = (line.said.session_id for line in invocation.lines)
    return tuple(dict.fromkeys(session for session in named if session is not None))


def _end(invocation: Invocation) -> datetime | None:
    for kind in ("end", "runtime-done", "report", "timeout"):
        if line := invocation.closed_by(kind):
            return line.event.at
    return None


def _report(invocation: Invocation) -> Fields:
    report = invocation.closed_by("report")
    return report.said.fields if report else None


def _init_duration(invocation: Invocation) -> timedelta | None:
    """As REPORT has it; else as the init itself reported, which REPORT leaves out where the init failed."""
    reports = ("init-report", "restore-report")
    inits = [line.said.fields for line in invocation.init if line.said.kind in reports]
    told = (
        milliseconds(fields, key)
        for fields in (_report(invocation), *reversed(inits))
        for key in ("initDurationMs", "restoreDurationMs")
    )
    return next((duration for duration in told if duration is not None), None)


def _init_waited(invocation: Invocation, start: datetime, received: datetime | None) -> bool:
    """Whether the init ran because of this request: it was received before, or the init stands right before.

    A proactive or provisioned init ended some time before, and nobody waited for it.
    """
    took = _init_duration(invocation)
    if took is not None and received is not None:
        return took - (start - received) <= min(_CLOCKS, took / 2)
    openings = [line for line in invocation.init if line.said.kind in ("init-start", "restore-start")]
    opening = openings[-1] if openings else None  # an init that failed is begun again
    if took is None or opening is None:
        return False
    if text(opening.said.fields, "initializationType") in _NOT_WAITED_FOR:
        return False
    return start - opening.event.at - took <= _WAITED_AT_MOST


def _outcome(invocation: Invocation) -> Outcome:
    """Lambda's view: a timeout over an error over a normal end; unknown while no end was seen."""
    said = {text(line.said.fields, "status") for line in invocation.closing}
    if invocation.closed_by("timeout") or "timeout" in said:
        return "timeout"
    if said & {"error", "failure"} or _uncaught(invocation) or _error_type(invocation):
        return "error"
    return "ok" if invocation.closing else "unknown"


def _error_type(invocation: Invocation) -> str | None:
    for line in reversed(invocation.closing):
        if error := text(line.said.fields, "errorType"):
            return error
    return _uncaught(invocation)


def _uncaught(invocation: Invocation) -> str | None:
    """The type of the exception that left the handler, as the Python runtime writes it; None if none did."""
    for line in invocation.lines:
        message = line.event.message
        if message.startswith("[ERROR] ") and "Traceback (most recent call last)" in message:
            return message[len("[ERROR] ") :].split(":", 1)[0].strip()[:100] or "unknown"
        fields = line.said.fields or {}
        own = line.said.level == "ERROR" and invocation.request_id in line.said.request_ids
        # The runtime's own JSON line; one that a logger wrote names it.
        if own and {"errorType", "errorMessage"} <= fields.keys() and "logger" not in fields:
            return text(fields, "errorType") or "unknown"
    return None


def _meant(invocation: Invocation, meanings: Meanings) -> Iterator[tuple[Line, Meaning]]:
    for line in invocation.lines:
        if (meaning := meanings.of(line.said.name)) is not None:
            yield line, meaning


def _response_status(invocation: Invocation, meanings: Meanings) -> int | None:
    """What the handler answered: the last line that tells wins, a field over a fixed status."""
    status: int | None = None
    for line, meaning in _meant(invocation, meanings):
        told = _status(line.said.fields, meaning.response_status_field)
        status = told or meaning.response_status or status
    return recorded.response_status(records(invocation)) or status


def _status(fields: Fields, key: str | None) -> int | None:
    status = whole(fields, key)
    return status if status is not None and 100 <= status <= 599 else None


def _route(invocation: Invocation, meanings: Meanings) -> str | None:
    if (told := recorded.route(records(invocation))) is not None:
        return told
    for line, meaning in _meant(invocation, meanings):
        method = text(line.said.fields, meaning.method_field)
        path = text(line.said.fields, meaning.path_field)
        if method and path:
            return f"{method} {path}"
    return None


def _milestones(invocation: Invocation, meanings: Meanings) -> tuple[Milestone, ...]:
    inits = [line for line in (*invocation.init, *invocation.lines) if line.said.kind == "init-report"]
    failed = [
        Milestone(line.event.at, "init-failed", line)
        for line in inits
        if text(line.said.fields, "status") in ("error", "timeout")
    ]
    told = tuple(_milestones_of(invocation.lines, meanings))
    return (*failed, *_with_commit(told, records(invocation)))


def _milestones_of(lines: Iterable[Line], meanings: Meanings) -> Iterator[Milestone]:
    for line in lines:
        meaning = meanings.of(line.said.name)
        if meaning is not None and meaning.milestone is not None and _stands(line, meaning):
            yield Milestone(line.event.at, meaning.milestone, line)
        elif meanings.throttling.said_by(line):
            yield Milestone(line.event.at, "llm-throttled", line)


def _stands(line: Line, meaning: Meaning) -> bool:
    return meaning.refusal is None or text(line.said.fields, meaning.refusal) == meaning.refusal_value


def _with_commit(moments: tuple[Milestone, ...], told: Iterable[Line]) -> tuple[Milestone, ...]:
    """The commit where no session_completed line tells of it: guards' record, or else the write itself."""
    if any(moment.name == COMPLETED for moment in moments):
        return moments
    commits = [Milestone(line.event.at, COMPLETED, line) for line in told if recorded.is_commit(line)]
    if commits:
        return tuple(sorted((*moments, *commits), key=lambda moment: moment.at))
    return tuple(
        replace(moment, name=COMPLETED) if _saved_completed(moment) else moment for moment in moments
    )


def _saved_completed(moment: Milestone) -> bool:
    return moment.name == "session-saved" and text(moment.line.said.fields, "status") == "completed"
