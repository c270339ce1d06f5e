"""The JSON document: valid by its schema, complete, encodable, and without anybody's words."""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from incidents.events import Skip
from incidents.messages import Line
from incidents.timeline import Phase
from incidents.views import Options
from incidents.views.json import document, render
from tests.hostile import SECRETS, hostile
from tests.reports import SLOW, at, finding, incident, line, report, request, source

SCHEMA = json.loads((Path(__file__).parent.parent / "docs" / "trace.schema.json").read_text("utf-8"))
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
PRINTABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]*")


def problems(rendered: str) -> list[str]:
    """What the schema has against the document."""
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(json.loads(rendered))]


def strings(value: Any, key: str = "") -> list[tuple[str, str]]:
    """All strings of a document, each with the key it stands under."""
    if isinstance(value, dict):
        return [pair for name, each in value.items() for pair in strings(each, name)]
    if isinstance(value, list):
        return [pair for each in value for pair in strings(each, key)]
    return [(key, value)] if isinstance(value, str) else []


def test_the_incident_is_valid_by_the_schema():
    """The document of the incident has nothing that the schema forbids and all that it demands."""
    assert [] == problems(render(incident(), Options()))


def test_every_field_is_described():
    """Each key of the document stands in the schema, so that its reader can look it up."""

    def undescribed(schema: dict[str, Any], value: Any) -> set[str]:
        if isinstance(value, list):
            return {key for each in value for key in undescribed(schema["items"], each)}
        if not isinstance(value, dict):
            return set()
        known = schema["properties"]
        inner = {key for name in value.keys() & known for key in undescribed(known[name], value[name])}
        return set(value) - set(known) | inner

    assert set() == undescribed(SCHEMA, document(hostile("x"), Options()))


def test_what_the_incident_says():
    """The client's 503, the handler's 200 and the ten seconds after the commit stand in their fields."""
    slow, retry = document(incident(), Options())["requests"]

    assert (503, 200, 30000, 32312) == (
        slow["gateway"]["client_status"],
        slow["response_status"],
        slow["gateway"]["client_latency_ms"],
        slow["duration_ms"],
    )
    assert {
        "start": "2026-02-09T23:48:31.000Z",
        "end": "2026-02-09T23:48:41.000Z",
        "duration_ms": 10000,
        "after": "session-completed",
    } == slow["gaps"][-1]
    assert [{"at": "2026-02-09T23:48:52.138Z", "name": "request-refused"}] == retry["milestones"]


def test_times_are_rfc3339_utc_with_milliseconds():
    """Every time of the document has one form."""
    times = [
        text
        for key, text in strings(document(incident(), Options()))
        if key in ("at", "start", "end", "completed_at", "seen_until")
    ]

    assert len(times) > 10
    assert [] == [text for text in times if not TIME.fullmatch(text)]


def test_absurd_times_are_shown_in_the_same_form():
    """The first and the last moment of the calendar neither crash nor change the form."""
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    odd = replace(request(), start=first, end=last, init_duration=timedelta(seconds=1), init_waited=True)
    [extreme] = document(report(odd), Options())["requests"]

    assert ("0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z") == (extreme["start"], extreme["end"])


def test_an_open_phase_says_how_far_it_was_seen():
    """A phase without an end has no duration, and says until when it was seen."""
    open_phase = Phase("extraction", at(1), None, "recorded", at(29.5))
    [shown] = document(report(request(phases=(open_phase,))), Options())["requests"][0]["phases"]

    assert (None, None) == (shown["end"], shown["duration_ms"])
    assert "2026-02-09T23:48:38.188Z" == shown["seen_until"]


def test_durations_keep_three_decimals():
    """A whole number of milliseconds is an integer, and nothing is finer than a microsecond."""
    odd = replace(request(), duration=timedelta(microseconds=1234567), billed_duration=timedelta(seconds=2))
    [shown] = document(report(odd), Options())["requests"]

    assert (1234.567, 2000) == (shown["duration_ms"], shown["billed_duration_ms"])
    assert isinstance(shown["billed_duration_ms"], int)


