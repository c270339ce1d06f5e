"""Rules about the metric and the threshold of an alarm."""

from __future__ import annotations

import pytest

from alarms.lint.examples import alarm, counted, function, metric_filter, resource
from guards import names
from tests.lint import FUNCTION, STAGE, UNKNOWN, findings, severities

# --- the metric ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("namespace", "name", "found"),
    [
        ("AWS/Lambda", "Durations", ["error"]),
        ("AWS/Lambda", "duration", ["error"]),
        ("AWS/Lambda", "SomethingOfNextYear", ["warning"]),
        ("AWS/ApplicationELB", "SomethingOfNextYear", []),
        ("AWS/ApplicationELB", "TargetResponseTimes", ["error"]),
        ("AWS/Kinesis", "Durations", []),
        ("MyService", "Durations", []),
        (names.NAMESPACE, "RequestPastWarnings", ["error"]),
        ("CoachingApi", "Refusd", ["error"]),
        ("CoachingApi", "Quite different", []),
        ("CoachingApi", "Refused", []),
        (UNKNOWN, "Durations", []),
        ("AWS/Lambda", UNKNOWN, []),
    ],
)
def test_a_metric_is_unknown_only_where_all_are_known(namespace, name, found):
    """Custom namespaces are judged by the filters of the template alone, names near no other with care."""
    of = {"Filter": metric_filter("Refused"), "Alarm": counted(namespace, name, FUNCTION)}

    assert found == severities("unknown-metric", **of)


@pytest.mark.parametrize(
    ("namespace", "name", "dimensions", "found"),
    [
        ("AWS/ApiGateway", "5XXError", STAGE, 1),
        ("AWS/ApiGateway", "5xx", STAGE, 0),
        ("AWS/ApiGateway", "5xx", {"ApiName": "coaching"}, 1),
        ("AWS/ApiGateway", "5XXError", {"ApiName": "coaching", "Stage": "prod"}, 0),
        ("AWS/ApiGateway", "Latency", {"Stage": "prod"}, 1),
        ("AWS/ApiGateway", "Count", {"ApiName": "coaching", "ApiId": "abc123"}, 1),
        ("AWS/ApiGateway", "ConnectCount", STAGE, 0),
        ("AWS/Lambda", "Errors", {}, 0),
        ("AWS/Lambda", "Errors", {**FUNCTION, "Alias": "live"}, 1),
        ("AWS/SQS", "NumberOfMessagesSent", {}, 1),
        ("AWS/DynamoDB", "UserErrors", {"TableName": "sessions"}, 1),
        (names.NAMESPACE, names.PHASE_DURATION, {"service": "a", "phase": "extraction"}, 0),
        (names.NAMESPACE, names.REQUEST_DURATION, {"service": "a", "phase": "extraction"}, 1),
        ("CoachingApi", "Refused", {}, 1),
        ("CoachingApi", "Refused", {"Code": "x"}, 0),
        ("CoachingApi", "Other", {"Whatever": "x"}, 0),
    ],
)
def test_a_dimension_set_is_one_that_is_published(namespace, name, dimensions, found):
    """One of the sets of the documentation, of our records, or of the filter that makes the metric."""
    of = metric_filter("Refused", Dimensions=[{"Key": "Code", "Value": "$.code"}])

    assert found == len(findings("dimension-set", Filter=of, Alarm=counted(namespace, name, dimensions)))


def test_the_other_kind_of_api_is_named_in_the_fix():
    """A REST metric on an HTTP API says what an HTTP API has, and what a REST API needs."""
    [finding] = findings("dimension-set", Alarm=counted("AWS/ApiGateway", "5XXError", STAGE))

    assert (
        "For a REST API write the dimensions {ApiName} or {ApiName, Stage}; "
        "an HTTP API has these dimensions, and its metric is 5xx."
    ) == finding.fix


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("missing", "stays in INSUFFICIENT_DATA"),
        ("notBreaching", "stays OK"),
        ("ignore", "keeps its first state"),
        ("breaching", "in ALARM always"),
    ],
)
def test_what_an_alarm_without_data_does_depends_on_its_choice(told, says):
    """The finding says in which state it stays."""
    [finding] = findings("unknown-metric", Alarm=alarm(MetricName="Durations", TreatMissingData=told))

    assert says in finding.summary


