"""The queue that never blocks, the thread that sends, and the breaker that stops the waiting."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import pytest

from guards.breaker import Breaker
from guards.contained import Patience
from guards.sender import BATCH, MOST_QUEUED, Sender
from guards.tally import Tally


class Clock:
    """Stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        """Now."""
        return self.now


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not true() and time.monotonic() < end:
        time.sleep(0.002)
    assert true()


def test_flush_sends_in_batches_and_in_order() -> None:
    """All that is queued, and what is queued meanwhile."""
    batches: list[list[int]] = []
    sender: Sender[int] = Sender(lambda batch: batches.append(batch) is None, Tally())
    for number in range(BATCH + 10):
        sender.put(number)

    assert sender.flush(5)
    assert list(range(BATCH + 10)) == [number for batch in batches for number in batch]
    assert all(len(batch) <= BATCH for batch in batches)


def test_server_sends_by_itself() -> None:
    """Every few seconds, without anybody asking."""
    got: list[int] = []
    sender: Sender[int] = Sender(lambda batch: got.extend(batch) is None, Tally(), every=0.01)
    sender.put(1)
    until(lambda: got == [1])
    sender.put(2)
    until(lambda: got == [1, 2])


def test_full_queue_drops_and_counts() -> None:
    """A sender that hangs holds up nobody who puts."""
    gate, lost = threading.Event(), Tally()
    sender: Sender[int] = Sender(lambda batch: gate.wait(10), lost)
    sender.put(0)
    sender.flush(0)
    until(lambda: not sender._queue)
    for number in range(MOST_QUEUED + 5):
        sender.put(number)
    gate.set()

    assert 5 == lost.take()


def raising(error: BaseException) -> Callable[[list[int]], bool]:
    def export(batch: list[int]) -> bool:
        raise error

    return export


@pytest.mark.parametrize(
    "export",
    [lambda batch: False, raising(ValueError("no")), raising(SystemExit(3))],
    ids=["refuses", "raises", "exits"],
)
def test_batch_that_is_not_taken_is_counted_and_ends_no_thread(export: Callable[[list[int]], bool]) -> None:
    """The next batch is tried when the breaker's pause is over."""
    clock, lost = Clock(), Tally()
    sender: Sender[int] = Sender(export, lost, breaker=Breaker(clock))
    sender.put(1)
    assert not sender.flush(10)
    assert 1 == lost.take()
    clock.now = 100.0
    sender.put(2)
    sender.flush(10)

    assert 1 == lost.take()


def test_open_breaker_is_not_waited_for() -> None:
    """A request that comes after a failure does not wait at all, whatever is queued."""
    clock = Clock()
    sender: Sender[int] = Sender(lambda batch: False, Tally(), breaker=Breaker(clock))
    patience = Patience(5.0)
    sender.put(1)
    sender.flush_politely(patience)
    left = patience.left
    sender.put(2)
    sender.flush_politely(patience)

    assert left == patience.left
    assert 1 == len(sender._queue)


def test_after_its_pause_one_tries_again_without_waiting_and_closes() -> None:
    """The first export that goes well again is the last that nobody waits for."""
    clock, works, got = Clock(), threading.Event(), []

    def export(batch: list[int]) -> bool:
        got.extend(batch)
        return works.is_set()

    sender: Sender[int] = Sender(export, Tally(), breaker=Breaker(clock))
    patience = Patience(5.0)
    sender.put(1)
    sender.flush_politely(patience)
    assert not sender.breaker.closed
    works.set()
    clock.now = 60.0
    left = patience.left
    sender.put(2)
    sender.flush_politely(patience)
    until(lambda: sender.breaker.closed)

    assert left == patience.left
    assert [1, 2] == got


def test_slow_export_opens_the_breaker() -> None:
    """It went well, but nobody should wait for the next."""
    sender: Sender[int] = Sender(lambda batch: time.sleep(0.25) is None, Tally())
    sender.put(1)

    assert not sender.flush(5)
    assert not sender.breaker.closed


