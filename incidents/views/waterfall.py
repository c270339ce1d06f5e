"""One request drawn over time: what the client waited for above what the server did.

::

            |0 s      '5        '10       '15       '20       |25   |28 |30
    client  waiting ------------------------------------ 503 at 30.0 s X
    server  A=========== extraction 21.9 s ==========*.. no phase 10.0 s ...]

Zero is when the client began to wait: at the start, or before an init that it
waited for. The marks are those of `guards.limits`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import cycle
from typing import Final

from guards.limits import Limits
from incidents.display import seconds
from incidents.timeline import COMPLETED, Gap, Phase, Request
from incidents.views import Options
from incidents.views.lanes import ASCII, BOXES, Glyphs, Lane, Scale
from incidents.views.rows import Row, Span, Style, packed, packed_once, say

LABEL: Final = 8
"""Columns of the lane's name."""

REFUSED: Final = "request-refused"
NOBODY: Final = "nobody waits"
"""For a worker, such as the function behind a queue."""

_SECOND: Final = timedelta(seconds=1)
_STEPS: Final = tuple(m * 10.0**e for e in range(-3, 12) for m in (1, 2, 5))


def waterfall(request: Request, options: Options, *, brief: bool = False) -> list[Row]:
    """Axis, client, server and the legend of a request; a brief legend takes one row."""
    glyphs = ASCII if options.ascii else BOXES
    scale = _scale(request, max(options.columns - LABEL, 8))
    lanes = (
        ("", _axis(scale, request.gateway.limit, glyphs)),
        ("client", _client(scale, request, glyphs)),
        ("server", _server(scale, request, glyphs, options)),
    )
    for _, lane in lanes[1:]:
        _rule(lane, scale, request.gateway.limit, glyphs)
    drawn = [(Span(f"{name:{LABEL}}", "bold"), *lane.row()) for name, lane in lanes]
    legend = packed_once if brief else packed
    return [*drawn, *legend(_legend(request, glyphs, options), LABEL, options)]


def zero(request: Request) -> datetime:
    """When the client began to wait."""
    try:
        return request.start - request.waited_before
    except OverflowError:  # a clock at the edge of the calendar
        return request.start


def answer(request: Request) -> str:
    """What the client got and when, and how we know."""
    gateway = request.gateway
    if not request.is_asked_for:
        return NOBODY
    if gateway.client_status is None:
        return "answer not known"
    when = "" if gateway.client_latency is None else f" at {seconds(gateway.client_latency)}"
    return f"{gateway.client_status}{when}{', inferred' if gateway.basis == 'inferred' else ''}"


def letter(index: int) -> str:
    """The mark of a phase in lane and legend.

    >>> letter(0), letter(27)
    ('A', 'B')
    """
    return chr(ord("A") + index % 26)


def took(phase: Phase) -> str:
    """A phase's time; an open one is counted to the end seen, and says so."""
    if phase.duration is not None:
        return seconds(phase.duration)
    return f"open after {seconds(phase.seen_until - phase.start)}"


def _scale(request: Request, columns: int) -> Scale:
    start = zero(request)
    latency = request.gateway.client_latency or timedelta(0)
    limit = request.gateway.limit * columns / (columns - 3)  # leaves room for the limit's label
    longest = max(request.last_seen - start, (request.end or start) - start, limit, latency)
    return Scale(start, max(longest, timedelta(milliseconds=1)), columns)


def _marks(limit: timedelta) -> tuple[timedelta, ...]:
    limits = Limits.of(limit)
    return (limits.limit, limits.warning, limits.critical)


def _axis(scale: Scale, limit: timedelta, glyphs: Glyphs) -> Lane:
    lane = Lane(scale.columns)
    lane.write(0, "|0 s", "dim")
    for mark in _marks(limit):
        _mark(lane, scale.after(mark), "|", _number(mark / _SECOND), "yellow")
    step = next((s for s in _STEPS if scale.columns * s * _SECOND >= 9 * scale.span), _STEPS[-1])
    for count in range(1, int(scale.span / _SECOND / step) + 1):
        _mark(lane, scale.after(count * step * _SECOND), glyphs.tick, _number(count * step), "dim")
    return lane


def _mark(lane: Lane, column: int, glyph: str, label: str, style: Style) -> None:
    """The mark with its label to the right, else to the left, else alone, where there is room."""
    length = len(label) + 1
    if lane.free(column, column + length):
        lane.write(column, glyph + label, style)
    elif lane.free(column - length, column + 1):
        lane.write(column - length + 1, label + glyph, style)
    elif lane.free(column, column + 1) and style != "dim":
        lane.write(column, glyph, style)


def _number(value: float) -> str:
    return f"{round(value, 3):g}"


def _client(scale: Scale, request: Request, glyphs: Glyphs) -> Lane:
    lane = Lane(scale.columns)
    if not request.is_asked_for:
        lane.write(0, NOBODY, "dim")
        return lane
    gateway = request.gateway
    known = gateway.client_status is not None and gateway.client_latency is not None
    waited = gateway.client_latency if known and gateway.client_latency else min(scale.span, gateway.limit)
    end = scale.after(waited)
    lane.bar(0, end, glyphs.waits, "dim")
    _say_waiting(lane, end, answer(request))
    glyph, style = _answer_glyph(request, glyphs)
    lane.write(end, glyph, style)
    return lane


