"""What an alarm says to whoever it wakes: its meaning, its runbook, the next command, a link to the log."""

from __future__ import annotations

import shlex
from typing import Final

from alarms.inputs import Api, ServiceInput
from alarms.kinds import KINDS
from alarms.links import insights
from alarms.thresholds import durations
from guards.limits import GATEWAY_LIMITS

LONGEST: Final = 1024
"""CloudWatch takes no longer description."""

_ON_THE_GATEWAY: Final = frozenset({"path-5xx"})


def describe(kind: str, service: ServiceInput) -> str:
    """The description of one alarm, at most LONGEST characters; what does not fit is left out whole."""
    meaning = _filled(KINDS[kind].meaning, service)
    page, command = f"Runbook: {runbook(kind, service)}", f"Next: {next_command(kind, service)}"
    link = f"Logs: {insights(service.region, query(kind, service), (_log_group(kind, service),))}"
    by_need = ((meaning, page, command, link), (meaning, page, command), (meaning, command))
    texts = ("\n".join(lines) for lines in by_need)
    return next((text for text in texts if len(text) <= LONGEST), meaning[:LONGEST])


def name_of(kind: str, service: ServiceInput) -> str:
    """An alarm's name: the service's, then the kind."""
    return f"{service.name}-{kind}"


def query(kind: str, service: ServiceInput) -> str:
    """The Logs Insights query that shows what set an alarm of this kind off."""
    return _filled(KINDS[kind].query, service)


def runbook(kind: str, service: ServiceInput) -> str:
    """Where the runbook of a kind is."""
    page = f"{kind}.md"
    return f"docs/runbooks/{page}" if service.runbooks is None else f"{service.runbooks.rstrip('/')}/{page}"


def next_command(kind: str, service: ServiceInput) -> str:
    """The command that finds the requests that set an alarm off, each with its `guard trace`.

    The alarm tells it the time. The log group is named, since most metrics do not tell whose log to read.
    """
    words = ["guard", "scan", "--alarm", name_of(kind, service)]
    words += ["--log-group", service.function.log_group_name]
    if service.region is not None:
        words += ["--region", service.region]
    return shlex.join([*words, *_gateway(service.api)])


def _gateway(api: Api) -> list[str]:
    """How long it waits, where that is not what is assumed."""
    words = [] if api.kind == "http" else ["--gateway", api.kind]
    if api.integration_timeout_ms != int(GATEWAY_LIMITS[api.kind].total_seconds() * 1000):
        words += ["--gateway-limit-ms", str(api.integration_timeout_ms)]
    return words


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
