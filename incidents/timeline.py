"""The timeline of an incident: what happened to a session, request by request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from incidents.messages import Line

Link = Literal["exact", "carried", "inferred"]
Outcome = Literal["ok", "error", "timeout", "unknown"]
Basis = Literal["observed", "inferred", "none"]
Status = Literal["active", "paused", "completed", "cancelled", "abandoned", "unknown"]

COMPLETED: Final = "session-completed"
"""The milestone of the commit: from then on the session is completed."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One timed piece of work inside a request."""

    name: str
    """``conversation``, ``extraction``, ... (guards.names)."""
    start: datetime
    end: datetime | None
    """None while it was still open at the last line seen."""
    basis: Literal["recorded", "inferred"]
    """Recorded by guards, or inferred from the application's own lines."""
    seen_until: datetime
    """The end, or for an open phase the end of what was seen."""
    model: str | None = None
    error_type: str | None = None
    lines: tuple[Line, ...] = ()
    """The evidence."""

    @property
    def duration(self) -> timedelta | None:
        """None while open."""
        return None if self.end is None else self.end - self.start


@dataclass(frozen=True, slots=True)
class Milestone:
    """A moment that matters to the session."""

    at: datetime
    name: str
    """``session-completed``, ``session-saved``, ``request-refused``, ``extraction-triggered``, ..."""
    line: Line


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of a request that belongs to no phase."""

    start: datetime
    end: datetime
    after: str | None
    """What came before it: a phase, a milestone or an event name; None at the start."""

    @property
    def duration(self) -> timedelta:
        """Its length."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Gateway:
    """The client's side of a request."""

    kind: Literal["http", "rest", "unknown"]
    limit: timedelta
    client_status: int | None
    """What the client got; None when nothing tells."""
    client_latency: timedelta | None
    basis: Basis
    lines: tuple[Line, ...] = ()
    """The gateway's own lines, where observed."""


@dataclass(frozen=True, slots=True)
class Request:
    """One Lambda invocation, as its log lines tell it."""

    request_id: str
    """Lambda's request ID; ``unknown@<start>`` where no line holds one."""
    log_group: str | None
    log_stream: str | None
    link: Link
    """The weakest tie used for its lines."""
    start: datetime
    end: datetime | None
    """None when no end was seen."""
    last_seen: datetime
    """The end, or the last line seen."""
    duration: timedelta | None
    """As reported; never guessed."""
    init_duration: timedelta | None
    init_waited: bool
    """True when the request waited for the init, so that it counts against the gateway."""
    billed_duration: timedelta | None
    memory_size_mb: int | None
    max_memory_used_mb: int | None
    outcome: Outcome
    """Lambda's view."""
    error_type: str | None
    response_status: int | None
    """The handler's view, if a log tells."""
    route: str | None
    """``POST /coaching/message``."""
    sessions: tuple[str, ...]
    """The sessions that its lines say it belongs to."""
    gateway: Gateway
    phases: tuple[Phase, ...]
    milestones: tuple[Milestone, ...]
    gaps: tuple[Gap, ...]
    unaccounted: timedelta | None
    """Reported duration minus the union of the phases; None when no phase is known."""
    lines: tuple[Line, ...]
    """All of its lines, in order."""
    received: datetime | None = None
    """When the gateway received it, as guards recorded; None where no record tells."""
    gateway_limit: timedelta | None = None
    """The gateway's limit, as guards recorded it; None where no record tells."""

    @property
    def is_asked_for(self) -> bool:
        """False for a worker's: guards recorded an event source such as ``aws:sqs``, and nobody waits."""
        return self.route is None or not self.route.startswith(("aws:", "aws."))

    @property
    def waited_before(self) -> timedelta:
        """How long its client had waited when the function started.

        Since the gateway received it, where that is recorded; else for the init, if it waited for one.
        """
        if self.received is not None:
            return max(self.start - self.received, timedelta(0))
        return self.init_duration if self.init_waited and self.init_duration else timedelta(0)


@dataclass(frozen=True, slots=True)
class Session:
    """What became of the session."""

    session_id: str | None
    status: Status
    completed_at: datetime | None
    completed_by: str | None
    """The completing request; None when only a refusal tells that it is completed."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole incident: the session and its requests in order of start."""

    session: Session
    requests: tuple[Request, ...]
    complete: bool = True
    """False when a source was cut off."""
