"""Spans and metrics through OpenTelemetry's API, where the process has configured it, and never in the way.

Nothing of OpenTelemetry is imported here: where nobody else has, nobody can have configured it. Whatever
goes wrong inside it is contained: the handler's result, or its exception, is not touched. Processors that
are known not to block are called where the phase ends; all others on a thread of their own, waited for with
bounded patience.

Exceptions are marked on spans by their type's name alone: their texts and stacks hold users' words.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from guards import names
from guards.contained import Contained, Patience, elsewhere
from guards.limits import HISTOGRAM_EDGES_S
from guards.names import Mark
from guards.tally import Tally
from guards.traces import Parent

Attributes = Mapping[str, str | bool | int | float]

_SCOPE: Final = "coaching-guard"
dropped: Final = Tally()
"""Spans that could not be begun, ended or sent."""


class Otel:
    """The tracer and the instruments of the providers that the process has configured."""

    def __init__(self, trace: Any, tracer_provider: Any, meter_provider: Any) -> None:
        self._trace = trace
        self._context: Any = None if trace is None else sys.modules["opentelemetry.context"]
        self._kinds = None if trace is None else (trace.SpanKind.INTERNAL, trace.SpanKind.SERVER)
        self.providers = (tracer_provider, meter_provider)
        self.tracer = None if tracer_provider is None else tracer_provider.get_tracer(_SCOPE)
        opted_in = os.environ.get("OTEL_SEMCONV_STABILITY_OPT_IN", "")
        self.gen_ai = "gen_ai" in opted_in
        """Whether gen_ai.* attributes are wanted: they are still in development."""
        self.faas = "faas" in opted_in
        self._instruments = None if meter_provider is None else _Instruments(meter_provider)
        self._metrics_elsewhere = not type(meter_provider).__module__.startswith("opentelemetry.sdk.metrics")

    @property
    def contained(self) -> Contained | None:
        """The thread that spans are made on; None where no processor can block."""
        return None if self.tracer is None or _never_blocks(self.providers[0]) else elsewhere

    def record_phase(self, seconds: float, phase: str, error_type: str | None) -> None:
        """Count a phase into the histogram."""
        if self._instruments is not None:
            attributes = {names.OTEL_PHASE: phase}
            if error_type is not None:
                attributes[names.OTEL_ERROR_TYPE] = error_type
            self._measure(self._instruments.phase_duration.record, seconds, attributes)

    def record_request(self, seconds: float, error_type: str | None) -> None:
        """Count a request into the histogram."""
        if self._instruments is not None:
            self._measure(self._instruments.request_duration.record, seconds, _error(error_type))

    def count_past(self, mark: Mark) -> None:
        """Count a request that is past a mark and still running."""
        if self._instruments is not None:
            self._measure(self._instruments.requests_past.add, 1, {names.OTEL_MARK: mark})

    def _measure(
        self, measure: Callable[[Any, Attributes | None], object], value: float, attributes: Attributes | None
    ) -> None:
        try:
            if self._metrics_elsewhere:
                elsewhere.submit(lambda: measure(value, attributes))
            else:
                measure(value, attributes)
        except Exception:
            dropped.add()

    def begin(
        self,
        name: str,
        patience: Patience,
        *,
        server: bool = False,
        parent: Any = None,
        attributes: Attributes | None = None,
    ) -> OpenSpan | None:
        """Open a span and make it the current one; None where there is none, or it could not be had."""
        tracer, kinds = self.tracer, self._kinds
        if tracer is None or kinds is None:
            return None
        kind = kinds[server]
        try:
            context = None if parent is None else self._parent_context(parent)
            contained = self.contained
            if contained is None:
                span = tracer.start_span(name, context, kind, attributes)
            else:
                # A thread does not inherit the context: it is handed over.
                context = context or self._context.get_current()
                span = patience.spend(contained, lambda: tracer.start_span(name, context, kind, attributes))
            token = self._context.attach(self._trace.set_span_in_context(span))
        except Exception:
            dropped.add()
            return None
        return OpenSpan(self, span, token, contained)

    def span_context(self, parent: Parent) -> Any:
        """A caller's span as OpenTelemetry knows it; None where only its trace is known."""
        if parent.span_id is None or self._trace is None:
            return None
        flags = self._trace.TraceFlags(1 if parent.sampled else 0)
        return self._trace.SpanContext(int(parent.trace_id, 16), int(parent.span_id, 16), True, flags)

    def _parent_context(self, parent: Any) -> Any:
        """The context to begin in; None for the current one, which wins where it has a span."""
        if self._trace.get_current_span().get_span_context().is_valid:
            return None
        return self._trace.set_span_in_context(self._trace.NonRecordingSpan(parent))


