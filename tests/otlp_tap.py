"""A real OTLP/HTTP receiver, not of OpenTelemetry's making, as a judge of what is exported.

with OtelTap(folder) as tap:
    export_to(tap.url)
    span = tap.span("extraction")
    assert "CLAUDE_3_5_HAIKU" == plain(span["attributes"])["gen_ai.request.model"]
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.programs import Program, until

_ATTEMPTS = 5


class OtelTap:
    """The program oteltap on a free port. It prints spans and metrics, decoded, without their resources."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program, self._port = self._start()

    def __enter__(self) -> Self:
        """Itself, listening already."""
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

    @property
    def url(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self._port}"

    def spans(self) -> list[dict[str, Any]]:
        """All spans so far, in OTLP's JSON names."""
        return [each for each in self._received() if "spanId" in each and "startTimeUnixNano" in each]

    def metrics(self) -> list[dict[str, Any]]:
        """All metrics so far, one for each export, in OTLP's JSON names."""
        return [each for each in self._received() if "unit" in each]

    def span(self, name: str) -> dict[str, Any]:
        """Wait for a span of this name."""
        return until(lambda: _named(name, self.spans()))

    def metric(self, name: str) -> dict[str, Any]:
        """Wait for a metric of this name; the last one that came."""
        return until(lambda: _named(name, reversed(self.metrics())))

    def _start(self) -> tuple[Program, int]:
        for attempt in range(_ATTEMPTS):
            port = _free_port()
            command = [sys.executable, "-u", "-m", "oteltap", "--port", str(port)]
            program = Program(command, self._folder / f"oteltap-{attempt}.log")
            try:
                program.wait_for("Listening for OTLP/HTTP telemetry")
                return program, port
            except AssertionError as error:  # somebody else took the port meanwhile
                last = error
                program.stop()
        raise last

    def _received(self) -> list[dict[str, Any]]:
        whole_lines = self._program.output().split("\n")[:-1]
        return [json.loads(line) for line in whole_lines if line.startswith("{")]


def plain(attributes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """OTLP's list of attributes as a dict of strings, numbers and truth values.

    >>> plain([{"key": "model", "value": {"stringValue": "M"}}, {"key": "n", "value": {"intValue": "7"}}])
    {'model': 'M', 'n': 7}
    """
    return {each["key"]: _value(each["value"]) for each in attributes}


def _value(value: Mapping[str, Any]) -> Any:
    [(kind, content)] = value.items()
    return int(content) if kind == "intValue" else content


def _named(name: str, received: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    return next((each for each in received if each["name"] == name), None)


def _free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
