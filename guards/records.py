"""The records: one JSON object a line, the contract between what guards write and what incidents read.

Each function builds one kind of record as a dict; nothing here writes, reads a clock or knows a request.
End and past records are CloudWatch metrics as well (embedded metric format), so that the line that raises
an alarm is the line that explains it.

>>> about = About("coaching-api", "ae220969-d5df-4cdc-a767-70f9fa8624de")
>>> at = datetime(2026, 2, 9, 23, 48, 9, tzinfo=UTC)
>>> record = phase_start(about, at=at, phase="extraction", phase_id=3)
>>> record["guard"], record["timestamp"], record["session_id"]
('phase.start/1', '2026-02-09T23:48:09.000Z', None)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from guards import names
from guards.errors import GuardError, RecordTooLarge
from guards.names import LimitedBy, Mark, RecordKind, RecordOutcome

Record = dict[str, object]

MAX_BYTES: Final = 4096
"""A line of at most this many bytes, newline included, is written to a pipe in one piece (PIPE_BUF)."""

# An ID or a time cut short would be another ID or another time, and a service another metric.
_MAY_BE_CUT: Final = frozenset({names.ROUTE, names.PHASE, names.MODEL, names.OPEN_PHASE, names.ERROR_TYPE})
_CUTS: Final = (512, 256, 128, 64, 32)
_KINDS: Final[dict[str, RecordKind]] = {kind: kind for kind in names.RECORD_KINDS}
_KIND: Final = re.compile(r"([a-z]+\.[a-z]+)/([1-9][0-9]{0,2})")


class About(NamedTuple):
    """Whom a record is about: the fields that every record has."""

    service: str
    """Not empty: it is a metric's dimension."""
    request_id: str | None
    """Lambda's, or the server's own outside Lambda; None outside any request."""
    session_id: str | None = None
    """None until the handler binds it."""
    trace_id: str | None = None
    """32 hex digits; None where nothing is traced."""


def request_start(
    about: About,
    *,
    at: datetime,
    route: str | None,
    received: datetime,
    deadline: datetime | None,
    limit_by: LimitedBy | None,
    cold_start: bool,
    clock_skew_ms: int | None = None,
) -> Record:
    """A request came in: when the gateway received it and when its client is lost.

    ``clock_skew_ms`` stands in the record only where the gateway's receive time could not be: it says by how
    much, and ``received`` is then the start.
    """
    return {
        **_common("request.start", "INFO", about, at),
        names.ROUTE: route,
        names.RECEIVED: rfc3339(received),
        names.DEADLINE: None if deadline is None else rfc3339(deadline),
        names.LIMIT_BY: limit_by,
        names.COLD_START: cold_start,
        **_known({names.CLOCK_SKEW_MS: clock_skew_ms}),
    }


def phase_start(
    about: About,
    *,
    at: datetime,
    phase: str,
    phase_id: int,
    parent_id: int | None = None,
    model: str | None = None,
) -> Record:
    """A phase began. Without the end record that should follow, it was open when the process died."""
    return {
        **_common("phase.start", "INFO", about, at),
        names.PHASE: phase,
        names.PHASE_ID: phase_id,
        names.PARENT_ID: parent_id,
        names.MODEL: model,
    }


def phase_end(
    about: About,
    *,
    at: datetime,
    phase: str,
    phase_id: int,
    start: datetime,
    duration: timedelta,
    outcome: RecordOutcome,
    error_type: str | None = None,
    model: str | None = None,
    facts: Mapping[str, int | float] | None = None,
) -> Record:
    """A phase ended: the metric PhaseDuration. ``error_type`` is a type's name, never an error's text.

    ``facts`` are numbers that the phase learned, under the names of ``names.PHASE_FACTS``. What is None or
    not learned does not stand in the record.
    """
    return {
        **_common("phase.end", "INFO" if outcome == "ok" else "ERROR", about, at),
        names.PHASE: phase,
        names.PHASE_ID: phase_id,
        names.START: rfc3339(start),
        names.PHASE_DURATION: _milliseconds(duration),
        names.OUTCOME: outcome,
        names.ERROR_TYPE: error_type,
        **_known({names.MODEL: model, **(facts or {})}),
        names.EMF: _emf(at, names.PHASE_DURATION, "Milliseconds", names.PHASE_DIMENSIONS),
    }


def request_past(
    about: About, *, at: datetime, past: Mark, elapsed: timedelta, open_phase: str | None
) -> Record:
    """A request is still running past a mark: one count of RequestPastWarning, ...Critical or ...Limit."""
    metric = names.REQUEST_PAST[past]
    return {
        **_common("request.past", "WARN" if past == "warning" else "ERROR", about, at),
        names.PAST: past,
        names.ELAPSED_MS: round(_milliseconds(elapsed)),
        names.OPEN_PHASE: open_phase,
        metric: 1,
        names.EMF: _emf(at, metric, "Count", names.REQUEST_DIMENSIONS),
    }


