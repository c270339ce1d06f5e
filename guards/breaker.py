"""When to stop waiting for somebody who does not answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

FIRST_S: Final = 5.0
LONGEST_S: Final = 60.0


class Breaker:
    """Closed while all goes well; open after a failure, for a time that doubles with each.

    Open, one may try again when that time is over, without anybody waiting for it; a success closes it.

    >>> now = [0.0]
    >>> breaker = Breaker(lambda: now[0])
    >>> breaker.failed(); breaker.closed, breaker.may_try
    (False, False)
    >>> now[0] = 5.0; breaker.may_try
    True
    >>> breaker.succeeded(); breaker.closed
    True
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pause = FIRST_S
        self._open_until: float | None = None

    @property
    def closed(self) -> bool:
        """Whether it is worth waiting for an answer."""
        return self._open_until is None

    @property
    def may_try(self) -> bool:
        """Whether to call at all."""
        return self._open_until is None or self._clock() >= self._open_until

    @property
    def wait_s(self) -> float:
        """Seconds until one may try."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - self._clock())

    def failed(self) -> None:
        """No answer, a wrong one, or one that took too long."""
        self._open_until = self._clock() + self._pause
        self._pause = min(self._pause * 2, LONGEST_S)

    def succeeded(self) -> None:
        """Answered, and in time."""
        self._open_until = None
        self._pause = FIRST_S
