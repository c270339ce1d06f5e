"""Who serves the requests of guards.py, and what must hold between them."""

from __future__ import annotations

from dataclasses import dataclass

from workers import Peer

_POINTS = {"coaching.phase.duration": 2, "coaching.request.duration": 1}
_SPANS = {"spans": 3, **_POINTS}
_ONE = {"spans": 1, "coaching.request.duration": 1}


def _guards(name: str, lines: int, *, sdk: bool, **environ: str) -> Peer:
    return Peer(name, "guards_handler", lines, _SPANS if sdk else {}, sdk=sdk, environ=environ)


def _powertools(name: str, lines: int, which: str) -> Peer:
    return Peer(name, "powertools_handler", lines, {"subsegments": 3}, environ={"BENCHMARK_LINES": which})


def _otel(name: str, made: dict[str, int], points: str) -> Peer:
    return Peer(name, "otel_handler", 0, made, sdk=True, environ={"BENCHMARK_POINTS": points})


def _by_hand(name: str, lines: int, which: str) -> Peer:
    return Peer(name, "by_hand", lines, _SPANS, sdk=True, environ={"BENCHMARK_LINES": which})


def _asgi(name: str, lines: int, made: dict[str, int], middleware: str, *, sdk: bool = False) -> Peer:
    environ = {"BENCHMARK_MIDDLEWARE": middleware}
    return Peer(name, "asgi", lines, {"answers": 1, **made}, sdk=sdk, environ=environ)


FLOOR = Peer("no telemetry", "bare_handler", 0, {})
OURS = _guards("coaching-guard, 6 records", 6, sdk=False)
OURS_FEW = _guards("coaching-guard, start records off", 3, sdk=False, GUARD_START_RECORDS="0")
POWERTOOLS = _powertools("Powertools Logger+Tracer+Metrics, 6 lines and EMF", 7, "all")
POWERTOOLS_FEW = _powertools("Powertools Logger+Tracer+Metrics, 2 lines and EMF", 3, "few")
OTEL = _otel("OpenTelemetry's Lambda instrumentation, 2 spans more", {"spans": 3}, "0")
OTEL_POINTS = _otel("OpenTelemetry's Lambda instrumentation, 2 spans and 3 measurements more", _SPANS, "1")
SDK_OURS = _guards("coaching-guard with the SDK, 6 records", 6, sdk=True)
SDK_OURS_FEW = _guards("coaching-guard with the SDK, start records off", 3, sdk=True, GUARD_START_RECORDS="0")
SDK_ONLY = _guards("coaching-guard with the SDK, records off", 0, sdk=True, GUARD_RECORDS="0")
HAND = _by_hand("by hand with the SDK, no lines", 0, "none")
HAND_FEW = _by_hand("by hand with the SDK, 3 lines", 3, "ends")
HAND_ALL = _by_hand("by hand with the SDK, 6 lines", 6, "all")

HANDLERS = [
    FLOOR,
    OURS,
    OURS_FEW,
    POWERTOOLS,
    POWERTOOLS_FEW,
    OTEL,
    OTEL_POINTS,
    SDK_OURS,
    SDK_OURS_FEW,
    SDK_ONLY,
    HAND,
    HAND_FEW,
    HAND_ALL,
]
RECORDS = (OURS, OURS_FEW)
"""Whose volume of log is told."""
SAME_SPANS = (SDK_OURS, SDK_OURS_FEW, SDK_ONLY, HAND, HAND_FEW, HAND_ALL)
"""Their spans must be equal: names, kinds, parents, attributes."""

ASGI_BARE = _asgi("bare application", 0, {}, "none")
ASGI_OURS = _asgi("GuardMiddleware", 2, {}, "guards")
ASGI_SDK = _asgi("GuardMiddleware with the SDK", 2, _ONE, "guards", sdk=True)
ASGI_HAND = _asgi("by hand with the SDK, one span and one measurement", 0, _ONE, "hand", sdk=True)
ASGI_LINES = _asgi("by hand with the SDK, the same and two lines", 2, _ONE, "hand with lines", sdk=True)
ASGI_OTEL = _asgi("OpenTelemetryMiddleware", 0, {"spans": 3}, "otel", sdk=True)
ASGI = [ASGI_BARE, ASGI_OURS, ASGI_SDK, ASGI_HAND, ASGI_LINES, ASGI_OTEL]


@dataclass(frozen=True)
class Bar:
    """How much one contestant may cost of another."""

    ours: Peer
    theirs: Peer
    most: float | None
    """None: shown, and nothing is asked of it."""
    over: Peer | None = None
    """Only what each costs over this one counts."""


BARS = [
    Bar(OURS, POWERTOOLS, 1 / 3),
    Bar(OURS_FEW, POWERTOOLS_FEW, None),
    Bar(OURS, OTEL_POINTS, 1 / 4),
    Bar(OURS, OTEL, 1 / 4),
    Bar(SDK_ONLY, HAND, 1.15),
    Bar(SDK_OURS_FEW, HAND_FEW, 1.15),
    Bar(SDK_OURS, HAND_ALL, 1.15),
    Bar(SDK_OURS, HAND, None),
    Bar(ASGI_OURS, ASGI_OTEL, 1 / 5, over=ASGI_BARE),
    Bar(ASGI_SDK, ASGI_OTEL, 1 / 5, over=ASGI_BARE),
    Bar(ASGI_HAND, ASGI_OTEL, None, over=ASGI_BARE),
    Bar(ASGI_LINES, ASGI_OTEL, None, over=ASGI_BARE),
    Bar(ASGI_SDK, ASGI_LINES, None, over=ASGI_BARE),
]
