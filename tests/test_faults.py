"""Guarantee G1: whatever telemetry does, the caller gets the handler's own result or exception.

Each outcome of a handler meets each fault. What hangs here hangs until the handler has come back: a handler
that waited for it would never do so.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, Sampler

from guards import GuardMiddleware, bind, guard_handler, phase, spans
from guards.contained import Late, elsewhere
from guards.writer import writer
from tests.guarded import SESSION, Context, http_event, of_kind, written
from tests.otel import installed

Fault = Callable[[pytest.MonkeyPatch], None]
_LONGEST_S = 30.0


class Gate:
    """What hangs, until the test lets it go; a handler must never wait for that."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self.reached = False

    def hang(self, *_: Any, **__: Any) -> None:
        """Hang."""
        self.reached = True
        self._open.wait(_LONGEST_S)

    def open(self) -> None:
        """Let go."""
        self._open.set()

    @property
    def is_open(self) -> bool:
        """Whether it was let go."""
        return self._open.is_set()


gate = Gate()


def fail(*_: Any, **__: Any) -> Any:
    gate.reached = True
    raise RuntimeError("telemetry is broken")


def leave(*_: Any, **__: Any) -> Any:
    gate.reached = True
    raise SystemExit("telemetry ends the process")


class Processor(SpanProcessor):
    """Does something when a span begins, or when it ends."""

    def __init__(self, when: str, what: Callable[..., Any]) -> None:
        self._when, self._what = when, what

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        """A span begins."""
        if self._when == "start":
            self._what()

    def on_end(self, span: ReadableSpan) -> None:
        """A span ends."""
        if self._when == "end":
            self._what()


class Exporter(SpanExporter):
    """Does something when spans are exported."""

    def __init__(self, what: Callable[..., Any]) -> None:
        self._what = what

    def export(self, spans: Any) -> SpanExportResult:
        """Spans come."""
        self._what()
        return SpanExportResult.SUCCESS


class BrokenSampler(Sampler):
    """Fails to decide."""

    def should_sample(self, *args: Any, **kwargs: Any) -> Any:
        """Fail."""
        return fail()

    def get_description(self) -> str:
        """Its name."""
        return ALWAYS_ON.get_description()


def processor(when: str, what: Callable[..., Any]) -> Fault:
    return lambda patch: void(installed(patch, Processor(when, lambda *_: what())))


def exporter(what: Callable[..., Any]) -> Fault:
    return lambda patch: void(installed(patch, SimpleSpanProcessor(Exporter(what))))


def void(*_: Any) -> None: ...


def broken_sampler(patch: pytest.MonkeyPatch) -> None:
    provider = TracerProvider(sampler=BrokenSampler(), shutdown_on_exit=False)
    patch.setattr(trace, "get_tracer_provider", lambda: provider)


def broken_providers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(trace, "get_tracer_provider", fail)
    patch.setattr(metrics, "get_meter_provider", fail)


def broken_meters(patch: pytest.MonkeyPatch) -> None:
    otel = installed(patch)
    patch.setattr(otel.meter_provider, "get_meter", fail)


def broken_histogram(patch: pytest.MonkeyPatch) -> None:
    from opentelemetry.sdk.metrics import Histogram

    installed(patch)
    patch.setattr(Histogram, "record", fail)


