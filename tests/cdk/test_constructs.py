"""The constructs deploy the catalog, and the topics they make really deliver."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from alarms.catalog import catalog
from alarms.cdk import aws_cdk, kms, sns
from alarms.constructs import CoachingAlarms
from alarms.inputs import HttpApi, ServiceInput
from alarms.lint import build, lint
from alarms.properties import composite_alarm, metric_alarm, metric_filter, query_definition
from alarms.topics import grant_cloudwatch
from dashboards.body import Place, body
from dashboards.constructs import CoachingDashboard
from guards.errors import BadUsage
from tests.cdk.stacks import EVERYTHING, FUNCTION, SERVICE, resources, stack_with, template

MADE = catalog(*EVERYTHING)


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return template(services=EVERYTHING, email="oncall@example.com")


def test_the_template_has_the_catalogs_alarms_to_the_letter(whole):
    """Each AWS::CloudWatch::Alarm is what the catalog says, and there is no other."""
    topics = {"ticket": ref(whole, "Ticket"), "page": ref(whole, "Page")}
    wanted = [without_empty(metric_alarm(each, topics)) for each in MADE.alarms]

    assert by_name(wanted) == by_name(resources(whole, "CloudWatch::Alarm").values())


def test_the_template_has_the_catalogs_composites_filters_and_queries(whole):
    """So do the composite alarms, the metric filters and the saved queries."""
    topics = {"ticket": ref(whole, "Ticket"), "page": ref(whole, "Page")}

    assert by_name([composite_alarm(each, topics) for each in MADE.composites]) == by_name(
        resources(whole, "CloudWatch::CompositeAlarm").values()
    )
    assert [metric_filter(each) for each in MADE.filters] == list(
        resources(whole, "Logs::MetricFilter").values()
    )
    assert [query_definition(each) for each in MADE.queries] == list(
        resources(whole, "Logs::QueryDefinition").values()
    )


def test_a_composite_is_made_after_its_children(whole):
    """CloudFormation sees no dependency in a rule's text: it is told."""
    made = whole["Resources"]
    names = {
        name: each["Properties"].get("AlarmName") for name, each in made.items() if "Alarm" in each["Type"]
    }
    [composite] = [
        each
        for each in made.values()
        if each["Type"].endswith("CompositeAlarm") and "4b4d001" in each["Properties"]["AlarmName"]
    ]
    before = {names[each] for each in composite["DependsOn"]}
    read = set(composite["Properties"]["AlarmRule"].split('"')[1::2])

    assert read | {composite["Properties"]["ActionsSuppressor"]} == before


def test_cloudwatch_may_use_the_key_of_the_topics(whole):
    """Without this grant the stack deploys cleanly and delivers nothing."""
    [key] = resources(whole, "KMS::Key").values()
    [statement] = [each for each in key["KeyPolicy"]["Statement"] if each.get("Sid") == "CloudWatchAlarms"]

    assert {"Service": "cloudwatch.amazonaws.com"} == statement["Principal"]
    assert ["kms:Decrypt", "kms:GenerateDataKey*"] == statement["Action"]
    assert {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}} == statement["Condition"]


def test_cloudwatch_may_publish_to_the_topics(whole):
    """A topic policy of one's own replaces the default: each names CloudWatch, and refuses plain HTTP."""
    policies = resources(whole, "SNS::TopicPolicy").values()
    allowed = [
        statement
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]

    denied = [
        statement["Condition"]
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
    ]

    assert 2 == len(policies) == len(allowed)
    assert [{"Bool": {"aws:SecureTransport": "false"}}] * 2 == denied
    assert {"cloudwatch.amazonaws.com"} == {each["Principal"]["Service"] for each in allowed}


def test_an_address_is_subscribed_to_both_topics(whole):
    """E-mail goes to whoever was named."""
    subscribed = resources(whole, "SNS::Subscription").values()

    assert ["oncall@example.com"] * 2 == [each["Endpoint"] for each in subscribed]


def test_topics_that_stand_already_are_used_and_none_is_made():
    """Given both, the stack makes neither topic nor key."""
    given = {
        "ticket_topic": "arn:aws:sns:us-east-1:123456789012:tickets",
        "page_topic": "arn:aws:sns:us-east-1:123456789012:pages",
    }
    made = template(**given)
    told = {
        arn for each in resources(made, "CloudWatch::Alarm").values() for arn in each.get("AlarmActions", [])
    }

    assert {given["ticket_topic"]} == told
    assert not resources(made, "SNS::Topic") and not resources(made, "KMS::Key")


def test_the_key_of_a_topic_that_is_given_can_be_granted():
    """A user's own encrypted topic of the same app delivers after grant_cloudwatch."""
    stack = aws_cdk.Stack(aws_cdk.App(), "Mine")
    key = kms.Key(stack, "Key")
    sns.Topic(stack, "Topic", master_key=key)
    grant_cloudwatch(key, stack)
    [made] = resources(synthesized(stack), "KMS::Key").values()

    assert "cloudwatch.amazonaws.com" in json.dumps(made["KeyPolicy"])


