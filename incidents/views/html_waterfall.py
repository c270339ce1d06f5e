"""One request drawn over time, as a table: what the client waited for above what the server did.

Each row says in words what its bar shows, so that nothing is lost without colours, sight or a screen.
Zero is when the client began to wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from guards.limits import Limits
from incidents.display import seconds
from incidents.timeline import Gap, Milestone, Phase, Request
from incidents.views.exports import answered, init_start, waiting_start
from incidents.views.markup import NOTHING, Html, code, element, text
from incidents.views.waterfall import NOBODY, answer

_ROOM = 1.06
"""So much longer than what it shows is the axis."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A row: what, from when to when, and how it is drawn."""

    kind: str
    """The CSS class: client, server, init, phase, gap or moment."""
    name: Html
    start: datetime
    end: datetime | None
    """None for a moment."""
    detail: Html = NOTHING


def waterfall(request: Request) -> Html:
    """The request's table: a group of rows for the client, one for the server."""
    scale = _Scale.of(request)
    return element(
        "div",
        element(
            "table",
            element("caption", text("Seconds since the client began to wait. " + _legend(scale.limits))),
            element("thead", _head(scale)),
            element("tbody", _group("Client"), _row(_client(request), scale)),
            element("tbody", _group("Server"), *(_row(each, scale) for each in _server(request))),
            class_="waterfall",
        ),
        class_="wide",
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where a moment stands between the left and the right end of a bar's cell."""

    zero: datetime
    span: timedelta
    limits: Limits

    @classmethod
    def of(cls, request: Request) -> _Scale:
        zero = waiting_start(request)
        ends = (request.end or request.last_seen, request.last_seen, answered(request) or zero)
        longest = max((end - zero for end in ends), default=timedelta(0))
        longest = max(longest, request.gateway.limit, timedelta(milliseconds=1))
        return cls(zero, longest, Limits.of(request.gateway.limit))

    def percent(self, after: timedelta) -> float:
        """What lies outside stands at the edge."""
        return min(max(after / self.span / _ROOM * 100, 0.0), 100.0)

    def position(self, start: datetime, end: datetime) -> str:
        left, right = self.percent(start - self.zero), self.percent(end - self.zero)
        return f"left:{left:.2f}%;width:{max(right - left, 0.0):.2f}%"


def _marks(limits: Limits) -> tuple[tuple[str, timedelta], ...]:
    return ("warning", limits.warning), ("critical", limits.critical), ("limit", limits.limit)


def _legend(limits: Limits) -> str:
    return (
        f"Lines: {_short(limits.warning)} warning (dotted), {_short(limits.critical)} critical (dashed), "
        f"{_short(limits.limit)} the gateway gives up (solid)."
    )


def _short(duration: timedelta) -> str:
    return f"{duration.total_seconds():g} s"


def _head(scale: _Scale) -> Html:
    labels = (
        element("span", text(_short(at)), class_=f"label {kind}", style=f"left:{scale.percent(at):.2f}%")
        for kind, at in _marks(scale.limits)
    )
    axis = element("th", element("div", *labels, class_="axis"), aria_hidden="true", class_="drawn")
    names = (("What", "name"), ("From", "number"), ("Took", "number"), ("Detail", "detail"))
    return element("tr", *(element("th", text(name), scope="col", class_=kind) for name, kind in names), axis)


def _group(name: str) -> Html:
    return element("tr", element("th", text(name), scope="rowgroup", colspan="5"), class_="lane")


def _row(bar: Bar, scale: _Scale) -> Html:
    took = NOTHING if bar.end is None else text(seconds(max(bar.end - bar.start, timedelta(0))))
    lines = (
        element("i", class_=kind, style=f"left:{scale.percent(at):.2f}%") for kind, at in _marks(scale.limits)
    )
    shape = element("b", class_=bar.kind, style=scale.position(bar.start, bar.end or bar.start))
    return element(
        "tr",
        element("th", bar.name, scope="row"),
        element("td", text(seconds(bar.start - scale.zero)), class_="number"),
        element("td", took, class_="number"),
        element("td", bar.detail),
        element("td", element("div", *lines, shape, class_="track"), aria_hidden="true", class_="drawn"),
    )


def _client(request: Request) -> Bar:
    if not request.is_asked_for:
        return Bar("client", text(NOBODY), request.start, request.start, text("a worker's invocation"))
    end = answered(request)
    kind = "client" if end is not None else "client open"
    name = text("waited" if end is not None else "waited, end not known")
    return Bar(kind, name, waiting_start(request), end or request.last_seen, text(_got(request)))


def _got(request: Request) -> str:
    return answer(request) if request.gateway.client_status is None else f"got {answer(request)}"


def _server(request: Request) -> Iterator[Bar]:
    if init_start(request) != request.start:
        yield Bar("init", text("init"), init_start(request), request.start, text("the request waited for it"))
    end = request.end or request.last_seen
    kind = "server" if request.end is not None else "server open"
    yield Bar(kind, text("request"), request.start, end, _outcome(request))
    parts = (
        *map(_milestone, request.milestones),  # first, for what follows them starts at the same time
        *map(_phase, request.phases),
        *map(_gap, request.gaps),
    )
    yield from sorted(parts, key=lambda bar: bar.start)


def _outcome(request: Request) -> Html:
    words = f"Lambda: {request.outcome}" + (", end not seen" if request.end is None else "")
    status = "" if request.response_status is None else f", the handler answered {request.response_status}"
    return Html(text(words) + _named(" (", request.error_type, ")") + text(status))


def _phase(phase: Phase) -> Bar:
    words = phase.basis + (", still open when last seen" if phase.end is None else "")
    detail = Html(text(words) + _named(", ", phase.model) + _named(", failed: ", phase.error_type))
    kind = "phase" if phase.end is not None else "phase open"
    return Bar(kind, code(phase.name), phase.start, phase.seen_until, detail)


def _gap(gap: Gap) -> Bar:
    after = text("at the start") if gap.after is None else _named("after ", gap.after)
    return Bar("gap", text("in no phase"), gap.start, gap.end, after)


def _milestone(milestone: Milestone) -> Bar:
    return Bar("moment", code(milestone.name), milestone.at, None)


def _named(before: str, name: str | None, after: str = "") -> Html:
    return NOTHING if name is None else Html(text(before) + code(name) + text(after))