@pytest.mark.parametrize(
    ("type_", "dimension", "value", "found"),
    [
        ("SQS::Queue", "QueueName", {"Ref": "It"}, 1),
        ("SQS::Queue", "QueueName", {"Fn::GetAtt": "It.QueueName"}, 0),
        ("SQS::Queue", "QueueName", {"Fn::GetAtt": ["It", "Arn"]}, 1),
        ("SQS::Queue", "QueueName", {"Fn::Select": [5, {"Fn::Split": [":", UNKNOWN]}]}, 0),
        ("ApiGateway::RestApi", "ApiName", {"Ref": "It"}, 1),
        ("ApiGateway::RestApi", "ApiName", "coaching", 0),
        ("ApiGateway::RestApi", "ApiId", {"Ref": "It"}, 1),
        ("ApiGatewayV2::Api", "ApiId", {"Fn::Sub": "${It}"}, 0),
        ("ApiGatewayV2::Api", "ApiId", {"Ref": "It"}, 0),
        ("Lambda::Function", "FunctionName", {"Fn::GetAtt": ["It", "Arn"]}, 1),
        ("Lambda::Function", "FunctionName", {"Ref": "It"}, 0),
    ],
)
def test_a_dimension_refers_to_what_its_datapoints_carry(type_, dimension, value, found):
    """A queue's Ref is its URL, a REST API's Ref its ID: no datapoint has these."""
    metric = {
        "QueueName": ("AWS/SQS", "NumberOfMessagesSent"),
        "FunctionName": ("AWS/Lambda", "Errors"),
    }.get(dimension, ("AWS/ApiGateway", "Count"))

    assert found == len(
        findings("dimension-value", It=resource(type_), Alarm=counted(*metric, {dimension: value}))
    )


def routed(detailed: bool, *keys: str, stage: str = "$default", route: str = "POST /message") -> dict:
    routes = {
        f"Route{place}": resource("ApiGatewayV2::Route", ApiId={"Ref": "Api"}, RouteKey=key)
        for place, key in enumerate(keys)
    }
    settings = {"DetailedMetricsEnabled": detailed}
    told = {"ApiId": {"Ref": "Api"}, "Stage": "$default", "Route": route}
    return {
        "Api": resource("ApiGatewayV2::Api", ProtocolType="HTTP"),
        "Stage": resource(
            "ApiGatewayV2::Stage", ApiId={"Ref": "Api"}, StageName=stage, DefaultRouteSettings=settings
        ),
        **routes,
        "Alarm": counted("AWS/ApiGateway", "5xx", told),
    }


@pytest.mark.parametrize(
    ("resources", "found"),
    [
        (routed(True, "POST /message"), []),
        (routed(False, "POST /message"), ["error"]),
        (routed(True, "POST /message", stage="prod"), ["warning"]),
        (routed(True, "$default"), ["error"]),
        (routed(True, "GET /message"), ["error"]),
        (routed(False, "$default"), ["error", "error"]),
        ({"Alarm": counted("AWS/ApiGateway", "5xx", {**STAGE, "Route": "POST /message"})}, ["warning"]),
        (
            {"Alarm": counted("AWS/ApiGateway", "5xx", {**STAGE, "Method": "POST", "Resource": "/message"})},
            ["warning"],
        ),
    ],
)
def test_a_route_has_datapoints_only_with_detailed_metrics_and_where_it_exists(resources, found):
    """Off, or no such route, is an error; a stage from elsewhere is a warning."""
    assert found == severities("route-dimensions", **resources)


@pytest.mark.parametrize(("enabled", "found"), [(True, []), (False, ["error"])])
def test_a_method_of_a_rest_api_needs_detailed_metrics_too(enabled, found):
    """They are on in the stage's MethodSettings, or the alarm has no data."""
    settings = [{"HttpMethod": "*", "ResourcePath": "/*", "MetricsEnabled": enabled}]
    told = {"ApiName": "coaching", "Stage": "prod", "Method": "POST", "Resource": "/message"}

    assert found == severities(
        "route-dimensions",
        Api=resource("ApiGateway::RestApi", Name="coaching"),
        Stage=resource(
            "ApiGateway::Stage", RestApiId={"Ref": "Api"}, StageName="prod", MethodSettings=settings
        ),
        Alarm=counted("AWS/ApiGateway", "5XXError", told),
    )


