"""What the rules and the verdict read off a request: the client's wait and answer, commits, evidence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from guards.limits import TIMEOUT_STATUS
from incidents.gateway import waited
from incidents.messages import Kind, Line
from incidents.recorded import is_of
from incidents.report import Confidence
from incidents.timeline import COMPLETED as COMPLETED
from incidents.timeline import Gap, Milestone, Phase, Request

SAVED: Final = "session-saved"
REFUSED: Final = "request-refused"
THROTTLED: Final = "llm-throttled"
INIT_FAILED: Final = "init-failed"
FAILED: Final = "request-failed"

MOST_EVIDENCE: Final = 4

_ZERO: Final = timedelta(0)
# Gateway and Lambda keep their own clocks, and an access log says 29,99x ms for a limit of 30 s.
_GRAIN: Final = timedelta(milliseconds=500)
_GAVE_UP: Final = frozenset(TIMEOUT_STATUS.values())


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The gateway answered the client before the handler could."""

    after: timedelta
    """How long the client had waited."""
    status: int | None
    """What the client got; None when the kind of gateway is not known: 503 or 504."""
    confidence: Confidence
    """Certain when a gateway log shows it, likely when only arithmetic does."""

    @property
    def observed(self) -> bool:
        """Whether a gateway log shows it."""
        return self.confidence == "certain"

    @property
    def status_words(self) -> str:
        """The status as text: ``503``, or ``503 or 504``."""
        return "503 or 504" if self.status is None else str(self.status)


def init_waited(request: Request) -> timedelta:
    """The init that counts against the gateway; zero where nobody waited for it."""
    return request.init_duration if request.init_waited and request.init_duration else _ZERO


def waited_at(request: Request, moment: datetime) -> timedelta:
    """How long a client had waited at a moment of the request."""
    return moment - request.start + request.waited_before


def gave_up(request: Request) -> GaveUp | None:
    """How the gateway gave up on a request, observed or inferred; None when it did not.

    What a gateway's log shows of this very request outweighs arithmetic: 200 after 42 s means another limit.
    A log line that was tied to it by time alone can only add to what arithmetic says.
    """
    status, observed = request.gateway.client_status, request.gateway.basis == "observed"
    known = observed or bool(request.gateway.lines)
    logged = _as_logged(request, status) if status is not None and known else None
    if observed and status is not None:
        return logged
    if logged is not None:
        return replace(logged, confidence="likely")
    if request.is_asked_for and waited(request) > request.gateway.limit:
        return GaveUp(request.gateway.limit, _status_by_kind(request), "likely")
    return None


def _as_logged(request: Request, status: int) -> GaveUp | None:
    ran, limit, latency = waited(request), request.gateway.limit, request.gateway.client_latency
    if status < 500:
        return None
    if ran > limit:
        return GaveUp(limit if latency is None else latency, status, "certain")
    if status not in _GAVE_UP or status == request.response_status:
        return None  # the handler's own answer, or a failure of Lambda
    if latency is None:
        return None if request.end else GaveUp(limit, status, "likely")
    at_the_limit, while_it_ran = latency >= limit - _GRAIN, latency < ran - _GRAIN
    return GaveUp(latency, status, "certain") if at_the_limit or while_it_ran else None


def _status_by_kind(request: Request) -> int | None:
    return None if request.gateway.kind == "unknown" else TIMEOUT_STATUS[request.gateway.kind]


def milestones(request: Request, name: str) -> tuple[Milestone, ...]:
    """The milestones of that name."""
    return tuple(each for each in request.milestones if each.name == name)


def commit(request: Request) -> Milestone | None:
    """The moment from which the session was stored as completed by this request; None if it was not."""
    before_end = [each for each in milestones(request, COMPLETED) if each.at <= request.last_seen]
    return min(before_end, key=lambda each: each.at, default=None)


def concerns(milestone: Milestone, request: Request) -> frozenset[str]:
    """The sessions that a milestone is about: the one its line names, else those of its request."""
    said = milestone.line.said.session_id
    return frozenset(request.sessions) if said is None else frozenset((said,))


def commit_before(gap: Gap, request: Request) -> Milestone | None:
    """The commit that most of a gap comes after; None when the gap is about something else."""
    done = commit(request)
    if done is None or done.at >= gap.end:
        return None
    if done.at < gap.start and gap.after != COMPLETED:
        return None
    return done if (gap.end - max(done.at, gap.start)) * 2 > gap.duration else None


def spent(phase: Phase) -> timedelta:
    """How long a phase took; an open one, up to the end of what was seen."""
    return max(phase.seen_until - phase.start, _ZERO)


def basis(phase: Phase) -> Confidence:
    """Certain for a phase that was recorded, likely for one inferred from the application's own lines."""
    return "certain" if phase.basis == "recorded" else "likely"


def certainty(*requests: Request) -> Confidence:
    """Certain, unless lines were tied to one of the requests by rule."""
    return "likely" if any(each.link == "inferred" for each in requests) else "certain"


def first_of(request: Request, *kinds: Kind) -> tuple[Line, ...]:
    """The first line of the first of these kinds that the request has."""
    for kind in kinds:
        for line in request.lines:
            if line.said.kind == kind:
                return (line,)
    return ()


def said_past(request: Request) -> tuple[Line, ...]:
    """The last record by which guards said, while the request ran, that it was past a mark."""
    return tuple(each for each in request.lines if is_of(each, "request.past"))[-1:]


def start_and_end(request: Request) -> tuple[Line, ...]:
    """The lines that show a request's time: START, and REPORT or what else tells its end."""
    first = first_of(request, "start") or request.lines[:1]
    last = first_of(request, "report", "timeout", "runtime-done", "end") or request.lines[-1:]
    return proof(first, last)


def proof(*parts: Iterable[Line]) -> tuple[Line, ...]:
    """The lines of several parts as evidence: each once, the first four, in order of time."""
    lines: list[Line] = []
    for part in parts:
        lines += [line for line in part if not any(line is other for other in lines)]
    return tuple(sorted(lines[:MOST_EVIDENCE], key=lambda line: line.event.at))
