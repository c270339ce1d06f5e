"""Alarms on API Gateway's own count of 5xx: metric and dimensions differ by API kind."""

from __future__ import annotations

from datetime import timedelta

from alarms.inputs import Api, HttpApi, ServiceInput
from alarms.making import Metric, counting
from alarms.model import MetricAlarm

NAMESPACE = "AWS/ApiGateway"
ROUTE_DIMENSIONS = frozenset({"Route", "Resource"})
"""Dimensions of metrics that a stage has only with detailed metrics on."""
DETAILED_METRICS = "coaching-guard:detailed-metrics"
"""In an alarm's Metadata: true where the stage, which is in no template of ours, has them on."""

ERRORS = {
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
    "http": "5xx",
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
    "rest": "5XXError",
}
"""The metric that counts 5xx, by API kind. Under the other kind's name there is no datapoint, ever."""


def gateway_alarms(service: ServiceInput) -> tuple[MetricAlarm, ...]:
    """5xx of the whole stage; of one route too, where the stage has detailed metrics and the route exists."""
    whole = _errors("api-5xx", service, stage_dimensions(service.api))
    return (whole, *_route_alarms(service))


def stage_dimensions(api: Api) -> tuple[tuple[str, str], ...]:
    """The dimensions of a stage's metrics."""
    named = ("ApiId", api.api_id) if isinstance(api, HttpApi) else ("ApiName", api.name)
    return (named, ("Stage", api.stage))


def _route_alarms(service: ServiceInput) -> tuple[MetricAlarm, ...]:
    api = service.api
    if api.route is None:
        return ()
    method, resource = api.route.split(" ", 1)
    named, stage = stage_dimensions(api)
    current = (named, ("Method", method), ("Resource", resource), stage)
    alarms = (_errors("route-5xx", service, current),)
    if api.kind == "rest":
        return alarms
    # AWS's pages contradict each other on the dimensions of an HTTP API's routes. An alarm without data costs
    # a tenth of a dollar a month; the wrong one of two would cost the alarm.
    return (*alarms, _errors("route-5xx-older", service, (named, ("Route", api.route), stage)))


def _errors(kind: str, service: ServiceInput, dimensions: tuple[tuple[str, str], ...]) -> MetricAlarm:
    metric = Metric(NAMESPACE, ERRORS[service.api.kind], dimensions)
    delay = timedelta(milliseconds=service.api.integration_timeout_ms)
    return counting(kind, service, metric, delay)
