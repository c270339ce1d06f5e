"""Whatever odd a handler returns, a context holds or code binds, the handler's own outcome comes out."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from guards import bind, deadline, guard_handler, phase
from guards.deadlines import Deadline
from guards.testing import capture_phases
from tests.guarded import OTHER_REQUEST, REQUEST, SESSION, Context, http_event, of_kind, written


class Unwilling:
    """Cannot be told, nor asked what it is, as a proxy of something that is gone."""

    @property
    def __class__(self) -> Any:  # type: ignore[override]
        """Refuse."""
        raise RuntimeError("gone")

    def __str__(self) -> str:
        """Refuse."""
        raise RuntimeError("gone")


class UnwillingDict(dict[str, Any]):
    """Answers no question."""

    def get(self, *_: Any) -> Any:
        """Refuse."""
        raise RuntimeError("gone")


ODD_RESULTS = (
    Unwilling(),
    UnwillingDict(),
    {"statusCode": 10**5000},
    {"statusCode": "9" * 5000},
    {"statusCode": True},
    {"statusCode": float("nan")},
    {"statusCode": "I feel stuck"},
    {"statusCode": 700},
)


@pytest.mark.parametrize("number", range(len(ODD_RESULTS)))
def test_odd_result_comes_out_and_says_no_status(capfd, number: int) -> None:
    """The very object, and a request that has ended: the next one is not taken for a part of it."""
    result = ODD_RESULTS[number]
    handler = guard_handler(lambda event, context: result)

    def work() -> None:
        for request in (REQUEST, OTHER_REQUEST):
            assert result is handler(http_event(), Context(request))

    assert [(REQUEST, None), (OTHER_REQUEST, None)] == [
        (e["request_id"], e["response_status"]) for e in of_kind(written(capfd, work), "request.end")
    ]


@pytest.mark.parametrize(
    ("status", "told"), [(200, 200), ("503", 503), (99, None), (100, 100), (599, 599), (600, None)]
)
def test_status_is_told_where_it_is_one(capfd, status: object, told: int | None) -> None:
    """As a number or in digits, which API Gateway takes as well."""
    handler = guard_handler(lambda event, context: {"statusCode": status})
    [end] = of_kind(written(capfd, lambda: handler(http_event(), Context())), "request.end")

    assert told == end["response_status"]


class UnwillingContext:
    """A context that answers nothing."""

    @property
    def aws_request_id(self) -> str:
        """Refuse."""
        raise RuntimeError("gone")

    def get_remaining_time_in_millis(self) -> int:
        """Refuse."""
        raise RuntimeError("gone")


@pytest.mark.parametrize(
    "context",
    [
        UnwillingContext(),
        Context(left_ms=10**400),
        Context(left_ms=float("inf")),
        Context(left_ms=float("nan")),
    ],
    ids=["unwilling", "huge", "infinite", "nan"],
)
def test_odd_context_leaves_the_handler_alone(capfd, context: Any) -> None:
    """It runs, its request is recorded, and no deadline is made up."""
    handler = guard_handler(lambda event, context: deadline())
    results: list[Deadline] = []
    records = written(capfd, lambda: results.append(handler({}, context)))

    assert ["request.start/1", "request.end/1"] == [record["guard"] for record in records]
    assert [Deadline.none()] == results


@pytest.mark.parametrize(
    "epoch", [10**400, float("inf"), float("nan"), -1, True, "now", 1e300], ids=lambda epoch: repr(epoch)[:9]
)
def test_odd_receive_time_is_none(capfd, epoch: Any) -> None:
    """The gateway's clock then counts from the start."""
    event = http_event()
    event["requestContext"]["timeEpoch"] = epoch
    handler = guard_handler(lambda event, context: None)
    [start] = of_kind(written(capfd, lambda: handler(event, Context())), "request.start")

    assert ("gateway", start["timestamp"]) == (start["limit_by"], start["received"])
    assert "clock_skew_ms" not in start


ODD_SESSIONS = (Unwilling(), 10**5000, b"x", "I feel stuck", "", ["s"])


