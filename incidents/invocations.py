"""From loose lines to Lambda invocations: which line belongs to which request.

A line belongs to a request because it holds Lambda's request ID (exact), because it stands between START
and END of the request in its log stream, where one environment runs one request at a time (carried), or by
rule where no START was saved (inferred).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from incidents.bounds import CLOSES, FITS, OPENS, Bounds, Run, bounds_of
from incidents.meanings import Meanings
from incidents.messages import Kind, Line
from incidents.timeline import Link
from incidents.values import milliseconds

_BEGINS: frozenset[Kind] = frozenset({"init-start", "restore-start"})
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
    bounds = bounds_of(lines)
    if not bounds.runs:
        return _without_platform_lines(lines, meanings)
    return _Walk(lines, bounds).grouping()


@dataclass(slots=True)
class _Part:
    """What has been found of one run of a request."""

    run: Run
    lines: list[Line] = field(default_factory=list)
    init: tuple[Line, ...] = ()
    link: Link = "exact"


class _Walk:
    """One stream from its first line to its last, with the request under way."""

    def __init__(self, lines: Sequence[Line], bounds: Bounds) -> None:
        self._lines = lines
        self._bounds = bounds
        self._parts = [_Part(run) for run in bounds.runs]
        self._starts = {part.run.start: part for part in self._parts if part.run.start is not None}
        self._closings = {index: part for part in self._parts for index in part.run.closings}
        self._by_id: dict[str, list[_Part]] = {}
        for part in self._parts:
            self._by_id.setdefault(part.run.request_id, []).append(part)
        self._any = False
        self._current: _Part | None = None
        self._before: list[Line] = []
        self._loose: list[Line] = []

    def grouping(self) -> Grouping:
        """The stream's invocations, and what belongs to none."""
        for index, line in enumerate(self._lines):
            self._take(index, line)
        event = self._lines[0].event
        mixed = (event.log_stream or event.source,) if self._bounds.mixed else ()
        loose = (*self._loose, *self._before)
        return Grouping(tuple(map(self._invocation, self._parts)), loose, mixed, self._bounds.quoted)

    def _take(self, index: int, line: Line) -> None:
        if index in self._starts:
            self._open(self._starts[index])
        elif self._begins_anew(index, line):
            self._current = None
        own = self._starts.get(index) or self._closings.get(index) or self._named_by(index, line)
        if own is not None:
            self._take_unstarted(own, index)
            own.lines.append(line)
            self._any = True
        elif self._current is not None and not self._bounds.mixed:
            self._current.lines.append(line)
            self._current.link = "carried"
        else:
            self._before.append(line)
        if index in self._closings and self._current is not None and self._current.run.last == index:
            self._current = None

    def _begins_anew(self, index: int, line: Line) -> bool:
        """Whether the environment begins once more: a request that never ended is over."""
        open_ = self._current
        return open_ is not None and line.said.kind in _BEGINS and open_.run.last < index

    def _open(self, part: _Part) -> None:
        if not self._bounds.mixed:
            part.init, self._before = _split_init(self._before, first=not self._any)
        self._loose += self._before
        self._before = []
        self._current = part

    def _take_unstarted(self, own: _Part, index: int) -> None:
        """Lines before the end of a request whose START was not saved are its own, by rule."""
        if own.run.start is not None or own.run.first != index or self._current or self._bounds.mixed:
            return
        mine, other = _since(_earliest(self._lines, own.run), self._before)
        self._before = []
        self._loose += other
        if mine:
            own.lines = sorted([*mine, *own.lines], key=lambda each: (each.event.at, each.event.order))
            own.link = "inferred"

    def _named_by(self, index: int, line: Line) -> _Part | None:
        # An application's own X-Request-ID is a UUID too: only IDs that Lambda's lines hold are Lambda's.
        if line.said.kind in OPENS or line.said.kind in CLOSES or not line.said.request_ids:
            return None
        named = [part for each in line.said.request_ids for part in self._by_id.get(each, ())]
        if self._current in named:
            return self._current
        begun = [part for part in named if part.run.first <= index]
        return begun[-1] if begun else named[0] if named else None

    def _invocation(self, part: _Part) -> Invocation:
        event, run = self._lines[0].event, part.run
        return Invocation(
            request_id=run.request_id,
            log_group=event.log_group,
            log_stream=event.log_stream,
            link=part.link,
            lines=tuple(part.lines),
            init=part.init,
            start=None if run.start is None else self._lines[run.start],
            closing=tuple(self._lines[index] for index in run.closings),
        )


def _earliest(lines: Sequence[Line], run: Run) -> datetime | None:
    """When a request began whose START was not saved, by its REPORT; None where there is none."""
    for index in run.closings:
        duration = milliseconds(lines[index].said.fields, "durationMs")
        if lines[index].said.kind == "report" and duration is not None:
            return lines[index].event.at - duration - FITS
    return None


def _since(earliest: datetime | None, lines: list[Line]) -> tuple[list[Line], list[Line]]:
    if earliest is None:
        return lines, []
    return [each for each in lines if each.event.at >= earliest], [
        each for each in lines if each.event.at < earliest
    ]


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
    begun: set[str | None] = set()  # the first lines of a request, so far
    for line in lines:
        meaning = meanings.of(line.said.name)
        begins = meaning is not None and meaning.begins_request
        # "Request started" and the route's own first line both begin: one cut. The same line again: another.
        if begins and (not begun or line.said.name in begun):
            parts.append([])
            begun = set()
        begun = begun | {line.said.name} if begins else set()
        parts[-1].append(line)
    return tuple(_tied("inferred", _unknown_id(part[0]), part) for part in parts if part)


def _unknown_id(line: Line) -> str:
    at = line.event.at
    return f"unknown@{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def _tied(link: Link, request_id: str, lines: list[Line]) -> Invocation:
    event = lines[0].event
    return Invocation(request_id, event.log_group, event.log_stream, link, tuple(lines))
