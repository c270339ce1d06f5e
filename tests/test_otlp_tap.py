"""The real OTLP receiver: what OpenTelemetry's own exporters send comes out of it decoded."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tests.otlp_tap import OtelTap, plain


@pytest.fixture(scope="module")
def tap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtelTap]:
    """One receiver for all tests here."""
    with OtelTap(tmp_path_factory.mktemp("oteltap")) as tap:
        yield tap


def test_span_of_the_real_exporter_is_received(tap: OtelTap) -> None:
    """One span goes out over OTLP/HTTP and comes back with its IDs, kind, attributes and status."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{tap.url}/v1/traces")))
    span = provider.get_tracer("test").start_span(
        "extraction", attributes={"gen_ai.request.model": "M", "n": 7}
    )
    span.end()
    provider.shutdown()

    received = tap.span("extraction")
    assert ("extraction", 1, 0) == (received["name"], received["kind"], received["status"]["code"])
    assert f"{span.get_span_context().span_id:016x}" == received["spanId"]
    assert {"gen_ai.request.model": "M", "n": 7} == plain(received["attributes"])


def test_histogram_of_the_real_exporter_is_received(tap: OtelTap) -> None:
    """One histogram comes back with its unit, edges, counts and attributes."""
    exporter = OTLPMetricExporter(f"{tap.url}/v1/metrics")
    provider = MeterProvider([PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)])
    histogram = provider.get_meter("test").create_histogram(
        "coaching.phase.duration", unit="s", explicit_bucket_boundaries_advisory=[25.0, 28.0]
    )
    histogram.record(26.5, {"phase": "extraction"})
    provider.shutdown()

    received = tap.metric("coaching.phase.duration")
    [point] = received["histogram"]["dataPoints"]
    assert ("s", [25.0, 28.0], ["0", "1", "0"]) == (
        received["unit"],
        point["explicitBounds"],
        point["bucketCounts"],
    )
    assert {"phase": "extraction"} == plain(point["attributes"])


def test_what_is_no_otlp_is_refused(tap: OtelTap) -> None:
    """It is a judge: bytes that are no protobuf message of OTLP's get 400."""
    request = urllib.request.Request(
        f"{tap.url}/v1/traces", b"garbage", {"Content-Type": "application/x-protobuf"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)

    assert 400 == refused.value.code


def test_receiver_ends_with_its_block(tmp_path: Path) -> None:
    """Afterwards its process is gone, and no zombie."""
    with OtelTap(tmp_path) as tap:
        assert os.path.exists(f"/proc/{tap.pid}")

    assert not os.path.exists(f"/proc/{tap.pid}")
