"""Metric filters of a template and the metrics that they make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from alarms.lint.template import Resource, Template
from alarms.lint.values import items, number, table, text

METRIC_FILTER: Final = "AWS::Logs::MetricFilter"
SUBSCRIPTION_FILTER: Final = "AWS::Logs::SubscriptionFilter"


@dataclass(frozen=True, slots=True)
class Transformation:
    """One metric that a filter makes of the events that it lets through."""

    filter: Resource
    namespace: str | None
    """None where it is not known, as with the fields below."""
    name: str | None
    dimensions: frozenset[str] | None
    default: float | None
    """What is published where nothing matches; None for nothing, or where it is not known."""


def transformations_of(template: Template) -> Iterator[Transformation]:
    """The metrics of all metric filters."""
    for each in template.of(METRIC_FILTER):
        for told in items(each.get("MetricTransformations")) or []:
            yield _transformation(each, table(told))


def made_by_filters(template: Template) -> dict[tuple[str, str], list[frozenset[str] | None]]:
    """Namespace and name -> the dimension sets that filters of the template give the metric."""
    made: dict[tuple[str, str], list[frozenset[str] | None]] = {}
    for each in transformations_of(template):
        if each.namespace is not None and each.name is not None:
            made.setdefault((each.namespace, each.name), []).append(each.dimensions)
    return made


def _transformation(resource: Resource, told: dict[str, object]) -> Transformation:
    keys = [text(table(each).get("Key")) for each in items(told.get("Dimensions")) or []]
    unknown = items(told.get("Dimensions")) is None or None in keys
    return Transformation(
        filter=resource,
        namespace=text(told.get("MetricNamespace")),
        name=text(told.get("MetricName")),
        dimensions=None if unknown else frozenset(key for key in keys if key),
        default=number(told.get("DefaultValue")),
    )
