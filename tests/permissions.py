"""Every call of AWS that the product makes in any test, held against the least policies that it states.

Calls of this process are heard where botocore makes them, by the module that asked; those of other processes
where a server of ours gets them, by the name in their User-Agent. A call that is not allowed fails the test.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any, Literal

from guards.completion.aws import ACTIONS
from incidents.cloudwatch.faults import action
from incidents.cloudwatch.policy import GRANTS

Role = Literal["command", "handler"]

ALLOWED: dict[Role, frozenset[tuple[str, str]]] = {
    "command": frozenset((grant.service, grant.operation) for grant in GRANTS),
    "handler": frozenset((each.split(":")[0], each.split(":")[1]) for each in ACTIONS),
}
"""What `guard iam-policy` prints, and what docs/completion.md says that a handler needs."""

HEARD: Counter[tuple[Role, str, str]] = Counter()
"""Every call so far."""
REFUSED: list[str] = []
"""Calls that no policy allows, since the last test began."""

_BY_MODULE: dict[str, Role] = {"incidents": "command", "cli": "command", "guards": "handler"}
_BY_AGENT: dict[str, Role] = {"coaching-guard-command/": "command", "coaching-guard-completion/": "handler"}


def heard(role: Role, service: str, operation: str) -> None:
    """Note a call."""
    HEARD[role, service, operation] += 1
    if (service, operation) not in ALLOWED[role]:
        REFUSED.append(f"the {role} calls {action(service, operation)}, which no policy allows")


def heard_by_server(agent: str, service: str, operation: str) -> None:
    """Note what a server was asked, if the product asked; test code has no such name."""
    for name, role in _BY_AGENT.items():
        if name in agent:
            heard(role, service, operation)


def listen() -> None:
    """Hear the calls of this process from now on, where boto3 is installed."""
    try:
        from botocore.client import BaseClient
    except ImportError:
        return
    call = BaseClient._make_api_call

    def and_hear(self: Any, operation: str, parameters: Any) -> Any:
        role = _asker()
        if role is not None:
            heard(role, self.meta.service_model.service_name, operation)
        return call(self, operation, parameters)

    BaseClient._make_api_call = and_hear


def _asker() -> Role | None:
    """Who called the client's method: the product's part, or None for a test."""
    frame: Any = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("botocore."):
        frame = frame.f_back
    name = "" if frame is None else str(frame.f_globals.get("__name__", ""))
    return _BY_MODULE.get(name.split(".")[0])