def test_patience_is_spent_once() -> None:
    """What one wait has taken the next has no more."""
    gate = threading.Event()
    sender: Sender[int] = Sender(lambda batch: gate.wait(10), Tally())
    patience = Patience(0.05)
    sender.put(1)
    sender.flush_politely(patience)
    gate.set()

    assert 0 == patience.left
    assert not sender.breaker.closed


def test_stopped_sender_takes_no_more() -> None:
    """What comes after the end of the process's telemetry is counted as lost."""
    got: list[int] = []
    lost = Tally()
    sender: Sender[int] = Sender(lambda batch: got.extend(batch) is None, lost)
    sender.put(1)
    sender.stop(5)
    sender.put(2)

    assert ([1], 1) == (got, lost.take())


def test_breaker_waits_twice_as_long_each_time_up_to_a_minute() -> None:
    """And is as patient as at first once it was answered."""
    clock = [0.0]
    breaker, waits = Breaker(lambda: clock[0]), []
    for _ in range(6):
        breaker.failed()
        waits.append(breaker.wait_s)
        assert not breaker.may_try
        clock[0] += breaker.wait_s
        assert breaker.may_try and not breaker.closed
    breaker.succeeded()
    assert (True, 0.0) == (breaker.closed, breaker.wait_s)
    breaker.failed()

    assert ([5.0, 10.0, 20.0, 40.0, 60.0, 60.0], 5.0) == (waits, breaker.wait_s)


def test_nothing_is_exported_while_the_breaker_is_open() -> None:
    """Then what is queued is tried by the next who asks, without a wait, and a success closes it."""
    clock, tried = [0.0], threading.Event()
    taken, batches = [False], []

    def export(batch: list[int]) -> bool:
        batches.append(list(batch))
        tried.set()
        return taken[0]

    sender = Sender[int](export, lost := Tally(), breaker=Breaker(lambda: clock[0]))
    for number in range(BATCH + 1):
        sender.put(number)
    assert not sender.flush(10.0)
    assert [BATCH] == [len(batch) for batch in batches]  # the rest is not thrown after it
    assert not sender.flush(10.0)
    assert (1, BATCH) == (len(batches), lost.take())

    tried.clear()
    clock[0], taken[0], patience = 5.0, True, Patience(30.0)
    sender.flush_politely(patience)
    assert tried.wait(10)
    sender.flush(10.0)

    assert [BATCH] == batches[1]
    assert (30.0, True, 0) == (patience.left, sender.breaker.closed, lost.take())


def test_what_a_stopped_sender_could_not_send_is_counted() -> None:
    """As is all else that is lost."""
    gate, hangs = threading.Event(), threading.Event()
    sender = Sender[int](lambda batch: hangs.set() or gate.wait(30), lost := Tally())  # type: ignore[func-returns-value]
    sender.put(1)
    sender.flush(0)
    assert hangs.wait(10)
    sender.put(2)
    sender.stop(0.01)
    try:
        assert 1 == lost.take()
    finally:
        gate.set()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_child_sends_its_own_and_not_its_parents() -> None:
    """From a thread of its own."""
    read, write = os.pipe()
    sender = Sender[int](lambda batch: os.write(write, bytes(batch)) >= 0, Tally())
    sender.flush(10.0)
    sender.put(1)
    child = os.fork()
    if child == 0:  # never returns to pytest
        try:
            sender.put(2)
            sender.flush(5.0)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    try:
        assert b"\x02" == os.read(read, 10)
    finally:
        os.close(read)


def test_sender_sleeps_while_its_breaker_is_open() -> None:
    """It does not ask over and over whether it may try again: that would take the handler's own CPU."""
    asked: list[float] = []

    class Counted(Breaker):
        @property
        def wait_s(self) -> float:
            asked.append(super().wait_s)
            return super().wait_s

        @property
        def may_try(self) -> bool:
            asked.append(0.0)
            return super().may_try

    sender = Sender[int](lambda batch: False, Tally(), every=0.001, breaker=Counted())
    sender.put(1)
    sender.flush(10.0)
    sender.put(2)
    threading.Event().wait(0.2)

    assert len(asked) < 20
