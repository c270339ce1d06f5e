"""Signs of trouble in single lines, and the tally of all requests: small, however many lines go by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from heapq import heappush, heappushpop
from typing import Final, Literal

from guards.limits import Limits
from incidents.access_logs import AccessLogFormat
from incidents.events import Event
from incidents.meanings import Meanings
from incidents.messages import Line
from incidents.reading import read_message
from incidents.scan.sweep import Wish
from incidents.scan.wishes import refusals, wish
from incidents.sources import Span
from incidents.values import milliseconds, text

MOST: Final = 200
"""So many signs of a kind are followed, the worst; the rest are counted."""

Kind = Literal["slow", "refused", "throttled", "beside"]

_KINDS: Final[tuple[Kind, ...]] = ("slow", "refused", "throttled")

_BEFORE: Final = timedelta(seconds=2)
_AROUND: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Sign:
    """Something in one line that is worth a look at its request."""

    source: int
    """Which of the sources holds it."""
    log_group: str | None
    span: Span
    """Where the request stands, or is likely to."""
    weight: timedelta
    """How bad: the longer a request took the worse."""
    kind: Kind = "beside"
    """What its line tells; ``beside``: nothing, it only stands near a line that does."""
    at: datetime | None = None
    """When its line was logged."""
    message: str = ""
    """What its line says."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for."""

    meanings: Meanings
    limits: Limits
    since: datetime | None = None
    until: datetime | None = None
    access_log: AccessLogFormat | None = None
    throttled: bool = False
    """Whether lines that tell of a throttled model provider are signs, too."""

    @property
    def marks(self) -> tuple[str, ...]:
        """Text that a line must hold to be looked at."""
        return self.wish.marks

    @property
    def wish(self) -> Wish:
        """What a pass over a file's bytes looks for."""
        return wish(self.meanings, self.limits, self.since, self.until, throttled=self.throttled)

    @property
    def refusals(self) -> frozenset[str]:
        """Values that mark a refused request, by the meanings of the application's lines."""
        return refusals(self.meanings)

    def holds(self, at: datetime) -> bool:
        """Whether a moment is in the time asked for."""
        return (self.since is None or self.since <= at) and (self.until is None or at <= self.until)


class Tally:
    """What a pass over all lines leaves: counts, and the worst signs."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.minutes: Counter[int] = Counter()
        """Requests by the minute in which they ended, as minutes since 1970."""
        self.past: Counter[str] = Counter()
        """Requests that took longer than the warning, the critical mark and the limit, refusals, and lines
        that tell of a throttled provider."""
        self.followed: dict[Kind, int] = dict.fromkeys(_KINDS, 0)
        self._heaps: dict[Kind, list[tuple[timedelta, int, Sign]]] = {kind: [] for kind in _KINDS}
        self._serial = 0

    @property
    def requests(self) -> int:
        """All that ended."""
        return sum(self.minutes.values())

    @property
    def left_out(self) -> int:
        """Signs that were counted but are not followed."""
        return sum(self.followed.values()) - len(self.signs)

    @property
    def signs(self) -> list[Sign]:
        """The worst of each kind, worst first."""
        kept = [each for heap in self._heaps.values() for each in heap]
        return [sign for _, _, sign in sorted(kept, reverse=True)]

    def ended(self, minute: int) -> None:
        """A usual request that ended in a minute; a negative one is not in the time asked for."""
        if minute >= 0:
            self.minutes[minute] += 1

    def count(self, at: datetime) -> None:
        """A request that ended at a moment."""
        if self.wanted.holds(at):
            self.minutes[int(at.timestamp()) // 60] += 1

    def take(self, event: Event, source: int) -> None:
        """A line that may be a sign."""
        if not self.wanted.holds(event.at):
            return
        said = read_message(event.message, self.wanted.access_log)
        if said.kind == "report":
            self._take_report(event, source, said.fields or {})
            return
        meaning = self.wanted.meanings.of(said.name)
        if meaning is not None and meaning.refusal is not None:
            if text(said.fields, meaning.refusal) == meaning.refusal_value:
                self._take_line("refused", event, source)
        elif self.wanted.meanings.throttling.said_by(Line(event, said)):
            self._take_line("throttled", event, source)

    def _take_line(self, kind: Kind, event: Event, source: int) -> None:
        self.past[kind] += 1
        span = Span(event.log_stream, event.at - _AROUND, event.at + _AROUND)
        self._follow(event, Sign(source, event.log_group, span, timedelta(0), kind))

    def _take_report(self, event: Event, source: int, told: Mapping[str, object]) -> None:
        took = milliseconds(told, "durationMs")
        if took is None:
            return
        self.count(event.at)
        waited = took + (milliseconds(told, "initDurationMs") or timedelta(0))
        limits = self.wanted.limits
        for name, mark in (
            ("warning", limits.warning),
            ("critical", limits.critical),
            ("limit", limits.limit),
        ):
            self.past[name] += waited > mark
        if waited >= limits.warning or told.get("status") == "timeout":
            span = Span(event.log_stream, event.at - took - _BEFORE, event.at + _BEFORE)
            self._follow(event, Sign(source, event.log_group, span, waited, "slow"))

    def _follow(self, event: Event, sign: Sign) -> None:
        sign = replace(sign, at=event.at, message=event.message)
        heap = self._heaps[sign.kind]
        self.followed[sign.kind] += 1
        self._serial += 1
        entry = (sign.weight, self._serial, sign)
        if len(heap) < MOST:
            heappush(heap, entry)
        else:
            heappushpop(heap, entry)

    def per_minute(self) -> list[tuple[datetime, int]]:
        """Requests by minute, from the first to the last, empty minutes too, as far as they are few."""
        if not self.minutes:
            return []
        first, last = min(self.minutes), max(self.minutes)
        every = range(first, last + 1) if last - first < 60 * 24 * 31 else sorted(self.minutes)
        return [(datetime.fromtimestamp(each * 60, UTC), self.minutes[each]) for each in every]


def spans(signs: Iterable[Sign], source: int) -> tuple[Span, ...]:
    """The spans of the signs of one source."""
    return tuple(dict.fromkeys(sign.span for sign in signs if sign.source == source))
