"""What the client saw: observed or inferred."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from incidents.gateway import with_gateway
from incidents.messages import Line
from incidents.reading import read_message
from incidents.sources import Question
from incidents.trace import Query, trace
from tests.logs import OTHER_SESSION, OTHER_STREAM, SESSION, A, B, Held, end, events, report, said, start

SAYS = said("coaching_sessions.send_message")
COMPLETED = said("Request completed", None, method="POST", path="/coaching/message", status_code=200)
FAILED = "Lambda execution failed with status 200 due to customer function error:"
GATEWAY_STREAM = "0123456789abcdef0123456789abcdef"


def slow(ms: float = 32_312, more: str = "") -> Held:
    seconds = ms / 1000
    return Held(
        events(
            (0, start()),
            (0.1, SAYS),
            (seconds, COMPLETED),
            (seconds, end()),
            (seconds, report(ms=ms, more=more)),
        )
    )


def access(
    at: float, request: str, status: int, latency: int, lambda_id: str = "-", path: str = "/coaching/message"
) -> Held:
    line = {
        "requestId": request,
        "requestTime": "09/Feb/2026:23:48:00 +0000",
        "httpMethod": "POST",
        "path": path,
        "status": str(status),
        "responseLatency": str(latency),
        "integrationRequestId": lambda_id,
    }
    return Held(events((at, json.dumps(line)), stream=GATEWAY_STREAM, source="gw.ndjson"), "gw.ndjson")


def client(*sources, **query):
    """Status, latency in seconds and basis of the first request."""
    gateway = trace(list(sources), Query(session_id=SESSION, **query)).timeline.requests[0].gateway
    return (
        gateway.client_status,
        gateway.client_latency and gateway.client_latency.total_seconds(),
        gateway.basis,
    )


def test_an_access_log_with_lambdas_id_is_what_the_client_saw():
    """Joined by $context.integration.requestId."""
    assert (503, 30.012, "observed") == client(slow(), access(30.012, "gw-1", 503, 30_012, A))


def test_an_access_log_line_of_another_request_is_not():
    """Another Lambda ID says nothing of this request."""
    assert (503, 30.0, "inferred") == client(slow(), access(30.0, "gw-1", 200, 1_000, B))


def test_a_line_without_lambdas_id_is_tied_by_time_where_only_one_request_fits():
    """After a timeout the gateway does not know the ID: received as the function started, same path."""
    assert (503, 30.2, "inferred") == client(slow(), access(30.1, "gw-1", 503, 30_200))


def test_a_line_without_lambdas_id_far_from_the_start_is_not_tied():
    """A client that was answered a minute later is another one."""
    assert (503, 30.0, "inferred") == client(slow(), access(90.0, "gw-1", 503, 30_200))


@pytest.mark.parametrize(("kind", "expected"), [("http", (503, 30.0)), ("rest", (504, 29.0))])
def test_without_a_gateways_log_it_is_arithmetic(kind, expected):
    """Longer than the limit: the gateway must have given up at it."""
    assert (*expected, "inferred") == client(slow(), gateway=kind)


def test_the_init_that_was_waited_for_counts_against_the_gateway():
    """27 s of work after 5 s of init are over 30 s."""
    init = "INIT_START Runtime Version: python:3.11.v60"
    rows = [
        (-5.0, init),
        (0, start()),
        (0.1, SAYS),
        (27, end()),
        (27, report(ms=27_000, more="Init Duration: 4990 ms")),
    ]

    assert (503, 30.0, "inferred") == client(Held(events(*rows)))


def test_a_function_that_failed_in_time_gives_a_500():
    """An HTTP API answers 500 for it, a REST API 502."""
    failed = slow(3000, "Status: error\tError Type: Runtime.ExitError")

    assert [500, 502] == [client(failed, gateway=kind)[0] for kind in ("http", "rest")]


def test_an_answer_in_time_is_the_handlers():
    """The status that the application logged, after as long as it took."""
    assert (200, 3.0, "inferred") == client(slow(3000))


def test_a_limit_that_the_owner_raised_is_kept():
    """--gateway-limit-ms: at 60 s, 32.3 s are in time."""
    assert (200, 32.312, "inferred") == client(slow(), gateway="rest", gateway_limit=timedelta(seconds=60))


def test_a_rest_execution_log_joins_by_both_ids():
    """The line that names both ties the gateway's other lines to the request."""
    own = "(fbcaf9e5-d535-40a1-891c-7b70118cf7e8)"
    lines = (
        (0.0, f"{own} Sending request to https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/x"),
        (2.9, f"{own} {FAILED} x. Lambda request id: {A}"),
        (3.0, f"{own} Method completed with status: 502"),
    )
    log = Held(events(*lines, stream=GATEWAY_STREAM, source="gw"), "gw")

    assert (502, None, "observed") == client(slow(3000), log, gateway="rest")


