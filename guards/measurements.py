"""What is measured through OpenTelemetry's API: how long phases and requests take, which run too long."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from guards import names
from guards.contained import elsewhere
from guards.limits import HISTOGRAM_EDGES_S
from guards.names import Mark
from guards.tally import Tally

SCOPE: Final = "coaching-guard"
"""Whose spans and measurements they are."""
_PHASE: Final = names.OTEL_PHASE
_ERROR_TYPE: Final = names.OTEL_ERROR_TYPE
_Measure = Callable[[Any, Any], object]


class Measurements:
    """The instruments of a meter provider, if there is one. What fails in them is contained and counted."""

    def __init__(self, meter_provider: Any, dropped: Tally) -> None:
        self._dropped = dropped
        self._phase: _Measure = _nothing
        self._request: _Measure = _nothing
        self._past: _Measure = _nothing
        if meter_provider is not None:
            self._set_up(meter_provider)

    def _set_up(self, meter_provider: Any) -> None:
        meter = meter_provider.get_meter(SCOPE)
        edges = list(HISTOGRAM_EDGES_S)
        phase_duration = meter.create_histogram(
            names.OTEL_PHASE_DURATION,
            unit="s",
            description="Duration of a phase of a request.",
            explicit_bucket_boundaries_advisory=edges,
        )
        request_duration = meter.create_histogram(
            names.OTEL_REQUEST_DURATION,
            unit="s",
            description="Duration of a request in its handler.",
            explicit_bucket_boundaries_advisory=edges,
        )
        requests_past = meter.create_counter(
            names.OTEL_REQUESTS_PAST,
            unit="{request}",
            description="Requests past a mark of the gateway's limit while still running.",
        )
        known = type(meter_provider).__module__.startswith("opentelemetry.sdk.metrics")
        where = _here if known else _elsewhere
        self._phase, self._request, self._past = map(
            where, (phase_duration.record, request_duration.record, requests_past.add)
        )

    def record_phase(self, seconds: float, phase: str, error_type: str | None) -> None:
        """Count a phase into the histogram."""
        try:
            self._phase(
                seconds, {_PHASE: phase} if error_type is None else {_PHASE: phase, _ERROR_TYPE: error_type}
            )
        except Exception:
            self._dropped.add()

    def record_request(self, seconds: float, error_type: str | None) -> None:
        """Count a request into the histogram."""
        try:  # no attributes at all are dealt with sooner than a mapping of none
            self._request(seconds, None if error_type is None else {_ERROR_TYPE: error_type})
        except Exception:
            self._dropped.add()

    def count_past(self, mark: Mark) -> None:
        """Count a request that is past a mark and still running."""
        try:
            self._past(1, {names.OTEL_MARK: mark})
        except Exception:
            self._dropped.add()


def _nothing(value: float, attributes: object) -> None: ...


def _here(measure: _Measure) -> _Measure:
    return measure


def _elsewhere(measure: _Measure) -> _Measure:
    """On the other thread: what an SDK that is not OpenTelemetry's own does is not known to come back."""
    return lambda value, attributes: elsewhere.submit(partial(measure, value, attributes))
