"""The protocol with one of its conditions or rules taken away: each must break a promise in some world."""

from __future__ import annotations

from typing import Any

from guards.completion.engine import Engine
from guards.completion.replies import Reply
from guards.completion.requests import Requests
from guards.completion.states import Session, Turn
from guards.completion.steps import Done, Raised, Start, Steps, Wait
from guards.completion.workers import Workers
from guards.completion.writes import Outcome

CONDITIONS = (
    ("save", "session_id"),
    ("save", "guard_state"),
    ("save", "guard_version"),
    ("claim", "status"),
    ("claim", "guard_version"),
    ("renew", "guard_owner"),
    ("complete", "status"),
    ("complete", "guard_owner"),
    ("fail", "guard_owner"),
    ("release", "guard_owner"),
    ("close", "guard_version"),
    ("close", "status"),
)
"""Every condition of every write; a test compares them with the writes themselves."""


class TakesLiveLeases(Workers):
    """W2 left out: a worker does not care whether somebody is at work."""

    def _is_live(self, session: Session) -> bool:
        return False


class LeavesOpenWhatEnded(Workers):
    """W2 without close: what somebody else ended is found by every sweep, before all that is owed."""

    def _close(self, session: Session) -> Steps[bool]:
        return True
        yield


class ForgetsWhoWaits(Workers):
    """W2 without the copy: a message that meets a live lease is deleted."""

    def _send_on(self, session: Session) -> Steps[bool]:
        return True
        yield


class ForgetsTheNextAttempt(Workers):
    """W8 without the copy: the work is released, and nobody is told."""

    def _try_later(self, session: Session, owner: str, reason: str) -> Steps[bool]:
        until = self.clock()
        yield from self._try("W8 release", lambda: self.store.release(session.session_id, owner, until))
        return True


class NeverFails(Workers):
    """W4 and the end of W8 left out: a poison job is tried for ever."""

    def _hold(self, session: Session, owner: str, deadline: float) -> Steps[bool]:
        self.times = type(self.times)(attempts=10**9, pause=0.1)
        return (yield from super()._hold(session, owner, deadline))


class NeverRenews(Workers):
    """W6 without renewals: the lease runs out under a worker that is well."""

    def _renewed(self, session: Session, owner: str) -> Steps[bool]:
        return True
        yield


class IsSureOfWhatItDoesNotKnow(Workers):
    """W7 without an answer taken for a yes."""

    def _completed(self, *about: Any) -> Steps[Outcome | None]:
        return (yield from super()._completed(*about)) or Outcome(True, None)


class PendingWithoutMessage(Requests):
    """R3 and R8 unchecked: pending is answered whether or not a queue took the job."""

    def _pending_if(self, session_id: str, sent: bool) -> Reply:
        return self.replies.pending(session_id)


class InlineWithoutMessage(Requests):
    """R3 left out of the inline way: the job is in the item only."""

    def _send_after_lease(self, name: str, session: Session) -> Steps[bool]:
        return True
        yield


class HandsOverToItself(Requests):
    """R7 and R8 left out: the task that is left running is taken for the hand-over."""

    def _hand_over(self, session: Session, owner: str, pause: float, sent: bool, turn: Any) -> Steps[Reply]:
        return self.replies.pending(session.session_id)
        yield


class HandsOverWithoutMessage(Requests):
    """R8 left out, and R3 as well: released, and nobody is told."""

    def _send(self, name: str, job: Any, delay: float) -> Steps[bool]:
        return True
        yield


class WaitsForever(Requests):
    """R5 without its end: the extraction is waited for, however long it takes."""

    def _extracted(self, session: Session, owner: str, stop_at: float, *, renewing: bool) -> Any:
        yield Start(session.data)
        while True:
            found: Done | Raised | None = yield Wait(stop_at + 1000.0)
            if found is not None:
                return found


class AnswersUnstored(Requests):
    """R6 unchecked: the result is answered whether or not it was stored."""

    def _answer(
        self, session: Session, owner: str, result: object, deadline: float, sent: bool, turn: Turn | None
    ) -> Steps[Reply]:
        yield from self._completed("R6 complete", session, owner, result, self.clock())
        content = {"status": "completed", "result": result}
        return Reply("completed", 200, content)


class DoesNotWakeAnybody(Requests):
    """R1 without its message: a job whose message was never sent waits for ever."""

    def _is_at_work(self, session: Session) -> bool:
        return True


class RefusesCompleted(Requests):
    """The API as it was: a completed session is not active, says the retry."""

    def _meet_completed(self, session: Session, turn: Turn | None) -> Reply:
        return self.replies.not_active(session.session_id, session.status)


class ClaimsBlindly(Requests):
    """R2 from what is there now instead of what was read."""

    def finish(  # noqa: D102  # as its parent's
        self, session: Session, deadline: float, turn: Any, changes: Any
    ) -> Steps[Reply]:
        now = yield from self._try("reads again", lambda: self.store.load(session.session_id))
        return (yield from super().finish(now or session, deadline, turn, changes))


ENGINES: tuple[type[Engine], ...] = (
    TakesLiveLeases,
    LeavesOpenWhatEnded,
    ForgetsWhoWaits,
    ForgetsTheNextAttempt,
    NeverFails,
    NeverRenews,
    IsSureOfWhatItDoesNotKnow,
    PendingWithoutMessage,
    InlineWithoutMessage,
    HandsOverToItself,
    HandsOverWithoutMessage,
    WaitsForever,
    AnswersUnstored,
    DoesNotWakeAnybody,
    RefusesCompleted,
    ClaimsBlindly,
)
