"""What every document and export shares: a report that may leave the machine, and times at the edges.

A view that writes a document starts with `safe`, shows lines through `evidence` alone, and then has
only its own format's syntax left to escape.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, cast

from incidents.display import clean
from incidents.messages import Line
from incidents.redact import FIELDS, NAMES_OF_WORDS, hidden, masked, masked_path, shown
from incidents.report import Finding, Report
from incidents.timeline import Gap, Milestone, Phase, Request
from incidents.views import Options

_FROM_LINES: Final[dict[type, frozenset[str]]] = {
    Request: frozenset({"error_type"}),
    Phase: frozenset({"name", "model", "error_type"}),
    Milestone: frozenset({"name"}),
    Gap: frozenset({"after"}),
}
"""Fields that hold a name which a log line gave: what does not look like one is hidden."""


def safe(report: Report, options: Options) -> Report:
    r"""The report with every text printable and on one line, and redacted unless the options say otherwise.

    Whole lines (``Line``) stay as they are: only `evidence` may show one.
    """
    return cast(Report, _safe(report, options.redact))


def _safe(value: Any, redact: bool) -> Any:
    if isinstance(value, str):
        return masked(value) if redact else clean(value)
    if isinstance(value, tuple):
        return tuple(_safe(each, redact) for each in value)
    if isinstance(value, int) and value.bit_length() > 63:
        return None  # no reader of JSON or OTLP could hold it
    if not is_dataclass(value) or isinstance(value, Line):
        return value
    # By field and not by name, so that a field added tomorrow cannot be missed.
    return replace(
        cast(Any, value),
        **{each.name: _safe_field(value, each.name, redact) for each in fields(value) if each.init},
    )


def _safe_field(owner: Any, name: str, redact: bool) -> Any:
    value = getattr(owner, name)
    if redact and value is not None and name in _FROM_LINES.get(type(owner), ()):
        return _name(value)
    if redact and value is not None and isinstance(owner, Request) and name == "route":
        return masked(masked_path(value))
    return _safe(value, redact)


def _name(text: str) -> str:
    known = FIELDS["phase"].fullmatch(text) or text in NAMES_OF_WORDS
    return masked(text) if known else hidden(len(text))


@dataclass(frozen=True, slots=True)
class Evidence:
    """A line as it may be shown."""

    where: str
    """Log stream (or group) and event time: the same from every saved form."""
    place: str
    """``file:line``."""
    at: datetime
    message: str


def evidence(line: Line, options: Options) -> Evidence:
    """The line as it may be shown; redacted unless the options say otherwise."""
    event = line.event
    stream = event.log_stream or event.log_group or "unknown stream"
    return Evidence(
        where=_safe(f"{stream} {rfc3339(event.at)}", options.redact),
        place=_safe(event.place, options.redact),
        at=event.at,
        message=shown(line, redact=options.redact),
    )


def rfc3339(at: datetime) -> str:
    """A moment in UTC as RFC 3339 writes it, to the millisecond.

    >>> from datetime import UTC
    >>> rfc3339(datetime(2026, 2, 9, 23, 48, 8, 688000, UTC))
    '2026-02-09T23:48:08.688Z'
    """
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def milliseconds(duration: timedelta) -> int | float:
    """A duration in milliseconds: an integer where it is whole, else with the microseconds after the point.

    >>> milliseconds(timedelta(seconds=32.312)), milliseconds(timedelta(microseconds=1500))
    (32312, 1.5)
    """
    whole, rest = divmod(duration, timedelta(milliseconds=1))
    return whole if not rest else round(duration / timedelta(milliseconds=1), 3)


def moved(at: datetime, by: timedelta) -> datetime:
    """The moment that much later, or the same where the calendar ends before it.

    >>> moved(datetime.max, timedelta(seconds=1)) == datetime.max
    True
    """
    try:
        return at + by
    except OverflowError:
        return at


def waiting_start(request: Request) -> datetime:
    """When the client began to wait."""
    return moved(request.start, -request.waited_before)


def init_start(request: Request) -> datetime:
    """When the init began that the request waited for; its own start where it waited for none."""
    if request.init_waited and request.init_duration is not None:
        return moved(request.start, -request.init_duration)
    return request.start


def answered(request: Request) -> datetime | None:
    """When the client got its answer; None where nothing tells."""
    latency = request.gateway.client_latency
    return None if latency is None else moved(waiting_start(request), latency)


def findings_of(request: Request, report: Report) -> Iterator[Finding]:
    """The findings about a request; those about none of the requests stand with the first one."""
    known = {each.request_id for each in report.timeline.requests}
    first = request is report.timeline.requests[0]
    for each in report.findings:
        if each.request_id == request.request_id or (first and each.request_id not in known):
            yield each


def known_at(finding: Finding, request: Request) -> datetime:
    """When the last piece of its evidence was logged, or the request's start where it has none."""
    return finding.evidence[-1].event.at if finding.evidence else request.start
