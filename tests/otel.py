"""OpenTelemetry's SDK in the tests: providers for one test, with what they were given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult


class Kept(SpanExporter):
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Take them."""
        self.spans += spans
        return SpanExportResult.SUCCESS


@dataclass
class Otel:
    """The providers of one test."""

    tracer_provider: TracerProvider
    meter_provider: MeterProvider
    exporter: Kept
    reader: InMemoryMetricReader

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        """Spans that have ended, by name."""
        self.tracer_provider.force_flush(5_000)
        return {span.name: span for span in self.exporter.spans}

    def points(self, metric: str) -> list[Any]:
        """The data points of a metric."""
        data = self.reader.get_metrics_data()
        if data is None:
            return []
        return [
            point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for each in scope.metrics
            if each.name == metric
            for point in each.data.data_points
        ]

    def everything(self) -> str:
        """All that would leave the process, as text."""
        data = self.reader.get_metrics_data()
        spans = "".join(span.to_json() for span in self.spans.values())
        return spans + ("" if data is None else json.dumps(json.loads(data.to_json())))


def installed(monkeypatch: pytest.MonkeyPatch, *processors: SpanProcessor) -> Otel:
    """Set providers for one test; with no processor given, the SDK's batch processor."""
    exporter, reader = Kept(), InMemoryMetricReader()
    provider = TracerProvider(shutdown_on_exit=False)
    for processor in processors or (BatchSpanProcessor(exporter),):
        provider.add_span_processor(processor)
    meters = MeterProvider(metric_readers=[reader], shutdown_on_exit=False)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setattr(metrics, "get_meter_provider", lambda: meters)
    return Otel(provider, meters, exporter, reader)
