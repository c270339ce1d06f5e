"""The demo's logs are what their README says: reproducible, true to the report, and hard to read wrongly."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import incidents
from incidents.demo import LOG_GROUP, REQUEST_ID, SESSION_ID, logs

SCRIPT = Path(__file__).parents[1] / "examples" / "make_demo_logs.py"
ANSI = re.compile(r"\x1b\[[0-9;]*m")

Event = dict[str, Any]


@pytest.fixture(scope="module")
def events() -> list[Event]:
    """All events of the file, read with nothing but json."""
    return [json.loads(line) for line in logs().read_text("ascii").splitlines()]


def clock(event: Event) -> str:
    """The time of day of an event, UTC."""
    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    return at.strftime("%H:%M:%S.%f")[:-3]


def spans(events: list[Event]) -> list[list[Event]]:
    """The requests of each stream: all events from one START of Lambda's to the REPORT of the same ID."""
    open_spans: dict[str, list[Event]] = {}
    done = []
    for event in events:
        stream, text = event["logStream"], event["message"]
        if text.startswith("START RequestId: "):
            assert stream not in open_spans, "an environment runs one request at a time"
            open_spans[stream] = []
        if stream in open_spans:
            open_spans[stream].append(event)
            if text.startswith(f"REPORT RequestId: {id_of(open_spans[stream])}\t"):
                done.append(open_spans.pop(stream))
    assert not open_spans
    return done


def id_of(span: list[Event]) -> str:
    """The Lambda request ID of a request."""
    return str(span[0]["message"].split()[2])


def steps(span: list[Event]) -> list[tuple[str, str]]:
    """Time and name of what the application says in a request, without DEBUG and the middleware."""
    form = re.compile(r"(?:INFO|WARNING): \S+ \[\w+ *\] (coaching_\w+\.[\w.]+)")
    names = [(clock(event), form.match(ANSI.sub("", event["message"]))) for event in span]
    return [(at, match[1]) for at, match in names if match]


def named(span: list[Event], name: str) -> str:
    """The one line of a request that has this event name at its end, without colours."""
    texts = [ANSI.sub("", event["message"]) for event in span]
    [text] = [text for text in texts if f"{name} " in text.partition(" [coaching.")[0] + " "]
    return text


def incident_of(events: list[Event]) -> list[Event]:
    """The request that outlived the gateway."""
    [span] = [span for span in spans(events) if id_of(span) == REQUEST_ID]
    return span


def retry_of(events: list[Event]) -> list[Event]:
    """The request that was refused."""
    [span] = [span for span in spans(events) if any("not_active" in event["message"] for event in span)]
    return span


def test_script_writes_the_shipped_file_byte_for_byte(tmp_path: Path) -> None:
    """Whoever runs the script gets the very file that ships, so its content can be reviewed as code."""
    package = str(Path(incidents.__file__).parents[1])
    command = [sys.executable, str(SCRIPT), str(tmp_path / "again.ndjson")]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": package, "PYTHONHASHSEED": "1"})

    assert logs().read_bytes() == (tmp_path / "again.ndjson").read_bytes()


def test_the_files_form_is_cloudwatchs(events: list[Event]) -> None:
    """Every line is an event as CloudWatch keeps it: its keys, its IDs that count up, in order of time."""
    keys = ("logGroup", "logStream", "timestamp", "ingestionTime", "message", "eventId")
    ids = [event["eventId"] for event in events]

    assert {keys} == {tuple(event) for event in events}
    assert {LOG_GROUP} == {event["logGroup"] for event in events}
    assert {56} == {len(event_id) for event_id in ids}
    assert ids == sorted(set(ids))
    assert all(int(event["eventId"]) >> 144 == event["timestamp"] for event in events)
    assert all(event["message"].endswith("\n") for event in events)
    assert all(0 < event["ingestionTime"] - event["timestamp"] < 8000 for event in events)


