"""From a question to a plan: the time from what was typed or the session's row, the size from an estimate."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from guards.errors import BadUsage, SourceFailed
from incidents.cloudwatch import windows
from incidents.cloudwatch.calls import Calls
from incidents.cloudwatch.faults import Fault
from incidents.cloudwatch.insights import Query, estimated, start
from incidents.cloudwatch.intervals import from_ms
from incidents.cloudwatch.plan import MAX_GB, PRICE_PER_GB, Plan, Step, priced, steps_of, unindexed
from incidents.cloudwatch.queries import INDEXED_FIELD, estimate_query
from incidents.cloudwatch.windows import Origin, Window
from incidents.forms.base import group_name

MOST_GROUPS: Final = 50
_GROUP: Final = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
_ROW: Final = ("created_at", "completed_at", "updated_at", "last_activity_at")


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of live logs."""

    groups: tuple[str, ...]
    wanted: str
    """The ID."""
    is_session: bool = True
    since: datetime | None = None
    until: datetime | None = None
    table: str | None = None
    """The sessions table; its row of the session tells when to look."""
    max_gb: float = MAX_GB
    price_per_gb: float = PRICE_PER_GB


def plan_for(ask: Ask, calls: Calls, now: datetime, table: Callable[[], Calls] | None = None) -> Plan:
    """What will be searched, and what it costs. Nothing is scanned for it.

    ``table`` makes calls of DynamoDB, where the ask names a table. Raises BadUsage for a name that is none,
    and SourceFailed where the service does not answer.
    """
    check_groups(ask.groups)
    origin, stretches = _windows(ask, now, table)
    plan = Plan(
        ask.groups,
        calls.region,
        ask.wanted,
        origin,
        steps_of(ask.wanted, stretches),
        ask.max_gb,
        ask.price_per_gb,
    )
    queries = [step for step in plan.steps if step.engine == "Insights"]
    if not queries:
        return plan
    if ask.is_session and (since := _indexed_since(ask.groups, calls)):
        steps = steps_of(ask.wanted, stretches, since)
        plan = Plan(ask.groups, calls.region, ask.wanted, origin, steps, ask.max_gb, ask.price_per_gb)
        queries = [step for step in plan.steps if step.engine == "Insights"]
    return priced(plan, _sizes(ask.groups, queries, calls))


def in_full(plan: Plan, numbers: Sequence[int], calls: Calls) -> Plan:
    """The plan with some steps that ask no index, and what these would scan. Raises SourceFailed."""
    plain = [unindexed(plan.steps[number], plan.wanted) for number in numbers]
    sized = dict(zip(numbers, zip(plain, _sizes(plan.groups, plain, calls), strict=True), strict=True))
    steps = list(plan.steps)
    for number, (step, size) in sized.items():
        steps[number] = replace(step, estimated_bytes=size)
    return replace(plan, steps=tuple(steps))


def check_groups(groups: Sequence[str]) -> None:
    """That names can be log groups' names. Raises BadUsage.

    >>> check_groups(["/aws/lambda/coaching-api-4b4d001"])
    """
    for name in groups:
        if not _GROUP.fullmatch(name):
            raise BadUsage(f"{name[:80]!r} is not a log group", hint="it has letters, digits and . - _ / #")
    if len(groups) > MOST_GROUPS:
        raise BadUsage(f"{len(groups)} log groups are too many", hint=f"name {MOST_GROUPS} at most")


def _windows(ask: Ask, now: datetime, table: Callable[[], Calls] | None) -> tuple[Origin, tuple[Window, ...]]:
    if typed := windows.given(ask.since, ask.until, now):
        return "given", typed
    if ask.table is not None and ask.is_session and table is not None:
        told = windows.of_row(session_row(table(), ask.table, ask.wanted), now)
        if told is not None:
            return "table", told
    return "widening", windows.widening(now)


def session_row(calls: Calls, table: str, session_id: str) -> dict[str, Any]:
    """The times in a session's row, read by its key; empty where there is no such row.

    Raises SourceFailed where the table cannot be read.
    """
    key = {"session_id": {"S": session_id}}
    try:
        answer = calls.call("GetItem", TableName=table, Key=key, ProjectionExpression=", ".join(_ROW))
    except Fault as fault:
        raise SourceFailed(f"the table {table}: {fault.what}", source=table, hint=fault.fix) from fault
    return {key: next(iter(value.values())) for key, value in answer.get("Item", {}).items()}


def _indexed_since(groups: Sequence[str], calls: Calls) -> datetime | None:
    """From when on every group has our records' session IDs in an index; None where one has not.

    That this may not be read is no trouble: without an index the search is only dearer.
    """
    try:
        asked = {"logGroupIdentifiers": list(groups)}
        answers = list(calls.pages("DescribeFieldIndexes", "nextToken", **asked))
    except Fault:
        return None
    first: dict[str, int] = {}
    for each in (each for answer in answers for each in answer.get("fieldIndexes", ())):
        if each.get("fieldIndexName") == INDEXED_FIELD and each.get("firstEventTime"):
            told = str(each.get("logGroupIdentifier", "")).split(":log-group:")[-1].removesuffix(":*")
            group = str(group_name(told))
            first[group] = min(each["firstEventTime"], first.get(group, each["firstEventTime"]))
    return from_ms(max(first.values())) if set(groups) <= set(first) else None


def _sizes(groups: Sequence[str], steps: Sequence[Step], calls: Calls) -> list[int | None]:
    """What each query would scan; all are started before the first is waited for."""
    started: list[Query | Fault] = []
    sizes: list[int | None] = []
    try:
        for step in steps:
            started.append(_started(groups, step, calls))
        for each in started:
            sizes.append(_size(each))
    except BaseException:
        for left in started[len(sizes) :]:
            if isinstance(left, Query):
                left.stop()
        raise
    return sizes


def _size(started: Query | Fault) -> int | None:
    if isinstance(started, Fault):
        return 0 if started.kind == "empty" else None
    found = started.found()
    if found.trouble is not None and found.trouble.kind == "interrupted":
        raise KeyboardInterrupt
    return estimated(found)


def _started(groups: Sequence[str], step: Step, calls: Calls) -> Query | Fault:
    try:
        return start(calls, groups, step.window, estimate_query(step.text))
    except Fault as fault:
        if fault.kind in ("empty", "unknown-query"):
            return fault
        where = ", ".join(groups)
        raise SourceFailed(f"{where}: {fault.what}", source=where, hint=fault.fix) from fault
