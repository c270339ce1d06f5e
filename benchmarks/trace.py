"""How fast `guard trace` answers from a file of 1.2 GB, beside what one would use instead.

    python benchmarks/trace.py [--size-mb 1200] [--rounds 5] [--keep DIR] [--guard COMMAND] [--parts]

Whole processes, started one after the other; a round runs each contestant once, so that a slow minute of the
machine meets all of them. The table has the medians. Every answer is checked against what the corpus was
made of; a wrong one stops the benchmark. What is not installed is left out and said so.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import util
from pathlib import Path

import corpus as corpora
from corpus import GZIP_LEVEL, Corpus
from machine import machine, versions
from measure import Memory, memory, seconds

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
HELP_RUNS = 11
SLOW_ROUNDS = 2

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


def main() -> None:
    """Make the corpora, run everything, print the tables."""
    asked = _arguments()
    folder = Path(asked.keep) if asked.keep else _cache()
    if asked.parts:
        import parts

        parts.main(corpora.make("carried", asked.size_mb, folder))
        return
    contestants = list(_contestants(asked.size_mb, folder, _guard(asked.guard)))
    with tempfile.TemporaryDirectory() as scratch:
        _run(contestants, asked.rounds, Path(scratch))
    print(_table(contestants, asked.rounds), *_facts(folder, asked.size_mb), sep="\n")
    print(*_help(_guard(asked.guard)), sep="\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure guard trace beside rg, DuckDB and plain Python.")
    parser.add_argument("--size-mb", type=int, default=1200, help="size of a corpus [1200]")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each contestant [5]")
    parser.add_argument(
        "--keep", metavar="DIR", help="where the corpora are made and looked for [a temporary folder]"
    )
    parser.add_argument("--guard", metavar="COMMAND", help="how to start guard [the one beside this Python]")
    parser.add_argument(
        "--parts", action="store_true", help="measure the parts instead: search, decoding, ..."
    )
    return parser.parse_args()


def _cache() -> Path:
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    return Path(tempfile.gettempdir()) / f"coaching-guard-benchmark-{user}"


def _guard(given: str | None) -> list[str]:
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


# --- who takes part --------------------------------------------------------------------------------


def _contestants(size_mb: int, folder: Path, guard: list[str]) -> Iterator[Contestant]:
    say(f"corpora of {size_mb:,} MB in {folder}")
    for kind in ("on-line", "carried"):
        corpus = corpora.make(kind, size_mb, folder)
        yield from _plain(corpus, f"plain, IDs {'on every line' if kind == 'on-line' else 'carried'}", guard)
    say("its gzip")
    yield from _gzip(corpus, corpora.gzipped(corpus), "gzip, IDs carried", guard)


def _plain(corpus: Corpus, data: str, guard: list[str]) -> Iterator[Contestant]:
    here, session = [sys.executable, str(HERE / "contestants.py")], corpus.session_id
    yield Contestant(data, "read the file (Python, 1 MiB buffer)", [[*here, "read", corpus.path]])
    if cat := shutil.which("cat"):
        yield Contestant(data, "cat", [[cat, corpus.path]])
    yield Contestant(data, "guard trace", [_trace(guard, corpus, corpus.path)], _right_report(corpus))
    if rg := _rg():
        yield Contestant(
            data,
            "rg, two passes",
            _two_passes([rg], corpus, corpus.path),
            _right_passes(corpus),
            baseline=True,
        )
    loop = [*here, corpus.kind, corpus.path, session, "found"]
    yield Contestant(data, "Python line loop", [loop], _right_lines(corpus), rounds=SLOW_ROUNDS)
    if _has("duckdb"):
        query = [*here, f"duckdb-{corpus.kind}", corpus.path, session, "found"]
        yield Contestant(
            data, "DuckDB read_json, two queries", [query], _right_lines(corpus), rounds=SLOW_ROUNDS
        )


def _gzip(corpus: Corpus, packed: Path, data: str, guard: list[str]) -> Iterator[Contestant]:
    here = [sys.executable, str(HERE / "contestants.py")]
    decoder = "isal" if _has("isal") else "zlib"
    yield Contestant(data, f"decode once (Python, {decoder})", [[*here, "gunzip", str(packed)]])
    yield Contestant(data, "guard trace", [_trace(guard, corpus, str(packed))], _right_report(corpus))
    if (rg := _rg()) and shutil.which("gzip"):
        yield Contestant(
            data,
            "rg -z, two passes",
            _two_passes([rg, "-z"], corpus, str(packed)),
            _right_passes(corpus),
            baseline=True,
        )
    if _has("duckdb"):
        query = [*here, "duckdb-carried", str(packed), corpus.session_id, "found"]
        yield Contestant(data, "DuckDB read_json, two queries", [query], _right_lines(corpus), rounds=1)


def _trace(guard: list[str], corpus: Corpus, path: str) -> list[str]:
    return [*guard, "trace", "--session", corpus.session_id, "--logs", path, "--format", "json"]


def _two_passes(rg: list[str], corpus: Corpus, path: str) -> list[list[str]]:
    """The session's lines; then the lines of its requests, whose IDs rg is given where no line tells them."""
    plain = [*rg, "--no-config", "--fixed-strings", "--no-filename", "--no-line-number"]
    ids = [word for each in corpus.request_ids for word in ("-e", each)]
    return [[*plain, "-e", corpus.session_id, path], [*plain, *ids, path]]


