"""The fake with the demo's logs, table, API and alarms, for trying ``guard`` against it; ends with Ctrl-C."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from incidents import demo
from tests.aws_account import Account, state_update
from tests.cloudwatch_logs.operations import RATES, Settings
from tests.cloudwatch_logs.server import serving
from tests.cloudwatch_logs.store import Store

TABLE = "purposepath-coaching-sessions-dev"
GROUP = "/aws/lambda/coaching-api-4b4d001"
ALARM = "coaching-api-4b4d001-duration-critical"
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


def ailing_account() -> Account:
    """The demo's API without an access log, as it was, and alarms that would not have helped."""
    from tests import healthy

    account = healthy.account()
    for stage in account.http_apis[healthy.API]["stages"]:
        stage.pop("AccessLogSettings")
    changes = {
        "duration-warning": {"Threshold": 25.0},
        "duration-critical": {"ActionsEnabled": False},
        "api-5xx": {"MetricName": "5XXError"},
    }
    for alarm in account.alarms:
        alarm.update(changes.get(alarm["AlarmName"].removeprefix(f"{healthy.FUNCTION}-"), {}))
    account.alarms = [each for each in account.alarms if not each["AlarmName"].endswith("users-hit")]
    account.topics[healthy.TOPIC] = ["PendingConfirmation"]
    account.history = [
        state_update(ALARM, datetime(2026, 2, 9, 23, 49, 12, tzinfo=UTC), "OK", "ALARM"),
        state_update(ALARM, datetime(2026, 2, 9, 23, 56, 12, tzinfo=UTC), "ALARM", "OK"),
    ]
    return account


def _guard() -> str:
    """The command as it can be typed here."""
    found = shutil.which("guard") or str(Path(sys.executable).with_name("guard"))
    return os.path.relpath(found) if Path(found).is_relative_to(Path.cwd()) else "guard"


def main(port: int) -> None:
    """Serve until Ctrl-C."""
    store, account = demo_store(), ailing_account()
    with serving(store, Settings(rates=dict(RATES)), port=port, account=account) as fake:
        print(f"CloudWatch Logs of the demo on {fake.url}; Ctrl-C ends it. In another terminal:\n")
        keys = "AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_REGION=us-east-1"
        print(f"export {keys} AWS_ENDPOINT_URL={fake.url}")
        where = ["--log-group", GROUP, "--endpoint-url", fake.url]
        for words in (
            ["trace", "--session", demo.SESSION_ID, *where, "--table", TABLE, "--plan"],
            ["trace", "--session", demo.SESSION_ID, *where, "--table", TABLE],
            ["scan", *where, "--since", "2026-02-09T23:00Z", "--until", "2026-02-10T00:00Z"],
            ["scan", "--alarm", ALARM, "--endpoint-url", fake.url],
            ["doctor", *where, "--function", "coaching-api-4b4d001", "--api", "http:abc123/$default"],
        ):
            print(shlex.join([_guard(), *words]))
        sys.stdout.flush()
        fake.over.wait()


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else PORT)
    except KeyboardInterrupt:
        sys.exit(130)
