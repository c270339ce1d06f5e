"""Rules about the periods of an alarm and about missing data."""

from __future__ import annotations

import pytest

from alarms.lint.examples import TOPIC, alarm, counted, function, metric_filter
from tests.lint import UNKNOWN, findings, severities

# --- periods -------------------------------------------------------------------------------------------


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


# --- missing data --------------------------------------------------------------------------------------

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
