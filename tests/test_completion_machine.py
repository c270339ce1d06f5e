"""The completion protocol as a state machine; python -m tests.completion_machine is the long run."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.completion_machine import Protocol
from tests.completion_world import Broken

SHORT = settings(
    max_examples=60,
    stateful_step_count=50,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def test_every_course_of_events_keeps_the_promises() -> None:
    """Whoever steps next, is not answered or dies: completed once, pending for something, nothing lost."""
    run_state_machine_as_test(Protocol, settings=SHORT)


def test_machine_finds_a_missing_condition() -> None:
    """The machine itself is able to fail: without the owner's condition a stranger completes a session."""

    class Unowned(Protocol):
        without = ("complete", "guard_owner")

    searching = settings(SHORT, max_examples=2000, phases=[Phase.generate])
    with pytest.raises(Broken, match=r"complete by one who does not own it|completed twice"):
        run_state_machine_as_test(Unowned, settings=searching)
