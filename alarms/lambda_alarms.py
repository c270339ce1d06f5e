"""Alarms on Lambda's own metric Duration."""

from __future__ import annotations

from datetime import timedelta

from alarms.inputs import ServiceInput
from alarms.making import alarm
from alarms.model import MetricAlarm
from alarms.thresholds import durations


def lambda_alarms(service: ServiceInput) -> tuple[MetricAlarm, ...]:
    """A duration near the gateway's limit: warning, and critical.

    Duration is emitted when an invocation ends and stamped with its start, so that the slower a request, the
    later its datapoint: it comes up to the function's timeout after newer ones.
    """
    marks = durations(service)
    return (
        _duration("duration-warning", service, marks.warning_ms),
        _duration("duration-critical", service, marks.critical_ms),
    )


def _duration(kind: str, service: ServiceInput, threshold_ms: float) -> MetricAlarm:
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    return alarm(
        kind,
        service,
        namespace="AWS/Lambda",
        metric_name="Duration",
        dimensions=(("FunctionName", service.function.function_name),),
        # A p99 needs a thousand requests to mean anything; the maximum sees one request in any minute.
        statistic="Maximum",
        threshold=threshold_ms,
        comparison="GreaterThanThreshold",
        delay=timedelta(seconds=service.function.timeout_s),
    )
