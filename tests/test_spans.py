"""Where OpenTelemetry is configured, requests and phases are spans and histograms by its conventions."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult

from guards import GuardMiddleware, bind, guard_handler, phase
from guards.contained import elsewhere
from guards.limits import HISTOGRAM_EDGES_S
from guards.writer import writer
from tests.guarded import REQUEST, SESSION, Context, http_event, of_kind, written
from tests.otel import Kept, Otel, installed

TRACE = "5759e988bd862e3fe1be46a994272793"
CALLER = "53995c3f42cd8ad8"


@pytest.fixture
def otel(monkeypatch: pytest.MonkeyPatch) -> Otel:
    return installed(monkeypatch)


@guard_handler(service_name="coaching-api")
def handler(event: Any, context: Any) -> Any:
    bind(session_id=SESSION)
    with phase("conversation", model="CLAUDE_SONNET_4_5") as p:
        p.set(input_tokens=812)
        with trace.get_tracer("botocore").start_as_current_span("bedrock"):
            pass
    return {"statusCode": 200}


def test_request_is_a_server_span_and_its_phases_are_below(otel: Otel) -> None:
    """With whatever an instrumented client adds below the phase."""
    handler(http_event(), Context())
    spans = otel.spans
    root, conversation = spans["POST /coaching/message"], spans["conversation"]

    assert trace.SpanKind.SERVER is root.kind
    assert root.context.span_id == conversation.parent.span_id
    assert conversation.context.span_id == spans["bedrock"].parent.span_id
    assert {
        "http.request.method": "POST",
        "http.route": "/coaching/message",
        "http.response.status_code": 200,
        "session.id": SESSION,
    } == dict(root.attributes)
    assert {
        "coaching.phase": "conversation",
        "session.id": SESSION,
        "coaching.phase.input_tokens": 812,
    } == dict(conversation.attributes)


def test_spans_and_measurements_do_not_need_the_records(
    monkeypatch: pytest.MonkeyPatch, otel: Otel, capfd
) -> None:
    """GUARD_RECORDS=0: the same spans, the same points, no line."""

    def told() -> tuple[dict[str, object], list[int]]:
        attributes = {name: dict(span.attributes or {}) for name, span in otel.spans.items()}
        metrics = ("coaching.phase.duration", "coaching.request.duration")
        return attributes, [point.count for metric in metrics for point in otel.points(metric)]

    handler(http_event(), Context())
    with_records = told()
    otel.exporter.spans.clear()
    monkeypatch.setenv("GUARD_RECORDS", "0")
    lines = written(capfd, lambda: handler(http_event(), Context()))

    assert [] == lines
    assert (with_records[0], [2 * count for count in with_records[1]]) == told()


class Asking(Sampler):
    """A sampler that decides by a span's attributes."""

    def __init__(self, adds: str | None = None) -> None:
        self.seen: list[dict[str, Any]] = []
        self.adds = adds
        """What it writes into the first attributes that it is given."""

    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, *_, **__) -> Any:
        """Note what it is told."""
        self.seen.append(dict(attributes or {}))
        if self.adds is not None:
            attributes[self.adds], self.adds = "alice", None
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)

    def get_description(self) -> str:
        """Its name."""
        return "Asking"


@pytest.mark.parametrize(
    "around",
    [lambda sampler: sampler, lambda sampler: ParentBased(sampler, remote_parent_sampled=sampler)],
    ids=["alone", "asked by the SDK's"],
)
def test_sampler_of_somebody_elses_making_knows_the_attributes(
    monkeypatch: pytest.MonkeyPatch, around: Callable[[Sampler], Sampler]
) -> None:
    """It may decide by them; the SDK's own do not, and get them later, which is quicker."""
    sampler = Asking()
    provider = TracerProvider(sampler=around(sampler), shutdown_on_exit=False)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    handler(http_event(), Context())

    assert {"http.request.method": "POST", "http.route": "/coaching/message"} == sampler.seen[0]


def test_what_is_added_to_a_span_stays_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """One request's attributes are never another's, though both are of one route."""
    sampler = Asking(adds="app.user")
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    handler(http_event(), Context())
    first = len(sampler.seen)
    handler(http_event(), Context())

    assert {"http.request.method": "POST", "http.route": "/coaching/message"} == sampler.seen[first]


