"""The real Prometheus scrapes what prometheus_client serves, and promtool tells good text from bad."""

from __future__ import annotations

import http.server
import os
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import MetricsHandler

from tests.prometheus import Prometheus, needs_prometheus, problems
from tests.serving import served

pytestmark = needs_prometheus


def a_registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    histogram = Histogram(
        "coaching_phase_duration_seconds", "By phase.", ["phase"], buckets=(25, 28), registry=registry
    )
    histogram.labels("extraction").observe(26.5)
    Counter("coaching_requests_past", "Past a limit.", registry=registry).inc(3)
    return registry


def test_prometheus_scrapes_and_answers(tmp_path: Path) -> None:
    """What is served is scraped, stored and found by a query, buckets and types included; nothing is left."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), MetricsHandler.factory(a_registry()))
    with served(server) as target, Prometheus(tmp_path, target) as prometheus:
        scraped = prometheus.scraped()
        buckets = prometheus.query("coaching_phase_duration_seconds_bucket")
        [total] = prometheus.query("coaching_requests_past_total")
        types = prometheus.types()

    assert ("up", "") == (scraped["health"], scraped["lastError"])
    assert {"25.0": "0", "28.0": "1", "+Inf": "1"} == {
        sample["metric"]["le"]: sample["value"][1] for sample in buckets
    }
    assert "3" == total["value"][1]
    assert "histogram" == types["coaching_phase_duration_seconds"]
    assert not os.path.exists(f"/proc/{prometheus.pid}")


def test_prometheus_tells_what_it_cannot_read(tmp_path: Path) -> None:
    """A target whose text is no exposition is down, with the reason."""

    class Broken(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(b"this is {not} an exposition\n")

        def log_message(self, format: str, *words: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Broken)
    with served(server) as target, Prometheus(tmp_path, target) as prometheus:
        scraped = prometheus.scraped()

    assert "down" == scraped["health"]
    assert scraped["lastError"]


def test_promtool_passes_what_the_client_library_writes() -> None:
    """A histogram in seconds and a counter, both with help, are what it asks for."""
    assert [] == problems(generate_latest(a_registry()).decode())


def test_promtool_names_what_is_wrong() -> None:
    """A metric without help is told, and so is a text that is none."""
    assert ["coaching_total no help text"] == problems("coaching_total 1\n")
    assert problems("this is {not} an exposition\n")
