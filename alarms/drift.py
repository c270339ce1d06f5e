"""Deployed alarms against the catalog: what CloudWatch's own answer has that ours would not.

>>> from alarms.catalog import catalog
>>> from alarms.inputs import FunctionInput, HttpApi, ServiceInput
>>> from alarms.properties import metric_alarm
>>> alarm = catalog(ServiceInput(FunctionInput("coaching-api", 300), HttpApi("abc123"))).alarms[0]
>>> deployed = metric_alarm(alarm, {"ticket": "arn"})
>>> metric_drift(alarm, deployed), [str(each) for each in metric_drift(alarm, {**deployed, "Threshold": 25})]
((), ['Threshold is 25, not 25000'])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from alarms.model import CompositeAlarm, MetricAlarm, MetricFilter, Topic
from alarms.properties import composite_alarm, metric_alarm, put_metric_filter

Deployed = Mapping[str, Any]
"""One alarm as DescribeAlarms has it."""

_TOPICS: Final[dict[Topic, str]] = {"ticket": "", "page": ""}

BLINDING: Final = frozenset({"Namespace", "MetricName", "Dimensions", "Statistic", "Unit", "Metrics"})
"""What says which data an alarm sees: where one of these differs, it may see none."""

_COMPARED: Final = (
    "Namespace",
    "MetricName",
    "Dimensions",
    "Statistic",
    "Unit",
    "Metrics",
    "Period",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
)
_COMPOSITE: Final = (
    "AlarmRule",
    "ActionsSuppressor",
    "ActionsSuppressorWaitPeriod",
    "ActionsSuppressorExtensionPeriod",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not as in the catalog."""

    field: str
    found: object
    """None where the deployed alarm has none."""
    wanted: object
    """None where the catalog has none."""

    def __str__(self) -> str:
        """In words."""
        return f"{self.field} is {_word(self.found)}, not {_word(self.wanted)}"


def metric_drift(alarm: MetricAlarm, deployed: Deployed) -> tuple[Difference, ...]:
    """Where a deployed alarm is not the catalog's: what it sees, and when it fires."""
    return _compared(_COMPARED, metric_alarm(alarm, _TOPICS), _filled(deployed))


def composite_drift(alarm: CompositeAlarm, deployed: Deployed) -> tuple[Difference, ...]:
    """The same of a composite alarm: its rule, and what keeps it silent."""
    found = dict(deployed)
    if found.get("ActionsSuppressor"):  # a name or an ARN, whichever it was given
        found["ActionsSuppressor"] = str(found["ActionsSuppressor"]).rpartition(":alarm:")[2]
    return _compared(_COMPOSITE, composite_alarm(alarm, _TOPICS), found)


def filter_drift(wanted: MetricFilter, deployed: Iterable[Deployed]) -> tuple[Difference, ...] | None:
    """Where a deployed metric filter is not the catalog's; None where none has its name.

    ``deployed``: the filters of its log group, as DescribeMetricFilters has them.
    """
    found = next((each for each in deployed if each.get("filterName") == wanted.filter_name), None)
    if found is None:
        return None
    told = {"filterPattern": found.get("filterPattern"), **_transformation(found)}
    ours = put_metric_filter(wanted)
    expected = {"filterPattern": wanted.filter_pattern, **_transformation(ours)}
    return _compared(tuple(expected), expected, told)


def _transformation(told: Deployed) -> dict[str, Any]:
    first: Deployed = next(iter(told.get("metricTransformations", ())), {})
    return {key: first.get(key) for key in ("metricNamespace", "metricName", "metricValue")}


def _filled(deployed: Deployed) -> dict[str, Any]:
    """With what CloudWatch leaves out: M is N, missing is missing."""
    found = dict(deployed)
    found.setdefault("DatapointsToAlarm", found.get("EvaluationPeriods"))
    found.setdefault("TreatMissingData", "missing")
    if not found.get("Statistic"):
        found["Statistic"] = found.get("ExtendedStatistic")
    return found


def _compared(fields: Iterable[str], wanted: Deployed, found: Deployed) -> tuple[Difference, ...]:
    pairs = ((name, _plain(found.get(name)), _plain(wanted.get(name))) for name in fields)
    return tuple(Difference(name, one, other) for name, one, other in pairs if one != other)


def _plain(value: object) -> object:
    """Dimensions in one order, and nothing for an empty list."""
    if isinstance(value, list | tuple):
        return (
            tuple(sorted(f"{each.get('Name', each.get('Id'))}={each.get('Value')}" for each in value)) or None
        )
    return value


def _word(value: object) -> str:
    if value is None:
        return "not set"
    if isinstance(value, tuple):
        return " and ".join(map(str, value))
    return f"{value:g}" if isinstance(value, int | float) else str(value)
