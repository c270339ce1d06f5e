"""What works of live logs and what is missing, each with what to do; nothing is changed nor charged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal

from incidents.cloudwatch.calls import Answer, Calls
from incidents.cloudwatch.faults import DENIED, Fault
from incidents.cloudwatch.insights import start
from incidents.cloudwatch.intervals import from_ms, to_ms
from incidents.cloudwatch.queries import INDEXED_FIELD, estimate_query, hits_query
from incidents.cloudwatch.windows import Window

State = Literal["ok", "warning", "failed", "unknown"]

SKEW_TOLD: Final = timedelta(seconds=30)
"""A clock that is further off makes the last minutes hard to find."""

SKEW_REFUSED: Final = timedelta(minutes=5)
"""AWS refuses requests that are signed further off."""

_MINUTE: Final = timedelta(minutes=1)
_JOIN: Final = "$context.integration.requestId"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: State
    said: str
    fix: str | None = None
    """What to do; None where nothing is to be done."""


def examine(
    groups: Sequence[str], calls: Calls, now: datetime, access_log: str | None = None
) -> Iterator[Check]:
    """All checks of live logs, in the order in which they matter."""
    try:
        answer = calls.call("DescribeLogGroups", logGroupNamePrefix=groups[0], limit=50)
    except Fault as fault:
        yield Check("credentials", "failed", fault.what, fault.fix)
        return
    yield Check("credentials", "ok", f"signed requests are answered in {calls.region}")
    yield _clock(answer, now)
    for name in groups:
        yield from _group(name, calls, now)
    yield _stop_query(groups[0], calls, now)
    yield _gateway(access_log)


def _clock(answer: Answer, now: datetime) -> Check:
    told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    if told is None:
        return Check("clock", "unknown", "the service told no time")
    skew = abs(parsedate_to_datetime(told) - now)
    said = f"{skew.total_seconds():.0f} s from the service's"
    if skew > SKEW_TOLD:
        state: State = "failed" if skew > SKEW_REFUSED else "warning"
        return Check("clock", state, said, "set this machine's clock (NTP)")
    return Check("clock", "ok", said)


def _group(name: str, calls: Calls, now: datetime) -> Iterator[Check]:
    try:
        listed = calls.call("DescribeLogGroups", logGroupNamePrefix=name, limit=50).get("logGroups", ())
    except Fault as fault:
        yield Check(name, "failed", fault.what, fault.fix)
        return
    known = [each for each in listed if each.get("logGroupName") == name]
    if not known:
        yield Check(name, "failed", "there is no such log group", "check the name, --region and --profile")
        return
    yield _kept(name, known[0])
    yield _allowed(
        name,
        "FilterLogEvents",
        calls,
        logGroupName=name,
        startTime=to_ms(now - _MINUTE),
        endTime=to_ms(now),
        limit=1,
    )
    yield _query(name, calls, now)
    yield _index(name, calls)


def _kept(name: str, group: dict[str, Any]) -> Check:
    days, sort = group.get("retentionInDays"), group.get("logGroupClass", "STANDARD")
    said = f"class {sort}, kept {'for ever' if days is None else f'{days} days'}"
    if sort != "STANDARD":
        fix = "only groups of the class STANDARD can be read by FilterLogEvents and have indexes"
        return Check(name, "failed", said, fix)
    if days is not None and days < 7:
        return Check(name, "warning", said, "keep 7 days at least, or last week's incidents are gone")
    return Check(name, "ok", said)


def _allowed(name: str, operation: str, calls: Calls, **parameters: Any) -> Check:
    try:
        calls.call(operation, **parameters)
    except Fault as fault:
        return Check(f"{name}: {operation}", "failed", fault.what, fault.fix)
    return Check(f"{name}: {operation}", "ok", "allowed")


def _query(name: str, calls: Calls, now: datetime) -> Check:
    """An estimate only: it is not charged."""
    try:
        text = estimate_query(hits_query("none"))
        found = start(calls, [name], Window(now - _MINUTE, now), text).found()
    except Fault as fault:
        return Check(f"{name}: Insights", "failed", fault.what, fault.fix)
    if found.trouble is not None:
        return Check(f"{name}: Insights", "failed", found.trouble.what, found.trouble.fix)
    return Check(f"{name}: Insights", "ok", "queries run")


def _index(name: str, calls: Calls) -> Check:
    what = f"{name}: index"
    try:
        answer = calls.call("DescribeFieldIndexes", logGroupIdentifiers=[name])
    except Fault as fault:
        return Check(what, "warning", fault.what, fault.fix)
    for each in answer.get("fieldIndexes", ()):
        if each.get("fieldIndexName") == INDEXED_FIELD and each.get("firstEventTime"):
            return Check(what, "ok", f"{INDEXED_FIELD} since {from_ms(each['firstEventTime']):%Y-%m-%d}")
    fix = f"index {INDEXED_FIELD} where guards write records there; read the group's policy first, it is one"
    return Check(what, "warning", f"no index of {INDEXED_FIELD}: searches scan everything", fix)


def _stop_query(name: str, calls: Calls, now: datetime) -> Check:
    """Stopping a query that has ended is refused, but not denied."""
    try:
        query = start(calls, [name], Window(now - _MINUTE, now), estimate_query(hits_query("none")))
        query.found()
        query.stop(quietly=False)
    except Fault as fault:
        if fault.what == DENIED:
            return Check("StopQuery", "warning", fault.what, fault.fix)
    return Check("StopQuery", "ok", "allowed")


def _gateway(access_log: str | None) -> Check:
    if access_log is None:
        fix = f"name its format (--access-log-format), and let it have {_JOIN}"
        return Check("gateway", "unknown", "without its access log the client's side is arithmetic", fix)
    if _JOIN not in access_log:
        return Check("gateway", "warning", "its lines are tied to requests by time alone", f"add {_JOIN}")
    return Check("gateway", "ok", "its lines name Lambda's request")
