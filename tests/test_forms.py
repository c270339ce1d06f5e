"""Every form in which CloudWatch logs are saved reads as the same events, and nothing in it vanishes."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from incidents.events import Event, Skip
from incidents.forms import Origin, recognise
from incidents.forms.bare import own_time
from incidents.forms.base import LONGEST
from incidents.forms.csv_rows import COLUMNS, QUOTES
from incidents.forms.jsonvalues import Item, json_items
from incidents.forms.jsonwindow import Broken
from incidents.forms.ndjson import read_ndjson_line
from incidents.forms.recognition import FORMS
from tests import forms_data
from tests.forms_data import EVENTS, FULL_FORMS, NO_STREAM_FORMS, ONE, TWO, Logged, Saved, Writer

T = 1770680888688
AT = datetime(2026, 2, 9, 23, 48, 8, 688000, tzinfo=UTC)

REPORT = "REPORT RequestId: ae220969-d5df-4cdc-a767-70f9fa8624de\tDuration: 1.00 ms\tBilled Duration: 1 ms"


def read(text: str | bytes, path: str | None = None) -> list[Event | Skip]:
    return forms_data.read(Saved(text.encode() if isinstance(text, str) else text, path))


def messages(found: list[Event | Skip]) -> list[str]:
    return [event.message for event in found if isinstance(event, Event)]


def reasons(found: list[Event | Skip]) -> list[tuple[str, str]]:
    return [(skip.where, skip.reason) for skip in found if isinstance(skip, Skip)]


@pytest.mark.parametrize("writer", FULL_FORMS)
def test_same_events_from_every_form(writer: Writer) -> None:
    """Each form that carries stream and time gives back stream, time and message of every event."""
    found = [event for saved in writer(EVENTS) for event in forms_data.read(saved)]

    assert forms_data.logged_core(EVENTS) == forms_data.by_stream(map(forms_data.core, found))


@pytest.mark.parametrize("writer", NO_STREAM_FORMS)
def test_forms_without_stream(writer: Writer) -> None:
    """A form that carries no stream gives back time and message, and says that there is no stream."""
    [saved] = writer(EVENTS)

    expected = [(None, event.at, event.message) for event in EVENTS]
    assert expected == [forms_data.core(event) for event in forms_data.read(saved)]


def test_short_tail_has_whole_seconds() -> None:
    """The short format of tail gives messages at whole seconds."""
    [saved] = forms_data.tail_short(EVENTS)
    found = forms_data.read(saved)

    assert [event.message for event in EVENTS] == messages(found)
    assert AT.replace(microsecond=0) == found[1].at  # type: ignore[union-attr]


@pytest.mark.parametrize("writer", forms_data.FULL_FORMS + forms_data.POORER_FORMS)
@given(size=st.one_of(st.just(1), st.just(7), st.integers(1, 5000)))
@example(size=1)
@example(size=7)
def test_any_chunk_size(writer: Writer, size: int) -> None:
    """Wherever the bytes are cut, inside a character or a CR LF, the same is read."""
    for saved in writer(EVENTS):
        assert forms_data.read(saved) == forms_data.read(saved, size=size)


@pytest.mark.parametrize("writer", forms_data.FULL_FORMS + forms_data.POORER_FORMS)
def test_blocks_cut_anywhere(writer: Writer) -> None:
    """Events that lie across the edges of the blocks that are held in memory are read like others."""
    many = [Logged(e.stream, e.ms + i, f"{e.message} {i}") for i in range(150) for e in EVENTS]
    found = [event for saved in writer(many) for event in forms_data.read(saved, size=70_001)]

    assert sorted(event.message for event in many) == sorted(messages(found))
    assert [] == reasons(found)


_LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=30)


@pytest.mark.parametrize("writer", FULL_FORMS)
@given(messages=st.lists(st.lists(_LINE, min_size=1, max_size=3), min_size=1, max_size=6))
def test_any_message_survives(writer: Writer, messages: list[list[str]]) -> None:
    """Whatever a message's lines hold, tabs, quotes and brackets too, every form gives them back."""
    logged = [
        Logged((ONE, TWO)[i % 2], T + i, "\n".join(["x", *(" " + line for line in lines)]).rstrip() + ".")
        for i, lines in enumerate(messages)
    ]
    found = [event for saved in writer(logged) for event in forms_data.read(saved)]

    assert forms_data.logged_core(logged) == forms_data.by_stream(map(forms_data.core, found))


