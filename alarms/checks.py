"""Whether a catalog can do its job, also after someone changed one of its alarms.

Only what would go wrong without a word: a metric that the API's kind does not have, seconds for milliseconds,
a mark that comes too late, more datapoints than periods, a composite that reads nothing.
"""

from __future__ import annotations

from alarms.catalog import Catalog
from alarms.gateway_alarms import ERRORS, NAMESPACE, stage_dimensions
from alarms.inputs import ServiceInput
from alarms.model import CompositeAlarm, MetricAlarm
from alarms.thresholds import durations
from guards.errors import BadUsage


def check(made: Catalog) -> None:
    """Raise BadUsage for the first alarm that cannot do its job; it says what to write instead."""
    services = {service.name: service for service in made.services}
    for alarm in made.alarms:
        _check_numbers(alarm)
        if alarm.service in services:
            _check_metric(alarm, services[alarm.service])
    names = {alarm.alarm_name for alarm in made.alarms}
    names |= {alarm.alarm_name for alarm in made.composites}
    for composite in made.composites:
        _check_composite(composite, names)


def _check_numbers(alarm: MetricAlarm) -> None:
    if not 1 <= alarm.datapoints_to_alarm <= alarm.evaluation_periods:
        raise BadUsage(
            f"{alarm.alarm_name} wants {alarm.datapoints_to_alarm} of {alarm.evaluation_periods} datapoints",
            hint="datapoints_to_alarm is from 1 to evaluation_periods",
        )
    if len(alarm.alarm_description) > 1024:
        raise BadUsage(f"the description of {alarm.alarm_name} is over 1,024 characters", hint="shorten it")


def _check_metric(alarm: MetricAlarm, service: ServiceInput) -> None:
    if alarm.namespace == NAMESPACE:
        _check_gateway(alarm, service)
    if (alarm.namespace, alarm.metric_name) == ("AWS/Lambda", "Duration"):
        _check_duration(alarm, service)


def _check_gateway(alarm: MetricAlarm, service: ServiceInput) -> None:
    kind, api = service.api.kind.upper(), service.api
    named = dict(stage_dimensions(api))
    carried = {each.name: each.value for each in alarm.dimensions}
    if alarm.metric_name in ERRORS.values() and alarm.metric_name != ERRORS[api.kind]:
        raise BadUsage(
            f"{alarm.alarm_name} reads {alarm.metric_name}, which no {kind} API has: it would never fire",
            hint=f"write {ERRORS[api.kind]}",
        )
    if not named.items() <= carried.items():
        raise BadUsage(
            f"{alarm.alarm_name} reads the dimensions {carried}, which no datapoint of this API carries",
            hint=f"write {named}",
        )


def _check_duration(alarm: MetricAlarm, service: ServiceInput) -> None:
    limit_ms = durations(service).limit_ms
    if alarm.threshold < 1000:
        raise BadUsage(
            f"{alarm.alarm_name} has the threshold {alarm.threshold:g}, and Duration is in ms",
            hint=f"for {alarm.threshold:g} s write {alarm.threshold * 1000:.0f}",
        )
    if alarm.threshold >= limit_ms:
        raise BadUsage(
            f"{alarm.alarm_name} has the threshold {alarm.threshold:g} ms, and the gateway gives up at "
            f"{limit_ms:g} ms",
            hint=f"write less than {limit_ms:g}",
        )


def _check_composite(composite: CompositeAlarm, names: set[str]) -> None:
    read = composite.alarm_rule.split('"')[1::2]
    suppressor = composite.actions_suppressor
    unknown = [name for name in (*read, *([suppressor] if suppressor else [])) if name not in names]
    if not read or unknown:
        what = f"reads {unknown[0]}, which is not in the catalog" if unknown else "reads no alarm"
        raise BadUsage(f"{composite.alarm_name} {what}", hint="name alarms of the same catalog")
