"""The alarm that wakes somebody: users are being hit. And the one that keeps it quiet during a deployment.

Its children act on the ticket topic only; it alone pages. A suppressor silences the composite, not its
children, so that a deployment that does harm still leaves tickets.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Composite_Alarm.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from alarms.descriptions import describe, name_of
from alarms.inputs import ServiceInput
from alarms.kinds import KINDS
from alarms.log_alarms import log_namespace
from alarms.making import Fires, Metric, alarm
from alarms.model import CompositeAlarm, MetricAlarm

DEPLOY: Final = "DeployInProgress"
"""The metric that a pipeline publishes: 1 as its first step, and again each minute while it deploys."""

_MISSED_STEPS: Final = timedelta(minutes=3)
"""So long after the pipeline's last word a deployment is taken to be under way still."""

_WAIT_S, _EXTENSION_S = 120, 180


def deploying(service: ServiceInput) -> MetricAlarm:
    """In ALARM while the pipeline says that it deploys. It tells nobody."""
    metric = Metric(log_namespace(service), DEPLOY)
    fires: Fires = ("Maximum", "GreaterThanOrEqualToThreshold", 1)
    return replace(alarm("deploying", service, metric, fires, _MISSED_STEPS), topic=None)


def deploy_command(service: ServiceInput) -> str:
    """The pipeline's step that sets the suppressor."""
    namespace = log_namespace(service)
    return f"aws cloudwatch put-metric-data --namespace {namespace} --metric-name {DEPLOY} --value 1"


def users_hit(service: ServiceInput, alarms: Iterable[MetricAlarm]) -> CompositeAlarm:
    """In ALARM while any alarm of the service is that means a lost answer; pages, but not while deploying."""
    children = [
        each.alarm_name for each in alarms if each.service == service.name and KINDS[each.kind].hits_users
    ]
    return CompositeAlarm(
        kind="users-hit",
        service=service.name,
        alarm_name=name_of("users-hit", service),
        alarm_description=describe("users-hit", service),
        alarm_rule=" OR ".join(f'ALARM("{name}")' for name in children),
        actions_suppressor=name_of("deploying", service),
        actions_suppressor_wait_period=_WAIT_S,
        actions_suppressor_extension_period=_EXTENSION_S,
        topic="page",
    )
