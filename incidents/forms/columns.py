"""The columns of ``sam logs`` and awslogs: stream, time, message; awslogs puts the group before them.

sam:     ``2026/02/09/[$LATEST]abc 2026-02-09T23:48:08.688000 message``
awslogs: ``GROUP STREAM [timestamp] [ingestionTime] message``, padded

Both may be coloured. Without ``--timestamp`` awslogs prints no time: then the message's own is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from incidents.events import Event, Skip
from incidents.forms.bare import opens, own_time
from incidents.forms.base import LAMBDA_STREAM, SGR, TOO_LONG, Origin, Output
from incidents.forms.nearby import Draft, timed
from incidents.forms.prefixed import UUID, loose_reason
from incidents.forms.text import Loose, Record, records, text_lines
from incidents.forms.times import ISO, read_time

# API Gateway's streams are 32 hexadecimal digits.
_STREAM = rf"(?P<stream>{LAMBDA_STREAM}|[0-9a-f]{{32}})"
_GROUP = rf"(?P<group>/[^\s\x1b]+|API-Gateway-Execution-Logs_[^\s\x1b]+) *{SGR} +"
_TIME = rf"{SGR}(?P<at>{ISO}){SGR}(?: |$)"

_KNOWN_STREAM = re.compile(
    rf"{SGR}(?:{_GROUP}{SGR})?{_STREAM} *{SGR}(?:$| +)(?:{_TIME})?(?P<message>.*)", re.DOTALL
)
# A stream of any other name is only told from text by what stands on both sides of it.
_ANY_STREAM = re.compile(
    rf"{SGR}{_GROUP}{SGR}(?P<stream>[^\s\x1b]+) *{SGR} +{_TIME}(?P<message>.*)", re.DOTALL
)

_INGESTION = re.compile(rf"{SGR}({ISO}){SGR}(?! {UUID} Task timed out)(?: |$)")


def columns_line(line: str) -> re.Match[str] | None:
    """The columns of a line that begins an event."""
    return _KNOWN_STREAM.match(line) or _ANY_STREAM.match(line)


def columns_events(chunks: Iterable[bytes], origin: Origin) -> Iterator[Event | Skip]:
    """The events of ``sam logs`` and awslogs text."""
    out = Output(origin.source)
    return timed(_drafts(chunks, out), out)


def _drafts(chunks: Iterable[bytes], out: Output) -> Iterator[Draft | Skip]:
    ingestion: bool | None = None
    for record in records(text_lines(chunks), columns_line):
        if isinstance(record, Loose):
            yield out.skip(record.line, loose_reason(record))
        elif record.too_long:
            yield out.skip(record.line, TOO_LONG)
        else:
            # A column is there on every line or on none: the first event tells.
            ingestion = _has_ingestion(record) if ingestion is None else ingestion
            yield _draft(record, ingestion, out)


def _has_ingestion(record: Record) -> bool:
    at, found = record.match["at"], _INGESTION.match(record.match["message"])
    return bool(found and at and at.endswith("Z") and found[1] > at)


def _draft(record: Record, ingestion: bool, out: Output) -> Draft | Skip:
    first: str = record.match["message"]
    if ingestion and (found := _INGESTION.match(first)):
        first = first[found.end() :]
    message = record.text(first)
    at = own_time(message) if record.match["at"] is None else read_time(record.match["at"])
    if isinstance(at, str):
        return out.skip(record.line, at)
    group, stream = record.match["group"], record.match["stream"]
    return Draft(record.line, record.lines, message, at, opens(message), group, stream)
