"""How long the gateways of a template wait."""

from __future__ import annotations

from typing import Final

from alarms.lint.alarm import alarms_of
from alarms.lint.template import Resource, Template
from alarms.lint.values import Reference, Value, number, references, table, text
from guards.limits import GATEWAY_LIMITS, GatewayKind

_INTEGRATION: Final = "AWS::ApiGatewayV2::Integration"
_METHOD: Final = "AWS::ApiGateway::Method"
_PERMISSION: Final = "AWS::Lambda::Permission"


def limit_ms(template: Template, dimensions: dict[str, Value]) -> tuple[float | None, bool]:
    """How long the API of an alarm's dimensions waits, in ms, and whether that is sure.

    A REST API's limit may be raised where the template does not show it.
    """
    if "ApiId" in dimensions:
        api = dimensions["ApiId"]
        told = [each.get("TimeoutInMillis") for each in template.of(_INTEGRATION) if each.get("ApiId") == api]
        return _longest(told, "http") if isinstance(api, Reference) else (_default("http"), True)
    if "ApiName" not in dimensions:
        return None, False
    name, rest_apis = text(dimensions["ApiName"]), template.of("AWS::ApiGateway::RestApi")
    apis = {each.logical_id for each in rest_apis if name and text(each.get("Name")) == name}
    methods = [each for each in template.of(_METHOD) if _api_of(each) in apis]
    told = [table(each.get("Integration")).get("TimeoutInMillis") for each in methods]
    limit, sure = _longest(told, "rest")
    return limit, sure and bool(methods)


def limit_in_front_of(template: Template, function: Resource) -> float | None:
    """How long the gateway before a function waits, in ms; None where nothing says that there is one."""
    integrations = [each for each in template.of(_INTEGRATION) if _leads_to(each, function)]
    if integrations:
        return _longest([each.get("TimeoutInMillis") for each in integrations], "http")[0]
    methods = [each for each in template.of(_METHOD) if _leads_to(each, function)]
    if methods:
        told = [table(each.get("Integration")).get("TimeoutInMillis") for each in methods]
        return _longest(told, "rest")[0]
    return _default("http") if _permitted(template, function) else None


def limit_by_alarms(template: Template) -> float | None:
    """How long the gateway waits that the template has alarms on, in ms; None where it has none."""
    kinds = {
        "ApiId" in (use.dimensions or {})
        for alarm in alarms_of(template)
        for use in alarm.uses
        if use.namespace == "AWS/ApiGateway" and use.dimensions
    }
    return None if not kinds else _default("http" if True in kinds else "rest")


def _permitted(template: Template, function: Resource) -> bool:
    return any(
        text(each.get("Principal")) == "apigateway.amazonaws.com" and _leads_to(each, function)
        for each in template.of(_PERMISSION)
    )


def _leads_to(resource: Resource, function: Resource) -> bool:
    return any(each.logical_id == function.logical_id for each in references(resource.properties))


def _api_of(method: Resource) -> str | None:
    api = method.get("RestApiId")
    return api.logical_id if isinstance(api, Reference) else None


def _longest(told: list[Value], kind: GatewayKind) -> tuple[float | None, bool]:
    """The longest of the timeouts; the kind's own where none is told. None where one is not known."""
    limits = [_default(kind) if each is None else number(each) for each in told] or [_default(kind)]
    known = [each for each in limits if each is not None]
    return (max(known), True) if len(known) == len(limits) else (None, False)


def _default(kind: GatewayKind) -> float:
    return GATEWAY_LIMITS[kind].total_seconds() * 1000
