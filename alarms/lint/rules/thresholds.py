"""Whether an alarm's threshold means what its author meant, and can be reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from alarms.lint import examples as example
from alarms.lint import gateways
from alarms.lint.alarm import Alarm, MetricUse, alarms_of, function_of
from alarms.lint.registry import Hit, Severity, rule
from alarms.lint.template import Template
from alarms.lint.values import text
from alarms.lint.words import quantity, without_data

_LONG_S: Final = 60
"""A threshold up to this, on milliseconds, reads like seconds ..."""
_LONG_MS: Final = 100_000
"""... and one from this on, on seconds, like milliseconds."""


def _compared(template: Template) -> Iterator[tuple[Alarm, MetricUse, float]]:
    """Alarms whose known metric is compared with a known threshold as it is."""
    for alarm in alarms_of(template):
        if alarm.direct is not None and alarm.threshold is not None and alarm.direct.known:
            yield alarm, alarm.direct, alarm.threshold


@rule(
    "threshold-unit",
    "error",
    fires=lambda: example.template(Alarm=example.alarm(Threshold=25)),
    silent=lambda: example.template(Alarm=example.alarm(Threshold=25_000)),
)
def threshold_unit(template: Template) -> Iterator[Hit]:
    """The threshold is in seconds where the metric is in milliseconds, or the other way round.

    `Duration`, `Latency` and `IntegrationLatency` are in milliseconds. A threshold of at most 60 on one of
    them is an error where it is on the Maximum or on a Lambda function's Duration, else a warning: an
    average of some milliseconds may be meant. Queues' ages and load balancers' response times are in
    seconds.
    """
    for alarm, use, threshold in _compared(template):
        unit = use.known.unit if use.known else ""
        if unit == "Milliseconds" and 0 < threshold <= _LONG_S and alarm.above is not False:
            sure = use.statistic == "Maximum" or use.name == "Duration"
            severity: Severity = "error" if sure else "warning"
            yield Hit(
                alarm.resource,
                f"{use.name} is in milliseconds: at {quantity(threshold)} ms nearly every request fires it.",
                f"Write {quantity(threshold * 1000)} if {quantity(threshold)} s is meant.",
                severity,
            )
        if unit == "Seconds" and threshold >= _LONG_MS and alarm.above is not False:
            yield Hit(
                alarm.resource,
                f"{use.name} is in seconds: {quantity(threshold)} s are {quantity(threshold // 3600)} h.",
                f"Write {quantity(threshold / 1000)} if {quantity(threshold)} ms is meant.",
            )


@rule(
    "metric-unit",
    "error",
    fires=lambda: example.template(Alarm=example.alarm(Unit="Seconds", Threshold=25_000)),
    silent=lambda: example.template(Alarm=example.alarm(Unit="Milliseconds")),
)
def metric_unit(template: Template) -> Iterator[Hit]:
    """The alarm asks for a unit that the metric's datapoints do not have.

    CloudWatch converts nothing: an alarm with `Unit` reads only datapoints that were published in that unit.
    """
    for alarm in alarms_of(template):
        for use in alarm.uses:
            told, known = text(use.unit), use.known
            if told is None or known is None or not known.unit or told == known.unit:
                continue
            what = f"{use.name} is published in {known.unit}, never in {told}: {without_data(alarm)}."
            yield Hit(alarm.resource, what, f"Leave Unit out, or write {known.unit}.")


@rule(
    "threshold-out-of-reach",
    "error",
    fires=lambda: example.template(Function=example.function(Timeout=20), Alarm=example.alarm()),
    silent=lambda: example.template(Function=example.function(Timeout=300), Alarm=example.alarm()),
)
def threshold_out_of_reach(template: Template) -> Iterator[Hit]:
    """The threshold is at or above what ends a request: the function's timeout or the gateway's limit.

    No invocation runs longer than its function's timeout, and no request waits longer than the gateway does
    (30 s for an HTTP API, 29 s for a REST API unless raised). An alarm on a function's `Duration` at or
    above the limit of its gateway does fire, but only after the client was given up: that is a warning. A
    function stands behind a gateway where an integration or a permission of the template says so, or where
    the template has alarms on a gateway.
    """
    by_alarms = gateways.limit_by_alarms(template)
    for alarm, use, threshold in _compared(template):
        if alarm.above and use.known and use.statistic not in ("Sum", "SampleCount"):
            if use.known.limit == "gateway":
                yield from _over_gateway(template, alarm, use, threshold)
            elif use.known.limit == "function":
                yield from _over_function(template, alarm, threshold, by_alarms)


def _over_gateway(template: Template, alarm: Alarm, use: MetricUse, threshold: float) -> Iterator[Hit]:
    limit, sure = gateways.limit_ms(template, use.dimensions or {})
    if limit is not None and threshold >= limit:
        what = f"The gateway gives up at {quantity(limit)} ms: {use.name} does not get over {_ms(threshold)}."
        severity: Severity = "error" if sure else "warning"
        yield Hit(alarm.resource, what, f"Choose a threshold below it, such as {_below(limit)}.", severity)


def _over_function(
    template: Template, alarm: Alarm, threshold: float, by_alarms: float | None
) -> Iterator[Hit]:
    function = function_of(alarm.direct, template) if alarm.direct else None
    timeout = template.timeout_s(function) if function else None
    most = None if timeout is None else timeout * 1000
    if function and most and (threshold > most or (threshold == most and not alarm.inclusive)):
        what = f"{function.logical_id} is stopped at its timeout of {_ms(most)}: nothing takes longer."
        yield Hit(alarm.resource, what, f"Choose a threshold below {_ms(most)}.")
        return
    limit = gateways.limit_in_front_of(template, function) if function else by_alarms
    if limit is not None and threshold >= limit:
        what = f"The gateway gives up at {_ms(limit)}: at {_ms(threshold)} the client is gone already"
        what += "." if function else ", if this function answers its requests."
        fix = f"Choose a threshold below it, such as {_below(limit)}."
        yield Hit(alarm.resource, what, fix, severity="warning")


def _ms(value: float) -> str:
    return f"{quantity(value)} ms"


def _below(limit: float) -> str:
    return quantity(round(limit * 25 / 30, -3) or limit / 2)


@rule(
    "statistic",
    "error",
    fires=lambda: example.template(
        Alarm=example.counted("AWS/ApiGateway", "5xx", {"ApiId": "abc123"}, Statistic="Average")
    ),
    silent=lambda: example.template(
        Alarm=example.counted("AWS/ApiGateway", "5xx", {"ApiId": "abc123"}, Statistic="Sum")
    ),
)
def statistic(template: Template) -> Iterator[Hit]:
    """The statistic is another number than the threshold was written for.

    Of errors, each request publishes 0 or 1: `Sum` counts them, `Average` is a share from 0 to 1, which
    reaches 1 only where every request fails. `SampleCount` counts requests, not errors. The `Sum` of times
    grows with the traffic (a warning).
    """
    for alarm, use, threshold in _compared(template):
        if alarm.above and use.known and use.known.rate:
            yield from _on_errors(alarm, use, threshold)
        elif alarm.above and use.known and use.known.unit == "Milliseconds" and use.statistic == "Sum":
            what = f"The Sum of {use.name} grows with the number of requests and says nothing of one of them."
            yield Hit(alarm.resource, what, "Write Maximum, or a percentile.", severity="warning")


def _on_errors(alarm: Alarm, use: MetricUse, threshold: float) -> Iterator[Hit]:
    if use.statistic == "SampleCount":
        what = f"SampleCount of {use.name} counts all requests, failed or not."
        yield Hit(alarm.resource, what, "Write the statistic Sum.")
    if use.statistic not in ("Average", "Maximum", "Minimum"):
        return
    never = threshold > 1 or (threshold == 1 and not alarm.inclusive)
    if never or (threshold == 1 and use.statistic == "Average"):
        reached = "is never reached" if never else "takes a period in which every request fails"
        what = f"{use.statistic} of {use.name} is a share from 0 to 1: {quantity(threshold)} {reached}."
        yield Hit(alarm.resource, what, "Write the statistic Sum, or a share as the threshold.")
