"""Prometheus metrics for a long-lived server: OpenTelemetry's reader, and an ASGI app for ``/metrics``.

    from guards import metrics, telemetry

    telemetry.configure(metric_readers=[metrics.prometheus_reader()])
    app.mount("/metrics", metrics.metrics_app())

A Lambda has nobody who could scrape it: there the records are the metrics. Needs the extra ``prometheus``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from guards.errors import MissingExtra

if TYPE_CHECKING:
    from opentelemetry.exporter.prometheus import PrometheusMetricReader

_Asgi = Callable[
    [MutableMapping[str, Any], Callable[..., Awaitable[Any]], Callable[..., Awaitable[None]]], Awaitable[None]
]


def prometheus_reader() -> PrometheusMetricReader:
    """Collects what guards measure into prometheus-client's registry, when that is scraped."""
    try:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader
    except ImportError as error:
        raise MissingExtra("guards.metrics", extra="prometheus") from error
    return PrometheusMetricReader()


def metrics_app() -> _Asgi:
    """An ASGI app that answers with the metrics in the format that Prometheus asks for."""
    try:
        from prometheus_client import make_asgi_app
    except ImportError as error:
        raise MissingExtra("guards.metrics", extra="prometheus") from error
    app: _Asgi = make_asgi_app()
    return app