def test_size_and_window(events: list[Event]) -> None:
    """The file is big enough to hide the incident, small enough to ship: 15 minutes, four streams."""
    assert 3_000 <= len(events) <= 6_000
    assert logs().stat().st_size <= 1_500_000
    assert 4 == len({event["logStream"] for event in events})
    assert "23:40" <= clock(events[0]) <= clock(events[-1]) < "23:55"


def test_the_incident_is_as_reported(events: list[Event]) -> None:
    """The slow request has the report's steps, at the report's times, and ends after 32,312 ms."""
    span = incident_of(events)

    assert ("23:48:08.688", "23:48:41.000") == (clock(span[0]), clock(span[-1]))
    assert "\tDuration: 32312.00 ms\tBilled Duration: 32312 ms\t" in span[-1]["message"]
    assert [
        ("23:48:08.750", "coaching_service.send_message"),
        ("23:48:09.000", "coaching_service.llm_response_parsed"),
        ("23:48:09.008", "coaching_session.saved"),
        ("23:48:09.010", "coaching_service.auto_completion_triggered"),
        ("23:48:30.950", "coaching_service.llm_call_completed"),
        ("23:48:30.980", "coaching_session.saved"),
        ("23:48:31.000", "coaching_service.session_completed"),
        ("23:48:40.990", "coaching_sessions.send_message.success"),
    ] == steps(span)[2:]


def test_the_incidents_fields(events: list[Event]) -> None:
    """The one LLM call took 21,900 ms, the reply was final, and the handler answered 200 to nobody."""
    span = incident_of(events)
    call = named(span, "llm_call_completed")

    assert " model_code=CLAUDE_3_5_SONNET_V2 " in call and " processing_time_ms=21900 " in call
    assert " is_final=True " in named(span, "llm_response_parsed")
    assert " status_code=200\n" in named(span, "Request completed")
    assert f" session_id={SESSION_ID}\n" in named(span, "session_completed")


def test_nothing_is_said_about_the_ten_seconds_after_the_commit(events: list[Event]) -> None:
    """Between the commit and the answer the incident's stream is silent: the report names no step there."""
    stream = incident_of(events)[0]["logStream"]
    here = [clock(event) for event in events if event["logStream"] == stream]

    assert [] == [at for at in here if "23:48:31.000" < at < "23:48:40.990"]


def test_the_retry_is_refused_at_once(events: list[Event]) -> None:
    """The retry meets a completed session in another environment and is refused within 150 ms."""
    span = retry_of(events)
    refusal = "not_active [coaching.src.api.routes.coaching_sessions] current_status=completed "

    assert "23:48:52.104" == clock(span[0])
    assert span[-1]["timestamp"] - span[0]["timestamp"] <= 150
    assert span[0]["logStream"] != incident_of(events)[0]["logStream"]
    assert f"{refusal}error_code=SESSION_NOT_ACTIVE session_id={SESSION_ID}\n" in named(span, "not_active")
    assert " status_code=400\n" in named(span, "Request completed")


def test_lines_look_like_the_apis(events: list[Event]) -> None:
    """structlog's colours, DEBUG noise, records of one event a line: most lines carry no ID."""
    span = incident_of(events)
    texts = [event["message"] for event in span]

    assert any(text.startswith("INFO: \x1b[2m2026-02-09T23:48:31.000") for text in texts)
    assert {"\n", "POST\n", "AWS4-HMAC-SHA256\n"} <= set(texts)
    assert 0.4 < sum(text.startswith("DEBUG: ") for text in texts) / len(texts) < 0.7
    assert 3 == sum(REQUEST_ID in text for text in texts)
    assert 0.2 > sum(SESSION_ID in text for text in texts) / len(texts) > 0


