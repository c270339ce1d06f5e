"""Templates for the tests of constructs."""

from __future__ import annotations

from typing import Any

from alarms.cdk import aws_cdk
from alarms.constructs import CoachingAlarms
from alarms.inputs import FunctionInput, HttpApi, RestApi, ServiceInput
from alarms.settings import Settings
from dashboards.app import synth

FUNCTION = FunctionInput("coaching-api-4b4d001", timeout_s=300)
SERVICE = ServiceInput(FUNCTION, HttpApi("abc123"), region="us-east-1")
EVERYTHING = (
    ServiceInput(
        FUNCTION,
        HttpApi("abc123", route="POST /coaching/message", detailed_metrics=True, access_log_group="/gateway"),
        middleware=True,
        region="us-east-1",
    ),
    ServiceInput(FunctionInput("coaching-rest", 60), RestApi("coaching", "prod"), region="us-east-1"),
)


def template(**options: Any) -> dict[str, Any]:
    """What `guard alarms synth` makes of one service, or of the services that are given."""
    return synth(Settings(**{"services": (SERVICE,), **options}))


def stack_with(**options: Any) -> aws_cdk.Stack:
    """A stack of the user's own with the construct in it."""
    stack = aws_cdk.Stack(aws_cdk.App(), "Mine")
    CoachingAlarms(stack, "Alarms", **{"services": [SERVICE], **options})
    return stack


def resources(made: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """The properties of a template's resources of one type, by logical ID."""
    return {
        name: each.get("Properties", {})
        for name, each in made["Resources"].items()
        if each["Type"] == f"AWS::{kind}"
    }
