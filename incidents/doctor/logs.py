"""CloudWatch Logs and the sessions table: credentials, clock, groups, queries. Nothing is scanned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from alarms.index_policy import merge_command, save_command
from incidents.cloudwatch.calls import Answer
from incidents.cloudwatch.faults import Fault
from incidents.cloudwatch.insights import start
from incidents.cloudwatch.intervals import from_ms, to_ms
from incidents.cloudwatch.queries import INDEXED_FIELD, estimate_query, hits_query
from incidents.cloudwatch.windows import Window
from incidents.doctor.asking import Asking
from incidents.doctor.check import Check, State, failed, ok, unanswered, unknown, warning

SKEW_TOLD: Final = timedelta(seconds=30)
"""A clock that is further off makes the last minutes hard to find."""

SKEW_REFUSED: Final = timedelta(minutes=5)
"""AWS refuses requests that are signed further off."""

LEAST_DAYS: Final = 7
"""Kept for less, last week's incidents are gone."""

_MINUTE: Final = timedelta(minutes=1)
_NOBODY: Final = "guard-doctor"
"""A session's ID that no row has."""


def credentials(asking: Asking, group: str | None) -> list[Check]:
    """Whether signed requests are answered, and this machine's clock. A refusal of one operation will do."""
    try:
        answer = asking.ask("logs", "DescribeLogGroups", needed=False, limit=1, **_prefix(group))
        date = _date(answer)
    except Fault as fault:
        if fault.kind != "refused":
            return [failed("credentials", None, fault.what, fault.fix), clock(fault.date, asking.now)]
        date = fault.date
    region = asking.calls("logs").region
    return [
        ok("credentials", None, f"signed requests are answered in {region}"),
        clock(date, asking.now),
    ]


def clock(date: str | None, now: datetime) -> Check:
    """This machine's clock, by the header Date of an answer."""
    if date is None:
        return unknown("clock", None, "the service told no time", "compare it with another clock")
    skew = abs(parsedate_to_datetime(date) - now)
    said = f"{skew.total_seconds():.0f} s from the service's"
    if skew <= SKEW_TOLD:
        return ok("clock", None, said)
    state: State = "failed" if skew > SKEW_REFUSED else "warning"
    return Check("clock", None, state, said, "set this machine's clock (NTP)")


def group_checks(name: str, asking: Asking) -> Iterator[Check]:
    """One group: whether it is there, how long it keeps its events, its index; permissions are noted."""
    found = list(_described(name, asking))
    yield from found
    if not any(check.state == "failed" for check in found):
        _may_filter(name, asking)
        _may_query(name, asking)
        yield _index(name, asking)


def table_check(name: str, asking: Asking) -> Check:
    """Whether a session's row could be read, by asking for one that is not there."""
    key = {"session_id": {"S": _NOBODY}}
    try:
        asking.ask("dynamodb", "GetItem", name, TableName=name, Key=key, ProjectionExpression="created_at")
    except Fault as fault:
        if "ValidationException" in fault.what:
            fix = "name the table whose key is session_id alone"
            return failed("table", name, "its key is not session_id", fix)
        return failed("table", name, fault.what, fault.fix)
    return ok("table", name, "a session's row can be read by its ID")


def _described(name: str, asking: Asking) -> Iterator[Check]:
    try:
        listed = asking.pages("logs", "DescribeLogGroups", "nextToken", needed=False, **_prefix(name))
    except Fault as fault:
        yield unanswered("log-group", name, fault)
        return
    groups = (each for answer in listed for each in answer.get("logGroups", ()))
    group = next((each for each in groups if each.get("logGroupName") == name), None)
    if group is None:
        fix = "check the name, --region and --profile"
        yield failed("log-group", name, "there is no such log group", fix)
        return
    yield _class(name, group)
    yield _retention(name, group)


def _class(name: str, group: dict[str, Any]) -> Check:
    sort = group.get("logGroupClass", "STANDARD")
    if sort != "STANDARD":
        fix = "only groups of the class STANDARD can be read by FilterLogEvents and have indexes"
        return failed("log-group", name, f"its class is {sort}", fix)
    return ok("log-group", name, f"it is there, of the class {sort}")


def _retention(name: str, group: dict[str, Any]) -> Check:
    days = group.get("retentionInDays")
    if days is not None and days < LEAST_DAYS:
        fix = f"aws logs put-retention-policy --log-group-name {name} --retention-in-days 30"
        return warning("retention", name, f"events are kept {days} days: older incidents are gone", fix)
    return ok("retention", name, "events are kept for ever" if days is None else f"{days} days are kept")


def _may_filter(name: str, asking: Asking) -> None:
    span: dict[str, Any] = {"startTime": to_ms(asking.now - _MINUTE), "endTime": to_ms(asking.now)}
    with suppress(Fault):
        asking.ask("logs", "FilterLogEvents", name, logGroupName=name, limit=1, **span)


def _may_query(name: str, asking: Asking) -> None:
    """An estimate only: nothing is scanned. Stopping a query that has ended is refused, but not denied."""
    calls, window = asking.calls("logs"), Window(asking.now - _MINUTE, asking.now)
    try:
        query = start(calls, [name], window, estimate_query(hits_query("none")))
    except Fault as fault:
        asking.note("logs", "StartQuery", name, fault)
        return
    asking.note("logs", "StartQuery", name, None)
    trouble = query.found().trouble
    if trouble is not None and trouble.kind == "interrupted":
        raise KeyboardInterrupt
    asking.note("logs", "GetQueryResults", None, trouble)
    try:
        query.stop(quietly=False)
    except Fault as fault:
        asking.note("logs", "StopQuery", None, fault)
    else:
        asking.note("logs", "StopQuery", None, None)


def _index(name: str, asking: Asking) -> Check:
    steps = f"{save_command(name)}; then: {merge_command(name)}; then what that prints"
    fix = f"run: {steps}. It helps where guards write records there"
    try:
        asked = {"logGroupIdentifiers": [name]}
        pages = asking.pages("logs", "DescribeFieldIndexes", "nextToken", name, needed=False, **asked)
    except Fault as fault:
        return unanswered("index", name, fault)
    indexes = [each for answer in pages for each in answer.get("fieldIndexes", ())]
    found = [each for each in indexes if each.get("fieldIndexName") == INDEXED_FIELD]
    times = [each["firstEventTime"] for each in found if each.get("firstEventTime")]
    if times:
        return ok("index", name, f"{INDEXED_FIELD} since {from_ms(min(times)):%Y-%m-%d}")
    if found:
        said = f"{INDEXED_FIELD} is indexed, and no event had it yet: searches scan everything"
        return warning("index", name, said, "let the function write guards' records, as docs/guards.md says")
    return warning("index", name, f"no index of {INDEXED_FIELD}: searches scan everything", fix)


def _prefix(name: str | None) -> dict[str, Any]:
    return {} if name is None else {"logGroupNamePrefix": name}


def _date(answer: Answer) -> str | None:
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return None if date is None else str(date)


def groups_checks(names: Sequence[str], asking: Asking) -> Iterator[Check]:
    """All groups, and then what the role may do on them."""
    for name in names:
        yield from group_checks(name, asking)
    yield from asking.permissions()