def test_a_log_group_of_our_own_has_the_index():
    """Both IDs of our records are indexed, and the filters wait for the group."""
    made = template(own_log_groups=True)
    [group] = resources(made, "Logs::LogGroup").values()
    filters = [each for each in made["Resources"].values() if each["Type"] == "AWS::Logs::MetricFilter"]

    assert [{"Fields": ["session_id", "request_id"]}] == group["FieldIndexPolicies"]
    assert all(each["DependsOn"] for each in filters)


def test_the_construct_stands_in_a_stack_of_the_users_own():
    """An SRE's own app makes the same alarms."""
    own = resources(synthesized(stack_with()), "CloudWatch::Alarm").values()

    assert {each.alarm_name for each in catalog(SERVICE).alarms} == {each["AlarmName"] for each in own}


def test_an_api_of_the_same_app_is_alarmed_on():
    """Its ID is known only at deployment: alarms and dashboard refer to it."""
    stack = aws_cdk.Stack(aws_cdk.App(), "Mine")
    api = aws_cdk.aws_apigatewayv2.CfnApi(stack, "Api", name="coaching", protocol_type="HTTP")
    service = ServiceInput(FUNCTION, HttpApi(api.ref))
    made = CoachingAlarms(stack, "Alarms", services=[service], email="oncall@example.com")
    CoachingDashboard(stack, "Dashboard", made=made.catalog)
    template = synthesized(stack)
    [errors] = [
        each for each in resources(template, "CloudWatch::Alarm").values() if each["MetricName"] == "5xx"
    ]
    [board] = resources(template, "CloudWatch::Dashboard").values()

    assert {"Name": "ApiId", "Value": {"Ref": "Api"}} in errors["Dimensions"]
    assert {"Ref": "Api"} in board["DashboardBody"]["Fn::Join"][1]
    assert "Token" not in json.dumps(template)
    assert () == lint(build(template))


def test_the_app_of_the_readme_makes_alarms_that_somebody_hears():
    """The README's snippet is a CDK app as it stands, in ten lines at most."""
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    [code] = [each for each in re.findall(r"```python\n(.*?)```", text, re.S) if "CoachingAlarms(" in each]
    space: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), space)  # it is our own text
    made = space["app"].synth().get_stack_by_name("coaching-alarms").template

    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    assert 2 == len(resources(made, "SNS::Subscription"))
    assert 1 == len(resources(made, "CloudWatch::Dashboard"))
    assert () == lint(build(made))


def test_an_address_that_is_none_is_refused_by_the_construct():
    """In an app of one's own, too; one that only the deployment knows is taken."""
    with pytest.raises(BadUsage, match="write one such as oncall@"):
        stack_with(email="nomail")

    assert stack_with(email=aws_cdk.Fn.import_value("address"))


def test_a_catalog_that_was_changed_for_the_worse_is_not_deployed():
    """A REST metric on an HTTP API stops the synthesis with the metric to write instead."""
    made = catalog(SERVICE)
    wrong = tuple(
        dataclasses.replace(each, metric_name="5XXError") if each.kind == "api-5xx" else each
        for each in made.alarms
    )

    with pytest.raises(BadUsage, match="write 5xx"):
        stack_with(made=dataclasses.replace(made, alarms=wrong))


def test_a_dashboard_for_each_service(whole):
    """Two services, two bodies, each in the Region, account and partition that it is deployed to."""
    drawn = {
        each["DashboardName"]: json.loads(joined(each["DashboardBody"]))
        for each in resources(whole, "CloudWatch::Dashboard").values()
    }
    place = Place("cn-north-1", "123456789012", "aws-cn")

    assert {service.name: body(MADE, service, place) for service in EVERYTHING} == drawn


def test_the_dashboard_can_be_left_out():
    """dashboard=false makes alarms only."""
    assert {} == resources(template(dashboard=False), "CloudWatch::Dashboard")


def test_the_template_needs_no_bucket():
    """With everything switched on for one service it is under the 51,200 bytes that CloudFormation takes."""
    made = template(services=EVERYTHING[:1], email="oncall@example.com")

    assert len(json.dumps(made, indent=1)) < 51_200
    assert "Parameters" not in made and "Rules" not in made


def synthesized(stack: aws_cdk.Stack) -> dict[str, Any]:
    made: dict[str, Any] = stack.node.root.synth().get_stack_by_name(stack.stack_name).template
    return made


def ref(made: dict[str, Any], name: str) -> dict[str, str]:
    [found] = [each for each in resources(made, "SNS::Topic") if name in each]
    return {"Ref": found}


def joined(text: dict[str, Any]) -> str:
    """What CloudFormation makes of an Fn::Join in an account in China."""
    known = {"AWS::Region": "cn-north-1", "AWS::AccountId": "123456789012", "AWS::Partition": "aws-cn"}
    _, parts = text["Fn::Join"]
    return "".join(each if isinstance(each, str) else known[each["Ref"]] for each in parts)


def by_name(alarms: Any) -> dict[str, Any]:
    return {each["AlarmName"]: each for each in alarms}


def without_empty(properties: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if value != []}
