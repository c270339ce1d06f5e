"""The same routes through the completion guard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Final, TypeVar

from examples.coaching_api import llm, settings
from examples.coaching_api.console import Logger
from examples.coaching_api.sessions import now
from examples.coaching_api.settings import scaled
from guards import bind, deadline, phase
from guards.completion import Completion, Job, Outcome, Replies, Reply, Session, by_topic
from guards.completion.dynamodb import DynamoStore
from guards.completion.sqs import SqsDispatch
from guards.completion.writes import Write

_T = TypeVar("_T")
_log: Final = Logger("coaching.src.services.coaching_session_service")
_table: Final = Logger("coaching.src.infrastructure.repositories.dynamodb_coaching_session_repository")


class LoggingStore(DynamoStore):
    """The table, with the API's own line for each write."""

    committed: Session | None = None
    """The session that was completed here last, until somebody has seen to what comes after it."""

    def apply(self, write: Write) -> Outcome:
        """Do one conditional write."""
        outcome = super().apply(write)
        if outcome.took and outcome.session is not None:
            status = outcome.session.status
            _table.info("coaching_session.saved", session_id=write.session_id, status=status)
        return outcome

    def complete(self, session_id: str, owner: str, result: object, now: float) -> Outcome:
        """The commit."""
        outcome = super().complete(session_id, owner, result, now)
        if outcome.took:
            _log.info("coaching_service.session_completed", has_result=True, session_id=session_id)
            self.committed = outcome.session
        return outcome

    async def after_commit(self) -> None:
        """What the API still does after a commit: the ten seconds of the incident that belong to no step.

        Here they have a name. Nobody knows what they were, so that they are given what time there is: a
        request is answered in time, whatever comes after its commit, and a worker has minutes.
        """
        session, self.committed = self.committed, None
        if session is None:
            return
        left = deadline().remaining.total_seconds() - scaled(settings.ANSWER_S)
        async with phase("after-commit"):
            whole = scaled(float(session.data["context"]["after_commit_s"]))
            await asyncio.sleep(max(0.0, min(whole, left)))


class FollowedCompletion(Completion):
    """The engine, and what the API does after a commit, in the request or in the worker that made it."""

    def __init__(self, store: LoggingStore, *parts: Any, **options: Any) -> None:
        super().__init__(store, *parts, **options)
        self._store = store

    async def finish(self, *about: Any, **more: Any) -> Reply:
        """As the engine's."""
        return await self._followed(super().finish(*about, **more))

    async def complete(self, *about: Any, **more: Any) -> Reply:
        """As the engine's."""
        return await self._followed(super().complete(*about, **more))

    async def work(self, job: Job, **more: Any) -> bool:
        """As the engine's."""
        return await self._followed(super().work(job, **more))

    async def _followed(self, work: Awaitable[_T]) -> _T:
        self._store.committed = None
        found = await work
        await self._store.after_commit()
        return found


class GuardedService:
    """What the client is told, it is told in time."""

    def __init__(self) -> None:
        self.completion = FollowedCompletion(
            LoggingStore(settings.TABLE, index="owed"),
            SqsDispatch(settings.QUEUE_URL),
            extract,
            predict=scaled(settings.PREDICTED_S),
            policy=by_topic(settings.policies()),
            times=settings.times(),
            replies=Replies(status_path="/coaching/sessions/{session_id}"),
        )

    async def send_message(self, session_id: str, text: str, conversation_s: float, key: str | None) -> Reply:
        """Answer the user; the last message completes the session, or says where the result will be."""
        bind(session_id=session_id)
        _log.info("coaching_service.send_message", session_id=session_id)
        turn = self.completion.turn(session_id, text=text, key=key)
        seen = await self.completion.look(session_id, turn)
        if seen.reply is not None or seen.session is None:
            return seen.reply or Replies().missing(session_id)
        messages = [*seen.session.data["messages"], {"role": "user", "content": text}]
        async with phase("conversation", model=llm.CONVERSATION_MODEL):
            coach = await llm.converse(messages, conversation_s)
        messages.append({"role": "assistant", "content": coach.reply})
        changes = {"messages": messages, "updated_at": now()}
        if coach.is_final:
            return await self.completion.finish(seen.session, turn, changes)
        saved = await self.completion.save(seen.session, changes, turn)
        return saved.reply or Reply("active", 200, {"status": "active", "message": coach.reply})

    async def complete(self, session_id: str) -> Reply:
        """Complete it because the client asks: the same engine."""
        bind(session_id=session_id)
        _log.info("coaching_service.complete_session", session_id=session_id)
        return await self.completion.complete(session_id)

    async def status(self, session_id: str, if_none_match: str | None) -> Reply:
        """What a polling client is told. Not bound: in a trace polls would hide the few that count."""
        return await self.completion.status(session_id, if_none_match)


async def extract(session: Any) -> dict[str, Any]:
    """The same call as without the guard."""
    seconds = float(session["context"]["extraction_s"])
    async with phase("extraction", model=llm.EXTRACTION_MODEL):
        return await llm.extract(session["messages"], seconds)
