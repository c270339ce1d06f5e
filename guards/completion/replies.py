"""What a client is answered, as data, and thin helpers that send it.

>>> reply = Replies(retry_after=2).pending("sess_1")
>>> reply.status, reply.headers
(202, (('content-type', 'application/json'), ('cache-control', 'no-store'), ('retry-after', '2')))
>>> for_lambda(reply)["body"]
'{"status":"pending","session_id":"sess_1"}'
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal

from guards.completion.states import COMPLETED, EXTRACTING, FAILED, RESULT, Session

Kind = Literal[
    "completed", "pending", "conflict", "failed", "ready", "active", "not_active", "missing", "unavailable"
]
REPLAYED: Final = "idempotent-replayed"
"""This header says that the result is an earlier request's."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    kind: Kind
    status: int
    """HTTP's."""
    content: Mapping[str, Any]
    extra: tuple[tuple[str, str], ...] = ()
    """Headers of its own."""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """All headers; names in lower case."""
        common = (("content-type", "application/json"), ("cache-control", "no-store"))
        return (*common, *self.extra)

    @property
    def body(self) -> bytes:
        """The content as JSON; empty where there is none to send."""
        if self.status == 304:
            return b""
        return json.dumps(self.content, separators=(",", ":"), default=_plain).encode()


@dataclass(frozen=True, slots=True)
class Replies:
    """Makes replies; subclass it to give them an API's own envelope."""

    retry_after: int = 2
    """In seconds."""
    status_path: str | None = None
    """Where a session's status is asked for, with ``{session_id}`` in it; None: it is not told."""
    result_name: str = field(default="result")
    """The result's name in the answer."""

    def completed(self, session: Session, *, replayed: bool) -> Reply:
        """The result, as the table holds it."""
        content = self._content(
            "completed", session.session_id, **{self.result_name: session.data.get(RESULT)}
        )
        return Reply("completed", 200, content, ((REPLAYED, "true"),) if replayed else ())

    def pending(self, session_id: str) -> Reply:
        """The result is on its way."""
        extra = (("retry-after", str(self.retry_after)), *self._location(session_id))
        return Reply("pending", 202, self._content("pending", session_id), extra)

    def conflict(self, session_id: str) -> Reply:
        """Another message than the completing one, for a session that is completed."""
        content = self._content("completed", session_id, code="SESSION_COMPLETED")
        return Reply("conflict", 409, content, self._location(session_id))

    def failed(self, session: Session) -> Reply:
        """All attempts failed."""
        code = "SESSION_COMPLETION_FAILED"
        content = self._content("failed", session.session_id, code=code, reason=session.reason)
        return Reply("failed", 409, content)

    def ready(self, session_id: str) -> Reply:
        """The conversation is over; the client is to ask for the completion."""
        return Reply("ready", 200, self._content("ready", session_id))

    def active(self, session_id: str) -> Reply:
        """The conversation goes on."""
        return Reply("active", 200, self._content("active", session_id))

    def not_active(self, session_id: str, status: str | None) -> Reply:
        """It is paused, cancelled or abandoned: never completed."""
        code = "SESSION_NOT_ACTIVE"
        return Reply("not_active", 400, self._content(str(status), session_id, code=code))

    def missing(self, session_id: str) -> Reply:
        """There is no such session."""
        return Reply("missing", 404, self._content("missing", session_id, code="SESSION_NOT_FOUND"))

    def unavailable(self, session_id: str) -> Reply:
        """Nothing can be said now: the client is to try again."""
        content = self._content("unavailable", session_id, code="TRY_AGAIN")
        return Reply("unavailable", 503, content, (("retry-after", str(self.retry_after)),))

    def status(self, session: Session | None, session_id: str, if_none_match: str | None = None) -> Reply:
        """What a polling client is told, with an ETag; 304 where it knows already."""
        if session is None:
            return self.missing(session_id)
        etag = etag_of(session)
        reply = self._status(session)
        if if_none_match is not None and etag in _tags(if_none_match):
            return Reply(reply.kind, 304, {}, (("etag", etag), *reply.extra))
        return Reply(reply.kind, 200, reply.content, (("etag", etag), *reply.extra))

    def _status(self, session: Session) -> Reply:
        if session.state == COMPLETED:
            return self.completed(session, replayed=False)
        if session.state == FAILED:
            return self.failed(session)
        if session.state == EXTRACTING:
            return self.pending(session.session_id)
        if session.status == "active":
            return self.active(session.session_id)
        return self.not_active(session.session_id, session.status)

    def _content(self, status: str, session_id: str, **more: Any) -> dict[str, Any]:
        return {"status": status, "session_id": session_id, **more}

    def _location(self, session_id: str) -> tuple[tuple[str, str], ...]:
        if self.status_path is None:
            return ()
        return (("location", self.status_path.format(session_id=session_id)),)


def etag_of(session: Session) -> str:
    """Changes when what a poller is told changes: a renewed lease is not news, another failure is."""
    return f'"{session.state}-{session.status}-{session.version if session.state == FAILED else 0}"'


def _tags(if_none_match: str) -> list[str]:
    """The tags, without the mark of weak ones: what is between may have weakened ours."""
    return [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]


def for_lambda(reply: Reply) -> dict[str, Any]:
    """The reply as a Lambda handler gives it to an API Gateway."""
    return {"statusCode": reply.status, "headers": dict(reply.headers), "body": reply.body.decode()}


def for_asgi(
    reply: Reply,
) -> Callable[[Any, Any, Callable[[MutableMapping[str, Any]], Awaitable[None]]], Awaitable[None]]:
    """The reply as an ASGI application of its own."""

    async def app(
        scope: Any, receive: Any, send: Callable[[MutableMapping[str, Any]], Awaitable[None]]
    ) -> None:
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    return app


def _plain(value: object) -> object:
    """Values as boto3's resources read them, and what JSON does not know."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    return str(value)
