"""A phase is timed, recorded and marked, whatever happens in it, and changes nothing of it."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from guards import bind, deadline, guard_handler, phase, safe
from guards.phases import Phase
from guards.request import current
from guards.testing import capture_phases
from guards.writer import writer
from tests.guarded import REQUEST, SESSION, Context, Record, http_event, of_kind, written


def told(phases: list[Phase]) -> list[tuple[str, str, str | None]]:
    return [(each.name, each.outcome, each.error_type) for each in phases]


def test_phase_writes_its_begin_and_its_end(capfd) -> None:
    """Two lines: one before the work, so that a killed process leaves it, and one with the time it took."""

    def work() -> None:
        with phase("extraction", model="CLAUDE_3_5_HAIKU") as p:
            p.set(input_tokens=812, output_tokens=77, model="CLAUDE_SONNET_4_5")

    begin, end = written(capfd, work)

    assert ("phase.start/1", "extraction", "CLAUDE_3_5_HAIKU") == (
        begin["guard"],
        begin["phase"],
        begin["model"],
    )
    assert ("phase.end/1", "CLAUDE_SONNET_4_5", 812, 77) == (
        end["guard"],
        end["model"],
        end["input_tokens"],
        end["output_tokens"],
    )
    assert (begin["phase_id"], begin["timestamp"]) == (end["phase_id"], end["start"])
    assert 0 <= end["PhaseDuration"] < 60_000


ENDINGS = (
    ValueError("I feel stuck"),
    asyncio.CancelledError(),
    SystemExit(3),
    KeyboardInterrupt(),
    GeneratorExit(),
)


@pytest.mark.parametrize("error", ENDINGS, ids=lambda error: type(error).__name__)
def test_phase_that_is_broken_off_is_marked_so(error: BaseException) -> None:
    """Exception, cancellation, exit or interrupt: the type is told, the very object goes on its way."""
    with capture_phases() as phases, pytest.raises(type(error)) as raised, phase("extraction"):
        raise error

    assert error is raised.value
    assert [("extraction", "error", type(error).__name__)] == told(phases)


def test_phases_nest(capfd) -> None:
    """A phase inside another names it."""

    @guard_handler
    def handler(event: Any, context: Any) -> None:
        with phase("conversation"), phase("llm-call"):
            pass
        with phase("extraction"):
            pass

    starts = of_kind(written(capfd, lambda: handler(http_event(), Context())), "phase.start")

    assert [(1, None), (2, 1), (3, None)] == [(each["phase_id"], each["parent_id"]) for each in starts]


def test_phases_overlap_under_gather(capfd) -> None:
    """Each task's phases hang together, though they run at the same time."""

    async def turn(name: str) -> None:
        async with phase(name):
            await asyncio.sleep(0.01)
            async with phase(f"{name}-call"):
                await asyncio.sleep(0.01)

    @guard_handler
    async def handler(event: Any, context: Any) -> None:
        await asyncio.gather(turn("a"), turn("b"))

    starts = of_kind(written(capfd, lambda: handler(http_event(), Context())), "phase.start")
    names = {each["phase_id"]: each["phase"] for each in starts}

    assert {("a", None), ("b", None), ("a-call", "a"), ("b-call", "b")} == {
        (each["phase"], names.get(each["parent_id"])) for each in starts
    }
    assert {REQUEST} == {each["request_id"] for each in starts}


def test_thread_of_a_handler_belongs_to_its_request(capfd) -> None:
    """Also one that does not inherit its starter's context: inside Lambda only one request runs."""

    def extract() -> None:
        bind(session_id=SESSION)
        with phase("extraction"):
            assert deadline().known

    @guard_handler
    def handler(event: Any, context: Any) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(extract).result()
        thread = threading.Thread(target=extract)
        thread.start()
        thread.join()

    ends = of_kind(written(capfd, lambda: handler(http_event(), Context())), "phase.end")

    assert [(REQUEST, SESSION, "ok")] * 2 == [(e["request_id"], e["session_id"], e["outcome"]) for e in ends]


def test_phase_outside_a_request_is_timed_all_the_same(capfd) -> None:
    """At import, in a script: the record names no request."""

    def work() -> None:
        with phase("warm-up"):
            bind(session_id=SESSION)

    ends = of_kind(written(capfd, work), "phase.end")

    assert [(None, None, "warm-up")] == [(e["request_id"], e["session_id"], e["phase"]) for e in ends]


def decorated() -> dict[str, Any]:
    """A function of every sort, each a phase."""

    @phase("plain")
    def plain(a: int, *, b: int = 1) -> int:
        """Adds."""
        return a + b

    @phase("coroutine")
    async def coroutine(a: int) -> int:
        await asyncio.sleep(0)
        return a

    @phase("generator")
    def generator() -> Iterator[int]:
        yield 1
        yield 2

    @phase("async-generator")
    async def async_generator() -> AsyncIterator[int]:
        yield 1
        yield 2

    return {"plain": plain, "coroutine": coroutine, "generator": generator, "async": async_generator}


