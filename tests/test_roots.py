"""Middleware and handler: one request from its begin to its end, and its own result, the very object."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import warnings
from enum import Enum
from typing import Any

import pytest

from guards import GuardMiddleware, bind, deadline, guard_handler, phase, roots
from guards.errors import BadUsage
from guards.origin import NOWHERE
from guards.request import current, under_way
from guards.roots import begin
from guards.writer import writer
from tests.guarded import OTHER_REQUEST, REQUEST, SESSION, Context, Record, http_event, of_kind, written

Messages = list[dict[str, Any]]


def ends(capfd: pytest.CaptureFixture[str], work: Any) -> list[Record]:
    return of_kind(written(capfd, work), "request.end")


def test_handler_gets_the_very_result(capfd) -> None:
    """What the handler returns is what the caller gets, and its status is told."""
    answer = {"statusCode": 201}

    @guard_handler(service_name="coaching-api")
    def handler(event: Any, context: Any) -> Any:
        bind(session_id=SESSION)
        return answer

    results: list[Any] = []
    records = written(capfd, lambda: results.append(handler(http_event(), Context())))

    assert answer is results[0]
    assert ["request.start/1", "request.end/1"] == [record["guard"] for record in records]
    assert ("coaching-api", REQUEST, SESSION, 201, "ok", False) == tuple(
        records[1][key]
        for key in ("service", "request_id", "session_id", "response_status", "outcome", "client_gone")
    )


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1), asyncio.CancelledError()], ids=repr)
@pytest.mark.parametrize("sort", ["sync", "async"])
def test_handler_gets_the_very_exception(capfd, error: BaseException, sort: str) -> None:
    """What the handler raises is what the caller gets; the record has its type."""

    @guard_handler
    def handler(event: Any, context: Any) -> None:
        raise error

    @guard_handler
    async def async_handler(event: Any, context: Any) -> None:
        raise error

    def work() -> None:
        with pytest.raises(type(error)) as raised:
            (handler if sort == "sync" else async_handler)(http_event(), Context())
        # A loop makes its own CancelledError of a task's.
        assert error is raised.value or isinstance(error, asyncio.CancelledError)

    assert [("error", type(error).__name__)] == [(e["outcome"], e["error_type"]) for e in ends(capfd, work)]


def test_request_start_tells_the_deadline(capfd) -> None:
    """When the gateway received the request, when it gives up, and who gives up first."""

    @guard_handler
    def handler(event: Any, context: Any) -> None:
        assert 27 < deadline().remaining.total_seconds() < 28

    [start] = of_kind(written(capfd, lambda: handler(http_event(age_s=2.5), Context())), "request.start")

    assert ("POST /coaching/message", "gateway") == (start["route"], start["limit_by"])
    assert start["received"] < start["timestamp"] < start["deadline"]


def test_limit_of_the_functions_owner_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """GUARD_GATEWAY_LIMIT_MS takes the place of the API kind's own; empty is as not set."""

    @guard_handler
    def handler(event: Any, context: Any) -> float:
        return deadline().remaining.total_seconds()

    monkeypatch.setenv("GUARD_GATEWAY_LIMIT_MS", "5000")
    assert 4 < handler(http_event(), Context()) <= 5
    monkeypatch.setenv("GUARD_GATEWAY_LIMIT_MS", "")
    assert 29 < handler(http_event(), Context()) <= 30


def test_client_is_gone_by_the_gateways_clock(capfd) -> None:
    """A request that the gateway received 31 s ago has nobody who waits for it, however short it ran."""

    @guard_handler
    def handler(event: Any, context: Any) -> None:
        pass

    late = ends(capfd, lambda: handler(http_event(age_s=31), Context()))
    queued = ends(capfd, lambda: handler({"Records": [{"eventSource": "aws:sqs"}]}, Context()))

    assert [True, False] == [late[0]["client_gone"], queued[0]["client_gone"]]


def test_nothing_leaks_from_one_invocation_to_the_next(capfd) -> None:
    """Session, phases and status are each request's own."""

    @guard_handler
    def handler(event: Any, context: Any) -> Any:
        if context.aws_request_id == REQUEST:
            bind(session_id=SESSION)
            return {"statusCode": 200}
        return None

    def work() -> None:
        handler(http_event(), Context())
        handler(http_event(), Context(OTHER_REQUEST))

    assert [(REQUEST, SESSION, 200), (OTHER_REQUEST, None, None)] == [
        (e["request_id"], e["session_id"], e["response_status"]) for e in ends(capfd, work)
    ]
    assert current() is None


