"""The rules of the linter: each fires where it should, stays silent where it should not, and says why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alarms import metrics
from alarms.lint import RULES, Finding, build, lint, rule
from alarms.lint.__main__ import page
from alarms.lint.examples import TOPIC, alarm, counted, function, metric_filter, on_math, resource, template
from alarms.lint.registry import Rule, broken
from guards import names
from guards.errors import BadUsage, GuardError

DOCS = Path(__file__).parent.parent / "docs" / "lint.md"
FUNCTION = {"FunctionName": "coaching-api"}
STAGE = {"ApiId": "abc123", "Stage": "$default"}
UNKNOWN = {"Fn::ImportValue": "elsewhere"}


def findings(id: str, **resources) -> list[Finding]:
    return [each for each in lint(build(template(**resources))) if each.rule == id]


def severities(id: str, **resources) -> list[str]:
    return [each.severity for each in findings(id, **resources)]


# --- the table ----------------------------------------------------------------------------------------


def test_ids_and_severities_are_those_that_users_filter_by():
    """The IDs and their severities are stable."""
    errors = (
        "unknown-metric dimension-set dimension-value route-dimensions metric-unit threshold-unit "
        "threshold-out-of-reach statistic m-over-n period-limits missing-data metric-math no-action "
        "topic-grant composite-rule composite-reference filter-pattern dashboard-body"
    )
    warnings = "late-data percentile-samples metric-filter-unread"

    assert set(errors.split()) == {each.id for each in RULES if each.severity == "error"}
    assert set(warnings.split()) == {each.id for each in RULES if each.severity == "warning"}
    assert 21 == len(RULES)


@pytest.mark.parametrize("each", RULES, ids=lambda each: each.id)
def test_every_rule_keeps_to_its_own_examples(each: Rule):
    """It fires on the one, is silent on the other, and nothing else fires on the silent one."""
    assert broken(each) is None
    assert () == lint(build(each.silent()))


def test_a_rule_needs_a_docstring_and_examples():
    """Registration fails without either."""

    def undocumented(of):
        return ()

    def documented(of):
        """It never fires."""
        return ()

    with pytest.raises(GuardError, match="has no docstring"):
        rule("x", "error", fires=dict, silent=dict)(undocumented)
    with pytest.raises(GuardError, match="lacks an example"):
        rule("x", "error", fires=None, silent=dict)(documented)
    assert "does not fire" in broken(rule("x", "error", fires=dict, silent=dict)(documented))


def test_the_page_of_the_rules_is_current():
    """docs/lint.md is what `python -m alarms.lint` writes."""
    assert page() == DOCS.read_text("utf-8")


def test_every_finding_says_what_will_happen_and_the_fix():
    """Whole sentences, with a resource of the template."""
    for each in RULES:
        for finding in each(build(each.fires())):
            assert finding.resource in each.fires()["Resources"]
            assert finding.summary[-1] == finding.fix[-1] == "."
            assert finding.summary[0].isupper() or finding.summary[0].isdigit()
            assert finding.fix[0].isupper()


# --- the metric ---------------------------------------------------------------------------------------


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


# --- the threshold ------------------------------------------------------------------------------------


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


# --- periods ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("m", "n", "found"), [(3, 3, 0), (4, 3, 1), (None, 3, 0), (4, UNKNOWN, 0), ({"Ref": "M"}, 3, 0)]
)
def test_m_is_at_most_n(m, n, found):
    """M of N, both known."""
    assert found == len(findings("m-over-n", Alarm=alarm(DatapointsToAlarm=m, EvaluationPeriods=n)))


@pytest.mark.parametrize(
    ("timeout", "changed", "found"),
    [
        (300, {"EvaluationPeriods": 6}, 1),
        (300, {"EvaluationPeriods": 7}, 0),
        (60, {"EvaluationPeriods": 2}, 1),
        (60, {"EvaluationPeriods": 3}, 0),
        (61, {"EvaluationPeriods": 3}, 1),
        (60, {"EvaluationPeriods": 1, "Period": 300}, 0),
        (300, {"EvaluationPeriods": 1, "Period": 300}, 1),
        (UNKNOWN, {"EvaluationPeriods": 1}, 0),
        (300, {"EvaluationPeriods": 1, "MetricName": "Errors", "Threshold": 1}, 0),
    ],
)
def test_evaluation_periods_span_the_delay_of_the_data(timeout, changed, found):
    """N x period covers ceil(timeout / 60) + 2 minutes, on metrics that are stamped with their start."""
    told = alarm(**{"DatapointsToAlarm": 1, **changed})

    assert found == len(findings("late-data", Api=function(Timeout=timeout), Alarm=told))


def test_without_the_function_the_threshold_tells_the_least_delay():
    """A request over 25 s takes at least as long: three periods of a minute."""
    [finding] = findings("late-data", Alarm=alarm(EvaluationPeriods=1))

    assert "Write EvaluationPeriods 3 with DatapointsToAlarm 1." == finding.fix
    assert [] == findings("late-data", Alarm=alarm(EvaluationPeriods=3))


@pytest.mark.parametrize(
    ("period", "n", "found"),
    [
        (60, 7, []),
        (90, 1, ["error"]),
        (0, 1, ["error"]),
        (86_460, 1, ["error"]),
        (60, 1440, []),
        (60, 1441, ["error"]),
        (3600, 168, []),
        (3600, 169, ["error"]),
        (86_400, 7, []),
        (86_400, 8, ["error"]),
        (30, 7, ["warning"]),
        (UNKNOWN, 7, []),
    ],
)
def test_periods_and_spans_that_cloudwatch_takes(period, n, found):
    """10, 20, 30 or whole minutes up to a day; in all a day under an hour, else a week."""
    assert found == severities("period-limits", Alarm=alarm(Period=period, EvaluationPeriods=n))


def test_short_periods_are_for_metrics_of_ones_own():
    """Those of AWS have a datapoint a minute."""
    assert [] == severities("period-limits", Alarm=alarm(Namespace="MyService", Period=10))


@pytest.mark.parametrize(
    ("statistic", "few", "needed"),
    [
        ("p99", "ignore", "1,000"),
        ("p95", "ignore", "200"),
        ("p5", "ignore", "200"),
        ("p99", "evaluate", ""),
        ("p99", None, ""),
        ("tm99", "ignore", ""),
    ],
)
def test_percentiles_that_wait_for_samples(statistic, few, needed):
    """10 / (1 - p) requests must be in view, or 10 / p below the median."""
    told = alarm(Statistic=None, ExtendedStatistic=statistic, EvaluateLowSampleCountPercentile=few)

    assert [needed] * bool(needed) == [
        each.summary.split(" requests")[0].split()[-1] for each in findings("percentile-samples", Alarm=told)
    ]


# --- missing data -------------------------------------------------------------------------------------

LESS = "LessThanThreshold"


@pytest.mark.parametrize(
    ("metric", "changed", "found"),
    [
        (("AWS/Lambda", "Errors"), {"TreatMissingData": "breaching"}, ["error"]),
        (("AWS/Lambda", "Errors"), {"TreatMissingData": "ignore"}, ["warning"]),
        (("AWS/Lambda", "Errors"), {"TreatMissingData": "missing"}, []),
        (("AWS/Lambda", "Errors"), {"TreatMissingData": None}, []),
        (("AWS/Lambda", "Errors"), {"TreatMissingData": UNKNOWN}, []),
        (("AWS/Lambda", "Invocations"), {"ComparisonOperator": LESS}, ["error"]),
        (("AWS/Lambda", "Invocations"), {"ComparisonOperator": LESS, "TreatMissingData": None}, ["warning"]),
        (
            ("AWS/Lambda", "Invocations"),
            {"ComparisonOperator": LESS, "TreatMissingData": None, "InsufficientDataActions": [TOPIC]},
            [],
        ),
        (("AWS/Lambda", "Invocations"), {"ComparisonOperator": LESS, "TreatMissingData": "breaching"}, []),
        (
            ("AWS/Lambda", "ProvisionedConcurrencyUtilization"),
            {"ComparisonOperator": LESS, "Statistic": "Maximum"},
            [],
        ),
        (("AWS/SQS", "NumberOfMessagesSent"), {"TreatMissingData": "breaching"}, []),
        (("MyService", "Errors"), {"TreatMissingData": "breaching"}, []),
        (("CoachingApi", "Refused"), {"TreatMissingData": "breaching"}, ["error"]),
        (("CoachingApi", "Counted"), {"TreatMissingData": "breaching"}, []),
        (("AWS/DynamoDB", "ReadThrottleEvents"), {"TreatMissingData": "notBreaching"}, ["warning"]),
        (("AWS/DynamoDB", "ReadThrottleEvents"), {"TreatMissingData": None}, []),
    ],
)
def test_missing_data_neither_invents_nor_hides_alarms(metric, changed, found):
    """It depends on whether quiet means no data, on the side of the threshold, and on the namespace."""
    of = counted(*metric, {}, **changed)
    filters = {"A": metric_filter("Refused"), "B": metric_filter("Counted", DefaultValue=0)}

    assert found == severities("missing-data", **filters, Alarm=of)


# --- actions ------------------------------------------------------------------------------------------


def composite(rule_text: object, **changes) -> dict:
    return resource(
        "CloudWatch::CompositeAlarm", **{"AlarmRule": rule_text, "AlarmActions": [TOPIC], **changes}
    )


def deployment(name: object) -> dict:
    """A deployment that an alarm rolls back."""
    return resource("CodeDeploy::DeploymentGroup", AlarmConfiguration={"Alarms": [{"Name": name}]})


STACKED_NAME = {"Fn::Sub": "${AWS::StackName}-slow"}
STACKED = alarm(AlarmName=STACKED_NAME, AlarmActions=None)
SILENT = alarm(AlarmName="slow", AlarmActions=None)


@pytest.mark.parametrize(
    ("resources", "found"),
    [
        ({"Alarm": SILENT}, ["Alarm"]),
        ({"Alarm": alarm(AlarmActions=[])}, ["Alarm"]),
        ({"Alarm": alarm(ActionsEnabled=False)}, ["Alarm"]),
        ({"Alarm": alarm(AlarmActions=None, OKActions=[TOPIC])}, ["Alarm"]),
        ({"Alarm": alarm(AlarmActions=UNKNOWN)}, []),
        ({"Alarm": alarm(AlarmActions=[{"Ref": "AWS::NoValue"}])}, ["Alarm"]),
        ({"Alarm": SILENT, "Hit": composite({"Fn::Sub": "ALARM(${Alarm})"})}, []),
        ({"Alarm": SILENT, "Hit": composite({"Fn::Sub": 'ALARM("${Alarm.Arn}")'})}, []),
        ({"Alarm": SILENT, "Hit": composite('ALARM("slow")')}, []),
        ({"Alarm": SILENT, "Hit": composite("ALARM(arn:aws:cloudwatch:x:1:alarm:slow)")}, []),
        ({"Alarm": SILENT, "Hit": composite('ALARM("other")')}, ["Alarm"]),
        ({"Alarm": SILENT, "Hit": composite('ALARM("slow")', AlarmActions=None)}, ["Alarm", "Hit"]),
        (
            {
                "Alarm": SILENT,
                "Inner": composite("ALARM(slow)", AlarmActions=None),
                "Outer": composite({"Fn::Sub": "ALARM(${Inner})"}),
            },
            [],
        ),
        ({"Alarm": SILENT, "Hit": composite("TRUE", ActionsSuppressor="slow")}, []),
        ({"Alarm": SILENT, "Group": deployment({"Ref": "Alarm"})}, []),
        ({"Alarm": SILENT, "Group": deployment("slow")}, []),
        ({"Alarm": SILENT, "Group": deployment("other")}, ["Alarm"]),
        ({"Alarm": STACKED, "Group": deployment({"Fn::Sub": "${AWS::StackName}-slow"})}, []),
        ({"Alarm": STACKED, "Hit": composite("TRUE", ActionsSuppressor=STACKED_NAME)}, []),
        ({"Alarm": STACKED, "Hit": composite({"Fn::Sub": "ALARM(${AWS::StackName}-slow)"})}, []),
        ({"Alarm": SILENT, "Hit": composite({"Fn::Sub": "ALARM(x-${Alarm})"})}, []),
        ({"Alarm": SILENT, "Hit": composite({"Fn::Sub": "ALARM(arn:x:alarm:${Alarm})"})}, []),
        ({"Alarm": SILENT, "Board": resource("CloudWatch::Dashboard", DashboardBody="slow")}, ["Alarm"]),
        ({"Alarm": SILENT, "Hit": composite("TRUE", ActionsSuppressor={"Ref": "Alarm"})}, []),
        ({"Alarm": SILENT, "Hit": composite(UNKNOWN)}, []),
        (
            {
                "Alarm": SILENT,
                "Heard": resource("Events::Rule", EventPattern={"source": ["aws.cloudwatch"]}),
            },
            [],
        ),
        (
            {"Alarm": SILENT, "Heard": resource("Events::Rule", EventPattern={"source": ["aws.s3"]})},
            ["Alarm"],
        ),
    ],
)
def test_somebody_hears_of_every_alarm(resources, found):
    """Its own actions, a composite that acts, a suppressor's place, a deployment, or an EventBridge rule."""
    assert found == [each.resource for each in findings("no-action", **resources)]


