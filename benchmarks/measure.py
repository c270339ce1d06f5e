"""One process, measured from outside: wall time, and in a run of its own, peak memory."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SAMPLE_S = 0.003

# The first, untimed run leaves Python's bytecode behind, as it does for whoever uses the command twice.
ENVIRON = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True)
class Memory:
    """Peak memory of a process, in MB."""

    resident: float
    """As the kernel counts it: pages of mapped files are in it."""
    anonymous: float | None
    """Without mapped files: what no page cache can take back. None where there is no /proc."""


def seconds(command: list[str], output: Path, cwd: Path) -> float:
    """Wall time of a command from start to exit, its output in a file."""
    with output.open("wb") as file:
        begin = time.perf_counter()
        done = subprocess.run(command, stdout=file, stderr=subprocess.PIPE, cwd=cwd, env=ENVIRON)
        took = time.perf_counter() - begin
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr.decode(errors='replace')[-800:]}")
    return took


def memory(command: list[str], output: Path, cwd: Path) -> Memory:
    """Peak memory of a command and of what it starts, sampled: never in a run that is timed."""
    with output.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, cwd=cwd, env=ENVIRON)
        sampler = _Sampler(process.pid)
        sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)  # it has been waited for
        sampler.stop()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with exit code {process.returncode}")
    # ru_maxrss begins with what the parent had when it forked; /proc's own peak does not.
    resident = sampler.resident_kb or usage.ru_maxrss
    return Memory(resident * 1024 / 1e6, sampler.anonymous_kb * 1024 / 1e6 if sampler.resident_kb else None)


class _Sampler(threading.Thread):
    """Watches the anonymous memory of a process and its children."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._done = threading.Event()
        self.anonymous_kb = self.resident_kb = 0

    def run(self) -> None:
        while not self._done.wait(SAMPLE_S):
            family = [_status(pid) for pid in _family(self._pid)]
            self.anonymous_kb = max(self.anonymous_kb, sum(each[0] for each in family))
            self.resident_kb = max(self.resident_kb, sum(each[1] for each in family))

    def stop(self) -> None:
        self._done.set()
        self.join()


def _family(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _family(int(child))


def _status(pid: int) -> tuple[int, int]:
    """Anonymous memory now, and the resident peak so far, in kB."""
    with suppress(OSError):
        lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        known = {words[0]: words[1] for words in lines if len(words) == 3}
        anonymous = int(known.get("RssAnon:", 0)) + int(known.get("RssShmem:", 0))
        return anonymous, int(known.get("VmHWM:", 0))
    return 0, 0
