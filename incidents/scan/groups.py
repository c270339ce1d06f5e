"""Cases by whom they hit: a user or a tenant, where the lines name one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from incidents.redact import hidden, value_shown
from incidents.report import Severity
from incidents.rules import SEVERITIES
from incidents.scan.judge import Case
from incidents.timeline import Request
from incidents.values import text

By = Literal["session", "user", "tenant"]

_FIELDS: Final[Mapping[By, tuple[str, ...]]] = {
    "user": ("user_id", "userId"),
    "tenant": ("tenant_id", "tenantId"),
}
"""What lines call them."""

_OPAQUE: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9A-HJKMNP-TV-Z]{26}")


@dataclass(frozen=True, slots=True)
class Group:
    """The cases of one user or tenant."""

    name: str | None
    """As its lines have it; None: of those whose lines name nobody."""
    cases: tuple[Case, ...]
    """Worst first."""

    @property
    def severity(self) -> Severity:
        """Of the worst case."""
        return self.cases[0].severity

    @property
    def requests(self) -> int:
        """How many there are in all its cases."""
        return sum(len(case.requests) for case in self.cases)

    @property
    def rules(self) -> tuple[str, ...]:
        """What was found, each once."""
        return tuple(dict.fromkeys(rule for case in self.cases for rule in case.rules))


def grouped(cases: Sequence[Case], by: By) -> tuple[Group, ...]:
    """The cases, which are worst first, by whom they hit: worst first, then those that hit more cases.

    Those of nobody come last.
    """
    held: dict[str | None, list[Case]] = {}
    for case in cases:
        held.setdefault(who(case.requests, case.session_id, by), []).append(case)
    groups = [Group(name, tuple(of)) for name, of in held.items()]
    return tuple(sorted(groups, key=_rank))


def _rank(group: Group) -> tuple[bool, int, int]:
    return group.name is None, SEVERITIES.index(group.severity), -len(group.cases)


def who(requests: Iterable[Request], session_id: str | None, by: By) -> str | None:
    """The user or tenant that a case's lines name, those with its session's ID first; None for nobody."""
    lines = [line for request in requests for line in request.lines]
    own = [line for line in lines if line.said.session_id == session_id]
    others = [line for line in lines if line.said.session_id is None]
    for line in (*own, *others):
        for field in _FIELDS.get(by, ()):
            if (name := text(line.said.fields, field)) is not None:
                return name
    return None


def name_shown(name: str) -> str:
    """A user or tenant as it may be shown: an ID that says nothing, such as a UUID; else its length.

    >>> name_shown("8c0e7d3a-1111-4222-8333-444444444444"), name_shown("ann@example.com"), name_shown("ann")
    ('8c0e7d3a-1111-4222-8333-444444444444', '...(15 chars)', '...(3 chars)')
    """
    opaque = _OPAQUE.fullmatch(name) and value_shown("request_id", name)
    return opaque or hidden(len(name))
