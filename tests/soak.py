"""The long runs of the completion guard, one by its name, and of what size.

    python3 run.py soak worlds|machine|kills|race|dynalite [COUNT]

Each says what it did, how long it took and what went wrong, and ends with 1 where something did.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.completion_kills import KILLS, survived
from tests.completion_machine import run_steps
from tests.completion_race import races
from tests.completion_world import Broken, World, plan_of
from tests.moto_server import moto_server
from tests.programs import Program

Wrong = Counter[str]
"""What went wrong, and how often."""


def worlds(count: int) -> Wrong:
    """worlds on a virtual clock, each of another seed"""
    return Wrong(filter(None, map(_broken, range(count))))


def machine(count: int) -> Wrong:
    """steps of Hypothesis's state machine, at least"""
    try:
        run_steps(count)
    except AssertionError as broken:
        return Wrong([str(broken)])
    return Wrong()


def kills(count: int) -> Wrong:
    """deaths at each step of the protocol, before it takes effect and after it"""
    return Wrong(filter(None, (_not_survived(step, when, count) for step, when in KILLS)))


def race(count: int) -> Wrong:
    """sessions, each with fifty completers at once, on moto behind a lock"""
    with moto_server() as url:
        return _raced(url, count)


def dynalite(count: int) -> Wrong:
    """sessions, each with fifty completers at once, on npm's dynalite"""
    with dynalite_server() as url:
        return _raced(url, count)


RUNS: Final[dict[str, tuple[Callable[[int], Wrong], int]]] = {
    "worlds": (worlds, 20_000),
    "machine": (machine, 20_000),
    "kills": (kills, 500),
    "race": (race, 1_000),
    "dynalite": (dynalite, 200),
}
"""Name -> the run, and how many are meant where no number is given."""


def main(words: list[str]) -> int:
    """Run one, and say what came of it."""
    parser = argparse.ArgumentParser(prog="run.py soak", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("name", choices=RUNS)
    parser.add_argument("count", type=int, nargs="?")
    asked = parser.parse_args(words)
    run, usual = RUNS[asked.name]
    count, began = asked.count or usual, time.monotonic()
    wrong = run(count)
    took = time.monotonic() - began
    print(f"{asked.name}: {count:,} {run.__doc__}: {took:.0f} s; wrong: {dict(wrong) or 'nothing'}")
    return 1 if wrong else 0


@contextmanager
def dynalite_server() -> Iterator[str]:
    """The URL of the dynalite that run.py installed, on the Node of the extra cdk."""
    from alarms.cdk import packaged_node  # brings aws_cdk along, which only this one needs

    command = [str(packaged_node()), os.environ["GUARD_DYNALITE"], "--host", "127.0.0.1"]
    command += ["--port", str(_free_port())]
    with tempfile.TemporaryDirectory() as place, Program(command, Path(place, "output")) as program:
        yield program.wait_for(r"listening at: (http://127\.0\.0\.1:\d+)")[1]


def _free_port() -> int:
    """dynalite cannot be asked to choose one."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _raced(url: str, sessions: int) -> Wrong:
    return Wrong(what for wrong in races(url, sessions) for what in wrong)


def _broken(seed: int) -> str | None:
    try:
        World(seed, plan_of(seed)).run()
    except Broken as broken:
        return f"seed {seed}: {broken}"
    return None


def _not_survived(step: str, when: str, count: int) -> str | None:
    try:
        seen = survived(step, when, count)
    except Broken as broken:
        return str(broken)
    return None if seen == count else f"{when} {step}: only {seen} deaths"


if __name__ == "__main__":
    os.environ["GUARD_DISABLED"] = "1"  # else two records for each commit of a race
    sys.exit(main(sys.argv[1:]))
