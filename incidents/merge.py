"""Events of several sources made one: every event once, in order within its stream."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from incidents.events import Event

_Key = tuple[str | None, int, str]


def merge(sources: Sequence[Sequence[Event]]) -> tuple[Event, ...]:
    """Each event once, ordered by time, ties as their source has them.

    The same event may have been saved twice. Its eventId tells; where a form carries none, the source that
    holds it most often is believed, since identical events are common within one source.
    """
    sources = _with_groups([_in_order(_once(events)) for events in sources])
    if len(sources) > 1:
        sources = _without_copies(sources)
    kept = _across(sources) if len(sources) > 1 else sources[0] if sources else []
    rank = {name: index for index, name in enumerate(dict.fromkeys(event.source for event in kept))}
    return tuple(sorted(kept, key=lambda event: (event.at, rank[event.source], event.order)))


def _once(events: Iterable[Event]) -> list[Event]:
    """Drop what a source repeats under the same eventId, but nothing that says something else."""
    seen: set[tuple[str | None, str, datetime, str]] = set()
    kept = []
    for event in events:
        if event.event_id is not None:
            if (mark := (event.log_stream, event.event_id, event.at, event.message)) in seen:
                continue
            seen.add(mark)
        kept.append(event)
    return kept


def _in_order(events: list[Event]) -> list[Event]:
    """Give a source that is not oldest-first its true order among ties, as far as it can be known."""
    if _each_stream(events, lambda earlier, later: earlier.at <= later.at):
        return events
    if all(event.event_id is not None and event.event_id.isdecimal() for event in events):
        # CloudWatch's IDs grow with time and arrival; as text they compare once they are equally long.
        ordered = sorted(events, key=lambda event: (event.at, (event.event_id or "").zfill(64)))
    elif _each_stream(events, lambda earlier, later: earlier.at >= later.at):
        ordered = events[::-1]
    else:
        return events
    return [replace(event, order=order) for order, event in enumerate(ordered)]


def _each_stream(events: Iterable[Event], holds: Callable[[Event, Event], bool]) -> bool:
    last: dict[str | None, Event] = {}
    for event in events:
        if event.log_stream in last and not holds(last[event.log_stream], event):
            return False
        last[event.log_stream] = event
    return True


def _with_groups(sources: list[list[Event]]) -> list[list[Event]]:
    """Fill in the log group where another source knows it for the same stream."""
    groups: dict[str, set[str]] = defaultdict(set)
    for events in sources:
        for event in events:
            if event.log_group and event.log_stream:
                groups[event.log_stream].add(event.log_group)
    only = {stream: next(iter(names)) for stream, names in groups.items() if len(names) == 1}

    def filled(event: Event) -> Event:
        if event.log_group is None and event.log_stream in only:
            return replace(event, log_group=only[event.log_stream])
        return event

    return [[filled(event) for event in events] for events in sources]


def _key(event: Event) -> _Key:
    return event.log_stream, int(event.at.timestamp() * 1000), event.message.rstrip()


def _without_copies(sources: list[list[Event]]) -> list[list[Event]]:
    """Drop a source without stream names of which others, that have them, hold every event."""
    if not any(map(_without_streams, sources)):
        return sources
    named: Counter[_Key] = Counter()
    for events in sources:
        named |= Counter(_key(event) for event in events if event.log_stream is not None)
    unnamed: Counter[tuple[int, str]] = Counter()
    for (_, at, message), times in named.items():
        unnamed[at, message] += times
    return [events for events in sources if not _is_copy(events, unnamed)]


def _without_streams(events: list[Event]) -> bool:
    return bool(events) and all(event.log_stream is None for event in events)


def _is_copy(events: list[Event], of: Counter[tuple[int, str]]) -> bool:
    if not _without_streams(events):
        return False
    return Counter(_key(event)[1:] for event in events) <= of


def _across(sources: list[list[Event]]) -> list[Event]:
    wanted: Counter[_Key] = Counter()
    ids: dict[_Key, set[str]] = defaultdict(set)
    for events in sources:
        wanted |= Counter(map(_key, events))  # the larger multiplicity
        for event in events:
            if event.event_id is not None:
                ids[_key(event)].add(event.event_id)
    for key, known in ids.items():
        wanted[key] = max(wanted[key], len(known))
    kept: list[Event] = []
    seen: set[tuple[_Key, str]] = set()
    # Those with an eventId first: they say most about themselves.
    for events in sources:
        for event in events:
            if event.event_id is not None and (mark := (_key(event), event.event_id)) not in seen:
                seen.add(mark)
                kept.append(event)
                wanted[_key(event)] -= 1
    for events in sources:
        for event in events:
            if event.event_id is None and wanted[_key(event)] > 0:
                kept.append(event)
                wanted[_key(event)] -= 1
    return kept
