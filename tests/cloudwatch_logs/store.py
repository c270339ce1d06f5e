"""What the fake holds: log groups, their streams and events, and when each event can be seen."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from incidents.events import Event
from tests.cloudwatch_logs.errors import missing

ACCOUNT = "123456789012"
OVERHEAD = 26
"""Bytes that CloudWatch Logs counts for an event besides its message."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One event as the service keeps it."""

    group: str
    stream: str
    ms: int
    message: str
    ingested_ms: int
    """Not seen before this moment of the fake's clock."""
    event_id: str

    @property
    def size(self) -> int:
        """Bytes, as the service counts them."""
        return len(self.message.encode()) + OVERHEAD


@dataclass(slots=True)
class Group:
    """One log group."""

    name: str
    created_ms: int = 0
    class_: str = "STANDARD"
    retention_days: int | None = None
    indexes: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Indexed field -> first and last time, in ms, of events that have it."""
    filters: list[dict[str, object]] = field(default_factory=list)
    """Metric filters, as DescribeMetricFilters has them."""
    events: list[Stored] = field(default_factory=list)

    def put(self, *events: Stored) -> None:
        """Keep events in the order in which the service gives them."""
        self.events += events
        self.events.sort(key=lambda each: (each.ms, each.ingested_ms, each.event_id))


@dataclass(slots=True)
class Store:
    """All log groups of one account and Region."""

    groups: dict[str, Group] = field(default_factory=dict)
    rows: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    """DynamoDB: table and session ID -> attributes, all strings."""
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000

    def group(self, name: str) -> Group:
        """A group by name or ARN. Raises ResourceNotFoundException."""
        found = self.groups.get(name.split(":log-group:")[-1].removesuffix(":*"))
        if found is None:
            raise missing("log group")
        return found

    def seen(self, name: str) -> Iterator[Stored]:
        """The events of a group that have been ingested by now."""
        now = self.now_ms()
        return (each for each in self.group(name).events if each.ingested_ms <= now)

    def add(self, events: Iterable[Stored]) -> None:
        """Keep events, making their groups."""
        new: dict[str, list[Stored]] = {}
        for each in events:
            new.setdefault(each.group, []).append(each)
        for name, of_group in new.items():
            self.groups.setdefault(name, Group(name)).put(*of_group)

    def add_file(self, path: Path, group: str | None = None) -> None:
        """Keep the events of an NDJSON file, plain or gzip."""
        data = path.read_bytes()
        lines = (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()
        self.add(_saved(json.loads(line), number, group) for number, line in enumerate(lines))

    def add_events(self, events: Iterable[Event], delay_ms: int = 3_000) -> None:
        """Keep events as the tests make them, ingested some time after they happened."""
        for number, event in enumerate(events):
            ms = round(event.at.timestamp() * 1000)
            name = event.event_id or f"{ms:020d}{number:036d}"
            group, stream = event.log_group or "group", event.log_stream or "stream"
            self.add([Stored(group, stream, ms, event.message, ms + delay_ms, name)])


def _saved(record: dict[str, object], number: int, group: str | None) -> Stored:
    ms = int(str(record["timestamp"]))
    return Stored(
        group or str(record["logGroup"]),
        str(record["logStream"]),
        ms,
        str(record["message"]),
        int(str(record.get("ingestionTime", ms))),
        str(record.get("eventId") or f"{ms:020d}{number:036d}"),
    )