ALLOWED = {"Service": "cloudwatch.amazonaws.com"}
GRANT = ["kms:Decrypt", "kms:GenerateDataKey*"]


def key(principal: object = ALLOWED, action: object = GRANT, **more) -> dict:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **more}
    account = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"}, "Action": "kms:*"}
    return resource("KMS::Key", KeyPolicy={"Statement": [account, statement]})


@pytest.mark.parametrize(
    ("told", "of", "found"),
    [
        (None, key(), 0),
        ("alias/aws/sns", key(), 1),
        ("alias/elsewhere", key({"AWS": "x"}), 0),
        ("alias/mine", key({"AWS": "x"}), 1),
        ({"Ref": "Key"}, key(), 0),
        ({"Fn::GetAtt": ["Key", "Arn"]}, key(), 0),
        ({"Ref": "Key"}, key({"Service": ["sns.amazonaws.com"]}), 1),
        ({"Ref": "Key"}, key(action="kms:*"), 0),
        ({"Ref": "Key"}, key(action=["kms:Decrypt"]), 1),
        ({"Ref": "Key"}, key(action="kms:GenerateDataKey*"), 1),
        ({"Ref": "Key"}, key(Effect="Deny"), 1),
        ({"Ref": "Key"}, key(UNKNOWN), 0),
        ({"Ref": "Key"}, resource("KMS::Key", KeyPolicy=UNKNOWN), 0),
        (UNKNOWN, key(), 0),
    ],
)
def test_an_encrypted_topic_lets_cloudwatch_in(told, of, found):
    """A key of the template grants decrypt and data keys to CloudWatch; AWS's own never does."""
    topic = resource("SNS::Topic", **({"KmsMasterKeyId": told} if told else {}))
    alias = resource("KMS::Alias", AliasName="alias/mine", TargetKeyId={"Ref": "Key"})
    read = alarm(AlarmActions=[{"Ref": "Topic"}])

    assert found == len(findings("topic-grant", Topic=topic, Key=of, Alias=alias, Alarm=read))
    assert [] == findings("topic-grant", Topic=topic, Key=of, Alias=alias, Alarm=alarm())


