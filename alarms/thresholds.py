"""The numbers of the alarms, from ``guards.limits``: when a duration is too long, and how long to look back.

>>> from alarms.inputs import FunctionInput, HttpApi, ServiceInput
>>> durations(ServiceInput(FunctionInput("coaching-api", timeout_s=300), HttpApi("abc123")))
Durations(warning_ms=25000, critical_ms=28000, limit_ms=30000)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from alarms.inputs import ServiceInput
from guards.errors import BadUsage
from guards.limits import Limits

PERIOD_S: Final = 60
"""Lambda and API Gateway publish a datapoint a minute."""

_LEAST_MS: Final = 1000
"""Below it a duration is taken for seconds: no gateway gives up within one."""


@dataclass(frozen=True, slots=True)
class Durations:
    """The marks of one service, in ms: CloudWatch's unit for Duration."""

    warning_ms: float
    critical_ms: float
    limit_ms: float
    """The gateway gives up here."""


def durations(service: ServiceInput) -> Durations:
    """The marks of a service. They follow from the gateway's limit, never from the function's timeout.

    Raises BadUsage where a mark is in seconds, out of order, at or above the limit, or never reached.
    """
    limits = Limits.of(timedelta(milliseconds=service.api.integration_timeout_ms))
    marks = Durations(
        warning_ms=_ms(limits.warning) if service.warning_ms is None else service.warning_ms,
        critical_ms=_ms(limits.critical) if service.critical_ms is None else service.critical_ms,
        limit_ms=_ms(limits.limit),
    )
    for name, value in (("warning_ms", marks.warning_ms), ("critical_ms", marks.critical_ms)):
        _check(name, value, service, marks.limit_ms)
    if marks.warning_ms >= marks.critical_ms:
        raise BadUsage(
            f"warning_ms is {marks.warning_ms:g} and critical_ms {marks.critical_ms:g}",
            hint="a warning must come before it is critical: write the smaller one as warning_ms",
        )
    return marks


def periods_spanning(delay: timedelta) -> int:
    """How many periods to look back so that a datapoint that arrives late is still seen.

    A datapoint can arrive after newer ones; an alarm that looks at the newest alone never sees it.

    >>> periods_spanning(timedelta(seconds=300))
    7
    """
    return math.ceil(delay / timedelta(seconds=PERIOD_S)) + 2


def _check(name: str, value: float, service: ServiceInput, limit_ms: float) -> None:
    if not value >= _LEAST_MS:  # so that NaN is refused too
        raise BadUsage(
            f"{name} is {value:g}, and CloudWatch counts Duration in ms: every request would be over it",
            hint=f"for {value:g} s write {value * 1000:.0f}",
        )
    if value >= limit_ms:
        raise BadUsage(
            f"{name} is {value:g}, and the gateway gives up at {limit_ms:g} ms: the client is lost by then",
            hint=f"write less than {limit_ms:g}, or leave {name} out",
        )
    timeout_ms = service.function.timeout_s * 1000
    if value >= timeout_ms:
        raise BadUsage(
            f"{service.function.function_name} ends at its own timeout of {timeout_ms} ms, "
            f"and could never pass {name} = {value:g}",
            hint=f"write {name} below {timeout_ms}, or correct timeout_s",
        )


def _ms(duration: timedelta) -> int:
    return round(duration / timedelta(milliseconds=1))
