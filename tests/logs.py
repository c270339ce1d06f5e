"""Log lines in short: seconds and texts in, lines, sources and answers out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from incidents.events import Event
from incidents.files import FileSource
from incidents.meanings import load
from incidents.messages import Line
from incidents.reading import read_message
from incidents.report import Report
from incidents.sources import Question, Reading
from incidents.timeline import Request
from incidents.trace import Query, trace

START = datetime(2026, 2, 9, 23, 48, tzinfo=UTC)
GROUP = "/aws/lambda/coaching-api-4b4d001"
STREAM = "2026/02/09/[$LATEST]5c14fe7d1c8c4671b97550426018ccf2"
OTHER_STREAM = "2026/02/09/[$LATEST]d3c7a1b2e4f546789abcdef012345678"
SESSION = "sess_58a0ffa3-6bca-4ed9-9acc-1f99d849065a"
OTHER_SESSION = "sess_11111111-2222-4333-8444-555555555555"
A, B, C = (f"{letter * 8}-1111-4222-8333-444444444444" for letter in "abc")
MEANINGS = load()

Row = tuple[float, str]


def at(seconds: float) -> datetime:
    """A moment, in seconds after START."""
    return START + timedelta(seconds=seconds)


def start(request: str = A) -> str:
    return f"START RequestId: {request} Version: $LATEST"


def end(request: str = A) -> str:
    return f"END RequestId: {request}"


def report(request: str = A, ms: float = 1000, more: str = "") -> str:
    return (
        f"REPORT RequestId: {request}\tDuration: {ms:.2f} ms\tBilled Duration: {ms:.0f} ms\t"
        f"Memory Size: 1024 MB\tMax Memory Used: 187 MB\t{more}"
    )


def said(name: str, session: str | None = SESSION, **fields: object) -> str:
    """A line of the coaching API's console log, its colours stripped."""
    if session is not None:
        fields["session_id"] = session
    values = " ".join(f"{key}={value}" for key, value in fields.items())
    return f"INFO: 2026-02-09T23:48:09.000000Z [info     ] {name} [coaching.src.api] {values}"


def events(
    *rows: Row, stream: str | None = STREAM, source: str = "a.ndjson", ids: Iterable[str] | None = None
) -> list[Event]:
    """Rows as the events of one stream of one source."""
    known = list(ids) if ids is not None else [None] * len(rows)
    return [
        Event(at(seconds), text, GROUP, stream, known[index], source, f"{source}:{index + 1}", index)
        for index, (seconds, text) in enumerate(rows)
    ]


def lines(*rows: Row, stream: str | None = STREAM, source: str = "a.ndjson") -> list[Line]:
    """Rows as lines, read."""
    return [Line(event, read_message(event.message)) for event in events(*rows, stream=stream, source=source)]


class Held:
    """A source that holds a list of events."""

    def __init__(self, held: list[Event], name: str = "a.ndjson", *, complete: bool = True) -> None:
        self._held, self._name, self._complete = held, name, complete

    def read(self, question: Question) -> Reading:
        """All of it, whatever is asked."""
        return Reading(self._name, tuple(self._held), len(self._held), (), 0, self._complete, None, 0)


def answer(*rows: Row, session: str = SESSION, **query: Any) -> Report:
    """The whole way from rows of one stream to the report on a session."""
    return trace([Held(events(*rows))], Query(session_id=session, **query))


def only_request(*rows: Row, session: str = SESSION, **query: Any) -> Request:
    """The only request of the session in rows of one stream."""
    [request] = answer(*rows, session=session, **query).timeline.requests
    return request


def texts(of: Iterable[Line]) -> list[str]:
    return [line.event.message for line in of]


def ndjson(of: Iterable[Event]) -> bytes:
    """Events as saved: one object a line."""
    return b"".join(_saved(event) for event in of)


def _saved(event: Event) -> bytes:
    saved: dict[str, object] = {
        "timestamp": round(event.at.timestamp() * 1000),
        "message": event.message + "\n",
    }
    for key, value in (
        ("logGroup", event.log_group),
        ("logStream", event.log_stream),
        ("eventId", event.event_id),
    ):
        if value is not None:
            saved[key] = value
    return json.dumps(saved).encode() + b"\n"


def file_of(folder: Path, *of: Iterable[Event], name: str = "logs.ndjson") -> Path:
    """A file of events, in the order given."""
    path = folder / name
    path.write_bytes(b"".join(ndjson(each) for each in of))
    return path


def from_files(*paths: Path, session: str = SESSION, small: int | None = None, **query: Any) -> Report:
    """The report on a session from files."""
    sources = [
        FileSource(str(path)) if small is None else FileSource(str(path), small=small) for path in paths
    ]
    return trace(sources, Query(session_id=session, **query))
