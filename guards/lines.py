"""Records as lines, fast: each kind is encoded once, with marks for the values, and then only filled in.

What a record holds is said in ``guards.records`` alone: the text here is made from those functions when a
kind is first written. Building and encoding the dict each time costs four times as much.

>>> line = phase_start(about_text(About("coaching-api", "r-1")), 1770680889000, "extraction", 1, None, None)
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
_ABOUT: Final = About("@service", "@request", "@session", "@trace")


_ABOUT_TEXT: Final = ",".join(
    f'"{name}":%s' for name in (names.SERVICE, names.REQUEST_ID, names.SESSION_ID, names.TRACE_ID)
)


def about_text(about: About) -> str:
    """Whom records are about, as the part of their text that does not change until something is bound.

    >>> about_text(About("api", None))
    '"service":"api","request_id":null,"session_id":null,"trace_id":null'
    """
    values = (about.service, about.request_id, about.session_id, about.trace_id)
    return _ABOUT_TEXT % tuple(map(_text, values))


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
    return _request_start(deadline is None, clock_skew_ms is None) % {
        "about": about,
        "at": _rfc3339(at),
        "route": _text(route),
        "received": _rfc3339(received),
        "deadline": None if deadline is None else _rfc3339(deadline),
        "limit_by": _text(limit_by),
        "cold_start": "true" if cold_start else "false",
        "skew": clock_skew_ms,
    }


def phase_start(
    about: str, at: int, phase: str, phase_id: int, parent_id: int | None, model: str | None
) -> str:
    """The line of records.phase_start; the moment in ms since 1970."""
    return _phase_start() % {
        "about": about,
        "at": _rfc3339(at),
        "phase": _quoted(phase),
        "phase_id": phase_id,
        "parent_id": "null" if parent_id is None else parent_id,
        "model": _text(model),
    }


def phase_end(
    about: str,
    at: int,
    phase: str,
    phase_id: int,
    start: int,
    duration: float,
    outcome: RecordOutcome,
    error_type: str | None,
    model: str | None,
    facts: Mapping[str, int | float] | None,
) -> str:
    """The line of records.phase_end; moments in ms since 1970, the duration in ms."""
    return _phase_end(outcome, model is None, tuple(facts) if facts else ()) % {
        "about": about,
        "at": _rfc3339(at),
        "at_ms": at,
        "phase": _quoted(phase),
        "phase_id": phase_id,
        "start": _rfc3339(start),
        "duration": round(duration, 1),
        "error_type": _text(error_type),
        "model": _text(model),
        **(facts or _NO_FACTS),
    }


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
    return _request_end(outcome, not dropped_spans, error_type is None) % {
        "about": about,
        "at": _rfc3339(at),
        "at_ms": at,
        "duration": round(duration, 1),
        "status": "null" if response_status is None else response_status,
        "client_gone": "true" if client_gone else "false",
        "dropped_records": dropped_records,
        "dropped_spans": dropped_spans,
        "error_type": _text(error_type),
    }


_NO_FACTS: Final[Mapping[str, int | float]] = {}


@cache
def _request_start(no_deadline: bool, no_skew: bool) -> str:
    record = records.request_start(
        _ABOUT,
        at=_AT,
        route="@route",
        received=_RECEIVED,
        deadline=None if no_deadline else _DEADLINE,
        limit_by="@limit_by",  # type: ignore[arg-type]  # a mark
        cold_start="@cold_start",  # type: ignore[arg-type]  # a mark
        clock_skew_ms=None if no_skew else "@skew",  # type: ignore[arg-type]  # a mark
    )
    return _template(
        record, route='"@route"', limit_by='"@limit_by"', cold_start='"@cold_start"', skew='"@skew"'
    )


@cache
def _phase_start() -> str:
    record = records.phase_start(
        _ABOUT,
        at=_AT,
        phase="@phase",
        phase_id="@phase_id",  # type: ignore[arg-type]  # a mark
        parent_id="@parent_id",  # type: ignore[arg-type]  # a mark
        model="@model",
    )
    return _template(
        record, phase='"@phase"', phase_id='"@phase_id"', parent_id='"@parent_id"', model='"@model"'
    )


@cache
def _phase_end(outcome: RecordOutcome, no_model: bool, facts: tuple[str, ...]) -> str:
    record = records.phase_end(
        _ABOUT,
        at=_AT,
        phase="@phase",
        phase_id="@phase_id",  # type: ignore[arg-type]  # a mark
        start=_START,
        duration=_LENGTH,
        outcome=outcome,
        error_type="@error_type",
        model=None if no_model else "@model",
        facts={fact: f"@fact_{fact}" for fact in facts},  # type: ignore[misc]  # marks
    )
    marks = {fact: f'"@fact_{fact}"' for fact in facts}
    return _template(
        record,
        phase='"@phase"',
        phase_id='"@phase_id"',
        error_type='"@error_type"',
        model='"@model"',
        **marks,
    )


@cache
def _request_end(outcome: RecordOutcome, no_spans: bool, no_error: bool) -> str:
    record = records.request_end(
        _ABOUT,
        at=_AT,
        duration=_LENGTH,
        response_status="@status",  # type: ignore[arg-type]  # a mark
        outcome=outcome,
        client_gone="@client_gone",  # type: ignore[arg-type]  # a mark
        dropped_records="@dropped_records",  # type: ignore[arg-type]  # a mark
        dropped_spans=0 if no_spans else "@dropped_spans",  # type: ignore[arg-type]  # a mark
        error_type=None if no_error else "@error_type",
    )
    own = ("status", "client_gone", "dropped_records", "dropped_spans", "error_type")
    return _template(record, **{name: f'"@{name}"' for name in own})


def _template(record: Record, **marks: str) -> str:
    """The record's text with a hole for each mark."""
    text = json.dumps(record, separators=(",", ":")).replace("%", "%%") + "\n"
    everywhere = {
        "about": about_text(_ABOUT),
        "at_ms": str(round(_AT.timestamp() * 1000)),
        "at": records.rfc3339(_AT),
        "start": records.rfc3339(_START),
        "received": records.rfc3339(_RECEIVED),
        "deadline": records.rfc3339(_DEADLINE),
        "duration": str(_LENGTH / timedelta(milliseconds=1)),
    }
    for name, mark in {**everywhere, **marks}.items():
        text = text.replace(mark, f"%({name})s")
    return text


def _text(value: str | None) -> str:
    return "null" if value is None else _quoted(value)


def _datetime(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _rfc3339(ms: int) -> str:
    """As records.rfc3339."""
    second, rest = divmod(ms, 1000)
    return f"{_to_the_second(second)}{rest:03d}Z"


@lru_cache(64)  # most moments share their second with one before
def _to_the_second(second: int) -> str:
    return _datetime(second * 1000).strftime("%Y-%m-%dT%H:%M:%S.")
