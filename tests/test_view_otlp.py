"""The OTLP export: accepted by OpenTelemetry's own schema, complete, and the same wherever it is made."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from incidents.report import Report
from incidents.timeline import Gateway, Phase
from incidents.views import Options
from incidents.views.otlp import render
from tests.hostile import SECRETS, hostile
from tests.reports import RETRY, SESSION, SLOW, THIRTY, at, finding, incident, report, request


def parsed(rendered: str) -> ExportTraceServiceRequest:
    """The document as OpenTelemetry's protobuf reads it; unknown fields are refused."""

    def plain(value: Any) -> Any:
        # OTLP/JSON has IDs in hex where protobuf's own JSON has base64: the one difference.
        if isinstance(value, list):
            return [plain(each) for each in value]
        if not isinstance(value, dict):
            return value
        ids = ("traceId", "spanId", "parentSpanId")
        return {
            key: base64.b64encode(bytes.fromhex(each)).decode() if key in ids else plain(each)
            for key, each in value.items()
        }

    message = ExportTraceServiceRequest()
    json_format.ParseDict(plain(json.loads(rendered)), message)
    return message


def spans(given: Report) -> list[Span]:
    """All spans of the export, parsed."""
    resources = parsed(render(given, Options())).resource_spans
    return [span for each in resources for scope in each.scope_spans for span in scope.spans]


def about(span: Any) -> dict[str, Any]:
    """The attributes of a span, an event or a resource as a dict."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


def test_the_incident_is_one_trace():
    """Both requests of the session are spans of one trace, with the slow one's work below it."""
    slow, _, before, after, retry = spans(incident())

    assert 1 == len({span.trace_id for span in spans(incident())})
    assert (SLOW, RETRY) == (about(slow)["faas.invocation_id"], about(retry)["faas.invocation_id"])
    assert ["POST /coaching/message", "extraction", "unaccounted", "unaccounted"] == [
        span.name for span in spans(incident())[:4]
    ]
    assert slow.span_id == before.parent_span_id == after.parent_span_id
    assert (b"", Span.SPAN_KIND_SERVER) == (slow.parent_span_id, slow.kind)


def test_times_are_the_incidents():
    """Nanoseconds since 1970 give back the start and the reported length."""
    slow = spans(incident())[0]

    assert datetime(2026, 2, 9, 23, 48, 8, 688000, UTC) == datetime.fromtimestamp(
        slow.start_time_unix_nano / 1e9, UTC
    )
    assert 32_312_000_000 == slow.end_time_unix_nano - slow.start_time_unix_nano


def test_the_names_are_opentelemetrys():
    """Session, model, status and error stand under the names of the semantic conventions."""
    slow, extraction = spans(incident())[:2]

    assert (SESSION, 200, "503", False) == tuple(
        about(slow)[key]
        for key in ("session.id", "http.response.status_code", "error.type", "faas.coldstart")
    )
    assert "CLAUDE_3_5_SONNET_V2" == about(extraction)["gen_ai.request.model"]
    [resource] = parsed(render(incident(), Options())).resource_spans
    [group] = about(resource.resource)["aws.log.group.names"].values
    assert "/aws/lambda/coaching-api-4b4d001" == group.string_value


def test_a_503_at_the_client_is_an_error():
    """The handler's 200 does not make a span fine whose client got a 503; the refused retry is no error."""
    slow, *_, retry = spans(incident())

    assert (Status.STATUS_CODE_ERROR, Status.STATUS_CODE_UNSET) == (slow.status.code, retry.status.code)


@pytest.mark.parametrize("outcome", ["error", "timeout"])
def test_an_invocation_that_failed_is_an_error(outcome: str):
    """Lambda's own error or timeout is the span's error, and its type."""
    silent = Gateway("http", THIRTY, None, None, "none")
    [span] = spans(report(request(outcome=outcome, response_status=None, gateway=silent)))

    assert (Status.STATUS_CODE_ERROR, outcome) == (span.status.code, about(span)["error.type"])


def test_milestones_and_findings_are_events():
    """The commit and what is wrong stand on the request at their time."""
    events = {event.name: event for event in spans(incident())[0].events}

    assert {"session-completed", "outlived-gateway", "stranded-success"} <= set(events)
    assert 1_770_680_911_000_000_000 == events["session-completed"].time_unix_nano
    assert "critical" == about(events["outlived-gateway"])["coaching.finding.severity"]


def test_a_finding_about_no_request_is_kept():
    """What is wrong with the data as a whole stands on the first request, once."""
    told = finding("incomplete-data", request_id=None)
    given = report(request("a"), request("b", start=2), findings=(told,))
    found = [event.name for span in spans(given) for event in span.events]

    assert ["incomplete-data"] == found


def test_an_open_phase_ends_where_it_was_last_seen():
    """An open phase has an end, as every span must, and says that nobody saw it."""
    open_phase = Phase("extraction", at(1), None, "recorded", at(29))
    span = spans(report(request(phases=(open_phase,))))[1]

    assert 28_000_000_000 == span.end_time_unix_nano - span.start_time_unix_nano
    assert about(span)["coaching.open"] is True


def test_an_init_that_was_waited_for_is_a_span_before_the_start():
    """The init stands before the request; one that nobody waited for has no place in time."""
    cold = replace(request(), init_duration=timedelta(seconds=4), init_waited=True)
    slow, init = spans(report(cold))

    assert ("init", slow.start_time_unix_nano) == (init.name, init.end_time_unix_nano)
    assert 4_000_000_000 == init.end_time_unix_nano - init.start_time_unix_nano
    assert 1 == len(spans(report(replace(cold, init_waited=False))))


def test_a_clock_that_runs_backwards_gives_no_negative_span():
    """A span never ends before it starts, and no time is before 1970 or past what readers hold."""
    odd = replace(request(), end=at(-5))
    [backwards] = spans(report(odd))
    far = replace(request(), start=datetime.min.replace(tzinfo=UTC), end=datetime.max.replace(tzinfo=UTC))
    [absurd] = spans(report(far))

    assert backwards.start_time_unix_nano == backwards.end_time_unix_nano
    assert (0, 2**63 - 1) == (absurd.start_time_unix_nano, absurd.end_time_unix_nano)


def test_without_a_session_each_request_is_a_trace():
    """Requests that no session ties are not made one trace."""
    given = report(request("a"), request("b", start=2))
    session = replace(given.timeline.session, session_id=None)
    loose = replace(given, timeline=replace(given.timeline, session=session))

    assert 2 == len({span.trace_id for span in spans(loose)})


def test_the_same_id_twice_is_two_spans():
    """Lambda runs an asynchronous invocation again under the same ID: no span ID stands twice."""
    ids = [span.span_id for span in spans(report(request("a"), request("a", start=60)))]

    assert 2 == len(set(ids))


def test_the_same_incident_gives_the_same_trace():
    """IDs are hashes of what they name: two exports of one incident can be compared."""
    assert render(incident(), Options()) == render(incident(), Options())
    assert "d9fb002226ca69b1fb32e6476020f647" == spans(incident())[0].trace_id.hex()


@given(st.text())
def test_hostile_text_stays_text(text: str):
    """Whatever stands in any field, the export is accepted and its control characters are gone."""
    for redact in (True, False):
        rendered = render(hostile(text), Options(redact=redact))
        rendered.encode()

        assert [] == [each for each in rendered if each < " " and each != "\n"]
        assert 1 == len(parsed(rendered).resource_spans)


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_leaves(secret: str):
    """An address, a token or a key is nowhere in the export."""
    assert secret not in render(hostile(secret), Options())
