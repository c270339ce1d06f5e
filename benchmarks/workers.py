"""Contestants as processes that are asked for rounds in turns (peers/worker.py is what runs in them)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

PEERS = Path(__file__).resolve().parent / "peers"
Sink = Literal["null", "pipe"]


@dataclass(frozen=True)
class Peer:
    """One way to serve the request."""

    name: str
    module: str
    """In peers/."""
    lines: int
    """What each request must print, in lines."""
    made: dict[str, int]
    """What else each request must leave behind: spans, measurements, answers."""
    sdk: bool = False
    """Whether OpenTelemetry's SDK is configured."""
    environ: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cost:
    """CPU us per request in one round."""

    thread: float
    """Of the thread that serves it: what the answer waits for."""
    process: float
    """Of the whole process, with the exporters' threads and the export of what was left."""


class Worker:
    """A running contestant."""

    def __init__(self, peer: Peer, process: subprocess.Popen[str], answers: IO[str]) -> None:
        self.peer = peer
        self._process = process
        self._answers = answers

    def prove(self, requests: int) -> dict[str, Any]:
        """What some requests left behind."""
        return self._ask(f"prove {requests}")

    def instructions(self, requests: int) -> float:
        """Of Python's bytecode, a request."""
        return float(self._ask(f"count {requests}"))

    def cost(self, requests: int) -> Cost:
        """What a round of requests cost."""
        return Cost(**self._ask(f"time {requests}"))

    def _ask(self, question: str) -> Any:
        assert self._process.stdin is not None
        try:
            print(question, file=self._process.stdin, flush=True)
            return json.loads(self._answers.readline())
        except (BrokenPipeError, ValueError):
            raise SystemExit(f"{self.peer.name} ended with {self._process.wait()}") from None


@contextmanager
def started(peers: Sequence[Peer], environ: dict[str, str], sink: Sink) -> Iterator[list[Worker]]:
    """All contestants, running; stopped at the end by closing what they read."""
    with ExitStack() as stack:
        yield [stack.enter_context(_started(peer, environ, sink)) for peer in peers]


@contextmanager
def _started(peer: Peer, environ: dict[str, str], sink: Sink) -> Iterator[Worker]:
    reading, writing = os.pipe()
    with ExitStack() as stack:
        answers = stack.enter_context(os.fdopen(reading))
        process = subprocess.Popen(
            [sys.executable, str(PEERS / "worker.py"), peer.module, *(["--sdk"] if peer.sdk else [])],
            stdin=subprocess.PIPE,
            stdout=stack.enter_context(_sink(sink)),
            pass_fds=[writing],
            env={**_inherited(), **environ, **peer.environ, "BENCHMARK_ANSWERS": str(writing)},
            text=True,
        )
        os.close(writing)
        with process:
            yield Worker(peer, process, answers)


@contextmanager
def _sink(sink: Sink) -> Iterator[IO[bytes]]:
    """Where lines go: to nowhere, or through a pipe to a process that throws them away."""
    with open(os.devnull, "wb") as nowhere:
        if sink == "null":
            yield nowhere
            return
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=nowhere) as drain:
            assert drain.stdin is not None
            yield drain.stdin


def _inherited() -> dict[str, str]:
    """The environment without anything that would configure a contestant."""
    configures = ("OTEL_", "POWERTOOLS_", "GUARD_", "AWS_", "_X_AMZN")
    return {key: value for key, value in os.environ.items() if not key.startswith(configures)}
