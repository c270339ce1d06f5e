"""Live logs in short: events into the fake, a session's report out of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config

from incidents.cloudwatch.calls import Calls
from incidents.cloudwatch.live import Live
from incidents.cloudwatch.plan import Plan
from incidents.cloudwatch.prepare import Ask, plan_for
from incidents.cloudwatch.source import CloudWatchSource
from incidents.report import Report
from incidents.trace import Query, trace
from incidents.views import Options, view
from tests.cloudwatch_logs.server import Fake

HOUR = timedelta(hours=1)
KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret"}


class Clock:
    """A clock that only waiting moves."""

    def __init__(self, at: datetime = datetime(2026, 12, 1, tzinfo=UTC)) -> None:
        self.at, self.waits = at, 0

    def sleep(self, seconds: float) -> None:
        """Wait, in no time."""
        self.waits += 1
        self.at += timedelta(seconds=seconds)

    def monotonic(self) -> float:
        """Seconds."""
        return self.at.timestamp()

    def ms(self) -> int:
        """For the fake."""
        return round(self.at.timestamp() * 1000)


def client(fake: Fake, read_timeout: float = 10.0, service: str = "logs") -> Any:
    """A client of the fake that tries once."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=read_timeout)
    return boto3.client(service, region_name="us-east-1", endpoint_url=fake.url, config=config, **KEYS)


def calls(fake: Fake, clock: Clock | None = None, read_timeout: float = 10.0) -> Calls:
    """Calls that wait on a clock of their own."""
    clock = clock or Clock()
    return Calls(client(fake, read_timeout), sleep=clock.sleep, clock=clock.monotonic)


def live(fake: Fake, query: Query, *groups: str, clock: Clock | None = None, **ask: Any) -> Live:
    """A plan against the fake."""
    clock = clock or Clock()
    paced = calls(fake, clock, ask.pop("read_timeout", 10.0))
    names = groups or tuple(fake.logs.store.groups)
    asked = Ask(names, query.id, query.session_id is not None, query.since, query.until, **ask)
    return Live(plan_for(asked, paced, clock.at), paced, query)


def allowed(plan: Plan, number: int) -> bool:
    """Whatever it costs."""
    return True


def source(fake: Fake, query: Query, *groups: str, **ask: Any) -> CloudWatchSource:
    """The fake as a source."""
    return live(fake, query, *groups, **ask).source(allowed)


def from_live(fake: Fake, query: Query, *groups: str, **ask: Any) -> Report:
    """The report on a query from the fake."""
    return trace([source(fake, query, *groups, **ask)], query)


def told(report: Report) -> dict[str, Any]:
    """Requests, findings and session, but for where the lines were read from."""
    document = json.loads(view("json")(report, Options()))
    return {part: _without(document[part]) for part in ("requests", "findings", "session")}


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(each) for key, each in value.items() if key != "source"}
    return [_without(each) for each in value] if isinstance(value, list) else value
