"""The least that a role must be allowed for live logs, as an IAM policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

ON_GROUPS: Final = ("DescribeFieldIndexes", "FilterLogEvents", "StartQuery")
"""Operations of CloudWatch Logs that are allowed per log group."""

ON_ALL: Final = ("DescribeLogGroups", "GetQueryResults", "StopQuery")
"""Those that know queries only, or list groups, which only ``guard doctor`` does."""

ON_TABLE: Final = ("GetItem",)


def policy(groups: Sequence[str], table: str | None = None) -> dict[str, Any]:
    """An IAM policy for ``guard trace`` and ``guard scan`` over these groups, in any Region of the account.

    >>> [sorted(each["Action"]) for each in policy(["/aws/lambda/api"])["Statement"]][1]
    ['logs:DescribeLogGroups', 'logs:GetQueryResults', 'logs:StopQuery']
    """
    arns = [arn for name in groups for arn in _group_arns(name)]
    statements = [_statement("logs", ON_GROUPS, arns), _statement("logs", ON_ALL, ["*"])]
    if table is not None:
        statements.append(_statement("dynamodb", ON_TABLE, [f"arn:aws:dynamodb:*:*:table/{table}"]))
    return {"Version": "2012-10-17", "Statement": statements}


def _group_arns(name: str) -> tuple[str, str]:
    # Some operations are checked against the group, others against the streams in it.
    arn = f"arn:aws:logs:*:*:log-group:{name}"
    return arn, f"{arn}:*"


def _statement(service: str, operations: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    actions = [f"{service}:{operation}" for operation in operations]
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}
