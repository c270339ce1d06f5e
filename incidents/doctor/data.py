"""Whether an alarm's metric has datapoints at all: one that has none stays as it is for ever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from alarms.metrics import metric_of
from alarms.model import MetricAlarm
from incidents.cloudwatch.faults import Fault
from incidents.doctor.asking import Asking
from incidents.doctor.check import Check, ok, unanswered, unknown, warning

LOOKED_BACK: Final = timedelta(days=7)

_DAY_S: Final = 86_400
_IDLE: Final = (
    "if there were requests, compare its dimensions with what there is: aws cloudwatch list-metrics"
)
_EITHER: Final = frozenset({"route-5xx", "route-5xx-older"})
"""AWS's pages contradict each other on a route's dimensions: one of these two has no data, whichever."""


def data_checks(
    alarms: Iterable[MetricAlarm], deployed: Mapping[str, Mapping[str, Any]], asking: Asking
) -> Iterator[Check]:
    """Each alarm's metric, as it is deployed, over the last seven days; a metric is asked for once."""
    read: dict[str, float | Fault] = {}
    for alarm in alarms:
        found = deployed[alarm.alarm_name]
        if not found.get("MetricName"):
            continue  # an expression over several, which is drift enough
        key = repr([found.get(name) for name in ("Namespace", "MetricName", "Dimensions")])
        if key not in read:
            read[key] = _counted(found, asking)
        yield _judged(alarm, found, read[key])


def _counted(found: Mapping[str, Any], asking: Asking) -> float | Fault:
    """How many datapoints there were."""
    asked = {
        "Namespace": found["Namespace"],
        "MetricName": found["MetricName"],
        "Dimensions": found.get("Dimensions", []),
        "StartTime": asking.now - LOOKED_BACK,
        "EndTime": asking.now,
        "Period": _DAY_S,
        "Statistics": ["SampleCount"],
    }
    try:
        answer = asking.ask("cloudwatch", "GetMetricStatistics", **asked)
    except Fault as fault:
        return fault
    return sum(float(each.get("SampleCount", 0)) for each in answer.get("Datapoints", ()))


def _judged(alarm: MetricAlarm, found: Mapping[str, Any], count: float | Fault) -> Check:
    name = alarm.alarm_name
    if isinstance(count, Fault):
        return unanswered("alarm-data", name, count)
    if count:
        return ok("alarm-data", name, f"{count:,.0f} samples in 7 days")
    if alarm.kind in _EITHER:
        said = "no datapoint in 7 days; of the two ways to name a route only one has any"
        return unknown("alarm-data", name, said, "see that the other one has some")
    if not _with_each_request(alarm):
        return ok("alarm-data", name, "no datapoint in 7 days: nothing to count")
    said = "no datapoint in 7 days: no request came, or it looks at the wrong metric"
    if found.get("StateValue") == "INSUFFICIENT_DATA":
        said += f"; INSUFFICIENT_DATA{_since(found)}"
    return warning("alarm-data", name, said, _IDLE)


def _with_each_request(alarm: MetricAlarm) -> bool:
    """Whether its metric gets a datapoint from every request; others count what seldom happens."""
    known = metric_of(alarm.namespace, alarm.metric_name, [each.name for each in alarm.dimensions])
    return known is not None and (known.rate or known.unit == "Milliseconds")


def _since(found: Mapping[str, Any]) -> str:
    at = found.get("StateUpdatedTimestamp")
    return "" if at is None else f" since {at:%Y-%m-%d}"
