"""The SDK pipeline: what goes out is right, and a collector that does not answer holds nobody up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests import collectors
from tests.guarded import SESSION, Record, http_event, of_kind, records_in
from tests.lambda_runtime import LambdaEnvironment, function
from tests.otlp_tap import OtelTap, plain

ROOT = Path(__file__).resolve().parent.parent
INVOCATIONS = 200

HANDLER = """
    from guards import bind, guard_handler, phase, telemetry, sender

    waits = []
    flush = sender.Sender.flush

    def noted(self, timeout):
        if timeout > 0:
            waits.append(timeout)
        return flush(self, timeout)

    sender.Sender.flush = noted
    telemetry.configure(service_name="coaching-api")

    @guard_handler
    def handler(event, context):
        bind(session_id=event["session"])
        with phase("conversation", model="CLAUDE_SONNET_4_5") as p:
            p.set(input_tokens=812)
        with phase("extraction"):
            pass
        return {"waits": waits}
"""


def exporting(folder: Path, url: str, **options: Any) -> LambdaEnvironment:
    environ = {"PYTHONPATH": f"{folder}:{ROOT}", "OTEL_EXPORTER_OTLP_ENDPOINT": url}
    return function(folder, HANDLER, environ=environ, **options)


def ends(environment: LambdaEnvironment) -> list[Record]:
    return of_kind(
        records_in("\n".join(event["message"] for event in environment.log.events())), "request.end"
    )


def turn() -> dict[str, Any]:
    return http_event() | {"session": SESSION}


COLLECTORS: dict[str, Any] = {
    "hangs": collectors.hanging,
    "refuses": collectors.refusing,
    "drips": collectors.dripping,
    "answers 500": collectors.failing,
    "resets": collectors.resetting,
}


@pytest.mark.parametrize("collector", COLLECTORS.values(), ids=COLLECTORS)
def test_collector_that_fails_is_waited_for_once(tmp_path: Path, collector: Any) -> None:
    """Of 200 invocations each has its answer, and one has waited, for 200 ms at the most."""
    with collector() as broken, exporting(tmp_path, broken.url) as environment:
        answers = [environment.invoke(turn()) for _ in range(INVOCATIONS)]
    waits = answers[-1].response["waits"]

    assert INVOCATIONS == len([answer for answer in answers if answer.response])
    assert 1 <= len(waits) <= 2  # a try after the pause that succeeds by chance is waited for again
    assert all(wait <= 0.2 for wait in waits)


@pytest.mark.parametrize("kind", ["hangs", "refuses", "answers 500", "resets"])
def test_what_a_collector_did_not_take_is_counted(tmp_path: Path, kind: str) -> None:
    """In the end record of an invocation after the export has failed."""
    with COLLECTORS[kind]() as broken, exporting(tmp_path, broken.url, freeze=False) as environment:
        until = time.monotonic() + 20
        while not (lost := counted(environment)) and time.monotonic() < until:
            environment.invoke(turn())
            time.sleep(0.1)

    assert lost >= 3


def counted(environment: LambdaEnvironment) -> int:
    return sum(end.get("dropped_spans", 0) for end in ends(environment))


def test_all_spans_arrive_where_the_collector_works(tmp_path: Path) -> None:
    """Three a request, sent before its answer: the process is frozen behind it."""
    with collectors.accepting() as collector, exporting(tmp_path, collector.url) as environment:
        turns = 0
        # On a machine that is busy an export may be late, and then the breaker is open for some requests.
        while turns < 20 or (len(arrived(collector)) < 57 and turns < 400):
            environment.invoke(turn())
            turns += 1
        found, lost = len(arrived(collector)), counted(environment)

    assert found >= 57
    assert 3 * turns == found + lost or (turns > 20 and found + lost < 3 * turns)


def arrived(collector: Any) -> list[Any]:
    return [span for body in collector.bodies() for span in spans_in(body)]


def spans_in(body: bytes) -> list[Any]:
    request = ExportTraceServiceRequest.FromString(body)
    return [
        span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans
    ]


def test_bytes_are_otlp(tmp_path: Path) -> None:
    """Judged by OpenTelemetry's protobuf definitions: nothing unknown in them, names and units as meant."""
    with collectors.accepting() as collector, exporting(tmp_path, collector.url) as environment:
        environment.invoke(turn())
        [traces], [metrics] = collector.bodies("/v1/traces"), collector.bodies("/v1/metrics")
    trace_request = ExportTraceServiceRequest.FromString(traces)
    metric_request = ExportMetricsServiceRequest.FromString(metrics)
    service = {
        each.key: each.value.string_value for each in trace_request.resource_spans[0].resource.attributes
    }
    units = {
        metric.name: metric.unit
        for scope in metric_request.resource_metrics[0].scope_metrics
        for metric in scope.metrics
    }

    assert (traces, metrics) == (trace_request.SerializeToString(), metric_request.SerializeToString())
    assert "coaching-api" == service["service.name"]
    assert {"POST /coaching/message", "conversation", "extraction"} == {
        span.name for span in spans_in(traces)
    }
    assert {"coaching.phase.duration": "s", "coaching.request.duration": "s"} == units