def test_other_sessions_and_health_checks_go_on_around_it(events: list[Event]) -> None:
    """Five other sessions take turns, some of them while the incident runs; health checks come in between."""
    own = {REQUEST_ID, id_of(retry_of(events))}
    others = [span for span in spans(events) if id_of(span) not in own]
    text = "".join(ANSI.sub("", event["message"]) for span in others for event in span)
    during = [span for span in others if "23:48:08.688" < clock(span[0]) < "23:48:41.000"]

    assert 5 == len(set(re.findall(r" session_id=(sess_[0-9a-f-]{36})", text)) - {SESSION_ID})
    assert 3 == len(during)
    assert 17 == text.count("INFO: GET /api/v1/health 200\n")


def test_everyday_requests_are_nothing_to_worry_about(events: list[Event]) -> None:
    """Every other request answered 200 in less than 15 s, one of them after a cold start of 4.9 s."""
    own = {REQUEST_ID, id_of(retry_of(events))}
    others = [span for span in spans(events) if id_of(span) not in own]
    cold = [span for span in others if "\tInit Duration: 4887.52 ms\t" in span[-1]["message"]]

    assert {" status_code=200\n"} == {named(span, "Request completed")[-17:] for span in others}
    assert 15_000 > max(span[-1]["timestamp"] - span[0]["timestamp"] for span in others)
    assert 1 == len(cold)
    assert 1 == sum(event["message"].startswith("INIT_START ") for event in events)


def test_the_session_id_is_quoted_where_it_proves_nothing(events: list[Event]) -> None:
    """Another session's user quotes the ID: in bodies, and in a field's text that looks like a field."""
    own = {REQUEST_ID, id_of(retry_of(events))}
    quoting = [span for span in spans(events) if id_of(span) not in own and SESSION_ID in str(span)]
    lines = [ANSI.sub("", event["message"]) for event in quoting[0] if SESSION_ID in event["message"]]

    assert 1 == len(quoting)
    assert any(line.startswith('b\'{"Item"') for line in lines)
    assert any(f" user_preview='My colleague was stuck too, her page said session_id={SESSION_ID} " in line
               for line in lines)  # fmt: skip


def test_a_report_line_is_forged_in_another_stream(events: list[Event]) -> None:
    """A user's text brings END and REPORT lines for the incident's request, 12 ms, as events of their own."""
    reports = [event for event in events if event["message"].startswith(f"REPORT RequestId: {REQUEST_ID}\t")]
    streams = Counter(event["logStream"] for event in reports)

    assert 2 == len(reports) == len(streams)
    assert "\tDuration: 12.00 ms\t" in reports[1]["message"]


def test_retry_noise_of_botocore_is_there_and_throttling_is_not(events: list[Event]) -> None:
    """Lines that look like a throttled model to a careless reader, and none that mean it."""
    text = "".join(event["message"] for event in events)

    assert 50 < text.count("DEBUG: No retry needed.\n") == text.count("DEBUG: Event needs-retry.")
    assert "Rate limiting middleware initialized" in text
    assert not re.search(r"Throttl|Too many requests|\b429\b", text)


def test_nothing_in_it_looks_like_a_real_secret(events: list[Event]) -> None:
    """Tokens, keys and addresses are there to be redacted, and every one of them says that it is a fake."""
    text = "".join(event["message"] for event in events)
    [token] = set(re.findall(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", text))
    claims = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]

    assert [{"alg": "none"}, {"sub": "not-a-real-token"}] == claims
    assert {"AKIAIOSFODNN7EXAMPLE"} == set(re.findall(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}", text))
    assert {"user@example.com"} == set(re.findall(r"[\w.+-]+@[\w-]+\.\w[\w.]*", text))
    assert {"only-an-example-and-not-a-secret"} == set(re.findall(r'jwt_secret[\\": ]+([\w-]+)', text))
    assert not re.search(r"PRIVATE KEY|\bgh[pous]_|\bxox[abp]-|\bsk-|(?<![\w-])\d{12}(?![\w-])", text)
