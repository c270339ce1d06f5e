"""The catalog in the words of CloudFormation and of boto3: plain dicts, for whoever deploys without CDK.

For alarms both use the same names; metric filters and saved queries differ.

>>> from alarms.model import QueryDefinition
>>> query_definition(QueryDefinition("slowest", "limit 5", ("/aws/lambda/f",)))["QueryString"]
'limit 5'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alarms.model import CompositeAlarm, MetricAlarm, MetricFilter, QueryDefinition, Topic

Topics = Mapping[Topic, str]
"""The ARN of each topic."""


def metric_alarm(alarm: MetricAlarm, topics: Topics) -> dict[str, Any]:
    """AWS::CloudWatch::Alarm, and the arguments of ``put_metric_alarm``."""
    return {
        "AlarmName": alarm.alarm_name,
        "AlarmDescription": alarm.alarm_description,
        "Namespace": alarm.namespace,
        "MetricName": alarm.metric_name,
        "Dimensions": [{"Name": each.name, "Value": each.value} for each in alarm.dimensions],
        "Statistic": alarm.statistic,
        "Period": alarm.period,
        "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": alarm.datapoints_to_alarm,
        "Threshold": alarm.threshold,
        "ComparisonOperator": alarm.comparison_operator,
        "TreatMissingData": alarm.treat_missing_data,
        **_actions(alarm.topic, topics),
    }


def composite_alarm(alarm: CompositeAlarm, topics: Topics) -> dict[str, Any]:
    """AWS::CloudWatch::CompositeAlarm, and the arguments of ``put_composite_alarm``."""
    suppressor = {
        "ActionsSuppressor": alarm.actions_suppressor,
        "ActionsSuppressorWaitPeriod": alarm.actions_suppressor_wait_period,
        "ActionsSuppressorExtensionPeriod": alarm.actions_suppressor_extension_period,
    }
    return {
        "AlarmName": alarm.alarm_name,
        "AlarmDescription": alarm.alarm_description,
        "AlarmRule": alarm.alarm_rule,
        **(suppressor if alarm.actions_suppressor else {}),
        **_actions(alarm.topic, topics),
    }


def metric_filter(each: MetricFilter) -> dict[str, Any]:
    """AWS::Logs::MetricFilter."""
    transformation = {
        "MetricNamespace": each.metric_namespace,
        "MetricName": each.metric_name,
        "MetricValue": each.metric_value,
    }
    return {
        "FilterName": each.filter_name,
        "LogGroupName": each.log_group_name,
        "FilterPattern": each.filter_pattern,
        "MetricTransformations": [transformation],
    }


def put_metric_filter(each: MetricFilter) -> dict[str, Any]:
    """The arguments of ``put_metric_filter``."""
    given = {_camel(key): value for key, value in metric_filter(each).items()}
    transformations = [
        {_camel(key): value for key, value in one.items()} for one in given["metricTransformations"]
    ]
    return {**given, "metricTransformations": transformations}


def query_definition(query: QueryDefinition) -> dict[str, Any]:
    """AWS::Logs::QueryDefinition."""
    return {
        "Name": query.name,
        "QueryString": query.query_string,
        "LogGroupNames": list(query.log_group_names),
    }


def put_query_definition(query: QueryDefinition) -> dict[str, Any]:
    """The arguments of ``put_query_definition``."""
    return {_camel(key): value for key, value in query_definition(query).items()}


def _actions(topic: Topic | None, topics: Topics) -> dict[str, list[str]]:
    """Told on ALARM, and on OK: whoever was woken learns when it is over."""
    if topic is None:
        return {}
    return {"AlarmActions": [topics[topic]], "OKActions": [topics[topic]]}


def _camel(name: str) -> str:
    return name[0].lower() + name[1:]
