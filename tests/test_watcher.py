"""A request that is past a mark says so while it runs, and one that has ended never does."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from guards import guard_handler, phase
from guards import watcher as module
from guards.deadlines import Budget, Deadline
from guards.names import Mark
from guards.request import Request
from guards.watcher import Watcher
from guards.writer import writer
from tests.guarded import REQUEST, Context, Record, http_event, of_kind, written


def request(limit_s: float = 0.3, ago_s: float = 0.0) -> Request:
    received = time.monotonic() - ago_s
    budget = Budget(received, limit_s, Deadline("gateway", received + limit_s))
    return Request(service="api", request_id=REQUEST, budget=budget)


def marks(records: list[Record]) -> list[str]:
    return [record["past"] for record in of_kind(records, "request.past")]


def until(true: Callable[[], object]) -> None:
    """Wait, for ten seconds at the most."""
    end = time.monotonic() + 10
    while not true() and time.monotonic() < end:
        time.sleep(0.002)
    assert true()


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a watcher says, instead of to standard output."""
    heard: list[str] = []
    monkeypatch.setattr(module, "say_past", lambda request, mark: heard.append(mark))
    return heard


def test_running_request_is_told_at_each_mark_once(monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    """At 25/30, 28/30 and the whole of the gateway's limit, with the phase that is open then."""
    monkeypatch.setenv("GUARD_GATEWAY_LIMIT_MS", "1500")
    told: list[str] = []
    say = module.say_past
    # On a busy machine the handler may be late where it is to be: the watcher waits for it there.
    there = {"warning": threading.Event(), "limit": threading.Event()}

    def say_there(request: Request, mark: Mark) -> None:
        if mark in there:
            there[mark].wait(10)
        say(request, mark)
        told.append(mark)

    monkeypatch.setattr(module, "say_past", say_there)

    @guard_handler
    def handler(event: Any, context: Any) -> None:
        with phase("conversation"):
            there["warning"].set()
            until(lambda: "warning" in told)
        with phase("extraction"):
            there["limit"].set()
            until(lambda: "limit" in told)

    records = written(capfd, lambda: handler(http_event(), Context()))
    past = of_kind(records, "request.past")

    assert ["warning", "critical", "limit"] == marks(records)
    assert ("conversation", "extraction") == (past[0]["open_phase"], past[2]["open_phase"])
    assert all(each["elapsed_ms"] >= at for each, at in zip(past, (1250, 1400, 1500), strict=True))
    assert records.index(past[2]) < records.index(of_kind(records, "request.end")[0])


def test_request_that_ends_in_time_is_not_told(said: list[str]) -> None:
    """Its entry is stale when its time comes."""
    watcher = Watcher()
    watcher.forget(watcher.watch(request()))
    slow = watcher.watch(request(0.6))
    until(lambda: "limit" in said)
    watcher.forget(slow)

    assert ["warning", "critical", "limit"] == said


def test_late_receive_time_is_told_at_once(said: list[str]) -> None:
    """A cold start may have eaten the budget before the handler began."""
    watcher = Watcher()
    watcher.watch(request(0.3, ago_s=0.29))
    until(lambda: len(said) == 3)

    assert ["warning", "critical", "limit"] == said


@pytest.fixture
def usual_turns() -> Iterator[None]:
    """Threads take turns as often as by default: a search in another test may have made it more often."""
    kept = sys.getswitchinterval()
    sys.setswitchinterval(0.005)
    yield
    sys.setswitchinterval(kept)


def test_one_thread_serves_all_and_sleeps_without_requests(
    monkeypatch: pytest.MonkeyPatch, usual_turns: None
) -> None:
    """A thousand requests that end make no thread more, and wake it a handful of times at the most."""
    watcher = Watcher()
    wakes: list[float] = []
    next_due = watcher._next_due
    monkeypatch.setattr(watcher, "_next_due", lambda: (wakes.append(time.monotonic()), next_due())[1])
    before = threading.active_count()
    for _ in range(1000):
        watcher.forget(watcher.watch(request(30.0)))

    assert before + 1 == threading.active_count()
    assert len(wakes) <= 5
    assert {} == watcher._running


def test_sooner_request_wakes_the_thread(said: list[str]) -> None:
    """A request with a shorter budget is not held up by one with a longer one."""
    watcher = Watcher()
    watcher.watch(request(60.0))
    time.sleep(0.05)
    watcher.watch(request(0.1))
    until(lambda: "limit" in said)


def test_request_that_cannot_be_told_ends_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watcher goes on to the next one."""
    told: list[str] = []

    def fail(*_: object) -> str:
        told.append("asked")
        raise RuntimeError("no line")

    monkeypatch.setattr(module.lines, "request_past", fail)
    watcher = Watcher()
    watcher.watch(request(0.03))
    watcher.watch(request(0.06))
    until(lambda: len(told) == 6)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_watcher_works_in_a_forked_child() -> None:
    """A child has no threads: its watcher starts its own, and knows none of its parent's requests."""
    module.watcher.watch(request(3600.0))
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # the child: never returns to pytest
        try:
            heard: list[str] = []
            module.say_past = lambda request, mark: heard.append(mark)
            alone = not module.watcher._running
            module.watcher.watch(request(0.05))
            end = time.monotonic() + 5
            while len(heard) < 3 and time.monotonic() < end:
                time.sleep(0.005)
            os.write(write, f"{alone} {len(heard)}".encode())
        finally:
            os._exit(0)
    os.close(write)
    try:
        assert b"True 3" == os.read(read, 100)
    finally:
        os.waitpid(child, 0)
        os.close(read)


def test_request_that_has_just_ended_is_not_told(capfd) -> None:
    """Though the thread had taken it up: it may have been frozen before it came to write."""
    late = request(0.3, ago_s=1.0)
    still = written(capfd, lambda: module.say_past(late, "warning"))
    late.ended = True

    assert ["warning"] == marks(still)
    assert [] == written(capfd, lambda: module.say_past(late, "warning"))


def test_entries_of_requests_that_have_ended_do_not_pile_up(said: list[str]) -> None:
    """With a day's limit their time would come in a day; those that still run are kept."""
    watcher = Watcher()
    soon = watcher.watch(request(0.5))
    for _ in range(5000):
        watcher.forget(watcher.watch(request(86_000.0)))

    assert len(watcher._due) < 2000
    until(lambda: "limit" in said)
    watcher.forget(soon)
    assert ["warning", "critical", "limit"] == said


def test_requests_that_have_ended_are_let_go() -> None:
    """A server runs for months."""
    handler = guard_handler(lambda event, context: None)
    before = set(module.watcher._running)
    with writer.silenced():
        for _ in range(10):
            handler(http_event(), Context())

    assert set(module.watcher._running) <= before


def test_entry_of_a_request_that_has_ended_fires_nothing(said: list[str]) -> None:
    """The thread had taken it from the heap when the request ended."""
    watcher = Watcher()
    watcher._fire(0.0, 7, 0)

    assert ([], []) == (said, watcher._due)


def test_mark_that_could_not_be_told_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the request's own end record."""

    def fail(*_: object) -> str:
        raise RuntimeError("no line")

    monkeypatch.setattr(module.lines, "request_past", fail)
    writer.dropped.take()
    module.say_past(request(0.3, ago_s=1.0), "warning")

    assert 1 == writer.dropped.take()
