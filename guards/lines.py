"""Records as lines, fast: each kind is encoded once, with marks for the values, and then only filled in.

What a record holds is said in ``guards.records`` alone: the text here is made from those functions when a
kind is first written. Building and encoding the dict each time costs more than ten times as much.

>>> about, at = about_text(About("coaching-api", "r-1")), moment(1770680889000)
>>> line = phase_start(about, at, "extraction", 1, None, None)
>>> json.loads(line) == records.phase_start(
...     About("coaching-api", "r-1"), at=_datetime(1770680889000), phase="extraction", phase_id=1)
True
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from json.encoder import encode_basestring_ascii as _quoted
from typing import Final

from guards import names, records
from guards.names import LimitedBy, Mark, RecordOutcome
from guards.records import About, Record

_AT: Final = datetime(2001, 2, 3, 4, 5, 6, 789_000, UTC)
_START: Final = datetime(2002, 2, 3, 4, 5, 6, 789_000, UTC)
_RECEIVED: Final = datetime(2003, 2, 3, 4, 5, 6, 789_000, UTC)
_DEADLINE: Final = datetime(2004, 2, 3, 4, 5, 6, 789_000, UTC)
_LENGTH: Final = timedelta(milliseconds=987_654_321)
_LENGTH_TEXT: Final = str(_LENGTH / timedelta(milliseconds=1))
_AT_MS_TEXT: Final = str(round(_AT.timestamp() * 1000))
_ABOUT: Final = About("@service", "@request", "@session", "@trace")

_SERVICE_IS: Final = f'"{names.SERVICE}":'
_REQUEST_IS: Final = f',"{names.REQUEST_ID}":'
_SESSION_IS: Final = f',"{names.SESSION_ID}":'
_TRACE_IS: Final = f',"{names.TRACE_ID}":'


def about_text(about: About) -> str:
    """Whom records are about, as the part of their text that does not change until something is bound.

    >>> about_text(About("api", None))
    '"service":"api","request_id":null,"session_id":null,"trace_id":null'
    """
    return about_of(about.service, about.request_id, about.session_id, about.trace_id)


def about_of(service: str, request_id: str | None, session_id: str | None, trace_id: str | None) -> str:
    """As about_text, of the values themselves."""
    return (
        f"{_SERVICE_IS}{_quoted(service)}{_REQUEST_IS}{_text(request_id)}"
        f"{_SESSION_IS}{_text(session_id)}{_TRACE_IS}{_text(trace_id)}"
    )


def request_start(
    about: str,
    at: int,
    route: str | None,
    received: int,
    deadline: int | None,
    limit_by: LimitedBy | None,
    cold_start: bool,
    clock_skew_ms: int | None,
) -> str:
    """The line of records.request_start; moments in ms since 1970."""
    a, b, c, d, e, f, g, h, end = _request_start()
    until = "null" if deadline is None else f'"{moment(deadline)}"'
    cold = "true" if cold_start else "false"
    skew = "" if clock_skew_ms is None else f',"{names.CLOCK_SKEW_MS}":{clock_skew_ms}'
    return (
        f"{a}{moment(at)}{b}{about}{c}{_text(route)}{d}{moment(received)}{e}{until}"
        f"{f}{_text(limit_by)}{g}{cold}{h}{skew}{end}"
    )


def phase_start(
    about: str, at: str, phase: str, phase_id: int, parent_id: int | None, model: str | None
) -> str:
    """The line of records.phase_start; the moment as ``moment`` gives it."""
    parent = "null" if parent_id is None else parent_id
    a, b, c, d, e, f, end = _phase_start()
    return f"{a}{at}{b}{about}{c}{_quoted(phase)}{d}{phase_id}{e}{parent}{f}{_text(model)}{end}"


def phase_end(
    about: str,
    at: int,
    phase: str,
    phase_id: int,
    start: str,
    duration: float,
    outcome: RecordOutcome,
    error_type: str | None,
    model: str | None,
    facts: Mapping[str, int | float] | None,
) -> str:
    """The line of records.phase_end; in ms since 1970, but for the start, which is as in phase_start."""
    known = "" if model is None else f',"{names.MODEL}":{_quoted(model)}'
    if facts:
        known += "," + json.dumps(facts, separators=(",", ":"))[1:-1]
    a, b, c, d, e, f, g, h, i, end = _phase_end(outcome)
    return (
        f"{a}{moment(at)}{b}{about}{c}{_quoted(phase)}{d}{phase_id}{e}{start}{f}{duration:.1f}"
        f"{g}{_text(error_type)}{h}{known}{i}{at}{end}"
    )


def request_past(about: str, at: int, past: Mark, elapsed: float, open_phase: str | None) -> str:
    """The line of records.request_past; the moment in ms since 1970, elapsed in ms. Rare, so not prepared."""
    about_it = About(**json.loads("{" + about + "}"))
    elapsed_for = timedelta(milliseconds=elapsed)
    return records.encode(
        records.request_past(
            about_it, at=_datetime(at), past=past, elapsed=elapsed_for, open_phase=open_phase
        )
    )


def request_end(
    about: str,
    at: int,
    duration: float,
    response_status: int | None,
    outcome: RecordOutcome,
    client_gone: bool,
    dropped_records: int,
    dropped_spans: int,
    error_type: str | None,
) -> str:
    """The line of records.request_end; the moment in ms since 1970, the duration in ms."""
    known = f',"{names.DROPPED_SPANS}":{dropped_spans}' if dropped_spans else ""
    if error_type is not None:
        known += f',"{names.ERROR_TYPE}":{_quoted(error_type)}'
    a, b, c, d, e, f, g, h, end = _request_end(outcome)
    status = "null" if response_status is None else response_status
    gone = "true" if client_gone else "false"
    return (
        f"{a}{moment(at)}{b}{about}{c}{duration:.1f}{d}{status}{e}{gone}"
        f"{f}{dropped_records}{g}{known}{h}{at}{end}"
    )


@cache
def _request_start() -> tuple[str, ...]:
    record = records.request_start(
        _ABOUT,
        at=_AT,
        route="@route",
        received=_RECEIVED,
        deadline=_DEADLINE,
        limit_by="@limit_by",  # type: ignore[arg-type]  # a mark
        cold_start="@cold_start",  # type: ignore[arg-type]  # a mark
        clock_skew_ms="@skew",  # type: ignore[arg-type]  # a mark
    )
    received, deadline = records.rfc3339(_RECEIVED), f'"{records.rfc3339(_DEADLINE)}"'
    skew = f',"{names.CLOCK_SKEW_MS}":"@skew"'
    return _pieces(record, '"@route"', received, deadline, '"@limit_by"', '"@cold_start"', skew)


@cache
def _phase_start() -> tuple[str, ...]:
    record = records.phase_start(
        _ABOUT,
        at=_AT,
        phase="@phase",
        phase_id="@phase_id",  # type: ignore[arg-type]  # a mark
        parent_id="@parent_id",  # type: ignore[arg-type]  # a mark
        model="@model",
    )
    return _pieces(record, '"@phase"', '"@phase_id"', '"@parent_id"', '"@model"')


@cache
def _phase_end(outcome: RecordOutcome) -> tuple[str, ...]:
    record = records.phase_end(
        _ABOUT,
        at=_AT,
        phase="@phase",
        phase_id="@phase_id",  # type: ignore[arg-type]  # a mark
        start=_START,
        duration=_LENGTH,
        outcome=outcome,
        error_type="@error_type",
        model="@model",
    )
    start, known = records.rfc3339(_START), f',"{names.MODEL}":"@model"'
    return _pieces(
        record, '"@phase"', '"@phase_id"', start, _LENGTH_TEXT, '"@error_type"', known, _AT_MS_TEXT
    )


@cache
def _request_end(outcome: RecordOutcome) -> tuple[str, ...]:
    record = records.request_end(
        _ABOUT,
        at=_AT,
        duration=_LENGTH,
        response_status="@status",  # type: ignore[arg-type]  # a mark
        outcome=outcome,
        client_gone="@client_gone",  # type: ignore[arg-type]  # a mark
        dropped_records="@dropped_records",  # type: ignore[arg-type]  # a mark
        error_type="@error_type",
    )
    known = f',"{names.ERROR_TYPE}":"@error_type"'
    return _pieces(
        record, _LENGTH_TEXT, '"@status"', '"@client_gone"', '"@dropped_records"', known, _AT_MS_TEXT
    )


def _pieces(record: Record, *marks: str) -> tuple[str, ...]:
    """The record's text around its time, whom it is about, and each mark, in this order.

    Pieces that an f-string puts together take half as long as a template that is filled in by ``%``.
    """
    pieces, rest = [], json.dumps(record, separators=(",", ":")) + "\n"
    for mark in (records.rfc3339(_AT), about_text(_ABOUT), *marks):
        before, found, rest = rest.partition(mark)
        assert found, f"{mark} does not stand in this place of the record"
        pieces.append(before)
    return (*pieces, rest)


def _text(value: str | None) -> str:
    return "null" if value is None else _quoted(value)


def _datetime(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def moment(ms: int) -> str:
    """A moment in ms since 1970 as records.rfc3339 writes it."""
    return f"{_to_the_second(ms // 1000)}{ms % 1000:03d}Z"


@lru_cache(64)  # most moments share their second with one before
def _to_the_second(second: int) -> str:
    return _datetime(second * 1000).strftime("%Y-%m-%dT%H:%M:%S.")
