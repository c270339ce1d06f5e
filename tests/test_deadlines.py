"""The deadline is the sooner of the gateway's and Lambda's own, on a clock that nobody corrects."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from guards.deadlines import Budget, Deadline, budget_of
from guards.origin import Origin


@pytest.fixture(autouse=True)
def stopped_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is always 23:48:10 on the wall, and 1000 s on the monotonic clock."""
    wall = datetime(2026, 2, 9, 23, 48, 10, tzinfo=UTC).timestamp()
    monkeypatch.setattr(time, "time", lambda: wall)
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)


def received(seconds_ago: float, gateway: str | None = "http") -> Origin:
    return Origin(gateway, (time.time() - seconds_ago) * 1000)  # type: ignore[arg-type]


def remaining(budget: Budget) -> float:
    return budget.deadline.remaining.total_seconds()


@pytest.mark.parametrize(
    ("gateway", "limit_ms", "left_ms", "by", "left"),
    [
        ("http", None, 300_000, "gateway", 28.5),
        ("rest", None, 300_000, "gateway", 27.5),
        ("http", 20_000, 300_000, "gateway", 18.5),
        ("http", None, 6_000, "lambda", 6.0),
        ("http", None, 0, "lambda", 0.0),
        ("http", None, None, "gateway", 28.5),
        (None, None, 300_000, "lambda", 300.0),
        (None, 20_000, 300_000, "lambda", 300.0),
    ],
)
def test_the_sooner_limit_decides(gateway, limit_ms, left_ms, by, left) -> None:
    """A gateway's clock began when it received the request; 0 ms left is not the same as not known."""
    budget = budget_of(received(1.5, gateway), limit_ms, left_ms)

    assert (by, left) == (budget.deadline.limit_by, pytest.approx(remaining(budget)))


def test_nobody_gives_up_where_nothing_says_so() -> None:
    """Without gateway and Lambda there is no deadline, and time remains for any comparison."""
    deadline = budget_of(Origin(), None, None).deadline

    assert not deadline.known
    assert deadline.remaining > timedelta(days=10_000)
    assert deadline.at is None


def test_deadline_that_is_over_leaves_nothing() -> None:
    """A gateway that gave up 5 s ago leaves zero, not less."""
    budget = budget_of(received(35.0), None, 300_000)

    assert timedelta(0) == budget.deadline.remaining
    assert datetime(2026, 2, 9, 23, 48, 5, tzinfo=UTC) == budget.deadline.at


@pytest.mark.parametrize(
    ("ago", "age", "skew"),
    [
        (-0.05, 0.0, None),
        (-2.0, 0.0, -2000),
        (0.0, 0.0, None),
        (899.0, 899.0, None),
        (86_400.0, 0.0, 86_400_000),
    ],
    ids=["a clock's tick", "the future", "now", "a slow init", "a stored test event"],
)
def test_skew_is_clamped_and_said(ago: float, age: float, skew: int | None) -> None:
    """A receive time that cannot be is taken for now, and by how much it was off is told."""
    budget = budget_of(received(ago), None, None)

    assert (age, skew) == (pytest.approx(1000.0 - budget.received, abs=1e-3), budget.skew_ms)


def test_deadline_moves_with_no_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A corrected wall clock changes nothing: the deadline was made monotonic once."""
    deadline = budget_of(received(0), None, None).deadline
    monkeypatch.setattr(time, "time", lambda: 0.0)
    monkeypatch.setattr(time, "monotonic", lambda: 1010.0)

    assert timedelta(seconds=20) == deadline.remaining
    assert Deadline("gateway", 1030.0) == deadline
