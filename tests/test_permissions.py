"""No test makes the product call an operation of AWS that its stated policies do not allow."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

import cli
from guards.completion.aws import ACTIONS
from guards.completion.aws import client as handlers_client
from incidents.cloudwatch.calls import Calls
from incidents.cloudwatch.connection import Connection, client
from incidents.cloudwatch.faults import Fault, action
from incidents.cloudwatch.policy import GRANTS, Named, policy
from tests import permissions
from tests.cloudwatch_logs.server import serving
from tests.cloudwatch_logs.store import Store
from tests.live import KEYS
from tests.logs import GROUP

DOCS = Path(__file__).resolve().parents[1] / "docs"
EVERYTHING = Named((GROUP,), "sessions", "coaching-api", "http:abc123")


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def refused() -> list[str]:
    """What was refused in this test, which would have failed it."""
    found = permissions.REFUSED[:]
    permissions.REFUSED.clear()
    return found


def test_a_call_of_the_command_that_is_not_allowed_is_heard(keys: None) -> None:
    """As botocore makes it, before any server answers, and at the server by its name."""
    with serving(Store()) as fake:
        calls = Calls(client(Connection(region="us-east-1", endpoint_url=fake.url)))
        with pytest.raises(Fault):
            calls.call("DeleteLogGroup", logGroupName=GROUP)

    assert ["the command calls logs:DeleteLogGroup, which no policy allows"] * 2 == refused()


def test_a_call_of_another_process_is_heard() -> None:
    """By the server that it asked."""
    code = """
import sys
from incidents.cloudwatch.connection import Connection, client
try:
    client(Connection(region="us-east-1", endpoint_url=sys.argv[1])).delete_log_group(logGroupName="g")
except Exception as error:
    print(type(error).__name__)
"""
    environ = {**os.environ, **{key.upper(): value for key, value in KEYS.items()}}
    with serving(Store()) as fake:
        subprocess.run([sys.executable, "-c", code, fake.url], env=environ, timeout=60, check=True)

    assert ["the command calls logs:DeleteLogGroup, which no policy allows"] == refused()


def test_a_call_of_the_handler_is_held_against_its_own_role(keys: None) -> None:
    """What the command may do, a handler may not: neither may write logs, only one may read them."""
    with serving(Store()) as fake:
        logs = handlers_client("logs", endpoint_url=fake.url)
        with pytest.raises(logs.exceptions.ClientError):
            logs.filter_log_events(logGroupName=GROUP)

    assert ["the handler calls logs:FilterLogEvents, which no policy allows"] == refused()


def test_calls_of_a_test_itself_are_nobodys() -> None:
    """Tables and queues are made by whoever sets the test up."""
    with serving(Store()) as fake:
        logs = boto3.client("logs", endpoint_url=fake.url, region_name="us-east-1", **KEYS)
        with pytest.raises(logs.exceptions.ClientError):
            logs.delete_log_group(logGroupName=GROUP)

    assert [] == refused()


def printed(*words: str) -> dict[str, Any]:
    asked = ["iam-policy", "--log-group", GROUP, *words]
    told: dict[str, Any] = json.loads(CliRunner().invoke(cli.main, asked, prog_name="guard").stdout)
    return told


def actions(told: dict[str, Any]) -> set[str]:
    return {each for statement in told["Statement"] for each in statement["Action"]}


def test_the_printed_policy_has_all_that_is_recorded() -> None:
    """With everything named; each statement says what it is for, and on what."""
    told = printed("--table", "sessions", "--function", "coaching-api", "--api", "http:abc123")

    assert {action(grant.service, grant.operation) for grant in GRANTS} == actions(told)
    assert policy(EVERYTHING) == told
    assert all(re.fullmatch("[A-Za-z0-9]+", each["Sid"]) for each in told["Statement"])


@pytest.mark.parametrize(
    ("use", "has", "lacks"),
    [
        ("trace", "logs:FilterLogEvents", "cloudwatch:DescribeAlarms"),
        ("scan", "cloudwatch:DescribeAlarmHistory", "sns:ListSubscriptionsByTopic"),
        ("doctor", "sns:ListSubscriptionsByTopic", "dynamodb:GetItem"),
    ],
)
def test_a_policy_for_one_use_has_no_more(use: str, has: str, lacks: str) -> None:
    """And nothing for what is not named: no table, no API."""
    told = actions(printed("--for", use))

    assert (True, False, False) == (has in told, lacks in told, "apigateway:GET" in told)


def test_what_reads_logs_is_allowed_on_the_groups_alone() -> None:
    """With and without their streams; only what names no group is allowed on all."""
    told = {each["Sid"]: each for each in printed("--table", "sessions", "--for", "trace")["Statement"]}

    arn = f"arn:aws:logs:*:*:log-group:{GROUP}"
    assert [arn, f"{arn}:*"] == told["GuardTraceGroups"]["Resource"]
    assert ["logs:GetQueryResults", "logs:StopQuery"] == told["GuardTraceAll"]["Action"]
    assert ["arn:aws:dynamodb:*:*:table/sessions"] == told["GuardTraceTable"]["Resource"]


def test_nothing_in_the_policy_writes() -> None:
    """All are reads, but for a query that is started and stopped."""
    verbs = {re.match("[A-Z][a-z]+|GET", each.split(":")[1])[0] for each in actions(policy(EVERYTHING))}  # type: ignore[index]

    assert {"Describe", "Filter", "Get", "List", "Start", "Stop", "GET"} >= verbs


def test_the_page_of_the_completion_guard_names_its_permissions() -> None:
    """docs/completion.md has each action that the handler's own calls are held against."""
    [line] = re.findall(
        r"^- Permissions: .*(?:\n  .+)*", (DOCS / "completion.md").read_text("utf-8"), re.MULTILINE
    )

    assert set(ACTIONS) == set(re.findall(r"`(\w+:\w+)`", line))
