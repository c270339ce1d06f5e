"""What requests and workers have in common: their parts, and the work itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from guards.completion.dispatch import Dispatch
from guards.completion.states import Job, Session
from guards.completion.steps import Do, Done, NoAnswer, Pause, Raised, Start, Steps, Stop, Wait
from guards.completion.store import SessionStore
from guards.completion.times import Times
from guards.completion.writes import Outcome

_T = TypeVar("_T")

Ended = Literal["late", "lost"]
LATE: Final = "late"
"""The extraction was stopped, since time was up."""
LOST: Final = "lost"
"""The extraction was stopped, since somebody else has taken over."""
BETWEEN_TRIES_S: Final = 0.25
EARLY_S: Final = 1.0
"""A message that waits for a lease comes so much later than its end: queues deliver a little early."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the engine works with."""

    store: SessionStore
    dispatch: Dispatch
    times: Times
    clock: Callable[[], float]
    """Seconds since 1970."""
    token: Callable[[], str]
    """A new text each time, never given twice by anybody."""


class Engine:
    """The steps that requests and workers share."""

    def __init__(self, parts: Parts) -> None:
        self.store = parts.store
        self.dispatch = parts.dispatch
        self.times = parts.times
        self.clock = parts.clock
        self.token = parts.token

    def _try(self, name: str, work: Callable[[], _T]) -> Steps[_T | None]:
        """What a call gives; None where it gave no answer, and may have taken effect or will."""
        try:
            return (yield Do(name, work))  # type: ignore[no-any-return]
        except NoAnswer:
            return None

    def _send(self, name: str, job: Job, delay: float) -> Steps[bool]:
        """Whether a queue took the job."""
        try:
            yield Do(name, lambda: self.dispatch.send(job, max(0.0, delay)))
        except NoAnswer:
            return False
        return True

    def _send_after_lease(self, name: str, session: Session) -> Steps[bool]:
        """Whether a queue took the job, to come when the lease is over."""
        return (yield from self._send(name, session.job, session.lease_until - self.clock() + EARLY_S))

    def _is_live(self, session: Session) -> bool:
        """Whether its work is somebody's, or not to be done yet."""
        return session.lease_until > self.clock()

    def _extracted(
        self, session: Session, owner: str, stop_at: float, *, renewing: bool
    ) -> Steps[Done | Raised | Ended]:
        """Extract until a moment, keeping the lease if asked."""
        yield Start(session.data)
        renew_at = self.clock() + self.times.renew if renewing else math.inf
        while True:
            found: Done | Raised | None = yield Wait(min(stop_at, renew_at))
            if found is not None:
                return found
            if self.clock() >= stop_at:
                yield Stop()
                return LATE
            if not (yield from self._renewed(session, owner)):
                yield Stop()
                return LOST
            renew_at = self.clock() + self.times.renew

    def _renewed(self, session: Session, owner: str) -> Steps[bool]:
        """False where the lease is certainly lost; an unanswered renewal is tried again next time."""
        until = self.clock() + self.times.lease
        outcome = yield from self._try("W6 renew", lambda: self.store.renew(session.session_id, owner, until))
        return outcome is None or outcome.took

    def _completed(
        self, name: str, session: Session, owner: str, result: object, until: float
    ) -> Steps[Outcome | None]:
        """Store the result, again until a moment where there is no answer; None: it is not known."""
        while True:
            outcome = yield from self._try(
                name, lambda: self.store.complete(session.session_id, owner, result, self.clock())
            )
            if outcome is not None or self.clock() + BETWEEN_TRIES_S + self.times.write > until:
                return outcome
            yield Pause(BETWEEN_TRIES_S)
