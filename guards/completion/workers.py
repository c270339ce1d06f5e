"""What a worker and the sweeper do: W1 to W8, S1 and S2 of docs/completion.md."""

from __future__ import annotations

from typing import Final

from guards.completion.dispatch import DispatchFailed
from guards.completion.engine import LATE, LOST, Engine
from guards.completion.states import EXTRACTING, Job, Session
from guards.completion.steps import Do, Done, Raised, Steps
from guards.completion.writes import Claim, Expected

REFUSED_PAUSE_S: Final = 5.0
UNANSWERED: Final = "ended without an answer"
"""Why it failed, where every attempt was begun and the last one died, or was the request's own."""
MOST_TRIES_S: Final = 60.0
"""A result that cannot be stored is held on to so long where no deadline is known."""


class Workers(Engine):
    """The engine as workers use it."""

    def work(self, job: Job, deadline: float) -> Steps[bool]:
        """Do a job; whether its message is done with. False: the queue is to bring it again."""
        found = yield from self._try("W1 load", lambda: (self.store.load(job.session_id),))
        if found is None:
            return False
        [session] = found
        if session is None or not session.is_open:
            return True
        if self._is_live(session):
            return (yield from self._send_on(session))
        if session.state != EXTRACTING:
            return (yield from self._close(session))
        return (yield from self._take(session, deadline))

    def sweep(self, limit: int) -> Steps[int]:
        """Send every job whose lease is long over; how many there were.

        Raises NoAnswer where the store cannot say, or a queue did not take one: a sweeper that fails unseen
        is none.
        """
        before = self.clock() - self.times.sweep
        jobs: list[Job] = yield Do("S1 find", lambda: self.store.lapsed(before, limit), patient=True)
        sent = 0
        for job in jobs:
            sent += yield from self._send("S2 send", job, 0.0)
        if sent < len(jobs):
            raise DispatchFailed(
                f"{len(jobs) - sent} of {len(jobs)} jobs that are owed could not be sent",
                hint="check the queue and the sweeper's permissions; the next sweep finds them again",
            )
        return sent

    def _send_on(self, session: Session) -> Steps[bool]:
        """A copy that comes later in place of this message: waiting must not count as a failed delivery."""
        return (yield from self._send_after_lease("W2 send on", session))

    def _close(self, session: Session) -> Steps[bool]:
        """Somebody who does not know the guard has ended the session: it is owed no more."""
        token = self.token()
        outcome = yield from self._try("W2 close", lambda: self.store.close(session, token))
        return outcome is not None

    def _take(self, session: Session, deadline: float) -> Steps[bool]:
        token, session_id, expected = self.token(), session.session_id, Expected.of(session)
        lease_until = self.clock() + self.times.lease
        claim = Claim(token, session.job.job_id, session.attempt + 1, lease_until, True)
        outcome = yield from self._try("W3 claim", lambda: self.store.claim(session_id, claim, expected))
        if outcome is None:
            return False
        if outcome.session is None or outcome.session.state != EXTRACTING:
            return True
        if not outcome.took:
            return (yield from self._send("W3 send on", session.job, REFUSED_PAUSE_S))
        return (yield from self._hold(outcome.session, token, deadline))

    def _hold(self, session: Session, owner: str, deadline: float) -> Steps[bool]:
        if session.attempt > self.times.attempts:
            return (yield from self._fail(session, owner, UNANSWERED))
        stop_at = deadline - self.times.hand_over
        found = yield from self._extracted(session, owner, stop_at, renewing=True)
        if found == LOST:
            return True
        if isinstance(found, Done):
            until = min(deadline, self.clock() + MOST_TRIES_S)
            stored = yield from self._completed("W7 complete", session, owner, found.result, until)
            return stored is not None
        return (yield from self._try_later(session, owner, _reason(found)))

    def _try_later(self, session: Session, owner: str, reason: str) -> Steps[bool]:
        if session.attempt >= self.times.attempts:
            return (yield from self._fail(session, owner, reason))
        pause = self.times.pause_after(session.attempt)
        session_id, until = session.session_id, self.clock() + pause
        outcome = yield from self._try("W8 release", lambda: self.store.release(session_id, owner, until))
        if outcome is not None and not outcome.took:
            return True
        return (yield from self._send("W8 send", session.job, pause))

    def _fail(self, session: Session, owner: str, reason: str) -> Steps[bool]:
        outcome = yield from self._try("W4 fail", lambda: self.store.fail(session.session_id, owner, reason))
        return outcome is not None


def _reason(found: object) -> str:
    return found.error_type if isinstance(found, Raised) else LATE
