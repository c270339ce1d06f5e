"""What a request does: R1 to R8 of docs/completion.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from guards.completion.engine import LOST, Engine, Parts
from guards.completion.replies import Replies, Reply
from guards.completion.states import ACTIVE, COMPLETED, EXTRACTING, FAILED, Session, Turn
from guards.completion.steps import Done, Raised, Steps
from guards.completion.writes import NO_CHANGES, Claim, Expected, Outcome

Policy = Literal["inline-or-defer", "defer", "explicit"]
INLINE_OR_DEFER: Final = "inline-or-defer"
"""Extract within the request if it should fit; hand over in time where it does not."""
DEFER: Final = "defer"
"""A worker extracts, always."""
EXPLICIT: Final = "explicit"
"""The client asks for the completion with a request of its own, which then extracts inline or defers."""

TRIES_WITHOUT_DEADLINE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A session as it was found, and what there is to answer about it already."""

    session: Session | None
    reply: Reply | None
    """None: go on, with the session."""


class Requests(Engine):
    """The engine as requests use it."""

    def __init__(
        self,
        parts: Parts,
        replies: Replies,
        policy: Callable[[Session], Policy],
        predict: Callable[[Session], float],
    ) -> None:
        super().__init__(parts)
        self.replies = replies
        self.policy = policy
        self.predict = predict

    def look(self, session_id: str, turn: Turn | None) -> Steps[Seen]:
        """R1, before any work is done for a message."""
        session, reply = yield from self._load(session_id)
        if session is None or reply is not None:
            return Seen(None, reply)
        if session.state != ACTIVE or session.status != ACTIVE:
            return Seen(session, (yield from self._meet(session, session_id, turn)))
        if turn is not None and session.is_repeated_by(turn):
            return Seen(session, self.replies.ready(session_id))
        return Seen(session, None)

    def save(
        self, session: Session, changes: Mapping[str, Any], turn: Turn | None, *, last: bool = False
    ) -> Steps[Seen]:
        """The API's own save; a reply says that it did not take place, and what to answer to the turn."""
        token, expected, session_id = self.token(), Expected.of(session), session.session_id
        kept = turn if last else None
        outcome = yield from self._try(
            "save", lambda: self.store.save(session_id, changes, expected, token, kept)
        )
        outcome = outcome or (yield from self._look_again(session_id, token))
        if outcome is None:
            return Seen(session, self.replies.unavailable(session_id))
        if not outcome.took:
            return Seen(outcome.session, (yield from self._meet(outcome.session, session_id, turn)))
        return Seen(outcome.session, None)

    def finish(
        self, session: Session, deadline: float, turn: Turn | None, changes: Mapping[str, Any]
    ) -> Steps[Reply]:
        """R2 to R8, for the turn that ends the conversation."""
        if session.state != ACTIVE:
            return (yield from self._meet(session, session.session_id, turn))
        policy = self.policy(session)
        if policy == EXPLICIT:
            saved = yield from self.save(session, changes, turn, last=True)
            return saved.reply or self.replies.ready(session.session_id)
        return (yield from self._begin(session, deadline, policy, turn, changes))

    def complete(self, session_id: str, deadline: float, *, again: bool = False) -> Steps[Reply]:
        """R1 to R8, for a completion that the client asks for; again: also where all attempts have failed."""
        session, reply = yield from self._load(session_id)
        if session is None or reply is not None:
            return reply or self.replies.missing(session_id)
        may_begin = session.state == ACTIVE or (again and session.state == FAILED)
        if not may_begin or session.status != ACTIVE:
            return (yield from self._meet(session, session_id, None))
        policy = self.policy(session)
        return (yield from self._begin(session, deadline, policy, None, NO_CHANGES))

    def status(self, session_id: str, if_none_match: str | None) -> Steps[Reply]:
        """What a polling client is told."""
        session, reply = yield from self._load(session_id)
        if reply is not None and session is None and reply.kind == "unavailable":
            return reply
        return self.replies.status(session, session_id, if_none_match)

    def _load(self, session_id: str) -> Steps[tuple[Session | None, Reply | None]]:
        found = yield from self._try("R1 load", lambda: (self.store.load(session_id),))
        if found is None:
            return None, self.replies.unavailable(session_id)
        [session] = found
        return session, None if session is not None else self.replies.missing(session_id)

    def _begin(
        self, session: Session, deadline: float, policy: Policy, turn: Turn | None, changes: Mapping[str, Any]
    ) -> Steps[Reply]:
        inline = policy != DEFER and self._fits(session, deadline)
        claim = self._claim(session, deadline, inline, turn, changes)
        expected, session_id = Expected.of(session), session.session_id
        outcome = yield from self._try("R2 claim", lambda: self.store.claim(session_id, claim, expected))
        outcome = outcome or (yield from self._look_again(session_id, f"{claim.token}.claim"))
        if outcome is None:
            return self.replies.unavailable(session_id)
        if not outcome.took or outcome.session is None:
            return (yield from self._meet(outcome.session, session_id, turn))
        if inline:
            return (yield from self._inline(outcome.session, claim.token, deadline, turn))
        return self._pending_if(session_id, (yield from self._send("R3 send", outcome.session.job, 0.0)))

    def _fits(self, session: Session, deadline: float) -> bool:
        """Whether the extraction should be over in time, a write before it included."""
        expected_end = self.clock() + self.times.write + self.predict(session)
        return expected_end <= deadline - self.times.hand_over

    def _claim(
        self, session: Session, deadline: float, inline: bool, turn: Turn | None, changes: Mapping[str, Any]
    ) -> Claim:
        now, token = self.clock(), self.token()
        # A far deadline, Lambda's own or none, must not make a dead process's work wait so long.
        lease_until = min(deadline, now + self.times.lease) + self.times.skew if inline else now
        return Claim(token, f"job_{token}", int(inline), lease_until, inline, turn, changes)

    def _look_again(self, session_id: str, token: str) -> Steps[Outcome | None]:
        """What became of a write that gave no answer; None where the store is still out of reach."""
        session = yield from self._try("look again", lambda: self.store.load(session_id))
        return None if session is None else Outcome(session.writer == token, session)

    def _inline(self, session: Session, owner: str, deadline: float, turn: Turn | None) -> Steps[Reply]:
        sent = yield from self._send_after_lease("R3 send", session)
        stop_at = deadline - self.times.hand_over
        renewing = session.lease_until < deadline
        found = yield from self._extracted(session, owner, stop_at, renewing=renewing)
        if isinstance(found, Done):
            return (yield from self._answer(session, owner, found.result, deadline, sent, turn))
        pause = self.times.pause_after(session.attempt) if isinstance(found, Raised) else 0.0
        return (yield from self._hand_over(session, owner, pause, sent and found != LOST, turn))

    def _answer(
        self, session: Session, owner: str, result: object, deadline: float, sent: bool, turn: Turn | None
    ) -> Steps[Reply]:
        until = min(deadline - self.times.answer, self.clock() + TRIES_WITHOUT_DEADLINE_S)
        outcome = yield from self._completed("R6 complete", session, owner, result, until)
        if outcome is None:
            return self._pending_if(session.session_id, sent)
        if outcome.took and outcome.session is not None:
            return self.replies.completed(outcome.session, replayed=False)
        return (yield from self._meet(outcome.session, session.session_id, turn))

    def _hand_over(
        self, session: Session, owner: str, pause: float, sent: bool, turn: Turn | None
    ) -> Steps[Reply]:
        session_id, until = session.session_id, self.clock() + pause
        outcome = yield from self._try("R7 release", lambda: self.store.release(session_id, owner, until))
        if outcome is not None and not outcome.took:
            return (yield from self._meet(outcome.session, session_id, turn))
        again = yield from self._send("R8 send", session.job, pause)
        return self._pending_if(session_id, again or sent)

    def _pending_if(self, session_id: str, sent: bool) -> Reply:
        """Pending is answered only where a queue took the job."""
        return self.replies.pending(session_id) if sent else self.replies.unavailable(session_id)

    def _meet(self, session: Session | None, session_id: str, turn: Turn | None) -> Steps[Reply]:
        """What to answer about a session that is somebody else's, or nobody's any more."""
        if session is None:
            return self.replies.missing(session_id)
        if session.state == COMPLETED:
            return self._meet_completed(session, turn)
        if session.state == FAILED:
            return self.replies.failed(session)
        if session.state == EXTRACTING:
            if self._is_at_work(session):
                return self.replies.pending(session_id)
            delay = session.lease_until - self.clock()
            return self._pending_if(session_id, (yield from self._send("R1 send", session.job, delay)))
        if session.status != ACTIVE:
            return self.replies.not_active(session_id, session.status)
        return self.replies.unavailable(session_id)

    def _is_at_work(self, session: Session) -> bool:
        """Whether somebody is, and so has seen to a message or will."""
        return session.owner is not None and self._is_live(session)

    def _meet_completed(self, session: Session, turn: Turn | None) -> Reply:
        if turn is None or session.is_repeated_by(turn):
            return self.replies.completed(session, replayed=True)
        return self.replies.conflict(session.session_id)
