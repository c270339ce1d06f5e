"""When an alarm was last in ALARM, and what to search for it: the time, and the functions that it watches."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from alarms.composite_rules import CompositeRuleError, parse
from guards.errors import BadUsage, NothingMatched, SourceFailed
from incidents.cloudwatch.calls import Calls
from incidents.cloudwatch.faults import Fault
from incidents.cloudwatch.plan import rfc3339
from incidents.cloudwatch.windows import Window

TYPES: Final = ["MetricAlarm", "CompositeAlarm"]
"""Without these CloudWatch tells of metric alarms only."""

UNKNOWN: Final = timedelta(minutes=5)
"""How long an alarm looks back that does not say."""

_DEEPEST: Final = 5
"""Composite alarms may watch composite alarms, so far."""
_AT_ONCE: Final = 100
_LONGEST_NAME: Final = 255
_SUMMARY: Final = re.compile(r"from (OK|ALARM|INSUFFICIENT_DATA) to (OK|ALARM|INSUFFICIENT_DATA)")

Alarm = Mapping[str, Any]
"""As CloudWatch describes it."""


@dataclass(frozen=True, slots=True)
class Episode:
    """The last time that an alarm was in ALARM."""

    alarm: str
    since: datetime
    """When it went to ALARM."""
    until: datetime | None
    """When it left it; None: it is in it."""
    looks_back: timedelta
    """The longest period times evaluation periods: what it judged stands so far before it went to ALARM."""
    functions: tuple[str, ...]
    """Lambda functions that its metrics are of."""

    def window(self, now: datetime) -> Window:
        """What to search: from where it looked back to, until it left or now."""
        return Window(self.since - self.looks_back, now if self.until is None else self.until)

    @property
    def groups(self) -> tuple[str, ...]:
        """The log groups of its functions, as Lambda names them."""
        return tuple(f"/aws/lambda/{name}" for name in self.functions)

    @property
    def words(self) -> str:
        """What it was, in a sentence."""
        left = "and is in it still" if self.until is None else f"and left it at {rfc3339(self.until)}"
        back = f"{self.looks_back / timedelta(minutes=1):g} minutes"
        return (
            f"the alarm {self.alarm} went to ALARM at {rfc3339(self.since)} {left}; "
            f"it looks back {back}, its period times its evaluation periods"
        )


def last_episode(calls: Calls, name: str) -> Episode:
    """The last time that an alarm was in ALARM.

    Raises BadUsage for a name that is none, SourceFailed where there is no such alarm or CloudWatch does not
    tell, and NothingMatched where it was never in ALARM as far as its history goes.
    """
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise BadUsage(f"{name[:80]!r} is not the name of an alarm", hint="it has 1 to 255 characters")
    try:
        alarm = next(_described(calls, [name]), None)
        if alarm is None:
            hint = "check the name, --region and --profile"
            raise SourceFailed(f"there is no alarm named {name!r} in {calls.region}", source=name, hint=hint)
        since, until = _period(_transitions(calls, name), alarm)
        watched = _with_children(calls, alarm)
    except Fault as fault:
        raise SourceFailed(f"the alarm {name}: {fault.what}", source=name, hint=fault.fix) from fault
    metrics = [each for one in watched for each in _metrics(one)]
    looks_back = max((_looks_back(each) for each in watched if "AlarmRule" not in each), default=UNKNOWN)
    return Episode(name, since, until, looks_back, tuple(dict.fromkeys(_functions(metrics))))


def _described(calls: Calls, names: list[str]) -> Iterator[Alarm]:
    for first in range(0, len(names), _AT_ONCE):
        few = names[first : first + _AT_ONCE]
        for answer in calls.pages("DescribeAlarms", AlarmNames=few, AlarmTypes=TYPES):
            yield from answer.get("MetricAlarms", ())
            yield from answer.get("CompositeAlarms", ())


def _transitions(calls: Calls, name: str) -> Iterator[tuple[datetime, str, str]]:
    """When it went from which state to which, newest first; pages are asked for as they are needed."""
    asked: dict[str, Any] = {"AlarmName": name, "AlarmTypes": TYPES, "HistoryItemType": "StateUpdate"}
    for answer in calls.pages("DescribeAlarmHistory", ScanBy="TimestampDescending", MaxRecords=100, **asked):
        for item in answer.get("AlarmHistoryItems", ()):
            states = _states(item)
            if states is not None and item.get("HistoryItemType") == "StateUpdate":
                yield item["Timestamp"].astimezone(UTC), *states


def _states(item: Mapping[str, Any]) -> tuple[str, str] | None:
    """From which state to which, by the item's data, else by its summary."""
    try:
        told = json.loads(item.get("HistoryData") or "")
        return str(told["oldState"]["stateValue"]), str(told["newState"]["stateValue"])
    except (ValueError, TypeError, KeyError):
        found = _SUMMARY.search(str(item.get("HistorySummary")))
        return None if found is None else (found[1], found[2])


def _period(
    transitions: Iterable[tuple[datetime, str, str]], alarm: Alarm
) -> tuple[datetime, datetime | None]:
    left: datetime | None = None
    for at, old, new in transitions:
        if new == "ALARM" and old != "ALARM":
            return at, left
        if old == "ALARM" and new != "ALARM":
            left = at
    told = alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp")
    if left is None and alarm.get("StateValue") == "ALARM" and isinstance(told, datetime):
        return told.astimezone(UTC), None  # for longer than its history is kept
    raise NothingMatched(
        f"the alarm {alarm['AlarmName']} did not go to ALARM as far back as its history goes",
        hint="CloudWatch keeps it for 14 days; name a time with --since and --until instead",
    )


def _with_children(calls: Calls, alarm: Alarm) -> list[Alarm]:
    """The alarm, and for a composite one all that its rule reads, and what theirs read."""
    known, fresh = {str(alarm["AlarmName"]): alarm}, [alarm]
    for _ in range(_DEEPEST):
        names = [name for each in fresh for name in _named(each.get("AlarmRule")) if name not in known]
        if not names:
            break
        fresh = list(_described(calls, list(dict.fromkeys(names))))
        known.update((str(each["AlarmName"]), each) for each in fresh)
    return list(known.values())


def _named(rule: object) -> tuple[str, ...]:
    """The alarms that a composite rule reads, by name or ARN.

    >>> _named('ALARM("slow") AND NOT OK(arn:aws:cloudwatch:us-east-1:123456789012:alarm:errors)')
    ('slow', 'errors')
    """
    try:
        names = parse(rule).names if isinstance(rule, str) else ()
    except CompositeRuleError:
        return ()
    return tuple(name.rpartition(":alarm:")[2] if name.startswith("arn:") else name for name in names)


def _metrics(alarm: Alarm) -> Iterator[Mapping[str, Any]]:
    if "MetricName" in alarm:
        yield alarm
    for each in alarm.get("Metrics", ()):
        yield each.get("MetricStat", {}).get("Metric", {})


def _looks_back(alarm: Alarm) -> timedelta:
    periods = [alarm.get("Period")]
    for each in alarm.get("Metrics", ()):
        periods += [each.get("Period"), each.get("MetricStat", {}).get("Period")]
    period = max((each for each in periods if each), default=60)
    return timedelta(seconds=period) * (alarm.get("EvaluationPeriods") or 1)


def _functions(metrics: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for metric in metrics:
        if metric.get("Namespace") == "AWS/Lambda":
            for dimension in metric.get("Dimensions", ()):
                if dimension.get("Name") == "FunctionName":
                    yield str(dimension["Value"])
