"""All checks, in the order in which they matter; what was not named is said to be skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from alarms.catalog import catalog
from alarms.settings import service_of, service_words
from guards.errors import BadUsage, GuardError
from guards.limits import GATEWAY_LIMITS
from incidents.asked import several
from incidents.cloudwatch.calls import Calls
from incidents.cloudwatch.faults import Fault
from incidents.cloudwatch.prepare import check_groups
from incidents.doctor.alarms import alarm_checks
from incidents.doctor.api import DeployedApi, parse, read_api
from incidents.doctor.asking import Asking
from incidents.doctor.check import Check, failed, skipped, unanswered, unknown, warning
from incidents.doctor.function import DeployedFunction, function_checks, function_fault, read_function
from incidents.doctor.gateway import format_check, gateway_checks
from incidents.doctor.local import local_checks
from incidents.doctor.logs import credentials, groups_checks, table_check


@dataclass(frozen=True, slots=True)
class Patient:
    """What is to be looked at; what is empty is not."""

    groups: tuple[str, ...] = ()
    table: str | None = None
    access_log: str | None = None
    """The $context format of an access log."""
    services: tuple[Mapping[str, Any], ...] = ()
    """What is said of each function and API, in the words of ``guard alarms synth -c``."""

    @property
    def said(self) -> tuple[Mapping[str, Any], ...]:
        """The services of which something is said that an account could tell of."""
        return tuple(each for each in self.services if each.get("function") or each.get("api"))


_NAME_GROUP: Final = "name it: --log-group NAME, or log_group in guard.toml"
_NAME_TABLE: Final = "name it: --table NAME, or table in guard.toml"
_NAME_API: Final = "name it: --api http:API-ID or rest:API-NAME, or api in guard.toml's [[alarms.service]]"
_NAME_FUNCTION: Final = "name it: --function NAME, or function in guard.toml's [[alarms.service]]"
_NAME_BOTH: Final = "name both: --function NAME --api http:API-ID"


def patient_of(settings: Mapping[str, Any], words: Mapping[str, object], folder: str = ".") -> Patient:
    """What the settings name, and what is said of functions and APIs, over the folder's guard.toml.

    Raises BadUsage for a name that is none.
    """
    groups = several(settings.get("log_group"))
    check_groups(groups)
    services = service_words(words, folder)
    for each in services:
        if each.get("api"):
            parse(str(each["api"]))
    return Patient(groups, settings.get("table"), settings.get("access_log_format"), services)


def examine(patient: Patient, make: Callable[[str], Calls], now: datetime) -> Iterator[Check]:
    """Everything. ``make`` makes the calls of a service, as boto3 names it."""
    yield from local_checks()
    if patient.access_log is not None:
        yield format_check(patient.access_log)
    if patient.groups or patient.table or patient.said:
        yield from _account(patient, make, now)
    else:
        yield skipped(
            "credentials", "name something to look at: --log-group NAME, --function NAME, --api KIND:ID"
        )
    yield from _not_named(patient)


def _account(patient: Patient, make: Callable[[str], Calls], now: datetime) -> Iterator[Check]:
    asking = Asking(make, now)
    try:
        first = credentials(asking, next(iter(patient.groups), None))
    except GuardError as error:
        yield failed("credentials", None, error.what, error.hint or "")
        return
    yield from first
    if first[0].state == "failed":
        return
    yield from groups_checks(patient.groups, asking)
    if patient.table is not None:
        yield table_check(patient.table, asking)
    for words in patient.said:
        yield from _service(words, patient.groups, asking)
    yield from asking.permissions()


def _service(words: Mapping[str, Any], groups: tuple[str, ...], asking: Asking) -> Iterator[Check]:
    """One function and its API: each by itself, then together, then their alarms."""
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


def _not_named(patient: Patient) -> Iterator[Check]:
    if not patient.groups:
        yield skipped("log-group", _NAME_GROUP)
    if not patient.table:
        yield skipped("table", _NAME_TABLE)
    functions = [each for each in patient.said if each.get("function")]
    apis = [each for each in patient.said if each.get("api")]
    if not apis and patient.access_log is None:
        yield skipped("access-log", _NAME_API)
    if not functions:
        yield skipped("function", _NAME_FUNCTION)
    if not any(each in functions for each in apis):
        yield skipped("alarm", _NAME_BOTH)
