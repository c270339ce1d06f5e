"""The same log events in every form in which CloudWatch logs are saved.

``FULL_FORMS`` carry stream and millisecond time, so that reading gives the events back unchanged;
``POORER_FORMS`` lack one of the two.
"""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from incidents.events import Event, Skip
from incidents.forms import Form, Origin, recognise

GROUP = "/aws/lambda/coaching-api-4b4d001"
ONE = "2026/02/09/[$LATEST]d3c7a1b2c3d4e5f60718293a4b5c6d7e"
TWO = "2026/02/09/[$LATEST]0011223344556677889900aabbccddee"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Logged:
    """One event as it was logged."""

    stream: str
    ms: int
    """Milliseconds since 1970."""
    message: str
    """Without white space at its end: some tools cut that off."""

    @property
    def at(self) -> datetime:
        """In UTC."""
        return _EPOCH + timedelta(milliseconds=self.ms)


@dataclass(frozen=True, slots=True)
class Saved:
    """One file."""

    data: bytes
    path: str | None = None


Writer = Callable[[Sequence[Logged]], list[Saved]]

_T = 1770680888688  # 2026-02-09T23:48:08.688Z

EVENTS: tuple[Logged, ...] = (
    Logged(
        ONE,
        _T - 5000,
        "INIT_START Runtime Version: python:3.11.v60\tRuntime Version ARN: arn:aws:lambda:us::r:0",
    ),
    Logged(ONE, _T, "START RequestId: ae220969-d5df-4cdc-a767-70f9fa8624de Version: $LATEST"),
    Logged(TWO, _T, "START RequestId: 0f0f0f0f-1111-4222-8333-444444444444 Version: $LATEST"),
    Logged(ONE, _T + 62, ""),
    Logged(
        ONE,
        _T + 62,
        "INFO: \x1b[2m2026-02-09T23:48:08.750000Z\x1b[0m [\x1b[32m\x1b[1minfo     \x1b[0m] \x1b[1msend",
    ),
    Logged(
        TWO,
        _T + 312,
        "[ERROR]\t2026-02-09T23:48:09.000Z\t0f0f0f0f\tfailed\nTraceback\n\n\tat\ttab\n  File 'x'",
    ),
    Logged(ONE, _T + 312, "grüße 你好 🎉 \u2028 \x85 \x0b e\u0301 and \x00 \x07"),
    Logged(ONE, _T + 312, "grüße 你好 🎉 \u2028 \x85 \x0b e\u0301 and \x00 \x07"),
    Logged(
        ONE,
        _T + 400,
        "user said:\nREPORT RequestId: ae220969-d5df-4cdc-a767-70f9fa8624de\tDuration: 1.00 ms\n}",
    ),
    Logged(
        TWO,
        _T + 401,
        '{"timestamp": "2026-02-09T23:48:09Z", "level": "INFO", "message": "a\\nb \\ud83c\\udf89"}',
    ),
    Logged(TWO, _T + 402, "  indented \"quoted\", with, commas\n  \tand 'more'\n]"),
    Logged(
        ONE,
        _T + 30000,
        "2026-02-09T23:48:38.688Z ae220969-d5df-4cdc-a767-70f9fa8624de Task timed out after 30 s",
    ),
    Logged(ONE, _T + 32312, "END RequestId: ae220969-d5df-4cdc-a767-70f9fa8624de"),
    Logged(
        ONE,
        _T + 32312,
        "REPORT RequestId: ae220969-d5df-4cdc-a767-70f9fa8624de\tDuration: 32312.00 ms\tMemory: 1024 MB\n"
        "XRAY TraceId: 1-6a507b87-0cc4438344b48ef127ab1931\tSampled: true",
    ),
)


def read(saved: Saved, *, size: int | None = None) -> list[Event | Skip]:
    """Recognise a file by its content and read it in pieces of ``size`` bytes."""
    return list(form_of(saved).events(pieces(saved.data, size), Origin(saved.path or "logs", saved.path)))


