"""One question, answered: from sources to a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from incidents import recorded
from incidents.gateway import with_gateway
from incidents.inquiry import Found, Inquiry, Query, untied
from incidents.phases import records
from incidents.report import Report, SourceCount
from incidents.requests import request_of
from incidents.rules import diagnose
from incidents.sessions import session_of
from incidents.sources import Reading, Source, check_id
from incidents.timeline import Request, Timeline
from incidents.verdict import advice, next_command, verdict

__all__ = ["Query", "trace"]


def trace(sources: Sequence[Source], query: Query) -> Report:
    """Everything that the sources tell about a session or a request.

    Raises BadUsage for an ID that is none, NothingMatched where no request was found, and SourceFailed where
    no source could be read.
    """
    check_id(query.id)
    inquiry = Inquiry(sources, query)
    found = inquiry.look()
    if not found.chosen:
        raise inquiry.nothing(found)
    return _report(found, query)


def _report(found: Found, query: Query) -> Report:
    requests = _requests(found, query)
    session_id = query.session_id or next((each for request in requests for each in request.sessions), None)
    complete = all(reading.complete for reading in found.readings)
    timeline = Timeline(session_of(session_id, requests, query.meanings), requests, complete)
    findings = diagnose(timeline, query.budgets)
    return Report(
        session_id=query.session_id,
        request_id=query.request_id,
        sources=_counts(found.readings, requests),
        timeline=timeline,
        findings=findings,
        verdict=verdict(timeline, findings),
        advice=advice(timeline, findings),
        next_command=next_command(
            timeline,
            session_id=query.session_id,
            request_id=query.request_id,
            logs=query.logs,
            options=query.options,
        ),
        notes=tuple(_notes(found, query)),
    )


def _requests(found: Found, query: Query) -> tuple[Request, ...]:
    requests = sorted((request_of(one, query.meanings) for one in found.chosen), key=lambda each: each.start)
    others = _not_chosen(found, query) if found.gateway_lines else ()
    return with_gateway(requests, found.gateway_lines, query.gateway, query.gateway_limit, others)


def _not_chosen(found: Found, query: Query) -> tuple[Request, ...]:
    """Requests of others that were seen: a gateway's answer may be about one of them."""
    chosen = {id(one) for one in found.chosen}
    return tuple(
        request_of(one, query.meanings) for one in found.grouping.invocations if id(one) not in chosen
    )


def _counts(readings: Iterable[Reading], requests: Iterable[Request]) -> tuple[SourceCount, ...]:
    lines = (line for request in requests for line in (*request.lines, *request.gateway.lines))
    once = {id(line): line for line in lines}
    used = Counter(line.event.source for line in once.values())
    return tuple(
        SourceCount(
            name=reading.name,
            bytes=reading.bytes,
            used=used[reading.name],
            other=reading.parsed - used[reading.name],
            skipped=reading.skipped,
            skipped_count=reading.skipped_count,
            complete=reading.complete,
            unread_bytes=reading.unread_bytes,
        )
        for reading in readings
    )


def _notes(found: Found, query: Query) -> Iterable[str]:
    if found.grouping.mixed_streams:
        names = ", ".join(found.grouping.mixed_streams[:3])
        yield f"Requests overlap in {names}: that is not one log stream, so nothing was carried there."
    if found.grouping.quoted:
        yield (
            f"{found.grouping.quoted} line(s) look like START, END or REPORT but fit no request of their "
            "stream: quoted or forged, and not believed."
        )
    if lost := sum(recorded.dropped(records(one)) for one in found.chosen):
        yield f"Guards could not write {lost} record(s): phases, or marks that were passed, may be missing."
    if lines := untied(found, query):
        yield f"{len(lines)} line(s) name {query.id} but could not be tied to a request."
