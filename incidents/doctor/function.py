"""The function against the API: who calls it, how long each waits, and whether it was told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from guards.limits import GATEWAY_LIMITS
from incidents.cloudwatch.faults import Fault
from incidents.doctor.api import DeployedApi, Integration
from incidents.doctor.asking import Asking
from incidents.doctor.check import Check, failed, ok, unanswered, unknown, warning

VARIABLE: Final = "GUARD_GATEWAY_LIMIT_MS"


@dataclass(frozen=True, slots=True)
class DeployedFunction:
    """A Lambda function as it is deployed."""

    name: str
    timeout_s: int
    environment: Mapping[str, str] | None
    """None where it may not be seen."""


def read_function(name: str, asking: Asking) -> DeployedFunction:
    """The function's configuration. Raises Fault."""
    told = asking.ask("lambda", "GetFunctionConfiguration", name, FunctionName=name)
    environment: dict[str, Any] = told.get("Environment") or {}
    hidden = "Error" in environment
    return DeployedFunction(name, int(told["Timeout"]), None if hidden else environment.get("Variables", {}))


def function_checks(
    function: DeployedFunction, api: DeployedApi | None, middleware: bool = False
) -> Iterator[Check]:
    """Whether the API calls it, whether it knows how long the API waits, and how long it runs itself.

    ``middleware``: whether guards are known to run in it.
    """
    yield ok("function", function.name, f"it is there, with a timeout of {function.timeout_s} s")
    if api is None:
        return
    calling, hidden = _calling(function.name, api)
    if not calling:
        yield _not_called(function.name, api, hidden)
        return
    waits = sorted({each.timeout_ms for each in calling})
    yield limit_check(function, api, waits, middleware)
    yield timeout_check(function, waits[0])


def limit_check(function: DeployedFunction, api: DeployedApi, waits: list[int], middleware: bool) -> Check:
    """GUARD_GATEWAY_LIMIT_MS against what the integrations wait."""
    default = int(GATEWAY_LIMITS[api.kind].total_seconds() * 1000)
    fix = f"set {VARIABLE} to {waits[0]} in the function's environment"
    waiting = " or ".join(f"{each:,}" for each in waits)
    said = f"the {api.kind.upper()} API {api.name} waits {waiting} ms"
    if function.environment is None:
        return unknown("gateway-limit", function.name, f"{said}; the environment may not be seen", fix)
    given = function.environment.get(VARIABLE)
    if given is None and waits == [default]:
        return ok("gateway-limit", function.name, f"{said}, which guards take unless told otherwise")
    if given is None:
        told = f"{said}, and without {VARIABLE} guards take {default:,} ms"
        return (failed if middleware else warning)("gateway-limit", function.name, told, fix)
    if _number(given) is None:
        return failed("gateway-limit", function.name, f"{said}, and {VARIABLE} is no number of ms", fix)
    if _number(given) != waits[0]:
        return failed("gateway-limit", function.name, f"{said}, and {VARIABLE} is {_number(given):,.0f}", fix)
    if len(waits) > 1:
        told = f"{said}, and {VARIABLE} can be one of them only"
        return warning("gateway-limit", function.name, told, "give all routes of the function one timeout")
    return ok("gateway-limit", function.name, f"{said}, and {VARIABLE} says so")


def timeout_check(function: DeployedFunction, waits_ms: int) -> Check:
    """Whether the function runs on after the gateway has given up."""
    timeout_ms = function.timeout_s * 1000
    said = f"it may run {timeout_ms:,} ms, and the gateway waits {waits_ms:,} ms"
    if timeout_ms > waits_ms:
        fix = "what it does after that nobody hears of: hand work over in time, as docs/completion.md says"
        return warning("function-timeout", function.name, said, fix)
    return ok("function-timeout", function.name, said)


def function_fault(name: str, fault: Fault) -> Check:
    """The function's configuration could not be read."""
    if fault.kind == "refused":
        return failed("function", name, fault.what, fault.fix)
    return unanswered("function", name, fault)


def _calling(function: str, api: DeployedApi) -> tuple[list[Integration], bool]:
    """The integrations that call it, and whether a stage variable hides whom others call."""
    told = [(each, each.calls(function)) for each in api.integrations]
    return [each for each, calls in told if calls], any(calls is None for _, calls in told)


def _not_called(function: str, api: DeployedApi, hidden: bool) -> Check:
    said = f"no route of the {api.kind.upper()} API {api.name} calls it"
    if hidden:
        said = f"a stage variable decides whom {api.name} calls"
        return unknown("function", function, said, "compare the stage's variables")
    return failed("function", function, said, "check --function and --api")


def _number(given: str) -> float | None:
    """As guards read it."""
    try:
        limit = float(given)
    except ValueError:
        return None
    return limit if 0 < limit < 86_400_000 else None
