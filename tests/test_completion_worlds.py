"""The completion protocol on a virtual clock: interleavings, kills, deadlines, and mutants of every rule."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from guards.completion import writes
from guards.completion.engine import Engine
from guards.completion.requests import Policy, Requests
from guards.completion.states import Session
from guards.completion.steps import Step
from guards.completion.times import Times
from guards.completion.workers import Workers
from guards.completion.writes import Claim, Expected
from tests import completion_mutants as mutants
from tests.completion_kills import KILLS, QUIET, STEPS, survived
from tests.completion_world import SESSION, Broken, Plan, World, plan_of

SEEDS = 10_000
PARTS = 8
"""pytest-xdist may run them side by side."""

HUNTING: dict[Any, Plan] = {
    ("save", "session_id"): replace(QUIET, legacy=True, deleter=True, messengers=3, policy="defer"),
    ("fail", "guard_owner"): replace(
        QUIET, policy="defer", raising=1.0, freezes=0.5, faults_until=3000.0, times=Times(attempts=1)
    ),
    ("close", "guard_version"): replace(
        QUIET,
        policy="defer",
        outsider="paused",
        raising=1.0,
        freezes=0.3,
        queue_faults=0.5,
        faults_until=3000.0,
        times=Times(attempts=1),
    ),
    ("close", "status"): replace(QUIET, policy="defer", outsider="paused", resumes=True, faults=0.3),
    mutants.ForgetsWhoWaits: replace(QUIET, sweeper=False, gives_up=1.0, faults=0.5, extraction=(30.0, 60.0)),
    mutants.ForgetsTheNextAttempt: replace(QUIET, sweeper=False, gives_up=1.0, raising=0.7),
    mutants.NeverRenews: replace(QUIET, policy="defer", extraction=(100.0, 120.0)),
    mutants.IsSureOfWhatItDoesNotKnow: replace(
        QUIET, policy="defer", sweeper=False, gives_up=1.0, extraction=(30.0, 31.0), outage=(25.0, 120.0)
    ),
    mutants.InlineWithoutMessage: replace(QUIET, sweeper=False, faults=0.5, extraction=(30.0, 60.0)),
    mutants.AnswersUnstored: replace(QUIET, faults=0.6, extraction=(1.0, 2.0)),
    mutants.HandsOverToItself: replace(QUIET, faults=0.4, extraction=(30.0, 60.0)),
}
"""Where a mutant's harm is rare in all worlds: worlds in which it is not."""


@pytest.mark.once
@pytest.mark.parametrize("part", range(PARTS))
def test_no_promise_is_broken_in_ten_thousand_worlds(part: int) -> None:
    """No session is lost, completed twice or told pending for nothing; every answer is in time."""
    for seed in range(part, SEEDS, PARTS):
        try:
            World(seed, plan_of(seed)).run()
        except Broken as broken:
            pytest.fail(f"seed {seed}: {broken}")


def test_every_call_that_the_engine_makes_is_a_step_to_die_at() -> None:
    """A step that is added to the protocol is one more place where a process may end."""
    sources = [Path(str(inspect.getsourcefile(each))) for each in (Engine, Requests, Workers)]
    named = "|".join(("[RWS][0-9] [a-z ]+", "look again", "save"))
    calls = {name for source in sources for name in re.findall(rf'"({named})"', source.read_text("utf-8"))}

    assert calls == set(STEPS) - {"Start", "Wait", "Stop"}
    assert {"Start", "Wait", "Stop", "Do", "Pause"} == {each.__name__ for each in get_args(Step)}


@pytest.mark.parametrize(("step", "when"), KILLS)
def test_no_session_is_lost_when_a_process_dies_at_a_step(step: str, when: str) -> None:
    """Whichever step is a process's last, before or after it took effect, the session is completed once."""
    assert 50 == survived(step, when, 50)


def test_visibility_that_ends_before_the_lease_costs_no_session() -> None:
    """A message that comes again while the dead worker's lease still runs is sent on until it is over."""
    dies = replace(QUIET, policy="defer", sweeper=False, gives_up=1.0, kill_at=("Start", "after", 1))
    for seed in range(50):
        world = World(seed, replace(dies, visibility=5.0)).run()

        assert (2, "completed") == (world.accepted, world.table.items[SESSION]["guard_state"])


