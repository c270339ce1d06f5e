"""How the alarms of this catalog are alike: one place for what they share."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from alarms.descriptions import describe
from alarms.inputs import ServiceInput
from alarms.model import ComparisonOperator, Dimension, MetricAlarm, Statistic, Topic
from alarms.thresholds import PERIOD_S, periods_spanning

INGESTION: Final = timedelta(seconds=PERIOD_S)
"""No log event was seen to take longer than this from being written to being counted (3 to 8 s)."""


def name_of(kind: str, service: ServiceInput) -> str:
    """An alarm's name: the service's, then the kind."""
    return f"{service.name}-{kind}"


def alarm(
    kind: str,
    service: ServiceInput,
    *,
    namespace: str,
    metric_name: str,
    dimensions: tuple[tuple[str, str], ...],
    statistic: Statistic,
    threshold: float,
    comparison: ComparisonOperator,
    delay: timedelta,
    topic: Topic | None = "ticket",
) -> MetricAlarm:
    """An alarm that one breaching minute sets off, even where its datapoint comes ``delay`` late.

    No datapoint means that nothing happened: notBreaching.
    """
    return MetricAlarm(
        kind=kind,
        service=service.name,
        alarm_name=name_of(kind, service),
        alarm_description=describe(kind, service),
        namespace=namespace,
        metric_name=metric_name,
        dimensions=tuple(Dimension(name, value) for name, value in dimensions),
        statistic=statistic,
        period=PERIOD_S,
        evaluation_periods=periods_spanning(delay),
        datapoints_to_alarm=1,
        threshold=threshold,
        comparison_operator=comparison,
        treat_missing_data="notBreaching",
        topic=topic,
    )


def counting(
    kind: str,
    service: ServiceInput,
    *,
    namespace: str,
    metric_name: str,
    dimensions: tuple[tuple[str, str], ...] = (),
    delay: timedelta = INGESTION,
) -> MetricAlarm:
    """An alarm that a single count sets off."""
    return alarm(
        kind,
        service,
        namespace=namespace,
        metric_name=metric_name,
        dimensions=dimensions,
        statistic="Sum",
        threshold=1,
        comparison="GreaterThanOrEqualToThreshold",
        delay=delay,
    )
