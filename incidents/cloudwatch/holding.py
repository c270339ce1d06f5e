"""The events that have been read so far, which stretches of which streams they cover, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from incidents.cloudwatch.calls import Calls
from incidents.cloudwatch.faults import Fault
from incidents.cloudwatch.intervals import Interval, from_ms, united, without
from incidents.cloudwatch.pages import Got, Record, Want, chunks, read
from incidents.cloudwatch.plan import rfc3339
from incidents.events import Event, Skip
from incidents.forms.base import make_event

Stream = tuple[str, str]
"""Log group and log stream."""

_Key = tuple[str, str, str]
_SECOND: Final = 1000


@dataclass(frozen=True, slots=True)
class Missing:
    """A stretch of time that could not be read, and why."""

    groups: tuple[str, ...]
    span: Interval
    fault: Fault

    def skip(self) -> Skip:
        """As it is told: what is missing, and how to get it."""
        since, until = from_ms(self.span[0]), from_ms(self.span[1] + _SECOND)
        where = f"{', '.join(self.groups)} from {rfc3339(since)} to {rfc3339(until)}"
        resume = f"then run it again; this stretch: --since {rfc3339(since)} --until {rfc3339(until)}"
        return Skip(where, f"not read: {self.fault.what}; {self.fault.fix}, {resume}")


class Holding:
    """Events of several groups, each once."""

    def __init__(self, calls: Calls, name: str) -> None:
        self._calls, self._name = calls, name
        self._events: dict[_Key, Event] = {}
        self._unread: list[Skip] = []
        self._covered: dict[Stream, list[Interval]] = {}
        self.missing: list[Missing] = []
        self.pages = 0
        self.stopped = False
        """True when nothing more can be asked of the service."""

    def __len__(self) -> int:
        """How many events are held."""
        return len(self._events)

    @property
    def skipped(self) -> list[Skip]:
        """What is missing, and events that could not be read."""
        return [*(each.skip() for each in self.missing), *self._unread]

    def events(self) -> list[Event]:
        """All that is held, in order of time; ties by their IDs, which grow with arrival, or as they came."""
        in_order = sorted(self._events.values(), key=_place_in_time)
        return [replace(event, order=order) for order, event in enumerate(in_order)]

    def streams(self) -> set[Stream]:
        """The streams of which a stretch was read whole."""
        return set(self._covered)

    def cover(self, group: str, streams: Mapping[str, Sequence[Interval]]) -> None:
        """Read stretches of streams whole, as far as they have not been read."""
        lacking = {
            stream: without(spans, self._covered.get((group, stream), ()))
            for stream, spans in streams.items()
        }
        for span, names in _clusters(lacking):
            for some in chunks(names):
                got = self.search(Want(group, span, streams=some))
                read_until = span[1] if got.trouble is None else (got.latest or span[0]) - 1
                for name in some:
                    known = self._covered.setdefault((group, name), [])
                    self._covered[group, name] = united([*known, (span[0], read_until)])

    def search(self, want: Want, most_pages: int | None = None) -> Got:
        """Read and hold what is wanted; what could not be read is told in ``missing``."""
        got = Got()
        if self.stopped:
            return got
        for record in read(self._calls, want, got, most_pages):
            self._hold(want, record)
        self.pages += got.pages
        if got.trouble is not None:
            self.fail((want.group,), got.left(want) or want.span, got.trouble)
        return got

    def fail(self, groups: Iterable[str], span: Interval, fault: Fault) -> None:
        """Note that a stretch could not be read."""
        self.missing.append(Missing(tuple(groups), span, fault))
        self.stopped = self.stopped or fault.ends_all

    def _hold(self, want: Want, record: Record) -> None:
        stream, event_id = str(record.get("logStreamName")), str(record.get("eventId"))
        place = f"{want.group}:{stream}:{event_id}"
        at = from_ms(int(record["timestamp"]))
        made = make_event(
            at, record.get("message"), want.group, stream, event_id, self._name, place, len(self._events)
        )
        if isinstance(made, Skip):
            self._unread.append(made)
            return
        key = (want.group, stream, event_id)
        if want.pattern:
            self._events.setdefault(key, made)
            return
        # A whole read knows the order among ties, which one by a pattern has only of its own events.
        self._events.pop(key, None)
        self._events[key] = made


def _place_in_time(event: Event) -> tuple[datetime, str]:
    # Pages are ordered by time, then by ingestion, which need not be the order in which lines were logged.
    name = event.event_id or ""
    return event.at, name.zfill(64) if name.isdecimal() else ""


def _clusters(lacking: Mapping[str, Sequence[Interval]]) -> list[tuple[Interval, list[str]]]:
    """Stretches to be read at once: those of several streams that overlap, with the streams in them."""
    spans = united(span for spans in lacking.values() for span in spans)
    return [
        (whole, [name for name, parts in lacking.items() if any(_overlap(part, whole) for part in parts)])
        for whole in spans
    ]


def _overlap(one: Interval, other: Interval) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]
