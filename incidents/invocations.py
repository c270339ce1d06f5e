"""From loose lines to Lambda invocations: which line belongs to which request.

A line belongs to a request because it holds Lambda's request ID (exact), because it stands between START
and END of the request in its log stream, where one environment runs one request at a time (carried), or by
rule where no START was saved (inferred).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from incidents.meanings import Meanings
from incidents.messages import Kind, Line
from incidents.timeline import Link

_OPENS: frozenset[Kind] = frozenset({"start"})
_CLOSES: frozenset[Kind] = frozenset({"end", "runtime-done", "report", "timeout"})
_PLATFORM = _OPENS | _CLOSES
_INIT: frozenset[Kind] = frozenset({"init-start", "init-report", "restore-start", "restore-report"})


@dataclass(frozen=True, slots=True)
class Invocation:
    """One Lambda invocation and the lines that belong to it."""

    request_id: str
    log_group: str | None
    log_stream: str | None
    link: Link
    lines: tuple[Line, ...]
    """START to REPORT, in order."""
    init: tuple[Line, ...] = ()
    """What stands before START since the environment began."""
    start: Line | None = None
    """The START line that counts."""
    closing: tuple[Line, ...] = ()
    """END, runtimeDone, REPORT and timeout lines that count; lines that only quote one do not."""

    def closed_by(self, kind: Kind) -> Line | None:
        """The last closing line of a kind: of two REPORTs the later one is Lambda's."""
        return next((line for line in reversed(self.closing) if line.said.kind == kind), None)


@dataclass(frozen=True, slots=True)
class Grouping:
    """All invocations of some lines, and what was odd about their streams."""

    invocations: tuple[Invocation, ...]
    loose: tuple[Line, ...]
    """Lines that belong to no invocation."""
    mixed_streams: tuple[str, ...] = ()
    """Streams whose requests overlap, so that they are none: nothing is carried there."""
    quoted: int = 0
    """START, END and REPORT texts that no invocation of their stream accounts for: quoted or forged."""


def group(lines: Iterable[Line], meanings: Meanings) -> Grouping:
    """Tie lines to invocations. ``lines`` are in order within each stream (see incidents.merge)."""
    streams: dict[tuple[str | None, str | None], list[Line]] = {}
    for line in lines:
        streams.setdefault(_stream_key(line), []).append(line)
    parts = [_group_stream(each, meanings) for each in streams.values()]
    invocations = [one for part in parts for one in part.invocations]
    return Grouping(
        tuple(sorted(invocations, key=lambda one: one.lines[0].event.at)),
        tuple(line for part in parts for line in part.loose),
        tuple(name for part in parts for name in part.mixed_streams),
        sum(part.quoted for part in parts),
    )


def _stream_key(line: Line) -> tuple[str | None, str | None]:
    # Forms without a stream name: each source is taken for one stream, until overlaps say otherwise.
    event = line.event
    return (event.log_group, event.log_stream) if event.log_stream else (event.log_group, event.source)


def _group_stream(lines: Sequence[Line], meanings: Meanings) -> Grouping:
    bounds = _Bounds.of(lines)
    if not bounds.ids:
        return _without_platform_lines(lines, meanings)
    return _walk(lines, bounds)