class OpenSpan:
    """A span that is under way in this context."""

    __slots__ = ("_contained", "_otel", "_span", "_token")

    def __init__(self, otel: Otel, span: Any, token: Any, contained: Contained | None) -> None:
        self._otel = otel
        self._span = span
        self._token = token
        self._contained = contained

    @property
    def trace_id(self) -> str | None:
        """32 hex digits; None where the span has no valid context."""
        try:
            context = self._span.get_span_context()
            return f"{context.trace_id:032x}" if context.is_valid else None
        except Exception:
            return None

    def bind(self, session_id: str | None) -> None:
        """Say whose session it is."""
        self._do(lambda: self._set(session_attributes(self._otel, session_id)))

    def end(self, error_type: str | None, attributes: Attributes, patience: Patience | None = None) -> None:
        """End it, marked with an error's type name where it failed; wait for that with patience, if any."""
        try:
            self._otel._context.detach(self._token)
        except Exception:
            dropped.add()
        if self._contained is None:
            try:
                self._end(error_type, attributes, None)
            except Exception:
                dropped.add()
            return
        at = time.time_ns()  # it may be a while before the other thread comes to it
        self._do(lambda: self._end(error_type, attributes, at), patience)

    def _end(self, error_type: str | None, attributes: Attributes, at: int | None) -> None:
        if self._span.is_recording():
            self._set(attributes)
            if error_type is not None:
                self._span.set_attribute(names.OTEL_ERROR_TYPE, error_type)
                self._span.set_status(self._otel._trace.StatusCode.ERROR)
        self._span.end(at)

    def _set(self, attributes: Attributes) -> None:
        # To clean one or two values takes the SDK a third of the time that a mapping of them takes.
        for name, value in attributes.items():
            self._span.set_attribute(name, value)

    def _do(self, work: Any, patience: Patience | None = None) -> None:
        try:
            if self._contained is None:
                work()
            elif patience is None:
                self._contained.submit(work)
            else:
                patience.spend(self._contained, work)
        except Exception:
            dropped.add()


class _Instruments:
    def __init__(self, meter_provider: Any) -> None:
        meter = meter_provider.get_meter(_SCOPE)
        edges = list(HISTOGRAM_EDGES_S)
        self.phase_duration = meter.create_histogram(
            names.OTEL_PHASE_DURATION,
            unit="s",
            description="Duration of a phase of a request.",
            explicit_bucket_boundaries_advisory=edges,
        )
        self.request_duration = meter.create_histogram(
            names.OTEL_REQUEST_DURATION,
            unit="s",
            description="Duration of a request in its handler.",
            explicit_bucket_boundaries_advisory=edges,
        )
        self.requests_past = meter.create_counter(
            names.OTEL_REQUESTS_PAST,
            unit="{request}",
            description="Requests past a mark of the gateway's limit while still running.",
        )


def session_attributes(otel: Otel, session_id: str | None) -> dict[str, str]:
    """The attributes that tie a span to a session."""
    if session_id is None:
        return {}
    if not otel.gen_ai:
        return {names.OTEL_SESSION_ID: session_id}
    return {names.OTEL_SESSION_ID: session_id, names.OTEL_CONVERSATION_ID: session_id}


_known: Otel | None = None


def configured() -> Otel | None:
    """What the process has configured of OpenTelemetry; None where that is nothing. Never raises."""
    global _known
    trace, metrics = sys.modules.get("opentelemetry.trace"), sys.modules.get("opentelemetry.metrics")
    if trace is None and metrics is None:
        return None
    try:
        tracer_provider = _set(trace, "get_tracer_provider", "ProxyTracerProvider", "NoOpTracerProvider")
        meter_provider = _set(metrics, "get_meter_provider", "_ProxyMeterProvider", "NoOpMeterProvider")
        if tracer_provider is None and meter_provider is None:
            return None
        known = _known
        if known is None or known.providers != (tracer_provider, meter_provider):
            known = _known = Otel(trace, tracer_provider, meter_provider)
        return known
    except Exception:
        dropped.add()
        return None


def _set(module: Any, getter: str, *unset: str) -> Any:
    """A provider that somebody has set."""
    # A module that is still being imported on another thread has not got all its names.
    get = getattr(module, getter, None)
    provider = None if get is None else get()
    return None if provider is None or type(provider).__name__ in unset else provider


def _error(error_type: str | None) -> dict[str, str] | None:
    # None is dealt with sooner than a mapping of nothing.
    return None if error_type is None else {names.OTEL_ERROR_TYPE: error_type}


_TRUSTED: Final = ("opentelemetry.sdk.trace.export.BatchSpanProcessor", "guards.telemetry.SpanQueue")
_SDK: Final = "opentelemetry.sdk.trace"
_seen: tuple[Any, bool] = (None, False)


def _never_blocks(provider: Any) -> bool:
    """Whether all that a provider runs when a span begins or ends is known to come back at once.

    The SDK has no public way to ask; where its insides look otherwise, the answer is no, which costs a hop
    to another thread and nothing else.
    """
    global _seen
    try:
        processors = provider._active_span_processor._span_processors
    except AttributeError:
        return False
    known = _seen
    if known[0] is not processors:
        sampler = type(getattr(provider, "sampler", None))
        trusted = sampler.__module__.startswith(_SDK) and all(map(_is_trusted, processors))
        known = _seen = (processors, trusted)
    return known[1]


def _is_trusted(processor: object) -> bool:
    kind = type(processor)
    return f"{kind.__module__}.{kind.__name__}" in _TRUSTED
