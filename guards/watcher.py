"""Says that a request is past 25 s, 28 s or the gateway's limit while it is still running.

A Lambda's Duration is known only when the invocation has ended, which is too late for whoever waits. One
daemon thread serves the process. A request costs an entry in a heap; when it ends, its entry is forgotten
there and found stale when its time comes. So a process that was frozen between two requests finds on waking
nothing that fires, and the thread wakes once in 25 s at most while there are requests, and never without.
"""

from __future__ import annotations

import heapq
import itertools
import os
import threading
import time
from datetime import timedelta
from functools import lru_cache
from typing import Final

from guards import lines
from guards.limits import Limits
from guards.names import Mark
from guards.request import Request, now_ms
from guards.writer import writer

_ORDER: Final[tuple[Mark, ...]] = ("warning", "critical", "limit")
_MOST_STALE: Final = 1024
"""So many entries of requests that have ended may wait for their time to come."""
_Due = tuple[float, int, int]
"""When, the generation it was made for, and which mark."""


class Watcher:
    """The requests that a gateway waits for, and a thread that looks at each when it is due."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._generations = itertools.count(1)
        self._running: dict[int, Request] = {}
        self._due: list[_Due] = []
        self._thread: threading.Thread | None = None
        self._wakes_at = 0.0

    def watch(self, request: Request) -> int:
        """Look at a request when it is past each mark; returns the generation to give to ``forget``."""
        generation = next(self._generations)
        with self._lock:  # the condition's own, had without its detour through Python
            if self._thread is None:
                self._start()
            self._running[generation] = request
            heapq.heappush(self._due, (_moment(request, 0), generation, 0))
            if self._due[0][0] < self._wakes_at:
                self._changed.notify()
        return generation

    def forget(self, generation: int) -> None:
        """The request has ended."""
        with self._lock:
            self._running.pop(generation, None)
            if len(self._due) > _MOST_STALE and len(self._due) > 2 * len(self._running):
                self._due = [due for due in self._due if due[1] in self._running]
                heapq.heapify(self._due)

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="guards-watcher", daemon=True)
        thread.start()
        self._thread = thread

    def _run(self) -> None:
        while True:
            with self._changed:
                due = self._next_due()
            if due is not None:
                self._fire(*due)

    def _next_due(self) -> _Due | None:
        """What is due now; waits once where nothing is."""
        while self._due and self._due[0][1] not in self._running:
            heapq.heappop(self._due)
        now = time.monotonic()
        if self._due and self._due[0][0] <= now:
            return heapq.heappop(self._due)
        self._wakes_at = self._due[0][0] if self._due else float("inf")
        self._changed.wait(self._due[0][0] - now if self._due else None)
        return None

    def _fire(self, at: float, generation: int, mark: int) -> None:
        request = self._running.get(generation)
        if request is None:
            return
        say_past(request, _ORDER[mark])
        with self._changed:
            if mark + 1 < len(_ORDER) and generation in self._running:
                heapq.heappush(self._due, (_moment(request, mark + 1), generation, mark + 1))


def say_past(request: Request, mark: Mark) -> None:
    """Write that a request is past a mark, with the phase that it is in. Never raises."""
    if request.ended:  # between two looks of the thread; its process may have been frozen there
        return
    try:
        if request.records:
            elapsed = (time.monotonic() - request.budget.received) * 1000
            writer.write(lines.request_past(request.about, now_ms(), mark, elapsed, request.open_phase))
        if request.otel is not None:
            request.otel.measurements.count_past(mark)
    except Exception:  # the thread serves all other requests too
        writer.dropped.add()


def _moment(request: Request, mark: int) -> float:
    limit = request.budget.gateway_limit
    assert limit is not None
    return request.budget.received + _after(limit)[mark]


@lru_cache(16)  # a process has one limit, or one a kind of gateway
def _after(limit_s: float) -> tuple[float, ...]:
    """Seconds from the request's receipt to each mark, in their order."""
    limits = Limits.of(timedelta(seconds=limit_s))
    marks: dict[Mark, timedelta] = {
        "warning": limits.warning,
        "critical": limits.critical,
        "limit": limits.limit,
    }
    return tuple(marks[mark].total_seconds() for mark in _ORDER)


watcher: Final = Watcher()
"""The process has one."""

if hasattr(os, "register_at_fork"):
    # In place, since others hold a reference: a child has neither the thread nor the requests.
    os.register_at_fork(after_in_child=watcher.__init__)  # type: ignore[misc]
