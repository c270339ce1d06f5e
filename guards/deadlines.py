"""When the answer must be out: the sooner of the gateway's patience and Lambda's own.

>>> Deadline.none().remaining == timedelta.max, Deadline.none().known
(True, False)
>>> gone = Deadline("gateway", time.monotonic() - 1)
>>> gone.remaining, gone.known
(datetime.timedelta(0), True)
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from guards.limits import GATEWAY_LIMITS
from guards.names import LimitedBy
from guards.origin import Origin

BELIEVED_AGE_S: Final = 900.0
"""A receive time further back than a Lambda runs is a clock's or a stored test event's, not a gateway's."""

_LIMITS_S: Final = {kind: limit.total_seconds() for kind, limit in GATEWAY_LIMITS.items()}

CLOCKS_AGREE_S: Final = 0.1
"""Two clocks that are kept by NTP may differ so much: not worth a word."""


class Deadline(NamedTuple):
    """A moment on this process's monotonic clock, which no correction of the wall clock moves."""

    limit_by: LimitedBy | None
    """Who gives up then; None: nobody is known to."""
    monotonic: float
    """In seconds of time.monotonic()."""

    @classmethod
    def none(cls) -> Deadline:
        """No deadline is known: outside a request, or where nothing sets one."""
        return cls(None, float("inf"))

    @property
    def known(self) -> bool:
        """Whether there is one at all."""
        return self.limit_by is not None

    @property
    def remaining(self) -> timedelta:
        """Time until then: zero when it is over, timedelta.max when there is no deadline."""
        return timedelta(seconds=max(0.0, self._left)) if self.known else timedelta.max

    @property
    def at(self) -> datetime | None:
        """The same moment on the wall clock; None where there is no deadline."""
        return datetime.fromtimestamp(time.time() + self._left, UTC) if self.known else None

    @property
    def _left(self) -> float:
        """Seconds until then, negative when it is over."""
        return self.monotonic - time.monotonic()


class Budget(NamedTuple):
    """What a request may take: when the gateway's clock began, and when each side gives up."""

    received: float
    """When the gateway received the request, in seconds of time.monotonic()."""
    gateway_limit: float | None
    """The gateway's patience in seconds; None: no gateway waits."""
    deadline: Deadline
    skew_ms: int | None = None
    """How far the receive time was off what is possible; it was then taken for now."""


def budget_of(origin: Origin, limit_ms: float | None, left_ms: float | None) -> Budget:
    """The budget of a request that begins now.

    ``limit_ms`` is the gateway's limit where the function's owner has set it, else the API kind's own is
    taken. ``left_ms`` is what Lambda says is left; None is unknown, 0 is none left.
    """
    now, wall = time.monotonic(), time.time()
    age, skew_ms = _age(origin, wall)
    received = now - age
    gateway_limit = None
    if origin.gateway is not None:
        gateway_limit = _LIMITS_S[origin.gateway] if limit_ms is None else limit_ms / 1000
    own = None if left_ms is None else now + left_ms / 1000
    return Budget(received, gateway_limit, _sooner(received, gateway_limit, own), skew_ms)


def _age(origin: Origin, wall: float) -> tuple[float, int | None]:
    """Seconds since the gateway received the request; 0 and by how much it was off where that cannot be."""
    if origin.received_ms is None:
        return 0.0, None
    age = wall - origin.received_ms / 1000
    if -CLOCKS_AGREE_S <= age <= BELIEVED_AGE_S:
        return max(0.0, age), None
    return 0.0, round(age * 1000)


def _sooner(received: float, gateway_limit: float | None, own: float | None) -> Deadline:
    if gateway_limit is None:
        return Deadline.none() if own is None else Deadline("lambda", own)
    gateway = received + gateway_limit
    return Deadline("lambda", own) if own is not None and own < gateway else Deadline("gateway", gateway)
