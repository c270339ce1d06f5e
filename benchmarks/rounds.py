"""Rounds of requests: contestants in turns, what they cost, and how that compares."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from handlers import RECORDS, Bar
from workers import Cost, Peer, Worker

_PROVED = 3
"""Requests that are looked at before any is timed."""
_COUNTED = 10
"""Requests whose instructions are counted."""
_WARM_UP = 2
"""Rounds that do not count."""


@dataclass
class Result:
    """How a contestant did."""

    peer: Peer
    spans: Any
    """The last spans that it made, as far as they can be compared; None where there is no SDK."""
    bytes_a_request: float
    """Of what it prints."""
    instructions: float = 0.0
    """Of Python's bytecode, a request: the same on a busy machine as on an idle one."""
    costs: list[Cost] = field(default_factory=list)

    @property
    def thread(self) -> float:
        """Median, in us."""
        return statistics.median(cost.thread for cost in self.costs)

    @property
    def process(self) -> float:
        """Median, in us."""
        return statistics.median(cost.process for cost in self.costs)


def proved(worker: Worker) -> Result:
    """What a contestant makes of a few requests; ends the benchmark where that is not what it must be."""
    proof = worker.prove(_PROVED)
    peer = worker.peer
    lines = len(proof["lines"])
    if lines != peer.lines * _PROVED:
        raise SystemExit(f"{peer.name}: expected {peer.lines * _PROVED} lines, got {lines}")
    for what, count in peer.made.items():
        if proof["made"].get(what) != count * _PROVED:
            raise SystemExit(f"{peer.name}: expected {count * _PROVED} {what}, got {proof['made']}")
    return Result(peer, proof.get("attributes"), sum(len(line) + 1 for line in proof["lines"]) / _PROVED)


def same_spans(results: Sequence[Result]) -> None:
    """End the benchmark where contestants that must make the same spans do not."""
    for first, other in pairwise(results):
        if other.spans != first.spans:
            raise SystemExit(f"{first.peer.name} made {first.spans}, {other.peer.name} {other.spans}")


def measure(workers: Sequence[Worker], results: Sequence[Result], rounds: int, requests: int) -> None:
    """Add a cost to each result in each round, and count the instructions at the end."""
    for number in range(-_WARM_UP, rounds):
        for worker, result in zip(workers, results, strict=True):
            cost = worker.cost(requests)
            if number >= 0:
                result.costs.append(cost)
    for worker, result in zip(workers, results, strict=True):
        result.instructions = worker.instructions(_COUNTED)


def table(results: Sequence[Result]) -> Iterator[str]:
    """A row for each contestant."""
    yield "| contestant | thread us | process us | instructions | bytes printed |\n|---|--:|--:|--:|--:|"
    for each in results:
        times = f"{each.thread:.1f} | {each.process:.1f}"
        yield f"| {each.peer.name} | {times} | {each.instructions:,.0f} | {each.bytes_a_request:.0f} |"


def volume(results: Sequence[Result]) -> Iterator[str]:
    """What records cost in log volume, with start records and without."""
    for each in results:
        if each.peer in RECORDS:
            yield f"{each.peer.name}: {each.bytes_a_request:,.0f} bytes of log a request."


def comparisons(bars: Sequence[Bar], results: Sequence[Result]) -> Iterator[str]:
    """A row for each bar that these contestants have."""
    known = {each.peer.name: each for each in results}
    yield "| ours | beside | ratio (thread) | ratio (process) | bar |\n|---|---|--:|--:|--:|"
    for bar in bars:
        if bar.ours.name in known and bar.theirs.name in known:
            thread, process = (_ratio(bar, known, clock) for clock in ("thread", "process"))
            beside = f"{bar.theirs.name}, both over the {bar.over.name}" if bar.over else bar.theirs.name
            ratios = f"{thread:.2f} | {process:.2f} | {_asked(bar, thread)}"
            yield f"| {bar.ours.name} | {beside} | {ratios} |"


def _ratio(bar: Bar, known: dict[str, Result], clock: str) -> float:
    """The median of the rounds' own ratios: what slows a whole round down is not in it."""

    def of(peer: Peer | None) -> list[float]:
        costs = known[bar.ours.name].costs if peer is None else known[peer.name].costs
        return [0.0 if peer is None else getattr(cost, clock) for cost in costs]

    rounds = zip(of(bar.ours), of(bar.theirs), of(bar.over), strict=True)
    return statistics.median((ours - floor) / (theirs - floor) for ours, theirs, floor in rounds)


def _asked(bar: Bar, ratio: float) -> str:
    if bar.most is None:
        return "none"
    return f"{bar.most:.2f}, {'met' if ratio <= bar.most else 'missed'}"