# --- the threshold -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"Threshold": 25}, ["error"]),
        ({"Threshold": "25"}, ["error"]),
        ({"Threshold": 60}, ["error"]),
        ({"Threshold": 61}, []),
        ({"Threshold": 25_000}, []),
        ({"Threshold": 0}, []),
        ({"Threshold": 25, "ComparisonOperator": "LessThanThreshold"}, []),
        ({"Threshold": UNKNOWN}, []),
    ],
)
def test_seconds_on_a_metric_in_milliseconds(changed, found):
    """25 where 25,000 is meant fires on nearly every request."""
    assert found == severities("threshold-unit", Alarm=alarm(**changed))


def test_milliseconds_on_a_metric_in_seconds():
    """A queue's age of 300,000 s is 83 h."""
    age = ("AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": "jobs"})
    [finding] = findings("threshold-unit", Alarm=counted(*age, Statistic="Maximum", Threshold=300_000))

    assert ("Write 300 if 300,000 ms is meant.", "error") == (finding.fix, finding.severity)
    assert [] == findings("threshold-unit", Alarm=counted(*age, Statistic="Maximum", Threshold=300))


def test_a_small_average_of_latencies_may_be_meant():
    """25 ms on an average is a warning, on the maximum an error."""
    told = {"Threshold": 25}
    latency = ("AWS/ApiGateway", "Latency", STAGE)

    assert ["warning"] == severities("threshold-unit", Alarm=counted(*latency, Statistic="Average", **told))
    assert ["error"] == severities("threshold-unit", Alarm=counted(*latency, Statistic="Maximum", **told))


def test_the_units_that_metrics_are_published_in():
    """An alarm with another unit reads nothing; without a unit, or with one that is not known, it does."""
    assert ["error"] == severities("metric-unit", Alarm=alarm(Unit="Seconds"))
    assert [] == severities("metric-unit", Alarm=alarm(Unit="Milliseconds"))
    assert [] == severities("metric-unit", Alarm=alarm(Unit=UNKNOWN))
    assert [] == severities("metric-unit", Alarm=alarm(Namespace="MyService", Unit="Seconds"))


@pytest.mark.parametrize(
    ("timeout", "changed", "found"),
    [
        (20, {}, ["error"]),
        (25, {}, ["error"]),
        (25, {"ComparisonOperator": "GreaterThanOrEqualToThreshold"}, []),
        (26, {}, []),
        (None, {"Threshold": 4_000}, ["error"]),
        (None, {"Threshold": 2_000}, []),
        ({"Ref": "T"}, {}, []),
        (20, {"Statistic": "Sum"}, []),
    ],
)
def test_no_invocation_is_longer_than_its_functions_timeout(timeout, changed, found):
    """A threshold at or above it is never exceeded; the timeout is 3 s where none is told."""
    told = function() if timeout is not None else resource("Lambda::Function", FunctionName="coaching-api")
    if timeout is not None:
        told["Properties"]["Timeout"] = timeout

    assert found == severities("threshold-out-of-reach", Api=told, Alarm=alarm(**changed))


@pytest.mark.parametrize(
    ("dimensions", "threshold", "found"),
    [
        (STAGE, 30_000, ["error"]),
        (STAGE, 29_500, []),
        ({"ApiName": "coaching"}, 29_000, ["warning"]),
        ({"ApiName": "coaching"}, 28_999, []),
    ],
)
def test_no_latency_is_longer_than_the_gateway_waits(dimensions, threshold, found):
    """30 s for an HTTP API; 29 s for a REST API, which may have been raised elsewhere."""
    of = counted("AWS/ApiGateway", "Latency", dimensions, Statistic="Maximum", Threshold=threshold)

    assert found == severities("threshold-out-of-reach", Alarm=of)


