"""What guards' own records tell of a whole request: when its client began to wait, how long, how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from guards import names
from guards.limits import LAMBDA_LONGEST
from incidents.messages import Line
from incidents.scalars import instant
from incidents.values import Fields, text, whole

_GRAIN = timedelta(milliseconds=10)
"""A recorded deadline and receive time are each rounded to a millisecond."""


def is_of(line: Line, kind: names.RecordKind) -> bool:
    """Whether a line is a record of that kind."""
    return line.said.kind == "record" and (line.said.name or "").startswith(f"{kind}/")


def is_commit(line: Line) -> bool:
    """Whether a record says that the completion guard stored a session's result: it is completed."""
    if not is_of(line, "phase.end") or text(line.said.fields, names.PHASE) != names.COMMIT:
        return False
    return text(line.said.fields, names.OUTCOME) == "ok"


def received(records: Sequence[Line]) -> datetime | None:
    """When the gateway received the request; None where no record tells.

    Guards put their own start there where a clock was off, or where nobody told: then no gateway waits, and
    none sets the deadline.
    """
    fields = _fields(records, "request.start")
    told, at = (instant(text(fields, key)) for key in (names.RECEIVED, names.TIMESTAMP))
    if told is None or at is None or whole(fields, names.CLOCK_SKEW_MS) is not None:
        return None
    if told == at and text(fields, names.LIMIT_BY) != "gateway":
        return None
    return told if timedelta(0) <= at - told <= LAMBDA_LONGEST else None


def gateway_limit(records: Sequence[Line]) -> timedelta | None:
    """The gateway's limit that guards reckoned with; None where none was the one that ends first."""
    fields = _fields(records, "request.start")
    if text(fields, names.LIMIT_BY) != "gateway":
        return None
    told, deadline = (instant(text(fields, key)) for key in (names.RECEIVED, names.DEADLINE))
    if told is None or deadline is None or deadline - told < _GRAIN:
        return None
    return round((deadline - told) / _GRAIN) * _GRAIN


def response_status(records: Sequence[Line]) -> int | None:
    """What the handler answered; None where no record tells."""
    status = whole(_fields(records, "request.end"), names.RESPONSE_STATUS)
    return status if status is not None and 100 <= status <= 599 else None


def error_type(records: Sequence[Line]) -> str | None:
    """The type of the exception that left the handler or the application; None where none did."""
    return text(_fields(records, "request.end"), names.ERROR_TYPE)


def dropped(records: Sequence[Line]) -> int:
    """How many records could not be written, as the request's end tells."""
    return max(whole(_fields(records, "request.end"), names.DROPPED_RECORDS) or 0, 0)


def route(records: Sequence[Line]) -> str | None:
    """Method and route; None where no record tells."""
    return text(_fields(records, "request.start"), names.ROUTE)


def _fields(records: Sequence[Line], kind: names.RecordKind) -> Fields:
    return next((line.said.fields for line in records if is_of(line, kind)), None)