@pytest.mark.parametrize("context", [None, object(), Context(left_ms=0)], ids=["none", "bare", "0 ms"])
@pytest.mark.parametrize("event", [None, [], {"requestContext": 7}, b"\xff"], ids=repr)
def test_whatever_comes_in_the_handler_runs(event: Any, context: Any) -> None:
    """A missing context or a malformed event is the handler's business, not ours."""

    @guard_handler
    def handler(event: Any, context: Any) -> Any:
        return event

    assert event is handler(event, context)


def test_async_handler_keeps_one_loop() -> None:
    """Clients made in one invocation work in the next, and the loop stays the thread's own."""
    seen: list[asyncio.AbstractEventLoop] = []

    @guard_handler
    async def handler(event: Any, context: Any) -> None:
        seen.append(asyncio.get_running_loop())

    handler(http_event(), Context())
    handler(http_event(), Context(OTHER_REQUEST))

    assert seen[0] is seen[1]
    assert not seen[0].is_closed()
    assert seen[0] is asyncio.get_event_loop_policy().get_event_loop()


def test_async_handler_can_be_awaited_in_a_test(capfd) -> None:
    """Where a loop runs already the call gives an awaitable."""

    @guard_handler
    async def handler(event: Any, context: Any) -> str:
        return "answer"

    async def work() -> str:
        return await handler(http_event(), Context())

    results: list[str] = []

    assert 1 == len(ends(capfd, lambda: results.append(asyncio.run(work()))))
    assert ["answer"] == results


# --- the middleware ----------------------------------------------------------------------------------


def http_scope(**changed: Any) -> dict[str, Any]:
    return {"type": "http", "method": "POST", "path": "/coaching/message", "headers": []} | changed


