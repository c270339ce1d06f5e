"""What coaching-guard costs a request, beside what one would use instead.

    python benchmarks/guards.py [--rounds 31] [--requests 100] [--starts 21] [--sink null|pipe]

Each contestant is a process of its own, so that none finds what another has configured. A round asks each of
them once for the same number of requests: a slow minute of the machine meets all. The tables have medians of
CPU time, and ratios that are medians of the rounds' own. What each contestant makes of a request is checked
before it is timed; a wrong one stops the benchmark. Tables go to stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

import imports
import rounds
import starts
from handlers import ASGI, BARS, HANDLERS, SAME_SPANS
from machine import machine, versions
from peers.request import LAMBDA
from workers import Peer, started

_LIBRARIES = (
    "aws-lambda-powertools",
    "aws-xray-sdk",
    "opentelemetry-sdk",
    "opentelemetry-instrumentation-aws-lambda",
    "opentelemetry-instrumentation-asgi",
    "awslambdaric",
)


def main() -> None:
    """Run everything, print the tables."""
    asked = _arguments()
    _print("A handler with two phases", _requests(HANDLERS, LAMBDA, asked))
    _print("An ASGI request", _requests(ASGI, {}, asked))
    if asked.starts:
        say(f"imports, {asked.starts} rounds")
        _print("Import", imports.table(asked.starts))
        say(f"cold starts, {asked.starts} rounds")
        _print("Cold start, to the first GET of /next", starts.table(asked.starts))
    sink = "/dev/null" if asked.sink == "null" else "a pipe that is drained"
    print(f"{asked.rounds} rounds of {asked.requests} requests, lines go to {sink}. {machine()}.")
    print(f"{versions(*_LIBRARIES)}.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure guards beside Powertools and OpenTelemetry.")
    parser.add_argument("--rounds", type=int, default=31, help="rounds of each contestant [31]")
    parser.add_argument("--requests", type=int, default=100, help="requests in a round [100]")
    parser.add_argument("--starts", type=int, default=21, help="rounds of processes; 0: none [21]")
    parser.add_argument("--sink", choices=("null", "pipe"), default="null", help="where lines go [null]")
    return parser.parse_args()


def _requests(peers: Sequence[Peer], environ: dict[str, str], asked: argparse.Namespace) -> Iterator[str]:
    say(f"{len(peers)} contestants, {asked.rounds} rounds of {asked.requests} requests")
    with started(peers, environ, asked.sink) as workers:
        results = [rounds.proved(worker) for worker in workers]
        rounds.same_spans([each for each in results if each.peer in SAME_SPANS])
        rounds.measure(workers, results, asked.rounds, asked.requests)
    yield from rounds.table(results)
    told = [*rounds.volume(results)]
    yield from ("", *told, *([""] if told else []))
    yield from rounds.comparisons(BARS, results)


def _print(title: str, lines: Iterator[str]) -> None:
    print(f"### {title}\n", *lines, "", sep="\n", flush=True)


def say(words: str) -> None:
    """Progress goes to stderr."""
    print(f"benchmark: {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