def _say_waiting(lane: Lane, end: int, text: str) -> None:
    if end >= len(text) + 3:
        lane.write(end - len(text) - 2, f" {text} ", "bold")
    if end >= len(text) + 14:
        lane.write(0, "waiting ", "")
    if end < len(text) + 3 and end + len(text) + 2 <= len(lane.cells):
        lane.write(end + 2, text, "bold")


def _answer_glyph(request: Request, glyphs: Glyphs) -> tuple[str, Style]:
    status = request.gateway.client_status
    if status is None:
        return "?", "yellow"
    return (glyphs.failed, "alarm") if status >= 400 else (glyphs.answered, "green")


def _server(scale: Scale, request: Request, glyphs: Glyphs, options: Options) -> Lane:
    lane = Lane(scale.columns)
    start, end = scale.column(request.start), scale.column(request.end or request.last_seen)
    known = bool(request.phases or request.gaps)
    lane.bar(start, end, glyphs.runs, "dim", *(() if known else ("no phase known",)))
    if request.init_waited and request.init_duration:
        init = seconds(request.init_duration)
        begin = scale.after(request.waited_before - request.init_duration)
        lane.bar(begin, start, glyphs.init, "cyan", f"init {init}", "init")
    for gap in request.gaps:
        _gap(lane, scale, gap, glyphs)
    for phase, glyph, mark in _painted_phases(request, glyphs):
        _phase(lane, scale, phase, glyph, mark, options)
    for milestone in request.milestones:
        if milestone.name in (COMPLETED, REFUSED):
            glyph = glyphs.commit if milestone.name == COMPLETED else glyphs.failed
            lane.write(scale.column(milestone.at), glyph, "bold")
    lane.write(end, _end_glyph(request, glyphs), "bold")
    return lane


def _gap(lane: Lane, scale: Scale, gap: Gap, glyphs: Glyphs) -> None:
    start, end = scale.column(gap.start), scale.column(gap.end)
    if end > start:  # what is shorter than a column would hide what stands there
        time = seconds(gap.duration)
        lane.bar(start, end, glyphs.gap, "yellow", f"no phase {time}", time)


def _painted_phases(request: Request, glyphs: Glyphs) -> Iterator[tuple[Phase, str, str]]:
    """Phases with glyph and letter, the longest first: a nested one is painted over its parent."""
    lettered = [
        (phase, glyph, letter(index))
        for index, (phase, glyph) in enumerate(zip(request.phases, cycle(glyphs.phases), strict=False))
    ]
    yield from sorted(lettered, key=lambda item: item[0].start - item[0].seen_until)


def _phase(lane: Lane, scale: Scale, phase: Phase, glyph: str, mark: str, options: Options) -> None:
    start, end = scale.column(phase.start), scale.column(phase.end or phase.seen_until)
    lane.bar(start, end, glyph, "cyan", f"{say(phase.name, options)} {took(phase)}", took(phase))
    lane.write(start, mark, "bold")


def _end_glyph(request: Request, glyphs: Glyphs) -> str:
    if request.outcome in ("error", "timeout"):
        return glyphs.failed
    return "?" if request.end is None else glyphs.end


def _rule(lane: Lane, scale: Scale, limit: timedelta, glyphs: Glyphs) -> None:
    """Draw the marks down through what is empty."""
    for mark in _marks(limit):
        if lane.cells[scale.after(mark)] is None:
            lane.cells[scale.after(mark)] = (glyphs.ruler, "dim")


def _legend(request: Request, glyphs: Glyphs, options: Options) -> Iterator[str]:
    for index, phase in enumerate(request.phases):
        yield " ".join(filter(None, (letter(index), *_phase_words(phase, options))))
    for milestone in request.milestones:
        if milestone.name in (COMPLETED, REFUSED):
            glyph = glyphs.commit if milestone.name == COMPLETED else glyphs.failed
            yield f"{glyph} {milestone.name} at {seconds(milestone.at - zero(request))}"
    if request.unaccounted:
        yield f"{glyphs.gap} in no phase {seconds(request.unaccounted)}"
    if request.init_duration:
        waited = "" if request.init_waited else " before it, nobody waited"
        glyph = f"{glyphs.init} " if request.init_waited else ""
        yield f"{glyph}init {seconds(request.init_duration)}{waited}"
    yield f"{_end_glyph(request, glyphs)} {_ending(request, options)}"
    limit, warning, critical = (_number(mark / _SECOND) for mark in _marks(request.gateway.limit))
    yield f"| {warning} s warning, {critical} s critical, {limit} s gateway's limit"


def _phase_words(phase: Phase, options: Options) -> tuple[str, ...]:
    model = say(phase.model or "", options)
    error = "" if phase.error_type is None else f"failed: {say(phase.error_type, options)}"
    return (say(phase.name, options), took(phase), model, error)


def _ending(request: Request, options: Options) -> str:
    if request.end is None:
        return f"end not seen, last line at {seconds(request.last_seen - zero(request))}"
    words = {"ok": "end", "error": "ended in an error", "timeout": "timed out", "unknown": "end"}
    error = "" if request.error_type is None else f" ({say(request.error_type, options)})"
    return f"{words[request.outcome]} at {seconds(request.end - zero(request))}{error}"