class Slotted:
    """A sampler that keeps nothing by name, as one in C or Rust."""

    __slots__ = ()

    def should_sample(self, *_: Any, **__: Any) -> Any:
        """Yes."""
        return SamplingResult(Decision.RECORD_AND_SAMPLE)


class Delegating:
    """A provider that is somebody else's around the SDK's."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._active_span_processor = provider._active_span_processor

    def get_tracer(self, name: str, *_: Any, **__: Any) -> Any:
        """The SDK's; ours without a sampler that could be looked at."""
        tracer = self._provider.get_tracer(name)
        return SimpleNamespace(start_span=tracer.start_span) if name == "coaching-guard" else tracer


@pytest.mark.parametrize("sort", ["sampler", "provider"])
def test_spans_are_made_by_what_cannot_be_looked_at(monkeypatch: pytest.MonkeyPatch, sort: str) -> None:
    """It costs a hop to another thread, and nothing else."""
    kept = Kept()
    provider = TracerProvider(sampler=Slotted() if sort == "sampler" else None, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(kept))
    given = provider if sort == "sampler" else Delegating(provider)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: given)
    handler(http_event(), Context())
    elsewhere.call(lambda: None, 10.0)
    provider.force_flush(5_000)

    assert {"POST /coaching/message", "conversation"} <= {span.name for span in kept.spans}


