"""How fast `guard scan` goes through a day of logs, beside ripgrep counting its REPORT lines.

    python benchmarks/scan.py [--size-mb 1200] [--rounds 5] [--keep DIR] [--guard COMMAND]

The corpora and the way of measuring are those of trace.py. What `guard scan` prints is checked: as many
requests as ripgrep counts, and the one session whose retry was refused. Memory is measured on a file and on
one of a quarter of its size: where it is flat, the two are the same.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
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
    ripgrep,
)
from corpus import Corpus


def main() -> None:
    """Make the corpora, run everything, print the table."""
    asked = arguments("Measure guard scan beside ripgrep counting REPORT lines.").parse_args()
    folder = corpora_folder(asked.keep)
    contestants = list(_contestants(asked.size_mb, folder, guard_command(asked.guard)))
    compete(contestants, asked.rounds)
    print(_rates(contestants, asked.size_mb))
    print(*facts(folder, asked.size_mb), sep="\n")


def _contestants(size_mb: int, folder: Path, guard: list[str]) -> Iterator[Contestant]:
    for size in (size_mb, size_mb // 4):
        corpus = corpora.make("carried", size, folder)
        data = f"plain, {size:,} MB"
        yield Contestant(data, "guard scan", [_scan(guard, corpus.path)], _right(corpus))
        if rg := ripgrep():
            yield Contestant(data, "rg -c 'REPORT RequestId'", [_reports(rg, corpus.path)], baseline=True)
    packed = corpora.gzipped(corpus)
    data = f"gzip of {size_mb // 4:,} MB"
    yield Contestant(data, "guard scan", [_scan(guard, str(packed))], _right(corpus))
    if rg := ripgrep():
        yield Contestant(
            data, "rg -z -c 'REPORT RequestId'", [[*_reports(rg, str(packed)), "-z"]], baseline=True
        )


def _rates(contestants: Sequence[Contestant], size_mb: int) -> str:
    """What each byte more takes: the larger file less the smaller, so that no program's start is in it."""
    seconds: dict[str, float] = {}
    for each in contestants:
        if each.data.startswith("plain"):
            seconds[each.name] = seconds[each.name] - each.median if each.name in seconds else each.median
    gigabytes = (size_mb - size_mb // 4) / 1000
    told = [f"{name} {gigabytes / more:.1f} GB/s" for name, more in seconds.items() if more > 0]
    scan, *rg = seconds.values()
    ratio = f": {scan / rg[0]:.2f} times rg's time" if rg and rg[0] > 0 else ""
    return f"\nRate, from {size_mb // 4:,} to {size_mb:,} MB: {', '.join(told)}{ratio}."


def _scan(guard: list[str], path: str) -> list[str]:
    return [*guard, "scan", "--logs", path, "--format", "json"]


def _reports(rg: str, path: str) -> list[str]:
    return [rg, "-c", "REPORT RequestId: ", path]


def _right(corpus: Corpus) -> Check:
    with open(corpus.path, "rb") as file:
        expected = sum(b"REPORT RequestId: " in line for line in file)

    def check(outputs: Sequence[Path]) -> str | None:
        told = json.loads(outputs[0].read_text(encoding="utf-8"))
        refused = [case["session_id"] for case in told["cases"] if "retry-refused" in case["rules"]]
        return differs("requests", expected, told["requests"]) or differs(
            "refused sessions", [corpus.session_id], refused
        )

    return check


if __name__ == "__main__":
    sys.exit(main())