def lambda_id(line: Line) -> str | None:
    """The request ID that a platform line gives; None where it is cut off or unset."""
    return line.said.request_ids[0] if line.said.request_ids else None


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Where the invocations of one stream begin and end."""

    ids: frozenset[str]
    starts: dict[int, str]
    """Index of each START that counts, and its request."""
    closings: dict[int, str]
    """Index of each closing line that counts, and its request."""
    last: dict[str, int]
    """The last closing line of each request."""
    mixed: bool
    quoted: int

    @classmethod
    def of(cls, lines: Sequence[Line]) -> _Bounds:
        starts, closings = _first_starts(lines), _closings(lines)
        last = {request: index for index, request in closings.items()}
        starts, nested = _without_nested(starts, last)
        mixed = _overlap(starts, last)
        closings, stray = _without_stray(closings, starts, last)
        return cls(
            ids=frozenset(starts.values()) | frozenset(closings.values()),
            starts=starts,
            closings=closings,
            last={request: last[request] for request in closings.values()},
            mixed=mixed,
            quoted=nested + stray,
        )


def _first_starts(lines: Sequence[Line]) -> dict[int, str]:
    seen: dict[str, int] = {}
    for index, line in enumerate(lines):
        request = lambda_id(line)
        if line.said.kind in _OPENS and request is not None:
            seen.setdefault(request, index)
    return {index: request for request, index in seen.items()}


def _closings(lines: Sequence[Line]) -> dict[int, str]:
    return {
        index: request
        for index, line in enumerate(lines)
        if line.said.kind in _CLOSES and (request := lambda_id(line)) is not None
    }


def _without_nested(starts: dict[int, str], last: dict[str, int]) -> tuple[dict[int, str], int]:
    """Drop a START that stands inside another request and that nothing ever closes: it was quoted."""
    kept: dict[int, str] = {}
    open_until = -1
    for index, request in sorted(starts.items()):
        if index < open_until and request not in last:
            continue
        kept[index] = request
        open_until = max(open_until, last.get(request, -1))
    return kept, len(starts) - len(kept)


def _overlap(starts: dict[int, str], last: dict[str, int]) -> bool:
    open_until = -1
    for index, request in sorted(starts.items()):
        if index < open_until:
            return True
        open_until = max(open_until, last.get(request, -1))
    return False


def _without_stray(
    closings: dict[int, str], starts: dict[int, str], last: dict[str, int]
) -> tuple[dict[int, str], int]:
    """Drop END and REPORT of a request that never started here and stand inside one that did."""
    started = set(starts.values())
    spans = [(index, last[request]) for index, request in starts.items() if request in last]
    kept = {
        index: request
        for index, request in closings.items()
        if request in started or not any(begin < index < end for begin, end in spans)
    }
    return kept, len(closings) - len(kept)


def _walk(lines: Sequence[Line], bounds: _Bounds) -> Grouping:
    tied: dict[str, list[Line]] = {}
    carried: set[str] = set()
    init: dict[str, tuple[Line, ...]] = {}
    before: list[Line] = []
    loose: list[Line] = []
    current: str | None = None
    for index, line in enumerate(lines):
        if index in bounds.starts:
            current = bounds.starts[index]
            init[current], late = _split_init(before, first=not tied)
            loose += late
            before = []
        own = bounds.starts.get(index) or bounds.closings.get(index) or _own_id(line, bounds.ids)
        if own is not None:
            tied.setdefault(own, []).append(line)
        elif current is not None and not bounds.mixed:
            tied.setdefault(current, []).append(line)
            carried.add(current)
        else:
            before.append(line)
        if current is not None and bounds.last.get(current) == index:
            current = None
    starts = {request: lines[index] for index, request in bounds.starts.items()}
    closings: dict[str, list[Line]] = {}
    for index, request in bounds.closings.items():
        closings.setdefault(request, []).append(lines[index])
    event = lines[0].event
    invocations = tuple(
        Invocation(
            request_id=request,
            log_group=event.log_group,
            log_stream=event.log_stream,
            link="carried" if request in carried else "exact",
            lines=tuple(own_lines),
            init=init.get(request, ()),
            start=starts.get(request),
            closing=tuple(closings.get(request, ())),
        )
        for request, own_lines in tied.items()
    )
    name = event.log_stream or event.source
    return Grouping(invocations, (*loose, *before), (name,) if bounds.mixed else (), bounds.quoted)


def _own_id(line: Line, known: frozenset[str]) -> str | None:
    # An application's own X-Request-ID is a UUID too: only IDs that Lambda's lines hold are Lambda's.
    if line.said.kind in _PLATFORM:
        return None
    return next((each for each in line.said.request_ids if each in known), None)


def _split_init(before: list[Line], *, first: bool) -> tuple[tuple[Line, ...], list[Line]]:
    """The lines before a START that belong to its environment's init, and the ones that do not."""
    opening = next((i for i, line in enumerate(before) if line.said.kind in _INIT), 0 if first else None)
    if opening is None:
        return (), before
    return tuple(before[opening:]), before[:opening]


def _without_platform_lines(lines: Sequence[Line], meanings: Meanings) -> Grouping:
    """No START, END or REPORT was saved: take the IDs on the lines, else cut at each request's first line."""
    own = [line for line in lines if line.said.kind != "gateway"]
    gateway = tuple(line for line in lines if line.said.kind == "gateway")
    of_session = [line for line in own if line.said.session_id is not None]
    if of_session and not any(line.said.request_ids for line in of_session):
        return Grouping(_by_first_line(own, meanings), gateway)
    requests: dict[str, list[Line]] = {}
    for line in own:
        if line.said.request_ids:
            requests.setdefault(line.said.request_ids[0], []).append(line)
    unnamed = tuple(line for line in own if not line.said.request_ids)
    return Grouping(tuple(_tied("exact", key, each) for key, each in requests.items()), (*gateway, *unnamed))


def _by_first_line(lines: Sequence[Line], meanings: Meanings) -> tuple[Invocation, ...]:
    parts: list[list[Line]] = [[]]
    begun = False
    for line in lines:
        meaning = meanings.of(line.said.name)
        begins = meaning is not None and meaning.begins_request
        if begins and not begun:  # "Request started" and the route's first line both begin: one cut
            parts.append([])
        begun = begins
        parts[-1].append(line)
    return tuple(_tied("inferred", _unknown_id(part[0]), part) for part in parts if part)


def _unknown_id(line: Line) -> str:
    at = line.event.at
    return f"unknown@{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def _tied(link: Link, request_id: str, lines: list[Line]) -> Invocation:
    event = lines[0].event
    return Invocation(request_id, event.log_group, event.log_stream, link, tuple(lines))
