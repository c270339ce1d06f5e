"""The API as API Gateway tells of it: stages, routes, integrations, and how long each waits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from guards.errors import BadUsage
from guards.limits import GATEWAY_LIMITS, GatewayKind
from incidents.cloudwatch.faults import NOT_THERE, Fault
from incidents.doctor.asking import Asking

_DEFAULT_MS: Final = {kind: int(limit.total_seconds() * 1000) for kind, limit in GATEWAY_LIMITS.items()}


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage."""

    name: str
    access_log: str | None
    """The $context format of its access log; None where it has no access log."""
    log_group: str | None
    """Where that log goes; None for none, or for a stream of Firehose."""


@dataclass(frozen=True, slots=True)
class Integration:
    """What one route waits for."""

    route: str
    """A route key, or a REST API's method and path."""
    timeout_ms: int
    target: str
    """The URI of what is called."""

    def calls(self, function: str) -> bool | None:
        """Whether it calls a Lambda function, whichever alias of it; None where a stage variable decides."""
        if "stageVariables" in self.target:
            return None
        name = self.target.partition(":function:")[2].partition("/")[0].partition(":")[0]
        return name == function.partition(":")[0]


@dataclass(frozen=True, slots=True)
class DeployedApi:
    """One API."""

    kind: GatewayKind
    name: str
    """An HTTP API's ID, a REST API's name: what its metrics carry."""
    stages: tuple[Stage, ...]
    integrations: tuple[Integration, ...]

    @property
    def routes(self) -> tuple[str, ...]:
        """Its route keys."""
        return tuple(each.route for each in self.integrations)


def parse(said: str) -> tuple[GatewayKind, str, str | None]:
    """Kind, name and stage of ``http:ID``, ``rest:NAME``, with ``/STAGE`` or without. Raises BadUsage.

    >>> parse("http:abc123"), parse("rest:coaching/prod")
    (('http', 'abc123', None), ('rest', 'coaching', 'prod'))
    """
    kind, _, rest = said.partition(":")
    name, _, stage = rest.partition("/")
    if kind not in ("http", "rest") or not name:
        raise BadUsage(
            f"the API is {said[:80]!r}", hint="write http:API-ID or rest:API-NAME, then /STAGE if any"
        )
    return ("http" if kind == "http" else "rest"), name, stage or None


def read_api(kind: GatewayKind, name: str, asking: Asking) -> DeployedApi | None:
    """The API as it is deployed; None where there is none of that name, or several. Raises Fault."""
    return _http(name, asking) if kind == "http" else _rest(name, asking)


def _http(api_id: str, asking: Asking) -> DeployedApi:
    stages, routes, integrations = (
        _items(asking.pages("apigatewayv2", operation, "NextToken", ApiId=api_id), "Items")
        for operation in ("GetStages", "GetRoutes", "GetIntegrations")
    )
    by_id = {each["IntegrationId"]: each for each in integrations}
    found = []
    for route in routes:
        target = by_id.get(str(route.get("Target", "")).removeprefix("integrations/"))
        if target is not None:
            waits = int(target.get("TimeoutInMillis", _DEFAULT_MS["http"]))
            found.append(Integration(route["RouteKey"], waits, str(target.get("IntegrationUri", ""))))
    made = (_stage(each["StageName"], each.get("AccessLogSettings"), "Format") for each in stages)
    return DeployedApi("http", api_id, tuple(made), tuple(found))


def _rest(name: str, asking: Asking) -> DeployedApi | None:
    listed = _items(asking.pages("apigateway", "GetRestApis", "position"), "items")
    named = [each for each in listed if name in (each.get("name"), each.get("id"))]
    if len(named) != 1:
        return None
    api_id = named[0]["id"]
    stages = asking.ask("apigateway", "GetStages", restApiId=api_id).get("item", ())
    asked = {"restApiId": api_id, "embed": ["methods"]}
    resources = _items(asking.pages("apigateway", "GetResources", "position", **asked), "items")
    found = [
        _method(api_id, resource, method, told, asking)
        for resource in resources
        for method, told in sorted((resource.get("resourceMethods") or {}).items())
    ]
    made = (_stage(each["stageName"], each.get("accessLogSettings"), "format") for each in stages)
    integrations = tuple(each for each in found if each is not None)
    return DeployedApi("rest", str(named[0].get("name", name)), tuple(made), integrations)


def _method(
    api_id: str, resource: dict[str, Any], method: str, told: dict[str, Any], asking: Asking
) -> Integration | None:
    """A method's integration: embedded, or asked for; None for one that answers by itself."""
    held = (told or {}).get("methodIntegration")
    if held is None:
        asked = {"restApiId": api_id, "resourceId": resource["id"], "httpMethod": method}
        try:
            held = asking.ask("apigateway", "GetIntegration", **asked)
        except Fault as fault:
            if fault.what != NOT_THERE:
                raise
            return None
    if held.get("type") == "MOCK":
        return None
    waits = int(held.get("timeoutInMillis", _DEFAULT_MS["rest"]))
    return Integration(f"{method} {resource.get('path', '/')}", waits, str(held.get("uri", "")))


def _items(answers: Iterable[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    return [each for answer in answers for each in answer.get(key, ())]


def _stage(name: str, settings: dict[str, Any] | None, key: str) -> Stage:
    told = settings or {}
    arn = str(told.get("DestinationArn") or told.get("destinationArn") or "")
    group = arn.partition(":log-group:")[2].removesuffix(":*")
    return Stage(name, told.get(key) or None, group or None)
