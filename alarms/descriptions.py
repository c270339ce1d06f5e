"""What an alarm says to whoever it wakes: its meaning, its runbook, the next command, a link to the log."""

from __future__ import annotations

from typing import Final

from alarms.inputs import ServiceInput
from alarms.kinds import KINDS
from alarms.links import insights
from alarms.thresholds import durations

LONGEST: Final = 1024
"""CloudWatch takes no longer description."""

_ON_THE_GATEWAY: Final = frozenset({"path-5xx"})


def describe(kind: str, service: ServiceInput) -> str:
    """The description of one alarm, at most LONGEST characters; a link that does not fit is left out."""
    parts = [
        _filled(KINDS[kind].meaning, service),
        f"Runbook: {runbook(kind, service)}",
        f"Next: {next_command(service)}",
    ]
    link = f"Logs: {insights(service.region, query(kind, service), (_log_group(kind, service),))}"
    whole = "\n".join([*parts, link])
    return whole if len(whole) <= LONGEST else "\n".join(parts)[:LONGEST]


def query(kind: str, service: ServiceInput) -> str:
    """The Logs Insights query that shows what set an alarm of this kind off."""
    return _filled(KINDS[kind].query, service)


def runbook(kind: str, service: ServiceInput) -> str:
    """Where the runbook of a kind is."""
    page = f"{kind}.md"
    return f"docs/runbooks/{page}" if service.runbooks is None else f"{service.runbooks.rstrip('/')}/{page}"


def next_command(service: ServiceInput) -> str:
    """The command that explains one of the sessions that were hit."""
    group = service.function.log_group_name
    gateway = "" if service.api.kind == "http" else f" --gateway {service.api.kind}"
    return f"aws logs tail {group} --since 1h | guard trace --session ID{gateway} --logs -"


def _filled(text: str, service: ServiceInput) -> str:
    marks = durations(service)
    facts = {
        "{warning_ms}": f"{marks.warning_ms:g}",
        "{limit_ms}": f"{marks.limit_ms:g}",
        "{path}": service.api.path,
    }
    for name, value in facts.items():
        text = text.replace(name, value)
    return text


def _log_group(kind: str, service: ServiceInput) -> str:
    if kind in _ON_THE_GATEWAY and service.api.access_log_group:
        return service.api.access_log_group
    return service.function.log_group_name
