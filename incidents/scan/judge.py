"""From signs to cases: the requests around them are read, grouped by session, and judged by the rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from guards.limits import GatewayKind
from incidents.events import Event, Skip
from incidents.gateway import waited, with_gateway
from incidents.invocations import group
from incidents.merge import merge
from incidents.messages import Line
from incidents.reading import read_message
from incidents.report import Finding, Severity
from incidents.requests import request_of
from incidents.rules import SEVERITIES, diagnose
from incidents.rules.facts import REFUSED, milestones
from incidents.rules.registry import Budgets
from incidents.scan.signs import Sign, Tally, Wanted, spans
from incidents.sessions import session_of
from incidents.sources import AROUND, GATEWAY_SIGNS, Question, Source, Span, meanwhile
from incidents.timeline import Request, Timeline

TOLD: Final = frozenset(
    {
        "outlived-gateway",
        "stranded-success",
        "retry-refused",
        "near-gateway-limit",
        "slow-phase",
        "llm-throttled",
        "duplicate-extraction",
        "overlapping-requests",
        "lambda-timeout",
        "out-of-memory",
        "handler-error",
    }
)
"""The rules that a scan tells of: the others judge how much was read."""

_Identity = tuple[object, ...]

_NEARBY: Final = timedelta(minutes=1)
_NOWHERE: Final = "guard-scan-nowhere"
"""No stream: only the sessions' lines are wanted of a span of this name."""


@dataclass(frozen=True, slots=True)
class Case:
    """What happened to one session, or in one request that names none."""

    session_id: str | None
    requests: tuple[Request, ...]
    findings: tuple[Finding, ...]
    """Worst first."""

    @property
    def longest(self) -> timedelta:
        """What its slowest request took."""
        return max(waited(each) for each in self.requests)

    @property
    def rules(self) -> tuple[str, ...]:
        """What was found, each once, worst first; for a refusal that nothing explains, its milestone."""
        return tuple(dict.fromkeys(finding.rule for finding in self.findings)) or (REFUSED,)

    @property
    def severity(self) -> Severity:
        """Of the worst finding."""
        return self.findings[0].severity if self.findings else "warning"

    @property
    def is_told(self) -> bool:
        """Whether something was wrong in it."""
        return bool(self.findings) or any(milestones(each, REFUSED) for each in self.requests)


@dataclass(frozen=True, slots=True)
class Scan:
    """The answer: all requests counted, the cases worst first."""

    requests: int
    per_minute: tuple[tuple[datetime, int], ...]
    past: dict[str, int]
    """How many requests took longer than ``warning``, ``critical``, ``limit``, and how many were refused."""
    cases: tuple[Case, ...]
    left_out: int
    """Signs that were counted but not looked at."""
    sources: tuple[str, ...]
    skips: tuple[Skip, ...] = ()
    complete: bool = True
    bytes_scanned: int | None = None
    """By Insights; None for files."""
    throttled: int | None = None
    """Lines that tell of a throttled provider; None: they were not looked for."""
    unjudged: int = 0
    """Signs that were looked at, and whose request is not here from its beginning to its end."""
    bytes: int = 0
    """Of what was gone through, as stored."""
    since: datetime | None = None
    """The first moment that was asked for; None: from the beginning of what there is ..."""
    until: datetime | None = None
    """... and the last one; None: to its end."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was there to judge: no request ended, and no line told of one that went wrong."""
        return not self.requests and not any(self.past.values())


@dataclass(frozen=True, slots=True)
class Judged:
    """What the signs of a tally come to."""

    cases: tuple[Case, ...]
    """Worst first."""
    unjudged: int
    """Signs of which nothing can be said: their request is not here from its beginning to its end."""


def judged(
    sources: Sequence[Source],
    tally: Tally,
    gateway: GatewayKind = "http",
    budgets: Budgets | None = None,
) -> Judged:
    """What the signs of a tally come to."""
    held: dict[_Identity, Event] = {}
    signs = tally.signs
    _read(sources, signs, (), held)
    sessions = _sessions(_requests(held.values(), tally.wanted, gateway), tally.wanted)
    nearby = _nearby(sources, signs, sessions, held)
    _read(sources, nearby, (), held)
    requests = _requests(held.values(), tally.wanted, gateway)
    found = [_case(each, tally.wanted, budgets or Budgets()) for each in _by_session(requests, tally.wanted)]
    told = sorted((case for case in found if case.is_told), key=_worst_first)
    return Judged(tuple(told), _unjudged(signs, requests, tally.wanted))


def _read(
    sources: Sequence[Source], signs: Iterable[Sign], needles: tuple[str, ...], held: dict[_Identity, Event]
) -> None:
    signs = list(signs)
    for number, source in enumerate(sources):
        if wanted := spans(signs, number):
            question = Question(needles, wanted)
            events = source.read(question).events
            held.update((_identity(event), event) for event in events if _belongs(event, question))


