"""Programs that tests start: awaited by what they say, and stopped by their own process id."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

_PATIENCE_S = 30.0
"""On a busy machine; none takes so long."""

T = TypeVar("T")


class Program:
    """A running program, whose output goes into a file."""

    def __init__(self, command: Sequence[str], output: Path) -> None:
        self._output = output
        with output.open("wb") as file:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
            )

    def __enter__(self) -> Self:
        """Itself, running already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    @property
    def pid(self) -> int:
        """Its process ID."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it has ended by itself or was stopped."""
        return self._process.poll() is not None

    def output(self) -> str:
        """What it has said so far, on stdout and stderr."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until it says what the pattern matches; AssertionError where it ends first or is late."""
        said = until(lambda: re.search(pattern, self.output()) or (self.ended or None))
        assert isinstance(said, re.Match), f"ended with {self._process.returncode}:\n{self.output()[-2000:]}"
        return said

    def stop(self) -> None:
        """SIGTERM, and SIGKILL to one that does not heed it."""
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_PATIENCE_S)


def until(ask: Callable[[], T | None]) -> T:
    """Ask again and again until there is an answer; AssertionError where none comes in time."""
    late = time.monotonic() + _PATIENCE_S
    while (found := ask()) is None:
        assert time.monotonic() < late, f"not within {_PATIENCE_S:.0f} s"
        time.sleep(0.02)
    return found
