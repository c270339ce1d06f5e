"""Every line of every file in tests/data/samples reads as what it says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from incidents.access_logs import AccessLogFormat
from incidents.messages import Message
from incidents.reading import read_message

SAMPLES = Path(__file__).parent / "data" / "samples"

AE22 = "ae220969-d5df-4cdc-a767-70f9fa8624de"
D661 = "d661f7cf-9208-46b9-85b0-213b04a91065"
FBCA = "fbcaf9e5-d535-40a1-891c-7b70118cf7e8"
TRACE = {"segmentId": "90cbc97f4ee64a7f", "sampled": "true"}


def lines(name: str) -> list[str]:
    text = (SAMPLES / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["message"] for line in text] if name.endswith(".jsonl") else text


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def report(request_id: str | None, **fields: object) -> Message:
    own = {} if request_id is None else {"requestId": request_id}
    return Message("report", () if request_id is None else (request_id,), fields={**own, **fields})


LAMBDA_TEXT = [
    report(
        "50aba555-xmpl-4b21-8358-644ee996a05f",
        durationMs=12.96,
        billedDurationMs=13.0,
        memorySizeMB=128,
        maxMemoryUsedMB=48,
        initDurationMs=117.86,
    ),
    report(
        None,
        initDurationMs=48.26,
        durationMs=237.17,
        billedDurationMs=300.0,
        memorySizeMB=128,
        maxMemoryUsedMB=26,
    ),
    report(
        "b92a770e-7c92-4a13-84e3-613428ff991f",
        durationMs=3.1,
        billedDurationMs=546.0,
        memorySizeMB=2048,
        maxMemoryUsedMB=95,
        initDurationMs=542.01,
        traceId="1-6a507b87-0cc4438344b48ef127ab1931",
        segmentId="d0025b207c551fde",
        sampled="true",
    ),
    report(
        "24addd09-6e64-49fb-b187-94ba9b60b59a",
        durationMs=127.1,
        billedDurationMs=154.0,
        memorySizeMB=2048,
        maxMemoryUsedMB=212,
        restoreDurationMs=325.93,
        billedRestoreDurationMs=26.0,
        traceId="1-66d978e5-56c7378e556e94b5461da07c",
        segmentId="29c3839e6ecb5895",
        sampled="true",
    ),
    report(
        "276ff3b9-1609-4ee7-a288-db3752630767",
        durationMs=10935.7,
        billedDurationMs=10936.0,
        memorySizeMB=1024,
        maxMemoryUsedMB=1024,
        status="error",
        errorType="Runtime.OutOfMemory",
        traceId="1-6ac7d556-032906e375c910cf42cb849e",
        **TRACE,
    ),
    report(
        "55bc566d-1e2c-11e7-93e6-6705ceb4c1cc",
        durationMs=469.4,
        billedDurationMs=500.0,
        memorySizeMB=1024,
        maxMemoryUsedMB=21,
        restoreDurationMs=474.16,
        billedRestoreDurationMs=75.0,
    ),
    Message(
        "timeout",
        ("b5264ab7-2056-4f5b-bb0f-a06a70f6205d",),
        at=utc(2019, 7, 18, 18, 58, 22, 286000),
        fields={"durationMs": 30030.0},
    ),
    Message(
        "log",
        ("ffbce4c2-d80e-4ffa-a0bc-505361e28b8a",),
        level="ERROR",
        at=utc(2019, 7, 18, 21, 30, 46, 599000),
    ),
    Message(
        "log",
        level="ERROR",
        at=utc(2025, 2, 10, 7, 37, 10, 463000),
        fields={"errorType": "Runtime.UserCodeSyntaxError"},
    ),
    Message("init-report", fields={"initDurationMs": 9999.79, "phase": "init", "status": "timeout"}),
    Message(
        "init-start",
        fields={
            "runtimeVersion": "python:3.12.mainlinev2.v27",
            "runtimeVersionArn": "arn:aws:lambda:us-east-1::runtime:"
            "fb4a5cbb4aeb1909cf946882192e0e708d8756b3a866c3ab89a3cfcfffeca7bc",
        },
    ),
    Message(
        "start",
        ("50aba555-99c8-4b21-8358-644ee996a05f",),
        fields={"requestId": "50aba555-99c8-4b21-8358-644ee996a05f", "version": "$LATEST"},
    ),
]

LAMBDA_JSON = [
    Message(
        "report",
        ("459921b5-681c-4a96-beb0-81e0aa586026",),
        at=utc(2022, 10, 21, 14, 5, 5, 766000),
        fields={
            "type": "platform.report",
            "requestId": "459921b5-681c-4a96-beb0-81e0aa586026",
            "status": "success",
            "durationMs": 2599.4,
            "billedDurationMs": 2600.0,
            "memorySizeMB": 128,
            "maxMemoryUsedMB": 94,
            "initDurationMs": 549.04,
            "traceId": "1-6352a70e-1e2c502e358361800241fd45",
        },
    ),
    Message(
        "start",
        ("f0c9f58b-8ebe-4e84-a656-95eb6eee865a",),
        at=utc(2026, 10, 8, 7, 30, 41, 76000),
        fields={
            "type": "platform.start",
            "requestId": "f0c9f58b-8ebe-4e84-a656-95eb6eee865a",
            "functionArn": "arn:aws:lambda:eu-central-1:000000000000:function:tenner-notifier",
            "version": "$LATEST",
        },
    ),
    Message(
        "runtime-done",
        (D661,),
        at=utc(2024, 2, 9, 8, 42, 44, 79000),
        fields={
            "type": "platform.runtimeDone",
            "requestId": D661,
            "status": "success",
            "durationMs": 1.056,
            "producedBytes": 50.0,
        },
    ),
    Message(
        "start",
        (D661,),
        at=utc(2024, 2, 9, 8, 42, 44, 78000),
        fields={"type": "platform.start", "requestId": D661, "version": "8"},
    ),
    Message(
        "init-start",
        at=utc(2022, 10, 12, 0, 0, 15, 64000),
        fields={
            "type": "platform.initStart",
            "initializationType": "on-demand",
            "phase": "init",
            "runtimeVersion": "nodejs-14.v3",
            "runtimeVersionArn": "arn",
        },
    ),
    Message(
        "restore-report",
        at=utc(2022, 10, 12, 0, 0, 15, 64000),
        fields={"type": "platform.restoreReport", "status": "success", "restoreDurationMs": 15.19},
    ),
    Message(
        "runtime-done",
        ("req-1",),
        at=utc(2026, 8, 9, 12, 34, 56, 789000),
        fields={
            "type": "platform.runtimeDone",
            "requestId": "req-1",
            "status": "error",
            "errorType": "Runtime.ExitError",
        },
    ),
]

LOGGER = "coaching.src.services.coaching_session_service"
AWSLAMBDARIC = [
    Message(
        "log",
        (AE22,),
        name="coaching_session.completed",
        level="INFO",
        at=utc(2026, 11, 23, 23, 5, 26, 374000),
    ),
    Message(
        "log",
        (AE22,),
        session_id="sess_1",
        name="coaching_session.completed",
        level="INFO",
        at=utc(2026, 11, 23, 23, 5, 26),
        fields={
            "timestamp": "2026-11-23T23:05:26Z",
            "level": "INFO",
            "message": "coaching_session.completed",
            "logger": LOGGER,
            "requestId": AE22,
            "session_id": "sess_1",
        },
    ),
    Message(
        "log",
        (AE22,),
        level="ERROR",
        at=utc(2026, 11, 23, 23, 5, 26),
        fields={
            "timestamp": "2026-11-23T23:05:26Z",
            "level": "ERROR",
            "message": "failed",
            "logger": LOGGER,
            "errorType": "ZeroDivisionError",
            "errorMessage": "division by zero",
            "requestId": AE22,
            "location": "/var/task/coaching/app.py:send_message:42",
        },
    ),
    Message("log", (AE22,), level="ERROR", at=utc(2026, 11, 23, 23, 5, 26, 379000)),
    *[Message("text")] * 5,  # a traceback, one event per line
    Message("log", (AE22,), level="INFO", at=utc(2026, 11, 23, 23, 5, 26, 380000)),
    Message("log", (), level="WARNING", at=utc(2026, 11, 23, 23, 5, 26, 380000)),
]

STRUCTLOG = [
    Message(
        "log",
        (AE22,),
        session_id="sess_1",
        name="coaching_service.session_paused",
        level="INFO",
        at=utc(2026, 11, 23, 23, 5, 26, 504201),
        fields={
            "turn": 4,
            "event": "coaching_service.session_paused",
            "session_id": "sess_1",
            "request_id": AE22,
            "level": "info",
            "timestamp": "2026-11-23T23:05:26.504201Z",
        },
    ),
]

GATEWAY = [
    Message("gateway", (FBCA,), fields={"requestId": FBCA, "error.message": "timeout"}),
    Message("text"),  # what a client printed, not a line of the gateway
    Message(
        "gateway",
        ("758a8c2f-35eb-4713-b55e-56879fbc968b", "5293df93-f895-46ee-8c21-1471f0d0cef0"),
        fields={
            "requestId": "5293df93-f895-46ee-8c21-1471f0d0cef0",
            "integration.integrationStatus": 200,
            "error.message": "customer function error",
            "integration.requestId": "758a8c2f-35eb-4713-b55e-56879fbc968b",
        },
    ),
    Message(
        "gateway",
        ("8a699106-8d59-11e8-905d-b3747276ed60",),
        fields={"requestId": "8a699106-8d59-11e8-905d-b3747276ed60"},
    ),
    Message(
        "gateway",
        ("17cb49b2-c061-11e9-bc30-f118c8b08d5f",),
        at=utc(2019, 8, 28, 15, 10, 34),
        fields={
            "requestId": "17cb49b2-c061-11e9-bc30-f118c8b08d5f",
            "identity.sourceIp": "1.2.3.4",
            "requestTime": "28/Aug/2019:15:10:34 +0000",
            "httpMethod": "GET",
        },
    ),
    Message("text"),  # a format, no line: see test_access_log_formats_of_the_samples_read_lines
    Message("text"),
]

# Containers of events, which incidents.containers unpacks: as messages they say nothing.
ENVELOPES = [Message("text")] * 4

EXPECTED = {
    "lambda_text.jsonl": LAMBDA_TEXT,
    "lambda_json.jsonl": LAMBDA_JSON,
    "generated_awslambdaric.txt": AWSLAMBDARIC,
    "generated_structlog.ndjson": STRUCTLOG,
    "apigateway.jsonl": GATEWAY,
    "envelopes.jsonl": ENVELOPES,
}
CASES = [
    pytest.param(text, expected, id=f"{name}:{number}")
    for name, messages in EXPECTED.items()
    for number, (text, expected) in enumerate(zip(lines(name), messages, strict=True), 1)
]


def test_no_sample_is_left_out() -> None:
    """
    Each file of samples has expectations, and each line of it one.
    """
    assert {path.name for path in SAMPLES.iterdir()} == EXPECTED.keys()
    assert {name: len(lines(name)) for name in EXPECTED} == {
        name: len(each) for name, each in EXPECTED.items()
    }


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_sample_reads_as_what_it_says(text: str, expected: Message) -> None:
    """
    A sample's kind, IDs, name, level, time and fields are those that it shows, and no others.
    """
    assert expected == read_message(text)


def test_access_log_formats_of_the_samples_read_lines() -> None:
    """
    Both format strings of the samples read a line written with them.
    """
    as_json, spaced = (AccessLogFormat.parse(text) for text in lines("apigateway.jsonl")[-2:])

    in_json = read_message(
        '{"requestTime":"09/Feb/2026:23:48:08 +0000","requestId":"g-1","httpMethod":"POST",'
        '"path":"/coaching/message","resourcePath":"-","status":503,"responseLatency":30000,'
        '"integrationRequestId":"-","functionResponseStatus":"-","integrationLatency":"-",'
        '"integrationServiceStatus":"-","integrationErrorMessage":"Endpoint request timed out",'
        '"authorizerStatus":"-","authorizerLatency":"-","authorizerRequestId":"-","authorizerError":"-",'
        '"ip":"1.2.3.4","userAgent":"curl/8","principalId":"-"}',
        as_json,
    )
    in_words = read_message(
        f"Endpoint request timed out POST 1.2.3.4 - 200 28990 {AE22} 200 /message {FBCA} 29002 44 dev 504",
        spaced,
    )

    assert in_json.fields is not None and in_words.fields is not None
    assert (("g-1",), utc(2026, 2, 9, 23, 48, 8)) == (in_json.request_ids, in_json.at)
    assert (503, 30000.0) == (in_json.fields["status"], in_json.fields["responseLatency"])
    assert (AE22, FBCA) == in_words.request_ids
    assert (504, 29002.0, "Endpoint request timed out") == (
        in_words.fields["status"],
        in_words.fields["responseLatency"],
        in_words.fields["error.message"],
    )


def test_the_events_inside_a_subscription_payload_are_log_lines() -> None:
    """
    The messages that the payload sample carries read as the runtime's error lines.
    """
    payload = json.loads(lines("envelopes.jsonl")[0])

    assert [Message("log", level="ERROR")] * 2 == [
        read_message(each["message"]) for each in payload["logEvents"]
    ]


def test_the_line_of_an_export_counts_without_its_time() -> None:
    """
    An exported line says START once its time, which is the event's, is taken off.
    """
    _, _, message = lines("envelopes.jsonl")[2].partition(" ")

    assert ("start", (AE22,)) == (read_message(message).kind, read_message(message).request_ids)
