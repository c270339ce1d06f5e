"""Why there is no answer: what was searched, where the ID stands all the same, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from guards.errors import GuardError, NothingMatched, NothingMatchedYet, SourceFailed
from incidents.display import few

if TYPE_CHECKING:
    from incidents.inquiry import Found, Query
    from incidents.invocations import Invocation
    from incidents.messages import Line
    from incidents.sources import Reading


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A question to which nothing was chosen, and what was seen instead."""

    query: Query
    found: Found
    outside: Sequence[Invocation]
    """Requests that are asked for, but for their time."""
    untied: Sequence[Line]
    """Lines that name what is asked for and belong to no request."""
    nearest: Callable[[], tuple[str, ...]]
    """Looks for IDs that are like the one asked for."""

    def error(self) -> GuardError:
        """The error to raise: its sentences end with what was searched and what could not be."""
        readings = self.found.readings
        cut = [reading for reading in readings if not reading.complete]
        if len(cut) == len(readings) and not any(reading.parsed or reading.searched for reading in cut):
            return SourceFailed(
                f"nothing in {cut[0].name} can be read: {cut[0].skipped[-1].reason}", source=cut[0].name
            )
        text = "; ".join((self._searched(), *self._seen(), f"searched {_few(readings)}"))
        if not cut:
            return NothingMatched(text)
        why = [
            f" ({each.where}: {each.reason})"
            for reading in cut
            if reading.searched
            for each in reading.skipped[:1]
        ]
        return NothingMatchedYet(f"{text}; not read, or not to the end: {_few(cut)}{''.join(why[:1])}")

    @property
    def _sort(self) -> str:
        return "session" if self.query.session_id else "request"

    def _searched(self) -> str:
        known = [reading.bytes for reading in self.found.readings if reading.bytes is not None]
        size = f", {sum(known):,} bytes" if known else ""
        window = ", in the window asked for" if self.query.since or self.query.until else ""
        where = f"{len(self.found.readings)} source(s){size}{window}"
        return f"no request of {self._sort} {self.query.id} in {where}"

    def _seen(self) -> Iterator[str]:
        if self.outside:
            yield from self._outside(self.outside)
        elif any(self.query.id in line.said.request_ids for line in self.found.gateway_lines):
            yield (
                "a gateway logged it, but without Lambda's request ID: let its log format have "
                "$context.integration.requestId"
            )
        elif self.untied:
            yield self._only_lines()
        elif near := self.nearest():
            yield f"nearest seen: {', '.join(near)}"
        else:
            sampled = any(reading.searched for reading in self.found.readings)
            yield f"no {self._sort} ID was seen {'in a sample of it' if sampled else 'at all'}"

    def _only_lines(self) -> str:
        """What is to be done where the lines are there and cannot be put together."""
        lines = f"{len(self.untied)} line(s) are of it, but"
        if any(line.event.log_stream for line in self.untied):
            return f"{lines} belong to no request: save every line of their streams around them"
        return f"{lines} name no stream: save them with @logStream (fields @timestamp, @message, @logStream)"

    def _outside(self, requests: Sequence[Invocation]) -> Iterator[str]:
        first = min(one.lines[0].event.at for one in requests)
        last = max(one.lines[-1].event.at for one in requests)
        bounds = (("--since", self.query.since), ("--until", self.query.until))
        given = " ".join(f"{option} {_utc(at)}" for option, at in bounds if at is not None)
        yield (
            f"{self.query.id} is there, in {len(requests)} request(s) from {_utc(first)} to "
            f"{_utc(last, first)}, outside {given}"
        )
        yield f"write --since {first:%Y-%m-%dT%H:%MZ} --until {last + timedelta(minutes=1):%Y-%m-%dT%H:%MZ}"


def _few(readings: Sequence[Reading]) -> str:
    return few([reading.name for reading in readings])


def _utc(at: datetime, after: datetime | None = None) -> str:
    """To the second; the day is left out where it is that of the time before."""
    same_day = after is not None and at.date() == after.date()
    return f"{at:%H:%M:%SZ}" if same_day else f"{at:%Y-%m-%d %H:%M:%SZ}"
