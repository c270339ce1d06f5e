"""How fast `guard trace` answers from a file of 1.2 GB, beside what one would use instead.

    python benchmarks/trace.py [--size-mb 1200] [--rounds 5] [--keep DIR] [--guard COMMAND] [--parts]

Every answer is checked against what the corpus was made of.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import corpus as corpora
from contest import (
    Check,
    Contestant,
    arguments,
    compete,
    corpora_folder,
    differs,
    facts,
    guard_command,
    has,
    ripgrep,
    say,
)
from corpus import Corpus
from measure import seconds

HERE = Path(__file__).resolve().parent
SLOW_ROUNDS = 2


def main() -> None:
    """Make the corpora, run everything, print the tables."""
    parser = arguments("Measure guard trace beside rg, DuckDB and plain Python.")
    parser.add_argument(
        "--parts", action="store_true", help="measure the parts instead: search, decoding, ..."
    )
    asked = parser.parse_args()
    folder, guard = corpora_folder(asked.keep), guard_command(asked.guard)
    if asked.parts:
        import parts

        parts.main(corpora.make("carried", asked.size_mb, folder))
        return
    compete(list(_contestants(asked.size_mb, folder, guard)), asked.rounds)
    print(*facts(folder, asked.size_mb), *_help(guard, 2 * asked.rounds + 1), sep="\n")


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
    if rg := ripgrep():
        yield Contestant(
            data,
            "rg, two passes",
            _two_passes([rg], corpus, corpus.path),
            _right_passes(corpus),
            baseline=True,
        )
    loop = [*here, corpus.kind, corpus.path, session, "found"]
    yield Contestant(data, "Python line loop", [loop], _right_lines(corpus), rounds=SLOW_ROUNDS)
    if has("duckdb"):
        query = [*here, f"duckdb-{corpus.kind}", corpus.path, session, "found"]
        yield Contestant(
            data, "DuckDB read_json, two queries", [query], _right_lines(corpus), rounds=SLOW_ROUNDS
        )


def _gzip(corpus: Corpus, packed: Path, data: str, guard: list[str]) -> Iterator[Contestant]:
    here = [sys.executable, str(HERE / "contestants.py")]
    decoder = "isal" if has("isal") else "zlib"
    yield Contestant(data, f"decode once (Python, {decoder})", [[*here, "gunzip", str(packed)]])
    yield Contestant(data, "guard trace", [_trace(guard, corpus, str(packed))], _right_report(corpus))
    if (rg := ripgrep()) and shutil.which("gzip"):
        yield Contestant(
            data,
            "rg -z, two passes",
            _two_passes([rg, "-z"], corpus, str(packed)),
            _right_passes(corpus),
            baseline=True,
        )
    if has("duckdb"):
        query = [*here, "duckdb-carried", str(packed), corpus.session_id, "found"]
        yield Contestant(data, "DuckDB read_json, two queries", [query], _right_lines(corpus), rounds=1)


def _trace(guard: list[str], corpus: Corpus, path: str) -> list[str]:
    return [*guard, "trace", "--session", corpus.session_id, "--logs", path, "--format", "json"]


def _two_passes(rg: list[str], corpus: Corpus, path: str) -> list[list[str]]:
    """The session's lines; then the lines of its requests, whose IDs rg is given where no line tells them."""
    plain = [*rg, "--no-config", "--fixed-strings", "--no-filename", "--no-line-number"]
    ids = [word for each in corpus.request_ids for word in ("-e", each)]
    return [[*plain, "-e", corpus.session_id, path], [*plain, *ids, path]]


def _right_report(corpus: Corpus) -> Check:
    def check(outputs: Sequence[Path]) -> str | None:
        report = json.loads(outputs[0].read_text("utf-8"))
        ids = tuple(each["request_id"] for each in report["requests"])
        used = sum(each["events"] for each in report["sources"])
        return differs("requests", corpus.request_ids, ids) or differs(
            "events used", corpus.request_lines + corpus.init_lines, used
        )

    return check


def _right_passes(corpus: Corpus) -> Check:
    def check(outputs: Sequence[Path]) -> str | None:
        first, second = (_count(each) for each in outputs)
        return differs("lines of pass one", corpus.naming_session, first) or differs(
            "lines of pass two", corpus.naming_request, second
        )

    return check


def _right_lines(corpus: Corpus) -> Check:
    return lambda outputs: differs("lines", corpus.request_lines, _count(outputs[0].parent / "found"))


def _count(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def _help(guard: list[str], runs: int) -> Iterable[str]:
    """How long the command takes to say what it can do, beside the import that it cannot do without."""
    pairs = ([*guard, "--help"], [sys.executable, "-c", "import click"])
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch, "out")
        rounds = [[seconds(command, out, Path(scratch)) for command in pairs] for _ in range(runs)]
    ours, theirs = (statistics.median(times) for times in zip(*rounds, strict=True))
    yield (
        f'`guard --help` {ours * 1000:.0f} ms, `python -c "import click"` {theirs * 1000:.0f} ms: '
        f"{ours / theirs:.2f} times (medians of {runs})."
    )


if __name__ == "__main__":
    main()
