"""Alarms on log lines that a function or a gateway writes without any help of ours, by metric filters.

The coaching API's lines carry ANSI colours, so that a word is glued to escape codes: what looks for a word
there must be a regular expression, which is found anywhere in an event. CloudWatch takes five filters with
one for each log group; this catalog uses one.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

from typing import Final

from alarms.inputs import ServiceInput
from alarms.making import Metric, counting
from alarms.model import MetricAlarm, MetricFilter
from alarms.thresholds import durations
from guards.names import NAMESPACE

OUTLIVED: Final = "OutlivedGateway"
REFUSED: Final = "RetryRefused"
PATH_ERRORS: Final = "PathServerErrors"


def log_namespace(service: ServiceInput) -> str:
    """Where the counts of a service go: a filter on text sets no dimension, so each has a namespace."""
    return f"{NAMESPACE}/{service.name.replace(' ', '-')}"


def log_filters(service: ServiceInput) -> tuple[MetricFilter, ...]:
    """The metric filters of a service."""
    limit_ms = durations(service).limit_ms
    filters = [_filter(service, "retry-refused", refused_pattern(), REFUSED)]
    if _can_outlive(service):
        filters += [
            _filter(service, "outlived-gateway", outlived_pattern(limit_ms), OUTLIVED),
            _filter(service, "outlived-gateway-json", outlived_json_pattern(limit_ms), OUTLIVED),
        ]
    if service.api.access_log_group:
        pattern, group = path_pattern(service.api.path), service.api.access_log_group
        filters.append(_filter(service, "path-5xx", pattern, PATH_ERRORS, group))
    return tuple(filters)


def log_alarms(service: ServiceInput) -> tuple[MetricAlarm, ...]:
    """The alarms that read these filters' metrics."""
    kinds = [("retry-refused", REFUSED)]
    if _can_outlive(service):
        kinds.insert(0, ("outlived-gateway", OUTLIVED))
    if service.api.access_log_group:
        kinds.append(("path-5xx", PATH_ERRORS))
    namespace = log_namespace(service)
    return tuple(counting(kind, service, Metric(namespace, metric)) for kind, metric in kinds)


def outlived_pattern(limit_ms: float) -> str:
    """A REPORT line, in text, of an invocation over the limit.

    >>> outlived_pattern(30_000)
    '[report=REPORT, label="RequestId:", request_id, name="Duration:", duration>30000, unit=ms, ...]'
    """
    return (
        f'[report=REPORT, label="RequestId:", request_id, name="Duration:", duration>{limit_ms:g}, '
        "unit=ms, ...]"
    )


def outlived_json_pattern(limit_ms: float) -> str:
    """The same of a function that logs as JSON."""
    return f'{{ $.type = "platform.report" && $.record.metrics.durationMs > {limit_ms:g} }}'


def refused_pattern() -> str:
    """A request refused with SESSION_NOT_ACTIVE, in colours or as JSON."""
    return "%SESSION_NOT_ACTIVE%"


def path_pattern(path: str) -> str:
    """A 5xx on a path, in an access log: ours has the status as a number, AWS's examples as a text."""
    return f'{{ $.path = "*{path}" && ($.status >= 500 || $.status = "5*") }}'


def _can_outlive(service: ServiceInput) -> bool:
    """Whether the function may run longer than the gateway waits: else the count would stay 0 for ever."""
    return service.function.timeout_s * 1000 > durations(service).limit_ms


def _filter(
    service: ServiceInput, kind: str, pattern: str, metric: str, log_group: str | None = None
) -> MetricFilter:
    return MetricFilter(
        service=service.name,
        filter_name=f"{service.name}-{kind}".replace(":", "-"),  # no colon and no star in a filter's name
        log_group_name=log_group or service.function.log_group_name,
        filter_pattern=pattern,
        metric_namespace=log_namespace(service),
        metric_name=metric,
    )
