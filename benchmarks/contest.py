"""What a benchmark of whole processes is made of: contestants, rounds, proof, and the table of medians.

A round runs each contestant once, so that a slow minute of the machine meets all of them. Every answer is
checked; a wrong one stops the benchmark. What is not installed is left out and said so.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import util
from pathlib import Path

import corpus as corpora
from corpus import GZIP_LEVEL
from machine import machine, versions
from measure import Memory, memory, seconds

ROOT = Path(__file__).resolve().parent.parent

Check = Callable[[Sequence[Path]], str | None]
"""From the output files of a contestant's commands: what is wrong with them, or None."""


@dataclass
class Contestant:
    """One way to the answer, and how it did."""

    data: str
    """What it reads: names one group of the table."""
    name: str
    commands: list[list[str]]
    check: Check = lambda outputs: None
    baseline: bool = False
    """Ratios of its group are to this one."""
    rounds: int | None = None
    """None: all."""
    times: list[float] = field(default_factory=list)
    memory: Memory | None = None

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.times)


def arguments(about: str) -> argparse.ArgumentParser:
    """The options that each benchmark of whole processes has."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--size-mb", type=int, default=1200, help="size of a corpus [1200]")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each contestant [5]")
    parser.add_argument(
        "--keep", metavar="DIR", help="where the corpora are made and looked for [a temporary folder]"
    )
    parser.add_argument("--guard", metavar="COMMAND", help="how to start guard [the one beside this Python]")
    return parser


def corpora_folder(given: str | None) -> Path:
    """Where the corpora are: as asked, else a folder of this user's that stays."""
    if given:
        return Path(given)
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    return Path(tempfile.gettempdir()) / f"coaching-guard-benchmark-{user}"


def guard_command(given: str | None) -> list[str]:
    """How guard is started: as asked, else the one installed beside this Python, else the checkout."""
    if given:
        return shlex.split(given)
    beside = Path(sys.executable).with_name("guard")
    if beside.exists():
        return [str(beside)]
    return [
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from cli import main; main()",
    ]


def ripgrep() -> str | None:
    """The program; None is noted as left out."""
    found = shutil.which("rg")
    return found if found or _skip("rg is not installed (Debian: apt install ripgrep)") else None


def has(package: str) -> bool:
    """Whether a package is installed; one that is not is noted as left out."""
    return util.find_spec(package) is not None or _skip(f"{package} is not installed")


_skipped: dict[str, None] = {}


def _skip(reason: str) -> bool:
    _skipped[reason] = None
    return False


def differs(what: str, expected: object, actual: object) -> str | None:
    """What is wrong with an answer, or None."""
    return None if expected == actual else f"{what}: expected {expected}, got {actual}"


def compete(contestants: list[Contestant], rounds: int) -> None:
    """Run everybody and print the table of medians."""
    with tempfile.TemporaryDirectory() as scratch:
        _run(contestants, rounds, Path(scratch))
    print(_table(contestants, rounds))


def _run(contestants: list[Contestant], rounds: int, scratch: Path) -> None:
    say("a round for memory and correctness; it also warms the page cache")
    for each in contestants:
        peaks = [
            memory(command, out, scratch)
            for command, out in zip(each.commands, _outputs(each, scratch), strict=True)
        ]
        each.memory = Memory(
            max(peak.resident for peak in peaks),
            max((peak.anonymous for peak in peaks if peak.anonymous is not None), default=None),
        )
        _checked(each, scratch)
    for number in range(1, rounds + 1):
        say(f"round {number} of {rounds}")
        for each in contestants:
            if each.rounds is None or number <= each.rounds:
                outputs = _outputs(each, scratch)
                each.times.append(
                    sum(seconds(*pair, scratch) for pair in zip(each.commands, outputs, strict=True))
                )
                _checked(each, scratch)


def _outputs(each: Contestant, scratch: Path) -> list[Path]:
    # What cat writes goes nowhere, as little of the others' output as there is goes to a file.
    return (
        [Path(os.devnull)] if each.name == "cat" else [scratch / f"out{n}" for n in range(len(each.commands))]
    )


def _checked(each: Contestant, scratch: Path) -> None:
    if wrong := each.check(_outputs(each, scratch)):
        raise SystemExit(f"{each.name} ({each.data}) is wrong: {wrong}")
    (scratch / "found").unlink(missing_ok=True)


def _table(contestants: list[Contestant], rounds: int) -> str:
    lines = [
        "| file | contestant | median | to rg | peak MB without mapped files | peak RSS MB |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for each in contestants:
        base = next((one for one in contestants if one.baseline and one.data == each.data), None)
        ratio = f"{each.median / base.median:.2f}" if base else "?"
        runs = f" ({len(each.times)} of {rounds} rounds)" if len(each.times) < rounds else ""
        bold = "**" if each.name == "guard trace" else ""
        assert each.memory is not None
        anonymous = "?" if each.memory.anonymous is None else f"{each.memory.anonymous:.0f}"
        lines.append(
            f"| {each.data} | {bold}{each.name}{bold}{runs} | {each.median:.3f} s | {bold}{ratio}{bold} "
            f"| {anonymous} | {each.memory.resident:.0f} |"
        )
    return "\n".join(lines)


def facts(folder: Path, size_mb: int) -> Iterable[str]:
    """What the table is about: the corpora, the machine, and who was left out."""
    yield ""
    for kind in ("on-line", "carried"):
        one = corpora.make(kind, size_mb, folder)
        packed = Path(one.path + ".gz")
        size = (
            f"; gzip {packed.stat().st_size / 1e6:,.0f} MB (zlib, level {GZIP_LEVEL})"
            if packed.exists()
            else ""
        )
        yield (
            f"IDs {kind}: {one.size / 1e6:,.0f} MB, {one.lines:,} lines; 4 requests of {one.request_lines} "
            f"lines, {one.naming_session} with the session ID, {one.naming_request} with a request ID{size}."
        )
    yield f"Whole processes, files in the page cache. {_machine()}."
    yield from (f"Left out: {reason}." for reason in _skipped)


def _machine() -> str:
    facts = [machine()]
    if rg := shutil.which("rg"):
        facts.append(subprocess.run([rg, "--version"], capture_output=True, text=True).stdout.splitlines()[0])
    return ", ".join([*facts, versions("duckdb", "isal", "click")])


def say(words: str) -> None:
    """Progress goes to stderr."""
    print(f"benchmark: {words}", file=sys.stderr, flush=True)
