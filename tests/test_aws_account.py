"""The fake of alarms, topics, APIs and functions is as strict as AWS: nothing passes by accident."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError

from tests import healthy
from tests.cloudwatch_logs.server import Fake, serving
from tests.healthy import API, FUNCTION, TOPIC
from tests.live import client

NOW = datetime(2026, 2, 10, tzinfo=UTC)


@pytest.fixture
def fake() -> Iterator[Fake]:
    with serving(healthy.store()) as running:
        running.account = healthy.account()
        yield running


def refusal(call: Callable[..., Any], **asked: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**asked)
    return str(caught.value.response["Error"]["Code"])


def test_composite_alarms_are_kept_back_unless_they_are_asked_for(fake: Fake) -> None:
    """As the documentation says, even where they are named."""
    ask = client(fake, service="cloudwatch").describe_alarms
    named = [f"{FUNCTION}-users-hit"]

    assert [] == ask(AlarmNames=named)["CompositeAlarms"]
    assert 1 == len(ask(AlarmNames=named, AlarmTypes=["CompositeAlarm"])["CompositeAlarms"])
    assert "InvalidParameterException" == refusal(ask, AlarmTypes=["Composite"])
    assert "InvalidParameterException" == refusal(ask, AlarmNames=[f"a{n}" for n in range(101)])


def test_a_token_is_good_for_its_own_read(fake: Fake) -> None:
    """Pages are small, and another read's token is refused."""
    ask = client(fake, service="cloudwatch").describe_alarms
    page = ask()

    assert 2 == len(page["MetricAlarms"])
    assert 2 == len(ask(NextToken=page["NextToken"])["MetricAlarms"])
    topics = client(fake, service="sns").list_subscriptions_by_topic
    assert "InvalidParameterException" == refusal(topics, TopicArn=TOPIC, NextToken=page["NextToken"])


def test_what_is_not_there_is_told_as_each_service_tells_it(fake: Fake) -> None:
    """Four services have three words for it."""
    assert "NotFound" == refusal(
        client(fake, service="sns").list_subscriptions_by_topic, TopicArn=f"{TOPIC}s"
    )
    function = client(fake, service="lambda").get_function_configuration
    assert "ResourceNotFoundException" == refusal(function, FunctionName="none")
    assert "NotFoundException" == refusal(client(fake, service="apigatewayv2").get_routes, ApiId="none")
    assert "NotFoundException" == refusal(client(fake, service="apigateway").get_stages, restApiId="none")


def test_statistics_are_of_the_whole_dimension_set(fake: Fake) -> None:
    """One dimension too few or too many, and there is no datapoint."""
    ask = client(fake, service="cloudwatch").get_metric_statistics
    asked = {
        "Namespace": "AWS/ApiGateway",
        "MetricName": "5xx",
        "Period": 86_400,
        "Statistics": ["SampleCount"],
    }
    asked |= {"StartTime": NOW - timedelta(days=7), "EndTime": NOW}
    whole = [{"Name": "Stage", "Value": "$default"}, {"Name": "ApiId", "Value": API}]

    assert 7 == len(ask(**asked, Dimensions=whole)["Datapoints"])
    assert [] == ask(**asked, Dimensions=whole[:1])["Datapoints"]
    assert "InvalidParameterValue" == refusal(ask, **{**asked, "Period": 90})


def test_methods_without_embed_have_no_integrations(fake: Fake) -> None:
    """As API Gateway leaves them out, and one is not there even so."""
    ask = client(fake, service="apigateway").get_resources
    api = "r000000003"
    bare, whole = ask(restApiId=api), ask(restApiId=api, embed=["methods"])

    assert {} == bare["items"][1]["resourceMethods"]["OPTIONS"]
    assert "methodIntegration" in whole["items"][1]["resourceMethods"]["OPTIONS"]


def test_what_is_not_part_of_it_or_not_signed_for_it_is_refused(fake: Fake) -> None:
    """No operation is taken for another, no service for another."""
    assert "InvalidAction" == refusal(client(fake, service="cloudwatch").list_dashboards)
    assert "UnknownOperationException" == refusal(client(fake, service="lambda").list_functions)
    signed = "AWS4-HMAC-SHA256 Credential=A/20260210/us-east-1/lambda/aws4_request"
    request = Request(f"{fake.url}/v2/apis/{API}/stages", headers={"Authorization": signed})
    with pytest.raises(OSError, match="403"):
        urlopen(request, timeout=10)
