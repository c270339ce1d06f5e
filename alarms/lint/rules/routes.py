"""Alarms on one route of an API."""

from __future__ import annotations

from collections.abc import Iterator

from alarms.gateway_alarms import DETAILED_METRICS
from alarms.lint import examples as example
from alarms.lint.alarm import MetricUse, alarms_of
from alarms.lint.registry import Hit, rule
from alarms.lint.template import HTTP_APIS, Resource, Template
from alarms.lint.values import Reference, Value, items, table, text
from alarms.lint.words import short

_ROUTE = {"ApiId": {"Ref": "Api"}, "Stage": "$default", "Route": "POST /coaching/message"}
_INSTEAD = "count the path and status in the access log with a metric filter"


def _example(detailed: bool) -> dict[str, object]:
    return example.template(
        Api=example.resource("ApiGatewayV2::Api", ProtocolType="HTTP", Name="coaching"),
        Stage=example.resource(
            "ApiGatewayV2::Stage",
            ApiId={"Ref": "Api"},
            StageName="$default",
            DefaultRouteSettings={"DetailedMetricsEnabled": detailed},
        ),
        Route=example.resource("ApiGatewayV2::Route", ApiId={"Ref": "Api"}, RouteKey=_ROUTE["Route"]),
        Alarm=example.counted("AWS/ApiGateway", "5xx", _ROUTE),
    )


@rule("route-dimensions", "error", fires=lambda: _example(False), silent=lambda: _example(True))
def route_dimensions(template: Template) -> Iterator[Hit]:
    """An alarm on one route or method, whose datapoints exist only with detailed metrics and for a real
    route.

    API Gateway publishes route-level metrics only where detailed metrics are on (`DetailedMetricsEnabled`
    of an HTTP API's stage, `MetricsEnabled` in a REST stage's `MethodSettings`), and only for routes that
    the API has: behind a `$default` route no path has a metric of its own. It is a warning where the
    template holds neither the stage nor the routes, unless the alarm's own Metadata says that they are on.
    """
    for alarm in alarms_of(template):
        for use in alarm.uses:
            told = frozenset(use.dimensions or ())
            if use.namespace == "AWS/ApiGateway" and use.known and told in use.known.detailed:
                yield from _judge(template, alarm.resource, use)


def _judge(template: Template, alarm: Resource, use: MetricUse) -> Iterator[Hit]:
    dimensions = use.dimensions or {}
    stages = list(_stages(template, dimensions))
    settings = [_detailed(stage) for stage in stages]
    if stages and not any(each is not False for each in settings):
        where = ", ".join(stage.logical_id for stage in stages)
        what = f"Detailed metrics are off in the stage ({where}): this route has no datapoints."
        yield Hit(alarm, what, f"Switch them on in the stage's settings, or {_INSTEAD}.")
    elif not stages and text(alarm.metadata.get(DETAILED_METRICS)) != "true":
        what = "This route has datapoints only where the stage's detailed metrics are on; it is not in here."
        fix = f"Say that they are on (Metadata: {{{DETAILED_METRICS}: true}}), or {_INSTEAD}."
        yield Hit(alarm, what, fix, severity="warning")
    route, routes = _route(dimensions), _routes(template, dimensions.get("ApiId"))
    if route is not None and routes and None not in routes and route not in routes:
        has = ", ".join(sorted(each for each in routes if each))
        what = f"The API has no route {short(route)} (it has {has}): no datapoint carries it."
        yield Hit(alarm, what, f"Add the route, or {_INSTEAD}.")


def _stages(template: Template, dimensions: dict[str, Value]) -> Iterator[Resource]:
    """The stages that an alarm's API and stage may mean."""
    stage = dimensions.get("Stage")
    for each in template.of("AWS::ApiGatewayV2::Stage", "AWS::ApiGateway::Stage"):
        wanted, name = text(stage), text(each.get("StageName"))
        named = wanted is None or name is None or wanted == name
        if isinstance(stage, Reference):
            named = stage.logical_id == each.logical_id
        if named and _same_api(template, each, dimensions):
            yield each


def _same_api(template: Template, stage: Resource, dimensions: dict[str, Value]) -> bool:
    if stage.type == "AWS::ApiGatewayV2::Stage":
        return "ApiId" in dimensions and stage.get("ApiId") == dimensions["ApiId"]
    api = template.meant_by(stage.get("RestApiId"), ("AWS::ApiGateway::RestApi",), "Name")
    name = text(dimensions.get("ApiName"))
    return api is not None and name is not None and text(api.get("Name")) == name


def _detailed(stage: Resource) -> bool | None:
    """Whether detailed metrics are on for any route of a stage; None where it is not known."""
    settings = [stage.get("DefaultRouteSettings"), *table(stage.get("RouteSettings")).values()]
    switch = "DetailedMetricsEnabled"
    if stage.type == "AWS::ApiGateway::Stage":
        told = items(stage.get("MethodSettings"))
        if told is None:
            return None
        settings, switch = told, "MetricsEnabled"
    values = [table(each).get(switch, False) for each in settings if each is not None]
    known = [text(each) for each in values]
    return True if "true" in known else None if None in known else False


def _route(dimensions: dict[str, Value]) -> str | None:
    if "Route" in dimensions:
        return text(dimensions["Route"])
    method, path = text(dimensions.get("Method")), text(dimensions.get("Resource"))
    return f"{method} {path}" if method and path else None


def _routes(template: Template, api: Value) -> list[str | None]:
    """The route keys of an HTTP API; None for one that is not known."""
    if not isinstance(api, Reference) or template.meant_by(api, HTTP_APIS, "Name") is None or template.open:
        return []
    routes = (each for each in template.of("AWS::ApiGatewayV2::Route") if each.get("ApiId") == api)
    return [text(each.get("RouteKey")) for each in routes]
