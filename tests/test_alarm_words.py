"""What alarms say, where they point, and what they cost."""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import Path
from urllib.parse import unquote

import pytest

import cli
from alarms.catalog import catalog
from alarms.composite import deploy_command
from alarms.cost import monthly, total
from alarms.descriptions import LONGEST, describe, next_command
from alarms.index_policy import existing_fields, policy_document, put_command
from alarms.inputs import FunctionInput, HttpApi, RestApi, ServiceInput
from alarms.kinds import KINDS
from alarms.links import insights
from alarms.reference import page
from alarms.runbooks import EXAMPLE, pages
from guards.errors import BadUsage

RUNBOOKS = Path(__file__).parents[1] / "docs" / "runbooks"
SERVICE = ServiceInput(FunctionInput("coaching-api-4b4d001", 300), HttpApi("abc123"), region="us-east-1")


def test_a_description_says_what_is_so_and_what_to_do_next():
    """Meaning, runbook, command and link: four lines."""
    meaning, runbook, command, link = describe("duration-warning", SERVICE).splitlines()

    assert KINDS["duration-warning"].meaning == meaning
    assert "Runbook: docs/runbooks/duration-warning.md" == runbook
    assert (
        "Next: guard scan --alarm coaching-api-4b4d001-duration-warning "
        "--log-group /aws/lambda/coaching-api-4b4d001 --region us-east-1"
    ) == command
    assert link.startswith("Logs: https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#")


def test_a_published_runbook_is_linked():
    """Where the pages are published, the description has the page's URL."""
    service = dataclasses.replace(SERVICE, runbooks="https://wiki.example/coaching/")

    assert "Runbook: https://wiki.example/coaching/api-5xx.md" in describe("api-5xx", service)


@pytest.mark.parametrize(
    ("api", "said"),
    [
        (HttpApi("abc123"), []),
        (HttpApi("abc123", integration_timeout_ms=20_000), ["--gateway-limit-ms", "20000"]),
        (RestApi("coaching", "prod"), ["--gateway", "rest"]),
        (RestApi("coaching", "prod", 60_000), ["--gateway", "rest", "--gateway-limit-ms", "60000"]),
    ],
)
def test_the_command_says_how_long_the_api_waits(api, said):
    """guard scan takes an HTTP API's 30 s unless told otherwise."""
    words = shlex.split(next_command("api-5xx", ServiceInput(FunctionInput("f", 300), api)))

    assert ["guard", "scan", "--alarm", "f-api-5xx", "--log-group", "/aws/lambda/f", *said] == words


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_command_is_one_that_can_be_typed(kind):
    """guard scan takes the words, and the alarm's name is the deployed one, also with a space in it."""
    service = dataclasses.replace(EXAMPLE, service="the coaching API", region="us-east-1")
    words = shlex.split(next_command(kind, service))
    asked = cli.scan.make_context("scan", words[2:]).params
    made = catalog(service)

    assert ["guard", "scan"] == words[:2]
    assert asked["alarm"] in {each.alarm_name for each in (*made.alarms, *made.composites)}
    assert ("us-east-1", (service.function.log_group_name,)) == (asked["region"], asked["log_group"])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_description_fits_whatever_the_names_are(kind):
    """CloudWatch takes 1,024 characters: with the longest name of a function the link still fits."""
    function = FunctionInput("f" * 64, 300)
    service = ServiceInput(function, HttpApi("abc123"), region="ap-southeast-4", runbooks="https://w.example")

    assert len(describe(kind, service)) <= LONGEST
    assert "\nLogs: https://ap-southeast-4." in describe(kind, service)


def test_a_link_that_does_not_fit_is_left_out():
    """With a log group of 400 characters the words stay and the link goes, rather than half of it."""
    function = FunctionInput("f", 300, log_group="/" + "g" * 400)
    said = describe(
        "duration-warning", ServiceInput(function, HttpApi("abc123"), runbooks="https://w/" + "r" * 90)
    )

    assert len(said) <= LONGEST
    assert "Logs:" not in said