def test_another_receiver_reads_them_too(tmp_path: Path) -> None:
    """oteltap, which is not of OpenTelemetry's making."""
    with OtelTap(tmp_path) as tap, exporting(tmp_path, tap.url) as environment:
        environment.invoke(turn())
        span, histogram = tap.span("conversation"), tap.metric("coaching.phase.duration")

    assert SESSION == plain(span["attributes"])["session.id"]
    assert 30.0 in histogram["histogram"]["dataPoints"][0]["explicitBounds"]


UNCONFIGURED = """
    import socket, sys
    from guards import guard_handler, phase, telemetry

    telemetry.configure()

    def refuse(*_):
        raise AssertionError("a connection was made")

    socket.socket.connect = refuse

    @guard_handler
    def handler(event, context):
        with phase("conversation"):
            pass
        return {"loaded": "opentelemetry.exporter.otlp.proto.http" in sys.modules}
"""


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "none",
        },
    ],
    ids=["no endpoint", "disabled", "no exporter"],
)
def test_nothing_is_sent_where_no_variable_asks_for_it(tmp_path: Path, environ: dict[str, str]) -> None:
    """Neither spans nor metrics, and the exporters are not even loaded."""
    source_environ = {"PYTHONPATH": f"{tmp_path}:{ROOT}", **environ}
    with function(tmp_path, UNCONFIGURED, environ=source_environ) as environment:
        answer = environment.invoke(turn())
        [end] = ends(environment)

    assert {"loaded": False} == answer.response
    assert "dropped_spans" not in end


def test_grpc_is_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A protocol that is not supported exports nothing, and says so."""
    from guards.telemetry import _otlp

    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")

    with pytest.warns(UserWarning, match="use http/protobuf"):
        assert _otlp("TRACES") is None


def test_providers_of_others_stay(tmp_path: Path) -> None:
    """Where another library has set up OpenTelemetry, configure leaves it and says so."""
    code = """
import json, warnings
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
provider = TracerProvider()
trace.set_tracer_provider(provider)
from guards import telemetry
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    telemetry.configure()
    telemetry.configure()
print(json.dumps([trace.get_tracer_provider() is provider, [str(each.message) for each in caught]]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
            "OTEL_METRICS_EXPORTER": "none",
        },
    )

    assert [True, ["a tracer provider is set already; guards leaves it"]] == json.loads(done.stdout)


def test_variable_that_the_sdk_cannot_read_ends_no_process() -> None:
    """A function must not fail to start over its telemetry: it says so and runs without."""
    code = """
import warnings
from guards import guard_handler, telemetry
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    telemetry.configure()
handler = guard_handler(lambda event, context: "answer")
print([str(each.message) for each in caught], handler({}, None))
"""
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_METRICS_EXEMPLAR_FILTER": "some",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={**os.environ, **environ},
    )
    said = "['OpenTelemetry is not set up (ValueError); check the OTEL_* variables'] answer"

    assert said == done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("value", "every"), [("", 60.0), ("5000", 5.0), ("soon", 60.0), ("nan", 60.0), ("-1", 60.0), ("0", 60.0)]
)
def test_metrics_are_exported_as_often_as_asked(monkeypatch, value: str, every: float) -> None:
    """Once a minute where the variable says nothing that can be meant."""
    from guards.telemetry import _metrics_every_s

    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", value)

    assert every == _metrics_every_s()


