"""Times for events that carry none: the time of the nearest event that does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from incidents.events import Event, Skip
from incidents.forms.base import Output

NO_TIME_NEAR: Final = "no time on it or near it"

# Waiting events are held in memory: so many at most, and no more text than this.
_MOST_WAITING = 20_000
_LONGEST_WAIT = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Draft:
    """An event that may still need its time."""

    line: int
    lines: int
    """How many lines it runs over."""
    message: str
    at: datetime | None
    """Its own time."""
    opens: bool = False
    """True for START and INIT_START: what comes next belongs to it, so the next time is the nearest."""
    group: str | None = None
    stream: str | None = None


@dataclass(slots=True)
class _Waiting:
    drafts: list[Draft] = field(default_factory=list)
    size: int = 0

    def add(self, draft: Draft) -> bool:
        """False when no more can wait."""
        self.drafts.append(draft)
        self.size += len(draft.message)
        return len(self.drafts) < _MOST_WAITING and self.size < _LONGEST_WAIT

    def release(self, at: datetime | None, out: Output) -> Iterator[Event | Skip]:
        for draft in self.drafts:
            yield from _timed(draft, at, out)
        self.drafts.clear()
        self.size = 0


def timed(drafts: Iterable[Draft | Skip], out: Output) -> Iterator[Event | Skip]:
    """Each draft as an event, in order: with its own time, else the last one known.

    What stands before the first time, and what follows a START or INIT_START without a time of its own,
    takes the next one. With no time at all, each line is a skip.
    """
    last: datetime | None = None
    waiting = _Waiting()
    for draft in drafts:
        if isinstance(draft, Skip):
            yield draft
        elif draft.at:
            last = draft.at
            yield from waiting.release(last, out)
            yield from _timed(draft, last, out)
        elif last and not draft.opens and not waiting.drafts:
            yield from _timed(draft, last, out)
        elif not waiting.add(draft):
            yield from waiting.release(last, out)
    yield from waiting.release(last, out)


def _timed(draft: Draft, at: datetime | None, out: Output) -> Iterator[Event | Skip]:
    if at is None:
        for line in range(draft.line, draft.line + draft.lines):
            yield out.skip(line, NO_TIME_NEAR)
    else:
        yield out.event(draft.line, at, draft.message, group=draft.group, stream=draft.stream)
