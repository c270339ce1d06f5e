"""Every write of the protocol as data: what it sets, and the conditions under which alone it may.

A store only has to apply one such write to one item, atomically. docs/completion.md has them in words.

>>> save("sess_1", {"title": "Goals"}, Expected(version=4), token="t").conditions[0]
Condition(attribute='guard_version', allowed=(4,))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from guards.completion.states import (
    ACTIVE,
    ATTEMPT,
    COMPLETED,
    COMPLETED_AT,
    EXTRACTING,
    FAILED,
    JOB,
    KEY,
    LEASE_UNTIL,
    OPEN,
    OWNER,
    PREFIX,
    REASON,
    RESULT,
    RESULT_HASH,
    SESSION_ID,
    STATE,
    STATUS,
    TURN,
    VERSION,
    WRITER,
    Item,
    Session,
    Turn,
    result_hash,
)
from guards.errors import BadUsage

Operation = Literal["save", "claim", "renew", "complete", "fail", "release", "close"]
NO_CHANGES: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Condition:
    """An attribute must have one of these values; None among them: it may be absent."""

    attribute: str
    allowed: tuple[Any, ...]

    def holds(self, item: Item) -> bool:
        """Whether it does, in an item."""
        return item.get(self.attribute) in self.allowed


@dataclass(frozen=True, slots=True)
class Write:
    """One conditional update of one item."""

    operation: Operation
    session_id: str
    token: str
    """Says whose write it is: a refused one whose token stands in the item took effect."""
    conditions: tuple[Condition, ...]
    """All must hold."""
    sets: Mapping[str, Any]
    removes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a write."""

    took: bool
    """Whether it took effect, now or when it was sent before."""
    session: Session | None
    """As it stands after the write, or stood when it was refused; None: there is no such item."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a writer read before."""

    version: int | None
    """None: the item had no guarded write yet."""

    @classmethod
    def of(cls, session: Session) -> Expected:
        """The session as it was read."""
        return cls(session.version)


@dataclass(frozen=True, slots=True)
class Claim:
    """Taking on a completion."""

    token: str
    job_id: str
    attempt: int
    lease_until: float
    """In seconds since 1970."""
    held: bool
    """Whether work begins now. False: the job is noted, and anybody may take it when the lease is over."""
    turn: Turn | None = None
    """The completing turn; None: as it stands in the item."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """The API's attributes that change with it."""


def save(
    session_id: str, changes: Mapping[str, Any], expected: Expected, token: str, turn: Turn | None = None
) -> Write:
    """The API's own change of an active session; ``turn`` is its last one, where the conversation is over."""
    exists = Condition(SESSION_ID, (session_id,))  # an update of what is gone would make an item of its own
    conditions = (_version(expected), Condition(STATE, (None, ACTIVE)), exists)
    sets = {**_checked(changes), **_turn(turn), STATE: ACTIVE}
    forgotten = tuple(
        name for name in (TURN, KEY) if name not in sets
    )  # another turn than the last is the last
    return Write("save", session_id, token, conditions, sets, forgotten)


def claim(session_id: str, claim: Claim, expected: Expected) -> Write:
    """State, owner, lease, job, attempt, turn and the API's changes at once."""
    sets = {
        **_checked(claim.changes),
        **_turn(claim.turn),
        **({OWNER: claim.token} if claim.held else {}),
        STATE: EXTRACTING,
        LEASE_UNTIL: claim.lease_until,
        JOB: claim.job_id,
        ATTEMPT: claim.attempt,
        OPEN: "1",
    }
    removes = (REASON,) if claim.held else (REASON, OWNER)
    # The status too: somebody who knows no versions may cancel it, and an item that is gone has none.
    conditions = (Condition(STATUS, (ACTIVE,)), _version(expected))
    return Write("claim", session_id, f"{claim.token}.claim", conditions, sets, removes)


def renew(session_id: str, owner: str, until: float) -> Write:
    """A longer lease."""
    return Write("renew", session_id, f"{owner}.renew", _owned(owner), {LEASE_UNTIL: until})


def complete(session_id: str, owner: str, result: object, now: float) -> Write:
    """The result, once and for all."""
    sets = {
        STATE: COMPLETED,
        STATUS: COMPLETED,
        RESULT: result,
        RESULT_HASH: result_hash(result),
        COMPLETED_AT: datetime.fromtimestamp(now, UTC).isoformat(),
    }
    # The status too: what somebody else has cancelled or completed meanwhile stays so.
    conditions = (Condition(STATUS, (ACTIVE,)), *_owned(owner))
    return Write("complete", session_id, f"{owner}.complete", conditions, sets, (OWNER, OPEN))


def fail(session_id: str, owner: str, reason: str) -> Write:
    """The end of all attempts."""
    return Write(
        "fail", session_id, f"{owner}.fail", _owned(owner), {STATE: FAILED, REASON: reason}, (OWNER, OPEN)
    )


def release(session_id: str, owner: str, until: float) -> Write:
    """The work is anybody's from then on."""
    return Write("release", session_id, f"{owner}.release", _owned(owner), {LEASE_UNTIL: until}, (OWNER,))


def close(session: Session, token: str) -> Write:
    """Nothing is owed any more: somebody who knows no versions has ended or paused the session."""
    conditions = (_version(Expected.of(session)), Condition(STATUS, (session.status,)))
    return Write(
        "close", session.session_id, f"{token}.close", conditions, {STATE: session.state}, (OWNER, OPEN)
    )


def applied(write: Write, item: Item | None) -> dict[str, Any] | None:
    """The item after a write; None where a condition forbids it: for stores that hold items themselves."""
    before = item or {}
    if not all(condition.holds(before) for condition in write.conditions):
        return None
    kept = {name: value for name, value in before.items() if name not in write.removes}
    version = before.get(VERSION, 0) + 1
    return {SESSION_ID: write.session_id, **kept, **write.sets, WRITER: write.token, VERSION: version}


def judged(write: Write, item: Item | None) -> Outcome:
    """What a refusal means, from the item as it stands: refused, or taken effect when it was sent before."""
    session = Session.of(item) if item else None
    return Outcome(session is not None and session.writer == write.token, session)


def _version(expected: Expected) -> Condition:
    return Condition(VERSION, (expected.version,))


def _owned(owner: str) -> tuple[Condition, ...]:
    return (Condition(OWNER, (owner,)),)


def _turn(turn: Turn | None) -> dict[str, Any]:
    if turn is None:
        return {}
    return {name: value for name, value in ((TURN, turn.text), (KEY, turn.key)) if value is not None}


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The API's changes without the key, which cannot change, and what belongs to the guard."""
    if changes.get(STATUS) == COMPLETED:
        raise BadUsage(
            "a save must not set the status to completed",
            hint="call finish(), which stores the result with it",
        )
    return {
        name: value for name, value in changes.items() if name != SESSION_ID and not name.startswith(PREFIX)
    }
