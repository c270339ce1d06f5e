"""Deployed alarms against the catalog: missing, changed, blind, or telling nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from alarms.catalog import Catalog
from alarms.drift import BLINDING, Difference, composite_drift, filter_drift, metric_drift
from alarms.lint.alarm import ALARM
from alarms.lint.rules.thresholds import threshold_unit
from alarms.lint.template import build
from alarms.model import CompositeAlarm, MetricAlarm, MetricFilter
from incidents.cloudwatch.faults import Fault
from incidents.doctor.asking import Asking
from incidents.doctor.check import Check, failed, ok, unanswered, warning
from incidents.doctor.data import data_checks
from incidents.doctor.topics import topic_checks

_MOST_NAMES: Final = 100
_DEPLOY: Final = "deploy the catalog again: guard alarms synth, then aws cloudformation deploy"
_KEEP: Final = f"{_DEPLOY}; or write what is wanted into guard.toml's [alarms]"

_JUDGED: Final = (
    *("Namespace", "MetricName", "Dimensions", "Statistic", "ExtendedStatistic"),
    *("Period", "EvaluationPeriods", "Threshold", "ComparisonOperator"),
)

Deployed = Mapping[str, Any]


def alarm_checks(made: Catalog, asking: Asking) -> Iterator[Check]:
    """Every alarm of the catalog, its metric, the filter behind it, and who is told."""
    wanted: list[MetricAlarm | CompositeAlarm] = [*made.alarms, *made.composites]
    try:
        deployed = described([each.alarm_name for each in wanted], asking)
    except Fault as fault:
        yield unanswered("alarm", None, fault)
        return
    for each in wanted:
        yield from _alarm(each, deployed.get(each.alarm_name))
    there = [each for each in made.alarms if each.alarm_name in deployed]
    yield from data_checks(there, deployed, asking)
    yield from filter_checks(made.filters, asking)
    yield from topic_checks(deployed.values(), asking)
    _may_read_history(wanted[0].alarm_name, asking)


def described(names: Iterable[str], asking: Asking) -> dict[str, Deployed]:
    """The alarms of these names that there are, as DescribeAlarms has them. Raises Fault."""
    left, found = list(names), {}
    while left:
        some, left = left[:_MOST_NAMES], left[_MOST_NAMES:]
        # Without the types CloudWatch keeps composite alarms back.
        asked: dict[str, Any] = {"AlarmNames": some, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
        for answer in asking.pages("cloudwatch", "DescribeAlarms", "NextToken", **asked):
            for each in (*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())):
                found[each["AlarmName"]] = each
    return found


def filter_checks(filters: Iterable[MetricFilter], asking: Asking) -> Iterator[Check]:
    """The metric filters: without one its alarm never fires."""
    read: dict[str, list[Deployed] | Fault] = {}
    for wanted in filters:
        if wanted.log_group_name not in read:
            read[wanted.log_group_name] = _filters(wanted.log_group_name, asking)
        found = read[wanted.log_group_name]
        if isinstance(found, Fault):
            yield unanswered("metric-filter", wanted.filter_name, found)
        else:
            yield _filter(wanted, filter_drift(wanted, found))


def _alarm(wanted: MetricAlarm | CompositeAlarm, found: Deployed | None) -> Iterator[Check]:
    name = wanted.alarm_name
    if found is None:
        yield failed("alarm", name, "it is not deployed", _DEPLOY)
        return
    if isinstance(wanted, CompositeAlarm):
        differences = composite_drift(wanted, found)
    else:
        differences = metric_drift(wanted, found)
    yield _always(name, differences, found) or _drift("alarm", name, differences)
    if wanted.topic is not None:
        yield _actions(name, found)


def _always(name: str, differences: tuple[Difference, ...], found: Deployed) -> Check | None:
    """A threshold in seconds on a metric in ms is no matter of taste: `guard alarms lint` says so too."""
    resource = {"Type": ALARM, "Properties": {key: found[key] for key in _JUDGED if key in found}}
    findings = threshold_unit(build({"Resources": {"Alarm": resource}}))
    errors = [each for each in findings if each.severity == "error"]
    if not (differences and errors):
        return None
    return failed("alarm", name, f"{'; '.join(map(str, differences))}. {errors[0].summary}", _DEPLOY)


def _drift(id: str, name: str, differences: tuple[Difference, ...]) -> Check:
    if not differences:
        return ok(id, name, "it is as the catalog has it")
    said = "; ".join(map(str, differences))
    if any(each.field in BLINDING for each in differences):
        return failed(id, name, f"it may see no data: {said}", _DEPLOY)
    return warning(id, name, said, _KEEP)


def _actions(name: str, found: Deployed) -> Check:
    if not found.get("AlarmActions"):
        return failed("alarm-actions", name, "it tells nobody: it has no action on ALARM", _DEPLOY)
    if not found.get("ActionsEnabled", True):
        fix = f"run: aws cloudwatch enable-alarm-actions --alarm-names {name}"
        return failed("alarm-actions", name, "it tells nobody: its actions are switched off", fix)
    return ok("alarm-actions", name, "it has actions, and they are switched on")


def _filter(wanted: MetricFilter, differences: tuple[Difference, ...] | None) -> Check:
    name = wanted.filter_name
    if differences is None:
        said = f"{wanted.log_group_name} has no such filter: its alarm never fires"
        return failed("metric-filter", name, said, _DEPLOY)
    if differences:
        said = "; ".join(map(str, differences))
        return failed("metric-filter", name, f"it counts something else: {said}", _DEPLOY)
    return ok("metric-filter", name, "it is as the catalog has it")


def _filters(group: str, asking: Asking) -> list[Deployed] | Fault:
    try:
        pages = asking.pages("logs", "DescribeMetricFilters", "nextToken", group, logGroupName=group)
    except Fault as fault:
        return fault
    return [each for answer in pages for each in answer.get("metricFilters", ())]


def _may_read_history(name: str, asking: Asking) -> None:
    """What ``guard scan --alarm`` asks besides."""
    try:
        asking.ask("cloudwatch", "DescribeAlarmHistory", needed=False, AlarmName=name, MaxRecords=1)
    except Fault:
        return  # it is noted
