"""OpenTelemetry's SDK, set up from the standard OTEL_* variables, so that no collector can hold up an answer.

Without an endpoint (OTEL_EXPORTER_OTLP_ENDPOINT, or those of its signals) nothing is sent over the network.
Inside Lambda, whose process freezes behind the answer, what a request has made is sent before the answer
leaves: for a fraction of a second, and not at all once a collector has failed to take it. In a server it is
sent from a thread every few seconds. What could not be sent is counted in the next request's end record.

Needs the extra ``otel``.
"""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from guards import roots, spans
from guards.errors import MissingExtra
from guards.sender import Sender

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.trace import ReadableSpan

    from guards.request import Request

try:
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import (
        MetricExporter,
        MetricExportResult,
        MetricsData,
        PeriodicExportingMetricReader,
    )
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
except ImportError as error:
    raise MissingExtra("guards.telemetry", extra="otel") from error

_EXPORT_TIMEOUT_S: Final = 2.0
"""So long one export may take, unless OTEL_EXPORTER_OTLP_TIMEOUT says otherwise: nobody waits for it."""
_METRICS_EVERY_S: Final = 60.0
_EVERY_S: Final = 5.0
"""A server's spans are sent so often."""


class SpanQueue(SpanProcessor):
    """Takes the spans that end, and never blocks: a full queue drops and counts."""

    def __init__(self, sender: Sender[ReadableSpan]) -> None:
        self._sender = sender

    def on_end(self, span: ReadableSpan) -> None:
        """Queue it, if it is sampled."""
        if span.context is not None and span.context.trace_flags.sampled:
            self._sender.put(span)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what is queued; False where that took longer."""
        return self._sender.flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Send what is queued, for two seconds at the most, and stop."""
        self._sender.stop(_EXPORT_TIMEOUT_S)


class Telemetry:
    """What ``configure`` has set up."""

    def __init__(self, sender: Sender[ReadableSpan] | None) -> None:
        self._sender = sender

    def flush(self, timeout: float) -> bool:
        """Send what there is; False where that took longer than so many seconds or failed."""
        return self._sender is None or self._sender.flush(timeout)

    def at_end_of(self, request: Request) -> None:
        """Before a Lambda's answer leaves: send, as long as the request's patience lasts."""
        if request.in_lambda and self._sender is not None:
            self._sender.flush_politely(request.patience)


_configured: Telemetry | None = None


def configure(
    *,
    service_name: str | None = None,
    span_exporter: SpanExporter | None = None,
    metric_exporter: MetricExporter | None = None,
    metric_readers: Sequence[MetricReader] = (),
) -> Telemetry:
    """Set up tracing and metrics for the process, once; more calls give the first one's.

    ``span_exporter`` and ``metric_exporter`` take the place of the OTLP ones that the variables ask for;
    ``metric_readers`` are added, such as ``guards.metrics.prometheus_reader()``. Providers that somebody else
    has set already stay, with a warning.
    """
    global _configured
    if _configured is not None:
        return _configured
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        _configured = Telemetry(None)
        return _configured
    try:
        resource = Resource.create({SERVICE_NAME: service_name} if service_name else None)
        reader = _set_metrics(resource, metric_exporter or _otlp("METRICS"), metric_readers)
        sender = _set_tracing(resource, span_exporter or _otlp("TRACES"), reader)
    except MissingExtra:
        raise
    except Exception as error:  # a variable that the SDK cannot read must not keep a function from starting
        kind = type(error).__name__
        warnings.warn(f"OpenTelemetry is not set up ({kind}); check the OTEL_* variables", stacklevel=2)
        sender = None
    _configured = Telemetry(sender)
    roots.ended.append(_configured.at_end_of)
    return _configured


def _set_tracing(
    resource: Resource, exporter: SpanExporter | None, reader: _OnDemand | None
) -> Sender[ReadableSpan] | None:
    if exporter is None and reader is None:
        return None
    every = None if "AWS_LAMBDA_FUNCTION_NAME" in os.environ else _EVERY_S
    sender: Sender[ReadableSpan] = Sender(_exporting(exporter, reader), spans.dropped, every=every)
    if exporter is not None:
        if isinstance(trace.get_tracer_provider(), TracerProvider):
            warnings.warn("a tracer provider is set already; guards leaves it", stacklevel=3)
        else:
            provider = TracerProvider(resource=resource)
            provider.add_span_processor(SpanQueue(sender))
            trace.set_tracer_provider(provider)
    return sender