def test_decorator_times_each_call_of_any_function() -> None:
    """From the first step to the last, sync or async; the function looks as before."""
    functions = decorated()

    async def drained() -> list[int]:
        return [value async for value in functions["async"]()]

    with capture_phases() as phases:
        results = [
            functions["plain"](2, b=3),
            asyncio.run(functions["coroutine"](4)),
            list(functions["generator"]()),
            asyncio.run(drained()),
        ]

    assert [5, 4, [1, 2], [1, 2]] == results
    assert ["plain", "coroutine", "generator", "async-generator"] == [each.name for each in phases]
    assert ("plain", "Adds.") == (functions["plain"].__name__, functions["plain"].__doc__)


def test_decorated_partial_and_callable_object() -> None:
    """What is called need not be a function."""

    class Extractor:
        async def __call__(self) -> str:
            return "done"

    with capture_phases() as phases:
        one = phase("one")(functools.partial(int, "7"))()
        two = asyncio.run(phase("two")(Extractor())())

    assert (7, "done") == (one, two)
    assert ["one", "two"] == [each.name for each in phases]


def test_one_phase_object_entered_twice_at_once_times_both() -> None:
    """A phase kept in a module may be used by two tasks at the same time."""
    shared = phase("shared")

    async def use() -> None:
        async with shared:
            await asyncio.sleep(0.01)

    async def both() -> None:
        await asyncio.gather(use(), use())

    with capture_phases() as phases:
        asyncio.run(both())

    assert [("shared", "ok", None)] * 2 == told(phases)


