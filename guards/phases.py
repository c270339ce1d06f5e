"""Timing the phases of a request: what the time goes into, by name.

A phase writes a line when it begins and one when it ends, so that a process that is killed leaves its open
phase in the log. The second line is a CloudWatch metric too. Where OpenTelemetry is configured, a phase is a
span and a point in the histogram ``coaching.phase.duration`` as well.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from datetime import timedelta
from types import MappingProxyType, TracebackType
from typing import Any, Final, NamedTuple, TypeVar

from guards import lines, names, spans
from guards.contained import Patience
from guards.names import RecordOutcome
from guards.records import About
from guards.request import (
    PATIENCE_S,
    Request,
    current,
    disabled,
    now_ms,
    records_are_written,
    service_name,
    starts_are_written,
)
from guards.safe import Fact, error_type_of, facts, model_name, phase_name
from guards.wrapping import wrapped
from guards.writer import writer

_F = TypeVar("_F", bound=Callable[..., Any])
_Value = str | int | float | bool | None

_parent: ContextVar[tuple[Request | None, int] | None] = ContextVar("guards.phase", default=None)
_outside_ids: Final = itertools.count(1)


class Phase(NamedTuple):
    """A phase that has ended, as tests see it (guards.testing)."""

    name: str
    model: str | None
    duration: timedelta
    outcome: RecordOutcome
    error_type: str | None
    """The exception's type; None where there was none."""
    session_id: str | None
    request_id: str | None
    facts: dict[str, Fact]
    """What it was given or learned, as far as it may leave the process."""


listeners: Final[list[Callable[[Phase], None]]] = []
"""Called with each phase that has ended: for tests."""


