"""The phases of one request: recorded by guards, or inferred from the application's own lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from guards.names import OWN_PHASES
from incidents.invocations import Invocation
from incidents.meanings import Meaning, Meanings
from incidents.messages import Line
from incidents.timeline import COMPLETED, Gap, Milestone, Phase
from incidents.values import milliseconds, text

SHORTEST_GAP = timedelta(milliseconds=100)
"""Shorter stretches in no phase are not listed as gaps; they still count as unaccounted."""


@dataclass(frozen=True, slots=True)
class _Call:
    """A call to the model that is under way."""

    phase: str
    line: Line
    model: str | None


def phases(invocation: Invocation, meanings: Meanings, *, until: datetime) -> tuple[Phase, ...]:
    """All phases of a request in order of start. ``until`` is the end of what was seen of it."""
    recorded = _recorded(records(invocation), until)
    inferred = [
        phase
        for phase in _inferred(invocation.lines, meanings, until)
        if not any(_same_work(phase, known) for known in recorded)
    ]
    begin = invocation.lines[0].event.at
    return tuple(
        replace(phase, start=max(phase.start, begin)) if phase.start < begin <= phase.seen_until else phase
        for phase in sorted([*recorded, *inferred], key=lambda phase: (phase.start, phase.seen_until))
    )


def _same_work(one: Phase, other: Phase) -> bool:
    return one.name == other.name and one.start < other.seen_until and other.start < one.seen_until


def _inferred(lines: Iterable[Line], meanings: Meanings, until: datetime) -> Iterable[Phase]:
    name = meanings.default_phase
    call: _Call | None = None
    for line in lines:
        meaning = meanings.of(line.said.name)
        if meaning is None:
            continue
        name = meaning.next_phase or name
        if meaning.opens_call or (meaning.refines_call and call is None):
            if call is not None:  # tried again without a word on how the first try ended
                yield _ended(call, line)
            call = _Call(name, line, text(line.said.fields, meaning.model_field))
        elif meaning.closes_call:
            yield _completed(call or _Call(name, line, None), line, meaning)
            call = None
        elif meaning.fails_call and call is not None:
            error = text(line.said.fields, meaning.error_type_field) or meaning.error_type or "unknown"
            yield replace(_ended(call, line), error_type=error)
            call = None
    if call is not None:
        yield Phase(call.phase, call.line.event.at, None, "inferred", until, call.model, None, (call.line,))


def _completed(call: _Call, line: Line, meaning: Meaning) -> Phase:
    end = line.event.at
    took = milliseconds(line.said.fields, meaning.duration_ms_field)
    start = call.line.event.at if took is None else end - took
    lines = (line,) if call.line is line else (call.line, line)
    model = text(line.said.fields, meaning.model_field) or call.model
    return Phase(call.phase, start, end, "inferred", end, model, None, lines)


def _ended(call: _Call, line: Line) -> Phase:
    end = line.event.at
    return Phase(call.phase, call.line.event.at, end, "inferred", end, call.model, None, (call.line, line))


def records(invocation: Invocation) -> tuple[Line, ...]:
    """The records that guards wrote in a request: one that names another request was quoted."""
    return tuple(
        line
        for line in invocation.lines
        if line.said.kind == "record"
        and (not line.said.request_ids or invocation.request_id in line.said.request_ids)
    )


def _recorded(lines: Iterable[Line], until: datetime) -> list[Phase]:
    """Phases from guards' own records: an end record tells all, a start without one is open."""
    opened: dict[object, Line] = {}
    done: list[Phase] = []
    for line in lines:
        key = (line.said.fields or {}).get("phase_id")
        if _is(line, "phase.start"):
            opened[key] = line
        elif _is(line, "phase.end"):
            done.append(_from_end(line, opened.pop(key, None)))
    return done + [_still_open(line, until) for line in opened.values()]


def _is(line: Line, kind: str) -> bool:
    return (line.said.name or "").split("/")[0] == kind


def _from_end(line: Line, start: Line | None) -> Phase:
    end = line.event.at
    took = milliseconds(line.said.fields, "PhaseDuration") or timedelta(0)
    error = text(line.said.fields, "error_type")
    if error is None and text(line.said.fields, "outcome") not in (None, "ok"):
        error = text(line.said.fields, "outcome")
    model = text(line.said.fields, "model") or (text(start.said.fields, "model") if start else None)
    lines = (line,) if start is None else (start, line)
    return Phase(_name(line), end - took, end, "recorded", end, model, error, lines)


def _still_open(line: Line, until: datetime) -> Phase:
    return Phase(
        _name(line),
        line.event.at,
        None,
        "recorded",
        max(until, line.event.at),
        text(line.said.fields, "model"),
        None,
        (line,),
    )


def _name(line: Line) -> str:
    return text(line.said.fields, "phase") or "unnamed"


def unaccounted(start: datetime, duration: timedelta | None, known: Sequence[Phase]) -> timedelta | None:
    """The reported duration minus the union of the phases; None where either is not known."""
    if duration is None or not _account(known):
        return None
    covered = sum((end - begin for begin, end in _union(known, start, start + duration)), timedelta(0))
    return duration - covered


def gaps(
    start: datetime, end: datetime, known: Sequence[Phase], moments: Sequence[Milestone]
) -> tuple[Gap, ...]:
    """The stretches of a request in no phase, each with what came before it.

    The moment at which the session was completed cuts a gap in two: what comes after it is time in which the
    answer was ready. Without any phase nothing is known about gaps, and none is listed.
    """
    if not _account(known):
        return ()
    cuts = [moment.at for moment in moments if moment.name == COMPLETED]
    begin, found = start, []
    for busy_from, busy_to in [*_union(known, start, end), (end, end)]:
        edges = [begin, *(cut for cut in cuts if begin < cut < busy_from), busy_from]
        found += [(a, b) for a, b in pairwise(edges) if b - a >= SHORTEST_GAP]
        begin = busy_to
    return tuple(Gap(a, b, _before(a, start, known, moments)) for a, b in found)


def _account(known: Sequence[Phase]) -> bool:
    """Whether phases are known that the time of the request may have gone into."""
    return any(phase.name not in OWN_PHASES for phase in known)


def _union(known: Sequence[Phase], start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for begin, until in sorted((max(p.start, start), min(p.seen_until, end)) for p in known):
        if until <= begin:
            continue
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until))
        else:
            merged.append((begin, until))
    return merged


def _before(
    at: datetime, start: datetime, known: Sequence[Phase], moments: Sequence[Milestone]
) -> str | None:
    ends = [(phase.end, phase.name) for phase in known if phase.end is not None and phase.end <= at]
    marks = [(moment.at, moment.name) for moment in moments if start <= moment.at <= at]
    # Of two things at one moment the commit says more.
    return max(ends + marks, default=(at, None), key=lambda pair: (pair[0], pair[1] == COMPLETED))[1]
