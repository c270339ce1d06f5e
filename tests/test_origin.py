"""What an event tells of how it came here."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guards.origin import NOWHERE, Origin, origin_of, route_of
from tests.guarded import http_event

EPOCH = 1770680888688

REST = {
    "resource": "/coaching/message",
    "path": "/coaching/message",
    "httpMethod": "POST",
    "headers": {"traceparent": "x"},
    "requestContext": {"requestTimeEpoch": EPOCH, "resourcePath": "/coaching/message", "apiId": "abc123"},
}
HTTP_1 = {**REST, "version": "1.0"}
WEBSOCKET = {"requestContext": {"connectionId": "L0SM9cOFvHcCIhw=", "requestTimeEpoch": EPOCH}}
FUNCTION_URL = http_event(
    requestContext={
        "http": {"method": "POST", "path": "/coaching/message"},
        "timeEpoch": EPOCH,
        "domainName": "abcdef.lambda-url.us-east-1.on.aws",
    }
)
LOAD_BALANCER = {
    "requestContext": {"elb": {"targetGroupArn": "arn:..."}},
    "httpMethod": "GET",
    "path": "/health",
}
SQS = {"Records": [{"eventSource": "aws:sqs", "body": "I feel stuck"}]}
EVENTBRIDGE = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


@pytest.mark.parametrize(
    ("event", "gateway", "received"),
    [
        (http_event() | {"requestContext": {"http": {"method": "POST"}, "timeEpoch": EPOCH}}, "http", EPOCH),
        (HTTP_1, "http", EPOCH),
        (REST, "rest", EPOCH),
        (WEBSOCKET, "rest", EPOCH),
        (FUNCTION_URL, None, EPOCH),
        (LOAD_BALANCER, None, None),
        (SQS, None, None),
        (EVENTBRIDGE, None, None),
        ({"action": "warm-up"}, None, None),
        (None, None, None),
    ],
    ids=["http 2.0", "http 1.0", "rest", "websocket", "url", "elb", "sqs", "eventbridge", "direct", "none"],
)
def test_which_gateway_waits_and_since_when(event: Any, gateway: str | None, received: int | None) -> None:
    """Told by the event's shape; a function URL has an HTTP API's and is told by its domain."""
    origin = origin_of(event)

    assert (gateway, received) == (origin.gateway, origin.received_ms)


@pytest.mark.parametrize(
    ("event", "route"),
    [
        (http_event(routeKey="POST /coaching/{session_id}/message"), "POST /coaching/{session_id}/message"),
        (http_event(), "POST /coaching/message"),
        (http_event(path="/sessions/sess_58a0ffa3/message"), "POST /sessions/{id}/message"),
        (http_event(routeKey="ANY /{proxy+}", path="/coaching/jane.doe@example.com"), "POST /coaching/{id}"),
        (REST, "POST /coaching/message"),
        (SQS, "aws:sqs"),
        (EVENTBRIDGE, "aws.events"),
        ({"Records": [{"eventSource": "I feel stuck"}]}, None),
    ],
)
def test_route_names_no_id(event: Any, route: str | None) -> None:
    """The route's template where there is one; of a path only words, since the rest can be anybody's."""
    assert route == origin_of(event).route


def test_query_is_no_part_of_a_route() -> None:
    """What stands behind the question mark can hold anything."""
    assert "GET /coaching" == route_of("GET", None, "/coaching?email=jane@example.com")


junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["requestContext", "http", "timeEpoch", "requestTimeEpoch", "Records", "headers", "routeKey"]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(junk)
def test_any_event_is_answered(event: Any) -> None:
    """A malformed event has an origin like any other, if only an unknown one."""
    assert isinstance(origin_of(event), Origin)


class Hostile(dict[str, Any]):
    """An event that answers no question."""

    def get(self, *_: Any) -> Any:
        """Refuse."""
        raise RuntimeError("no")


def test_event_that_raises_comes_from_nowhere() -> None:
    """Whatever an event does when it is looked at stays here."""
    assert NOWHERE == origin_of(Hostile())


@pytest.mark.parametrize("version", [{}, {"version": "1.0"}], ids=["rest", "http 1.0"])
@pytest.mark.parametrize(
    ("resource", "path", "route"),
    [
        ("/sessions/{session_id}", "/sessions/sess_58a0ffa3", "POST /sessions/{session_id}"),
        ("/sessions/sess_58a0ffa3", "/sessions/sess_58a0ffa3", "POST /sessions/{id}"),
        ("$default", "/sessions/sess_58a0ffa3", "POST /sessions/{id}"),
        ("/I feel stuck", "/sessions/17", "POST /sessions/{id}"),
        ("/" + "x" * 600, "/sessions/17", "POST /sessions/{id}"),
        ("/\U0001f600" * 200, "/sessions/17", "POST /sessions/{id}"),
    ],
    ids=["template", "path itself", "default", "words", "long", "emoji"],
)
def test_resource_that_may_be_a_path_is_taken_for_one(version, resource, path, route) -> None:
    """Both REST and HTTP APIs of payload 1.0 have the field; what is no template names no route."""
    assert route == origin_of({**REST, **version, "resource": resource, "path": path}).route


def test_route_of_a_long_path_fits_a_record() -> None:
    """A client may ask for any path: a record that is too long would be dropped."""
    assert len(route_of("GET", None, "/coaching" * 2000) or "") < 600