@pytest.mark.parametrize(("limit", "found"), [(None, ["error"]), (60_000, []), (UNKNOWN, [])])
def test_a_raised_limit_of_a_rest_api_is_believed(limit, found):
    """The methods of the template say how long the gateway waits."""
    integration = {"Type": "AWS_PROXY", **({"TimeoutInMillis": limit} if limit else {})}

    assert found == severities(
        "threshold-out-of-reach",
        Api=resource("ApiGateway::RestApi", Name="coaching"),
        Post=resource("ApiGateway::Method", RestApiId={"Ref": "Api"}, Integration=integration),
        Alarm=counted(
            "AWS/ApiGateway", "Latency", {"ApiName": "coaching"}, Statistic="p99", Threshold=30_000
        ),
    )


@pytest.mark.parametrize("threshold", ["Infinity", "nan", "1e999", "many", True, [30_000]])
def test_a_threshold_that_is_no_number_is_not_judged(threshold):
    """CloudFormation itself refuses it."""
    of = counted("AWS/ApiGateway", "Latency", STAGE, Statistic="Maximum", Threshold=threshold)

    assert [] == findings("threshold-out-of-reach", Alarm=of) + findings("threshold-unit", Alarm=of)


def test_an_api_whose_name_is_not_known_is_not_taken_for_another():
    """A name that only the deployment knows is not the same as another such name."""
    integration = {"Type": "AWS_PROXY", "TimeoutInMillis": 5_000}
    latency = ("AWS/ApiGateway", "Latency", {"ApiName": UNKNOWN})

    assert [] == severities(
        "threshold-out-of-reach",
        Api=resource("ApiGateway::RestApi"),
        Post=resource("ApiGateway::Method", RestApiId={"Ref": "Api"}, Integration=integration),
        Alarm=counted(*latency, Statistic="p99", Threshold=20_000),
    )


def test_a_function_behind_a_gateway_is_slow_before_the_gateway_gives_up():
    """Where an integration, or an alarm on an API, says that there is one, 30 s are too late: a warning."""
    late = {"Api": function(), "Alarm": alarm(Threshold=30_000)}
    uri = {"Fn::Sub": "arn:aws:apigateway:x:lambda:path/functions/${Api.Arn}/invocations"}

    assert [] == severities("threshold-out-of-reach", **late)
    assert ["warning"] == severities(
        "threshold-out-of-reach",
        **late,
        Integration=resource("ApiGatewayV2::Integration", ApiId="abc123", IntegrationUri=uri),
    )
    assert ["warning"] == severities(
        "threshold-out-of-reach",
        Alarm=alarm(Threshold=30_000),
        Failing=counted("AWS/ApiGateway", "5xx", STAGE),
    )


@pytest.mark.parametrize(
    ("name", "changed", "found"),
    [
        ("5xx", {"Statistic": "Average"}, ["error"]),
        ("5xx", {"Statistic": "Average", "Threshold": 5}, ["error"]),
        ("5xx", {"Statistic": "Average", "Threshold": 0.05}, []),
        ("5xx", {"Statistic": "Maximum"}, []),
        ("5xx", {"Statistic": "Maximum", "ComparisonOperator": "GreaterThanThreshold"}, ["error"]),
        ("5xx", {"Statistic": "SampleCount"}, ["error"]),
        ("5xx", {"Statistic": "Sum"}, []),
        ("Count", {"Statistic": "SampleCount"}, []),
        ("Latency", {"Statistic": "Sum", "Threshold": 25_000}, ["warning"]),
        ("Latency", {"Statistic": "Maximum", "Threshold": 25_000}, []),
    ],
)
def test_a_statistic_is_the_number_that_the_threshold_means(name, changed, found):
    """Errors are 0 or 1 a request: their average is a share, their samples are the requests."""
    assert found == severities("statistic", Alarm=counted("AWS/ApiGateway", name, STAGE, **changed))


@pytest.mark.parametrize(
    ("operator", "says"),
    [
        ("GreaterThanOrEqualToThreshold", "1 takes a period in which every request fails."),
        ("GreaterThanThreshold", "1 is never reached."),
    ],
)
def test_a_share_of_1_is_said_to_be_what_it_is(operator, says):
    """Every request fails, or more than all would have to."""
    of = counted("AWS/ApiGateway", "5xx", STAGE, Statistic="Average", ComparisonOperator=operator)
    [finding] = findings("statistic", Alarm=of)

    assert f"Average of 5xx is a share from 0 to 1: {says}" == finding.summary