def form_of(saved: Saved) -> Form:
    return recognise(saved.data[:65536], saved.path)


def pieces(data: bytes, size: int | None) -> Iterator[bytes]:
    size = size or max(1, len(data))
    return (data[i : i + size] for i in range(0, len(data), size))


def by_stream(events: Iterable[tuple[str | None, datetime, str]]) -> list[tuple[str | None, datetime, str]]:
    """Events stream by stream: an export holds one stream a file."""
    return sorted(events, key=lambda event: event[0] or "")


def core(event: Event | Skip) -> tuple[str | None, datetime, str]:
    assert isinstance(event, Event), event
    return event.log_stream, event.at, event.message


def logged_core(events: Iterable[Logged]) -> list[tuple[str | None, datetime, str]]:
    return by_stream((event.stream, event.at, event.message) for event in events)


def _text(text: str) -> list[Saved]:
    return [Saved(text.encode())]


def _cli_event(event: Logged, number: int) -> dict[str, object]:
    return {
        "logStreamName": event.stream,
        "timestamp": event.ms,
        "message": event.message + "\n",
        "ingestionTime": event.ms + 4000,
        "eventId": f"{number:056d}",
    }


def _cli_events(events: Sequence[Logged]) -> list[dict[str, object]]:
    return [_cli_event(event, number) for number, event in enumerate(events)]


def ndjson(events: Sequence[Logged]) -> list[Saved]:
    lines = [
        {
            "logGroup": GROUP,
            "logStream": e.stream,
            "timestamp": e.ms,
            "message": e.message + "\n",
            "eventId": str(n),
        }
        for n, e in enumerate(events)
    ]
    return _text("".join(json.dumps(line) + "\n" for line in lines))


def ndjson_insights(events: Sequence[Logged]) -> list[Saved]:
    lines = [
        {
            "@timestamp": _spaced(e),
            "@message": e.message,
            "@logStream": e.stream,
            "@log": f"123456789012:{GROUP}",
        }
        for e in events
    ]
    return _text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def filter_json(events: Sequence[Logged]) -> list[Saved]:
    return _text(json.dumps({"events": _cli_events(events), "searchedLogStreams": []}, indent=4) + "\n")


def filter_json_compact(events: Sequence[Logged]) -> list[Saved]:
    """In one line, as ``jq -c`` and most programs write it."""
    return _text(json.dumps({"events": _cli_events(events), "searchedLogStreams": []}, separators=(",", ":")))


def filter_json_pages(events: Sequence[Logged]) -> list[Saved]:
    """Two compact pages, one after the other, with the events behind the other keys."""
    half = len(events) // 2
    pages = (_cli_events(events)[:half], _cli_events(events)[half:])
    return _text(
        "".join(json.dumps({"searchedLogStreams": [], "nextToken": "t", "events": page}) for page in pages)
    )


def event_array(events: Sequence[Logged]) -> list[Saved]:
    return _text(json.dumps(_cli_events(events), indent=2, ensure_ascii=False))


def event_array_compact(events: Sequence[Logged]) -> list[Saved]:
    return _text(json.dumps(_cli_events(events), separators=(",", ":")))


def pretty_events(events: Sequence[Logged]) -> list[Saved]:
    return _text("\n".join(json.dumps(event, indent=2) for event in _cli_events(events)))


def _rows(events: Sequence[Logged]) -> list[list[dict[str, str]]]:
    return [
        [
            {"field": "@timestamp", "value": _spaced(event)},
            {"field": "@message", "value": event.message},
            {"field": "@logStream", "value": event.stream},
            {"field": "@ptr", "value": f"Ck{number}"},
        ]
        for number, event in enumerate(events)
    ]


def _results(events: Sequence[Logged]) -> dict[str, object]:
    return {"results": _rows(events), "statistics": {"recordsMatched": 3.0}, "status": "Complete"}


def results_json(events: Sequence[Logged]) -> list[Saved]:
    return _text(json.dumps(_results(events), indent=4))


