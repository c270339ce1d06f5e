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
from functools import partial
from typing import Any, Final

from guards import names
from guards.contained import Patience, elsewhere
from guards.measurements import SCOPE, Measurements
from guards.tally import Tally
from guards.traces import Parent

Attributes = Mapping[str, str | bool | int | float]

dropped: Final = Tally()
"""Spans and measurements that could not be begun, ended or sent."""


class Otel:
    """The tracer and the instruments of the providers that the process has configured."""

    def __init__(self, trace: Any, tracer_provider: Any, meter_provider: Any) -> None:
        self._trace = trace
        self._context: Any = None if trace is None else sys.modules["opentelemetry.context"]
        self._internal = None if trace is None else trace.SpanKind.INTERNAL
        self._server = None if trace is None else trace.SpanKind.SERVER
        self.tracer = None if tracer_provider is None else tracer_provider.get_tracer(SCOPE)
        opted_in = os.environ.get("OTEL_SEMCONV_STABILITY_OPT_IN", "")
        self.gen_ai = "gen_ai" in opted_in
        """Whether gen_ai.* attributes are wanted: they are still in development."""
        self.faas = "faas" in opted_in
        self._session_names = (names.OTEL_SESSION_ID, *((names.OTEL_CONVERSATION_ID,) if self.gen_ai else ()))
        self.measurements = Measurements(meter_provider, dropped)
        # The SDK has no public way to ask for a provider's processors. Where its insides look otherwise,
        # spans are made on the other thread, which costs a hop and nothing else.
        holder = getattr(tracer_provider, "_active_span_processor", None)
        self._holder: Any = holder if hasattr(holder, "_span_processors") else _NoHolder
        self._seen: tuple[Any, bool] = (None, False)
        """The processors when they were looked at last, and what was found."""

    def session_attributes(self, session_id: str | None) -> dict[str, str]:
        """The attributes that tie a span to a session."""
        return {} if session_id is None else dict.fromkeys(self._session_names, session_id)

    def begin(
        self,
        name: str,
        patience: Patience,
        attributes: Attributes,
        *,
        server: bool = False,
        parent: Parent | None = None,
    ) -> OpenSpan | None:
        """Open a span and make it the current one; None where there is none, or it could not be had."""
        if self.tracer is None:
            return None
        try:
            kind = self._server if server else self._internal
            context = self._context.get_current()
            if parent is not None:
                context = self._below(parent, context)
            processors, at_once = self._seen
            if processors is not self._holder._span_processors:
                at_once = self._look()
            if at_once:
                span = self.tracer.start_span(name, context, kind)
                # To clean one or two values takes the SDK a third of the time that a mapping of them takes.
                for key, value in attributes.items():
                    span.set_attribute(key, value)
            else:
                # A thread does not inherit the context: it is handed over.
                begin = partial(self.tracer.start_span, name, context, kind, dict(attributes))
                span = patience.spend(elsewhere, begin)
            token = self._context.attach(self._trace.set_span_in_context(span, context))
            return OpenSpan(self, span, token, at_once)
        except Exception:
            dropped.add()
            return None

    def _look(self) -> bool:
        """Whether all that runs when a span begins or ends is known to come back at once.

        What is known looks at nothing but whether the span is sampled: attributes may come later.
        """
        processors = self._holder._span_processors
        try:
            sampler: object = self.tracer.sampler  # type: ignore[union-attr]
            at_once = _is_plain_sampler(sampler) and all(map(_is_plain_processor, processors))
        except Exception:  # what cannot be looked at is not known
            at_once = False
        self._seen = (processors, at_once)
        return at_once

    def _below(self, parent: Parent, context: Any) -> Any:
        """The context with the caller's span in it: where that is known, and there is no other one yet."""
        trace = self._trace
        if parent.span_id is None or trace.get_current_span(context).get_span_context().is_valid:
            return context
        flags = trace.TraceFlags(parent.sampled)
        span = trace.SpanContext(int(parent.trace_id, 16), int(parent.span_id, 16), True, flags)
        return trace.set_span_in_context(trace.NonRecordingSpan(span), context)


class _NoHolder:
    """In the place of a provider's processors, where they cannot be looked at."""

    _span_processors = None


