"""The catalog's alarms as calls of boto3: AWS's own models take them, and moto gives them back equal."""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.session import Session
from botocore.validate import ParamValidator
from moto import mock_aws

from alarms.catalog import catalog
from alarms.properties import (
    composite_alarm,
    metric_alarm,
    put_metric_filter,
    put_query_definition,
)
from alarms.runbooks import EXAMPLE
from dashboards.body import Place, body

MADE = catalog(EXAMPLE)
TOPICS = {
    "ticket": "arn:aws:sns:us-east-1:123456789012:ticket",
    "page": "arn:aws:sns:us-east-1:123456789012:page",
}


@pytest.fixture
def aws(monkeypatch):
    """moto in place of AWS, in a Region."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


@pytest.mark.usefixtures("aws")
def test_each_alarm_is_read_back_as_it_was_put():
    """put_metric_alarm takes what the catalog says, and describe_alarms says the same."""
    cloudwatch = boto3.client("cloudwatch")
    for alarm in MADE.alarms:
        cloudwatch.put_metric_alarm(**metric_alarm(alarm, TOPICS))
    stored = {each["AlarmName"]: each for each in cloudwatch.describe_alarms()["MetricAlarms"]}

    assert len(MADE.alarms) == len(stored) == 14
    for alarm in MADE.alarms:
        wanted = metric_alarm(alarm, TOPICS)
        assert wanted == {key: stored[alarm.alarm_name][key] for key in wanted}


@pytest.mark.usefixtures("aws")
def test_each_filter_is_read_back_as_it_was_put():
    """put_metric_filter takes the pattern as it is."""
    logs = boto3.client("logs")
    for group in {each.log_group_name for each in MADE.filters}:
        logs.create_log_group(logGroupName=group)
    for each in MADE.filters:
        logs.put_metric_filter(**put_metric_filter(each))
    stored = {each["filterName"]: each for each in logs.describe_metric_filters()["metricFilters"]}

    for each in MADE.filters:
        wanted = put_metric_filter(each)
        assert wanted == {key: stored[each.filter_name][key] for key in wanted}


@pytest.mark.parametrize(
    ("service", "operation", "calls"),
    [
        ("cloudwatch", "PutMetricAlarm", [metric_alarm(each, TOPICS) for each in MADE.alarms]),
        ("cloudwatch", "PutCompositeAlarm", [composite_alarm(each, TOPICS) for each in MADE.composites]),
        ("logs", "PutMetricFilter", [put_metric_filter(each) for each in MADE.filters]),
        ("logs", "PutQueryDefinition", [put_query_definition(each) for each in MADE.queries]),
    ],
)
def test_each_call_fits_the_model_of_aws(service, operation, calls):
    """Names, types, lengths and required parameters are those of botocore's own model."""
    shape = Session().get_service_model(service).operation_model(operation).input_shape

    for call in calls:
        assert not ParamValidator().validate(call, shape).has_errors()


def test_an_alarm_tells_on_alarm_and_on_ok():
    """Whoever was woken learns when it is over; the suppressor tells nobody."""
    told = {each.kind: metric_alarm(each, TOPICS) for each in MADE.alarms}

    assert [TOPICS["ticket"]] == told["api-5xx"]["AlarmActions"] == told["api-5xx"]["OKActions"]
    assert not {"AlarmActions", "OKActions"} & set(told["deploying"])
    assert [TOPICS["page"]] == composite_alarm(MADE.composites[0], TOPICS)["AlarmActions"]


@pytest.mark.usefixtures("aws")
def test_the_dashboard_is_read_back_as_it_was_put():
    """put_dashboard takes the body."""
    made = json.dumps(body(MADE, EXAMPLE, Place("us-east-1", "123456789012")))
    cloudwatch = boto3.client("cloudwatch")
    cloudwatch.put_dashboard(DashboardName="coaching", DashboardBody=made)

    assert made == cloudwatch.get_dashboard(DashboardName="coaching")["DashboardBody"]