def test_attributes_in_development_are_opted_into(monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_SEMCONV_STABILITY_OPT_IN with gen_ai and faas adds what these conventions name."""
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental,faas")
    otel = installed(monkeypatch)
    handler(http_event(), Context())
    root, conversation = otel.spans["POST /coaching/message"], otel.spans["conversation"]

    assert (REQUEST, SESSION) == (
        root.attributes["faas.invocation_id"],
        root.attributes["gen_ai.conversation.id"],
    )
    assert ("CLAUDE_SONNET_4_5", 812) == (
        conversation.attributes["gen_ai.request.model"],
        conversation.attributes["gen_ai.usage.input_tokens"],
    )


@pytest.mark.parametrize(
    ("headers", "variable", "parent"),
    [
        ({"traceparent": f"00-{TRACE}-{CALLER}-01"}, None, CALLER),
        ({}, f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={CALLER};Sampled=1", CALLER),
        (
            {"traceparent": f"00-{TRACE}-{CALLER}-01"},
            "Root=1-00000000-000000000000000000000001;Sampled=1",
            CALLER,
        ),
    ],
    ids=["w3c", "x-ray", "both: w3c is the caller's"],
)
def test_trace_is_the_callers(monkeypatch, otel: Otel, capfd, headers, variable, parent) -> None:
    """From the W3C header, else from Lambda's X-Ray variable; records name it too."""
    if variable:
        monkeypatch.setenv("_X_AMZN_TRACE_ID", variable)
    records = written(capfd, lambda: handler(http_event(headers=headers), Context()))
    root = otel.spans["POST /coaching/message"]

    assert (int(TRACE, 16), int(parent, 16)) == (root.context.trace_id, root.parent.span_id)
    assert {TRACE} == {record["trace_id"] for record in records}


def test_xray_that_is_switched_off_switches_nothing_else_off(
    monkeypatch: pytest.MonkeyPatch, otel: Otel
) -> None:
    """Lambda says Sampled=0 where X-Ray is off: the spans are made all the same, in a trace of their own."""
    off = f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={CALLER};Sampled=0"
    monkeypatch.setenv("_X_AMZN_TRACE_ID", off)
    handler(http_event(), Context())

    assert otel.spans["POST /coaching/message"].parent is None


def test_callers_decision_not_to_sample_is_kept(otel: Otel) -> None:
    """A W3C header with the sampled flag off is somebody's decision."""
    handler(http_event(headers={"traceparent": f"00-{TRACE}-{CALLER}-00"}), Context())

    assert {} == otel.spans


@pytest.mark.parametrize(
    "header",
    [
        f"00-{'0' * 32}-{CALLER}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{CALLER}-01",
        "00-x-y-01",
        7,
        None,
    ],
)
def test_header_that_is_none_begins_a_trace(otel: Otel, capfd, header: object) -> None:
    """Malformed or all zeros: as without it."""
    written(capfd, lambda: handler(http_event(headers={"traceparent": header}), Context()))

    assert otel.spans["POST /coaching/message"].parent is None


def test_records_name_the_trace_without_opentelemetry(monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    """X-Ray's ID joins the log to the trace though no span is made."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root=1-{TRACE[:8]}-{TRACE[8:]}")
    records = written(capfd, lambda: handler(http_event(), Context()))

    assert {TRACE} == {record["trace_id"] for record in records}


def test_failed_phase_and_request_are_marked_by_type_alone(otel: Otel) -> None:
    """No event, no text, no stack: they hold users' words."""

    @guard_handler
    def failing(event: Any, context: Any) -> None:
        with phase("extraction"):
            raise ValueError("I feel stuck at work")

    with pytest.raises(ValueError, match="stuck"):
        failing(http_event(), Context())

    for span in (otel.spans["extraction"], otel.spans["POST /coaching/message"]):
        assert "ValueError" == span.attributes["error.type"]
        assert (trace.StatusCode.ERROR, None) == (span.status.status_code, span.status.description)
        assert () == span.events


@pytest.mark.parametrize("error", [asyncio.CancelledError, SystemExit, KeyboardInterrupt])
def test_phase_that_is_broken_off_is_no_success(otel: Otel, error: type[BaseException]) -> None:
    """The SDK's own context manager would leave its status unset."""
    with pytest.raises(error), phase("extraction"):
        raise error

    assert trace.StatusCode.ERROR is otel.spans["extraction"].status.status_code


def test_handlers_own_5xx_is_an_error_of_its_span(otel: Otel) -> None:
    """As the HTTP conventions want it of a server's span."""

    @guard_handler
    def answers_500(event: Any, context: Any) -> Any:
        return {"statusCode": 500}

    answers_500(http_event(), Context())

    assert "500" == otel.spans["POST /coaching/message"].attributes["error.type"]


def test_durations_are_seconds_in_buckets_that_see_the_limits(otel: Otel) -> None:
    """25, 28, 29 and 30 s are edges; no standard histogram has them."""
    handler(http_event(), Context())
    [of_phase], [of_request] = (
        otel.points("coaching.phase.duration"),
        otel.points("coaching.request.duration"),
    )

    assert HISTOGRAM_EDGES_S == tuple(of_phase.explicit_bounds) == tuple(of_request.explicit_bounds)
    assert {25.0, 28.0, 29.0, 30.0} <= set(of_phase.explicit_bounds)
    assert {"coaching.phase": "conversation"} == dict(of_phase.attributes)
    assert (1, 1) == (of_phase.count, of_request.count)


@pytest.mark.parametrize("records", ["1", "0"])
def test_request_past_its_marks_is_counted(monkeypatch: pytest.MonkeyPatch, otel: Otel, records: str) -> None:
    """While it runs, by mark, whether records are written or not."""
    monkeypatch.setenv("GUARD_RECORDS", records)
    monkeypatch.setenv("GUARD_GATEWAY_LIMIT_MS", "50")

    @guard_handler
    def slow(event: Any, context: Any) -> None:
        import time

        end = time.monotonic() + 5
        while len(otel.points("coaching.requests.past")) < 3 and time.monotonic() < end:
            time.sleep(0.01)

    slow(http_event(age_s=0.06), Context())

    assert {("warning", 1), ("critical", 1), ("limit", 1)} == {
        (point.attributes["coaching.past"], point.value) for point in otel.points("coaching.requests.past")
    }


@pytest.mark.once
def test_number_of_series_does_not_grow_with_sessions(monkeypatch: pytest.MonkeyPatch, otel: Otel) -> None:
    """100,000 sessions, requests, models and facts: the same few series as one."""
    monkeypatch.setattr(trace, "get_tracer_provider", trace.ProxyTracerProvider)  # metrics alone are faster

    @guard_handler
    def turn(number: int, context: Any) -> None:
        bind(session_id=f"sess_{number}")
        with phase("conversation", model=f"MODEL_{number}", attempts=number):
            pass

    with writer.silenced():
        for number in range(100_000):
            turn(number, Context(f"request-{number}"))
    series = [*otel.points("coaching.phase.duration"), *otel.points("coaching.request.duration")]

    assert [100_000, 100_000] == [point.count for point in series]


def test_phases_of_a_threadpool_are_below_the_request(otel: Otel) -> None:
    """A sync endpoint runs in a thread that has a copy of the context."""
    from contextvars import copy_context

    @guard_handler
    def pooled(event: Any, context: Any) -> None:
        def work() -> None:
            with phase("extraction"):
                pass

        with ThreadPoolExecutor(1) as pool:
            pool.submit(copy_context().run, work).result()

    pooled(http_event(), Context())
    spans = otel.spans

    assert spans["POST /coaching/message"].context.span_id == spans["extraction"].parent.span_id


def test_span_of_an_instrumented_server_is_the_parent(otel: Otel) -> None:
    """Where another instrumentation has made a span for the request, ours stands below it, not beside it."""

    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    async def ignore(*_: Any) -> None: ...

    scope = {"type": "http", "method": "GET", "path": "/health", "headers": [(b"traceparent", b"00-1-1-01")]}
    with trace.get_tracer("other").start_as_current_span("outer"):
        asyncio.run(GuardMiddleware(app)(scope, ignore, ignore))

    assert otel.spans["outer"].context.span_id == otel.spans["GET /health"].parent.span_id


def test_unset_providers_cost_no_span(capfd) -> None:
    """The API alone, imported and not configured: records only, and no error."""
    records = written(capfd, lambda: handler(http_event(), Context()))

    assert 0 == of_kind(records, "request.end")[0]["dropped_records"]
    assert {None} == {record["trace_id"] for record in records}


class Slow(SpanProcessor):
    """One that is not known to come back at once."""

    def __init__(self, exporter: Kept) -> None:
        self.exporter = exporter

    def on_end(self, span: Any) -> None:
        """Keep it."""
        self.exporter.export([span])


def test_spans_made_on_the_other_thread_hang_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread has no context of its own: request, phase and client are one trace, and end when they end."""
    kept = Kept()
    installed(monkeypatch, Slow(kept))
    before = time.time_ns()
    handler(http_event(), Context())
    elsewhere.call(lambda: None, 10.0)
    spans = {span.name: span for span in kept.spans}
    root, conversation = spans["POST /coaching/message"], spans["conversation"]

    assert root.context.span_id == conversation.parent.span_id
    assert conversation.context.span_id == spans["bedrock"].parent.span_id
    assert before < conversation.start_time < spans["bedrock"].end_time < conversation.end_time


def test_work_that_goes_on_behind_the_answer_may_bind(otel: Otel, caplog) -> None:
    """Its request's span has ended: there is nothing to add to, and nothing to complain of."""
    behind: list[contextvars.Context] = []

    @guard_handler
    def answers(event: Any, context: Any) -> None:
        behind.append(contextvars.copy_context())

    answers(http_event(), Context())
    behind[0].run(bind, session_id=SESSION)

    assert "session.id" not in otel.spans["POST /coaching/message"].attributes
    assert [] == caplog.records


def test_span_of_an_instrumented_server_wins_over_the_callers_header(otel: Otel) -> None:
    """That is its parent already."""

    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    async def ignore(*_: Any) -> None: ...

    header = f"00-{TRACE}-{CALLER}-01".encode()
    scope = {"type": "http", "method": "GET", "path": "/health", "headers": [(b"traceparent", header)]}
    with trace.get_tracer("other").start_as_current_span("outer"):
        asyncio.run(GuardMiddleware(app)(scope, ignore, ignore))

    assert otel.spans["outer"].context.span_id == otel.spans["GET /health"].parent.span_id


@pytest.mark.parametrize(
    "header",
    [
        f"00-{'0' * 32}-{CALLER}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{CALLER}-01-more",
        f"ff-{TRACE}-{CALLER}-01",
    ],
)
def test_records_take_no_trace_from_a_header_that_is_none(capfd, header: str) -> None:
    """All zeros, or more than its version has."""
    records = written(capfd, lambda: handler(http_event(headers={"traceparent": header}), Context()))

    assert {None} == {record["trace_id"] for record in records}
