"""Guarantee G1: whatever telemetry does, the caller gets the handler's own result or exception.

Each outcome of a handler meets each fault. What hangs here hangs until the handler has come back: a handler
that waited for it would never do so.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from guards import GuardMiddleware, bind, guard_handler, phase, spans
from guards.contained import elsewhere
from guards.writer import writer
from tests.guarded import SESSION, Context, http_event
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
    from tests.guarded import of_kind, written

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
