"""The completion protocol as a state machine; python -m tests.completion_machine is the long run."""

from __future__ import annotations

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
    """The machine itself is able to fail: without a condition it comes upon a broken promise."""
    missing = (("claim", "guard_version"), ("complete", "guard_owner"), ("release", "guard_owner"))

    assert any(finds(f"Without{number}", *condition) for number in range(3) for condition in missing)


def finds(name: str, operation: str, attribute: str) -> bool:
    """Whether a machine breaks a promise without this condition; each name is another course of chance."""
    machine = type(f"{name}{operation}", (Protocol,), {"without": (operation, attribute)})
    try:
        run_state_machine_as_test(
            machine, settings=settings(SHORT, max_examples=1000, phases=[Phase.generate])
        )
    except Broken:
        return True
    return False
