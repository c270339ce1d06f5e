"""Bare Lambda lines: the messages alone, with no time or stream of CloudWatch's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from incidents.events import Event, Skip
from incidents.forms.base import SGR, TOO_LONG, Origin, Output
from incidents.forms.nearby import Draft, timed
from incidents.forms.text import Loose, Record, records, text_lines
from incidents.forms.times import ISO, read_time
from incidents.scalars import UUID

_PLATFORM = (
    r"(?:START|END|REPORT) RequestId: |(?:INIT|RESTORE)_(?:START|REPORT) |(?:EXTENSION|TELEMETRY|LOGS)\t"
)
_LEVEL = r"(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL)"

BARE_LINE: Final = re.compile(
    rf"{_PLATFORM}|RequestId: |\[[A-Za-z][A-Za-z0-9_ .$-]*\][ \t]|{_LEVEL}: |\[?{ISO}|\{{|\x1b|\({UUID}\) "
)
"""What begins an event of its own: Lambda's own lines, a level, a time, an object, a colour."""

_ANY_LINE = re.compile("")
_CLOSED = re.compile(rf"{_PLATFORM}|\{{.*\}}\s*$", re.DOTALL)
_BELONGS_TO_REPORT = re.compile(r"XRAY TraceId:|\s*$")
_OPENS = re.compile(r"(?:START RequestId: |INIT_START |RESTORE_START )")
_OWN_TIME = re.compile(rf"(?:{SGR}(?:\[[A-Za-z]+ *\]|{_LEVEL}:)[ \t]*)?{SGR}\[?({ISO})(?![0-9])")
# An extension's text glued before a platform line (seen with the Parameters and Secrets extension).
_GLUED_TIME = re.compile(rf'\[[^{{\n]{{1,400}}\{{"time":"({ISO})","type":"platform\.')
_ACCESS_LOG_TIME = "%d/%b/%Y:%H:%M:%S %z"

_JSON_TIME_KEYS = ("timestamp", "time", "@timestamp", "requestTimeEpoch", "requestTime", "ts")


def bare_events(chunks: Iterable[bytes], origin: Origin) -> Iterator[Event | Skip]:
    """The events of bare lines, at their own times or the nearest one's."""
    out = Output(origin.source)
    return timed(_drafts(chunks, out), out)


def own_time(message: str) -> datetime | None:
    """The time that a message itself carries.

    >>> own_time("[INFO]\\t2026-11-23T23:05:26.374Z\\tae22\\tdone").isoformat()
    '2026-11-23T23:05:26.374000+00:00'
    >>> own_time('{"time":"2022-10-12T00:00:15.064Z","type":"platform.start"}').isoformat()
    '2022-10-12T00:00:15.064000+00:00'
    >>> own_time("START RequestId: ae22 Version: $LATEST") is None
    True
    """
    if message.startswith("{"):
        return _json_time(message)
    found = _OWN_TIME.match(message) or _GLUED_TIME.match(message)
    return _usable(found[1]) if found else None


def opens(message: str) -> bool:
    """True for the line that begins a request or an init."""
    return _OPENS.match(message) is not None


def _drafts(chunks: Iterable[bytes], out: Output) -> Iterator[Draft | Skip]:
    for record in records(text_lines(chunks), _Begins()):
        if isinstance(record, Loose) or record.too_long:
            yield out.skip(record.line, TOO_LONG)
        else:
            yield _draft(record)


def _draft(record: Record) -> Draft:
    message = record.text(record.match.string)
    return Draft(record.line, record.lines, message, own_time(message), opens(message))


class _Begins:
    """Whether a line begins an event; that also depends on the event before it."""

    def __init__(self) -> None:
        self.closed = True

    def __call__(self, line: str) -> re.Match[str] | None:
        begins = BARE_LINE.match(line) or (self.closed and not _BELONGS_TO_REPORT.match(line))
        if not begins:
            return None
        self.closed = _CLOSED.match(line) is not None
        return _ANY_LINE.match(line)


def _json_time(message: str) -> datetime | None:
    try:
        record = json.loads(message)
    except (ValueError, RecursionError):
        return None
    for key in _JSON_TIME_KEYS:
        if at := _usable(record.get(key)):
            return at
    metrics = record.get("_aws")
    return _usable(metrics.get("Timestamp")) if isinstance(metrics, dict) else None


def _usable(value: object) -> datetime | None:
    at = read_time(value)
    if isinstance(at, str) and isinstance(value, str):
        try:
            at = read_time(datetime.strptime(value, _ACCESS_LOG_TIME).astimezone(UTC).isoformat())
        except (ValueError, OverflowError):
            return None
    return None if isinstance(at, str) else at