def _identity(event: Event) -> _Identity:
    """What tells an event from all others, in each reading of its source.

    Its place alone does not: of JSON in one line all events stand in one. Its order alone does not: live, it
    changes with what else was read; but there each event has its ID.
    """
    if event.event_id is None:
        return event.source, event.place, event.order
    return event.source, event.place, event.log_stream, event.event_id, event.at, event.message


def _belongs(event: Event, question: Question) -> bool:
    """Whether an event was asked for: a source may give more, such as each START that it has."""
    if any(span.holds(event) for span in question.spans):
        return True
    told = any(text in event.message for text in (*question.needles, *GATEWAY_SIGNS))
    return told and meanwhile(event, question.spans)


def _sessions(requests: Iterable[Request], wanted: Wanted) -> tuple[str, ...]:
    """The sessions of the requests that were signalled; others only stand beside them."""
    told = (
        each.sessions
        for each in requests
        if waited(each) >= wanted.limits.warning or each.outcome == "timeout" or milestones(each, REFUSED)
    )
    return tuple(dict.fromkeys(name for names in told for name in names))


def _nearby(
    sources: Sequence[Source], signs: Sequence[Sign], sessions: tuple[str, ...], held: dict[_Identity, Event]
) -> list[Sign]:
    """Requests of the same sessions that ran meanwhile in other streams."""
    before = set(held)
    earlier = [replace(sign, span=Span(_NOWHERE, sign.span.start - AROUND, sign.span.end)) for sign in signs]
    _read(sources, [*signs, *earlier], sessions, held)
    new = [event for identity, event in held.items() if identity not in before]
    return [
        Sign(
            number,
            event.log_group,
            Span(event.log_stream, event.at - _NEARBY, event.at + _NEARBY),
            timedelta(0),
        )
        for event in new
        for number in range(len(sources))
        if any(session in event.message for session in sessions)
    ]


def _requests(events: Iterable[Event], wanted: Wanted, gateway: GatewayKind) -> tuple[Request, ...]:
    by_source: dict[str, list[Event]] = {}
    for event in events:
        by_source.setdefault(event.source, []).append(event)
    ordered = [sorted(each, key=lambda event: event.order) for each in by_source.values()]
    lines = [Line(event, read_message(event.message, wanted.access_log)) for event in merge(ordered)]
    grouping = group((line for line in lines if line.said.kind != "gateway"), wanted.meanings)
    requests = sorted(
        (request_of(one, wanted.meanings) for one in grouping.invocations), key=lambda each: each.start
    )
    answers = [line for line in lines if line.said.kind == "gateway"]
    return with_gateway(requests, answers, gateway, wanted.limits.limit)


def _by_session(requests: Iterable[Request], wanted: Wanted) -> list[list[Request]]:
    """Requests of one session together, one that names none alone; only those whose end was read."""
    parts: dict[str, list[Request]] = {}
    for each in requests:
        if each.lines and wanted.holds(each.last_seen) and each.end is not None:
            parts.setdefault(each.sessions[0] if each.sessions else each.request_id, []).append(each)
    return list(parts.values())


def _unjudged(signs: Iterable[Sign], requests: Iterable[Request], wanted: Wanted) -> int:
    """How many signs stand in no request that ended. That a rule is silent about one does not count."""
    whole = [each for each in requests if each.lines and each.end is not None]
    lost = (sign for sign in signs if not any(_stands_in(sign, each) for each in whole))
    return sum(not _may_end_later(sign, wanted) for sign in lost)


def _stands_in(sign: Sign, request: Request) -> bool:
    streams = {request.log_stream, sign.span.log_stream} - {None}
    if len(streams) > 1 or sign.at is None:
        return False
    first, last = request.lines[0].event.at, request.lines[-1].event.at
    if sign.kind == "throttled":  # that is met between requests, too
        return first <= sign.span.end and sign.span.start <= last
    said = sign.message.rstrip()  # some tools cut off white space at the end
    if not first <= sign.at <= last:
        return False
    return any(line.event.at == sign.at and line.event.message.rstrip() == said for line in request.lines)


def _may_end_later(sign: Sign, wanted: Wanted) -> bool:
    """Whether a sign's request may end after the time asked for, so that nobody asked for it."""
    return sign.kind != "slow" and wanted.until is not None and sign.span.end > wanted.until


def _case(requests: Sequence[Request], wanted: Wanted, budgets: Budgets) -> Case:
    session = next((name for each in requests for name in each.sessions), None)
    timeline = Timeline(session_of(session, requests, wanted.meanings), tuple(requests))
    found = tuple(each for each in diagnose(timeline, budgets) if each.rule in TOLD)
    return Case(session, tuple(requests), found)


def _worst_first(case: Case) -> tuple[int, timedelta, datetime]:
    return SEVERITIES.index(case.severity), -case.longest, case.requests[0].start
