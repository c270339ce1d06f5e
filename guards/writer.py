"""Writes records to standard output without being held up by whoever reads it.

A Lambda's log is what it prints, one line a record. A reader that has fallen behind must not hold up the
answer to a client: a full pipe gets a few milliseconds, once, and from then on drops records until it takes
one again. What is dropped is counted.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Final, TextIO

from guards.records import MAX_BYTES
from guards.tally import Tally

_CAN_POLL: Final = hasattr(select, "poll")
_NOWAIT: Final[int] = getattr(os, "RWF_NOWAIT", 0)
"""Write now or not at all. Linux has it, for pipes since 6.4."""
_PATIENCE_S: Final = 0.05
"""So long a record waits for another thread that is writing one."""
_DRAINING_MS: Final = 5
"""So long a full pipe may take to be read from: a burst of debug lines fills it, and is gone in a moment."""


class Writer:
    """One line at a time to standard output, as it is when the line is written."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.dropped = Tally()
        """Records that could not be written."""
        self._torn = False
        self._full = False
        self._nowait = bool(_NOWAIT)
        """Whether records are written without a look before: until the kernel says that it cannot."""
        self._stuck = False
        """A thread that writes did not come back: the pipe was filled between its look and its write."""
        self._silencers = 0
        self._out: TextIO | None = None
        self._fileno: Callable[[], int] = _no_file
        """The descriptor of that stream, asked for with each record: the stream may be closed by then."""

    @contextmanager
    def silenced(self) -> Iterator[None]:
        """Inside, records are taken and not written: for tests."""
        self._silencers += 1
        try:
            yield
        finally:
            self._silencers -= 1

    def write(self, line: str) -> bool:
        """Write a line of at most 4096 ASCII bytes; False where it was dropped and counted. Never raises."""
        if self._silencers:
            return True
        written = False
        # A lock that is free, as it mostly is, is had sooner without a timeout and without one call more.
        if len(line) <= MAX_BYTES and (self._lock.acquire(False) or self._wait_for_turn()):
            self._stuck = False
            try:
                written = self._put(line)
            except Exception:  # no standard output, a closed one, one that is no stream at all
                written = False
            finally:
                self._lock.release()
        if not written:
            self.dropped.add()
        return written

    def _wait_for_turn(self) -> bool:
        """Wait for another thread's write; not again for one that has been waited for already."""
        taken = not self._stuck and self._lock.acquire(True, _PATIENCE_S)
        self._stuck = not taken
        return taken

    def _put(self, line: str) -> bool:
        out = sys.stdout
        if out is not self._out:
            # Lambda's runtime client wraps the stream, and looks its methods up in vain first.
            self._out, self._fileno = out, getattr(out, "fileno", _no_file)
        try:
            descriptor = self._fileno()
        except (AttributeError, OSError, ValueError):
            return _into_memory(out, line)
        # Straight to the descriptor: what a program has printed and not flushed must not hold a record back.
        data = (line if not self._torn else "\n" + line).encode("ascii")
        if self._nowait:
            try:
                count = os.pwritev(descriptor, (data,), -1, _NOWAIT)
                self._full = False
            except BlockingIOError:
                count = self._sent_soon(descriptor, data)
            except OSError:  # it is none that can refuse, or the kernel is too old
                self._nowait = False
                count = self._sent_soon(descriptor, data)
        else:
            count = self._sent_soon(descriptor, data)
        if count:
            self._torn = count < len(data)
        return count == len(data)

    def _sent_soon(self, descriptor: int, data: bytes) -> int:
        """How many of its bytes went out, now or in a moment; 0 where nobody reads."""
        if _CAN_POLL and not self._takes_a_line(descriptor):
            return 0
        if not self._nowait:
            return os.write(descriptor, data)
        try:  # others print without asking for a turn, and may have taken the room that was seen
            return os.pwritev(descriptor, (data,), -1, _NOWAIT)
        except BlockingIOError:
            return 0

    def _takes_a_line(self, descriptor: int) -> bool:
        """Whether a whole record can be written there at once, now or in a moment.

        A pipe that is ready for writing takes PIPE_BUF bytes without blocking, which is a record's size, and
        does so in one piece. O_NONBLOCK would be simpler, but it is set for all who share the pipe, whose
        prints would then fail.
        """
        poll = _poll_of(descriptor)
        ready = poll.poll(0) or (not self._full and poll.poll(_DRAINING_MS))
        self._full = not ready or not ready[0][1] & select.POLLOUT
        return not self._full


def _into_memory(out: TextIO | None, line: str) -> bool:
    """Standard output that is no file: a test's or a notebook's."""
    if out is None or out.closed:
        return False
    out.write(line)
    return True


def _no_file() -> int:
    raise OSError("it has no file descriptor")


@lru_cache(4)
def _poll_of(descriptor: int) -> select.poll:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return poll


def _after_fork() -> None:
    """A child may have been made while another thread held the lock, which nobody there would release."""
    _poll_of.cache_clear()  # one that another thread was waiting on can never be asked again
    writer.__init__()  # type: ignore[misc]  # in place: others hold a reference


writer: Final = Writer()
"""The process has one standard output, and so one writer."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
