"""Alarms as a template has them: a plain metric or metric math, with what is not known as None."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from alarms import metrics
from alarms.lint.template import FUNCTIONS, Resource, Template
from alarms.lint.values import Unknown, Value, items, number, table, text, whole

ALARM: Final = "AWS::CloudWatch::Alarm"
COMPOSITE: Final = "AWS::CloudWatch::CompositeAlarm"


@dataclass(frozen=True, slots=True)
class MetricUse:
    """A metric that an alarm reads."""

    namespace: str | None
    """None where it is not known, as with the fields below."""
    name: str | None
    dimensions: dict[str, Value] | None
    """Dimension -> value; None where not all names are known."""
    statistic: str | None
    """Such as Sum or p99."""
    period: int | None
    """In seconds."""
    unit: Value
    """As told; None for any unit."""

    @property
    def known(self) -> metrics.Metric | None:
        """What is known of the metric."""
        if self.namespace is None or self.name is None:
            return None
        return metrics.metric_of(self.namespace, self.name, self.dimensions)

    @property
    def quiet(self) -> bool:
        """Whether it surely has no datapoints while nothing happens."""
        groups = metrics.groups_of(self.namespace or "", self.name)
        return bool(groups) and all(group.quiet == "nothing" for group in groups)


@dataclass(frozen=True, slots=True)
class Expression:
    """A line of metric math."""

    id: str | None
    text: Value
    period: int | None
    """In seconds; None where it is that of its metrics."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm on a metric or on metric math."""

    resource: Resource
    uses: tuple[MetricUse, ...]
    """What it reads, directly or in expressions."""
    direct: MetricUse | None
    """The one whose values are compared with the threshold as they are; None with metric math."""
    expressions: tuple[Expression, ...]
    ids: tuple[str | None, ...]
    """The IDs of ``Metrics``."""
    returned: tuple[str | None, ...]
    """The IDs of those that return data."""
    threshold: float | None
    above: bool | None
    """Whether it fires above the threshold; None for bands and where it is not known."""
    inclusive: bool
    """Whether the threshold itself is breaching."""
    evaluation_periods: int | None
    """N."""
    datapoints_to_alarm: int | None
    """M; N where it is not told."""
    missing: str | None
    """TreatMissingData; "missing" where it is not told."""

    @property
    def period(self) -> int | None:
        """The period in seconds that it is evaluated with."""
        if self.direct is not None:
            return self.direct.period
        told = [each.period for each in self.expressions] + [each.period for each in self.uses]
        return max((period for period in told if period), default=None)


def alarms_of(template: Template) -> Iterator[Alarm]:
    """The alarms of a template, but for composite ones."""
    return (_alarm(each) for each in template.of(ALARM))


def function_of(use: MetricUse, template: Template) -> Resource | None:
    """The function that a metric of Lambda's is about, where the template holds it."""
    if use.namespace != "AWS/Lambda" or not use.dimensions:
        return None
    return template.meant_by(use.dimensions.get("FunctionName"), FUNCTIONS, "FunctionName")


def acts(resource: Resource) -> bool | None:
    """Whether an alarm does anything when it goes into ALARM; None where it is not known."""
    enabled, actions = resource.get("ActionsEnabled"), resource.get("AlarmActions")
    if text(enabled) == "false":
        return False
    if isinstance(enabled, Unknown) or isinstance(actions, Unknown):
        return None
    return actions is not None and actions != []


def _alarm(resource: Resource) -> Alarm:
    queries = resource.get("Metrics")
    listed = [table(each) for each in items(queries) or []]
    uses = [_use_of_query(each) for each in listed if "MetricStat" in each]
    plain = queries is None
    direct = _use(resource.properties, resource.properties) if plain else _direct(listed)
    returned = [each for each in listed if text(each.get("ReturnData", True)) != "false"]
    comparison = text(resource.get("ComparisonOperator"))
    periods = whole(resource.get("EvaluationPeriods"))
    told, missing = resource.get("DatapointsToAlarm"), resource.get("TreatMissingData")
    return Alarm(
        resource=resource,
        uses=(direct,) if plain and direct else tuple(uses),
        direct=direct,
        expressions=tuple(_expression(each) for each in listed if "Expression" in each),
        ids=tuple(text(each.get("Id")) for each in listed),
        returned=tuple(text(each.get("Id")) for each in returned),
        threshold=number(resource.get("Threshold")),
        above=_above(comparison),
        inclusive="OrEqualTo" in (comparison or ""),
        evaluation_periods=periods,
        datapoints_to_alarm=periods if told is None else whole(told),
        missing="missing" if missing is None else text(missing),
    )


def _above(comparison: str | None) -> bool | None:
    plain: dict[str | None, bool] = {
        "GreaterThanThreshold": True,
        "GreaterThanOrEqualToThreshold": True,
        "LessThanThreshold": False,
        "LessThanOrEqualToThreshold": False,
    }
    return plain.get(comparison)


def _direct(listed: list[dict[str, Value]]) -> MetricUse | None:
    returned = [each for each in listed if text(each.get("ReturnData", True)) == "true"]
    if len(returned) != 1 or "MetricStat" not in returned[0]:
        return None
    return _use_of_query(returned[0])


def _use_of_query(query: dict[str, Value]) -> MetricUse:
    stat = table(query.get("MetricStat"))
    return _use(table(stat.get("Metric")), {**stat, "Statistic": stat.get("Stat")})


def _use(metric: dict[str, Value], how: dict[str, Value]) -> MetricUse:
    statistic = how.get("ExtendedStatistic") if how.get("Statistic") is None else how.get("Statistic")
    return MetricUse(
        namespace=text(metric.get("Namespace")),
        name=text(metric.get("MetricName")),
        dimensions=_dimensions(metric.get("Dimensions")),
        statistic=text(statistic),
        period=whole(how.get("Period")),
        unit=how.get("Unit"),
    )


def _dimensions(value: Value) -> dict[str, Value] | None:
    listed = items(value)
    if listed is None:
        return None
    found = {text(table(each).get("Name")): table(each).get("Value") for each in listed}
    return {name: each for name, each in found.items() if name} if None not in found else None


def _expression(query: dict[str, Value]) -> Expression:
    return Expression(text(query.get("Id")), query.get("Expression"), whole(query.get("Period")))