@pytest.mark.parametrize("writer", FULL_FORMS)
@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
def test_byte_order_marks(writer: Writer, codec: str) -> None:
    """A byte order mark is no part of the content, and tells UTF-16."""
    for saved in writer(EVENTS):
        marked = Saved(saved.data.decode().encode(codec), saved.path)

        assert list(map(forms_data.core, forms_data.read(saved))) == list(
            map(forms_data.core, forms_data.read(marked))
        )


@pytest.mark.parametrize(
    "writer", [forms_data.filter_text, forms_data.tail, forms_data.sam, forms_data.ndjson]
)
def test_crlf_files(writer: Writer) -> None:
    """A text file that came through Windows gives the same messages."""
    [saved] = writer(EVENTS)
    windows = Saved(saved.data.replace(b"\n", b"\r\n"))

    assert messages(forms_data.read(saved)) == messages(forms_data.read(windows))


def test_files_with_marks_put_together() -> None:
    """Files that each begin with a byte order mark can be put one after the other."""
    line = f"\ufeff2026-02-09T23:48:08.688000+00:00 {ONE} text\n"

    assert ["text", "text"] == messages(read(line * 2))


def test_place_and_order() -> None:
    """An event's place is the line where it begins, and its order the count of events before it."""
    found = read(
        f"stray\n2026-02-09T23:48:08.688000+00:00 {ONE} a\n  b\n\n2026-02-09T23:48:09+00:00 {ONE} c\n"
    )

    assert [("logs:2", 0, "a\n  b"), ("logs:5", 1, "c")] == [
        (event.place, event.order, event.message) for event in found if isinstance(event, Event)
    ]
    assert [("logs:1", "a continuation line with no event before it")] == reasons(found)


def test_place_in_a_document() -> None:
    """In a pretty-printed document the place is the line of the event's object."""
    [saved] = forms_data.filter_json(EVENTS[:2])
    second = saved.data.decode().split("\n").index("        {", 3) + 1

    assert ["logs:3", f"logs:{second}"] == [event.place for event in forms_data.read(saved)]  # type: ignore[union-attr]


@pytest.mark.parametrize("writer", forms_data.FULL_FORMS[7:] + forms_data.POORER_FORMS)
def test_forged_report_stays_inside_its_message(writer: Writer) -> None:
    """A REPORT line inside a message is never an event of its own where lines carry a prefix."""
    logged = [Logged(ONE, T, "said"), Logged(ONE, T, f"user text\n{REPORT}\nSTART RequestId: 1 Version: 2")]
    found = [event for saved in writer(logged) for event in forms_data.read(saved)]

    assert [event.message for event in logged] == messages(found)


# --- JSON documents


