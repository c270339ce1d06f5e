"""The benchmark: its corpora are what they say, and `guard trace` finds what was put into them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
MAKE = "import corpus, pathlib, sys; print(corpus.make(sys.argv[2], 4, pathlib.Path(sys.argv[3])).path)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where corpora of one size are made once for all tests here."""
    return tmp_path_factory.mktemp("corpora")


def made(kind: str, folder: Path) -> Path:
    code = f"import sys; sys.path.insert(0, sys.argv[1]); {MAKE}"
    done = subprocess.run(
        [sys.executable, "-c", code, str(BENCHMARKS), kind, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Path(done.stdout.strip())


def test_benchmark_prints_its_table(folder: Path) -> None:
    """One round on small files: guard finds each corpus's four requests, or the benchmark stops."""
    words = ["--size-mb", "4", "--rounds", "1", "--keep", str(folder)]
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "trace.py"), *words], capture_output=True, text=True
    )

    assert 0 == done.returncode, done.stderr
    rows = [line.split("|") for line in done.stdout.splitlines() if "guard trace" in line]
    assert ["plain, IDs on every line", "plain, IDs carried", "gzip, IDs carried"] == [
        row[1].strip() for row in rows
    ]


def test_benchmark_of_a_scan_prints_its_table(folder: Path) -> None:
    """One round on small files: as many requests as there are REPORT lines, or the benchmark stops."""
    words = ["--size-mb", "4", "--rounds", "1", "--keep", str(folder)]
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "scan.py"), *words], capture_output=True, text=True
    )

    assert 0 == done.returncode, done.stderr
    rows = [line.split("|")[1].strip() for line in done.stdout.splitlines() if "| guard scan" in line]
    assert ["plain, 4 MB", "plain, 1 MB", "gzip of 1 MB"] == rows
    assert "\nRate, from 1 to 4 MB: " in done.stdout


def test_benchmark_stops_at_a_wrong_answer(tmp_path: Path) -> None:
    """A contestant that answers fast but finds something else is no contestant."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text("""print('{"requests": [], "sources": []}')""")
    words = [
        "--size-mb",
        "1",
        "--rounds",
        "1",
        "--keep",
        str(tmp_path),
        "--guard",
        f"{sys.executable} {wrong}",
    ]
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "trace.py"), *words], capture_output=True, text=True
    )

    assert "guard trace (plain, IDs on every line) is wrong: requests: expected" in done.stderr
    assert 1 == done.returncode


def test_corpus_has_the_same_bytes_every_time(folder: Path, tmp_path: Path) -> None:
    """Two machines measure the same corpus."""
    once, again = (made("carried", place).read_bytes() for place in (folder, tmp_path))

    assert once == again


@pytest.mark.parametrize("kind", ["carried", "on-line"])
def test_corpus_is_in_time_order_and_as_large_as_asked(kind: str, folder: Path) -> None:
    """Eight streams stand interleaved, and no event stands before an earlier one."""
    path = made(kind, folder)
    events = [json.loads(line) for line in path.read_text("ascii").splitlines()]
    times = [event["timestamp"] for event in events]

    assert sorted(times) == times
    assert 8 == len({event["logStream"] for event in events})
    assert len(events) == len({event["eventId"] for event in events})
    assert 4_000_000 <= path.stat().st_size


@pytest.mark.parametrize("kind", ["carried", "on-line"])
def test_corpus_knows_where_its_session_stands(kind: str, folder: Path) -> None:
    """The counts that answers are checked against are true of the file, read with nothing but json."""
    path = made(kind, folder)
    facts = json.loads(path.with_suffix(".json").read_text())
    lines = path.read_text("ascii").splitlines()

    assert facts["lines"] == len(lines)
    assert facts["naming_session"] == sum(facts["session_id"] in line for line in lines)
    assert facts["naming_request"] == sum(
        any(each in line for each in facts["request_ids"]) for line in lines
    )
    assert facts["request_lines"] == sum(carried_lines(lines, each) for each in facts["request_ids"])


def carried_lines(lines: list[str], request_id: str) -> int:
    """How many lines stand from START to REPORT of a request, in its stream."""
    begin = next(i for i, line in enumerate(lines) if f"START RequestId: {request_id}" in line)
    stream = json.loads(lines[begin])["logStream"]
    own = [line for line in lines[begin:] if stream in line]
    return 1 + next(i for i, line in enumerate(own) if f"REPORT RequestId: {request_id}" in line)
