"""What a catalog costs a month, counted from it.

List prices of us-east-1 in US dollars, beyond the free tier, as AWS had them in 2026; other Regions differ.
https://aws.amazon.com/cloudwatch/pricing/ and https://aws.amazon.com/kms/pricing/
"""

from __future__ import annotations

from dataclasses import dataclass

from alarms.catalog import Catalog

ALARM, COMPOSITE, CUSTOM_METRIC, DASHBOARD, KEY = 0.10, 0.50, 0.30, 3.00, 1.00


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of the bill."""

    what: str
    count: int
    each: float
    """US dollars a month."""
    total: float
    """US dollars a month."""


def monthly(made: Catalog, *, dashboard: bool = True, topics_made: bool = True) -> tuple[CostLine, ...]:
    """The bill, line by line, at most: a custom metric costs only in hours that have data.

    Not in it: messages, and queries, which are billed by what they read.
    """
    counts = (
        ("metric alarms", len(made.alarms), ALARM),
        ("composite alarms", len(made.composites), COMPOSITE),
        ("custom metrics, at most", len(_custom_metrics(made)), CUSTOM_METRIC),
        ("dashboards", len(made.services) if dashboard else 0, DASHBOARD),
        ("KMS keys", 1 if topics_made else 0, KEY),
    )
    return tuple(CostLine(what, count, each, round(count * each, 2)) for what, count, each in counts)


def total(lines: tuple[CostLine, ...]) -> float:
    """US dollars a month."""
    return round(sum(line.total for line in lines), 2)


def _custom_metrics(made: Catalog) -> set[tuple[object, ...]]:
    read = {(each.namespace, each.metric_name, each.dimensions) for each in made.alarms}
    return {metric for metric in read if not metric[0].startswith("AWS/")}