def full_pipe(patch: pytest.MonkeyPatch) -> None:
    _, write = os.pipe()
    os.set_blocking(write, False)
    try:
        while True:
            os.write(write, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(write, True)
    patch.setattr(sys, "stdout", os.fdopen(write, "w"))
    gate.reached = True


def closed_stdout(patch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    patch.setattr(sys, "stdout", os.fdopen(write, "w"))
    gate.reached = True


def no_stdout(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sys, "stdout", None)
    gate.reached = True


def broken_lines(patch: pytest.MonkeyPatch) -> None:
    from guards import lines

    for name in ("request_start", "phase_start", "phase_end", "request_end"):
        patch.setattr(lines, name, fail)


def no_threads(patch: pytest.MonkeyPatch) -> None:
    from guards.watcher import Watcher

    patch.setattr("guards.roots.watcher", Watcher())
    patch.setattr(threading.Thread, "start", fail)


def broken(what: str) -> Fault:
    return lambda patch: patch.setattr(what, fail)


def broken_hook(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("guards.roots.ended", [fail])


def hanging_sampler(patch: pytest.MonkeyPatch) -> None:
    sampler = BrokenSampler()
    patch.setattr(sampler, "should_sample", gate.hang)
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    patch.setattr(trace, "get_tracer_provider", lambda: provider)


def hanging_sampler_in_another(patch: pytest.MonkeyPatch) -> None:
    sampler = BrokenSampler()
    patch.setattr(sampler, "should_sample", gate.hang)
    provider = TracerProvider(sampler=ParentBased(sampler), shutdown_on_exit=False)
    patch.setattr(trace, "get_tracer_provider", lambda: provider)


FAULTS: dict[str, Fault] = {
    "processor raises at the beginning": processor("start", fail),
    "processor raises at the end": processor("end", fail),
    "processor hangs at the beginning": processor("start", gate.hang),
    "processor hangs at the end": processor("end", gate.hang),
    "processor exits": processor("end", leave),
    "exporter raises": exporter(fail),
    "exporter hangs": exporter(gate.hang),
    "sampler raises": broken_sampler,
    "providers raise": broken_providers,
    "meter raises": broken_meters,
    "histogram raises": broken_histogram,
    "full pipe": full_pipe,
    "closed stdout": closed_stdout,
    "no stdout": no_stdout,
    "no line": broken_lines,
    "no thread can be started": no_threads,
    "sampler hangs": hanging_sampler,
    "sampler that the SDK's asks hangs": hanging_sampler_in_another,
    "no budget": broken("guards.roots.budget_of"),
    "watcher forgets nothing": broken("guards.roots.watcher.forget"),
    "hook raises": broken_hook,
}


class Refused(Exception):
    """The application's own."""


ANSWER = {"statusCode": 200, "body": "{}"}
OUTCOMES: dict[str, BaseException | None] = {
    "result": None,
    "error": Refused("I feel stuck"),
    "exit": SystemExit(3),
    "cancelled": asyncio.CancelledError(),
}


@pytest.fixture(autouse=True)
def let_go() -> Iterator[None]:
    """Each test has a gate that is shut, and opens it at its end."""
    gate.__init__()  # type: ignore[misc]  # the faults hold a reference
    yield
    gate.open()
    try:
        elsewhere.call(void, 10.0)  # what hung has come back before the next test
    except Exception:
        elsewhere.__init__()  # type: ignore[misc]
    spans.dropped.take()
    writer.dropped.take()


def work(error: BaseException | None) -> Any:
    bind(session_id=SESSION)
    with phase("conversation"), phase("extraction", model="M") as p:
        p.set(input_tokens=1)
        if error is not None:
            raise error
    return ANSWER


def assert_own(call: Callable[[], Any], error: BaseException | None) -> None:
    """The very object comes out, and what hangs hangs still."""
    if error is None:
        assert ANSWER is call()
    else:
        with pytest.raises(type(error)) as raised:
            call()
        assert error is raised.value or isinstance(error, asyncio.CancelledError)
    assert not gate.is_open


@pytest.mark.parametrize("error", OUTCOMES.values(), ids=OUTCOMES)
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_handlers_own_outcome_comes_out(monkeypatch, fault: Fault, error: BaseException | None) -> None:
    """A sync handler's."""

    @guard_handler
    def handler(event: Any, context: Any) -> Any:
        return work(error)

    with monkeypatch.context() as patch:
        fault(patch)
        assert_own(lambda: handler(http_event(), Context()), error)
    assert gate.reached


@pytest.mark.parametrize("error", OUTCOMES.values(), ids=OUTCOMES)
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_middleware_lets_the_applications_own_outcome_out(monkeypatch, fault, error) -> None:
    """An ASGI application's, behind an async handler as Mangum is."""
    results: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        results.append(work(error))

    async def ignore(*_: Any) -> None: ...

    @guard_handler
    async def handler(event: Any, context: Any) -> Any:
        await GuardMiddleware(app)({"type": "http", "method": "GET", "path": "/"}, ignore, ignore)
        return results[-1]

    with monkeypatch.context() as patch:
        fault(patch)
        assert_own(lambda: handler(http_event(), Context()), error)
    assert gate.reached


@pytest.mark.parametrize("event", [None, 7, {"requestContext": {"timeEpoch": "x"}}, {"headers": 3}], ids=repr)
@pytest.mark.parametrize("context", [None, object()], ids=["no context", "bare context"])
@pytest.mark.parametrize("error", OUTCOMES.values(), ids=OUTCOMES)
def test_malformed_events_and_missing_contexts_change_nothing(event, context, error) -> None:
    """Whatever a caller sends, and a test calls a handler with."""

    @guard_handler
    def handler(event: Any, context: Any) -> Any:
        return work(error)

    assert_own(lambda: handler(event, context), error)


def test_spans_that_could_not_be_had_are_counted(monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    """In the end record of a request after them: nothing is lost uncounted."""

    @guard_handler
    def handler(event: Any, context: Any) -> Any:
        return work(None)

    def twice() -> None:
        handler(http_event(), Context())
        handler(http_event(), Context())

    installed(monkeypatch, Processor("start", fail))
    ends = of_kind(written(capfd, twice), "request.end")

    assert [3, 3] == [end["dropped_spans"] for end in ends]


def test_hanging_processor_costs_its_patience_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it hangs nobody waits for it again."""
    waited: list[float] = []
    call = elsewhere.call

    def noted(job: Any, timeout: float) -> Any:
        if not elsewhere._late and timeout > 0:
            waited.append(timeout)
        return call(job, timeout)

    monkeypatch.setattr(elsewhere, "call", noted)
    installed(monkeypatch, Processor("start", gate.hang))

    @guard_handler
    def handler(event: Any, context: Any) -> Any:
        return work(None)

    for _ in range(20):
        assert ANSWER is handler(http_event(), Context())
    assert 1 == len(waited)
    assert waited[0] <= 0.25


@pytest.mark.parametrize("line", ["request_start", "phase_start", "phase_end"])
def test_record_that_cannot_be_made_is_counted(monkeypatch: pytest.MonkeyPatch, capfd, line: str) -> None:
    """In the end record of its request: nothing is lost uncounted."""
    from guards import lines

    @guard_handler
    def handler(event: Any, context: Any) -> None:
        with phase("conversation"):
            pass

    monkeypatch.setattr(lines, line, fail)
    [end] = of_kind(written(capfd, lambda: handler(http_event(), Context())), "request.end")

    assert 1 == end["dropped_records"]


def test_counts_of_an_end_record_that_was_lost_stand_in_the_next(
    monkeypatch: pytest.MonkeyPatch, capfd
) -> None:
    """With the lost one itself."""

    @guard_handler
    def handler(event: Any, context: Any) -> None: ...

    def twice() -> None:
        writer.dropped.add(3)
        spans.dropped.add(2)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", None)
            handler(http_event(), Context())
        handler(http_event(), Context())

    [end] = of_kind(written(capfd, twice), "request.end")

    assert (3 + 2, 2) == (end["dropped_records"], end["dropped_spans"])


@pytest.mark.parametrize("lost", [(3, 0), (0, 2)], ids=["records", "spans"])
def test_loss_is_told_where_records_are_switched_off(
    monkeypatch: pytest.MonkeyPatch, capfd, lost: tuple[int, int]
) -> None:
    """By the end record of the next request, whole as ever; the one after it tells nothing."""
    monkeypatch.setenv("GUARD_RECORDS", "0")

    @guard_handler(service_name="coaching-api")
    def handler(event: Any, context: Any) -> None:
        bind(session_id=SESSION)

    def twice() -> None:
        writer.dropped.add(lost[0])
        spans.dropped.add(lost[1])
        handler(http_event(), Context())
        handler(http_event(), Context())

    [end] = written(capfd, twice)

    assert ("request.end/1", "coaching-api", SESSION) == (end["guard"], end["service"], end["session_id"])
    assert lost == (end["dropped_records"], end.get("dropped_spans", 0))


def test_span_is_ended_though_the_histogram_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """One part of telemetry that fails does not take the others with it; it is counted."""
    from opentelemetry.sdk.metrics import Histogram

    otel = installed(monkeypatch)
    monkeypatch.setattr(Histogram, "record", fail)
    with phase("conversation"):
        pass

    assert ["conversation"] == list(otel.spans)
    assert (1, 0) == (spans.dropped.take(), writer.dropped.take())


def test_binding_is_not_the_handlers_business(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where so much waits for a processor that hangs that nothing more is taken on."""

    def full(work: object) -> None:
        gate.reached = True
        raise Late("256 jobs are waiting")

    installed(monkeypatch, Processor("never", void))
    monkeypatch.setattr(elsewhere, "submit", full)

    @guard_handler
    def handler(event: Any, context: Any) -> Any:
        bind(session_id=SESSION)
        return ANSWER

    assert ANSWER is handler(http_event(), Context())
    assert gate.reached


def test_meter_of_somebody_elses_making_may_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked on the other thread, and nobody waits for it."""
    reached = threading.Event()

    class Instrument:
        def record(self, *_: Any) -> None:
            reached.set()
            gate.hang()

        add = record

    class Meters:
        def get_meter(self, name: str) -> Any:
            return self

        def create_histogram(self, *_: Any, **__: Any) -> Any:
            return Instrument()

        create_counter = create_histogram

    monkeypatch.setattr(metrics, "get_meter_provider", Meters)

    @guard_handler
    def handler(event: Any, context: Any) -> Any:
        return work(None)

    assert ANSWER is handler(http_event(), Context())
    assert reached.wait(10)
    assert not gate.is_open


def test_opentelemetry_that_is_still_being_imported_is_not_there_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """On another thread: the module has not got its names."""
    for name in ("opentelemetry.trace", "opentelemetry.metrics"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))

    assert spans.configured() is None
    assert 0 == spans.dropped.take()
