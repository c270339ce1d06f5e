"""What the catalog is made from: a Lambda function, the API in front of it, and what is known of both.

>>> ServiceInput(FunctionInput("coaching-api", timeout_s=300), HttpApi("abc123")).name
'coaching-api'
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from alarms.given import check_spelled, check_whole, is_token
from guards.errors import BadUsage
from guards.limits import GATEWAY_LIMITS, LAMBDA_LONGEST, GatewayKind

MESSAGE_PATH: Final = "/coaching/message"
"""The path whose answers the incident of 2026-02-09 lost."""

_LONGEST_S: Final = int(LAMBDA_LONGEST.total_seconds())
_FUNCTION: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_API_ID: Final = re.compile(r"[a-z0-9]{1,32}")
_ROUTE: Final = re.compile(r"(?:[A-Z]{3,7}) /[^\s\"]*")
_PATH: Final = re.compile(r"/[A-Za-z0-9._~/{}+-]{0,200}")
_LOG_GROUP: Final = re.compile(r"[A-Za-z0-9._/#-]{1,512}")
_REGION: Final = re.compile(r"[a-z]{2,5}(?:-[a-z]{2,12}){1,2}-\d{1,2}")
"""A pattern, and no list: there are more of them each year."""
_URL: Final = re.compile(r"https?://[^\s/]+\S*")
_SERVICE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/ -]{0,127}")


@dataclass(frozen=True, slots=True)
class FunctionInput:
    """The Lambda function, by name: it may have been deployed by anything."""

    function_name: str
    """Its name, not its ARN."""
    timeout_s: int
    """Its own timeout, in seconds; how late its Duration can arrive follows from it."""
    log_group: str | None = None
    """None for the one that Lambda makes: /aws/lambda/NAME."""

    def __post_init__(self) -> None:
        """Refuse what no alarm could watch."""
        fixed = "give the function a fixed function_name, and write that"
        check_spelled(self.function_name, "the function's name", fixed)
        check_whole(self.timeout_s, "timeout_s", "seconds")
        if not _FUNCTION.fullmatch(self.function_name):
            raise BadUsage(
                f"{self.function_name!r} is no function's name",
                hint="write the name alone, without ARN, alias or version, such as coaching-api-4b4d001",
            )
        if not 1 <= self.timeout_s <= _LONGEST_S:
            hint = f"it is in seconds, from 1 to {_LONGEST_S}"
            if self.timeout_s > _LONGEST_S:
                hint += f": for {self.timeout_s} ms write {max(1, self.timeout_s // 1000)}"
            raise BadUsage(f"{self.function_name} cannot have a timeout of {self.timeout_s} s", hint=hint)
        _check_log_group(self.log_group_name)

    @property
    def log_group_name(self) -> str:
        """Where its log goes."""
        return self.log_group or f"/aws/lambda/{self.function_name}"


@dataclass(frozen=True, slots=True)
class HttpApi:
    """An HTTP API (apigatewayv2). Its metrics carry its ID."""

    api_id: str
    """In a CDK app also ``api.api_id`` of an API of the same app: a template can refer to it."""
    stage: str = "$default"
    integration_timeout_ms: int = int(GATEWAY_LIMITS["http"].total_seconds() * 1000)
    """At most, and unless told otherwise, 30,000 ms."""
    route: str | None = None
    """A route key, such as "POST /coaching/message", to alarm on alone; needs detailed_metrics."""
    detailed_metrics: bool = False
    """Whether the stage has detailed metrics switched on: without them no route has a metric."""
    access_log_group: str | None = None
    """The log group of the stage's access log, in the format of ``alarms.access_log``; None for none."""
    path: str = MESSAGE_PATH
    """How a path of the access log ends that is alarmed on alone."""

    kind: ClassVar[GatewayKind] = "http"

    def __post_init__(self) -> None:
        """Refuse what no alarm could watch."""
        if not (_API_ID.fullmatch(self.api_id) or is_token(self.api_id)):
            raise BadUsage(
                f"{self.api_id!r} is no HTTP API's ID",
                hint="an HTTP API's metrics carry its ID, such as a1b2c3d4e5 (aws apigatewayv2 get-apis); "
                "if it is a REST API, write RestApi(name, stage), in settings rest:NAME",
            )
        check_whole(self.integration_timeout_ms, "integration_timeout_ms", "milliseconds")
        longest = int(GATEWAY_LIMITS["http"].total_seconds() * 1000)
        if self.integration_timeout_ms > longest:
            raise BadUsage(
                f"an HTTP API cannot wait {self.integration_timeout_ms} ms",
                hint=f"write {longest} or less; only a REST API's limit can be raised",
            )
        _check_gateway(self)