# --- composites ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule_text", "found"),
    [
        ('ALARM("slow")', 0),
        ('ALARM("slow") AND', 1),
        ({"Fn::Sub": 'ALARM("${Alarm}") && OK("b")'}, 1),
        ('ALARM("slow") AND OK("slow")', 1),
        ('ALARM("slow") OR NOT ALARM("slow")', 1),
        ("TRUE", 0),
        ({"Fn::Sub": "ALARM(${Hit})"}, 1),
        ('ALARM("hit")', 1),
        ({"Fn::Join": ["", ["ALARM(", UNKNOWN, ")"]]}, 0),
        ({"Fn::Join": [" ", ['ALARM("slow")', UNKNOWN]]}, 0),
        (UNKNOWN, 0),
    ],
)
def test_the_rule_of_a_composite_alarm_can_be_true_and_false(rule_text, found):
    """It parses, makes a difference and does not read itself; what is not known is not judged."""
    of = {"Alarm": SILENT, "Hit": composite(rule_text, AlarmName="hit")}

    assert found == len(findings("composite-rule", **of))


def test_composites_that_read_each_other_are_found():
    """Neither can be made first."""
    found = findings(
        "composite-rule", A=composite({"Fn::Sub": "ALARM(${B})"}), B=composite({"Fn::Sub": "OK(${A})"})
    )

    assert ["A", "B"] == [each.resource for each in found]


