"""Counting what could not go out, so that a later record can tell."""

from __future__ import annotations

import threading


class Tally:
    """A count that threads add to, and that is read once.

    >>> lost = Tally()
    >>> lost.add(2)
    >>> lost.take(), lost.take()
    (2, 0)
    """

    __slots__ = ("_count", "_lock")

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal's handler may count too
        self._count = 0

    def add(self, count: int = 1) -> None:
        """Count some more."""
        with self._lock:
            self._count += count

    def take(self) -> int:
        """How many there were since the last time."""
        if not self._count:
            return 0
        with self._lock:
            count, self._count = self._count, 0
        return count
