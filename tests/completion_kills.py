"""Worlds in which a process dies at one step of the protocol, before or after it took effect."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, product
from typing import Final

from guards.completion.times import Times
from tests.completion_world import SESSION, Broken, Plan, World

QUIET = Plan(clients=1, messengers=0, gives_up=0.0, faults=0.0, kills=0.0, freezes=0.0, queue_faults=0.0)
"""Nothing goes wrong."""
STEPS: Final = (
    *("R1 load", "R1 send", "R2 claim", "R3 send", "R6 complete", "R7 release", "R8 send", "look again"),
    *("W1 load", "W2 send on", "W2 close", "W3 claim", "W3 send on", "W4 fail", "W6 renew", "W7 complete"),
    *("W8 release", "W8 send", "S1 find", "S2 send", "Start", "Wait", "Stop", "save"),
)
"""Every step of the protocol that a process can die at."""
KILLS: Final = tuple(product(STEPS, ("before", "after")))
"""Every way to die there."""


def survived(step: str, when: str, count: int) -> int:
    """In how many worlds, of so many at most, a process died there and all ended well.

    Raises Broken where one did not.
    """
    killed = (seed for seed in range(20 * count) if _killed(seed, step, when))
    return sum(1 for _ in islice(killed, count))


def _killed(seed: int, step: str, when: str) -> bool:
    """Whether a process was killed there in this world, which must have ended well all the same."""
    plan = replace(_plan_through(step, seed), kill_at=(step, when, 1 + seed % 2))
    world = World(seed, plan).run()
    if world.kill_seen < 1 + seed % 2:
        return False
    state = world.table.items[SESSION]["guard_state"]
    if world.meddled:  # the world has judged that it stayed as somebody set it, and is open no more
        return True
    if state != "completed" and not (state == "failed" and plan.raising):
        raise Broken(f"seed {seed}: {state} after a death {when} {step}")
    return True


def _plan_through(step: str, seed: int) -> Plan:
    """A plan whose processes come by this step."""
    plan = replace(
        QUIET, clients=2, messengers=1, extraction=(1.0, 120.0), policy=("inline-or-defer", "defer")[seed % 2]
    )
    if step in ("W8 release", "W8 send"):
        return replace(plan, raising=0.7)
    if step in ("R6 complete", "R7 release", "R8 send", "R3 send"):
        return replace(
            plan, policy="inline-or-defer", extraction=(5.0, 15.0) if step[1] == "6" else (40.0, 60.0)
        )
    if step == "W2 close":
        return replace(plan, outsider="paused", queue_faults=0.5)
    if step == "look again":
        return replace(plan, faults=0.5)
    if step == "W3 send on":
        return replace(plan, policy="defer", clients=3, queue_faults=0.9, freezes=0.2)
    if step == "S2 send":
        return replace(plan, policy="defer", gives_up=1.0, queue_faults=0.9)
    if step == "save":
        return replace(plan, messengers=3)
    if step == "Stop":
        return replace(plan, policy="inline-or-defer", extraction=(40.0, 60.0))
    if step == "W6 renew":
        return replace(plan, extraction=(90.0, 120.0))
    if step == "W4 fail":
        return replace(plan, raising=1.0, times=Times(attempts=2))
    if step in ("R1 send", "S2 send", "W2 send on"):
        return replace(plan, clients=3, queue_faults=0.7, extraction=(40.0, 120.0))
    return plan
