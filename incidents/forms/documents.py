"""JSON documents: the AWS CLI's output, arrays of events, Insights results and subscription payloads."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from incidents.events import Event, Skip
from incidents.forms.base import LONGEST, NOT_AN_EVENT, Origin, Output, group_name
from incidents.forms.jsonvalues import STREAMED, Item, json_items
from incidents.forms.jsonwindow import Broken
from incidents.forms.ndjson import read_saved_event
from incidents.forms.text import text_blocks

PARTIAL: Final = "results are partial: the query was not complete"
CONTROL: Final = "control message"
BAD_PAYLOAD: Final = "a subscription payload that cannot be decoded"
LONG_PAYLOAD: Final = "a subscription payload of more than 64 MB"

ENVELOPE_KEYS: Final = frozenset(
    (
        *("events", "searchedLogStreams", "nextToken", "nextForwardToken", "nextBackwardToken", "NextToken"),
        *("results", "statistics", "status", "queryLanguage", "encryptionKey", "ResponseMetadata"),
    )
)
"""The keys of the documents that the CLI writes round events and results."""

SUBSCRIPTION_KEYS: Final = frozenset(("awslogs", "messageType", "logEvents"))


def document_events(chunks: Iterable[bytes], origin: Origin) -> Iterator[Event | Skip]:
    """The events of all documents in a file, one at a time; a cut document keeps what came before the cut."""
    out = Output(origin.source)
    for item in json_items(text_blocks(chunks)):
        if isinstance(item, Broken):
            yield out.skip(item.line, item.reason)
        elif item.key == "logEvents":
            yield _subscription_event(item.value, item.around, item.line, out)
        elif item.key is None:
            yield from _object_events(item, out)
        else:
            yield from _unfold(item.value, item.line, out)


def _object_events(item: Item, out: Output) -> Iterator[Event | Skip]:
    handed_out = any(key in item.seen and key not in item.value for key in (*STREAMED, "logEvents"))
    if not handed_out and not (item.seen and ENVELOPE_KEYS.issuperset(item.seen)):
        yield from _unfold(item.value, item.line, out)
    elif item.value.get("status", "Complete") != "Complete":
        yield out.skip(item.line, PARTIAL)


def _unfold(value: Any, line: int, out: Output, *, in_page: bool = False) -> Iterator[Event | Skip]:
    """The events in a decoded value, whichever document or element it is."""
    if isinstance(value, list):
        yield _row_event(value, line, out)
    elif not isinstance(value, dict):
        yield out.skip(line, NOT_AN_EVENT)
    elif isinstance(value.get("awslogs"), dict):
        yield from _encoded_events(value["awslogs"].get("data"), line, out)
    elif "messageType" in value:
        yield from _payload_events(value, line, out)
    elif not in_page and isinstance(page := value.get("events", value.get("results")), list):
        for element in page:  # pages that were put into one array
            yield from _unfold(element, line, out, in_page=True)
    else:
        read = read_saved_event(value, out.source, f"{out.source}:{line}", out.count)
        out.count += isinstance(read, Event)
        yield read


def _row_event(row: list[Any], line: int, out: Output) -> Event | Skip:
    fields = {cell.get("field"): cell.get("value") for cell in row if isinstance(cell, dict) and _named(cell)}
    return insights_event(fields, line, out)


def _named(cell: Mapping[str, Any]) -> bool:
    return isinstance(cell.get("field"), str)


def insights_event(fields: Mapping[Any, Any], line: int, out: Output) -> Event | Skip:
    """The event of one row of a Logs Insights query."""
    return out.event(
        line,
        fields.get("@timestamp"),
        fields.get("@message"),
        group=group_name(fields.get("@log")),
        stream=fields.get("@logStream"),
    )


def _payload_events(payload: Mapping[str, Any], line: int, out: Output) -> Iterator[Event | Skip]:
    events = payload.get("logEvents")
    if payload.get("messageType") == "CONTROL_MESSAGE":
        yield out.skip(line, CONTROL)
    elif not isinstance(events, list):
        yield out.skip(line, NOT_AN_EVENT)
    else:
        for event in events:
            yield _subscription_event(event, payload, line, out)


def _subscription_event(event: Any, payload: Mapping[str, Any], line: int, out: Output) -> Event | Skip:
    if payload.get("messageType") == "CONTROL_MESSAGE":
        return out.skip(line, CONTROL)
    if not isinstance(event, dict):
        return out.skip(line, NOT_AN_EVENT)
    group, stream = payload.get("logGroup"), payload.get("logStream")
    at, message, event_id = event.get("timestamp"), event.get("message"), event.get("id")
    return out.event(line, at, message, group=group, stream=stream, event_id=event_id)


def _encoded_events(data: object, line: int, out: Output) -> Iterator[Event | Skip]:
    decoded = _decoded(data)
    if isinstance(decoded, str):
        yield out.skip(line, decoded)
    else:
        yield from _payload_events(decoded, line, out)


def _decoded(data: object) -> Mapping[str, Any] | str:
    """The payload in ``awslogs.data``, or the reason why it cannot be read."""
    if not isinstance(data, str):
        return BAD_PAYLOAD
    unzip = zlib.decompressobj(wbits=31)
    try:
        text = unzip.decompress(base64.b64decode(data, validate=True), LONGEST + 1)
        if len(text) > LONGEST:
            return LONG_PAYLOAD
        payload = json.loads(text)
    except (ValueError, RecursionError, zlib.error, binascii.Error):
        return BAD_PAYLOAD
    return payload if isinstance(payload, dict) else BAD_PAYLOAD