def _exporting(exporter: SpanExporter | None, reader: _OnDemand | None) -> Any:
    """Sends a batch of spans, and metrics when they are due; gives whether all was taken."""

    def export(batch: list[ReadableSpan]) -> bool:
        sent = not batch or (exporter is not None and exporter.export(batch) is SpanExportResult.SUCCESS)
        return (reader is None or reader.send_if_due()) and sent

    return export


def _set_metrics(
    resource: Resource, exporter: MetricExporter | None, readers: Sequence[MetricReader]
) -> _OnDemand | None:
    if exporter is None and not readers:
        return None
    if isinstance(metrics.get_meter_provider(), MeterProvider):
        warnings.warn("a meter provider is set already; guards leaves it", stacklevel=3)
        return None
    own = None if exporter is None else _OnDemand(exporter)
    everything = [*readers, *([] if own is None else [own.reader])]
    metrics.set_meter_provider(MeterProvider(metric_readers=everything, resource=resource))
    return own


class _OnDemand:
    """Metrics, collected and exported when asked, at most once a minute."""

    def __init__(self, exporter: MetricExporter) -> None:
        self._exporter = _Watched(exporter)
        # Never by itself: its thread would freeze with the process, in mid-export.
        self.reader = PeriodicExportingMetricReader(self._exporter, export_interval_millis=math.inf)
        self._due = 0.0

    def send_if_due(self) -> bool:
        """Whether it was taken, or not due."""
        now = time.monotonic()
        if now < self._due:
            return True
        self._due = now + _metrics_every_s()
        self._exporter.taken = True
        self.reader.collect()
        return self._exporter.taken


class _Watched(MetricExporter):
    """An exporter, and whether it was taken from it: the SDK's reader does not tell."""

    def __init__(self, exporter: MetricExporter) -> None:
        super().__init__(exporter._preferred_temporality, exporter._preferred_aggregation)
        self._exporter = exporter
        self.taken = True

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        """Export, and remember how it went."""
        self.taken = False
        result = self._exporter.export(metrics_data, timeout_millis, **kwargs)
        self.taken = result is MetricExportResult.SUCCESS
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """As the exporter."""
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """As the exporter."""
        self._exporter.shutdown(timeout_millis, **kwargs)


def _metrics_every_s() -> float:
    try:
        every = float(os.environ.get("OTEL_METRIC_EXPORT_INTERVAL", "")) / 1000
    except ValueError:
        return _METRICS_EVERY_S
    return every if every > 0 else _METRICS_EVERY_S  # NaN is not


def _otlp(signal: str) -> Any:
    """The OTLP/HTTP exporter of a signal; None where no variable asks for one."""
    if not _is_wanted(signal):
        return None
    timeout = None if _says_timeout(signal) else _EXPORT_TIMEOUT_S
    try:
        if signal == "TRACES":
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            return OTLPSpanExporter(timeout=timeout)
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        return OTLPMetricExporter(timeout=timeout)
    except ImportError as error:
        raise MissingExtra("OTLP export", extra="otel") from error


def _is_wanted(signal: str) -> bool:
    exporters = [
        name.strip().lower() for name in os.environ.get(f"OTEL_{signal}_EXPORTER", "otlp").split(",")
    ]
    protocol = _of_signal(signal, "PROTOCOL") or "http/protobuf"
    if "otlp" not in exporters or _of_signal(signal, "ENDPOINT") is None:
        return False
    if protocol != "http/protobuf":
        warnings.warn(f"OTLP over {protocol} is not supported; use http/protobuf", stacklevel=4)
        return False
    return True


def _says_timeout(signal: str) -> bool:
    return _of_signal(signal, "TIMEOUT") is not None


def _of_signal(signal: str, name: str) -> str | None:
    """A variable of a signal, or else the one of all signals."""
    for variable in (f"OTEL_EXPORTER_OTLP_{signal}_{name}", f"OTEL_EXPORTER_OTLP_{name}"):
        if value := os.environ.get(variable, "").strip():
            return value
    return None
