"""One thing that was looked at, and what may be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from incidents.cloudwatch.faults import Fault

State = Literal["ok", "warning", "failed", "unknown", "skipped"]

STATES: Final[dict[State, str]] = {
    "ok": "it works",
    "warning": "it works, but costs more or tells less than it could",
    "failed": "something will not work",
    "unknown": "it could not be found out",
    "skipped": "it was not looked at, and the fix says what it would take",
}

CHECKS: Final = {
    "packages": "whether `guards` and its neighbours are ours, and no other distribution brings them too",
    "aws-extra": "boto3, which live logs need",
    "cdk-node": "the Node that aws_cdk runs in, where aws_cdk is installed",
    "credentials": "whether signed requests are answered",
    "clock": "this machine's clock against the service's",
    "permission": "one operation that the role may or may not call",
    "log-group": "whether a group is there, and of a class that can be read",
    "retention": "how long a group keeps its events",
    "index": "whether a group has an index of `session_id`",
    "table": "whether the sessions table can be read by a session's ID",
    "access-log": "which joins the lines of a stage's access log allow",
    "access-log-group": "whether the access log's group is among those named",
    "default-route": "what an API with the one route `$default` cannot tell",
    "function": "whether the function is there, and the API calls it",
    "gateway-limit": "`GUARD_GATEWAY_LIMIT_MS` of the function against the API's integration timeout",
    "function-timeout": "the function's own timeout against the API's",
    "alarm-inputs": "whether what guard.toml says of function and API is so",
    "alarm": "whether an alarm of the catalog is deployed as the catalog has it",
    "alarm-actions": "whether an alarm tells anybody",
    "alarm-data": "whether an alarm's metric had datapoints within seven days",
    "metric-filter": "whether the filter behind an alarm is deployed as the catalog has it",
    "topic": "whether somebody is subscribed to an alarm's topic, and has confirmed it",
}
"""Every check by its ID, and what it looks at. The IDs are stable."""


@dataclass(frozen=True, slots=True)
class Check:
    """What one look found."""

    id: str
    """One of CHECKS."""
    about: str | None
    """Which group, alarm, stage, operation; None where there is only one."""
    state: State
    said: str
    fix: str | None = None
    """What to do; None where nothing is to be done."""


def ok(id: str, about: str | None, said: str) -> Check:
    """It works."""
    return Check(id, about, "ok", said)


def warning(id: str, about: str | None, said: str, fix: str) -> Check:
    """It works, but not as well as it could."""
    return Check(id, about, "warning", said, fix)


def failed(id: str, about: str | None, said: str, fix: str) -> Check:
    """Something will not work."""
    return Check(id, about, "failed", said, fix)


def unknown(id: str, about: str | None, said: str, fix: str) -> Check:
    """It could not be found out."""
    return Check(id, about, "unknown", said, fix)


def skipped(id: str, fix: str, why: str = "not looked at") -> Check:
    """It was not looked at."""
    return Check(id, None, "skipped", why, fix)


def unanswered(id: str, about: str | None, fault: Fault) -> Check:
    """The service did not say."""
    return Check(id, about, "unknown", fault.what, fault.fix)
