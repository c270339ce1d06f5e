"""Where the requests of one stream begin and end, and which START, END and REPORT are believed.

A user's text can hold all three, each as an event of its own. In a log stream of Lambda's one environment
runs one request at a time, so that nothing begins inside a request whose REPORT fits its START; and a
request that stands in the log for less time than its REPORT claims never ran there.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from incidents.messages import Kind, Line
from incidents.values import milliseconds, text

OPENS: frozenset[Kind] = frozenset({"start"})
CLOSES: frozenset[Kind] = frozenset({"end", "runtime-done", "report", "timeout"})

FITS = timedelta(seconds=1)
"""How far REPORT may stand from where its Duration, counted from START, ends."""

# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html; an export writes - for /.
LAMBDA_STREAM = re.compile(r"\d{4}[/-]\d\d[/-]\d\d[/-][^\n]*\[[^\]\n]+\][0-9a-f]+")
"""The names that Lambda gives its log streams."""
_CONCURRENT = "lambda-managed-instances"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a request: a request ID that Lambda tries again has several."""

    request_id: str
    start: int | None
    """Index of START; None where it was not saved."""
    closings: tuple[int, ...] = ()
    """Indices of END, runtimeDone, REPORT and timeout lines."""
    reported: int | None = None
    """Index of the first REPORT whose Duration fits START; None where none does."""

    @property
    def first(self) -> int:
        """Index of its first platform line."""
        return self.closings[0] if self.start is None else self.start

    @property
    def last(self) -> int:
        """Index of its last platform line."""
        return max((self.first, *self.closings))


@dataclass(frozen=True, slots=True)
class Bounds:
    """The runs of one stream that are believed."""

    runs: tuple[Run, ...]
    mixed: bool
    """Requests overlap: this is not one stream."""
    quoted: int
    """START, END and REPORT lines that are not believed."""


def request_id_of(line: Line) -> str | None:
    """The request ID that a platform line gives; None where it is cut off or unset."""
    return line.said.request_ids[0] if line.said.request_ids else None


def bounds_of(lines: Sequence[Line]) -> Bounds:
    """The requests of one stream, whose lines are in order."""
    runs = _runs(lines)
    started = sorted((run for run in runs if run.start is not None), key=lambda run: run.first)
    kept, mixed = _nested_out(started, _one_at_a_time(lines), lines)
    cut = [run if mixed else _outside(run, kept) for run in runs if run.start is None]
    believed = tuple(sorted([*kept, *(run for run in cut if run.closings)], key=lambda run: run.first))
    return Bounds(believed, mixed, _platform_lines(runs) - _platform_lines(believed))


def _platform_lines(runs: Sequence[Run]) -> int:
    return sum(len(run.closings) + (run.start is not None) for run in runs)


@dataclass(slots=True)
class _Open:
    """A run while it is being read."""

    start: int | None
    closings: list[int] = field(default_factory=list)


def _runs(lines: Sequence[Line]) -> list[Run]:
    """All runs as the lines claim them: a START after a closing line of the same ID begins a new one."""
    parts: dict[str, list[_Open]] = {}
    for index, line in enumerate(lines):
        kind, request = line.said.kind, request_id_of(line)
        if request is None or (kind not in OPENS and kind not in CLOSES):
            continue
        mine = parts.setdefault(request, [])
        if kind in CLOSES:
            if not mine:
                mine.append(_Open(None))
            mine[-1].closings.append(index)
        elif mine and mine[-1].start is None and _just_before(lines, mine[-1], index):
            mine[-1].start = index
        elif not mine or mine[-1].closings:
            mine.append(_Open(index))
    return [_run(request, part, lines) for request, mine in parts.items() for part in mine]


def _just_before(lines: Sequence[Line], part: _Open, start: int) -> bool:
    # A clock that steps back puts the end of a short request before its START.
    return lines[start].event.at - lines[part.closings[0]].event.at <= FITS


def _run(request: str, part: _Open, lines: Sequence[Line]) -> Run:
    fitting = (index for index in part.closings if _fits(lines, part.start, index))
    return Run(request, part.start, tuple(part.closings), next(fitting, None))


def _fits(lines: Sequence[Line], start: int | None, index: int) -> bool:
    duration = milliseconds(lines[index].said.fields, "durationMs")
    if start is None or lines[index].said.kind != "report" or duration is None:
        return False
    return abs(lines[index].event.at - lines[start].event.at - duration) <= FITS


def _one_at_a_time(lines: Sequence[Line]) -> bool:
    """Whether the stream's name is Lambda's, and nothing says that its environment runs requests at once."""
    name = lines[0].event.log_stream
    if name is None or not LAMBDA_STREAM.fullmatch(name):
        return False
    return not any(
        text(line.said.fields, "initializationType") == _CONCURRENT
        for line in lines
        if line.said.kind in ("init-start", "init-report")
    )


def _nested_out(runs: Sequence[Run], alone: bool, lines: Sequence[Line]) -> tuple[list[Run], bool]:
    """The runs that are no quotation, and whether some of them overlap."""
    kept: list[Run] = []
    mixed = False
    outer = -1  # index in kept of the run that goes on longest
    for run in runs:
        if outer >= 0 and kept[outer].last > run.first:
            if _ended_by(kept[outer], run, lines):
                kept[outer] = _ended_before(kept[outer], run.first, lines)
            elif _is_quoted(run, kept[outer], alone):
                continue
            else:
                mixed = True
        kept.append(run)
        if outer < 0 or run.last >= kept[outer].last:
            outer = len(kept) - 1
    return kept, mixed


def _ended_by(outer: Run, run: Run, lines: Sequence[Line]) -> bool:
    """Whether the outer run's REPORT stands before START, or in the same millisecond and the run goes on."""
    if outer.reported is None or outer.reported < run.first:
        return outer.reported is not None
    ended = lines[outer.reported].event.at
    return lines[run.first].event.at == ended < lines[run.last].event.at


def _is_quoted(run: Run, outer: Run, alone: bool) -> bool:
    """Whether a run that begins inside another is text that was logged there."""
    if not run.closings:
        return True
    return outer.reported is not None and (alone or run.reported is None)


def _ended_before(run: Run, start: int, lines: Sequence[Line]) -> Run:
    """The run without the closing lines after the next START: Lambda wrote its own before."""
    at = lines[start].event.at  # within one millisecond the order may not be the true one
    return replace(run, closings=tuple(i for i in run.closings if i < start or lines[i].event.at == at))


def _outside(run: Run, kept: Sequence[Run]) -> Run:
    """A run whose START was not saved, without closing lines that stand inside another: those are text."""
    return replace(run, closings=tuple(index for index in run.closings if not _inside(index, kept)))


def _inside(index: int, kept: Sequence[Run]) -> bool:
    # In order and without overlaps: only the last that began before can still be under way.
    before = bisect_left(kept, index, key=lambda run: run.first)
    return before > 0 and index < kept[before - 1].last
