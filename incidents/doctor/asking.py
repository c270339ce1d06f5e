"""Whom to ask, each service by one client, and what the asking itself shows: permissions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from incidents.cloudwatch.calls import Answer, Calls
from incidents.cloudwatch.faults import DENIED, Fault, action
from incidents.doctor.check import Check, failed, ok, unknown, warning


class Asking:
    """The services of one account and Region."""

    def __init__(self, make: Callable[[str], Calls], now: datetime) -> None:
        self._make, self.now = make, now
        self._made: dict[str, Calls] = {}
        self._permissions: dict[tuple[str, str | None], Check] = {}

    def calls(self, service: str) -> Calls:
        """Calls of a service, as boto3 names it."""
        if service not in self._made:
            self._made[service] = self._make(service)
        return self._made[service]

    def ask(
        self, service: str, operation: str, about: str | None = None, *, needed: bool = True, **asked: Any
    ) -> Answer:
        """One answer; whether it was allowed is noted. ``needed``: whether something fails without it.

        Raises Fault.
        """
        [answer] = self.pages(service, operation, None, about, needed=needed, **asked)
        return answer

    def pages(
        self,
        service: str,
        operation: str,
        token: str | None,
        about: str | None = None,
        *,
        needed: bool = True,
        **asked: Any,
    ) -> list[Answer]:
        """All pages of an answer, as ``ask`` gives one. Raises Fault."""
        name = action(service, operation)
        key = (name, about)
        told = name if about is None else f"{name} on {about}"
        try:
            calls = self.calls(service)
            if token is None:
                found = [calls.call(operation, **asked)]
            else:
                found = list(calls.pages(operation, token, **asked))
        except Fault as fault:
            self._permissions[key] = _not_allowed(told, fault, needed)
            raise
        self._permissions.setdefault(key, ok("permission", told, "allowed"))
        return found

    def note(self, service: str, operation: str, about: str | None, fault: Fault | None) -> None:
        """Note whether an operation was allowed that was asked for elsewhere."""
        name = action(service, operation)
        told = name if about is None else f"{name} on {about}"
        found = ok("permission", told, "allowed") if fault is None else _not_allowed(told, fault, True)
        self._permissions[name, about] = found

    def permissions(self) -> list[Check]:
        """One check for each operation that was asked for, since this was last called."""
        found = list(self._permissions.values())
        self._permissions.clear()
        return found


def _not_allowed(told: str, fault: Fault, needed: bool) -> Check:
    if fault.what == DENIED:
        return (failed if needed else warning)("permission", told, fault.what, fault.fix)
    if fault.kind in ("refused", "empty", "unknown-query"):
        return ok("permission", told, "allowed")  # who may not ask is told so before anything else
    return unknown("permission", told, fault.what, fault.fix)
