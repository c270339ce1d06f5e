"""What a session's item says: the guard's states and attributes, each name written once.

>>> Session.of({"session_id": "sess_1", "status": "active"}).state
'active'
>>> Session.of({"session_id": "sess_1", "status": "completed"}).state
'completed'
>>> Session.of({"session_id": "sess_1", "status": "cancelled", "guard_state": "extracting"}).state
'active'
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

State = Literal["active", "extracting", "completed", "failed"]
ACTIVE: Final = "active"
EXTRACTING: Final = "extracting"
COMPLETED: Final = "completed"
FAILED: Final = "failed"

Item = Mapping[str, Any]
"""A session as the table holds it: the API's attributes and the guard's."""

# The API's own attributes that the guard reads or writes.
SESSION_ID: Final = "session_id"
STATUS: Final = "status"
RESULT: Final = "extracted_result"
COMPLETED_AT: Final = "completed_at"

STATE: Final = "guard_state"
VERSION: Final = "guard_version"
WRITER: Final = "guard_writer"
OWNER: Final = "guard_owner"
LEASE_UNTIL: Final = "guard_lease_until"
JOB: Final = "guard_job"
ATTEMPT: Final = "guard_attempt"
TURN: Final = "guard_turn"
KEY: Final = "guard_key"
RESULT_HASH: Final = "guard_result_hash"
REASON: Final = "guard_reason"
OPEN: Final = "guard_open"

PREFIX: Final = "guard_"


@dataclass(frozen=True, slots=True)
class Turn:
    """What tells one message from another without holding its text: keyed hashes."""

    text: str | None = None
    """Of the message; None where there is none, as with an explicit completion."""
    key: str | None = None
    """Of the Idempotency-Key; None where the client sent none."""


@dataclass(frozen=True, slots=True)
class Job:
    """A completion that is owed: what a queue's message says. The rest stands in the item."""

    session_id: str
    job_id: str


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it was read."""

    session_id: str
    status: str | None
    """The API's own status."""
    state: State
    """The guard's, unless somebody who does not know the guard has ended or paused the session since."""
    version: int | None
    """None: no guarded write yet."""
    writer: str | None
    """Token of the last guarded write."""
    owner: str | None
    """Token of who works on it; None when nobody does."""
    lease_until: float
    """Nobody else takes the work before, in seconds since 1970; 0 where there is no lease."""
    job_id: str | None
    attempt: int
    """How many times its extraction was begun."""
    turn: Turn
    """The completing turn."""
    reason: str | None
    """Why it failed."""
    is_open: bool
    """Whether the sweeper's index has it."""
    data: Item
    """The API's attributes."""

    @classmethod
    def of(cls, item: Item) -> Session:
        """Read an item; one without the guard's attributes is what its status says."""
        status = item.get(STATUS)
        return cls(
            session_id=item[SESSION_ID],
            status=status,
            state=_state(status, item.get(STATE)),
            version=item.get(VERSION),
            writer=item.get(WRITER),
            owner=item.get(OWNER),
            lease_until=item.get(LEASE_UNTIL, 0.0),
            job_id=item.get(JOB),
            attempt=item.get(ATTEMPT, 0),
            turn=Turn(item.get(TURN), item.get(KEY)),
            reason=item.get(REASON),
            is_open=OPEN in item,
            data={name: value for name, value in item.items() if not name.startswith(PREFIX)},
        )

    @property
    def job(self) -> Job:
        """The completion that it owes."""
        return Job(self.session_id, self.job_id or "")

    def is_repeated_by(self, turn: Turn) -> bool:
        """Whether a turn is the completing one once more: the same key, or the same text."""
        same_key = turn.key is not None and turn.key == self.turn.key
        return same_key or (turn.text is not None and turn.text == self.turn.text)


def _state(status: str | None, said: State | None) -> State:
    """The API's status goes first: who sets it need not know the guard's attributes."""
    if status == COMPLETED:
        return COMPLETED
    return said or ACTIVE if status == ACTIVE else ACTIVE


def result_hash(result: object) -> str:
    """SHA-256 of a result as canonical JSON.

    >>> result_hash({"a": 1, "b": 2}) == result_hash({"b": 2, "a": 1})
    True
    """
    text = json.dumps(result, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
