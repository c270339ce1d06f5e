"""Events as JSON, one object a line, under the key names that tools give them.

>>> line = b'{"logStream": "s", "timestamp": 1770680888688, "message": "START RequestId: 1\\\\n"}'
>>> event = read_ndjson_line(line, source="a.ndjson", place="a.ndjson:1", order=0)
>>> event.log_stream, event.message
('s', 'START RequestId: 1')
>>> read_ndjson_line(b"{", source="a.ndjson", place="a.ndjson:2", order=1).reason
'not a JSON object'
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from incidents.events import Event, Skip
from incidents.forms.base import (
    LONGEST,
    NOT_JSON,
    TOO_DEEP,
    TOO_LONG,
    Form,
    Origin,
    group_name,
    make_event,
)
from incidents.forms.text import text_lines

TIME_KEYS: Final = ("timestamp", "@timestamp", "time")
MESSAGE_KEYS: Final = ("message", "@message")
GROUP_KEYS: Final = ("logGroup", "logGroupName", "@log")
STREAM_KEYS: Final = ("logStream", "logStreamName", "@logStream")
ID_KEYS: Final = ("eventId", "id")

# Keys that only a saved CloudWatch event has; an application's own JSON has a timestamp and a message, too.
TELLING_KEYS: Final = frozenset(
    (*GROUP_KEYS, *STREAM_KEYS, "eventId", "ingestionTime", "@message", "@ingestionTime", "@ptr")
)
EVENT_KEYS: Final = TELLING_KEYS | {*TIME_KEYS, *MESSAGE_KEYS, *ID_KEYS}

# Not strict: a raw control character inside a string is no reason to lose the line.
_decode = json.JSONDecoder(strict=False).decode


def is_saved_event(record: Mapping[str, object]) -> bool:
    """True for an event as saved, false for a JSON message that stands on its own.

    >>> is_saved_event({"timestamp": 1, "message": "text"})
    True
    >>> is_saved_event({"timestamp": "2026-02-09T23:48:08Z", "level": "INFO", "message": "text"})
    False
    """
    keys = record.keys()
    if keys.isdisjoint(TIME_KEYS) or keys.isdisjoint(MESSAGE_KEYS):
        return False
    return not keys.isdisjoint(TELLING_KEYS) or keys <= EVENT_KEYS


def read_ndjson_line(line: bytes, *, source: str, place: str, order: int) -> Event | Skip:
    """The event on one line of NDJSON, or a skip; no content makes it raise."""
    if len(line) > LONGEST:
        return Skip(place, TOO_LONG)
    return _read(line.decode("utf-8", "replace"), source, place, order)


def read_saved_event(record: Mapping[str, Any], source: str, place: str, order: int) -> Event | Skip:
    """The event that a decoded object holds, or a skip that says what it lacks."""
    at, message, stream = record.get("timestamp"), record.get("message"), record.get("logStream")
    return make_event(
        _first(record, TIME_KEYS) if at is None else at,
        _first(record, MESSAGE_KEYS) if message is None else message,
        group_name(_first(record, GROUP_KEYS)),
        _first(record, STREAM_KEYS) if stream is None else stream,
        _first(record, ID_KEYS),
        source,
        place,
        order,
    )


def ndjson_events(chunks: Iterable[bytes], origin: Origin) -> Iterator[Event | Skip]:
    """Each line's event; blank lines are passed over."""
    order = 0
    for number, line in text_lines(chunks):
        place = f"{origin.source}:{number}"
        if line is None:
            yield Skip(place, TOO_LONG)
        elif line and not line.isspace():
            read = _read(line, origin.source, place, order)
            order += isinstance(read, Event)
            yield read


def _read(text: str, source: str, place: str, order: int) -> Event | Skip:
    try:
        record = _decode(text.removeprefix("\ufeff"))
    except RecursionError:
        return Skip(place, TOO_DEEP)
    except ValueError:  # includes a number of more digits than Python converts
        return Skip(place, NOT_JSON)
    if not isinstance(record, dict):
        return Skip(place, NOT_JSON)
    return read_saved_event(record, source, place, order)


def _first(record: Mapping[str, Any], keys: tuple[str, ...]) -> object:
    for key in keys:
        value = record.get(key)
        if value is not None:
            return value
    return None


class _Ndjson:
    """The form itself: one saved event a line."""

    name = "NDJSON of events"

    def events(self, chunks: Iterable[bytes], origin: Origin) -> Iterator[Event | Skip]:
        """Each line's event; blank lines are passed over."""
        return ndjson_events(chunks, origin)


NDJSON: Final[Form] = _Ndjson()


def looks_like_ndjson(head: bytes) -> bool:
    """Whether a file's first two lines are both saved events, so that it cannot be anything else."""
    first, newline, rest = head.partition(b"\n")
    second, another, _ = rest.partition(b"\n")
    return bool(newline and another) and _is_saved(first) and _is_saved(second)


def _is_saved(line: bytes) -> bool:
    try:
        record = _decode(line.decode())
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and is_saved_event(record)