@pytest.mark.parametrize("number", range(len(ODD_SESSIONS)))
def test_binding_what_is_no_id_binds_nothing(capfd, number: int) -> None:
    """And raises nothing: it is not the handler's business."""
    session = ODD_SESSIONS[number]
    handler = guard_handler(lambda event, context: bind(session_id=session))
    [end] = of_kind(written(capfd, lambda: handler(http_event(), Context())), "request.end")

    assert (None, "ok") == (end["session_id"], end["outcome"])


class Tokens(int):
    """A number that is written as words."""

    def __str__(self) -> str:
        """Words."""
        return "three tokens"


def test_odd_facts_leave_the_phase_alone(capfd) -> None:
    """What is no number does not stand in the record; what is one stands there as one."""

    def work() -> None:
        with phase("extraction", a=Unwilling(), b=float("nan"), c=10**400) as p:  # type: ignore[arg-type]
            p.set(attempts=True, output_tokens=Tokens(3), d=Unwilling(), **{"jane@example.com": 1})  # type: ignore[arg-type]

    with capture_phases() as phases:
        work()
    [end] = of_kind(written(capfd, work), "phase.end")

    assert {"attempts": True, "output_tokens": 3} == phases[0].facts
    assert ("attempts" in end, end["output_tokens"]) == (False, 3)


@pytest.mark.parametrize("name", [" ", "", "jane@example.com", "Dämmerung", "a\nb", "x" * 65, None, 7, ["x"]])
def test_name_that_can_be_no_metrics_dimension_is_none(capfd, name: Any) -> None:
    """CloudWatch takes ASCII that is not blank; an address is nobody's phase."""

    def work() -> None:
        with phase(name):
            pass

    assert {"unnamed"} == {record["phase"] for record in written(capfd, work)}


def test_handler_is_called_as_its_caller_calls_it() -> None:
    """With names, with more arguments or without any, as a test may."""
    assert (1, 2) == guard_handler(lambda evt, ctx: (evt, ctx))(evt=1, ctx=2)
    assert 5 == guard_handler(lambda: 5)()
    assert (1, 2, 3) == guard_handler(lambda event, context, more: (event, context, more))(1, 2, more=3)


def test_handler_called_with_names_is_a_request_like_any_other(capfd) -> None:
    """Event and context are found by Lambda's own names for them."""
    handler = guard_handler(lambda event, context: None)
    [end] = of_kind(written(capfd, lambda: handler(event=http_event(), context=Context())), "request.end")

    assert REQUEST == end["request_id"]


def test_service_that_is_no_text_is_passed_over(capfd) -> None:
    """The request is recorded under the next best name."""
    handler = guard_handler(service_name=7)(lambda event, context: None)  # type: ignore[call-overload]

    assert 2 == len(written(capfd, lambda: handler(http_event(), Context())))


def test_async_handlers_of_two_threads_run_side_by_side() -> None:
    """A local server may call from several; each thread has its own loop, and keeps it."""
    together = threading.Barrier(2, timeout=10)
    loops: dict[str, list[Any]] = {"a": [], "b": []}

    @guard_handler
    async def handler(event: Any, context: Any) -> None:
        loops[event].append(asyncio.get_running_loop())
        await asyncio.get_running_loop().run_in_executor(None, together.wait)

    def twice(name: str) -> None:
        handler(name, None)
        handler(name, None)

    threads = [threading.Thread(target=twice, args=(name,)) for name in loops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [2, 2] == [len(kept) for kept in loops.values()]
    assert [1, 1] == [len(set(kept)) for kept in loops.values()]
    assert loops["a"][0] is not loops["b"][0]
    for kept in loops.values():
        kept[0].close()


def test_invocation_is_no_part_of_one_that_was_left_without_an_end(capfd) -> None:
    """Lambda's own ID says that it is another: the session before it is not its session."""
    from guards.origin import NOWHERE
    from guards.request import leave
    from guards.roots import begin

    def work() -> None:
        left = begin(NOWHERE, service="api", request_id=OTHER_REQUEST, in_lambda=True)
        assert left is not None
        bind(session_id="sess_before")
        guard_handler(lambda event, context: bind(session_id=SESSION))(http_event(), Context())
        leave(left.request, left._token)

    [end] = of_kind(written(capfd, work), "request.end")

    assert (REQUEST, SESSION) == (end["request_id"], end["session_id"])
