"""What is known of CloudWatch's metrics: names, dimension sets, units, and when their datapoints arrive.

>>> [group.about for group in groups_of("AWS/ApiGateway", "5xx")]
['an HTTP API']
>>> metric_of("AWS/Lambda", "Duration").unit
'Milliseconds'
>>> groups_of("MyService", "5xx")
()
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, Literal

from guards import names

DimensionSet = frozenset[str]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of a group."""

    name: str
    unit: str
    """CloudWatch's unit; empty where the documentation names none."""
    dimensions: tuple[DimensionSet, ...]
    """The sets that always carry its datapoints."""
    detailed: tuple[DimensionSet, ...] = ()
    """Those that carry them only where detailed metrics are on."""
    rate: bool = False
    """Each datapoint is 0 or 1 a request: Average is a share, Sum a count."""
    stamped_at_start: bool = False
    """A datapoint stands at the start of what it measures and arrives after its end."""
    limit: Literal["function", "gateway"] | None = None
    """Whose timeout no datapoint can pass."""


@dataclass(frozen=True, slots=True)
class Group:
    """The metrics of one kind of resource."""

    namespace: str
    about: str
    """Whose metrics they are, with its article."""
    source: str
    """The page of AWS's documentation; for our own metrics, their module."""
    metrics: dict[str, Metric]
    complete: bool = True
    """Whether there are no others, as of the page."""
    quiet: Literal["nothing", ""] = ""
    """What is published while nothing happens; empty where that is not said."""


@lru_cache(maxsize=1)
def groups() -> tuple[Group, ...]:
    """Everything that ``metrics.toml`` holds, and our own metrics."""
    return (*map(_group, _data()["group"]), _ours())


def groups_of(namespace: str, name: str | None = None) -> tuple[Group, ...]:
    """The groups of a namespace, or only those that have a metric of this name."""
    found = (group for group in groups() if group.namespace == namespace)
    return tuple(group for group in found if name is None or name in group.metrics)


def metric_of(namespace: str, name: str, dimensions: Iterable[str] | None = None) -> Metric | None:
    """What is known of a metric, from the group that has this dimension set if one has; None if unknown."""
    known = [group.metrics[name] for group in groups_of(namespace, name)]
    wanted = frozenset(dimensions or ())
    fitting = [each for each in known if wanted in (*each.dimensions, *each.detailed)]
    return next(iter([*fitting, *known]), None)


@lru_cache(maxsize=1)
def value_sources() -> dict[str, dict[str, tuple[str, ...]]]:
    """Dimension -> resource type -> "Ref" or the attributes that hold the dimension's value.

    >>> value_sources()["QueueName"]["AWS::SQS::Queue"]
    ('QueueName',)
    """
    return {
        dimension: {kind: tuple(attributes) for kind, attributes in kinds.items()}
        for dimension, kinds in _data()["values"].items()
    }


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    return tomllib.loads(files("alarms").joinpath("metrics.toml").read_text(encoding="utf-8"))


def _group(entry: dict[str, Any]) -> Group:
    return Group(
        namespace=entry["namespace"],
        about=entry["about"],
        source=entry["source"],
        metrics={each.name: each for each in _metrics(entry)},
        complete=entry.get("complete", True),
        quiet=entry.get("quiet", ""),
    )


def _metrics(entry: dict[str, Any]) -> Iterator[Metric]:
    for name, told in entry["metrics"].items():
        sets = {"dimensions": entry["dimensions"], "detailed": entry.get("detailed", ())}
        facts: dict[str, Any] = {**sets, **told}
        facts.update({key: _sets(facts[key]) for key in sets})
        yield Metric(name, **facts)


def _sets(lists: Iterable[Iterable[str]]) -> tuple[DimensionSet, ...]:
    return tuple(frozenset(each) for each in lists)


_SOURCE: Final = "guards/names.py"


def _ours() -> Group:
    request, phase = _sets(names.REQUEST_DIMENSIONS), _sets(names.PHASE_DIMENSIONS)
    metrics = (
        Metric(names.PHASE_DURATION, "Milliseconds", phase),
        Metric(names.REQUEST_DURATION, "Milliseconds", request),
        *(Metric(name, "Count", request) for name in names.REQUEST_PAST.values()),
    )
    about = "coaching-guard's own records"
    return Group(names.NAMESPACE, about, _SOURCE, {each.name: each for each in metrics}, quiet="nothing")