@pytest.mark.parametrize(
    ("exporters", "wanted"), [("otlp", True), ("console, OTLP", True), ("none", False), ("console", False)]
)
def test_exporters_are_read_as_a_list(monkeypatch, exporters: str, wanted: bool) -> None:
    """With blanks and in capitals too."""
    from guards.telemetry import _is_wanted

    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", exporters)

    assert wanted is _is_wanted("TRACES")


def test_spans_that_nobody_samples_are_not_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded for other processors, but not to be sent."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult

    from guards.telemetry import SpanQueue

    class Records(Sampler):
        def should_sample(self, *_: Any, **__: Any) -> SamplingResult:
            return SamplingResult(self.decision)

        def get_description(self) -> str:
            return "records"

    class Queue:
        def __init__(self) -> None:
            self.names: list[str] = []

        def put(self, span: Any) -> None:
            self.names.append(span.name)

    sampler, queue = Records(), Queue()
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    provider.add_span_processor(SpanQueue(queue))  # type: ignore[arg-type]
    for name, decision in (("no", Decision.RECORD_ONLY), ("yes", Decision.RECORD_AND_SAMPLE)):
        sampler.decision = decision
        provider.get_tracer("x").start_span(name).end()

    assert ["yes"] == queue.names


def test_servers_request_flushes_nothing() -> None:
    """A server is not frozen behind its answers: its spans go out by themselves."""
    from guards.deadlines import Budget, Deadline
    from guards.request import Request
    from guards.telemetry import Telemetry

    flushed: list[str] = []

    class Sends:
        def flush_politely(self, patience: Any) -> None:
            flushed.append("flushed")

    for in_lambda in (False, True):
        budget = Budget(0.0, None, Deadline.none())
        request = Request(service="api", request_id=None, budget=budget, in_lambda=in_lambda)
        Telemetry(Sends()).at_end_of(request)  # type: ignore[arg-type]

    assert ["flushed"] == flushed


def test_metrics_are_sent_when_due_and_their_loss_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most once in their interval; an exporter that raises has not taken them."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult

    from guards import telemetry

    answers: list[Any] = [MetricExportResult.SUCCESS, MetricExportResult.FAILURE, ValueError("no")]
    asked: list[str] = []

    class Exports(MetricExporter):
        def export(self, *_: Any, **__: Any) -> MetricExportResult:
            asked.append("asked")
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        def force_flush(self, *_: Any, **__: Any) -> bool:
            return True

        def shutdown(self, *_: Any, **__: Any) -> None: ...

    clock = [1000.0]
    monkeypatch.setattr(telemetry.time, "monotonic", lambda: clock[0])
    own = telemetry._OnDemand(Exports())
    provider = MeterProvider(metric_readers=[own.reader], shutdown_on_exit=False)
    provider.get_meter("x").create_counter("c").add(1)
    sent = []
    for second in (0, 59, 60, 61, 120):
        clock[0] = 1000.0 + second
        try:
            sent.append(own.send_if_due())
        except ValueError:
            sent.append(False)

    assert ([True, True, False, True, False], 3) == (sent, len(asked))


def test_meters_of_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """As their tracers do, with a word."""
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.resources import Resource

    from guards.telemetry import _set_metrics

    others, replaced = MeterProvider(shutdown_on_exit=False), []
    monkeypatch.setattr(metrics, "get_meter_provider", lambda: others)
    monkeypatch.setattr(metrics, "set_meter_provider", replaced.append)
    with pytest.warns(UserWarning, match="guards leaves it"):
        _set_metrics(Resource.get_empty(), None, [InMemoryMetricReader()])

    assert [] == replaced


@pytest.mark.parametrize(("function", "every"), [("coaching-api", None), (None, 5.0)])
def test_only_a_server_sends_by_itself(monkeypatch, function: str | None, every: float | None) -> None:
    """A Lambda may be frozen in the middle of it."""
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource

    from guards.telemetry import _set_tracing
    from tests.otel import Kept

    monkeypatch.setattr(trace, "set_tracer_provider", lambda provider: provider.shutdown())
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    if function:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", function)
    sender = _set_tracing(Resource.get_empty(), Kept(), None)

    assert sender is not None
    assert every == sender._every