@pytest.mark.parametrize(
    "writer", [forms_data.filter_json, forms_data.filter_json_pages, forms_data.results_json]
)
def test_cut_document_keeps_what_decoded(writer: Writer) -> None:
    """A document that was cut off gives the events before the cut, then one skip that says where."""
    [saved] = writer(EVENTS)
    whole = list(map(forms_data.core, forms_data.read(saved)))
    for end in range(len(saved.data) // 2, len(saved.data) - 2, 97):
        *kept, last = read(saved.data[:end])

        assert whole[: len(kept)] == list(map(forms_data.core, kept))
        assert isinstance(last, Skip) and last.reason == "the document is cut off here"
    assert len(whole) // 2 < len(kept)


def test_broken_element_costs_one_event() -> None:
    """An element that is not JSON is skipped; those around it are read."""
    good = '{"timestamp": %d, "message": "%s"}'
    broken = '{"timestamp": 1,, "message": "]}"}'
    found = read(f'{{"events": [{good % (T, "a")}, {broken}, {good % (T, "b")}]}}')

    assert ["a", "b"] == messages(found)
    assert [("logs:1", "not valid JSON; reading goes on behind it")] == reasons(found)


def test_missing_quote_costs_the_rest_of_its_page() -> None:
    """Where a quote is missing, reading goes on at the next line that begins an object."""
    [first], [second] = forms_data.filter_json(EVENTS[:1]), forms_data.filter_json(EVENTS[1:3])
    found = read(first.data.replace(b'"INIT_START', b"INIT_START") + second.data)

    assert [event.message for event in EVENTS[1:3]] == messages(found)
    assert ["logs:3", "logs:7"] == [where for where, _ in reasons(found)]


def test_page_behind_a_cut_page() -> None:
    """After a page that was cut off, a pretty-printed page put behind it is read."""
    [first], [second] = forms_data.filter_json(EVENTS[:3]), forms_data.filter_json(EVENTS[3:])
    for cut in range(50, 350, 7):
        found = read(first.data[:-cut] + b"\n" + second.data)

        assert [event.message for event in EVENTS[3:]] == messages(found)[-len(EVENTS[3:]) :]
        assert reasons(found)


def test_partial_results_are_told() -> None:
    """The results of a query that still runs are read, and told to be partial."""
    [json_form], [text_form] = forms_data.results_json(EVENTS), forms_data.results_text(EVENTS)
    for saved in (
        json_form.data.replace(b"Complete", b"Running"),
        text_form.data.replace(b"Complete", b"Running"),
    ):
        found = read(saved)

        assert len(EVENTS) == len(messages(found))
        assert ["results are partial: the query was not complete"] == [reason for _, reason in reasons(found)]


def test_results_in_any_field_order() -> None:
    """A row of text results begins where a field comes again, whatever the order of the fields."""
    cells = "RESULTS\t@message\ta\tb\nRESULTS\t@logStream\ts\nRESULTS\t@timestamp\t2026-02-09 23:48:08.688\n"
    message_last = (
        "RESULTS\t@timestamp\t2026-02-09 23:48:08.688\nRESULTS\t@logStream\ts\nRESULTS\t@message\ta\tb\n"
    )
    found = read(
        f"Complete\n{cells * 2}STATISTICS\t3.0\t1.0\t2.0\nComplete\n{message_last}STATISTICS\t3.0\t1.0\n"
    )

    assert [("s", AT, "a\tb")] * 3 == [forms_data.core(event) for event in found]


def test_rows_without_time_or_message() -> None:
    """A row that lacks the time or the message is a skip."""
    count, time = '{"field":"count()","value":"3"}', '{"field":"@timestamp","value":"2026-02-09 23:48:08"}'
    found = read(f'{{"results":[[{count}],[{time}]]}}')

    assert ["it has no time", "it has no message"] == [reason for _, reason in reasons(found)]


def test_pages_in_one_array() -> None:
    """Pages that were put into one array read as their events."""
    pages = [
        json.loads(saved.data) for part in (EVENTS[:5], EVENTS[5:]) for saved in forms_data.filter_json(part)
    ]

    assert [event.message for event in EVENTS] == messages(read(json.dumps([*pages, {"events": []}])))


def test_payload_with_its_stream_last() -> None:
    """The order of a subscription document's keys does not matter."""
    event = {"id": "1", "timestamp": T, "message": "text"}
    payload = {"messageType": "DATA_MESSAGE", "logEvents": [event], "logGroup": "g", "logStream": "s"}
    [found] = read(json.dumps(payload))

    assert ("s", AT, "text") == forms_data.core(found)


def test_cut_payload_keeps_what_decoded() -> None:
    """A subscription document that was cut off gives the events before the cut, with their stream."""
    [saved] = forms_data.firehose([event for event in EVENTS if event.stream == ONE])
    *kept, last = read(saved.data[:-40])

    assert [(ONE, event.message) for event in EVENTS if event.stream == ONE][:-1] == [
        forms_data.core(event)[::2] for event in kept
    ]
    assert isinstance(last, Skip) and "the document is cut off here" == last.reason


def test_bad_rows_of_csv_are_told() -> None:
    """Each with its line and reason, and the rows around them are read; a header that comes again is none."""
    header, good = "@timestamp,@message,@logStream\n", '2026-02-09 23:48:08.688,"a\nb",s\n'
    odd = 'soon,text,s\n2026-02-09 23:48:08.688,text\n2026-02-09 23:48:08.688,"te"xt,s\n'
    found = read(header + good + odd + "\n" + header + good + '2026-02-09 23:48:08.688,"never closed,s\n')

    assert ["a\nb", "a\nb"] == messages(found)
    assert [
        ("logs:4", "its time cannot be read"),
        ("logs:5", COLUMNS),
        ("logs:6", QUOTES),
        ("logs:11", QUOTES),
    ] == (reasons(found))
    assert ["logs:2", "logs:9"] == [event.place for event in found if isinstance(event, Event)]


def test_only_a_first_line_is_a_header_of_csv() -> None:
    """The same words behind a line of Lambda's are text."""
    assert "bare Lambda lines" == recognise(b"START RequestId: 1\n@timestamp,@message\n", None).name


def test_what_stands_around_text_events() -> None:
    """Page tokens and searched streams are no events and no skips; anything else after an event is a skip."""
    [saved] = forms_data.get_text(EVENTS[:2])
    found = read(saved.data + saved.data + b"NEXTTOKEN\tabc\nwhat is this\n")

    assert [event.message for event in EVENTS[:2]] * 2 == messages(found)
    assert [("logs:12", "not a log event")] == reasons(found)


def test_text_event_that_was_cut() -> None:
    """A text event without the timestamp at its end is a skip."""
    [saved] = forms_data.filter_text(EVENTS[:2])
    end = saved.data.rindex(b"\t17")
    found = read(saved.data[:end])

    assert [EVENTS[0].message] == messages(found)
    assert [("logs:3", "an event without the timestamp at its end")] == reasons(found)


def test_control_message_is_counted() -> None:
    """The message with which CloudWatch probes a subscription is a skip."""
    event = {
        "id": "",
        "timestamp": T,
        "message": "CWL CONTROL MESSAGE: Checking health of destination Firehose.",
    }
    probe = {"messageType": "CONTROL_MESSAGE", "logGroup": "", "logStream": "", "logEvents": [event]}

    assert [("logs:1", "control message")] == reasons(read(json.dumps(probe)))


def test_payload_bomb_is_bounded() -> None:
    """A payload that decodes to more than 64 MB is a skip, and the next one is read."""
    bomb = base64.b64encode(gzip.compress(b" " * (LONGEST + 2))).decode()
    [good] = forms_data.awslogs_data(EVENTS[:2])
    found = read(json.dumps({"awslogs": {"data": bomb}}) + "\n" + good.data.decode())

    assert [event.message for event in EVENTS[:2]] == messages(found)
    assert [("logs:1", "a subscription payload of more than 64 MB")] == reasons(found)


def test_aws_test_event() -> None:
    """The test event of AWS's own documentation reads as its two events."""
    data = (
        "H4sIAAAAAAAAAHWPwQqCQBCGX0Xm7EFtK+smZBEUgXoLCdMhFtKV3akI8d0bLYmibvPPN3wz00CJxmQnTO41whwWQRIctmEcB6sQbFC3CjW3"
        "XW8kxpOpP+OC22d1Wml1qZkQGtoMsScxaczKN3plG8zlaHIta5KqWsozoTYw3/djzwhpLwivWFGHGpAFe7DL68JlBUk+l7KSN7tCOEJ4M3/qOI4"
        "9vMHj+zCKdlFqLaU2ZHV2a4Ct/an0/ivdX8oYc1UVX860fQDQiMdxRQEAAA=="
    )
    found = read(json.dumps({"awslogs": {"data": data}}))

    assert ["[ERROR] First test message", "[ERROR] Second test message"] == messages(found)
    assert {"testLogStream"} == {event.log_stream for event in found if isinstance(event, Event)}


# --- recognition


def test_recognised_under_any_name() -> None:
    """The form follows from the content, whatever the file is called, and all forms are found."""
    found = set()
    for writer in forms_data.FULL_FORMS + forms_data.POORER_FORMS:
        [saved, *_] = writer(EVENTS)
        names = {recognise(saved.data, name).name for name in (None, "a.json", "x/y.csv", "tail.txt")}
        assert 1 == len(names)
        found |= names

    assert {form.name for form in FORMS} - {"bare Lambda lines"} == found


@pytest.mark.parametrize(
    "line",
    [
        '{"time":"2022-10-12T00:00:15.064Z","type":"platform.start","record":{"requestId":"1"}}',
        '{"timestamp": "2026-11-23T23:05:26Z", "level": "INFO", "message": "done", "requestId": "1"}',
        '{"turn": 4, "event": "session_paused", "level": "info", "timestamp": "2026-11-23T23:05:26.504201Z"}',
        '{"requestId": "1", "requestTime": "28/Aug/2019:15:10:34 +0000", "status": 503}',
        "[ERROR]\t2019-07-18T21:30:46.599Z\t1\tfailed",
        "2019-07-18T18:58:22.286Z b5264ab7-2056-4f5b-bb0f-a06a70f6205d Task timed out after 30.03 seconds",
        "2025-02-10T07:37:10.463Z\tundefined\tERROR\tUncaught Exception",
        "START RequestId: 1 Version: $LATEST",
        "",
    ],
)
def test_messages_alone_are_bare_lines(line: str) -> None:
    """A message without anything of CloudWatch's around it is a bare line, JSON or not."""
    assert "bare Lambda lines" == recognise(line.encode(), None).name


def test_head_that_ends_inside_the_first_event() -> None:
    """A first event longer than the head is recognised by the keys before its message."""
    event = {"logGroup": "g", "logStream": "s", "timestamp": T, "message": "x" * 100_000}
    for text in (json.dumps(event) + "\n", json.dumps({"events": [event]})):
        assert ["x" * 100_000] == messages(read(text))


def test_wrapper_quoted_in_a_bare_line_is_text() -> None:
    """In bare lines an object that looks like a saved event stays one message."""
    forged = json.dumps({"timestamp": T, "message": REPORT, "logStream": ONE})
    found = read(f"START RequestId: 1 Version: $LATEST\n[INFO]\t2026-02-09T23:48:08.688Z\t1\ta\n{forged}\n")

    assert [forged] == messages(found)[2:]


# --- bare lines, awslogs without times, exports


def test_bare_lines_and_their_times() -> None:
    """START takes the next time, other lines the last, and a traceback continues the line before it."""
    text = (
        "START RequestId: 1 Version: $LATEST\nhello\n"
        "[ERROR]\t2026-02-09T23:48:08.688Z\t1\tfailed\nTraceback (most recent call last):\n"
        "  File 'x'\nValueError: no\n"
        f"END RequestId: 1\n{REPORT}\nXRAY TraceId: 1-6a\tSampled: true\n"
    )
    found = read(text)

    assert [1, 2, 3, 7, 8] == [int(event.place.split(":")[1]) for event in found]  # type: ignore[union-attr]
    assert {AT} == {event.at for event in found}  # type: ignore[union-attr]
    assert f"{REPORT}\nXRAY TraceId: 1-6a\tSampled: true" == messages(found)[-1]
    assert "Traceback (most recent call last):\n  File 'x'\nValueError: no" in messages(found)[2]


def test_start_after_another_request_takes_the_next_time() -> None:
    """A START is not dated back to the request before it."""
    found = read(
        "[INFO]\t2026-02-09T23:48:08.688Z\t1\ta\nEND RequestId: 1\n"
        "START RequestId: 2 Version: 1\n\x1b[2m2026-02-09T23:50:00.000000Z\x1b[0m b\n"
    )
    later = datetime(2026, 2, 9, 23, 50, tzinfo=UTC)

    assert [AT, AT, later, later] == [event.at for event in found]  # type: ignore[union-attr]


def test_no_time_at_all() -> None:
    """Bare lines with no time anywhere are skips, line by line."""
    found = read("START RequestId: 1 Version: $LATEST\nhello\nworld\nEND RequestId: 1\n")

    assert [(f"logs:{line}", "no time on it or near it") for line in (1, 2, 3, 4)] == reasons(found)
    assert [] == messages(found)


@pytest.mark.parametrize(
    "line",
    [
        "[INFO]\t2026-02-09T23:48:08.688Z\t1\tx",
        "2026-02-09T23:48:08.688Z\tundefined\tERROR\tx",
        '{"time":"2026-02-09T23:48:08.688Z","type":"platform.start"}',
        '{"level":"info","timestamp":"2026-02-10T00:48:08.688999+01:00"}',
        '{"_aws":{"Timestamp":1770680888688},"PhaseDuration":1}',
        '{"requestId":"1","requestTimeEpoch":1770680888688}',
        "INFO: \x1b[2m2026-02-09T23:48:08.688567Z\x1b[0m [\x1b[32m\x1b[1minfo     \x1b[0m] x",
        "2026-02-09 23:48:08,688 - name - INFO - x",
        '[AWS Parameters] 2024/04/11 02:14:17 on {"time":"2026-02-09T23:48:08.688Z","type":"platform.start"}',
    ],
)
def test_own_time_of_a_line(line: str) -> None:
    """A line's own time is found in every shape in which Lambda and the loggers write it."""
    assert AT == own_time(line)


def test_awslogs_without_times() -> None:
    """awslogs text without its timestamp column carries streams and takes the messages' own times."""
    line = f"/aws/lambda/x {ONE} "
    found = read(f"{line}START RequestId: 1\n{line}[INFO]\t2026-02-09T23:48:08.688Z\t1\tx\n")

    assert [(ONE, AT), (ONE, AT)] == [(event.log_stream, event.at) for event in found]  # type: ignore[union-attr]
    assert {"/aws/lambda/x"} == {event.log_group for event in found}  # type: ignore[union-attr]


def test_message_that_begins_with_a_time_in_awslogs() -> None:
    """A message's own time, earlier than the event's, is not taken for the column of the ingestion time."""
    message = "2026-02-09T23:48:08.687Z [info] saved"
    [event] = read(f"/aws/lambda/x {ONE} 2026-02-09T23:48:08.688Z {message}\n")

    assert (ONE, AT, message) == forms_data.core(event)


def test_pretty_json_of_tail() -> None:
    """tail --format json spreads a message over lines; it is one event, whose text is that JSON."""
    body = json.dumps({"level": "INFO", "nested": {"a": [1, 2]}}, indent=4)
    [event] = read(f"2026-02-09T23:48:08.688000+00:00 {ONE} \n{body}\n")

    assert (ONE, AT, body) == forms_data.core(event)


@pytest.mark.parametrize(
    ("path", "stream"),
    [
        ("a/0b/2026-02-09-[$LATEST]d3c7/000000.gz", "2026/02/09/[$LATEST]d3c7"),
        ("a\\0b\\2026-02-09-api[12]d3c7\\000001", "2026/02/09/api[12]d3c7"),
        ("a/0a1b2c3d-0000-4000-8000-00000000abcd/my-own-stream/000000.gz", "my-own-stream"),
        ("a/logs/my-own-stream/000000.gz", None),
        ("export.txt", None),
    ],
)
def test_stream_of_an_export(path: str, stream: str | None) -> None:
    """An export's stream is its folder's name, turned back where it is Lambda's."""
    [event] = read("2026-02-09T23:48:08.688Z text\n", path)

    assert (stream, AT, "text") == forms_data.core(event)


# --- hostile input: only events and skips, and nothing vanishes

LONG = "9" * 5000
DEEP = "[" * 100_000
GOOD = '{"timestamp": 1770680888688, "message": "good", "logStream": "s"}'

HOSTILE_OBJECTS = [
    '{"timestamp": NaN, "message": "m", "logStream": "s"}',
    '{"timestamp": -Infinity, "message": "m", "logStream": "s"}',
    f'{{"timestamp": {LONG}, "message": "m", "logStream": "s"}}',
    f'{{"timestamp": "{LONG}", "message": "m", "logStream": "s"}}',
    '{"timestamp": 99999999999999, "message": "m", "logStream": "s"}',
    '{"timestamp": 1388534399999, "message": "m", "logStream": "s"}',
    '{"timestamp": "2026-02-30T00:00:00Z", "message": "m", "logStream": "s"}',
    '{"timestamp": "0001-01-01T00:00:00+23:59", "message": "m", "logStream": "s"}',
    '{"timestamp": true, "message": "m", "logStream": "s"}',
    '{"timestamp": 1770680888688, "logStream": "s"}',
    '{"timestamp": 1770680888688, "message": null, "logStream": "s"}',
    '{"timestamp": 1770680888688, "message": [DEEP], "logStream": "s"}'.replace("[DEEP]", DEEP),
    '{"timestamp": 1770680888688, "message": [DEEP]}'.replace("[DEEP]", DEEP + "]" * 100_000),
    '{"timestamp": 1770680888688, "message"}',
    '{"timestamp"',
    DEEP,
    DEEP + "]" * 100_000,
    '"text"',
    "null",
    "]}",
    "\x00",
    '{"awslogs": {"data": "H4sI!"}}',
    '{"awslogs": {"data": {}}}',
    '{"messageType": "DATA_MESSAGE", "logEvents": 5}',
    '{"messageType": "DATA_MESSAGE", "logEvents": [5]}',
]


@pytest.mark.parametrize("text", HOSTILE_OBJECTS)
def test_hostile_object_is_one_skip_in_ndjson(text: str) -> None:
    """A line that is no event costs itself only, and is counted."""
    found = read(f"{GOOD}\n{text}\n{GOOD}\n")

    assert ["Event", "Skip", "Event"] == [type(one).__name__ for one in found]
    assert "logs:2" == found[1].where  # type: ignore[union-attr]


@pytest.mark.parametrize("text", HOSTILE_OBJECTS)
@pytest.mark.parametrize(
    "around", ["%s", "[%s]", "[[%s]]", '{"events": [%s]}', '{"results": [%s, %s]}', "EVENTS\t%s"]
)
def test_hostile_content_never_raises(text: str, around: str) -> None:
    """Whatever stands in whichever form, reading yields events and skips, and at least one skip."""
    found = read(around.replace("%s", text))

    assert {Event, Skip} >= {type(one) for one in found}
    assert reasons(found) or around == "%s"


@pytest.mark.parametrize(
    "text", [text for text in HOSTILE_OBJECTS if not text.startswith(('{"timestamp"}', "]"))]
)
def test_hostile_element_leaves_its_page_readable(text: str) -> None:
    """The events of the next page are read, whatever a page held."""
    found = read(f'{{"events": [{GOOD}, {text}]}}\n{{"events": [\n{GOOD}]}}\n')

    assert reasons(found)
    assert ["good", "good"] == messages(found)


def test_what_is_kept_of_odd_events() -> None:
    """Duplicate keys, lone surrogates, NUL and messages that are objects are read."""
    assert "second" == _message('{"timestamp": 1770680888688, "message": "first", "message": "second"}')
    assert "a\ufffdb" == _message('{"timestamp": 1770680888688, "message": "a\\ud800b"}')
    assert "a\x00\tb" == _message('{"timestamp": 1770680888688, "message": "a\\u0000\tb"}')
    assert '{"a":[1,"ü"]}' == _message('{"timestamp": 1770680888688.9, "message": {"a": [1, "ü"]}}')
    assert "\ufffd(" == _message(b'{"timestamp": "1770680888688", "message": "\xc3("}')


def _message(line: str | bytes) -> str:
    data = line.encode() if isinstance(line, str) else line
    event = read_ndjson_line(data, source="s", place="s:1", order=0)
    assert isinstance(event, Event) and AT == event.at, event
    return event.message


@pytest.mark.parametrize(
    "begin", ['{"timestamp": 1770680888688, "message": "', f"2026-02-09T23:48:08.688000+00:00 {ONE} ", "x"]
)
def test_line_over_the_limit_is_one_skip(begin: str) -> None:
    """A record of more than 64 MB is a skip, and reading goes on at the next line."""
    next_line = GOOD if begin.startswith("{") else f"2026-02-09T23:48:08.688000+00:00 {ONE} good"
    first = next_line.replace("good", "first")
    found = read(f"{first}\n{begin}{'x' * LONGEST}\n{next_line}\n")

    assert ["first", "good"] == messages(found)
    assert [("logs:2", "longer than 64 MB")] == reasons(found)


def test_element_over_the_limit_is_one_skip() -> None:
    """An event of more than 64 MB inside a document is a skip, and the next element is read."""
    long = GOOD.replace("good", "x" * LONGEST)
    found = read(f'{{"events": [{long}, {GOOD}]}}')

    assert ["good"] == messages(found)
    assert [("logs:1", "longer than 64 MB")] == reasons(found)


def test_message_of_endless_lines_is_one_skip() -> None:
    """A message whose lines grow past 64 MB is a skip as a whole."""
    head = f"2026-02-09T23:48:08.688000+00:00 {ONE} "
    found = read(f"{head}long\n" + ("y" * 1_000_000 + "\n") * 68 + f"{head}good\n")

    assert ["good"] == messages(found)
    assert [("logs:1", "longer than 64 MB")] == reasons(found)


_PIECES = st.sampled_from(
    [
        *(
            "EVENTS\t",
            "1" * 56,
            "\t1770680888688",
            "\t",
            "\n",
            "\r\n",
            "RESULTS\t@timestamp\t",
            "RESULTS\t@message\t",
        ),
        *(
            "2026-02-09 23:48:08.688",
            "2026-02-09T23:48:08.688Z ",
            "2026-02-09T23:48:08.688000+00:00 ",
            "CWLI\tRunning",
        ),
        *(
            ONE + " ",
            "/aws/lambda/x ",
            "START RequestId: 1",
            "[INFO]\t",
            "{",
            "}",
            "[",
            "]",
            '"',
            ":",
            ",",
            "\\",
        ),
        *(
            '{"events":[',
            '"timestamp":1770680888688',
            '"message":"m"',
            '{"field":"@message","value":"v"}',
            "\x1b[32m",
        ),
        *(
            '{"messageType":"DATA_MESSAGE"',
            '"logStream":"s"',
            '"logEvents":[',
            "nul",
            "-",
            "1e",
            GOOD,
            "\ufeff",
            "é",
        ),
    ]
)


@given(st.lists(_PIECES, max_size=40).map("".join), st.integers(1, 9))
def test_any_mixture_reads_alike_in_any_pieces(text: str, size: int) -> None:
    """Any mixture of the forms' own marks yields events and skips, the same however it is cut."""
    data = text.encode()
    for form in FORMS:
        whole = list(form.events([data], Origin("logs", None)))

        assert whole == list(form.events(forms_data.pieces(data, size), Origin("logs", None)))
        assert [*range(len(messages(whole)))] == [one.order for one in whole if isinstance(one, Event)]


@given(st.lists(_PIECES | st.text(max_size=5), max_size=30).map("".join))
def test_no_line_of_text_vanishes(text: str) -> None:
    """In text whose lines carry a prefix, every line is an event's, continues one, or is a skip."""
    prefix = f"2026-02-09T23:48:08.688000+00:00 {ONE} "
    lines = text.split("\n")
    data = "".join(f"{prefix}{line}\n" if i % 3 == 2 else f"{line}\n" for i, line in enumerate(lines))
    tail = next(form for form in FORMS if form.name == "aws logs tail")
    found = list(tail.events([data.encode()], Origin("logs", None)))

    kept = "\n".join(messages(found)).replace("\r", "")
    for line in lines[2:]:
        assert line.replace("\r", "").strip("\ufeff\n") in kept or line.startswith("2026-02-09T23:48")


@given(st.lists(_PIECES, max_size=40).map("".join), st.integers(1, 7))
def test_scanner_finds_the_same_values_in_any_blocks(text: str, size: int) -> None:
    """The incremental scanner's values do not depend on where its blocks end."""
    blocks = [text[i : i + size] for i in range(0, len(text), size)]
    whole = list(json_items([text]))

    assert whole == list(json_items(blocks))
    assert {Item, Broken} >= {type(item) for item in whole}
