"""Where sessions are kept: eight small operations, each one read or one conditional write."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol

from guards.completion import writes
from guards.completion.states import Job, Session, Turn
from guards.completion.steps import NoAnswer
from guards.completion.writes import Claim, Expected, Outcome, Write


class StoreUnavailable(NoAnswer):
    """The store gave no answer in time; a write may have taken effect, now or later."""


class SessionStore(Protocol):
    """What the engine needs. Every method raises StoreUnavailable where the store gives no answer in time."""

    def load(self, session_id: str) -> Session | None:
        """The session as it stands (a consistent read); None where there is none."""
        ...

    def save(
        self,
        session_id: str,
        changes: Mapping[str, Any],
        expected: Expected,
        token: str | None = None,
        turn: Turn | None = None,
    ) -> Outcome:
        """Change the API's attributes of a session that is as it was read, and active."""
        ...

    def claim(self, session_id: str, claim: Claim, expected: Expected) -> Outcome:
        """Take on the completion of a session that is as it was read."""
        ...

    def renew(self, session_id: str, owner: str, until: float) -> Outcome:
        """Prolong the owner's lease."""
        ...

    def complete(self, session_id: str, owner: str, result: object, now: float) -> Outcome:
        """Store the owner's result."""
        ...

    def fail(self, session_id: str, owner: str, reason: str) -> Outcome:
        """End the owner's and all other attempts."""
        ...

    def release(self, session_id: str, owner: str, until: float) -> Outcome:
        """Leave the work to anybody, from a moment on."""
        ...

    def close(self, session: Session, token: str) -> Outcome:
        """Owe nothing any more for a session that is as it was read: its status is not active."""
        ...

    def lapsed(self, before: float, limit: int) -> list[Job]:
        """Jobs whose lease ended before a moment, at most so many: for the sweeper. May take its time."""
        ...


class ConditionalStore(ABC):
    """A SessionStore from two operations: reading an item, and applying one conditional write."""

    @abstractmethod
    def load(self, session_id: str) -> Session | None:
        """The session as it stands (a consistent read)."""

    @abstractmethod
    def apply(self, write: Write) -> Outcome:
        """Do one conditional write, atomically, or say what stood against it."""

    @abstractmethod
    def lapsed(self, before: float, limit: int) -> list[Job]:
        """Jobs whose lease ended before a moment."""

    def save(
        self,
        session_id: str,
        changes: Mapping[str, Any],
        expected: Expected,
        token: str | None = None,
        turn: Turn | None = None,
    ) -> Outcome:
        """Change the API's attributes of a session that is as it was read, and active."""
        return self.apply(writes.save(session_id, changes, expected, token or uuid.uuid4().hex, turn))

    def claim(self, session_id: str, claim: Claim, expected: Expected) -> Outcome:
        """Take on the completion of a session that is as it was read."""
        return self.apply(writes.claim(session_id, claim, expected))

    def renew(self, session_id: str, owner: str, until: float) -> Outcome:
        """Prolong the owner's lease."""
        return self.apply(writes.renew(session_id, owner, until))

    def complete(self, session_id: str, owner: str, result: object, now: float) -> Outcome:
        """Store the owner's result."""
        return self.apply(writes.complete(session_id, owner, result, now))

    def fail(self, session_id: str, owner: str, reason: str) -> Outcome:
        """End the owner's and all other attempts."""
        return self.apply(writes.fail(session_id, owner, reason))

    def release(self, session_id: str, owner: str, until: float) -> Outcome:
        """Leave the work to anybody, from a moment on."""
        return self.apply(writes.release(session_id, owner, until))

    def close(self, session: Session, token: str) -> Outcome:
        """Owe nothing any more for a session that is as it was read: its status is not active."""
        return self.apply(writes.close(session, token))