def test_a_refusal_that_never_reached_the_function_is_not_its_answer():
    """An authorizer's 403 has no Lambda ID either; the function ran on for 32 s."""
    assert "inferred" == client(slow(), access(0.2, "gw-1", 403, 5))[2]
    assert 503 == client(slow(), access(0.2, "gw-1", 403, 5))[0]


def test_two_answers_that_fit_one_request_are_not_tied():
    """Two clients gave up at the same time, one of them is another request's: nobody knows which."""
    first, second = access(30.1, "gw-1", 503, 30_100), access(30.2, "gw-2", 504, 30_200)

    assert (503, 30.0, "inferred") == client(slow(), first, second)


def test_one_answer_that_fits_two_requests_is_not_tied():
    """Both started when the gateway received it, and both ran longer than the gateway waits."""
    other = Held(
        events(
            (0.2, start(B)),
            (0.3, SAYS),
            (32, end(B)),
            (32, report(B, 31_800)),
            stream="2026/02/09/[$LATEST]d3c7",
            source="b.ndjson",
        ),
        "b.ndjson",
    )

    assert (503, 30.0, "inferred") == client(slow(), other, access(30.012, "gw-1", 503, 30_012))


def test_an_answer_may_be_about_a_request_that_nobody_asked_for():
    """Then it is tied to none."""
    asked, other = (only_of(slow()), only_of(slow(ms=31_000)))
    [line] = lines_of(access(30.012, "gw-1", 504, 30_012))

    [tied] = with_gateway([asked], [line], "http")
    [untied] = with_gateway([asked], [line], "http", others=[other])

    assert (504, 503) == (tied.gateway.client_status, untied.gateway.client_status)


def test_a_join_without_a_status_leaves_arithmetic():
    """The execution log names both IDs; what the client got it did not keep."""
    line = f"(fbcaf9e5-d535-40a1-891c-7b70118cf7e8) AWS Integration Endpoint RequestId : {A}"
    log = Held(events((0, line), stream=GATEWAY_STREAM, source="gw.ndjson"), "gw.ndjson")

    assert (504, 29.0, "inferred") == client(slow(), log, gateway="rest")


def test_one_gateway_id_for_two_requests_mixes_nothing():
    """Callers of a REST API may set it: each line then stands for itself."""
    mine, theirs = access(30.012, "gw-1", 504, 29_012, A), access(40, "gw-1", 200, 100, B)

    assert (504, 29.012, "observed") == client(slow(), mine, theirs)


def test_a_timed_out_execution_log_is_tied_by_time():
    """It holds the gateway's ID only: received as the function started, and it ran longer than 29 s."""
    sent = "(fbcaf9e5-d535-40a1-891c-7b70118cf7e8) HTTP Method: POST, Resource Path: /coaching/message"
    out = "(fbcaf9e5-d535-40a1-891c-7b70118cf7e8) Execution failed due to a timeout error"
    whole = lines_of(Held(events((0, sent), (29.1, out), stream=GATEWAY_STREAM)))

    for saved in (whole, whole[1:]):
        [tied] = with_gateway([only_of(slow())], saved, "rest")
        assert (504, "inferred", tuple(saved)) == (
            tied.gateway.client_status,
            tied.gateway.basis,
            tied.gateway.lines,
        )
        [short] = with_gateway([only_of(slow(ms=5_000))], saved, "rest")
        assert () == short.gateway.lines


def only_of(source: Held):
    return trace([source], Query(session_id=SESSION)).timeline.requests[0]


def lines_of(source: Held) -> list[Line]:
    held = source.read(Question(())).events
    return [Line(event, read_message(event.message)) for event in held]


def test_an_answer_that_may_be_another_sessions_is_not_tied():
    """Two requests began with the answer's receive time: it says nothing of either."""
    theirs = said("coaching_sessions.send_message", OTHER_SESSION)
    other = events((0, start(B)), (0.1, theirs), (33, end(B)), (33, report(B, 33_000)), stream=OTHER_STREAM)
    sources = (slow(), Held([*other], "b.ndjson"), access(30.1, "gw-1", 504, 30_200))

    assert (503, 30.0, "inferred") == client(*sources)
