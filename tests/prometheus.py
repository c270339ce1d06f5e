"""Debian's Prometheus as a judge of /metrics: the server that scrapes, and promtool that lints.

with Prometheus(folder, target="127.0.0.1:8000") as prometheus:
    assert "up" == prometheus.scraped()["health"]
    [sample] = prometheus.query("coaching_phase_duration_seconds_count")
"""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from tests.programs import Program, until

needs_prometheus = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")),
    reason="needs prometheus and promtool (Debian: apt install prometheus)",
)

_CONFIG = """\
global:
  scrape_interval: 200ms
  scrape_timeout: 200ms
scrape_configs:
  - job_name: guard
    metrics_path: {path}
    static_configs:
      - targets: ["{target}"]
"""
_TIMEOUT_S = 10.0


class Prometheus:
    """A real Prometheus on loopback that scrapes one target, five times a second.

    The first scrape comes after 5 s: so long Prometheus waits for targets, and no setting shortens it.
    """

    def __init__(self, folder: Path, target: str, *, path: str = "/metrics") -> None:
        """``target`` is host:port; configuration and data go into the folder."""
        config = folder / "prometheus.yml"
        config.write_text(_CONFIG.format(target=target, path=path), encoding="utf-8")
        command = [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--web.listen-address=127.0.0.1:0",
        ]
        self._program = Program(command, folder / "prometheus.log")
        self._address = ""

    def __enter__(self) -> Self:
        """Itself, once it answers."""
        try:
            self._address = self._program.wait_for(r'"?Listening on"? .*?(127\.0\.0\.1:\d+)')[1]
            self._program.wait_for("Server is ready to receive web requests")
        except BaseException:
            self._program.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self._program.stop()

    @property
    def pid(self) -> int:
        """Its process ID."""
        return self._program.pid

    def scraped(self) -> dict[str, Any]:
        """The target, once it has been scraped: ``health`` is up or down, ``lastError`` says why."""
        return until(self._scraped_target)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples that a PromQL expression gives now, each with ``metric`` and ``value``."""
        samples: list[dict[str, Any]] = self.get("query", query=expression)["result"]
        return samples

    def types(self) -> dict[str, str]:
        """Metric family -> type, as the target told."""
        return {name: entries[0]["type"] for name, entries in self.get("metadata").items()}

    def get(self, what: str, **words: str) -> Any:
        """The data that the HTTP API answers with."""
        url = f"http://{self._address}/api/v1/{what}?{urllib.parse.urlencode(words)}"
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:
            return json.load(response)["data"]

    def _scraped_target(self) -> dict[str, Any] | None:
        targets: list[dict[str, Any]] = self.get("targets")["activeTargets"]
        return targets[0] if targets and targets[0]["health"] != "unknown" else None


def problems(exposition: str) -> list[str]:
    """What `promtool check metrics` has against a text; nothing where it passes."""
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=exposition,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
    )
    return (done.stderr + done.stdout).splitlines() or ["failed"] if done.returncode else []