async def answers(scope: Any, receive: Any, send: Any) -> None:
    with phase("conversation"):
        bind(session_id=SESSION)
    await send({"type": "http.response.start", "status": 202, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


def serve(app: Any, scope: dict[str, Any]) -> Messages:
    sent: Messages = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    asyncio.run(app(scope, receive, send))
    return sent


def test_middleware_times_a_servers_request(capfd) -> None:
    """With a request ID of its own, the status, and no deadline that nobody has set."""
    records = written(capfd, lambda: serve(GuardMiddleware(answers, service_name="api"), http_scope()))
    kinds = [record["guard"].split("/")[0] for record in records]

    assert ["request.start", "phase.start", "phase.end", "request.end"] == kinds
    assert (None, None, False) == tuple(records[0][key] for key in ("deadline", "limit_by", "cold_start"))
    assert (202, SESSION, "api") == tuple(
        records[3][key] for key in ("response_status", "session_id", "service")
    )
    assert 1 == len({record["request_id"] for record in records})


def test_middleware_takes_the_callers_request_id(capfd) -> None:
    """X-Request-ID joins the records to a proxy's; what can be no ID is not taken."""
    for given, taken in ((b"req-17", True), (b"I feel stuck", False)):
        scope = http_scope(headers=[(b"x-request-id", given)])
        [end] = ends(capfd, lambda scope=scope: serve(GuardMiddleware(answers), scope))

        assert taken is (end["request_id"] == given.decode())
        assert end["request_id"]


def test_server_behind_a_gateway_has_its_deadline(monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    """A limit that the owner has set counts from the arrival."""
    monkeypatch.setenv("GUARD_GATEWAY_LIMIT_MS", "30000")
    [start] = of_kind(written(capfd, lambda: serve(GuardMiddleware(answers), http_scope())), "request.start")

    assert "gateway" == start["limit_by"]


def test_mangums_scope_tells_the_event(capfd) -> None:
    """Behind Mangum the Lambda's own ID, deadline and receive time count."""
    scope = http_scope(**{"aws.event": http_event(age_s=1), "aws.context": Context()})
    start, *_, end = written(capfd, lambda: serve(GuardMiddleware(answers), scope))

    assert (REQUEST, REQUEST, "gateway") == (start["request_id"], end["request_id"], start["limit_by"])
    assert start["received"] < start["timestamp"]


def test_outermost_root_wins_and_hears_of_the_inner_ones_status(capfd) -> None:
    """Handler and middleware together make one request, not two."""

    @guard_handler
    def handler(event: Any, context: Any) -> str:
        loop = asyncio.new_event_loop()
        scope = http_scope(**{"aws.event": event, "aws.context": context})

        async def ignore(*_: Any) -> None: ...

        loop.run_until_complete(GuardMiddleware(answers)(scope, ignore, ignore))
        loop.close()
        return "not a gateway's answer"

    records = written(capfd, lambda: handler(http_event(), Context()))

    assert 1 == len(of_kind(records, "request.start"))
    assert [(202, SESSION)] == [
        (e["response_status"], e["session_id"]) for e in of_kind(records, "request.end")
    ]


def test_what_is_no_http_passes(capfd) -> None:
    """Lifespan and WebSocket scopes are not requests."""
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    records = written(
        capfd, lambda: [serve(GuardMiddleware(app), {"type": t}) for t in ("lifespan", "websocket")]
    )

    assert ([], ["lifespan", "websocket"]) == (records, seen)


@pytest.mark.parametrize("error", [RuntimeError("no"), asyncio.CancelledError(), SystemExit(1)], ids=repr)
def test_middleware_passes_the_very_exception(capfd, error: BaseException) -> None:
    """Through it, with the status that had been sent before."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise error

    def work() -> None:
        with pytest.raises(type(error)) as raised:
            serve(GuardMiddleware(app), http_scope())
        assert error is raised.value or isinstance(error, asyncio.CancelledError)

    [end] = ends(capfd, work)

    assert ("error", type(error).__name__, 200) == (end["outcome"], end["error_type"], end["response_status"])


def test_requests_at_the_same_time_are_kept_apart(capfd) -> None:
    """A server's concurrent requests each have their own session."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        bind(session_id=scope["path"].strip("/"))
        await asyncio.sleep(0.01)
        with phase("conversation"):
            await asyncio.sleep(0.01)

    async def ignore(*_: Any) -> None: ...

    async def both() -> None:
        guarded = GuardMiddleware(app)
        await asyncio.gather(*(guarded(http_scope(path=f"/s{n}"), ignore, ignore) for n in range(5)))

    records = of_kind(written(capfd, lambda: asyncio.run(both())), "phase.end")

    assert {f"s{n}" for n in range(5)} == {record["session_id"] for record in records}
    assert 5 == len({record["request_id"] for record in records})


@pytest.mark.parametrize("given", ["0", "-5", "30", "nan", "inf", "-inf", "1e300", "30 s", " ", "0x10"])
def test_limit_that_can_be_none_is_passed_over(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """Less than a gateway can have, as seconds are, more than a day, no number: with a word, once."""
    roots._limit.cache_clear()
    monkeypatch.setenv("GUARD_GATEWAY_LIMIT_MS", given)
    with pytest.warns(UserWarning, match="is passed over: it is no gateway's limit in ms; write 30000"):
        assert roots.gateway_limit_ms() is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert roots.gateway_limit_ms() is None


def test_request_is_timed_where_warnings_are_errors(monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    """A limit that is passed over takes nothing with it."""
    roots._limit.cache_clear()
    monkeypatch.setenv("GUARD_GATEWAY_LIMIT_MS", "30")
    handler = guard_handler(lambda event, context: None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        records = written(capfd, lambda: handler(http_event(), Context()))

    assert ["request.start/1", "request.end/1"] == [record["guard"] for record in records]


def test_name_in_the_handlers_place_is_refused_where_it_stands() -> None:
    """Not at the first request."""
    with pytest.raises(BadUsage, match=r"given 'coaching-api', no handler; write guard_handler"):
        guard_handler("coaching-api")


def test_shortest_limit_that_a_gateway_can_have_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """50 ms."""
    monkeypatch.setenv("GUARD_GATEWAY_LIMIT_MS", "50")

    assert 50.0 == roots.gateway_limit_ms()


@pytest.mark.parametrize("name", ["I feel stuck!", "jane@example.com", "x" * 200, "api\n", " "])
def test_service_that_can_be_none_is_not_taken(monkeypatch: pytest.MonkeyPatch, capfd, name: str) -> None:
    """It is a metric's dimension, and could be anybody's words."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", name)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "coaching-api")
    handler = guard_handler(service_name=name)(lambda event, context: None)
    records = written(capfd, lambda: handler(http_event(), Context()))

    assert {"coaching-api"} == {record["service"] for record in records}


def test_root_may_end_in_another_context_than_it_began_in(capfd) -> None:
    """Its record is written all the same."""

    def work() -> None:
        root = contextvars.copy_context().run(lambda: begin(NOWHERE, service="api", request_id="r-1"))
        assert root is not None
        root.end(None, 200)

    assert ["r-1"] == [end["request_id"] for end in ends(capfd, work)]


def test_root_in_the_context_of_a_request_that_has_ended_is_a_new_request(capfd) -> None:
    """A task that a request left running may serve another one."""
    left: list[contextvars.Context] = []
    handler = guard_handler(lambda event, context: left.append(contextvars.copy_context()))

    def work() -> None:
        handler(http_event(), None)
        left[0].run(handler, http_event(), None)

    assert 2 == len(ends(capfd, work))


def test_thread_of_two_requests_at_once_is_of_neither() -> None:
    """A local server may run a handler in several threads: a guess would be wrong half the time."""
    seen: list[Any] = []

    def both() -> None:
        roots_of = [
            contextvars.Context().run(lambda: begin(NOWHERE, service="api", request_id="r", in_lambda=True))
            for _ in range(2)
        ]
        for root in roots_of:
            thread = threading.Thread(target=lambda: seen.append(current()))
            thread.start()
            thread.join()
            assert root is not None
            contextvars.Context().run(root.end, None, None)

    both()

    assert seen[0] is None
    assert seen[1] is not None


def test_next_request_of_a_connection_is_its_own(capfd) -> None:
    """A server may start it while the last one's background task runs, in that one's context."""
    tasks: list[asyncio.Task[None]] = []
    second_bound = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        bind(session_id=scope["path"].strip("/"))
        if scope["path"] == "/s2":
            second_bound.set()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})
        if scope["path"] == "/s1":
            await second_bound.wait()

    guarded = GuardMiddleware(app)

    async def ignore(*_: Any) -> None: ...

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            tasks.append(asyncio.create_task(guarded(http_scope(path="/s2"), ignore, ignore)))

    async def connection() -> None:
        await asyncio.wait_for(guarded(http_scope(path="/s1"), ignore, send), 10)
        await tasks[0]

    sessions = [e["session_id"] for e in ends(capfd, lambda: asyncio.run(connection()))]

    assert ["s1", "s2"] == sorted(sessions)


@pytest.mark.parametrize(
    "method", ["jane@example.com", "I-FEEL-STUCK", "A" * 5000], ids=["address", "words", "long"]
)
def test_word_in_a_methods_place_is_in_no_record(capfd, method: str) -> None:
    """A client may send any there, of any length."""
    records = written(capfd, lambda: serve(GuardMiddleware(answers), http_scope(method=method)))

    assert "/coaching/message" == of_kind(records, "request.start")[0]["route"]
    assert method not in str(records)


class Word(str):
    """Text that cannot be looked up."""

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("what", ["method", "path"])
def test_application_runs_whatever_its_scope_is_made_of(what: str) -> None:
    """A test's scope or another middleware's may hold any sort of text."""
    assert 2 == len(serve(GuardMiddleware(answers), http_scope(**{what: Word("GET")})))


class Refusing(dict[str, Any]):
    """A scope that knows only what it must."""

    def get(self, key: str, default: Any = None) -> Any:
        """Nothing that it does not have."""
        return self[key]


def test_application_runs_though_its_scope_cannot_be_read(capfd) -> None:
    """It is not timed then, and that is counted."""
    sent: list[Messages] = []
    records = written(capfd, lambda: sent.append(serve(GuardMiddleware(answers), Refusing(http_scope()))))

    assert 2 == len(sent[0])
    assert [] == of_kind(records, "request.end")
    assert 1 == writer.dropped.take()


def test_text_of_any_sort_is_taken_as_text(capfd) -> None:
    """An enumeration's value, not its name."""
    sort = Enum("Sort", {"METHOD": "PUT", "PHASE": "extraction", "MODEL": "M", "SESSION": SESSION}, type=str)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        bind(session_id=sort.SESSION)
        with phase(sort.PHASE, model=sort.MODEL):
            pass
        with phase(Word("conversation"), model=Word("N")):
            pass

    records = written(capfd, lambda: serve(GuardMiddleware(app), http_scope(method=sort.METHOD)))
    ends = of_kind(records, "phase.end")

    assert "PUT /coaching/message" == of_kind(records, "request.start")[0]["route"]
    assert [("extraction", "M"), ("conversation", "N")] == [(each["phase"], each["model"]) for each in ends]
    assert {SESSION} == {each["session_id"] for each in ends}


@pytest.mark.parametrize("status", [True, "200x", 42, 200.5, None], ids=repr)
def test_status_that_is_none_is_in_no_record(capfd, status: Any) -> None:
    """What the application sends is the server's business; the record stays JSON."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})

    [end] = ends(capfd, lambda: serve(GuardMiddleware(app), http_scope()))

    assert end["response_status"] is None


def test_servers_request_lasts_until_its_answer_is_out(capfd, monkeypatch: pytest.MonkeyPatch) -> None:
    """A background task behind the answer holds up nobody; Lambda holds the answer back until it is done."""
    clock = [1000.0]
    monkeypatch.setattr(roots.time, "monotonic", lambda: clock[0])

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        clock[0] += 1
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        clock[0] += 1
        await send({"type": "http.response.body", "body": b"}"})
        clock[0] += 40

    event = {"aws.event": {}, "aws.context": Context()}
    scopes = (http_scope(), http_scope(**event))
    durations = [
        end["RequestDuration"]
        for scope in scopes
        for end in ends(capfd, lambda scope=scope: serve(GuardMiddleware(app), scope))
    ]

    assert [2000.0, 42000.0] == durations


def test_answer_that_is_broken_off_lasts_until_then(capfd, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of it is no answer yet."""
    clock = [1000.0]
    monkeypatch.setattr(roots.time, "monotonic", lambda: clock[0])

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        clock[0] += 5
        raise ValueError("no")

    def work() -> None:
        with pytest.raises(ValueError, match="no"):
            serve(GuardMiddleware(app), http_scope())

    assert [5000.0] == [end["RequestDuration"] for end in ends(capfd, work)]


@pytest.mark.parametrize("headers", [7, [1], [(1, 2)], [(b"x-request-id", 7)], None], ids=repr)
def test_headers_that_are_none_are_the_applications_to_find(capfd, headers: Any) -> None:
    """Though a server promises pairs of bytes."""
    messages: list[Messages] = []
    records = written(
        capfd, lambda: messages.append(serve(GuardMiddleware(answers), http_scope(headers=headers)))
    )

    assert 2 == len(messages[0])
    assert [202] == [end["response_status"] for end in of_kind(records, "request.end")]


def test_servers_first_request_is_no_cold_start(monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    """Nobody waited for a server to start."""
    monkeypatch.setattr(roots, "_served", False)
    [start] = of_kind(written(capfd, lambda: serve(GuardMiddleware(answers), http_scope())), "request.start")

    assert start["cold_start"] is False


def test_first_invocation_of_an_environment_is_a_cold_start(monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    """The first only, and not where Lambda started the environment ahead."""

    @guard_handler
    def handler(event: Any, context: Any) -> None: ...

    def cold(initialization: str) -> list[bool]:
        monkeypatch.setattr(roots, "_served", False)
        monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", initialization)
        records = written(capfd, lambda: [handler(http_event(), Context()) for _ in range(2)])
        return [each["cold_start"] for each in of_kind(records, "request.start")]

    assert [True, False] == cold("on-demand")
    assert [False, False] == cold("provisioned-concurrency")


def test_context_without_a_request_sees_none() -> None:
    """After all of it no request is left behind in any context."""
    assert under_way() is None
    assert contextvars.copy_context().run(current) is None


def test_async_handler_whose_loop_was_closed_gets_another() -> None:
    """By a library, or by a test."""
    handler = guard_handler(loop_of)
    handler({}, None).close()

    assert not handler({}, None).is_closed()


async def loop_of(event: Any, context: Any) -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()
