"""The fake with the demo's logs and its sessions table, for trying ``guard`` against it; ends with Ctrl-C."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from incidents import demo
from tests.cloudwatch_logs.operations import RATES, Settings
from tests.cloudwatch_logs.server import serving
from tests.cloudwatch_logs.store import Store

TABLE = "purposepath-coaching-sessions-dev"
GROUP = "/aws/lambda/coaching-api-4b4d001"
PORT = 4580


def demo_store() -> Store:
    """The demo's log group, and the row of its session."""
    store = Store()
    store.add_file(demo.logs())
    store.rows[TABLE, demo.SESSION_ID] = {
        "session_id": demo.SESSION_ID,
        "status": "completed",
        "created_at": "2026-02-09T23:40:25+00:00",
        "completed_at": "2026-02-09T23:48:31+00:00",
    }
    return store


def _guard() -> str:
    """The command as it can be typed here."""
    found = shutil.which("guard") or str(Path(sys.executable).with_name("guard"))
    return os.path.relpath(found) if Path(found).is_relative_to(Path.cwd()) else "guard"


def main(port: int) -> None:
    """Serve until Ctrl-C."""
    with serving(demo_store(), Settings(rates=dict(RATES)), port=port) as fake:
        print(f"CloudWatch Logs of the demo on {fake.url}; Ctrl-C ends it. In another terminal:\n")
        print("export AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_REGION=us-east-1")
        where = ["--log-group", GROUP, "--endpoint-url", fake.url]
        for words in (
            ["trace", "--session", demo.SESSION_ID, *where, "--table", TABLE, "--plan"],
            ["trace", "--session", demo.SESSION_ID, *where, "--table", TABLE],
            ["scan", *where, "--since", "2026-02-09T23:00Z", "--until", "2026-02-10T00:00Z"],
        ):
            print(shlex.join([_guard(), *words]))
        sys.stdout.flush()
        fake.over.wait()


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else PORT)
    except KeyboardInterrupt:
        sys.exit(130)
