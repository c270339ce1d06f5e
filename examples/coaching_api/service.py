"""The coaching API's own way: all within the request, each save a whole put."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from examples.coaching_api import llm
from examples.coaching_api.console import Logger
from examples.coaching_api.sessions import Item, Sessions, now
from examples.coaching_api.settings import scaled
from guards.completion import Replies, Reply, Session

_log: Final = Logger("coaching.src.services.coaching_session_service")
_routes: Final = Logger("coaching.src.api.routes.coaching_sessions")
_replies: Final = Replies()


class PlainService:
    """No guard: what the client is told, it is told at the end."""

    def __init__(self) -> None:
        self._sessions = Sessions()

    async def send_message(self, session_id: str, text: str, conversation_s: float, key: str | None) -> Reply:
        """Answer the user; the last message completes the session before it is answered."""
        _log.info("coaching_service.send_message", session_id=session_id)
        session = self._sessions.get(session_id)
        if session is None or session["status"] != "active":
            return refused("send_message", session_id, session)
        session["messages"].append({"role": "user", "content": text})
        coach = await llm.converse(session["messages"], conversation_s)
        session["messages"].append({"role": "assistant", "content": coach.reply})
        self._sessions.put(session)
        if coach.is_final:
            _log.info("coaching_service.auto_completion_triggered", session_id=session_id)
            await self._complete(session)
        _routes.info(
            "coaching_sessions.send_message.success", session_id=session_id, status=session["status"]
        )
        return answered(session, coach.reply)

    async def complete(self, session_id: str) -> Reply:
        """Complete it because the client asks."""
        _log.info("coaching_service.complete_session", session_id=session_id)
        session = self._sessions.get(session_id)
        if session is None or session["status"] != "active":
            return refused("complete_session", session_id, session)
        await self._complete(session)
        return answered(session, None)

    async def status(self, session_id: str, if_none_match: str | None) -> Reply:
        """What stands in the table."""
        session = self._sessions.get(session_id)
        return answered(session, None) if session else refused("get_session", session_id, None)

    async def _complete(self, session: Item) -> None:
        script = session["context"]
        result = await llm.extract(session["messages"], float(script["extraction_s"]))
        session |= {
            "status": "completed",
            "extracted_result": result,
            "extraction_model": llm.EXTRACTION_MODEL,
            "completed_at": now(),
        }
        self._sessions.put(session)
        _log.info("coaching_service.session_completed", has_result=True, session_id=session["session_id"])
        # The ten seconds of the incident that belong to no step.
        await asyncio.sleep(scaled(float(script["after_commit_s"])))


def answered(session: Item, reply: str | None) -> Reply:
    """A session as the client is shown it."""
    content: dict[str, Any] = {
        "status": session["status"],
        "session_id": session["session_id"],
        "message": reply,
        "result": session.get("extracted_result"),
    }
    return Reply("completed" if session["status"] == "completed" else "active", 200, content)


def refused(step: str, session_id: str, session: Item | None) -> Reply:
    """SESSION_NOT_ACTIVE, even to the one whose message completed it; 404 where there is no session."""
    if session is None:
        return _replies.missing(session_id)
    _routes.warning(
        f"coaching_sessions.{step}.not_active",
        current_status=session["status"],
        error_code="SESSION_NOT_ACTIVE",
        session_id=session_id,
    )
    return _replies.not_active(session_id, Session.of(session).status)
