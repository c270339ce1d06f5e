"""Cold starts under the real Lambda runtime client: from the process's start to its first GET of /next.

A Runtime API on the loopback interface notes when it is asked for the first invocation, and then the process
is ended: no request is served.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_COLD = Path(__file__).resolve().parent / "peers" / "cold"
_PEERS = {
    "no telemetry": "bare",
    "coaching-guard": "guarded",
    "Powertools Logger, Tracer, Metrics": "powertools",
    "OpenTelemetry's Lambda instrumentation, SDK, OTLP": "instrumented",
}
_PATIENCE_S = 60.0


class _RuntimeApi(ThreadingHTTPServer):
    """Answers nothing; tells when it was asked for an invocation."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.asked_at = 0.0
        self.asked = threading.Event()
        self.over = threading.Event()


class _Asked(BaseHTTPRequestHandler):
    server: _RuntimeApi

    def do_GET(self) -> None:
        """The runtime client waits for an invocation, which never comes."""
        self.server.asked_at = time.perf_counter()
        self.server.asked.set()
        self.server.over.wait(_PATIENCE_S)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Not a word."""


def table(rounds: int) -> Iterator[str]:
    """A row for each handler."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in _PEERS}
    for number in range(-1, rounds):  # the first leaves bytecode behind and does not count
        for name, module in _PEERS.items():
            times = _start(module)
            if number >= 0:
                found[name].append(times)
    floor = statistics.median(cpu for _, cpu in found["no telemetry"])
    yield "| handler | wall ms | CPU ms | CPU ms over none |\n|---|--:|--:|--:|"
    for name, times in found.items():
        wall, cpu = (statistics.median(values) for values in zip(*times, strict=True))
        yield f"| {name} | {wall:.0f} | {cpu:.0f} | {cpu - floor:+.1f} |"


def _start(module: str) -> tuple[float, float]:
    """Wall and CPU time in ms from the start of a runtime to its first GET of /next."""
    with _api() as api:
        address = f"127.0.0.1:{api.server_address[1]}"
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", f"{module}.handler"],
            cwd=_COLD,
            stdout=subprocess.DEVNULL,
            env=_environ(address, module),
        )
        try:
            if not api.asked.wait(_PATIENCE_S):
                raise SystemExit(f"{module}: the runtime client did not ask for an invocation")
            wall = api.asked_at - begun
        finally:
            process.kill()
            _, _, usage = os.wait4(process.pid, 0)
            process.returncode = -9  # it has been waited for
        return wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000


@contextmanager
def _api() -> Iterator[_RuntimeApi]:
    with _RuntimeApi() as api:
        serving = threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        serving.start()
        try:
            yield api
        finally:
            api.over.set()
            api.shutdown()
            serving.join()


def _environ(address: str, module: str) -> dict[str, str]:
    own = {
        "AWS_LAMBDA_RUNTIME_API": address,
        "AWS_LAMBDA_FUNCTION_NAME": "coaching-api",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_REGION": "us-east-1",
        "LAMBDA_TASK_ROOT": str(_COLD),
        "PYTHONPATH": str(_COLD),
        "_HANDLER": f"{module}.handler",
    }
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **own}
