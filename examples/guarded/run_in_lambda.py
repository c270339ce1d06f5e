"""Both examples in a Lambda environment on this machine, and what ``guard trace`` makes of their logs.

    python3 run.py example

The gateway's limit of 30 s is scaled to 3 s, and with it the marks at 25 s and 28 s.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent.parent
sys.path.insert(0, str(ROOT))

# The real runtime client with a Runtime API on loopback. It lives with the tests, for which it was made:
# nobody who installs the package needs it, and the example must run what the tests have tested.
from tests.lambda_runtime import LambdaEnvironment  # noqa: E402

LIMIT_MS: Final = 3000
ENVIRON: Final = {"GUARD_GATEWAY_LIMIT_MS": str(LIMIT_MS), "EXTRACTION_NEEDS_MS": "800"}
GUARD: Final = Path(sys.executable).with_name("guard")
SHOWN: Final = (
    *("route", "deadline", "limit_by", "phase", "model", "PhaseDuration", "input_tokens", "output_tokens"),
    *("past", "open_phase", "RequestDuration", "response_status", "outcome", "error_type", "client_gone"),
)
"""The fields that tell most: whole records are too long to watch."""


@dataclass(frozen=True, slots=True)
class Play:
    """One request to play."""

    title: str
    module: str
    """Its ``handler`` gets the request."""
    session_id: str
    path: str = "/coaching/message"
    is_final: bool = True
    conversation_s: float = 0.3
    extraction_s: float = 0.3
    kill_after: float | None = None
    """Seconds until the process is killed."""

    def event(self) -> dict[str, Any]:
        """As an HTTP API sends it to its function, received now."""
        names = ("session_id", "is_final", "conversation_s", "extraction_s")
        http = {"method": "POST", "path": self.path, "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"}
        return {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": self.path,
            "rawQueryString": "",
            "headers": {"content-type": "application/json"},
            "requestContext": {"http": http, "timeEpoch": round(time.time() * 1000)},
            "body": json.dumps({name: getattr(self, name) for name in names}),
            "isBase64Encoded": False,
        }


PLAYS: Final = (
    Play("A session begins, at a sync endpoint", "fastapi_app", "sess_begins", path="/coaching/start"),
    Play("A normal last turn", "fastapi_app", "sess_normal"),
    Play("Little time is left: 202, extraction handed over", "fastapi_app", "sess_later", conversation_s=2.3),
    Play("A slow extraction: past the marks while it runs", "fastapi_app", "sess_slow", extraction_s=3.2),
    Play("Killed in mid-extraction", "plain_handler", "sess_killed", extraction_s=30, kill_after=1.0),
)


def main() -> int:
    """Play all, then trace each."""
    folder = Path(tempfile.mkdtemp(prefix="guarded-example-"))
    print(f"The gateway waits {LIMIT_MS / 1000:g} s here instead of 30 s, so that 25 s become 2.5 s.")
    print("Each record is a line of JSON in the log. Of its fields some are shown here, as they come.")
    for module, plays in groupby(PLAYS, lambda play: play.module):
        with environment(module) as function:
            for play in plays:
                heading(play.title)
                with shown(function, time.time()):
                    invoke(function, play)
            function.log.save(folder / f"{module}.ndjson")
    for play in PLAYS:
        heading(f"What `guard trace` says: {play.title}")
        trace(play.session_id, folder / f"{play.module}.ndjson")
    print(f"\nThe logs are in {folder}; the command itself is {GUARD}")
    return 0


@contextmanager
def environment(module: str, **environ: str) -> Iterator[LambdaEnvironment]:
    """A module's handler in an environment that is up before the first request comes."""
    with LambdaEnvironment(f"{module}.handler", HERE, environ={**ENVIRON, **environ}) as function:
        function.start()
        yield function


def invoke(function: LambdaEnvironment, play: Play) -> Any:
    """Play a request; what the handler answered, None where it was killed."""
    return function.invoke(play.event(), kill_after=play.kill_after).response


@contextmanager
def shown(function: LambdaEnvironment, since: float) -> Iterator[None]:
    """Meanwhile print the records as they arrive."""
    done = threading.Event()
    watching = threading.Thread(target=_show, args=(function, done, since))
    watching.start()
    try:
        yield
    finally:
        done.set()
        watching.join()


def _show(function: LambdaEnvironment, done: threading.Event, since: float) -> None:
    seen = len(function.log.events())
    while True:
        last = done.wait(0.05)
        new = function.log.events()[seen:]
        seen += len(new)
        for event in new:
            _show_event(event, since)
        if last:
            return


def _show_event(event: dict[str, object], since: float) -> None:
    text = str(event["message"])
    if not text.startswith('{"level"'):
        return
    record = json.loads(text)
    told = {name: record[name] for name in SHOWN if record.get(name) is not None}
    # An event's time is cut to ms: the first one may seem to stand before what began it.
    after = max(0.0, float(str(event["timestamp"])) / 1000 - since)
    print(
        f"{after:5.2f} s  {record['guard'][:-2]:13}", *(f"{name}={told[name]}" for name in told), flush=True
    )


def trace(session_id: str, log: Path) -> None:
    """The command as an engineer on call would type it."""
    asked = ["trace", "--session", session_id, "--logs", str(log)]
    print("$ guard", *asked, flush=True)
    subprocess.run([str(GUARD), *asked], check=True)


def heading(text: str) -> None:
    """A line that stands out."""
    print(f"\n== {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
