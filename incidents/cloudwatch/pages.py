"""Events of a log group, page by page: empty pages lead on, and what came before a fault is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from incidents.cloudwatch.calls import Calls
from incidents.cloudwatch.faults import INTERRUPTED, Fault
from incidents.cloudwatch.intervals import Interval

MOST_STREAMS: Final = 100

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Want:
    """Events to be read."""

    group: str
    span: Interval
    pattern: str = ""
    """Empty: all events."""
    streams: tuple[str, ...] = ()
    """Empty: of all streams; 100 at most."""


@dataclass(slots=True)
class Got:
    """Where a read stands."""

    pages: int = 0
    events: int = 0
    latest: int | None = None
    """The time of the latest event that came."""
    trouble: Fault | None = None

    def left(self, want: Want) -> Interval | None:
        """What has not been read: from the latest event on, since another may share its millisecond."""
        if self.trouble is None:
            return None
        return (want.span[0] if self.latest is None else self.latest, want.span[1])


def read(calls: Calls, want: Want, got: Got, most_pages: int | None = None) -> Iterator[Record]:
    """The events, oldest first, those that share a millisecond in the service's order.

    Does not raise: what went wrong stands in ``got.trouble``.
    """
    parameters = _parameters(want)
    while most_pages is None or got.pages < most_pages:
        try:
            page = calls.call("FilterLogEvents", **parameters)
        except Fault as fault:
            got.trouble = fault
            return
        except KeyboardInterrupt:
            got.trouble = INTERRUPTED
            return
        got.pages += 1
        for record in page.get("events", ()):
            got.events += 1
            got.latest = max(got.latest or 0, int(record["timestamp"]))
            yield record
        token = page.get("nextToken")
        if not token:
            return
        if token == parameters.get("nextToken"):
            got.trouble = Fault("refused", "the service gave the same page again", "run it again")
            return
        parameters["nextToken"] = token


def _parameters(want: Want) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "logGroupName": want.group,
        "startTime": want.span[0],
        "endTime": want.span[1],
    }
    if want.pattern:
        asked["filterPattern"] = want.pattern
    if want.streams:
        asked["logStreamNames"] = list(want.streams)
    return asked


def chunks(streams: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Streams in as many reads as are needed."""
    for begin in range(0, len(streams), MOST_STREAMS):
        yield tuple(streams[begin : begin + MOST_STREAMS])
