"""What the tests of the linter's rules share."""

from __future__ import annotations

from alarms.lint import Finding, build, lint
from alarms.lint.examples import template

FUNCTION = {"FunctionName": "coaching-api"}
STAGE = {"ApiId": "abc123", "Stage": "$default"}
UNKNOWN = {"Fn::ImportValue": "elsewhere"}
"""A value that only the deployment knows."""


def findings(id: str, **resources) -> list[Finding]:
    """What a rule finds in a template of these resources."""
    return [each for each in lint(build(template(**resources))) if each.rule == id]


def severities(id: str, **resources) -> list[str]:
    """How bad each of these findings is."""
    return [each.severity for each in findings(id, **resources)]