def request_end(
    about: About,
    *,
    at: datetime,
    duration: timedelta,
    response_status: int | None,
    outcome: RecordOutcome,
    client_gone: bool,
    dropped_records: int = 0,
    dropped_spans: int = 0,
    error_type: str | None = None,
) -> Record:
    """A request ended: the metric RequestDuration. ``client_gone`` is arithmetic: the deadline was over.

    ``dropped_records`` and ``dropped_spans`` count what could not be written or sent since the request.end
    before. The latter and ``error_type`` stand in the record only where there is one.
    """
    return {
        **_common("request.end", "INFO" if outcome == "ok" else "ERROR", about, at),
        names.REQUEST_DURATION: _milliseconds(duration),
        names.RESPONSE_STATUS: response_status,
        names.OUTCOME: outcome,
        names.CLIENT_GONE: client_gone,
        names.DROPPED_RECORDS: dropped_records,
        **_known({names.DROPPED_SPANS: dropped_spans or None, names.ERROR_TYPE: error_type}),
        names.EMF: _emf(at, names.REQUEST_DURATION, "Milliseconds", names.REQUEST_DIMENSIONS),
    }


def encode(record: Mapping[str, object]) -> str:
    """The record as one line of ASCII JSON with its newline, at most MAX_BYTES long.

    Words for people are cut short, ending in ``...``, but only where needed; IDs, times and numbers never.

    >>> encode({"guard": "phase.start/1", "phase": "extraction"})
    '{"guard":"phase.start/1","phase":"extraction"}\\n'

    Raises RecordTooLarge where cutting is not enough.
    """
    line = _line(record)
    for cut in _CUTS:
        if len(line) <= MAX_BYTES:
            return line
        line = _line({key: _shortened(key, value, cut) for key, value in record.items()})
    if len(line) <= MAX_BYTES:
        return line
    raise RecordTooLarge(
        f"a {record.get(names.GUARD)} record has {len(line)} bytes, {MAX_BYTES} are allowed",
        hint="give shorter IDs and a shorter service name",
    )


def record_kind(fields: Mapping[str, object]) -> tuple[RecordKind, int] | None:
    """Kind and version of what may be one of our records; None when it is none. Never raises.

    The version is whatever the line says, so that a reader can tell a newer writer from a foreign line.

    >>> record_kind({"guard": "phase.end/1"})
    ('phase.end', 1)
    >>> record_kind({"guard": "coffee.break/1"}) is None
    True
    """
    value = fields.get(names.GUARD)
    found = _KIND.fullmatch(value) if isinstance(value, str) else None
    kind = _KINDS.get(found[1]) if found else None
    return (kind, int(found[2])) if found and kind else None


def rfc3339(at: datetime) -> str:
    """A moment in UTC, in milliseconds, ending in Z.

    >>> rfc3339(datetime(2026, 2, 9, 23, 48, 8, 688_000, tzinfo=UTC))
    '2026-02-09T23:48:08.688Z'
    """
    if at.tzinfo is None:
        raise GuardError("a record's time has no time zone", hint="use datetime.now(UTC)")
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _common(kind: RecordKind, level: str, about: About, at: datetime) -> Record:
    # Lambda's filter for JSON logs takes a line without a level or a timestamp for INFO, knows WARN but
    # not WARNING, and reads the time as RFC 3339:
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    return {
        names.LEVEL: level,
        names.TIMESTAMP: rfc3339(at),
        names.GUARD: f"{kind}/{names.RECORD_VERSION}",
        names.SERVICE: about.service,
        names.REQUEST_ID: about.request_id,
        names.SESSION_ID: about.session_id,
        names.TRACE_ID: about.trace_id,
    }


def _known(fields: Mapping[str, object]) -> Record:
    """Fields that stand in a record only where they are known."""
    return {name: value for name, value in fields.items() if value is not None}


def _emf(at: datetime, metric: str, unit: str, dimensions: tuple[tuple[str, ...], ...]) -> Record:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    return {
        "Timestamp": round(at.timestamp() * 1000),
        "CloudWatchMetrics": [
            {
                "Namespace": names.NAMESPACE,
                "Dimensions": [list(dimension_set) for dimension_set in dimensions],
                "Metrics": [{"Name": metric, "Unit": unit}],
            }
        ],
    }


def _milliseconds(duration: timedelta) -> float:
    return round(duration / timedelta(milliseconds=1), 1)


def _line(record: Mapping[str, object]) -> str:
    # ASCII only: a line separator or a lone surrogate inside a value cannot break the line.
    return json.dumps(record, separators=(",", ":"), ensure_ascii=True, allow_nan=False) + "\n"


def _shortened(key: str, value: object, length: int) -> object:
    if key in _MAY_BE_CUT and isinstance(value, str) and len(value) > length:
        return value[: length - 3] + "..."
    return value
