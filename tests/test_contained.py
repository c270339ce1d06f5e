"""Work that may hang runs on a thread of its own, and nobody waits for longer than can be afforded."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from guards.contained import Contained, Late, Patience, elsewhere


class Crossing(threading.Event):
    """Set just when the patience of who waits for it has run out."""

    def __init__(self, then: Callable[[], object]) -> None:
        super().__init__()
        self._then = then

    def wait(self, timeout: float | None = None) -> bool:
        """The thread comes back between the end of the wait and what the caller does then."""
        super().wait(timeout)
        self._then()
        return False


def test_job_that_ends_as_patience_does_leaves_no_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nobody would ever ask the thread again, which is back and waits to be asked."""
    contained = Contained()
    assert 1 == contained.call(lambda: 1, 5.0)

    def idle() -> None:
        while contained._jobs or not contained._new.acquire(timeout=5):
            pass
        contained._new.release()

    with monkeypatch.context() as patch:
        patch.setattr("guards.contained.threading.Event", lambda: Crossing(idle))
        assert 2 == contained.call(lambda: 2, 5.0)

    assert 3 == contained.call(lambda: 3, 5.0)


def test_hanging_job_is_waited_for_once_and_its_thread_is_asked_again_when_it_is_back() -> None:
    """What hangs holds up one caller; the others hear at once that it does."""
    contained, gate = Contained(), threading.Event()
    with pytest.raises(Late, match="not done"):
        contained.call(lambda: gate.wait(30), 0.05)
    with pytest.raises(Late, match="hangs"):
        contained.call(lambda: 1, 30.0)
    gate.set()
    done = threading.Event()
    contained.submit(done.set)
    assert done.wait(10)
    with contained._new:
        pass

    assert 2 == contained.call(lambda: 2, 10.0)


def test_jobs_behind_one_that_hangs_are_few() -> None:
    """What is made meanwhile is refused, and memory stays as it is."""
    contained, gate = Contained(), threading.Event()
    contained.submit(lambda: gate.wait(30))
    try:
        with pytest.raises(Late, match="waiting"):
            for _ in range(10_000):
                contained.submit(lambda: None)
        assert len(contained._jobs) <= 256
    finally:
        gate.set()


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_job_that_fails_ends_no_thread(error: BaseException) -> None:
    """The caller hears of it, and the next job is done."""

    def fail() -> None:
        raise error

    contained = Contained()
    with pytest.raises((ValueError, Late)):
        contained.call(fail, 10.0)

    assert 1 == contained.call(lambda: 1, 10.0)


def test_patience_is_spent_by_waiting() -> None:
    """A request waits so long in all, not for each of its spans."""
    gate, patience = threading.Event(), Patience(0.05)
    with pytest.raises(Late):
        patience.spend(Contained(), lambda: gate.wait(30))
    with pytest.raises(Late):
        patience.spend(Contained(), lambda: 1)
    gate.set()

    assert 0.0 == patience.left


def test_request_without_patience_asks_nothing() -> None:
    """Nor does it take the thread for one that hangs."""
    contained, asked = Contained(), threading.Event()
    with pytest.raises(Late):
        contained.call(asked.set, 0.0)

    assert 1 == contained.call(lambda: 1, 10.0)
    assert not asked.is_set()


def test_signals_handler_may_ask_while_its_thread_asks() -> None:
    """The lock that is held by the interrupted code is its own."""
    contained, ended = Contained(), threading.Event()

    def interrupted() -> None:
        with contained._new:
            contained.submit(lambda: None)
        ended.set()

    threading.Thread(target=interrupted, daemon=True).start()

    assert ended.wait(10)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_child_has_a_thread_of_its_own() -> None:
    """Its parent's did not come along, and what it hung on is not the child's."""
    assert 1 == elsewhere.call(lambda: 1, 10.0)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # never returns to pytest
        try:
            os.write(write, str(elsewhere.call(lambda: 2, 5.0)).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    try:
        assert b"2" == os.read(read, 10)
    finally:
        os.close(read)