@dataclass(frozen=True, slots=True)
class RestApi:
    """A REST API (apigateway). Its metrics carry its name."""

    name: str
    stage: str
    integration_timeout_ms: int = int(GATEWAY_LIMITS["rest"].total_seconds() * 1000)
    """29,000 ms unless the quota of a Regional or private API was raised."""
    route: str | None = None
    """Method and resource, such as "POST /coaching/message", to alarm on alone; needs detailed_metrics."""
    detailed_metrics: bool = False
    """Whether the stage has detailed metrics switched on: without them no method has a metric."""
    access_log_group: str | None = None
    """The log group of the stage's access log, in the format of ``alarms.access_log``; None for none."""
    path: str = MESSAGE_PATH
    """How a path of the access log ends that is alarmed on alone."""

    kind: ClassVar[GatewayKind] = "rest"

    def __post_init__(self) -> None:
        """Refuse what no alarm could watch."""
        check_spelled(self.name, "the REST API's name")
        if not self.name.strip() or not self.stage.strip() or self.stage == "$default":
            raise BadUsage(
                f"a REST API needs its name and its stage; here they are {self.name!r} and {self.stage!r}",
                hint="write both, such as RestApi('coaching', 'prod'), in settings api=rest:coaching and "
                "stage=prod; only HTTP APIs have a stage $default",
            )
        _check_gateway(self)


Api = HttpApi | RestApi


@dataclass(frozen=True, slots=True)
class ServiceInput:
    """One function behind one API: what a set of alarms watches."""

    function: FunctionInput
    api: Api
    service: str | None = None
    """The name that its records carry (OTEL_SERVICE_NAME); None for the function's name."""
    middleware: bool = False
    """Whether it runs GuardMiddleware or guard_handler. Alarms on records that nobody writes stay silent."""
    warning_ms: float | None = None
    """Duration that is a warning; None for what guards.limits says of the gateway's limit."""
    critical_ms: float | None = None
    """Duration that is critical; None for what guards.limits says of the gateway's limit."""
    region: str | None = None
    """For links into the console; None where it is not known."""
    runbooks: str | None = None
    """Where the pages of docs/runbooks are published, as a URL; None to name the files."""

    def __post_init__(self) -> None:
        """Refuse what no alarm could watch."""
        check_spelled(self.name, "the service's name")
        check_spelled(self.region or "", "the Region's name")
        if not _SERVICE.fullmatch(self.name):
            raise BadUsage(
                f"{self.name!r} cannot be a service's name",
                hint="write up to 128 letters, digits and . _ : / -, beginning with a letter or digit",
            )
        if self.region is not None and not _REGION.fullmatch(self.region):
            raise BadUsage(
                f"{self.region!r} is no Region's name",
                hint="write one such as us-east-1, as region=... or in AWS_REGION",
            )
        if self.runbooks is not None and not _URL.fullmatch(self.runbooks):
            raise BadUsage(
                f"{self.runbooks!r} is no URL", hint="write the URL that your copy of docs/runbooks is under"
            )

    @property
    def name(self) -> str:
        """The service's name: the dimension of its records and the first word of its alarms."""
        return self.service or self.function.function_name


def _check_gateway(api: Api) -> None:
    check_spelled(api.stage, "the stage's name")
    limit = api.integration_timeout_ms
    check_whole(limit, "integration_timeout_ms", "milliseconds")
    if limit < 1000:
        raise BadUsage(
            f"a gateway's limit of {limit} ms is too short to alarm on",
            hint=f"it is in ms: for {limit} s write {limit * 1000}",
        )
    if not _PATH.fullmatch(api.path):
        raise BadUsage(f"{api.path!r} is no path", hint=f"write one such as {MESSAGE_PATH}")
    if api.access_log_group is not None:
        _check_log_group(api.access_log_group)
    if api.route is not None:
        _check_route(api.route, api.detailed_metrics)


def _check_log_group(name: str) -> None:
    check_spelled(name, "the log group's name")
    if not _LOG_GROUP.fullmatch(name):
        raise BadUsage(
            f"{name!r} is no log group's name", hint="write the name, not an ARN, such as /aws/lambda/NAME"
        )


def _check_route(route: str, detailed_metrics: bool) -> None:
    instead = f"name the stage's access log and the path: access_log_group=... and path={MESSAGE_PATH}"
    if route == "$default":
        raise BadUsage(
            "the route $default takes every path, so that no metric of it tells one path from another",
            hint=instead,
        )
    if not _ROUTE.fullmatch(route):
        raise BadUsage(
            f"{route!r} is no route", hint=f"write a method and a path, such as 'POST {MESSAGE_PATH}'"
        )
    if not detailed_metrics:
        raise BadUsage(
            f"the route {route!r} has no metric unless the stage has detailed metrics",
            hint=f"switch them on and say detailed_metrics=true, or {instead}",
        )
