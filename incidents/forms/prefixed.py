"""Text whose lines carry their event's time, and often its stream, before the message.

``aws logs tail`` and an export to S3; for sam logs and awslogs see columns. A line without that prefix
continues the event before it, whatever it says: a REPORT line forged inside a message stays in the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from incidents.events import Event, Skip
from incidents.forms.base import CONTINUES_NOTHING, SGR, TOO_LONG, Origin, Output
from incidents.forms.text import Loose, records, text_lines

_DAY_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
_LEVEL = r"\[?(?i:trace|debug|info|notice|warn|warning|error|critical|fatal)\b"
UUID: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

TAIL_LINE: Final = re.compile(
    rf"{SGR}(?P<at>{_DAY_TIME}(?:\.[0-9]{{1,6}})?[+-][0-9]{{2}}:[0-9]{{2}}){SGR}"
    rf" {SGR}(?!{_LEVEL})(?P<stream>[^\s\x1b]+){SGR}(?: (?P<message>.*))?$",
    re.DOTALL,
)
"""``aws logs tail``: 2026-03-17T14:05:03.250000+00:00 STREAM MESSAGE."""

SHORT_TAIL_LINE: Final = re.compile(rf"{SGR}(?P<at>{_DAY_TIME}){SGR}(?: (?P<message>.*))?$", re.DOTALL)
"""``aws logs tail --format short``: 2026-03-17T14:05:03 MESSAGE."""

# Lambda's own "Task timed out" line looks the same, and so does one without a prefix.
EXPORT_LINE: Final = re.compile(
    rf"(?P<at>{_DAY_TIME}\.[0-9]{{3}}Z)(?! {UUID} Task timed out)(?: (?P<message>.*))?$", re.DOTALL
)
"""An export to S3: 2026-11-23T22:59:12.000Z MESSAGE."""

_EXPORT_PATH = re.compile(r"(?:^|/)(?P<export>[^/]+)/(?P<stream>[^/]+)/[0-9]{6}(?:\.\w+)?$")
_FLAT_STREAM = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})-([^\s:*]*\[[^\s\]]+\][0-9A-Za-z-]+)")


def tail_events(chunks: Iterable[bytes], origin: Origin) -> Iterator[Event | Skip]:
    """The events of ``aws logs tail`` in its formats detailed and json."""
    return _events(chunks, TAIL_LINE, None, Output(origin.source))


def short_tail_events(chunks: Iterable[bytes], origin: Origin) -> Iterator[Event | Skip]:
    """The events of ``aws logs tail --format short``: whole seconds and no stream."""
    return _events(chunks, SHORT_TAIL_LINE, None, Output(origin.source))


def export_events(chunks: Iterable[bytes], origin: Origin) -> Iterator[Event | Skip]:
    """The events of one exported object; their stream is the name of its folder, if it is laid out so."""
    return _events(chunks, EXPORT_LINE, exported_stream(origin.path), Output(origin.source))


def exported_stream(path: str | None) -> str | None:
    """The log stream that an export's path names.

    >>> exported_stream("logs/d2ba/2026-02-09-[$LATEST]d3c7/000000.gz")
    '2026/02/09/[$LATEST]d3c7'
    >>> exported_stream("somewhere/else/000000.gz") is None
    True
    """
    layout = _EXPORT_PATH.search((path or "").replace("\\", "/"))
    if layout is None:
        return None
    if flat := _FLAT_STREAM.fullmatch(layout["stream"]):
        return "/".join(flat.groups())
    return layout["stream"] if re.fullmatch(UUID, layout["export"]) else None


def _events(
    chunks: Iterable[bytes], line: re.Pattern[str], stream: str | None, out: Output
) -> Iterator[Event | Skip]:
    for record in records(text_lines(chunks), line.match):
        if isinstance(record, Loose):
            yield out.skip(record.line, loose_reason(record))
        elif record.too_long:
            yield out.skip(record.line, TOO_LONG)
        else:
            named = record.match.groupdict().get("stream") or stream
            message = record.text(record.match["message"] or "")
            if line is TAIL_LINE and not record.match["message"]:
                # --format json puts a message of JSON on lines of its own.
                message = message.removeprefix("\n")
            yield out.event(record.line, record.match["at"], message, stream=named)


def loose_reason(line: Loose) -> str:
    """Why a line outside every record is no event."""
    return TOO_LONG if line.text is None else CONTINUES_NOTHING