def test_an_error_in_a_rule_shows_references_by_their_names():
    """Not by the marks that stand for them while it is parsed."""
    [finding] = findings("composite-rule", Alarm=SILENT, Hit=composite({"Fn::Sub": 'X ALARM("${Alarm}")'}))
    [other] = findings("composite-rule", Alarm=SILENT, Hit=composite({"Fn::Sub": "OK(b) ${Alarm}"}))

    assert "\ue000" not in finding.summary + other.summary
    assert "'Alarm' stands where AND or OR should" in other.summary


@pytest.mark.parametrize(
    ("rule_text", "found"),
    [
        ('ALARM("slow")', 0),
        ('ALARM("slow1")', 1),
        ('ALARM("another stack")', 0),
        ({"Fn::Sub": "ALARM(${Gone})"}, 1),
        ({"Fn::Sub": "ALARM(${Alarm.Arn})"}, 0),
        ({"Fn::Sub": "ALARM(${Topic})"}, 1),
        ({"Fn::Sub": "ALARM(arn:aws:cloudwatch:${AWS::Region}:1:alarm:slw)"}, 1),
    ],
)
def test_a_composite_alarm_reads_alarms_that_are_there(rule_text, found):
    """References lead to an alarm of the template; a name that is nearly one of its names is a mistake."""
    of = {"Alarm": SILENT, "Topic": resource("SNS::Topic"), "Hit": composite(rule_text)}

    assert found == len(findings("composite-reference", **of))


