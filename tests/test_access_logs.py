"""API Gateway's lines: access logs by their keys or a given format, and execution logs."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guards.errors import BadUsage
from incidents.access_logs import AccessLogFormat
from incidents.messages import Message
from incidents.reading import read_message

LAMBDA = "ae220969-d5df-4cdc-a767-70f9fa8624de"
GATEWAY = "fbcaf9e5-d535-40a1-891c-7b70118cf7e8"
EXTENDED = "K2G9wEbUoAMEvag="
RECEIVED = datetime(2026, 2, 9, 23, 48, 8, 688000, tzinfo=UTC)

COMMON = (
    "$context.identity.sourceIp $context.identity.caller $context.identity.user [$context.requestTime] "
    '"$context.httpMethod $context.resourcePath $context.protocol" $context.status $context.responseLength '
    "$context.requestId $context.extendedRequestId"
)


def test_a_json_access_log_is_known_by_its_keys() -> None:
    """
    Keys are known in any spelling, Lambda's request ID comes first, and unset variables are absent.
    """
    line = {"request_id": GATEWAY, "integration.requestId": LAMBDA, "$context.extendedRequestId": EXTENDED}
    line |= {
        "requestTimeEpoch": "1770680888688",
        "HTTPMethod": "POST",
        "route-key": "$default",
        "STATUS": "503",
    }
    line |= {
        "response_latency": "30012",
        "integrationLatency": "-",
        "integrationStatus": "-",
        "protocol": "HTTP/1.1",
    }

    assert Message(
        "gateway",
        (LAMBDA, GATEWAY, EXTENDED),
        at=RECEIVED,
        fields={
            "requestId": GATEWAY,
            "integration.requestId": LAMBDA,
            "extendedRequestId": EXTENDED,
            "requestTimeEpoch": 1770680888688,
            "httpMethod": "POST",
            "routeKey": "$default",
            "status": 503,
            "responseLatency": 30012.0,
            "protocol": "HTTP/1.1",
        },
    ) == read_message(json.dumps(line))


def test_an_unset_variable_without_quotes_is_no_broken_line() -> None:
    """
    A bare dash, which is no JSON, costs only its variable.
    """
    said = read_message('{"requestId":"g-1","ip":"1.2.3.4","status":503,"integrationLatency":-,"path":"/a"}')

    assert ("gateway", ("g-1",)) == (said.kind, said.request_ids)
    assert {"requestId": "g-1", "identity.sourceIp": "1.2.3.4", "status": 503, "path": "/a"} == said.fields


@pytest.mark.parametrize(
    "line",
    [
        {
            "event": "Request completed",
            "level": "info",
            "path": "/message",
            "status": 200,
            "httpMethod": "POST",
        },
        {
            "message": "Request completed",
            "requestId": "r",
            "ip": "1.2.3.4",
            "status": 200,
            "protocol": "HTTP/1.1",
        },
        {"requestId": "r", "path": "/message", "status": 200, "method": "POST"},
        {"requestId": "r", "sourceIp": "1.2.3.4", "status": "active", "path": "/x"},
        {"requestId": "r", "ip": "1.2.3.4", "path": "/x", "status": 99999},
    ],
)
def test_a_line_of_the_application_is_no_access_log(line: dict[str, object]) -> None:
    """
    A path and a status in an application's line do not make it the gateway's.
    """
    assert read_message(json.dumps(line)).kind in ("log", "text")


def test_the_common_log_format_reads() -> None:
    """
    API Gateway's own CLF template gives every variable under its name.
    """
    text = f'1.2.3.4 - - [09/Feb/2026:23:48:08 +0000] "POST /message HTTP/1.1" 504 44 {GATEWAY} {EXTENDED}'
    said = read_message(text, AccessLogFormat.parse(COMMON))

    assert ("gateway", (GATEWAY, EXTENDED), RECEIVED.replace(microsecond=0)) == (
        said.kind,
        said.request_ids,
        said.at,
    )
    assert said.fields is not None
    assert (504, "POST", "/message", 44) == tuple(
        said.fields[name] for name in ("status", "httpMethod", "resourcePath", "responseLength")
    )
    assert "identity.caller" not in said.fields


@pytest.mark.parametrize(
    ("given_format", "line", "variable", "value"),
    [
        (
            "$context.requestId,$context.status,$context.responseLatency",
            "g,504,29002",
            "responseLatency",
            29002.0,
        ),
        (
            "$context.status\t$context.error.message",
            "504\tEndpoint request timed out",
            "error.message",
            "Endpoint request timed out",
        ),
        ("$context.status $context.awsEndpointRequestId", f"200 {LAMBDA}", "integration.requestId", LAMBDA),
        ("$context.status $context.integrationLatency", "200 12", "integration.latency", 12.0),
        ("$context.routeKey $context.status", "POST /message 503", "routeKey", "POST /message"),
        (
            '<$context.status> "$context.identity.userAgent"',
            '<200> "a "b" c"',
            "identity.userAgent",
            'a "b" c',
        ),
        (
            '{"a":{"s":$context.status,"l":"$context.responseLatency"}}',
            '{"a":{"s":-,"l":"9"}}',
            "status",
            None,
        ),
        (
            '{"m":"$context.httpMethod","l":$context.responseLatency}',
            '{"m":"GET","l":9}',
            "responseLatency",
            9.0,
        ),
    ],
)
def test_a_given_format_reads_its_lines(given_format: str, line: str, variable: str, value: object) -> None:
    """
    Text between the variables must match, and each variable is found where the format has it.
    """
    said = AccessLogFormat.parse(given_format).read(line)

    assert value == (None if said is None or said.fields is None else said.fields.get(variable))


@pytest.mark.parametrize(
    "line",
    ["", "g-1", "g-1 504 more", "g-1  504", "g-1 OK", "x g-1 504", "g-1 999", "g-1 504\n", '{"status":504}'],
)
def test_a_line_of_another_format_is_none_of_the_gateways(line: str) -> None:
    """
    A line that the format could not have written is not read with it.
    """
    assert AccessLogFormat.parse("$context.requestId $context.status").read(line) is None


def test_lambdas_own_lines_stay_its_own_beside_a_format() -> None:
    """
    A format so wide that it fits anything does not take START lines for the gateway's.
    """
    wide = AccessLogFormat.parse("$context.error.message $context.status")

    assert "start" == read_message(f"START RequestId: {LAMBDA} Version: 200", wide).kind
    assert "gateway" == read_message("INFO: all well 200", wide).kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "status",
        "$context.requestId",
        "{$context.status",
        "$context.status$context.httpMethod",
        "$contextXstatus",
    ],
)
def test_a_format_that_could_tell_no_line_is_refused(text: str) -> None:
    """
    A format is refused, with what to do, rather than silently matching nothing.
    """
    with pytest.raises(BadUsage, match="access log format"):
        AccessLogFormat.parse(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Execution failed due to a timeout error", {"error.message": "timeout"}),
        ("Method completed with status: 504", {"status": 504}),
        ("AWS Integration Endpoint RequestId : " + LAMBDA, {"integration.requestId": LAMBDA}),
        (
            "Received response. Status: 200, Integration latency: 23 ms",
            {"integration.status": 200, "integration.latency": 23.0},
        ),
        ("HTTP Method: POST, Resource Path: /message", {"httpMethod": "POST", "resourcePath": "/message"}),
        ("Extended Request Id: " + EXTENDED, {"extendedRequestId": EXTENDED}),
        (
            "Gateway response type: INTEGRATION_TIMEOUT with status code: 504",
            {"error.responseType": "INTEGRATION_TIMEOUT", "status": 504},
        ),
        ("Method request path: {session_id=sess_1}", {}),
        ("Method request body before transformations: Method completed with status: 504", {}),
        ("Endpoint response body: Lambda request id: " + LAMBDA, {}),
    ],
)
def test_an_execution_line_tells_what_it_begins_with(text: str, told: dict[str, object]) -> None:
    """
    The gateway's own words count; what it quotes from a body does not.
    """
    said = read_message(f"({GATEWAY}) {text}")

    assert ("gateway", {"requestId": GATEWAY, **told}) == (said.kind, said.fields)
    assert (GATEWAY in said.request_ids, said.session_id) == (True, None)


WORDS = st.sampled_from(
    ["a", "-", "200", "504", "GET", "1.2.3.4", '"', "[", "]", " ", "  ", "\t", ",", "{", "}", ":"]
)


@given(st.one_of(st.text(), st.lists(WORDS, max_size=60).map("".join)))
def test_no_line_makes_a_format_raise(text: str) -> None:
    """
    Whatever stands in the log, a format answers with a line of the gateway or with None.
    """
    for given_format in (COMMON, "$context.error.message $context.status", '{"s":$context.status}'):
        said = AccessLogFormat.parse(given_format).read(text)
        assert said is None or "gateway" == said.kind
