"""The engine as an application uses it: async, or blocking."""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import os
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar, get_args

from guards.completion.dispatch import Dispatch
from guards.completion.drivers import Clock, Extract, arun, run
from guards.completion.engine import Parts
from guards.completion.replies import Replies, Reply
from guards.completion.requests import INLINE_OR_DEFER, Policy, Requests, Seen
from guards.completion.states import Job, Session, Turn
from guards.completion.steps import Steps
from guards.completion.store import SessionStore
from guards.completion.times import Times
from guards.completion.workers import Workers
from guards.completion.writes import NO_CHANGES
from guards.errors import BadUsage
from guards.request import deadline as deadline_of_request
from guards.wrapping import is_async

_T = TypeVar("_T")
_log: Final = logging.getLogger("guards.completion")
SECRET: Final = "GUARD_COMPLETION_SECRET"
"""The environment's variable that holds the key of the hashes of turns."""


class _Common:
    """What both have in common: their parts."""

    def __init__(
        self,
        store: SessionStore,
        dispatch: Dispatch,
        extract: Extract,
        *,
        predict: float | Callable[[Session], float],
        policy: Policy | Callable[[Session], Policy] = INLINE_OR_DEFER,
        secret: str | bytes | None = None,
        times: Times | None = None,
        replies: Replies | None = None,
        clock: Clock = time.time,
    ) -> None:
        self.times = times or Times()
        self._extract = extract
        self._clock = clock
        self._secret = _secret(secret)
        parts = Parts(store, dispatch, self.times, clock, lambda: uuid.uuid4().hex)
        self.replies = replies or Replies(retry_after=self.times.retry_after)
        self._requests = Requests(parts, self.replies, _policy(policy), _careful(predict))
        self._workers = Workers(parts)

    def turn(self, session_id: str, *, text: str | None = None, key: str | None = None) -> Turn:
        """What tells this message from others: its text, and the Idempotency-Key if the client sent one."""
        return Turn(self._hash(session_id, "text", text), self._hash(session_id, "key", key))

    def _hash(self, session_id: str, kind: str, said: str | None) -> str | None:
        if said is None:
            return None
        message = "\0".join((session_id, kind, said)).encode("utf-8", "surrogatepass")
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()

    def _deadline(self, left: timedelta | None) -> float:
        """Seconds since 1970: as given, else the request's own; infinity where there is none."""
        if left is not None:
            return self._clock() + left.total_seconds()
        known = deadline_of_request()
        return self._clock() + known.remaining.total_seconds() if known.known else math.inf


class Completion(_Common):
    """Completes sessions so that no success is stranded; see docs/completion.md.

    ``extract`` takes a session's attributes and gives its result, async or not. ``predict`` says how many
    seconds it should take, as a number or from the session: the policy inline-or-defer starts inline only
    what should fit, and nothing where it raises. ``policy`` may be a function of the session, such as
    by_topic gives. ``secret`` keys the hashes of users' texts; the environment's GUARD_COMPLETION_SECRET does
    as well. Times left are the request's own, where a guard's root knows them, unless given.
    """

    async def look(self, session_id: str, turn: Turn | None = None) -> Seen:
        """Before any work for a message: the session, and a reply where there is nothing left to do."""
        return await self._run(self._requests.look(session_id, turn))

    async def save(self, session: Session, changes: Mapping[str, Any], turn: Turn | None = None) -> Seen:
        """Save a session that is as it was read; a reply says that it is not, and what to answer."""
        return await self._run(self._requests.save(session, changes, turn))

    async def finish(
        self,
        session: Session,
        turn: Turn | None = None,
        changes: Mapping[str, Any] = NO_CHANGES,
        *,
        left: timedelta | None = None,
    ) -> Reply:
        """The conversation is over: save its last turn, complete it or see that it will be."""
        return await self._run(self._requests.finish(session, self._deadline(left), turn, changes))

    async def complete(self, session_id: str, *, left: timedelta | None = None, again: bool = False) -> Reply:
        """The client asks for the completion; ``again``: even where all attempts have failed."""
        return await self._run(self._requests.complete(session_id, self._deadline(left), again=again))

    async def status(self, session_id: str, if_none_match: str | None = None) -> Reply:
        """What a polling client is told."""
        return await self._run(self._requests.status(session_id, if_none_match))

    async def work(self, job: Job, *, left: timedelta | None = None) -> bool:
        """A worker's part; False: the queue is to bring the message again."""
        return await self._run(self._workers.work(job, self._deadline(left)))

    async def sweep(self, limit: int = 100) -> int:
        """The sweeper's part: how many jobs it sent once more."""
        return await self._run(self._workers.sweep(limit))

    async def _run(self, steps: Steps[_T]) -> _T:
        return await arun(steps, self._extract, self.times, self._clock)


