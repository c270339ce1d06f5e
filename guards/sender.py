"""A bounded queue and one thread that sends what is in it, for those who must never wait long."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from guards.breaker import Breaker
from guards.contained import Patience
from guards.tally import Tally

_T = TypeVar("_T")
MOST_QUEUED: Final = 2048
BATCH: Final = 512
_SLOW_S: Final = 0.2
"""An export that takes longer is not worth waiting for the next time."""


class Sender(Generic[_T]):
    """Sends what is put into it, in batches, from a daemon thread.

    ``export`` takes a batch, may raise, hang or take its time, and gives whether it was taken. What was not,
    and what the queue has no room for, is counted in ``lost``. What is queued is sent ``every`` so many
    seconds; with None only when it is asked for.
    """

    def __init__(
        self,
        export: Callable[[list[_T]], bool],
        lost: Tally,
        *,
        every: float | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self._export = export
        self._lost = lost
        self._every = every
        self.breaker = breaker or Breaker()
        self._queue: deque[_T] = deque()
        self._reset()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        """As new, without what is queued: it is the parent's to send."""
        self._queue.clear()
        self._changed = threading.Condition()
        self._asked = 0
        self._done = 0
        self._stopped = False
        self._thread: threading.Thread | None = None

    def put(self, item: _T) -> None:
        """Queue something; never blocks for longer than a lock."""
        with self._changed:
            if len(self._queue) >= MOST_QUEUED or self._stopped:
                self._lost.add()
                return
            self._queue.append(item)
            self._start()
            if len(self._queue) == BATCH or (len(self._queue) == 1 and self._every is not None):
                self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Send what is queued; False where that failed or was not done after so many seconds."""
        with self._changed:
            self._start()
            self._asked += 1
            mine = self._asked
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._done >= mine, timeout) and self.breaker.closed

    def flush_politely(self, patience: Patience) -> None:
        """Send what is queued, waiting while patience lasts, and not at all for one that has failed."""
        if not self.breaker.closed:
            if self.breaker.may_try:
                self.flush(0)
            return
        begun = time.monotonic()
        sent = self.flush(patience.left)
        patience.left = max(0.0, patience.left - (time.monotonic() - begun))
        if not sent and self.breaker.closed:
            self.breaker.failed()

    def stop(self, timeout: float) -> None:
        """Send what is queued and take no more."""
        self.flush(timeout)
        with self._changed:
            self._stopped = True
            self._lost.add(len(self._queue))
            self._queue.clear()
            self._changed.notify_all()

    def _start(self) -> None:
        if self._thread is None and not self._stopped:
            thread = threading.Thread(target=self._run, name="guards-sender", daemon=True)
            thread.start()
            self._thread = thread

    def _run(self) -> None:
        while not self._stopped:
            with self._changed:
                if self._asked == self._done and len(self._queue) < BATCH:
                    self._changed.wait(self._every if self._queue else None)
                asked = self._asked
            if self.breaker.may_try:
                self._send_all()
                self._tell_done(asked)
            else:
                self._tell_done(asked)
                self._pause()

    def _pause(self) -> None:
        """Until one may try again; what is put meanwhile waits in the queue."""
        with self._changed:
            self._changed.wait(self.breaker.wait_s)

    def _tell_done(self, asked: int) -> None:
        with self._changed:
            self._done = max(self._done, asked)
            self._changed.notify_all()

    def _send_all(self) -> None:
        """At least once, since what is sent along with the queue may be due."""
        while True:
            with self._changed:
                batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            if not self._send(batch) or not self._queue:
                return

    def _send(self, batch: list[_T]) -> bool:
        begun = time.monotonic()
        try:
            taken = self._export(batch)
        except BaseException:  # SystemExit from an exporter must not end the thread
            taken = False
        if not taken:
            self._lost.add(len(batch))
        if taken and time.monotonic() - begun < _SLOW_S:
            self.breaker.succeeded()
        else:
            self.breaker.failed()
        return taken
