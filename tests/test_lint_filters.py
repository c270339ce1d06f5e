"""Rules about metric math, filters and dashboards."""

from __future__ import annotations

import json

import pytest

from alarms.lint.examples import counted, metric_filter, on_math, resource
from tests.lint import UNKNOWN, findings, severities

# --- metric math ---------------------------------------------------------------------------------------


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


# --- filters and dashboards ----------------------------------------------------------------------------


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
