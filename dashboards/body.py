"""A dashboard as plain data, made from the catalog: what is drawn is what alarms.

CloudWatch's notation: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from alarms.catalog import Catalog
from alarms.inputs import ServiceInput
from alarms.model import MetricAlarm
from alarms.queries import call_durations, slowest_requests, stranded_successes
from alarms.thresholds import durations
from guards import names

Widget = dict[str, Any]

_WARN, _BAD, _GONE = "#ff7f0e", "#d62728", "#7f7f7f"
_STATS: Final = (("p50", "#1f77b4"), ("p90", "#9467bd"), ("Maximum", "#17becf"))


@dataclass(frozen=True, slots=True)
class Place:
    """Where the dashboard stands; a construct puts CloudFormation's references here."""

    region: str
    account: str
    partition: str = "aws"


def body(made: Catalog, service: ServiceInput, place: Place) -> dict[str, Any]:
    """One screen for one service: alarm states, times, counts, and the worst requests."""
    rows = (
        (3, (_states(made, service, place),)),
        (6, (_durations(made, service, place), _phases(made, service, place))),
        (5, (_past(made, service, place), _errors(made, service, place), _stranded(made, service, place))),
        (6, (_log("Slowest requests", slowest_requests(10), service, place), _candidates(service, place))),
    )
    widgets, top = [], 0
    for height, row in rows:
        width = 24 // len(row)
        for column, widget in enumerate(row):
            widgets.append({**widget, "x": column * width, "y": top, "width": width, "height": height})
        top += height
    return {"start": "-PT3H", "widgets": widgets}


def _states(made: Catalog, service: ServiceInput, place: Place) -> Widget:
    prefix = f"arn:{place.partition}:cloudwatch:{place.region}:{place.account}:alarm"
    names_ = [each.alarm_name for each in made.composites if each.service == service.name]
    names_ += [each.alarm_name for each in made.alarms if each.service == service.name]
    arns = [f"{prefix}:{name}" for name in names_]
    return {"type": "alarm", "properties": {"title": f"Alarms of {service.name}", "alarms": arns}}


def _durations(made: Catalog, service: ServiceInput, place: Place) -> Widget:
    alarm = _alarm(made, service, "duration-warning")
    metrics = [_metric(alarm, stat=stat, label=stat, color=color) for stat, color in _STATS]
    return _graph("Duration of requests (ms)", metrics, place, _lines(made, service))


def _lines(made: Catalog, service: ServiceInput) -> list[dict[str, Any]]:
    """The marks as the alarms have them, and the gateway's limit."""
    warning, critical = (_alarm(made, service, f"duration-{mark}") for mark in ("warning", "critical"))
    marks = (
        ("warning", warning.threshold, _WARN),
        ("critical", critical.threshold, _BAD),
        ("the gateway gives up", durations(service).limit_ms, _GONE),
    )
    return [{"label": label, "value": value, "color": color} for label, value, color in marks]


def _phases(made: Catalog, service: ServiceInput, place: Place) -> Widget:
    """Conversation against extraction: from our records, else the model's calls by the API's own lines."""
    if not service.middleware:
        return _log("Calls to the model (ms)", call_durations(), service, place, view="timeSeries")
    metrics: list[list[object]] = [
        [
            names.NAMESPACE,
            names.PHASE_DURATION,
            *(names.SERVICE, service.name, names.PHASE, phase),
            {"stat": stat, "label": f"{phase} {stat}"},
        ]
        for phase in (names.CONVERSATION, names.EXTRACTION)
        for stat, _ in _STATS
    ]
    return _graph("Phases (ms)", metrics, place, _lines(made, service))


def _past(made: Catalog, service: ServiceInput, place: Place) -> Widget:
    kinds = ("past-warning", "past-critical", "past-limit") if service.middleware else ("outlived-gateway",)
    found = [alarm for kind in kinds if (alarm := made.of(service, kind))]
    return _graph("Requests past the marks", [_metric(alarm, label=alarm.kind) for alarm in found], place)


def _errors(made: Catalog, service: ServiceInput, place: Place) -> Widget:
    kinds = ("api-5xx", "route-5xx", "route-5xx-older", "path-5xx")
    found = [alarm for kind in kinds if (alarm := made.of(service, kind))]
    return _graph("Answers with 5xx", [_metric(alarm, label=alarm.kind) for alarm in found], place)


def _stranded(made: Catalog, service: ServiceInput, place: Place) -> Widget:
    kinds = ("outlived-gateway", "retry-refused")
    found = [alarm for kind in kinds if (alarm := made.of(service, kind))]
    return _graph(
        "Outlived the gateway, retries refused", [_metric(each, label=each.kind) for each in found], place
    )


def _candidates(service: ServiceInput, place: Place) -> Widget:
    return _log("Stranded successes (candidates)", stranded_successes(service, 10), service, place)


def _alarm(made: Catalog, service: ServiceInput, kind: str) -> MetricAlarm:
    found = made.of(service, kind)
    assert found is not None, f"every service has {kind}"
    return found


def _metric(alarm: MetricAlarm, **options: object) -> list[object]:
    """The metric that an alarm reads, with its statistic unless told otherwise."""
    dimensions = [word for each in alarm.dimensions for word in (each.name, each.value)]
    return [alarm.namespace, alarm.metric_name, *dimensions, {"stat": alarm.statistic, **options}]


def _graph(
    title: str, metrics: list[list[object]], place: Place, lines: list[dict[str, Any]] | None = None
) -> Widget:
    properties: dict[str, Any] = {
        "title": title,
        "view": "timeSeries",
        "region": place.region,
        "period": 60,
        "metrics": metrics,
        "yAxis": {"left": {"min": 0}},
    }
    if lines:
        properties["annotations"] = {"horizontal": lines}
    return {"type": "metric", "properties": properties}


def _log(title: str, query: str, service: ServiceInput, place: Place, view: str = "table") -> Widget:
    source = f"SOURCE '{service.function.log_group_name}'"
    properties = {"title": title, "view": view, "region": place.region, "query": f"{source} | {query}"}
    return {"type": "log", "properties": properties}