def results_json_compact(events: Sequence[Logged]) -> list[Saved]:
    return _text(json.dumps(_results(events), separators=(",", ":")))


def results_array(events: Sequence[Logged]) -> list[Saved]:
    return _text(json.dumps(_rows(events)))


def results_text(events: Sequence[Logged]) -> list[Saved]:
    rows = "".join(f"RESULTS\t{cell['field']}\t{cell['value']}\n" for row in _rows(events) for cell in row)
    return _text(f"CWLI\tComplete\n{rows}STATISTICS\t3.0\t1.0\t2.0\n")


def results_text_crlf(events: Sequence[Logged]) -> list[Saved]:
    return [Saved(saved.data.replace(b"\n", b"\r\n")) for saved in results_text(events)]


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]], end: str = "\n") -> list[Saved]:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerows([header, *rows])
    return _text(text.getvalue())


def csv_insights(events: Sequence[Logged]) -> list[Saved]:
    """The console's CSV of a query that names all that is needed."""
    rows = (
        (_spaced(e), e.message, e.stream, f"123456789012:{GROUP}", f"Ck{n}") for n, e in enumerate(events)
    )
    return _csv(("@timestamp", "@message", "@logStream", "@log", "@ptr"), rows)


def csv_crlf(events: Sequence[Logged]) -> list[Saved]:
    """With the columns in another order and the newlines of a spreadsheet."""
    rows = ((e.stream, e.ms, e.message) for e in events)
    return _csv(("logStreamName", "timestamp", "message"), rows, end="\r\n")


def csv_query(events: Sequence[Logged]) -> list[Saved]:
    """The console's CSV of the query that it proposes, without streams."""
    return _csv(("@timestamp", "@message"), ((_spaced(e), e.message) for e in events))


def csv_events(events: Sequence[Logged]) -> list[Saved]:
    """The console's CSV of log events."""
    return _csv(("timestamp", "message"), ((e.ms, e.message + "\n") for e in events))


def filter_text(events: Sequence[Logged]) -> list[Saved]:
    lines = [
        f"EVENTS\t{n:056d}\t{e.ms + 4000}\t{e.stream}\t{e.message}\n\t{e.ms}\n" for n, e in enumerate(events)
    ]
    return _text("".join(lines) + f"SEARCHEDLOGSTREAMS\t{ONE}\tTrue\n")


def tail(events: Sequence[Logged]) -> list[Saved]:
    return _text("".join(f"{_micros(e)}+00:00 {e.stream} {e.message}".rstrip() + "\n" for e in events))


def tail_coloured(events: Sequence[Logged]) -> list[Saved]:
    green, cyan = "\x1b[32m{}+00:00\x1b[0m", "\x1b[36m{}\x1b[0m"
    lines = (
        f"{green.format(_micros(e))} {cyan.format(e.stream)} {e.message}".rstrip() + "\n" for e in events
    )
    return _text("".join(lines))


def payload(events: Sequence[Logged]) -> list[str]:
    """Subscription documents: one for each run of events of one stream."""
    return [
        json.dumps(
            {
                "messageType": "DATA_MESSAGE",
                "owner": "123456789012",
                "logGroup": GROUP,
                "logStream": stream,
                "subscriptionFilters": ["all"],
                "logEvents": [
                    {"id": f"{number:056d}", "timestamp": e.ms, "message": e.message} for number, e in run
                ],
            }
        )
        for stream, run in groupby(enumerate(events), key=lambda numbered: numbered[1].stream)
    ]


def subscription_lines(events: Sequence[Logged]) -> list[Saved]:
    return _text("".join(document + "\n" for document in payload(events)))


def firehose(events: Sequence[Logged]) -> list[Saved]:
    return _text("".join(payload(events)))


def subscription_sorted(events: Sequence[Logged]) -> list[Saved]:
    """With the keys sorted, so that the events come before their stream."""
    return _text("\n".join(json.dumps(json.loads(document), sort_keys=True) for document in payload(events)))