@pytest.mark.parametrize("policy", get_args(Policy))
@pytest.mark.parametrize("predicted", [0.0, 10.0, 60.0])
def test_answer_comes_a_second_before_the_gateway_gives_up(policy: Policy, predicted: float) -> None:
    """For extractions of 1 to 120 s the answer is in time, whatever was predicted, and the result comes."""
    for seconds in range(1, 121):
        plan = replace(QUIET, policy=policy, predicted=predicted, extraction=(float(seconds), float(seconds)))
        world = World(seconds, plan).run()

        assert world.slowest <= 29.0
        assert "completed" == world.table.items[SESSION]["guard_state"]


def test_short_extraction_is_answered_at_once_and_long_one_is_pending_first() -> None:
    """Inline-or-defer gives the result itself where it fits, and hands over where it does not."""
    kinds = []
    for seconds in (5.0, 60.0):
        world = World(1, replace(QUIET, extraction=(seconds, seconds)))
        heard: list[str] = []
        hears = world._hears

        def listen(client: Any, reply: Any, heard: list[str] = heard, hears: Any = hears) -> None:
            heard.append(reply.kind)
            hears(client, reply)

        world._hears = listen  # type: ignore[method-assign]
        world.run()
        kinds.append(heard)

    assert [["completed"], "pending", "completed"] == [kinds[0], kinds[1][0], kinds[1][-1]]


def test_every_condition_of_every_write_is_among_the_mutants() -> None:
    """A condition that is added to the protocol must be shown to be needed."""
    expected = Expected(1)
    all_writes = (
        writes.save(SESSION, {}, expected, "token"),
        writes.claim(SESSION, Claim("token", "job", 1, 0.0, True), expected),
        writes.renew(SESSION, "owner", 0.0),
        writes.complete(SESSION, "owner", {}, 0.0),
        writes.fail(SESSION, "owner", "reason"),
        writes.release(SESSION, "owner", 0.0),
        writes.close(Session.of({"session_id": SESSION, "status": "cancelled"}), "token"),
    )
    conditions = {(write.operation, each.attribute) for write in all_writes for each in write.conditions}

    assert conditions == set(mutants.CONDITIONS)
    assert set(get_args(writes.Operation)) == {write.operation for write in all_writes}


@pytest.mark.parametrize("condition", mutants.CONDITIONS, ids="-".join)
def test_without_one_condition_a_promise_is_broken(condition: tuple[str, str]) -> None:
    """Each condition of a write is needed: without it some world breaks a promise, with it none does."""
    assert _hunted(HUNTING.get(condition), without=condition)


@pytest.mark.parametrize("mutant", mutants.ENGINES, ids=lambda mutant: mutant.__name__)
def test_without_one_rule_a_promise_is_broken(mutant: type[Engine]) -> None:
    """Each rule of the engine is needed: without it some world breaks a promise, with it none does."""
    kind = "requests" if issubclass(mutant, Requests) else "workers"

    assert _hunted(HUNTING.get(mutant), **{kind: mutant})


def test_not_recognising_ones_own_write_breaks_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused write whose token stands in the item must be known to have taken effect."""
    plan = replace(QUIET, faults=0.5, extraction=(1.0, 2.0))
    assert not _broken(plan, 200)
    forgetful = lambda write, item: writes.Outcome(False, Session.of(item) if item else None)  # noqa: E731
    monkeypatch.setattr("guards.completion.memory.judged", forgetful)

    assert _broken(plan, 200)


def _hunted(plan: Plan | None, **mutation: Any) -> bool:
    """Whether a mutant breaks a promise, in worlds where the protocol itself does not."""
    for seed in range(3000):
        try:
            World(seed, plan or plan_of(seed), **mutation).run()
        except Broken:
            World(seed, plan or plan_of(seed)).run()
            return True
    return False


def _broken(plan: Plan, seeds: int) -> bool:
    for seed in range(seeds):
        try:
            World(seed, plan).run()
        except Broken:
            return True
    return False
