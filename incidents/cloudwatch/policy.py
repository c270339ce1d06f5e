"""The least that a role must be allowed for each use, as an IAM policy: what is asked for and no more.

Every operation of AWS that the command calls is here; the tests hold each call of theirs against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from incidents.cloudwatch.faults import action

Use = Literal["trace", "scan", "doctor"]
Scope = Literal["groups", "all", "table", "function", "api"]
"""What an operation is allowed on. ``all``: those that know queries only, list things, or name nothing."""

USES: Final[tuple[Use, ...]] = get_args(Use)


@dataclass(frozen=True, slots=True)
class Grant:
    """One operation, what it is allowed on, and who needs it."""

    service: str
    """As boto3 calls it."""
    operation: str
    scope: Scope
    uses: tuple[Use, ...] = USES


_SCAN: Final[tuple[Use, ...]] = ("scan", "doctor")
_DOCTOR: Final[tuple[Use, ...]] = ("doctor",)
GRANTS: Final[tuple[Grant, ...]] = (
    Grant("logs", "DescribeFieldIndexes", "groups"),
    Grant("logs", "FilterLogEvents", "groups"),
    Grant("logs", "StartQuery", "groups"),
    Grant("logs", "GetQueryResults", "all"),
    Grant("logs", "StopQuery", "all"),
    Grant("dynamodb", "GetItem", "table"),
    Grant("cloudwatch", "DescribeAlarms", "all", _SCAN),
    Grant("cloudwatch", "DescribeAlarmHistory", "all", _SCAN),
    Grant("logs", "DescribeLogGroups", "all", _DOCTOR),
    Grant("logs", "DescribeMetricFilters", "groups", _DOCTOR),
    Grant("cloudwatch", "GetMetricStatistics", "all", _DOCTOR),
    Grant("sns", "ListSubscriptionsByTopic", "all", _DOCTOR),
    Grant("lambda", "GetFunctionConfiguration", "function", _DOCTOR),
    Grant("apigatewayv2", "GetStages", "api", _DOCTOR),
    Grant("apigatewayv2", "GetRoutes", "api", _DOCTOR),
    Grant("apigatewayv2", "GetIntegrations", "api", _DOCTOR),
    Grant("apigateway", "GetRestApis", "api", _DOCTOR),
    Grant("apigateway", "GetStages", "api", _DOCTOR),
    Grant("apigateway", "GetResources", "api", _DOCTOR),
    Grant("apigateway", "GetIntegration", "api", _DOCTOR),
)
"""All there is. DescribeAlarms is allowed on all, since with less CloudWatch keeps composite alarms back."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a policy is for; what is not named is not in it."""

    groups: tuple[str, ...]
    table: str | None = None
    function: str | None = None
    api: str | None = None
    """As ``http:ID`` or ``rest:NAME``."""


def policy(named: Named, uses: Iterable[Use] = USES) -> dict[str, Any]:
    """An IAM policy for these uses, in any Region of the account: a statement for each use and scope.

    >>> [each["Sid"] for each in policy(Named(("/aws/lambda/api",)), ["trace"])["Statement"]]
    ['GuardTraceGroups', 'GuardTraceAll']
    """
    statements: dict[str, dict[str, Any]] = {}
    wanted = [use for use in USES if use in set(uses)]
    for grant in GRANTS:
        use = next((each for each in grant.uses if each in wanted), None)
        if use is not None and (resources := _resources(grant, named)):
            sid = f"Guard{use.title()}{grant.scope.title()}"
            new = {"Sid": sid, "Effect": "Allow", "Action": [], "Resource": resources}
            actions = statements.setdefault(sid, new)["Action"]
            if (allowed := action(grant.service, grant.operation)) not in actions:
                actions.append(allowed)
    return {"Version": "2012-10-17", "Statement": list(statements.values())}


def _resources(grant: Grant, named: Named) -> list[str]:
    if grant.scope == "all":
        return ["*"]
    if grant.scope == "groups":
        return [arn for name in named.groups for arn in _group_arns(name)]
    if grant.scope == "table":
        return [f"arn:aws:dynamodb:*:*:table/{named.table}"] if named.table else []
    if grant.scope == "function":
        return [f"arn:aws:lambda:*:*:function:{named.function}"] if named.function else []
    return _api_arns(named.api) if named.api else []


def _group_arns(name: str) -> tuple[str, str]:
    # Some operations are checked against the group, others against the streams in it.
    arn = f"arn:aws:logs:*:*:log-group:{name}"
    return arn, f"{arn}:*"


def _api_arns(api: str) -> list[str]:
    """An HTTP API by its ID; REST APIs all, since one is named by its name and must be looked for."""
    kind, _, name = api.partition(":")
    paths: Sequence[str] = ("/restapis", "/restapis/*")
    if kind == "http":
        api_id = name.partition("/")[0]
        paths = (f"/apis/{api_id}", f"/apis/{api_id}/*")
    return [f"arn:aws:apigateway:*::{path}" for path in paths]
