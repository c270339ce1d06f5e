"""One contestant in a process of its own, which does what it reads on standard input.

    python benchmarks/peers/worker.py MODULE [--sdk]

``prove 3`` serves three requests and tells what came of them; ``count 10`` tells how many instructions of
Python's bytecode a request takes on the thread that serves; ``time 100`` serves a hundred and tells the CPU
time. Answers go to the descriptor that BENCHMARK_ANSWERS names: standard output is the contestant's, and goes
through the Lambda runtime client's own wrapper, as in a Lambda.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from types import FrameType
from typing import Any

from awslambdaric.bootstrap import Unbuffered


def main(module: str, with_sdk: bool) -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(int(os.environ["BENCHMARK_ANSWERS"]), "w")
    sys.stdout = Unbuffered(sys.stdout)
    sdk = import_module("sdk").Sdk() if with_sdk else None
    contestant = import_module(module)
    for line in sys.stdin:
        what, count = line.split()
        answer = _QUESTIONS[what](contestant, sdk, int(count))
        print(json.dumps(answer), file=answers, flush=True)


def _timed(contestant: Any, sdk: Any, count: int) -> dict[str, float]:
    """CPU us per request: of the thread that serves, and of the process with all that is left to do."""
    run = contestant.prepared(count)
    # Garbage collection stays on, as it is in a Lambda, but each round begins with none of it due, and what
    # libraries hold since their import is not looked at: it differs ten-fold between contestants.
    gc.collect()
    gc.freeze()
    process, thread = time.process_time(), time.thread_time()
    run()
    thread = time.thread_time() - thread
    if sdk is not None:
        sdk.drain()
    process = time.process_time() - process
    return {"thread": thread / count * 1e6, "process": process / count * 1e6}


def _counted(contestant: Any, sdk: Any, count: int) -> float:
    """Instructions of Python's bytecode a request. What is done in C, as a regular expression, is one."""
    run, instructions = contestant.prepared(count), 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal instructions
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        instructions += event == "opcode"
        return trace

    sys.settrace(trace)
    run()
    sys.settrace(None)
    if sdk is not None:
        sdk.drain()
    return instructions / count


def _prove(contestant: Any, sdk: Any, count: int) -> dict[str, Any]:
    """What a number of requests left behind: lines, spans, measurements."""
    before = _counts(contestant, sdk)
    lines = _captured(contestant.prepared(count))
    after = _counts(contestant, sdk)
    made = {name: after[name] - before.get(name, 0) for name in after}
    shown = {} if sdk is None else {"attributes": [_span(span) for span in sdk.spans.last]}
    return {"requests": count, "lines": lines, "made": made, **shown}


def _counts(contestant: Any, sdk: Any) -> dict[str, int]:
    own = contestant.counts() if hasattr(contestant, "counts") else {}
    if sdk is None:
        return dict(own)
    sdk.drain()
    return {**own, "spans": sdk.spans.count, **sdk.collected()}


def _span(span: Any) -> dict[str, Any]:
    kept = {name: value for name, value in span.attributes.items() if name != "faas.invocation_id"}
    parent = "none" if span.parent is None else "remote" if span.parent.is_remote else "local"
    return {"name": span.name, "kind": span.kind.name, "parent": parent, "attributes": kept}


def _captured(run: Callable[[], None]) -> list[str]:
    """What is written to standard output meanwhile."""
    kept = os.dup(1)
    reading, writing = os.pipe()  # as in a Lambda; it takes what a few requests print
    with open(reading, encoding="utf-8") as printed:
        os.dup2(writing, 1)
        os.close(writing)
        try:
            run()
        finally:
            os.dup2(kept, 1)
            os.close(kept)
        return printed.read().splitlines()


_QUESTIONS = {"prove": _prove, "count": _counted, "time": _timed}

if __name__ == "__main__":
    main(sys.argv[1], "--sdk" in sys.argv[2:])
