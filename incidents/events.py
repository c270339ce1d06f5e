"""One saved CloudWatch log event, and what could not be read as one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Event:
    """One log event as CloudWatch kept it, whatever file it was saved in."""

    at: datetime
    """UTC, to the millisecond: CloudWatch's time of the event, not the line's own."""
    message: str
    """The text as logged, without the newline at its end. Untrusted: may hold anything."""
    log_group: str | None
    """None where the saved form does not carry it."""
    log_stream: str | None
    """None where the saved form does not carry it."""
    event_id: str | None
    """CloudWatch's eventId; None where the saved form does not carry it."""
    source: str
    """The name of the source it was read from."""
    place: str
    """``file:line`` (or ``file@byte`` in a file too large to count lines in)."""
    order: int
    """Position within the source: ties in time keep this order."""


@dataclass(frozen=True, slots=True)
class Skip:
    """Something in a source that could not be read as an event."""

    where: str
    """``file:line``, or log stream and time."""
    reason: str
    """What is wrong with it, without repeating its content."""