class phase:  # reads as a word where it is used, as contextlib's own do
    """A phase of a request: ``with``, ``async with`` or a decorator of a function, sync or async.

    >>> @phase("extraction", model="CLAUDE_3_5_HAIKU")
    ... def extract(text: str) -> int:
    ...     return len(text)

    Phases nest and overlap. One that ends in an exception is marked with the exception's type, be it a
    CancelledError or SystemExit, and the exception goes on its way untouched. Outside a request a phase is
    timed all the same. ``attributes`` may hold anything, but only numbers leave the process unless
    GUARD_SAFE_ATTRIBUTES names others: text could be a user's.
    """

    __slots__ = ("_attributes", "_model", "_name", "_open")

    def __init__(self, name: str, *, model: str | None = None, **attributes: _Value) -> None:
        self._name = name
        self._model = model
        self._attributes = attributes
        self._open: list[OpenPhase] = []

    def __enter__(self) -> OpenPhase:
        """Begin it; gives the phase under way."""
        opened = OpenPhase(self._name, self._model, self._attributes)
        self._open.append(opened)
        opened.begin()
        return opened

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, with the exception that ended it, if any."""
        opened = self._open.pop() if len(self._open) == 1 else self._take()
        opened.end(kind)

    def _take(self) -> OpenPhase:
        """The one that began here: several tasks may be in one phase object, and leave it in any order."""
        for opened in reversed(self._open):
            if opened.is_innermost:
                self._open.remove(opened)
                return opened
        return self._open.pop()

    async def __aenter__(self) -> OpenPhase:
        """As ``with``."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """As ``with``."""
        self.__exit__(kind, error, trace)

    def __call__(self, function: _F) -> _F:
        """The function, each of whose calls is a phase of its own."""
        return wrapped(function, lambda: phase(self._name, model=self._model, **self._attributes))


def _parent_id(request: Request | None) -> int | None:
    """The phase of the request that this code stands in; None where that has ended or is of another."""
    outer = _parent.get()
    if outer is None or outer[0] is not request:
        return None
    # A generator that is closed inside a phase of its user leaves itself behind as that one's outer phase.
    return outer[1] if request is None or outer[1] in request.open_phases else None


class OpenPhase:
    """A phase under way: what ``with phase(...) as p`` gives."""

    _request: Request | None = None
    _number = 0
    _start = 0.0
    _start_at: str | None = None
    """The moment as records have it; None where there are none of this phase."""
    _facts: Mapping[str, Fact] = MappingProxyType({})
    _otel: spans.Otel | None = None
    _span: spans.OpenSpan | None = None
    _token: Token[tuple[Request | None, int] | None] | None = None

    def __init__(self, name: str, model: str | None, attributes: dict[str, _Value]) -> None:
        self._name = phase_name(name)
        self._model = model_name(model)
        if attributes:
            self._facts = facts(attributes)

    @property
    def is_innermost(self) -> bool:
        """Whether it is the phase that the code which asks stands in."""
        inner = _parent.get()
        return inner is not None and inner[0] is self._request and inner[1] == self._number

    def set(self, *, model: str | None = None, **learned: _Value) -> None:
        """What it learns while it runs: the model that answered, ``input_tokens``, ``output_tokens``, ..."""
        if model is not None:
            self._model = model_name(model)
        if learned:
            self._facts = {**self._facts, **facts(learned)}

    def begin(self) -> None:
        """Start the clock, say so. Never raises."""
        # Each call less shows in what a request costs (benchmarks/guards.py), here and where it ends.
        self._start = time.perf_counter()
        try:
            request = self._request = current()
            if request is None and disabled():
                return
            self._number = next(_outside_ids) if request is None else request.enter(self._name)
            if records_are_written() if request is None else request.records:
                self._start_at = lines.moment(now_ms())
                if starts_are_written() if request is None else request.starts:
                    self._record_start(self._start_at)
            self._token = _parent.set((request, self._number))
            otel = self._otel = spans.configured() if request is None else request.otel
            if otel is not None:
                patience = Patience(PATIENCE_S) if request is None else request.patience
                self._span = otel.begin(self._name, patience, self._span_attributes(otel))
        except Exception:
            writer.dropped.add()

    def end(self, kind: type[BaseException] | None) -> None:
        """Stop the clock, say how it ended. Never raises."""
        seconds = time.perf_counter() - self._start
        if not self._number:
            return
        try:
            error_type = None if kind is None else error_type_of(kind)
            if self._request is not None:
                self._request.open_phases.pop(self._number, None)
            if self._token is not None:
                try:  # noqa: SIM105  # contextlib.suppress takes as long as the rest of this function
                    _parent.reset(self._token)
                except ValueError:  # it ends in another task or thread than it began in
                    pass
            if self._start_at is not None:
                self._record_end(self._start_at, seconds, error_type)
            otel = self._otel
            if otel is not None:
                otel.measurements.record_phase(seconds, self._name, error_type)
                if self._span is not None:
                    known = self._late_attributes(otel.gen_ai) if self._facts or otel.gen_ai else None
                    self._span.end(error_type, known)
            if listeners:
                self._tell(seconds, error_type)
        except Exception:
            writer.dropped.add()

    def _record_start(self, at: str) -> None:
        parent_id = _parent_id(self._request)
        writer.write(lines.phase_start(self._about(), at, self._name, self._number, parent_id, self._model))

    def _record_end(self, start: str, seconds: float, error_type: str | None) -> None:
        writer.write(
            lines.phase_end(
                self._about(),
                now_ms(),
                self._name,
                self._number,
                start,
                seconds * 1000,
                _outcome(error_type),
                error_type,
                self._model,
                self._recorded_facts() if self._facts else None,
            )
        )

    def _recorded_facts(self) -> dict[str, int | float]:
        known = ((name, self._facts.get(name)) for name in names.PHASE_FACTS)
        return {name: value for name, value in known if type(value) in (int, float)}  # type: ignore[misc]

    def _tell(self, seconds: float, error_type: str | None) -> None:
        request = self._request
        ended = Phase(
            self._name,
            self._model,
            timedelta(seconds=seconds),
            _outcome(error_type),
            error_type,
            None if request is None else request.session_id,
            None if request is None else request.request_id,
            dict(self._facts),
        )
        for listener in tuple(listeners):
            listener(ended)

    def _about(self) -> str:
        if self._request is not None:
            return self._request.about
        return lines.about_text(About(service_name(), None))

    def _span_attributes(self, otel: spans.Otel) -> dict[str, Any]:
        attributes: dict[str, Any] = {names.OTEL_PHASE: self._name}
        if self._request is not None:
            attributes |= self._request.session_attributes
        if otel.gen_ai and self._model is not None:
            attributes[names.OTEL_REQUEST_MODEL] = self._model
        return attributes

    def _late_attributes(self, gen_ai: bool) -> dict[str, Any]:
        """What it has learned; the model may have been set after the beginning."""
        attributes: dict[str, Any] = {}
        if gen_ai and self._model is not None:
            attributes[names.OTEL_REQUEST_MODEL] = self._model
        for name, value in self._facts.items():
            known = names.OTEL_FACTS.get(name) if gen_ai else None
            attributes[known or f"{names.OTEL_PHASE}.{name}"] = value
        return attributes


def _outcome(error_type: str | None) -> RecordOutcome:
    return "ok" if error_type is None else "error"
