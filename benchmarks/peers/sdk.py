"""OpenTelemetry's SDK with exporters that throw everything away, and count it first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from request import SERVICE


class NullSpans(SpanExporter):
    """Takes spans and keeps none; only the last of them, to be looked at."""

    def __init__(self) -> None:
        self.count = 0
        self.last: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Count them."""
        self.count += len(spans)
        self.last = [*spans][-8:]
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing is open."""


class NullMetrics(MetricExporter):
    """Takes metrics and keeps the number of points only."""

    def __init__(self) -> None:
        super().__init__()
        self.points: dict[str, int] = {}

    def export(self, metrics_data: Any, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """Note how many measurements each histogram holds by now."""
        for resource in metrics_data.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    counts = (getattr(point, "count", 0) for point in metric.data.data_points)
                    self.points[metric.name] = sum(counts)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing waits."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Nothing is open."""


class Sdk:
    """The SDK as it is set up by default, but for the exporters: spans in batches, metrics when asked for."""

    def __init__(self) -> None:
        self.spans, self.metrics = NullSpans(), NullMetrics()
        resource = Resource.create({"service.name": SERVICE})
        self.tracer_provider = TracerProvider(resource=resource)
        self.tracer_provider.add_span_processor(BatchSpanProcessor(self.spans))
        # Never by itself: what a collection costs does not depend on who made the measurements.
        reader = PeriodicExportingMetricReader(self.metrics, export_interval_millis=math.inf)
        self.meter_provider = MeterProvider(resource=resource, metric_readers=[reader])
        trace.set_tracer_provider(self.tracer_provider)
        metrics.set_meter_provider(self.meter_provider)

    def drain(self) -> None:
        """Export what waits, so that no queue is ever full."""
        self.tracer_provider.force_flush()
        # The batch processor leaves out the spans that are dropped when its queue overflows: it would show
        # as a count too low.

    def collected(self) -> dict[str, int]:
        """Measurements in each histogram so far."""
        self.meter_provider.force_flush()
        return self.metrics.points
