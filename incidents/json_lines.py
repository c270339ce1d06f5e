"""Lines that are one JSON object: Lambda's platform events, runtime and application logs, our own records.

JSON alone makes no log line: the body of a request or of a response, printed as a line of its own, is
JSON too, and a session ID inside it says nothing about the request that printed it. A line is taken for
a log line when it has what loggers write (a level, an event name with a time, Lambda's request ID).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from incidents.gateway_fields import quote_unset, read_access_fields
from incidents.messages import Kind, Message
from incidents.scalars import (
    REQUEST_ID_FIELDS,
    contradicts,
    event_name,
    identifier,
    instant,
    level,
    number,
    request_ids,
    scalars,
    session_id,
    whole,
)

# CloudWatch keeps at most 1 MB of an event; four times that is nobody's log line.
LONGEST: Final = 4_000_000
"""Objects longer than this many characters are not parsed."""

_PLATFORM_KINDS: Final[dict[str, Kind]] = {
    "platform.start": "start",
    "platform.runtimeDone": "runtime-done",
    "platform.report": "report",
    "platform.initStart": "init-start",
    "platform.initRuntimeDone": "init-report",
    "platform.initReport": "init-report",
    "platform.restoreStart": "restore-start",
    "platform.restoreRuntimeDone": "restore-report",
    "platform.restoreReport": "restore-report",
}
# Where a platform event's only duration is that of the init or the restore, it gets platform.report's name.
_DURATIONS: Final[dict[Kind, str]] = {
    "init-report": "initDurationMs",
    "restore-report": "restoreDurationMs",
}
_INTEGERS: Final = frozenset({"memorySizeMB", "maxMemoryUsedMB"})
_ROOT: Final = re.compile(r"(?:^|;)Root=([0-9a-zA-Z-]{1,64})")
_GUARD: Final = re.compile(r"[a-z][a-z.-]{0,40}/[0-9]{1,3}")
_LEVEL_KEYS: Final = ("level", "levelname", "severity", "log_level", "log.level")
_TIME_KEYS: Final = ("timestamp", "@timestamp", "time", "asctime", "ts")
_LAMBDA_KEYS: Final = REQUEST_ID_FIELDS[:5]
_LONGEST_ACCESS: Final = 65_536
_GLUED: Final = '{"time":"'


def parse_object(text: str) -> dict[str, Any] | None:
    """The JSON object that the text is, or None: not JSON, no object, too deep, too long.

    Integers of absurd length become floats, so that they do not fail the line.

    >>> parse_object('{"a": 1}'), parse_object("[1]"), parse_object('{"a":' * 100_000)
    ({'a': 1}, None, None)
    """
    if len(text) > LONGEST:
        return None
    try:
        found = json.loads(text, parse_int=_integer)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= 18 else float(digits)


def read_json(text: str) -> Message | None:
    """What a line that is one JSON object says; None for text, and for JSON that is no log line.

    >>> said = read_json('{"event": "a.saved", "level": "info", "session_id": "sess_1", "turn": 4}')
    >>> said.name, said.level, said.session_id, said.fields["turn"]
    ('a.saved', 'INFO', 'sess_1', 4)
    >>> read_json('{"session_id": "sess_1", "message": "a request body"}') is None
    True
    """
    found = parse_object(text)
    if found is None:
        # API Gateway writes a bare - for an unset variable, which is no JSON unless it is quoted.
        quoted = quote_unset(text) if len(text) <= _LONGEST_ACCESS else text
        mended = None if quoted == text else parse_object(quoted)
        return None if mended is None else read_access_fields(mended)
    said = _platform(found) or _record(found) or read_access_fields(found) or _log(found)
    if said is not None and said.session_id is not None and _says_two_sessions(text):
        return replace(said, session_id=None)
    return said


def read_glued(text: str) -> Message | None:
    """A platform event that stands behind plain text in one message, as some extensions' output does.

    >>> read_glued('ready.{"time":"2024-02-09T08:42:44.078Z","type":"platform.start","record":{}}').kind
    'start'
    """
    start = text.find(_GLUED)
    found = None if start < 0 else parse_object(text[start:])
    return None if found is None else _platform(found)


def _platform(line: Mapping[str, Any]) -> Message | None:
    event, record = line.get("type"), line.get("record")
    if not isinstance(event, str) or not event.startswith("platform.") or not isinstance(record, dict):
        return None
    kind = _PLATFORM_KINDS.get(event, "platform")
    request_id = identifier(record.get("requestId"))
    return Message(
        kind,
        () if request_id is None else (request_id,),
        at=instant(line.get("time")),
        fields={"type": event, **scalars(record), **_metrics(kind, record), **_trace(record)},
    )


def _metrics(kind: Kind, record: Mapping[str, Any]) -> dict[str, object]:
    metrics = record.get("metrics")
    if not isinstance(metrics, dict):
        return {}
    fields: dict[str, object] = {}
    for name, value in metrics.items():
        found = whole(value) if name in _INTEGERS else number(value)
        if found is not None:
            fields[name] = found
    if kind in _DURATIONS and "durationMs" in fields:
        fields[_DURATIONS[kind]] = fields.pop("durationMs")
    return fields


def _trace(record: Mapping[str, Any]) -> dict[str, object]:
    tracing = record.get("tracing")
    value = tracing.get("value") if isinstance(tracing, dict) else None
    root = _ROOT.search(value) if isinstance(value, str) else None
    return {} if root is None else {"traceId": root[1]}


def _record(line: Mapping[str, Any]) -> Message | None:
    kind = line.get("guard")
    if not isinstance(kind, str) or not _GUARD.fullmatch(kind):
        return None
    return replace(_plain_log(line), kind="record", name=kind)


def _log(line: Mapping[str, Any]) -> Message | None:
    if not _is_log(line):
        return None
    said = _plain_log(line)
    for key in ("message", "record", "extra"):
        within = line.get(key)
        if said.session_id is None and isinstance(within, dict):
            said = replace(said, session_id=session_id(within))
    return said


def _is_log(line: Mapping[str, Any]) -> bool:
    if any(level(line.get(key)) for key in _LEVEL_KEYS):
        return True
    if any(identifier(line.get(key)) for key in _LAMBDA_KEYS):
        return True
    event = line.get("event")
    return isinstance(event, str) and (event_name(event) is not None or _first(line, _TIME_KEYS) is not None)


def _plain_log(line: Mapping[str, Any]) -> Message:
    event = line.get("event")
    name = event if isinstance(event, str) and event else event_name(line.get("message"))
    return Message(
        "log",
        request_ids=request_ids(line),
        session_id=session_id(line),
        name=name,
        level=level(_first(line, _LEVEL_KEYS)),
        at=instant(_first(line, _TIME_KEYS)),
        fields=scalars(line),
    )


def _first(line: Mapping[str, Any], keys: tuple[str, ...]) -> object:
    return next((line[key] for key in keys if line.get(key) is not None), None)


def _says_two_sessions(text: str) -> bool:
    """True when an object has one session field twice, with two values: json keeps only the last."""
    if text.count("session") < 2 and "conversation" not in text and "\\u" not in text:
        return False
    clashes: list[bool] = []

    def note(pairs: list[tuple[str, object]]) -> None:
        clashes.append(contradicts(pairs))

    try:
        json.loads(text, parse_int=_integer, object_pairs_hook=note)
    except (ValueError, RecursionError):
        return True
    return any(clashes)