def awslogs_data(events: Sequence[Logged]) -> list[Saved]:
    packed = (base64.b64encode(gzip.compress(document.encode(), 1)).decode() for document in payload(events))
    return _text("".join(json.dumps({"awslogs": {"data": data}}) + "\n" for data in packed))


def export(events: Sequence[Logged]) -> list[Saved]:
    streams = sorted({event.stream for event in events})
    return [
        Saved(
            "".join(f"{_millis(e)} {e.message}\n" for e in events if e.stream == stream).encode(),
            f"exported/0a1b2c3d-0000-4000-8000-00000000abcd/{stream.replace('/', '-')}/000000.gz",
        )
        for stream in streams
    ]


def sam(events: Sequence[Logged]) -> list[Saved]:
    return _text("".join(f"{e.stream} {_micros(e)} {e.message}\n" for e in events))


def sam_coloured(events: Sequence[Logged]) -> list[Saved]:
    lines = (f"\x1b[36m{e.stream}\x1b[0m \x1b[33m{_micros(e)}\x1b[0m {e.message}\n" for e in events)
    return _text("".join(lines))


def awslogs_times(events: Sequence[Logged]) -> list[Saved]:
    return _text("".join(f"{GROUP} {e.stream:60} {_millis(e)} {e.message.rstrip()}\n" for e in events))


def awslogs_coloured(events: Sequence[Logged]) -> list[Saved]:
    """With the ingestion time, too."""
    form = "\x1b[32m{}\x1b[0m \x1b[36m{}\x1b[0m \x1b[33m{}\x1b[0m \x1b[34m{}\x1b[0m {}\n"
    later = [Logged(e.stream, e.ms + 4000, "") for e in events]
    lines = zip(events, later, strict=True)
    return _text("".join(form.format(GROUP, e.stream, _millis(e), _millis(i), e.message) for e, i in lines))


def _got(events: Sequence[Logged]) -> dict[str, object]:
    page = [{"timestamp": e.ms, "message": e.message, "ingestionTime": e.ms + 4000} for e in events]
    return {"events": page, "nextForwardToken": "f/1", "nextBackwardToken": "b/1"}


def get_json(events: Sequence[Logged]) -> list[Saved]:
    return _text(json.dumps(_got(events), indent=4))


def get_json_compact(events: Sequence[Logged]) -> list[Saved]:
    return _text(json.dumps(_got(events), separators=(",", ":")))


def get_text(events: Sequence[Logged]) -> list[Saved]:
    lines = (f"EVENTS\t{e.ms + 4000}\t{e.message}\n\t{e.ms}\n" for e in events)
    return _text("b/3851\tf/3852\n" + "".join(lines))


def export_flat(events: Sequence[Logged]) -> list[Saved]:
    return _text("".join(f"{_millis(e)} {e.message}\n" for e in events))


def tail_short(events: Sequence[Logged]) -> list[Saved]:
    return _text("".join(f"{_micros(e)[:19]} {e.message}".rstrip() + "\n" for e in events))


FULL_FORMS: tuple[Writer, ...] = (
    *(ndjson, ndjson_insights, filter_json, filter_json_compact, filter_json_pages),
    *(event_array, event_array_compact, pretty_events, results_json, results_json_compact, results_array),
    *(results_text, results_text_crlf, filter_text, tail, tail_coloured),
    *(subscription_lines, firehose, subscription_sorted, awslogs_data, export),
    *(sam, sam_coloured, awslogs_times, awslogs_coloured, csv_insights, csv_crlf),
)
NO_STREAM_FORMS: tuple[Writer, ...] = (
    get_json,
    get_json_compact,
    get_text,
    export_flat,
    csv_query,
    csv_events,
)
POORER_FORMS: tuple[Writer, ...] = (*NO_STREAM_FORMS, tail_short)


def _micros(event: Logged) -> str:
    return event.at.replace(tzinfo=None).isoformat(timespec="microseconds")


def _millis(event: Logged) -> str:
    return event.at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _spaced(event: Logged) -> str:
    return event.at.replace(tzinfo=None).isoformat(" ", timespec="milliseconds")
