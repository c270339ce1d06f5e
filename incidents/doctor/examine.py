"""All checks, in the order in which they matter; what was not named is said to be skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from alarms.settings import service_words
from guards.errors import GuardError
from incidents.asked import several
from incidents.cloudwatch.calls import Calls
from incidents.cloudwatch.prepare import check_groups
from incidents.doctor.api import parse
from incidents.doctor.asking import Asking
from incidents.doctor.check import Check, failed, skipped
from incidents.doctor.gateway import format_check
from incidents.doctor.local import local_checks
from incidents.doctor.logs import credentials, groups_checks, table_check
from incidents.doctor.service import service_checks


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
        yield from service_checks(words, patient.groups, asking)
    yield from asking.permissions()


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
