"""One life of the process that runs a handler: `python -m awslambdaric`, its Runtime API, and its end."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.lambda_api import Happening, Invocation, RuntimeApi

_ENDING_S = 10.0
"""So long a killed process may take to be gone, on a machine that is busy."""


class LambdaProcess:
    """Starts when made. Whatever it starts itself ends with it.

    Its process group is one of our own session: should the tests be killed while it is frozen, the kernel
    hangs up on it, and it ends.
    """

    def __init__(self, handler: str, folder: Path, environ: Mapping[str, str], output: int) -> None:
        self._api = RuntimeApi()
        self._happenings = self._api.happenings
        self._lock = threading.Lock()
        self._gone = threading.Event()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", handler],
            cwd=folder,
            env={**environ, "AWS_LAMBDA_RUNTIME_API": self._api.address},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,
        )
        self._waiter = threading.Thread(target=self._wait, daemon=True)
        self._waiter.start()

    @property
    def pid(self) -> int:
        """Its process ID, which is its group's, too."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended, frozen or not."""
        return not self._gone.is_set()

    def hand_out(self, invocation: Invocation) -> None:
        """Give it work."""
        self._api.hand_out(invocation)

    def happening(self, until: float) -> Happening | None:
        """What happened next; None where nothing did until a moment of the monotonic clock."""
        try:
            return self._happenings.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return None

    def freeze(self) -> None:
        """Stop it, and return when it stands."""
        if self._signal(signal.SIGSTOP):
            with suppress(ChildProcessError):  # it ended by itself
                os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def thaw(self) -> None:
        """Let it run on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL; ``happening`` tells when it is gone."""
        self._signal(signal.SIGKILL)

    def memory_mb(self) -> int | None:
        """The most memory that it has used; None where it has ended."""
        with suppress(OSError):
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) // 1024
        return None

    def close(self) -> None:
        """Kill it where it lives, wait until it is gone, and close its API."""
        self.kill()
        self._waiter.join(_ENDING_S)
        self._api.close()
        assert not self.alive, f"process {self.pid} did not end within {_ENDING_S:.0f} s of SIGKILL"

    def _signal(self, number: signal.Signals) -> bool:
        """Signal its whole group, unless the group is gone and the number may be another's."""
        with self._lock:
            if self.alive:
                os.killpg(self.pid, number)
            return self.alive

    def _wait(self) -> None:
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            os.killpg(self.pid, signal.SIGKILL)  # what it left running; the group's number is ours until wait
            code = self._process.wait()
            self._gone.set()
        self._happenings.put(Happening("exited", exit_code=code))