def test_a_command_is_never_cut():
    """What does not fit goes whole: the link, then the runbook; half a command would be another command."""
    function = FunctionInput("f" * 64, 300, log_group="/" + "g" * 511)
    service = ServiceInput(function, HttpApi("abc123"), region="us-east-1", runbooks="https://w/" + "r" * 400)
    meaning, command = describe("users-hit", service).splitlines()

    assert KINDS["users-hit"].meaning == meaning
    assert f"Next: {next_command('users-hit', service)}" == command


def test_a_link_holds_the_query_and_the_log_group():
    """Undone as the console undoes it, the link has query, group and time."""
    link = insights("eu-west-1", 'filter @duration>25000|limit "5"', ["/aws/lambda/f"], hours=3)
    detail = unquote(unquote(link.split("queryDetail$3D")[1].replace("$", "%"))).replace("*", "%")

    assert (
        "~(end~0~start~-10800~timeType~'RELATIVE~unit~'seconds~editorString~'"
        'filter @duration>25000|limit "5"~source~(~\'/aws/lambda/f))'
    ) == unquote(detail)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("cn-northwest-1", "cn-northwest-1.console.amazonaws.cn"),
        ("us-gov-east-1", "us-gov-east-1.console.amazonaws-us-gov.com"),
        (None, "console.aws.amazon.com"),
    ],
)
def test_a_link_leads_into_the_partition_of_its_region(region, host):
    """China and GovCloud have consoles of their own."""
    assert insights(region, "limit 1", ["g"]).startswith(f"https://{host}/cloudwatch/home")


def test_every_alarm_has_a_kind_and_every_kind_an_alarm():
    """No alarm is without words, and no runbook is about nothing."""
    made = catalog(EXAMPLE)

    assert set(KINDS) == {each.kind for each in (*made.alarms, *made.composites)}


def test_runbooks_are_current():
    """docs/runbooks has just the pages that the kinds and the catalog make."""
    assert pages() == {path.name: path.read_text(encoding="utf-8") for path in RUNBOOKS.iterdir()}


def test_the_reference_page_is_current():
    """docs/alarms.md has the catalog, the settings, the access-log formats and the cost as they are."""
    assert page() == (RUNBOOKS.parent / "alarms.md").read_text(encoding="utf-8")


def test_the_pipelines_step_publishes_the_metric_that_the_suppressor_reads():
    """Namespace and name of the command are those of the alarm."""
    suppressor = catalog(SERVICE).of(SERVICE, "deploying")
    found = re.search(r"--namespace (\S+) --metric-name (\S+) --value 1", deploy_command(SERVICE))

    assert suppressor and found
    assert (suppressor.namespace, suppressor.metric_name) == found.groups()


def test_the_cost_is_counted_from_the_catalog():
    """Six alarms, one composite, three metrics of our own, a dashboard and a key: 6.00 dollars a month."""
    lines = monthly(catalog(SERVICE))

    assert [6, 1, 3, 1, 1] == [line.count for line in lines]
    assert [0.6, 0.5, 0.9, 3.0, 1.0] == [line.total for line in lines]
    assert 6.0 == total(lines)


def test_topics_that_stand_already_and_no_dashboard_cost_nothing():
    """What the stack does not make is not on its bill."""
    assert 2.0 == total(monthly(catalog(SERVICE), dashboard=False, topics_made=False))


def test_an_index_policy_is_merged_with_the_one_in_force():
    """The call keeps the fields that the group has, also those of the account's policy, and adds ours."""
    described = {
        "indexPolicies": [
            {"policyDocument": '{"Fields":["tenant_id"]}', "source": "LOG_GROUP"},
            {"policyDocument": '{"Fields":["session_id"]}', "source": "ACCOUNT"},
        ]
    }

    assert (
        "aws logs put-index-policy --log-group-identifier /g --policy-document "
        '\'{"Fields": ["tenant_id", "session_id", "request_id"]}\''
    ) == put_command("/g", existing_fields(described))


def test_an_index_policy_that_would_be_too_long_is_refused():
    """Twenty fields are all that CloudWatch takes."""
    with pytest.raises(BadUsage, match="22 fields, and CloudWatch takes 20"):
        policy_document(f"field_{number}" for number in range(20))
