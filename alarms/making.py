"""How the alarms of this catalog are alike: one place for what they share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from alarms.descriptions import describe, name_of
from alarms.inputs import ServiceInput
from alarms.model import ComparisonOperator, Dimension, MetricAlarm, Statistic
from alarms.thresholds import PERIOD_S, periods_spanning

INGESTION: Final = timedelta(seconds=PERIOD_S)
"""No log event was seen to take longer than this from being written to being counted (3 to 8 s)."""


Fires = tuple[Statistic, ComparisonOperator, float]
"""When an alarm fires: this statistic of a minute, compared so, with that threshold."""


@dataclass(frozen=True, slots=True)
class Metric:
    """What an alarm reads."""

    namespace: str
    metric_name: str
    dimensions: tuple[tuple[str, str], ...] = ()
    """All that its datapoints carry: name and value."""


def alarm(
    kind: str,
    service: ServiceInput,
    metric: Metric,
    fires: Fires,
    delay: timedelta,
) -> MetricAlarm:
    """An alarm that one breaching minute sets off, even where its datapoint comes ``delay`` late.

    No datapoint means that nothing happened: notBreaching.
    """
    statistic, comparison, threshold = fires
    return MetricAlarm(
        kind=kind,
        service=service.name,
        alarm_name=name_of(kind, service),
        alarm_description=describe(kind, service),
        namespace=metric.namespace,
        metric_name=metric.metric_name,
        dimensions=tuple(Dimension(name, value) for name, value in metric.dimensions),
        statistic=statistic,
        period=PERIOD_S,
        evaluation_periods=periods_spanning(delay),
        datapoints_to_alarm=1,
        threshold=threshold,
        comparison_operator=comparison,
        treat_missing_data="notBreaching",
        topic="ticket",
    )


def counting(kind: str, service: ServiceInput, metric: Metric, delay: timedelta = INGESTION) -> MetricAlarm:
    """An alarm that a single count sets off."""
    return alarm(kind, service, metric, ("Sum", "GreaterThanOrEqualToThreshold", 1), delay)


def lasting(
    kind: str, service: ServiceInput, metric: Metric, longest_ms: float, delay: timedelta = INGESTION
) -> MetricAlarm:
    """An alarm that a single duration over ``longest_ms`` sets off.

    A p99 needs a thousand requests to mean anything; the maximum sees one request in any minute.
    """
    return alarm(kind, service, metric, ("Maximum", "GreaterThanThreshold", longest_ms), delay)
