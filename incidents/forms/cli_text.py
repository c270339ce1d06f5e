"""The AWS CLI's ``--output text`` of filter-log-events, get-log-events and get-query-results.

The CLI writes the values of an object in the order of its sorted keys, so an event's message, which may
run over several lines, stands between its ingestion time and its timestamp.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from io import StringIO

from incidents.events import Event, Skip
from incidents.forms.base import CONTINUES_NOTHING, NOT_AN_EVENT, TOO_LONG, Origin, Output
from incidents.forms.documents import PARTIAL, insights_event
from incidents.forms.text import Loose, Record, records, text_lines

CUT_EVENT = "an event without the timestamp at its end"

# An eventId is longer than a time and a time has 13 digits, so the two commands' events can be told apart.
EVENT_LINE = re.compile(
    r"EVENTS\t(?:(?P<ingested>[0-9]{12,14})|(?P<id>[^\t]+)\t[0-9]{12,14}\t(?P<stream>[^\t]+))\t"
)
_EVENT_END = re.compile(r"\t([0-9]{12,14})\r?$", re.MULTILINE)
_EVENTS_ENVELOPE = re.compile(
    r"(?:[bf]/\S+(?:\t[bf]/\S+)?|NEXTTOKEN\t.*|SEARCHEDLOGSTREAMS\t[^\t]+\t(?:True|False)|None)?\r?"
)

RESULT_LINE = re.compile(r"RESULTS\t(?P<field>[^\t]+)(?:\t(?P<value>.*))?", re.DOTALL)
_STATUSES = "Cancelled|Complete|Failed|Running|Scheduled|Timeout|Unknown"
STATUS_LINE = re.compile(rf"(?:(?:CWLI|SQL|PPL)\t)?(?P<status>{_STATUSES})\r?")
_STATISTICS = re.compile(r"STATISTICS(?:\t[0-9.eE+]+)+\r?")
_MOST_FIELDS = 1000  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Fields.html


def begins_events(line: str) -> bool:
    """True for a line that only the text of events has."""
    return EVENT_LINE.match(line) is not None or line.startswith("SEARCHEDLOGSTREAMS\t")


def begins_results(line: str) -> bool:
    """True for a line that only the text of query results has."""
    return STATUS_LINE.fullmatch(line) is not None or RESULT_LINE.match(line) is not None


def events_text_events(chunks: Iterable[bytes], origin: Origin) -> Iterator[Event | Skip]:
    """The events of filter-log-events and get-log-events; page tokens and searched streams are none."""
    out = Output(origin.source)
    for record in records(text_lines(chunks), EVENT_LINE.match):
        if isinstance(record, Loose):
            yield from _loose(record, _EVENTS_ENVELOPE, out)
        else:
            yield from _event(record, out)


def _event(record: Record, out: Output) -> Iterator[Event | Skip]:
    if record.too_long:
        yield out.skip(record.line, TOO_LONG)
        return
    # From the tab before the message, which may be empty, to the last line that ends in a timestamp.
    text = record.text(record.match.string[record.match.end() - 1 :])
    end = max(_EVENT_END.finditer(text), key=re.Match.start, default=None)
    if end is None:
        yield out.skip(record.line, CUT_EVENT)
        return
    stream, event_id = record.match["stream"], record.match["id"]
    yield out.event(record.line, end[1], text[1 : end.start()], stream=stream, event_id=event_id)
    if end.end() < len(text):
        first = record.line + 1 + text.count("\n", 0, end.end())
        for number, line in enumerate(StringIO(text[end.end() + 1 :], newline="\n"), first):
            yield from _loose(Loose(number, line.removesuffix("\n")), _EVENTS_ENVELOPE, out)


def _loose(line: Loose, envelope: re.Pattern[str], out: Output) -> Iterator[Skip]:
    if line.text is None:
        yield out.skip(line.line, TOO_LONG)
    elif not envelope.fullmatch(line.text):
        yield out.skip(line.line, NOT_AN_EVENT if out.count else CONTINUES_NOTHING)


def results_text_events(chunks: Iterable[bytes], origin: Origin) -> Iterator[Event | Skip]:
    """The rows of get-query-results: a new one begins where a field comes again."""
    out = Output(origin.source)
    row: dict[str, Record] = {}
    for record in records(text_lines(chunks), RESULT_LINE.match, _STATISTICS.fullmatch):
        ends = isinstance(record, Loose) or record.match["field"] in row or len(row) == _MOST_FIELDS
        if row and ends:
            yield _row(row, out)
            row = {}
        if isinstance(record, Loose):
            yield from _around_results(record, out)
        else:
            row[record.match["field"]] = record
    if row:
        yield _row(row, out)


def _row(row: dict[str, Record], out: Output) -> Event | Skip:
    line = min(record.line for record in row.values())
    if any(record.too_long for record in row.values()):
        return out.skip(line, TOO_LONG)
    fields = {field: record.text(record.match["value"] or "") for field, record in row.items()}
    return insights_event(fields, line, out)


def _around_results(line: Loose, out: Output) -> Iterator[Skip]:
    status = STATUS_LINE.fullmatch(line.text or "")
    if status and status["status"] != "Complete":
        yield out.skip(line.line, PARTIAL)
    elif not status:
        yield from _loose(line, _NO_RESULT, out)


_NO_RESULT = re.compile(rf"(?:{_STATISTICS.pattern})?")
