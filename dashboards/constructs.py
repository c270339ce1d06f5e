"""The dashboard as a CDK construct. Needs the extra ``cdk``."""

from __future__ import annotations

import re

from alarms.catalog import Catalog
from alarms.cdk import aws_cdk, cloudwatch, constructs
from alarms.inputs import ServiceInput
from dashboards.body import Place, body


class CoachingDashboard(constructs.Construct):
    """One dashboard for each service of a catalog."""

    def __init__(self, scope: constructs.Construct, id: str, *, made: Catalog) -> None:
        """Draw what ``made`` alarms on: `CoachingAlarms(...).catalog`."""
        super().__init__(scope, id)
        for service in made.services:
            self._dashboard(made, service)

    def _dashboard(self, made: Catalog, service: ServiceInput) -> None:
        stack = aws_cdk.Stack.of(self)
        place = Place(stack.region, stack.account, stack.partition)
        cloudwatch.CfnDashboard(
            self,
            f"Dashboard-{service.name}",
            dashboard_name=dashboard_name(service),
            dashboard_body=stack.to_json_string(body(made, service, place)),
        )


def dashboard_name(service: ServiceInput) -> str:
    """Letters, digits, - and _ are all that CloudWatch takes."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", service.name)