class BlockingCompletion(_Common):
    """Completion for code without asyncio; the extraction must be a plain function."""

    def __init__(self, store: SessionStore, dispatch: Dispatch, extract: Extract, **options: Any) -> None:
        if is_async(extract):
            raise BadUsage("BlockingCompletion takes a plain function to extract", hint="use Completion")
        super().__init__(store, dispatch, extract, **options)

    def look(self, session_id: str, turn: Turn | None = None) -> Seen:
        """As Completion's."""
        return self._run(self._requests.look(session_id, turn))

    def save(self, session: Session, changes: Mapping[str, Any], turn: Turn | None = None) -> Seen:
        """As Completion's."""
        return self._run(self._requests.save(session, changes, turn))

    def finish(
        self,
        session: Session,
        turn: Turn | None = None,
        changes: Mapping[str, Any] = NO_CHANGES,
        *,
        left: timedelta | None = None,
    ) -> Reply:
        """As Completion's."""
        return self._run(self._requests.finish(session, self._deadline(left), turn, changes))

    def complete(self, session_id: str, *, left: timedelta | None = None, again: bool = False) -> Reply:
        """As Completion's."""
        return self._run(self._requests.complete(session_id, self._deadline(left), again=again))

    def status(self, session_id: str, if_none_match: str | None = None) -> Reply:
        """As Completion's."""
        return self._run(self._requests.status(session_id, if_none_match))

    def work(self, job: Job, *, left: timedelta | None = None) -> bool:
        """As Completion's."""
        return self._run(self._workers.work(job, self._deadline(left)))

    def sweep(self, limit: int = 100) -> int:
        """As Completion's."""
        return self._run(self._workers.sweep(limit))

    def _run(self, steps: Steps[_T]) -> _T:
        return run(steps, self._extract, self.times, self._clock)


def by_topic(
    policies: Mapping[str, Policy], *, otherwise: Policy = INLINE_OR_DEFER
) -> Callable[[Session], Policy]:
    """A policy for each topic.

    >>> choose = by_topic({"goals": "defer"})
    >>> choose(Session.of({"session_id": "sess_1", "topic_id": "goals"}))
    'defer'

    Raises BadUsage for a policy that there is not.
    """
    for policy in (*policies.values(), otherwise):
        _known(policy)
    return lambda session: policies.get(str(session.data.get("topic_id")), otherwise)


def _policy(given: Policy | Callable[[Session], Policy]) -> Callable[[Session], Policy]:
    if callable(given):
        return lambda session: _known(given(session))
    known = _known(given)
    return lambda session: known


def _known(policy: Policy) -> Policy:
    if policy not in get_args(Policy):
        raise BadUsage(f"no policy {policy!r}", hint=f"choose one of: {', '.join(get_args(Policy))}")
    return policy


def _careful(given: float | Callable[[Session], float]) -> Callable[[Session], float]:
    """A prediction that never raises: no turn may be lost since its extraction's time is unknown."""

    def predicted(session: Session) -> float:
        try:
            return float(given(session) if callable(given) else given)
        except Exception as error:
            _log.warning("completion: predict raised %s: a worker extracts", type(error).__name__)
            return math.inf

    return predicted


def _secret(given: str | bytes | None) -> bytes:
    secret = given or os.environ.get(SECRET) or b""
    if len(secret) < 16:
        raise BadUsage(
            "the hashes of users' texts need a key of at least 16 characters",
            hint=f"pass secret=... or set {SECRET}",
        )
    return secret.encode() if isinstance(secret, str) else secret
