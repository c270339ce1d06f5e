"""Where an invocation came from: which gateway waits for it, since when, and for which route.

>>> event = {"version": "2.0", "routeKey": "POST /coaching/message",
...          "requestContext": {"http": {"method": "POST"}, "timeEpoch": 1770680888688}}
>>> origin = origin_of(event)
>>> origin.gateway, origin.route, origin.received_ms
('http', 'POST /coaching/message', 1770680888688)
>>> origin_of({"Records": [{"eventSource": "aws:sqs"}]}).gateway is None
True
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from guards.limits import GatewayKind
from guards.safe import exact

_FUNCTION_URL: Final = re.compile(r"\.lambda-url\.[a-z0-9-]+\.on\.aws(\.cn)?\Z")
# A path is not a route: its parts can be IDs, addresses or tokens, which no record may carry.
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z_-]{0,31}|v\d{1,3}")
_TEMPLATE: Final = re.compile(r"/[A-Za-z0-9_.~{}+:$*/-]{0,511}")
_METHOD: Final = re.compile(r"[A-Z]{3,16}")
_HIDDEN: Final = "{id}"
_LONGEST_PATH: Final = 16
_LONGEST: Final = 1024
"""So many characters at the most of what is kept in a cache: an event may be as large as 6 MB."""
_NUMBERS: Final = (int, float)
_LATEST_MS: Final = 1e14
"""Some thousand years from now: no gateway's time, and more than a float or a date can take."""


class Origin(NamedTuple):
    """What an event tells of how it came here. None stands for what it does not tell."""

    gateway: GatewayKind | None = None
    """The API Gateway that waits for the answer; None: no gateway does."""
    received_ms: float | None = None
    """When the gateway received the request, in ms since 1970."""
    method: str | None = None
    route: str | None = None
    """Method and route, or the event source; never a raw path."""
    headers: Mapping[str, object] | None = None


NOWHERE: Final = Origin()


def origin_of(event: object) -> Origin:
    """What a Lambda event tells of its origin. Never raises: an event may be anything.

    Known are HTTP APIs (payload 2.0 and 1.0), REST and WebSocket APIs; behind function URLs, load balancers,
    queues, schedules and direct calls no API Gateway waits.
    Shapes: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    try:
        return _origin_of(event)
    except Exception:
        return NOWHERE


def route_of(method: str | None, template: object, path: object) -> str | None:
    """Method and route template; without a template the path, with all that may be an ID hidden.

    >>> route_of("POST", "/coaching/{session_id}/message", "/coaching/s1/message")
    'POST /coaching/{session_id}/message'
    >>> route_of("GET", None, "/users/jane@example.com/v2/orders/17")
    'GET /users/{id}/v2/orders/{id}'
    """
    known = (
        template
        if isinstance(template, str) and len(template) <= _LONGEST and _is_telling(template)
        else None
    )
    where = known or (_without_ids(path[:_LONGEST]) if isinstance(path, str) else None)
    return f"{method} {where}" if method and where else where or method


def method_of(value: object) -> str | None:
    """An HTTP method; None for what is none: a client may send any word in its place."""
    if type(value) is not str:
        if not isinstance(value, str):
            return None
        value = exact(value)
    return value if len(value) <= _LONGEST and _is_method(value) else None


def _origin_of(event: object) -> Origin:
    if not isinstance(event, dict):
        return NOWHERE
    context = event.get("requestContext")
    if not isinstance(context, dict):
        return Origin(route=_source(event))
    headers = event.get("headers")
    headers = headers if isinstance(headers, dict) else None
    http = context.get("http")
    if isinstance(http, dict):
        domain = context.get("domainName")
        is_url = type(domain) is str and len(domain) <= _LONGEST and _is_function_url(domain)
        method = method_of(http.get("method"))
        key = event.get("routeKey")
        route = _route_of_key(method, key) if type(key) is str and len(key) <= _LONGEST else None
        if route is None:  # the route $default, which serves all paths
            route = route_of(method, None, event.get("rawPath") or http.get("path"))
        received = _milliseconds(context.get("timeEpoch"))
        return Origin(None if is_url else "http", received, method, route, headers)
    if "requestTimeEpoch" not in context and "connectionId" not in context:
        return Origin(None, None, *_rest_route(event), headers)  # a load balancer, a test event
    kind: GatewayKind = "http" if event.get("version") == "1.0" else "rest"
    received = _milliseconds(context.get("requestTimeEpoch"))
    return Origin(kind, received, *_rest_route(event), headers)


def _rest_route(event: Mapping[str, object]) -> tuple[str | None, str | None]:
    method, resource, path = method_of(event.get("httpMethod")), event.get("resource"), event.get("path")
    # A resource that is the path itself may be one that was requested, not one that was configured.
    return method, route_of(method, None if resource == path else resource, path)


def _source(event: Mapping[str, object]) -> str | None:
    records = event.get("Records")
    first = records[0] if isinstance(records, list) and records else event
    source = first.get("eventSource") or first.get("source") if isinstance(first, dict) else None
    return source if isinstance(source, str) and re.fullmatch(r"aws[:.][a-z0-9.-]{1,32}", source) else None


def _milliseconds(value: Any) -> float | None:
    return value if type(value) in _NUMBERS and 0 < value < _LATEST_MS else None


@lru_cache(16)  # a function is called by few names
def _is_function_url(domain: str) -> bool:
    return _FUNCTION_URL.search(domain) is not None


@lru_cache(128)  # an API has few routes
def _route_of_key(method: str | None, key: str) -> str | None:
    """The route of a key such as ``POST /coaching/message``; None where the key tells of none."""
    template = key.partition(" ")[2]
    return route_of(method, template, None) if _is_telling(template) else None


@lru_cache(16)
def _is_method(word: str) -> bool:
    return _METHOD.fullmatch(word) is not None


@lru_cache(128)  # an API has few templates
def _is_telling(template: str) -> bool:
    return _TEMPLATE.fullmatch(template) is not None and "+}" not in template


@lru_cache(128)  # an API has few paths without IDs, and they are asked for again and again
def _without_ids(path: str) -> str:
    parts = path.partition("?")[0].split("/", _LONGEST_PATH)[:_LONGEST_PATH]
    return "/".join(_hidden(parts))


def _hidden(parts: Iterable[str]) -> Iterable[str]:
    return (part if not part or _WORD.fullmatch(part) else _HIDDEN for part in parts)
