"""Alarms on Lambda's own metric Duration."""

from __future__ import annotations

from datetime import timedelta

from alarms.inputs import ServiceInput
from alarms.making import Metric, lasting
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
    metric = Metric("AWS/Lambda", "Duration", (("FunctionName", service.function.function_name),))
    return lasting(kind, service, metric, threshold_ms, timedelta(seconds=service.function.timeout_s))