def test_a_suppressor_is_there_too():
    """Without it nothing is ever suppressed."""
    told = {"Alarm": SILENT, "Hit": composite("ALARM(slow)", ActionsSuppressor="slows")}

    assert ["Hit"] == [each.resource for each in findings("composite-reference", **told)]


# --- metric math --------------------------------------------------------------------------------------


def line(id_: str, **told) -> dict:
    return {"Id": id_, **told}


def stat(id_: str, returned: bool = False) -> dict:
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Errors"}
    return line(id_, ReturnData=returned, MetricStat={"Metric": metric, "Stat": "Sum", "Period": 60})


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([line("e1", Expression="100 * m1 / m2"), stat("m1"), stat("m2")], 0),
        ([line("e1", Expression="100 * m1 / m3"), stat("m1"), stat("m2")], 1),
        ([line("e1", Expression="IF(m1 > 1e3 AND m2, FILL(m1, 0), m2)"), stat("m1"), stat("m2")], 0),
        ([line("e1", Expression="SELECT MAX(Duration) FROM fn GROUP BY x", Period=60)], 0),
        ([line("e1", Expression="SUM(SEARCH('{AWS/Lambda,FunctionName} errors', 'Sum'))")], 0),
        ([line("e1", Expression="m1"), stat("m1", returned=True)], 1),
        ([stat("m1"), stat("m2")], 1),
        ([stat("m1", returned=True)], 0),
        ([line("e1", Expression=UNKNOWN)], 0),
    ],
)
def test_metric_math_reads_its_own_lines_and_returns_one(lines, found):
    """Unknown IDs and several returned lines are refused by CloudWatch."""
    assert found == len(findings("metric-math", Alarm=on_math(*lines)))


@pytest.mark.parametrize(("band", "found"), [("band", 0), ("bond", 1)])
def test_the_band_of_an_anomaly_alarm_is_one_of_its_lines(band, found):
    """Two lines return data there."""
    told = on_math(
        stat("m1", returned=True),
        line("band", Expression="ANOMALY_DETECTION_BAND(m1, 2)"),
        ThresholdMetricId=band,
        Threshold=None,
        ComparisonOperator="GreaterThanUpperThreshold",
    )

    assert found == len(findings("metric-math", Alarm=told))


def test_metrics_within_metric_math_are_judged_too():
    """A misspelt metric in an expression makes an alarm without data."""
    misspelt = stat("m1")
    misspelt["MetricStat"]["Metric"]["MetricName"] = "Erors"

    assert ["error"] == severities("unknown-metric", Alarm=on_math(line("e1", Expression="m1"), misspelt))


# --- filters and dashboards ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("", []),
        ("ERROR", []),
        ("RequestId:", ["error"]),
        ("{ $.status >= 500", ["error"]),
        ("[a, b", ["error"]),
        ("%(a)%", ["error"]),
        ("?ERROR WARN", ["warning"]),
        ("?ERROR ?WARN", []),
        ({"Fn::Sub": "{ $.path = ${Path} }"}, []),
    ],
)
def test_filter_patterns_are_such_that_cloudwatch_logs_takes(pattern, found):
    """Metric and subscription filters alike; what is only half known is not judged."""
    subscription = resource("Logs::SubscriptionFilter", FilterPattern=pattern)

    assert found == severities("filter-pattern", Filter=metric_filter("Refused", pattern))
    assert found == severities("filter-pattern", Filter=subscription)


