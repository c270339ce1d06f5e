"""Work that may hang, on a thread of its own, waited for no longer than can be afforded."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

_T = TypeVar("_T")
_MOST_WAITING: Final = 256


class Late(Exception):
    """The work did not come back in time, or could not be taken on."""


class _Job(Generic[_T]):
    __slots__ = ("done", "error", "result", "work")

    def __init__(self, work: Callable[[], _T]) -> None:
        self.work = work
        self.done = threading.Event()
        self.result: Any = None
        self.error: Exception | None = None


class Contained:
    """One daemon thread that does jobs in order.

    >>> Contained().call(lambda: 6 * 7, timeout=1.0)
    42
    """

    def __init__(self) -> None:
        self._jobs: deque[_Job[Any]] = deque()
        self._new = threading.Condition()
        self._thread: threading.Thread | None = None
        self._late = False
        """A caller's patience ran out: nobody waits again until the thread has come back."""

    def call(self, work: Callable[[], _T], timeout: float) -> _T:
        """What the work gives. Raises what it raises, or Late; then it goes on, and nobody hears of it."""
        if self._late or timeout <= 0:
            raise Late("a job before this one hangs")
        job = self._put(work)
        if not job.done.wait(timeout):
            with self._new:  # the thread says here that it is back: it must not say so before this
                self._late = not job.done.is_set()
            if self._late:
                raise Late(f"not done within {timeout:.3f} s")
        if job.error is not None:
            raise job.error
        return job.result  # type: ignore[no-any-return]

    def submit(self, work: Callable[[], object]) -> None:
        """Do it some time. Raises Late where too much is waiting already."""
        self._put(work)

    def _put(self, work: Callable[[], _T]) -> _Job[_T]:
        job = _Job(work)
        with self._new:
            if len(self._jobs) >= _MOST_WAITING:
                raise Late(f"{_MOST_WAITING} jobs are waiting")
            self._start()
            self._jobs.append(job)
            self._new.notify()
        return job

    def _start(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="guards-contained", daemon=True)
            thread.start()
            self._thread = thread

    def _run(self) -> None:
        while True:
            with self._new:
                while not self._jobs:
                    self._late = False
                    self._new.wait()
                job = self._jobs.popleft()
            try:
                job.result = job.work()
            except Exception as error:
                job.error = error
            except BaseException as error:  # SystemExit from a processor must not end the thread
                job.error = Late(f"ended by {type(error).__name__}")
            job.done.set()


class Patience:
    """How long telemetry may still hold up one request, in seconds.

    >>> patience = Patience(1.0)
    >>> patience.spend(Contained(), lambda: "done")
    'done'
    >>> 0 < patience.left < 1.0
    True
    """

    __slots__ = ("left",)

    def __init__(self, left: float) -> None:
        self.left = left

    def spend(self, contained: Contained, work: Callable[[], _T]) -> _T:
        """What some work on the other thread gives; raises Late when patience is out."""
        begun = time.monotonic()
        try:
            return contained.call(work, self.left)
        finally:
            self.left = max(0.0, self.left - (time.monotonic() - begun))


elsewhere: Final = Contained()
"""The process has one such thread."""

if hasattr(os, "register_at_fork"):
    # In place, since others hold a reference: a child does not have the thread.
    os.register_at_fork(after_in_child=elsewhere.__init__)  # type: ignore[misc]