def test_kill_switch_leaves_only_the_code(monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    """GUARD_DISABLED=1: nothing is written, timed or known, and all runs as before."""
    monkeypatch.setenv("GUARD_DISABLED", "1")

    @guard_handler
    def handler(event: Any, context: Any) -> str:
        bind(session_id=SESSION)
        with phase("conversation") as p:
            p.set(input_tokens=1)
        return "unknown" if not deadline().known else "known"

    results: list[str] = []
    records = written(capfd, lambda: results.append(handler(http_event(), Context())))

    assert ([], ["unknown"]) == (records, results)


def test_start_lines_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    """GUARD_START_RECORDS=0 leaves the end records: all but the open phase of a killed process."""
    monkeypatch.setenv("GUARD_START_RECORDS", "0")

    @guard_handler
    def handler(event: Any, context: Any) -> None:
        with phase("conversation", model="M"):
            pass

    records = written(capfd, lambda: handler(http_event(), Context()))

    assert ["phase.end/1", "request.end/1"] == [record["guard"] for record in records]
    assert "M" == records[0]["model"]


def test_records_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    """GUARD_RECORDS=0 leaves no line, though the request runs past its limit; deadlines and phases stay."""
    monkeypatch.setenv("GUARD_RECORDS", "0")
    monkeypatch.setenv("GUARD_GATEWAY_LIMIT_MS", "50")
    seen = []

    @guard_handler
    def handler(event: Any, context: Any) -> None:
        bind(session_id=SESSION)
        with phase("conversation"):
            seen.append(deadline().known)
        time.sleep(0.2)

    def work() -> None:
        with capture_phases() as phases:
            handler(http_event(), Context())
        seen.extend(phases)
        with phase("outside"):
            pass

    assert [] == written(capfd, work)
    assert [True, ("conversation", SESSION)] == [
        seen[0],
        *((each.name, each.session_id) for each in seen[1:]),
    ]


@pytest.mark.parametrize(
    ("variable", "value", "kinds"),
    [
        ("GUARD_DISABLED", "true", 0),
        ("GUARD_DISABLED", " YES ", 0),
        ("GUARD_DISABLED", "off", 2),
        ("GUARD_DISABLED", "False", 2),
        ("GUARD_DISABLED", "", 2),
        ("GUARD_RECORDS", "No", 0),
        ("GUARD_RECORDS", "", 2),
        ("GUARD_START_RECORDS", "Off", 1),
        ("GUARD_START_RECORDS", " no ", 1),
        ("GUARD_START_RECORDS", "", 2),
        ("GUARD_START_RECORDS", "perhaps", 2),
    ],
)
def test_switches_take_the_words_that_people_write(monkeypatch, capfd, variable, value, kinds) -> None:
    """No means no in any of its forms; nothing at all changes nothing."""
    monkeypatch.setenv(variable, value)

    def work() -> None:
        with phase("conversation"):
            pass

    assert kinds == len(written(capfd, work))


def test_names_and_models_beyond_measure_are_kept_few(capfd) -> None:
    """A phase's name is a metric's dimension: names made of IDs become one, as soon as there are too many."""

    def work() -> None:
        for number in range(200):
            with phase(f"session-{number}", model="the user's own words"):
                pass

    ends: list[Record] = of_kind(written(capfd, work), "phase.end")

    assert 65 >= len({each["phase"] for each in ends})
    assert "other" == ends[-1]["phase"]
    assert {"hidden"} == {each["model"] for each in ends}


def test_one_phase_object_left_in_any_order_ends_the_right_one(capfd) -> None:
    """Two tasks that share one, the first in is the first out: each record is of its own request."""
    shared = phase("shared")

    async def turn(session: str, entered: asyncio.Event, leaves: asyncio.Event) -> None:
        @guard_handler
        async def handler(event: Any, context: Any) -> None:
            bind(session_id=session)
            async with shared as p:
                p.set(attempts=int(session))
                entered.set()
                await leaves.wait()

        await handler(http_event(), Context(session))

    async def both() -> None:
        first_in, second_in, first_out, never = (asyncio.Event() for _ in range(4))
        first = asyncio.create_task(turn("1", first_in, first_out))
        await first_in.wait()
        second = asyncio.create_task(turn("2", second_in, never))
        await second_in.wait()
        first_out.set()
        await first
        never.set()
        await second

    ends = of_kind(written(capfd, lambda: asyncio.run(both())), "phase.end")

    assert [("1", "1", 1), ("2", "2", 2)] == [
        (each["request_id"], each["session_id"], each["attempts"]) for each in ends
    ]


def test_decorated_async_generator_is_driven_as_it_was() -> None:
    """What is sent and thrown in reaches it, and is closed when its user closes it, not later."""
    seen: list[Any] = []

    @phase("stream")
    async def stream() -> AsyncIterator[int]:
        try:
            try:
                seen.append((yield 1))
            except ValueError as error:
                seen.append(error)
                yield 2
            yield 3
        finally:
            seen.append("closed")

    error = ValueError("no")

    async def drive() -> list[int]:
        sent, thrown = stream(), stream()
        values = [await sent.asend(None), await sent.asend("sent")]
        values += [await thrown.asend(None), await thrown.athrow(error)]
        await sent.aclose()
        seen.append("after")
        await thrown.aclose()
        return values

    with capture_phases() as phases:
        values = asyncio.run(drive())

    assert [1, 3, 1, 2] == values
    assert ["sent", error, "closed", "after", "closed"] == seen
    assert [("stream", "error", "GeneratorExit")] * 2 == told(phases)


def test_exception_of_a_decorated_async_generator_is_its_own() -> None:
    """The very object comes out, and what it does not handle of what is thrown in."""

    @phase("stream")
    async def stream(error: BaseException | None) -> AsyncIterator[int]:
        yield 1
        if error is not None:
            raise error

    own, thrown = ValueError("own"), KeyError("thrown")

    async def drive() -> list[BaseException]:
        raised: list[BaseException] = []
        for step in (stream(own).asend, stream(None).athrow):
            await step.__self__.asend(None)  # type: ignore[attr-defined]
            try:
                await step(None if step.__name__ == "asend" else thrown)  # type: ignore[arg-type]
            except (ValueError, KeyError) as error:
                raised.append(error)
        return raised

    with capture_phases() as phases:
        raised = asyncio.run(drive())

    assert own is raised[0] and thrown is raised[1]
    assert ["ValueError", "KeyError"] == [each.error_type for each in phases]


def test_code_that_interrupts_a_bind_may_bind_and_have_phases(capfd) -> None:
    """A signal's handler runs in the thread that it interrupts: locks held there are not waited for."""

    def interrupted() -> None:
        request = current()
        assert request is not None
        with request.lock, writer._lock, writer.dropped._lock, safe._phases._lock:
            bind(session_id=SESSION)
            writer.dropped.add(0)
            with phase("clean-up"):
                pass

    @guard_handler
    def handler(event: Any, context: Any) -> None:
        interrupted()

    ended = threading.Event()

    def work() -> None:
        thread = threading.Thread(target=lambda: (handler(http_event(), Context()), ended.set()), daemon=True)
        thread.start()
        ended.wait(10)

    records = written(capfd, work)

    assert ended.is_set()
    assert [("clean-up", SESSION)] == [
        (each["phase"], each["session_id"]) for each in of_kind(records, "phase.end")
    ]


def test_phase_of_a_request_is_below_no_phase_outside_it(capfd) -> None:
    """A number of another request, or of none, would name another phase."""

    @guard_handler
    def handler(event: Any, context: Any) -> None:
        with phase("conversation"):
            pass

    def work() -> None:
        with phase("warm-up"):
            handler(http_event(), Context())

    assert [None, None] == [each["parent_id"] for each in of_kind(written(capfd, work), "phase.start")]


def test_phase_may_end_in_another_context_than_it_began_in(capfd) -> None:
    """As a generator's does that is closed by another task: its record is written all the same."""

    def work() -> None:
        extraction = phase("extraction")
        contextvars.copy_context().run(extraction.__enter__)
        extraction.__exit__(None, None, None)

    assert ["phase.start/1", "phase.end/1"] == [record["guard"] for record in written(capfd, work)]
    assert 0 == writer.dropped.take()


def test_generator_closed_inside_a_phase_leaves_nothing_behind(capfd) -> None:
    """Its phase has ended: what comes later is below its own outer phase, or none."""

    @phase("stream")
    def stream() -> Iterator[int]:
        yield 1

    @guard_handler
    def handler(event: Any, context: Any) -> None:
        values = stream()
        next(values)
        with phase("conversation"):
            values.close()
        with phase("extraction"):
            pass

    starts = of_kind(written(capfd, lambda: handler(http_event(), Context())), "phase.start")

    assert [("stream", None), ("conversation", 1), ("extraction", None)] == [
        (each["phase"], each["parent_id"]) for each in starts
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_childs_phases_have_numbers_of_their_own(capfd) -> None:
    """Both work on for one request, and their lines stand in one log."""

    @guard_handler
    def handler(event: Any, context: Any) -> None:
        request = current()
        assert request is not None
        # Another thread may have been binding while the process was forked.
        holder = threading.Thread(target=request.lock.acquire)
        holder.start()
        holder.join()
        child = os.fork()
        if child == 0:  # never returns to pytest
            try:
                signal.alarm(10)
                bind(session_id=SESSION)
                with phase("extraction"):
                    pass
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        with phase("extraction"):
            pass

    records = written(capfd, lambda: handler(http_event(), Context()))

    assert 2 == len({record["phase_id"] for record in of_kind(records, "phase.start")})
    assert [SESSION, None] == [record["session_id"] for record in of_kind(records, "phase.end")]


def test_open_phase_is_the_one_that_began_last() -> None:
    """Of those that have not ended, whichever ended meanwhile; with none there is none."""
    seen: list[str | None] = []

    @guard_handler
    def handler(event: Any, context: Any) -> None:
        request = current()
        assert request is not None
        first, second = phase("first"), phase("second")
        for step in (first.__enter__, second.__enter__):
            step()
            seen.append(request.open_phase)
        for ended in (first, second):
            ended.__exit__(None, None, None)
            seen.append(request.open_phase)

    handler(http_event(), Context())

    assert ["first", "second", "second", None] == seen


@pytest.fixture(autouse=True)
def fresh_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees another's names."""
    monkeypatch.setattr(safe, "_phases", safe.Names())


def test_text_leaves_only_where_its_name_is_said_to_be_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could be a user's words; what is said to be safe is short."""
    given: dict[str, Any] = {"prompt": "I feel stuck", "tenant": "t-17", "essay": "x" * 257, "turn": 3}

    def facts() -> dict[str, Any]:
        with capture_phases() as phases, phase("conversation", **given):
            pass
        return phases[0].facts

    assert {"turn": 3} == facts()
    monkeypatch.setenv("GUARD_SAFE_ATTRIBUTES", "tenant, essay")
    assert {"turn": 3, "tenant": "t-17"} == facts()
    given["x" * 65] = 1
    assert {"turn": 3, "tenant": "t-17"} == facts()


def test_types_of_errors_are_kept_few_and_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are an attribute of metrics: a library that makes a type for each error makes few series."""
    monkeypatch.setattr(safe, "_errors", safe.Names())
    kinds = [type(f"E{number}" + "x" * 100, (Exception,), {}) for number in range(100)]
    with capture_phases() as phases:
        for kind in kinds:
            with pytest.raises(kind), phase("extraction"):
                raise kind
    types = [each.error_type or "" for each in phases]

    assert ("other", 65, 64) == (types[-1], len(set(types)), max(map(len, types)))


def test_decorated_partial_of_a_coroutine_function_is_timed_to_its_end() -> None:
    """Its call gives a coroutine as the function's own does."""

    async def extract(text: str) -> int:
        await asyncio.sleep(0)
        with phase("inner"):
            return len(text)

    with capture_phases() as phases:
        assert 3 == asyncio.run(phase("outer")(functools.partial(extract, "abc"))())

    assert ["inner", "outer"] == [each.name for each in phases]


def test_captured_phases_are_not_written_and_those_after_are(capfd) -> None:
    """A test's phases stand in no log; when it is over all is as before."""
    from guards.phases import listeners

    def work() -> None:
        with capture_phases(), phase("captured"):
            pass
        with phase("written"):
            pass

    assert {"written"} == {record["phase"] for record in written(capfd, work)}
    assert [] == listeners
