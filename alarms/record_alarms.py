"""Alarms on the records of ``guards``: they speak while a request still runs.

Only for a service that writes these records: for any other they would be silent for ever.
"""

from __future__ import annotations

from datetime import timedelta

from alarms.inputs import ServiceInput
from alarms.making import Metric, counting, lasting
from alarms.model import MetricAlarm
from guards import names
from guards.limits import CONVERSATION_BUDGET, EXTRACTION_BUDGET


def record_alarms(service: ServiceInput) -> tuple[MetricAlarm, ...]:
    """Requests past each mark, and phases over their budgets; none without the middleware."""
    if not service.middleware:
        return ()
    past = tuple(_past(f"past-{mark}", service, metric) for mark, metric in names.REQUEST_PAST.items())
    return (
        *past,
        _slow("slow-conversation", service, names.CONVERSATION, CONVERSATION_BUDGET),
        _slow("slow-extraction", service, names.EXTRACTION, EXTRACTION_BUDGET),
    )


def _past(kind: str, service: ServiceInput, metric: str) -> MetricAlarm:
    return counting(kind, service, Metric(names.NAMESPACE, metric, ((names.SERVICE, service.name),)))


def _slow(kind: str, service: ServiceInput, phase: str, budget: timedelta) -> MetricAlarm:
    dimensions = ((names.SERVICE, service.name), (names.PHASE, phase))
    metric = Metric(names.NAMESPACE, names.PHASE_DURATION, dimensions)
    return lasting(kind, service, metric, budget / timedelta(milliseconds=1))
