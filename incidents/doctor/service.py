"""One function and its API: each by itself, then together, then their alarms against the catalog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from alarms.catalog import catalog
from alarms.settings import service_of
from guards.errors import BadUsage
from guards.limits import GATEWAY_LIMITS
from incidents.cloudwatch.faults import Fault
from incidents.doctor.alarms import alarm_checks
from incidents.doctor.api import DeployedApi, parse, read_api
from incidents.doctor.asking import Asking
from incidents.doctor.check import Check, failed, unanswered, unknown, warning
from incidents.doctor.function import DeployedFunction, function_checks, function_fault, read_function
from incidents.doctor.gateway import gateway_checks


def service_checks(words: Mapping[str, Any], groups: tuple[str, ...], asking: Asking) -> Iterator[Check]:
    """What is said of a service, in the words of ``guard alarms synth -c``, against the account."""
    api: DeployedApi | None = None
    function: DeployedFunction | None = None
    if words.get("api"):
        kind, name, stage = parse(str(words["api"]))
        try:
            api = read_api(kind, name, asking)
            yield from _api_checks(api, name, stage or words.get("stage"), groups)
        except Fault as fault:
            yield unanswered("access-log", str(words["api"]), fault)
    if words.get("function"):
        name = str(words["function"])
        try:
            function = read_function(name, asking)
        except Fault as fault:
            yield function_fault(name, fault)
        else:
            yield from function_checks(function, api, str(words.get("middleware", "")).lower() == "true")
    if words.get("function") and words.get("api"):
        yield from _alarms(words, api, function, asking)


def _api_checks(
    api: DeployedApi | None, name: str, stage: str | None, groups: tuple[str, ...]
) -> Iterator[Check]:
    if api is None:
        fix = "check --api, --region and --profile; a REST API may be named by its ID too"
        yield failed("access-log", name, "there is no REST API of this name, or more than one", fix)
    else:
        yield from gateway_checks(api, stage, groups)


def _alarms(
    words: Mapping[str, Any], api: DeployedApi | None, function: DeployedFunction | None, asking: Asking
) -> Iterator[Check]:
    """The catalog made of what is said, and where that is silent of what is deployed."""
    told = dict(words)
    kind, name, stage = parse(str(words["api"]))
    told["api"] = f"{kind}:{name if api is None else api.name}"
    told["stage"] = stage or words.get("stage") or _only_stage(api)
    if function is not None:
        told.setdefault("timeout_s", function.timeout_s)
    waits = _waits(api, function)
    if waits and waits != int(GATEWAY_LIMITS[kind].total_seconds() * 1000):
        told.setdefault("limit_ms", waits)
    yield from _said_otherwise(words, function, waits)
    try:
        made = catalog(service_of({key: value for key, value in told.items() if value is not None}))
    except BadUsage as error:
        yield unknown("alarm", None, error.what, error.hint or "say what is missing with -c KEY=VALUE")
        return
    yield from alarm_checks(made, asking)


def _said_otherwise(
    words: Mapping[str, Any], function: DeployedFunction | None, waits: int | None
) -> Iterator[Check]:
    """What guard.toml says, and the account does not: the alarms would be made for something else."""
    pairs = (("timeout_s", None if function is None else function.timeout_s), ("limit_ms", waits))
    for key, found in pairs:
        if key in words and found is not None and str(words[key]) != str(found):
            said = f"{key} is said to be {words[key]}, and is {found}"
            yield warning("alarm-inputs", key, said, f"write {key} = {found}, and deploy the alarms again")


def _only_stage(api: DeployedApi | None) -> str | None:
    if api is None or api.kind == "http" or len(api.stages) != 1:
        return None
    return api.stages[0].name


def _waits(api: DeployedApi | None, function: DeployedFunction | None) -> int | None:
    if api is None:
        return None
    own = [each for each in api.integrations if function is None or each.calls(function.name)]
    return min((each.timeout_ms for each in own), default=None)