def test_a_number_that_no_reader_could_hold_is_left_out():
    """An integer of five thousand digits in a log neither crashes the view nor reaches a reader."""
    [shown] = document(report(request(memory_size_mb=10**5000)), Options())["requests"]

    assert shown["memory_size_mb"] is None


def test_evidence_names_the_stream_and_the_time():
    """``where`` is the same from every saved form; ``source`` is the place in the file."""
    shown = document(incident(), Options())["findings"][0]["evidence"][0]

    assert "2026/02/09/[$LATEST]5c14fe7d1c8c4671b97550426018ccf2 2026-02-09T23:48:08.688Z" == shown["where"]
    assert "coaching-api.ndjson:100" == shown["source"]
    assert f"START request_id={SLOW}" == shown["message"]


def test_what_was_skipped_is_counted():
    """Used, other and skipped stand for each source, with the places of what was skipped."""
    skip = Skip("a.gz:7", "not JSON")
    counted = source(used=3, other=4, skipped=(skip,), skipped_count=120, complete=False)
    [shown] = document(report(sources=(counted,)), Options())["sources"]

    assert (3, 4, 120, False) == (shown["events"], shown["other"], shown["skipped_count"], shown["complete"])
    assert [{"where": "a.gz:7", "reason": "not JSON"}] == shown["skipped"]


@given(st.text())
def test_hostile_text_stays_text(text: str):
    """Whatever stands in any field: valid by the schema, encodable, and without control characters."""
    for redact in (True, False):
        rendered = render(hostile(text), Options(redact=redact))
        rendered.encode()

        assert [] == problems(rendered)
        assert [] == [each for _, each in strings(json.loads(rendered)) if not PRINTABLE.fullmatch(each)]


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_leaves(secret: str):
    """An address, a token or a key is nowhere in the document, whichever field it stood in."""
    assert secret not in render(hostile(secret), Options())
    assert secret not in render(hostile(f"before {secret} after"), Options())


def test_a_users_words_are_no_name():
    """What a line gave for a phase, a model, an error or an event is hidden where it is no name."""
    words = "my mother died last week"
    [shown] = document(hostile(words), Options())["requests"]

    assert {"...(24 chars)"} == {
        shown["error_type"],
        shown["phases"][0]["name"],
        shown["phases"][0]["model"],
        shown["milestones"][0]["name"],
        shown["gaps"][0]["after"],
    }


def test_a_route_has_no_query_and_no_ids():
    """What a client put into a path leaves only where the report is not redacted."""
    asked = report(request(route="GET /coaching/sess_123/result?name=Ann"))
    routes = [document(asked, Options(redact=each))["requests"][0]["route"] for each in (True, False)]

    assert ["GET /coaching/.../result", "GET /coaching/sess_123/result?name=Ann"] == routes


def test_without_redaction_the_line_stands_whole():
    """``--no-redact`` shows the message as it was logged, and only then."""
    told = finding(evidence=(line(1, "said", message=f"from {SECRETS[0]}: hello"),))
    [found] = document(report(findings=(told,)), Options(redact=False))["findings"]

    assert f"from {SECRETS[0]}: hello" == found["evidence"][0]["message"]


def test_every_text_field_is_put_to_the_test():
    """The hostile report really fills every text field that a report can hold."""
    literals = {"link", "outcome", "kind", "basis", "status", "severity", "confidence"}

    def untouched(value: Any, name: str) -> set[str]:
        if isinstance(value, tuple):
            return {each for item in value for each in untouched(item, name)}
        if is_dataclass(value) and not isinstance(value, Line | type):
            return {each for f in fields(value) for each in untouched(getattr(value, f.name), f.name)}
        return {name} if isinstance(value, str) and value != "mark" and name not in literals else set()

    assert set() == untouched(hostile("mark"), "")


def test_the_same_report_gives_the_same_text():
    """Nothing of the machine or of the moment is in the document."""
    assert render(incident(), Options()) == render(incident(), Options())
    assert render(incident(), Options()).endswith("}\n")
