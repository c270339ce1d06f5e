"""What the gateway's access log can tell, and what it cannot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from guards.errors import BadUsage
from guards.limits import GatewayKind
from incidents.access_logs import AccessLogFormat
from incidents.doctor.api import DeployedApi, Stage
from incidents.doctor.check import Check, failed, ok, warning

LAMBDAS: Final = "integration.requestId"
"""The variable that ties a gateway's line to Lambda's request."""

_RECEIVED: Final = frozenset({"requestTimeEpoch", "requestTime", "responseLatency"})
"""One of these tells when the gateway received a request, or how long it waited."""

OUR_FORMAT: Final = "the format under access_log_formats in: guard alarms synth --format json"


def gateway_checks(api: DeployedApi, stage: str | None, groups: Sequence[str]) -> Iterator[Check]:
    """The access log of each stage, or of one, and the routes."""
    chosen = [each for each in api.stages if stage in (None, each.name)]
    if not chosen:
        known = ", ".join(each.name for each in api.stages) or "none"
        fix = f"name one that there is: {known}"
        yield failed("access-log", stage, f"the API has no stage {stage or 'at all'}", fix)
    for each in chosen:
        yield from _stage_checks(api.kind, each, groups)
    if set(api.routes) == {"$default"}:
        yield default_route(chosen)


def format_check(text: str, kind: GatewayKind | None = None, about: str | None = None) -> Check:
    """Which joins the lines of an access log allow that is written with this format."""
    try:
        names = set(AccessLogFormat.parse(text).names)
    except BadUsage as error:
        return warning("access-log", about, error.what, error.hint or f"use {OUR_FORMAT}")
    lacking = _lacking(names, kind)
    said = f"its lines are joined {_joined(names)}; a gateway's request ID leads to them: {_own(names, kind)}"
    if lacking:
        return warning("access-log", about, said, f"add {', '.join(lacking)}, or use {OUR_FORMAT}")
    return ok("access-log", about, said)


def default_route(stages: Sequence[Stage]) -> Check:
    """The one route $default: no metric tells a path, and no route key does."""
    said = "all paths are one route, $default: no metric and no routeKey tells /coaching/message from others"
    without = [each.name for each in stages if "$context.path" not in (each.access_log or "")]
    if without:
        fix = f"give the access log of {', '.join(without)} $context.path, and the alarms access_log_group"
        return warning("default-route", None, said, fix)
    return ok("default-route", None, f"{said}; the access log's path does")


def _stage_checks(kind: GatewayKind, stage: Stage, groups: Sequence[str]) -> Iterator[Check]:
    if stage.access_log is None:
        said = "it has no access log: what the client got is arithmetic"
        yield warning("access-log", stage.name, said, f"give it one, in {OUR_FORMAT}")
        return
    yield format_check(stage.access_log, kind, stage.name)
    if stage.log_group is None:
        said = "its access log goes to no log group, where guard cannot read it live"
        yield warning(
            "access-log-group", stage.name, said, "let it go to a log group, or save it and use --logs"
        )
    elif groups and stage.log_group not in groups:
        said = f"its access log goes to {stage.log_group}, which is not named"
        yield warning("access-log-group", stage.name, said, f"name it too: --log-group {stage.log_group}")
    else:
        yield ok("access-log-group", stage.name, f"its access log goes to {stage.log_group}")


def _joined(names: set[str]) -> str:
    if LAMBDAS in names:
        # After a timeout the gateway may not have Lambda's ID; then the time must tell.
        return "to Lambda's requests by ID, after a timeout by time where that ID is unset"
    if _RECEIVED & names:
        return "to Lambda's requests by time alone, where only one request fits"
    return "to no request: they tell neither Lambda's ID nor a time"


def _own(names: set[str], kind: GatewayKind | None) -> str:
    own = [each for each in ("requestId", "extendedRequestId") if each in names]
    if not own:
        return "no"
    if own == ["requestId"] and kind != "http":
        return "yes (requestId, which callers of a REST API can choose)"
    return f"yes ({' and '.join(own)})"


def _lacking(names: set[str], kind: GatewayKind | None) -> list[str]:
    """The variables without which a line tells less than it could."""
    wanted = [LAMBDAS, "status", "requestId"]
    wanted += ["extendedRequestId"] if kind == "rest" else []
    lacking = [each for each in wanted if each not in names]
    # When it was received follows from the line's own time only with the latency.
    lacking += [] if {"requestTimeEpoch", "responseLatency"} & names else ["requestTimeEpoch"]
    return [f"$context.{each}" for each in lacking]
