"""Which form a file has, told by its first 64 kB: never by its name, except for an export's folders.

A JSON document is told by its outermost keys. Of text, the first line that any form knows decides, so
that nothing quoted in later messages can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from incidents.events import Event, Skip
from incidents.forms import bare, cli_text, columns, csv_rows, documents, ndjson, prefixed
from incidents.forms.base import Form, Origin
from incidents.forms.jsonvalues import Item, json_items
from incidents.forms.jsonwindow import Broken
from incidents.forms.text import text_blocks

HEAD_BYTES: Final = 65536
"""How much of a file is looked at."""

_SAMPLE_LINES = 50


@dataclass(frozen=True, slots=True)
class _Form:
    name: str
    read: Callable[[Iterable[bytes], Origin], Iterator[Event | Skip]]
    begins: Callable[[str], object] | None = None
    """For text: whether a line can only stand in this form."""

    def events(self, chunks: Iterable[bytes], origin: Origin) -> Iterator[Event | Skip]:
        return self.read(chunks, origin)


_CLI_JSON = _Form("AWS CLI events (JSON)", documents.document_events)
_RESULTS_JSON = _Form("Logs Insights results (JSON)", documents.document_events)
_SUBSCRIPTION = _Form("subscription payloads", documents.document_events)
_CSV = _Form("CSV with a header", csv_rows.csv_events)
_BARE = _Form("bare Lambda lines", bare.bare_events, bare.BARE_LINE.match)

_TEXT_FORMS: Final = (
    _Form("filter-log-events, get-log-events (text)", cli_text.events_text_events, cli_text.begins_events),
    _Form("get-query-results (text)", cli_text.results_text_events, cli_text.begins_results),
    _Form("sam logs, awslogs", columns.columns_events, columns.columns_line),
    _Form("aws logs tail", prefixed.tail_events, prefixed.TAIL_LINE.match),
    _Form("aws logs tail --format short", prefixed.short_tail_events, prefixed.SHORT_TAIL_LINE.match),
    _Form("export to S3", prefixed.export_events, prefixed.EXPORT_LINE.match),
    _BARE,
)

FORMS: Final[tuple[Form, ...]] = (ndjson.NDJSON, _CLI_JSON, _RESULTS_JSON, _SUBSCRIPTION, _CSV, *_TEXT_FORMS)
"""All forms, in the order in which they are tried."""


def recognise(head: bytes, path: str | None) -> Form:
    """The form of the file that begins with ``head``; bare Lambda lines where nothing tells.

    >>> recognise(b'{"timestamp": 1770680888688, "message": "text"}', None).name
    'NDJSON of events'
    >>> recognise(b"2026-03-17T14:05:03.250000+00:00 stream text", None).name
    'aws logs tail'
    """
    text = "".join(text_blocks([head[:HEAD_BYTES]]))
    return _json_form(text) or _exported(path, text) or _csv_form(text) or _text_form(text)


def _json_form(text: str) -> Form | None:
    body = text.lstrip(" \t\r\n\ufeff")
    if not body.startswith(("{", "[")):
        return ndjson.NDJSON if _mostly_events(text) else None
    first = next(json_items([body]), None)
    if first is None or (isinstance(first, Item) and first.key == "[]"):
        return _array_form(body)
    return _object_form(first, body) or _array_form(body) or (ndjson.NDJSON if _mostly_events(text) else None)


def _array_form(body: str) -> _Form | None:
    inner = body[1:].lstrip()
    if body[0] != "[" or inner[:1] not in ("[", "{", "]"):
        return None  # [INFO] begins a line of text
    return _RESULTS_JSON if inner[0] == "[" else _CLI_JSON


def _object_form(first: Item | Broken, body: str) -> Form | None:
    """The form of a file whose first value is an object; None for a message that is an object itself."""
    keys = {*first.seen}
    if keys & documents.SUBSCRIPTION_KEYS:
        return _SUBSCRIPTION
    if keys and keys <= documents.ENVELOPE_KEYS:
        return _RESULTS_JSON if "results" in keys else _CLI_JSON
    if isinstance(first, Item):
        saved = isinstance(first.value, dict) and ndjson.is_saved_event(first.value)
    else:  # cut off at the end of the head: so far its keys are those of an event
        saved = bool(keys) and keys <= ndjson.EVENT_KEYS and not keys.isdisjoint(ndjson.TELLING_KEYS)
    if not saved:
        return None
    return ndjson.NDJSON if _one_a_line(body) else _CLI_JSON


def _one_a_line(body: str) -> bool:
    line, newline, _ = body.partition("\n")
    if not newline and len(body) < HEAD_BYTES // 4:
        newline = "\n"
    items = list(islice(json_items([line]), 2))
    return len(items) == 1 and (isinstance(items[0], Item) or not newline)


def _mostly_events(text: str) -> bool:
    """True where the first line is broken, but most of those behind it are saved events."""
    lines = [line for line in text.split("\n", _SAMPLE_LINES + 1)[1:-1] if line.strip()]
    found = sum(line.lstrip()[:1] == "{" and _is_event_line(line) for line in lines)
    return found * 2 > len(lines)


def _is_event_line(line: str) -> bool:
    items = list(islice(json_items([line]), 2))
    if len(items) != 1 or not isinstance(items[0], Item):
        return False
    return isinstance(items[0].value, dict) and ndjson.is_saved_event(items[0].value)


def _exported(path: str | None, text: str) -> _Form | None:
    export = next(form for form in _TEXT_FORMS if form.read is prefixed.export_events)
    first = text.lstrip().partition("\n")[0]
    laid_out = prefixed.exported_stream(path) is not None
    return export if laid_out and prefixed.EXPORT_LINE.match(first) else None


def _csv_form(text: str) -> _Form | None:
    """Only a file's first line is a header; the same words further down are text."""
    return _CSV if csv_rows.header_line(text.lstrip().partition("\n")[0].rstrip("\r")) else None


def _text_form(text: str) -> _Form:
    for line in text.split("\n"):
        for form in _TEXT_FORMS:
            if form.begins and form.begins(line):
                return form
    return _BARE
