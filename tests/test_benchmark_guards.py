"""The benchmark of guards: each contestant does what it is measured for, or there is no table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
WRONG = """
import sys
sys.path.insert(0, sys.argv[1])
import handlers, rounds, workers
from dataclasses import replace
from peers.request import LAMBDA

wrong = {WRONG}
with workers.started([wrong], LAMBDA, "null") as [worker]:
    rounds.proved(worker)
"""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=300)


def proof_of(wrong: str) -> str:
    """What the benchmark says to a contestant that is not what it should be."""
    return run("-c", WRONG.replace("{WRONG}", wrong), str(BENCHMARKS)).stderr


@pytest.mark.once
def test_benchmark_prints_its_tables() -> None:
    """One small round of everything: spans, lines and answers are counted before anything is timed."""
    done = run(str(BENCHMARKS / "guards.py"), "--rounds", "1", "--requests", "3", "--starts", "1")
    titles = [line for line in done.stdout.splitlines() if line.startswith("### ")]

    assert 0 == done.returncode, done.stderr
    assert 4 == len(titles)
    assert 7 == done.stdout.count("| coaching-guard with the SDK, ")
    assert "| guards | " in done.stdout


def test_benchmark_stops_where_lines_are_missing() -> None:
    """A handler that writes fewer records than it should would be fast."""
    said = proof_of("replace(handlers.OURS, environ={'GUARD_START_RECORDS': '0'})")

    assert "coaching-guard, 6 records: expected 18 lines, got 9" in said


def test_benchmark_stops_where_spans_are_missing() -> None:
    """A handler that makes fewer spans than it should would be fast."""
    said = proof_of("replace(handlers.OTEL, made={'spans': 4})")

    assert "expected 12 spans, got {'spans': 9" in said


def test_benchmark_stops_where_spans_differ() -> None:
    """Spans made by hand are those that guards make: names, kinds, parents, attributes."""
    script = WRONG.replace(
        "    rounds.proved(worker)",
        "    right = rounds.proved(worker)\n"
        "    rounds.same_spans([right, replace(right, spans=right.spans[1:])])",
    )
    done = run("-c", script.replace("{WRONG}", "handlers.HAND"), str(BENCHMARKS))

    assert "by hand with the SDK, no lines made [" in done.stderr
    assert 1 == done.returncode