class OpenSpan:
    """A span that is under way in this context."""

    __slots__ = ("_at_once", "_otel", "_span", "_token")

    def __init__(self, otel: Otel, span: Any, token: Any, at_once: bool) -> None:
        self._otel = otel
        self._span = span
        self._token = token
        self._at_once = at_once
        """Whether what is done to it comes back at once; else it is done on a thread of its own."""

    @property
    def trace_id(self) -> str | None:
        """32 hex digits; None where the span has no valid context."""
        try:
            context = self._span.get_span_context()
            return f"{context.trace_id:032x}" if context.is_valid else None
        except Exception:
            return None

    def set(self, attributes: Attributes) -> None:
        """Say more of it."""
        try:
            if self._at_once:
                self._set(attributes)
            else:
                self._elsewhere(None, self._set, attributes)
        except Exception:
            dropped.add()

    def end(
        self, error_type: str | None, attributes: Attributes | None, patience: Patience | None = None
    ) -> None:
        """End it, marked with an error's type name where it failed; wait for that with patience, if any."""
        try:
            self._otel._context.detach(self._token)
        except Exception:
            dropped.add()
        try:
            if not self._at_once:  # it may be a while before the other thread comes to it
                self._elsewhere(patience, self._end, error_type, attributes, time.time_ns())
            elif error_type is None and not attributes:
                self._span.end()
            else:
                self._end(error_type, attributes, None)
        except Exception:
            dropped.add()

    def _end(self, error_type: str | None, attributes: Attributes | None, at: int | None) -> None:
        if attributes:
            self._set(attributes)
        if error_type is not None:
            self._span.set_attribute(names.OTEL_ERROR_TYPE, error_type)
            self._span.set_status(self._otel._trace.StatusCode.ERROR)
        self._span.end(at)

    def _set(self, attributes: Attributes) -> None:
        if self._span.is_recording():  # else the SDK complains in the log of one that has ended
            for name, value in attributes.items():
                self._span.set_attribute(name, value)

    def _elsewhere(self, patience: Patience | None, work: Callable[..., object], *about: Any) -> None:
        """Do it on the other thread: some time, or while patience lasts."""
        if patience is None:
            elsewhere.submit(partial(work, *about))
        else:
            patience.spend(elsewhere, partial(work, *about))


_UNSET: Final = ("ProxyTracerProvider", "NoOpTracerProvider", "_ProxyMeterProvider", "NoOpMeterProvider")
_known: tuple[tuple[Any, Any], Otel | None] = ((None, None), None)


def configured() -> Otel | None:
    """What the process has configured of OpenTelemetry; None where that is nothing. Never raises."""
    global _known
    trace: Any = sys.modules.get("opentelemetry.trace")
    metrics: Any = sys.modules.get("opentelemetry.metrics")
    if trace is None and metrics is None:
        return None
    try:
        try:
            providers = (trace.get_tracer_provider(), metrics.get_meter_provider())
        except AttributeError:  # there is one of them, or one is still being imported on another thread
            providers = (_provider(trace, "get_tracer_provider"), _provider(metrics, "get_meter_provider"))
        known = _known
        if known[0] != providers:
            known = _known = (providers, _otel(trace, *map(_if_set, providers)))
        return known[1]
    except Exception:
        dropped.add()
        return None


def _provider(module: Any, getter: str) -> Any:
    get = getattr(module, getter, None)
    return None if get is None else get()


def _otel(trace: Any, tracer_provider: Any, meter_provider: Any) -> Otel | None:
    nothing = tracer_provider is None and meter_provider is None
    return None if nothing else Otel(trace, tracer_provider, meter_provider)


def _if_set(provider: Any) -> Any:
    """A provider that somebody has set; None for what stands there before."""
    return None if type(provider).__name__ in _UNSET else provider


_PROCESSORS: Final = ("opentelemetry.sdk.trace.export.BatchSpanProcessor", "guards.telemetry.SpanQueue")
_SAMPLERS: Final = "opentelemetry.sdk.trace.sampling"


def _is_plain_processor(processor: object) -> bool:
    kind = type(processor)
    return f"{kind.__module__}.{kind.__name__}" in _PROCESSORS


def _is_plain_sampler(sampler: object) -> bool:
    """Whether it is one of the SDK's, and so are those that it asks."""
    if type(sampler).__module__ != _SAMPLERS:
        return False
    asked = (each for each in vars(sampler).values() if hasattr(each, "should_sample"))
    return all(map(_is_plain_sampler, asked))
