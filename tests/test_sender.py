"""A queue that is sent from a thread of its own: bounded, counted, and never waited for long."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from guards.breaker import Breaker
from guards.contained import Patience
from guards.sender import BATCH, MOST_QUEUED, Sender
from guards.tally import Tally


def test_what_is_put_is_sent_in_batches_in_order() -> None:
    """None twice, none lost."""
    sent: list[list[int]] = []
    sender = Sender[int](lambda batch: sent.append(batch) is None, lost := Tally())
    for number in range(BATCH + 88):
        sender.put(number)

    assert sender.flush(10.0)
    assert list(range(BATCH + 88)) == [number for batch in sent for number in batch]
    assert max(map(len, sent)) <= BATCH
    assert 0 == lost.take()


def test_queue_is_bounded_and_what_does_not_fit_is_counted() -> None:
    """While an export hangs."""
    gate, hangs = threading.Event(), threading.Event()
    sender = Sender[int](lambda batch: hangs.set() or gate.wait(30), lost := Tally())  # type: ignore[func-returns-value]
    sender.put(0)
    sender.flush(0)
    assert hangs.wait(10)
    for number in range(MOST_QUEUED + 100):
        sender.put(number)
    try:
        assert (MOST_QUEUED, 100) == (len(sender._queue), lost.take())
    finally:
        gate.set()


def raising(error: BaseException) -> Callable[[list[int]], bool]:
    def export(batch: list[int]) -> bool:
        raise error

    return export


@pytest.mark.parametrize(
    "export",
    [lambda batch: False, raising(ValueError("no")), raising(SystemExit(3))],
    ids=["refuses", "raises", "exits"],
)
def test_export_that_fails_is_counted_and_ends_no_thread(export: Callable[[list[int]], bool]) -> None:
    """The next batch is tried when the breaker's pause is over."""
    clock = [0.0]
    sender = Sender[int](export, lost := Tally(), breaker=Breaker(lambda: clock[0]))
    sender.put(1)
    assert not sender.flush(10.0)
    assert 1 == lost.take()
    clock[0] = 100.0
    sender.put(2)
    sender.flush(10.0)

    assert 1 == lost.take()


def test_polite_flush_waits_for_no_exporter_that_has_failed() -> None:
    """Once the breaker is open the patience is kept; what was spent before is gone."""
    gate = threading.Event()
    sender = Sender[int](lambda batch: gate.wait(30), Tally())
    sender.put(1)
    first, second = Patience(0.05), Patience(30.0)
    sender.flush_politely(first)
    sender.flush_politely(second)
    gate.set()

    assert (0.0, 30.0) == (first.left, second.left)


def test_slow_export_is_taken_and_not_waited_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it took is not lost; it took longer than a request can afford."""
    monkeypatch.setattr("guards.sender._SLOW_S", -1.0)
    sender = Sender[int](lambda batch: True, lost := Tally())
    sender.put(1)
    sender.flush(10.0)

    assert (False, 0) == (sender.breaker.closed, lost.take())


def test_sender_that_is_stopped_takes_no_more() -> None:
    """What it had is sent; what comes then is counted."""
    sent: list[int] = []
    sender = Sender[int](lambda batch: sent.extend(batch) is None, lost := Tally())
    sender.put(1)
    sender.stop(10.0)
    sender.put(2)

    assert ([1], 1) == (sent, lost.take())


def test_servers_queue_is_sent_without_being_asked() -> None:
    """Every so many seconds; a Lambda's only when it is asked for, since it may be frozen."""
    sent = threading.Event()
    Sender[int](lambda batch: sent.set() is None, Tally(), every=0.01).put(1)

    assert sent.wait(10)


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
