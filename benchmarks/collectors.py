"""How much a collector that fails holds up an answer, under the real Lambda runtime client.

    python3 run.py bench collectors [--invocations 200]

The collectors and the Lambda environment are those of the tests: a collector that hangs, refuses, drips,
answers 500 or resets the connection. Time is from when the invocation was handed out to when its answer was
posted, so whatever guards wait for is in it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import collectors  # noqa: E402  # found from the checkout
from tests.guarded import SESSION, http_event  # noqa: E402
from tests.lambda_runtime import function  # noqa: E402

HANDLER = """
    from guards import bind, guard_handler, phase, telemetry

    telemetry.configure(service_name="coaching-api")

    @guard_handler
    def handler(event, context):
        bind(session_id=event["session"])
        with phase("conversation"):
            pass
        with phase("extraction"):
            pass
        return {"statusCode": 200}
"""


class Told(NamedTuple):
    """How long the invocations of one collector took, in ms."""

    collector: str
    first: float
    """The one that meets the failure first."""
    longest_after: float
    median_after: float


@contextmanager
def _nobody() -> Iterator[Any]:
    """No endpoint is set: nothing is exported."""
    yield None


COLLECTORS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "none": _nobody,
    "accepts": collectors.accepting,
    "hangs": collectors.hanging,
    "refuses": collectors.refusing,
    "drips": collectors.dripping,
    "answers 500": collectors.failing,
    "resets": collectors.resetting,
}


def main() -> None:
    """Play all collectors and print the table."""
    parser = argparse.ArgumentParser(description="Measure what collectors that fail cost an answer.")
    parser.add_argument("--invocations", type=int, default=200, help="of each collector [200]")
    asked = parser.parse_args()
    print("| collector | first, ms | longest after it, ms | median after it, ms |")
    print("|---|--:|--:|--:|")
    for name, collector in COLLECTORS.items():
        told = _played(name, collector, asked.invocations)
        print(f"| {told.collector} | {told.first:.1f} | {told.longest_after:.1f} | {told.median_after:.2f} |")


def _played(name: str, collector: Callable[[], AbstractContextManager[Any]], invocations: int) -> Told:
    with tempfile.TemporaryDirectory() as folder, collector() as broken:
        environ = {"PYTHONPATH": f"{folder}:{ROOT}"}
        if broken is not None:
            environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = broken.url
        with function(Path(folder), HANDLER, environ=environ) as environment:
            environment.start()
            event = http_event() | {"session": SESSION}
            times = [environment.invoke(event).seconds * 1000 for _ in range(invocations)]
    return Told(name, times[0], max(times[1:]), statistics.median(times[1:]))


if __name__ == "__main__":
    main()
