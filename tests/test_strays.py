"""A test reads its own records only, whatever the tests before it left running."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from guards.deadlines import Budget, Deadline
from guards.request import Request
from guards.watcher import Watcher, watcher
from guards.writer import writer
from tests import strays


def of_a_thread(work: Callable[[], object], between: Callable[[], object]) -> None:
    """Some work by a thread that was there before something else happens."""
    go = threading.Event()
    thread = threading.Thread(target=lambda: go.wait(10) and work())
    thread.start()
    between()
    go.set()
    thread.join(10)


@pytest.mark.parametrize("left", [False, True])
def test_a_thread_that_outlives_its_test_is_not_heard(left: bool, capfd: pytest.CaptureFixture[str]) -> None:
    """The same thread is heard as long as its test runs."""
    of_a_thread(lambda: writer.write("{}\n"), strays.let_go if left else lambda: None)

    assert ("" if left else "{}\n") == capfd.readouterr().out


@pytest.mark.parametrize("left", [False, True])
def test_a_request_that_outlives_its_test_is_not_heard(left: bool, capfd: pytest.CaptureFixture[str]) -> None:
    """The watcher's thread serves later tests too, so it forgets the request instead."""
    now = time.monotonic()
    budget = Budget(now, 0.06, Deadline("gateway", now + 0.06))
    generation = watcher.watch(Request(service="api", request_id="a", budget=budget))
    if left:
        strays.let_go()
        capfd.readouterr()
    time.sleep(0.2)

    assert left is (generation not in watcher._running)
    assert left is ("request.past" not in capfd.readouterr().out)


def test_a_watcher_of_a_tests_own_is_not_heard_after_it(capfd: pytest.CaptureFixture[str]) -> None:
    """Its thread has the name of the one that all tests share, and goes on for as long as a gateway waits."""
    now = time.monotonic()
    budget = Budget(now, 0.06, Deadline("gateway", now + 0.06))
    Watcher().watch(Request(service="api", request_id="a", budget=budget))
    strays.let_go()
    time.sleep(0.2)

    assert "" == capfd.readouterr().out
