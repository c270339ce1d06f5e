"""Where log events come from: one question, one method, one reading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from guards.errors import BadUsage
from guards.limits import LAMBDA_LONGEST
from incidents.events import Event, Skip
from incidents.scalars import ID

SKIPS_LISTED = 100
"""So many skipped things are listed one by one; the rest are counted."""

SLACK = timedelta(seconds=10)
"""How far events of a file in time order may stand out of order."""

AROUND = LAMBDA_LONGEST + SLACK
"""Nothing that belongs to a request stands further from any of its lines."""

NEAR = timedelta(minutes=1)
"""Most requests begin and end within this of any of their lines."""

GATEWAY_LAG = timedelta(minutes=1)
"""A gateway writes its line when it has answered: at the latest so long after the function's end."""

BOUNDARIES = ("RequestId: ", '"platform.', "INIT_", "RESTORE_", "Task timed out after", '\\"platform.')
"""Text that START, END, REPORT, INIT and timeout lines hold, in either format, escaped or not."""

GATEWAY_SIGNS = ("requestTime", "httpMethod", "routeKey", "Execution failed due to", "Lambda request id")
"""Text that a gateway's access or execution log line is likely to hold."""


def check_id(text: str) -> None:
    """That a text can be an ID, before anything is searched for it.

    >>> check_id("a b")
    Traceback (most recent call last):
    guards.errors.BadUsage: 'a b' is not an ID; an ID is 1 to 128 of the characters A-Z a-z 0-9 _ . : = / + -
    """
    if not ID.fullmatch(text):
        raise BadUsage(
            f"{text[:140]!r} is not an ID",
            hint="an ID is 1 to 128 of the characters A-Z a-z 0-9 _ . : = / + -",
        )


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one log stream of which every line is wanted."""

    log_stream: str | None
    """None: of any stream of a source that carries no stream names."""
    start: datetime
    end: datetime

    def holds(self, event: Event) -> bool:
        """Whether an event stands in it. A source without stream names answers for every stream."""
        stream_fits = self.log_stream is None or event.log_stream in (self.log_stream, None)
        return stream_fits and self.start <= event.at <= self.end


EVER = Span(None, datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))
"""All times, with room for a slack at either end."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a source."""

    needles: tuple[str, ...]
    """Lines that hold one of these are wanted, and the boundaries of requests around them."""
    spans: tuple[Span, ...] = ()
    """Every line in one of these is wanted, and whatever a gateway logged meanwhile."""
    around: timedelta = AROUND
    """How far around a hit to look for the boundaries of its request."""
    thorough: bool = False
    """True: do not rely on time order, look at everything."""
    at_most: int | None = None
    """So many hits are enough: for a taste of what a source holds."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source answered."""

    name: str
    events: tuple[Event, ...]
    """All that was asked for, and perhaps more."""
    parsed: int
    """Events read so far, asked for or not."""
    skipped: tuple[Skip, ...]
    """The first of what could not be read."""
    skipped_count: int
    complete: bool
    """False when the source was cut off."""
    bytes: int | None
    """Size as stored."""
    unread_bytes: int | None
    """Passed over without parsing."""
    searched: bool = False
    """Whether some of it was looked through where it is kept, though nothing was read from it."""


class Source(Protocol):
    """Something that holds log events."""

    def read(self, question: Question) -> Reading:
        """Everything that the question asks for. May be asked again with another question."""


def wanted(event: Event, question: Question) -> bool:
    """Whether a source should return an event; it may return more.

    >>> at = datetime(2026, 2, 9, 23, 48, tzinfo=UTC)
    >>> event = Event(at, "START RequestId: a Version: 1", None, None, None, "x", "x:1", 0)
    >>> wanted(event, Question(needles=("sess_1",)))
    True
    """
    message = event.message
    if any(needle in message for needle in question.needles) or is_boundary(message):
        return True
    if any(span.holds(event) for span in question.spans):
        return True
    return any(sign in message for sign in GATEWAY_SIGNS) and meanwhile(event, question.spans)


def around(times: Iterable[datetime], reach: timedelta) -> tuple[Span, ...]:
    """All that is no further than a reach from one of some moments, in order and without overlap.

    >>> first = datetime(2026, 2, 9, 23, 48, tzinfo=UTC)
    >>> [span] = around([first + timedelta(seconds=90), first], timedelta(minutes=1))
    >>> span.end - span.start
    datetime.timedelta(seconds=210)
    """
    merged: list[Span] = []
    for moment in sorted(times):
        start, end = moment - reach, moment + reach
        if merged and start <= merged[-1].end:
            merged[-1] = Span(None, merged[-1].start, end)
        else:
            merged.append(Span(None, start, end))
    return tuple(merged)


def is_boundary(message: str) -> bool:
    """Whether a message may be one of Lambda's own lines."""
    return any(mark in message for mark in BOUNDARIES)


def meanwhile(event: Event, spans: Iterable[Span]) -> bool:
    """Whether an event of any stream stands in the time of one of the spans."""
    return any(span.start - SLACK <= event.at <= span.end + GATEWAY_LAG for span in spans)
