"""What CloudWatch is told, as frozen data: alarms, metric filters and saved queries.

The fields are CloudWatch's own, in snake case, so that one object is deployed, drawn, linted and replayed.
Nothing here is checked: ``alarms.checks`` does that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Statistic = Literal["Average", "Maximum", "Minimum", "SampleCount", "Sum"]
ComparisonOperator = Literal[
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
]
TreatMissingData = Literal["breaching", "notBreaching", "ignore", "missing"]
Topic = Literal["ticket", "page"]
"""Who is told: whoever looks at tickets in working hours, or whoever is on call now."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension of a metric."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class MetricAlarm:
    """An alarm on one metric, as ``put_metric_alarm`` takes it."""

    kind: str
    """Which of ``alarms.kinds`` it is: its runbook has this name."""
    service: str
    """Which of the services it watches."""
    alarm_name: str
    """Unique in the account and Region."""
    alarm_description: str
    """At most 1,024 characters."""
    namespace: str
    metric_name: str
    dimensions: tuple[Dimension, ...]
    """All of the metric's dimensions: with one too few or too many there is no datapoint."""
    statistic: Statistic
    period: int
    """In seconds."""
    evaluation_periods: int
    """N: how many periods are looked at."""
    datapoints_to_alarm: int
    """M: how many of the N must breach."""
    threshold: float
    """In the metric's unit: ms for durations."""
    comparison_operator: ComparisonOperator
    treat_missing_data: TreatMissingData
    topic: Topic | None
    """Whom it tells on ALARM and on OK; None where only other alarms read it."""


@dataclass(frozen=True, slots=True)
class CompositeAlarm:
    """An alarm on the states of other alarms, as ``put_composite_alarm`` takes it."""

    kind: str
    service: str
    alarm_name: str
    alarm_description: str
    alarm_rule: str
    """For example ``ALARM("a") OR ALARM("b")``."""
    actions_suppressor: str | None
    """The name of the alarm that, while in ALARM, keeps this one from telling anybody."""
    actions_suppressor_wait_period: int
    """How long, in seconds, the suppressor may take to go into ALARM."""
    actions_suppressor_extension_period: int
    """How long, in seconds, its silence lasts on after it has left ALARM."""
    topic: Topic | None


@dataclass(frozen=True, slots=True)
class MetricFilter:
    """Counts log events that match a pattern, as ``put_metric_filter`` takes it."""

    service: str
    filter_name: str
    """Unique within the log group."""
    log_group_name: str
    filter_pattern: str
    metric_namespace: str
    metric_name: str
    metric_value: str = "1"
    """What each matching event adds."""


@dataclass(frozen=True, slots=True)
class QueryDefinition:
    """A saved query of CloudWatch Logs Insights, as ``put_query_definition`` takes it."""

    name: str
    """Slashes make folders in the console."""
    query_string: str
    log_group_names: tuple[str, ...]