def _rg() -> str | None:
    found = shutil.which("rg")
    return found if found or _skip("rg is not installed (Debian: apt install ripgrep)") else None


def _has(package: str) -> bool:
    return util.find_spec(package) is not None or _skip(f"{package} is not installed")


_skipped: dict[str, None] = {}


def _skip(reason: str) -> bool:
    _skipped[reason] = None
    return False


# --- whether it is right ---------------------------------------------------------------------------


def _right_report(corpus: Corpus) -> Check:
    def check(outputs: Sequence[Path]) -> str | None:
        report = json.loads(outputs[0].read_text("utf-8"))
        ids = tuple(each["request_id"] for each in report["requests"])
        used = sum(each["events"] for each in report["sources"])
        return _differs("requests", corpus.request_ids, ids) or _differs(
            "events used", corpus.request_lines + corpus.init_lines, used
        )

    return check


def _right_passes(corpus: Corpus) -> Check:
    def check(outputs: Sequence[Path]) -> str | None:
        first, second = (_count(each) for each in outputs)
        return _differs("lines of pass one", corpus.naming_session, first) or _differs(
            "lines of pass two", corpus.naming_request, second
        )

    return check


def _right_lines(corpus: Corpus) -> Check:
    return lambda outputs: _differs("lines", corpus.request_lines, _count(outputs[0].parent / "found"))


def _differs(what: str, expected: object, actual: object) -> str | None:
    return None if expected == actual else f"{what}: expected {expected}, got {actual}"


def _count(path: Path) -> int:
    return path.read_bytes().count(b"\n")


# --- running ---------------------------------------------------------------------------------------


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


# --- what is printed -------------------------------------------------------------------------------


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


def _facts(folder: Path, size_mb: int) -> Iterable[str]:
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


def _help(guard: list[str]) -> Iterable[str]:
    """How long the command takes to say what it can do, beside the import that it cannot do without."""
    pairs = ([*guard, "--help"], [sys.executable, "-c", "import click"])
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch, "out")
        rounds = [[seconds(command, out, Path(scratch)) for command in pairs] for _ in range(HELP_RUNS)]
    ours, theirs = (statistics.median(times) for times in zip(*rounds, strict=True))
    yield (
        f'`guard --help` {ours * 1000:.0f} ms, `python -c "import click"` {theirs * 1000:.0f} ms: '
        f"{ours / theirs:.2f} times (medians of {HELP_RUNS})."
    )


def say(words: str) -> None:
    """Progress goes to stderr."""
    print(f"benchmark: {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
