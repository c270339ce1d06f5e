"""Small templates for the rules' own examples and for tests.

>>> list(template(Alarm=alarm(Threshold=28_000))["Resources"])
['Alarm']
"""

from __future__ import annotations

from typing import Any, Final

TOPIC: Final = "arn:aws:sns:eu-central-1:111122223333:on-call"

_SLOW: Final = {
    "Namespace": "AWS/Lambda",
    "MetricName": "Duration",
    "Dimensions": [{"Name": "FunctionName", "Value": "coaching-api"}],
    "Statistic": "Maximum",
    "Period": 60,
    "EvaluationPeriods": 7,
    "DatapointsToAlarm": 1,
    "Threshold": 25_000,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
    "AlarmActions": [TOPIC],
}
_COUNTED: Final = {
    "Statistic": "Sum",
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
}


def template(**resources: dict[str, Any]) -> dict[str, Any]:
    """A template of these resources."""
    return {"Resources": resources}


def resource(type_: str, **properties: Any) -> dict[str, Any]:
    """A resource of a type."""
    return {"Type": f"AWS::{type_}", "Properties": properties}


def alarm(**changes: Any) -> dict[str, Any]:
    """A good alarm on requests over 25 s, with changes; None takes a property away."""
    told = {key: value for key, value in {**_SLOW, **changes}.items() if value is not None}
    return resource("CloudWatch::Alarm", **told)


def counted(namespace: str, name: str, dimensions: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A good alarm on the first of something that is counted, with changes."""
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    told = {"Namespace": namespace, "MetricName": name, "Dimensions": listed, "DatapointsToAlarm": None}
    return alarm(**{**_COUNTED, **told, **changes})


def on_math(*queries: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A good alarm on metric math, with changes."""
    plain = dict.fromkeys(("Namespace", "MetricName", "Dimensions", "Statistic", "Period"))
    return alarm(**{**plain, **_COUNTED, "DatapointsToAlarm": None, "Metrics": list(queries), **changes})


def metric_filter(name: str, pattern: Any = "ERROR", **changes: Any) -> dict[str, Any]:
    """A metric filter that counts events in the namespace CoachingApi."""
    transformation = {"MetricNamespace": "CoachingApi", "MetricName": name, "MetricValue": "1", **changes}
    return resource(
        "Logs::MetricFilter",
        LogGroupName="/aws/lambda/coaching-api",
        FilterPattern=pattern,
        MetricTransformations=[transformation],
    )


def function(**changes: Any) -> dict[str, Any]:
    """The coaching API's function, with its timeout of 300 s."""
    return resource("Lambda::Function", **{"FunctionName": "coaching-api", "Timeout": 300, **changes})