def board(body: object) -> dict:
    text = (
        body if isinstance(body, str) or (isinstance(body, dict) and "Fn::Sub" in body) else json.dumps(body)
    )
    return resource("CloudWatch::Dashboard", DashboardBody=text)


WIDGET = {"type": "metric", "properties": {"metrics": [["CoachingApi", "Refused"]]}}


@pytest.mark.parametrize(
    ("read", "found"),
    [
        ({}, 1),
        ({"Alarm": counted("CoachingApi", "Refused", {})}, 0),
        ({"Alarm": counted("CoachingApi", "Other", {})}, 1),
        ({"Board": board({"widgets": [WIDGET]})}, 0),
        ({"Board": board({"Fn::Sub": '{"widgets": "${AWS::Region} Refused"}'})}, 0),
        ({"Alarm": on_math(line("e1", Expression="SUM(SEARCH('Refused', 'Sum'))"))}, 0),
    ],
)
def test_what_a_metric_filter_counts_is_read(read, found):
    """By an alarm, an expression or a dashboard of the template."""
    assert found == len(findings("metric-filter-unread", Filter=metric_filter("Refused"), **read))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"widgets": []}, None),
        ({"widgets": [WIDGET]}, None),
        ("{", "no JSON"),
        ("[" * 5000, "no JSON"),
        ([], "no JSON object"),
        ({}, "no list widgets"),
        ({"widgets": [3]}, "no object"),
        ({"widgets": [{"type": "graph", "properties": {}}]}, "the type 'graph'"),
        ({"widgets": [{"type": "text"}]}, "no properties"),
        ({"widgets": [WIDGET, {"type": "metric", "properties": {}}]}, "Widget 2 has no metrics"),
        ({"widgets": [{"type": "metric", "properties": {"metrics": ["AWS/Lambda"]}}]}, "no list of lists"),
        ({"widgets": [{"type": "metric", "properties": {"annotations": {"alarms": ["arn"]}}}]}, None),
        ({"widgets": [{**WIDGET, "x": 18, "width": 12}]}, "column 18 over 12"),
        ({"widgets": [{**WIDGET, "x": 12, "width": 12}]}, None),
        ({"Fn::Sub": '{"widgets": ${Widgets}}'}, None),
        (
            {"Fn::Sub": '{"widgets": [{"type": "text", "width": ${W}, "properties": {"a": "${A.B}"}}]}'},
            None,
        ),
        ({"Fn::Sub": '{"widgets": [${A} ${B}]}'}, "no JSON"),
    ],
)
def test_a_dashboards_body_is_one(body, says):
    """JSON with widgets that CloudWatch takes; gaps that the deployment fills are not judged."""
    found = findings("dashboard-body", Board=board(body))

    assert (says is not None) == bool(found)
    assert says is None or says in found[0].summary


def test_a_dashboards_body_is_a_text():
    """An object where a text must stand is refused."""
    assert ["error"] == severities(
        "dashboard-body", Board=resource("CloudWatch::Dashboard", DashboardBody={"widgets": []})
    )


# --- all of them --------------------------------------------------------------------------------------


def test_findings_come_errors_first_then_in_the_order_of_the_template():
    """Whatever the order of the rules."""
    found = lint(
        build(
            template(
                Late=alarm(EvaluationPeriods=1),
                Seconds=alarm(Threshold=25),
                Refused=metric_filter("Refused", "a:"),
            )
        )
    )

    assert [
        ("Seconds", "threshold-unit"),
        ("Refused", "filter-pattern"),
        ("Late", "late-data"),
        ("Refused", "metric-filter-unread"),
    ] == [(each.resource, each.rule) for each in found]


def test_rules_can_be_left_out():
    """By their IDs; an ID that is none is refused."""
    from alarms.lint import lint_files

    of = build(template(Alarm=alarm(Threshold=25)))

    assert () == lint(of, ignore=["threshold-unit"])
    with pytest.raises(BadUsage, match="there is no rule 'treshold-unit'"):
        lint_files([], ignore=["treshold-unit"])


def test_the_knowledge_of_metrics_has_a_source_for_each_group():
    """Pages of AWS's documentation; our own module for our own."""
    for group in metrics.groups():
        assert group.source.startswith("https://docs.aws.amazon.com/") or group.namespace == names.NAMESPACE
        assert all(each.dimensions for each in group.metrics.values())
