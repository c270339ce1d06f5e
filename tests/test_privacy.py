"""Guarantee G6: what a user said leaves through no span, metric or record, wherever it stood.

Thirty canaries, each where user text could come from. All that a request writes, exports or measures is
looked through for each.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from guards import GuardMiddleware, bind, guard_handler, phase
from tests.guarded import SESSION, Context, http_event
from tests.otel import installed

CANARY = "canary jane.doe@example.com sk-live-4242 stuck at work"


class Failure(Exception):
    """Its text is a user's."""


def event_with(**places: Any) -> dict[str, Any]:
    return http_event() | places


def context_of(**changed: Any) -> dict[str, Any]:
    event = http_event()
    return event | {"requestContext": {**event["requestContext"], **changed}}


EVENTS: dict[str, Any] = {
    "body": event_with(body=json.dumps({"message": CANARY})),
    "raw path": event_with(rawPath=f"/coaching/{CANARY}"),
    "path in the context": context_of(http={"method": "POST", "path": f"/{CANARY}", "sourceIp": "x"}),
    "query": event_with(rawQueryString=CANARY, queryStringParameters={"q": CANARY}),
    "header's value": event_with(headers={"x-name": CANARY, "authorization": f"Bearer {CANARY}"}),
    "header's name": event_with(headers={CANARY: "x"}),
    "trace header": event_with(headers={"traceparent": f"00-{CANARY}"}),
    "cookie": event_with(cookies=[CANARY]),
    "method": context_of(http={"method": CANARY, "path": "/", "sourceIp": "x"}),
    "domain": context_of(domainName=CANARY),
    "authorizer": context_of(authorizer={"jwt": {"claims": {"email": CANARY}}}),
    "queue's message": {"Records": [{"eventSource": "aws:sqs", "body": CANARY}]},
    "queue's source": {"Records": [{"eventSource": CANARY}]},
    "bus event's detail": {"source": "aws.events", "detail": {"text": CANARY}},
    "event that is text": CANARY,
    "stage variables": event_with(stageVariables={"x": CANARY}),
    "path parameters": event_with(pathParameters={"proxy": CANARY}),
}


def say(error: BaseException) -> None:
    raise error


def fail_in_phase() -> None:
    with phase("extraction"):
        raise Failure(CANARY)


def chained() -> None:
    try:
        fail_in_phase()
    except Failure as error:
        raise RuntimeError("outer") from error


def noted() -> None:
    error = Failure("short")
    error.add_note(CANARY)
    raise error


def in_phase(**attributes: Any) -> None:
    with phase("conversation", **attributes):
        pass


def setting(**facts: Any) -> None:
    with phase("conversation") as p:
        p.set(**facts)


WORK: dict[str, Any] = {
    "exception's text": lambda: say(Failure(CANARY)),
    "exception in a phase": fail_in_phase,
    "exception's cause": chained,
    "exception's note": noted,
    "exit's text": lambda: say(SystemExit(CANARY)),
    "phase's attribute": lambda: in_phase(prompt=CANARY),
    "phase's attribute's name": lambda: in_phase(**{CANARY: "x"}),
    "number's name": lambda: in_phase(**{CANARY: 7}),
    "fact": lambda: setting(answer=CANARY),
    "fact that should be a number": lambda: setting(input_tokens=CANARY),
    "model": lambda: in_phase(model=CANARY),
    "model that is set later": lambda: setting(model=CANARY),
    "phase's result": lambda: phase("conversation")(lambda: CANARY)(),
    "phase's argument": lambda: phase("conversation")(lambda text: None)(CANARY),
    "session": lambda: bind(session_id=CANARY),
}


def outcome(event: Any, work: Any, context: Any = None) -> None:
    """Run a handler that answers with user text, whatever comes of it."""

    @guard_handler(service_name="coaching-api")
    def handler(event: Any, context: Any) -> Any:
        with phase("conversation"):
            pass
        if work is not None:
            work()
        return {"statusCode": 200, "body": CANARY}

    try:
        handler(event, context or Context())
    except (Exception, SystemExit) as error:
        assert isinstance(error, Failure | RuntimeError | SystemExit)


def assert_silent(told: str) -> None:
    for part in ("canary", "jane.doe", "example.com", "sk-live", "stuck"):
        assert part not in told


@pytest.fixture(params=["", "gen_ai_latest_experimental,faas"], ids=["stable", "opted in"])
def told(request, monkeypatch: pytest.MonkeyPatch, capfd) -> Any:
    """What has left the process so far."""
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", request.param)
    otel = installed(monkeypatch)
    return lambda: "".join(capfd.readouterr()) + otel.everything()


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_nothing_of_an_event_is_told(told, event: Any) -> None:
    """Body, headers, path, query, claims, messages: neither their values nor odd names."""
    outcome(event, None)
    leaving = told()

    assert '"request.end/1"' in leaving
    assert_silent(leaving)


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_nothing_of_what_a_handler_does_is_told(told, work: Any) -> None:
    """Exceptions by their types, attributes by their numbers, models and IDs only where they can be some."""
    outcome(http_event(), work)
    leaving = told()

    assert "conversation" in leaving
    assert_silent(leaving)


def test_nothing_of_a_server_request_is_told(told) -> None:
    """Path, query, headers and body of an ASGI request, and the answer's."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x", CANARY.encode())]})
        await send({"type": "http.response.body", "body": CANARY.encode()})

    async def receive() -> Any:
        return {"type": "http.request", "body": CANARY.encode()}

    async def send(message: Any) -> None: ...

    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/users/{CANARY}",
        "query_string": CANARY.encode(),
        "headers": [(b"x-request-id", CANARY.encode()), (b"traceparent", CANARY.encode())],
        "client": (CANARY, 1),
    }
    asyncio.run(GuardMiddleware(app)(scope, receive, send))
    leaving = told()

    assert '"route":"GET /users/{id}"' in leaving
    assert_silent(leaving)


def test_text_that_a_developer_calls_safe_stands_on_spans(monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    """GUARD_SAFE_ATTRIBUTES names the attributes whose text may leave; records carry none all the same."""
    monkeypatch.setenv("GUARD_SAFE_ATTRIBUTES", "topic, tier")
    otel = installed(monkeypatch)
    outcome(http_event(), lambda: in_phase(topic="leadership", prompt=CANARY))
    spans = otel.everything()

    assert "leadership" in spans
    assert "leadership" not in capfd.readouterr().out
    assert_silent(spans)


def test_canaries_stand_in_thirty_places() -> None:
    """As many as the guarantee is claimed for."""
    assert len(EVENTS) + len(WORK) >= 30
    assert SESSION not in CANARY
