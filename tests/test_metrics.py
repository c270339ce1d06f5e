"""A server's /metrics, judged by Debian's Prometheus and its promtool."""

from __future__ import annotations

import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from guards.errors import MissingExtra
from guards.metrics import metrics_app, prometheus_reader
from tests.prometheus import Prometheus, needs_prometheus, problems
from tests.serving import served

ROOT = Path(__file__).resolve().parent.parent

SERVER = """
import asyncio, sys
from guards import GuardMiddleware, metrics, phase, telemetry

telemetry.configure(metric_readers=[metrics.prometheus_reader()])
page = metrics.metrics_app()

async def app(scope, receive, send):
    if scope["path"] == "/metrics":
        await page(scope, receive, send)
        return
    with phase("conversation"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})

guarded = GuardMiddleware(app, service_name="coaching-api")

async def ask(path):
    sent = []
    async def receive():
        return {"type": "http.request", "body": b""}
    async def send(message):
        sent.append(message)
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    await guarded(scope, receive, send)
    return sent

async def main():
    for number in range(3):
        await ask(f"/turn/{number}")
    start, body = await ask("/metrics")
    sys.stderr.buffer.write(body["body"])

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def page() -> str:
    """What a server of its own process answers after three requests."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", SERVER], cwd=ROOT, capture_output=True, text=True, timeout=60, env=environ
    )
    assert 0 == done.returncode, done.stderr
    return done.stderr


def test_page_has_phases_and_requests_with_our_edges(page: str) -> None:
    """As histograms in seconds, with the marks and both gateway limits as buckets."""
    assert 'coaching_phase_duration_seconds_count{coaching_phase="conversation"' in page
    for edge in ("25.0", "28.0", "29.0", "30.0"):
        assert f'le="{edge}"' in page


@needs_prometheus
def test_promtool_finds_nothing(page: str) -> None:
    """`promtool check metrics` passes names, types, units and help texts of ours."""
    ours = [line for line in page.splitlines() if "coaching_" in line]

    assert len(ours) > 10
    assert [] == problems("\n".join(ours) + "\n")


class _Page(BaseHTTPRequestHandler):
    text = b""

    def do_GET(self) -> None:
        """Answer with the page."""
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(self.text)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@needs_prometheus
def test_prometheus_scrapes_it(tmp_path: Path, page: str) -> None:
    """The real server takes all of it and answers a query over our buckets."""
    _Page.text = page.encode()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    with served(server) as target, Prometheus(tmp_path, target) as prometheus:
        assert ("up", "") == (prometheus.scraped()["health"], prometheus.scraped()["lastError"])
        [sample] = prometheus.query('coaching_phase_duration_seconds_bucket{le="30.0"}')

    assert "3" == sample["value"][1]
    assert "histogram" == prometheus_type(page, "coaching_request_duration_seconds")


def prometheus_type(page: str, family: str) -> str | None:
    return next(
        (line.split()[-1] for line in page.splitlines() if line.startswith(f"# TYPE {family} ")), None
    )


@pytest.mark.parametrize("ask", [prometheus_reader, metrics_app], ids=["reader", "app"])
def test_missing_extra_names_the_command(monkeypatch: pytest.MonkeyPatch, ask: Any) -> None:
    """Without prometheus-client the answer is one sentence."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.prometheus", None)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    with pytest.raises(MissingExtra, match=r"pip install '.+\[prometheus\]'"):
        ask()
