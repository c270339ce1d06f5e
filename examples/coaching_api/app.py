"""The coaching API's twin: its routes, its table, its logging, and models that take as long as they are told.

    handler   the API's Lambda
    worker    the Lambda behind the queue of completions, where the guard is on

The guard is on where COMPLETION_POLICIES is set; then each topic that it names has its policy.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import FastAPI, Header, Request, Response
from mangum import Mangum
from pydantic import BaseModel

from examples.coaching_api import settings
from examples.coaching_api.console import Logger
from guards import GuardMiddleware, guard_handler
from guards.completion import Reply, worker_handler

_log: Final = Logger("coaching.src.api.middleware.logging")
_routes: Final = Logger("coaching.src.api.routes.coaching_sessions")

app = FastAPI()


class Message(BaseModel):
    """What a user says."""

    session_id: str
    text: str


class Ending(BaseModel):
    """Which session the client wants completed."""

    session_id: str


@app.post("/coaching/message")
async def send_message(
    message: Message,
    idempotency_key: Annotated[str | None, Header()] = None,
    x_twin_conversation: Annotated[float, Header()] = 0.3,
) -> Response:
    """One turn; how long the conversation's model takes, the twin's client says."""
    _routes.info("coaching_sessions.send_message", session_id=message.session_id)
    return sent(
        await service.send_message(message.session_id, message.text, x_twin_conversation, idempotency_key)
    )


@app.post("/coaching/complete")
async def complete(ending: Ending) -> Response:
    """The completion as a request of its own."""
    return sent(await service.complete(ending.session_id))


@app.get("/coaching/sessions/{session_id}")
async def session_status(session_id: str, if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """How a session stands."""
    return sent(await service.status(session_id, if_none_match))


@app.middleware("http")
async def logged(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """The API's own lines round a request, with an ID that joins to nothing."""
    known = {"method": request.method, "path": request.url.path, "request_id": str(uuid.uuid4())}
    _log.info("Request started", **known)
    began = time.monotonic()
    response = await call_next(request)
    took = time.monotonic() - began
    _log.info("Request completed", **known, duration_seconds=took, status_code=response.status_code)
    return response


def sent(reply: Reply) -> Response:
    """A reply as FastAPI sends it."""
    return Response(reply.body, reply.status, dict(reply.headers))


def _service() -> Any:
    if not settings.POLICIES:
        from examples.coaching_api.service import PlainService

        return PlainService()
    from examples.coaching_api.guarded import GuardedService

    app.add_middleware(GuardMiddleware, service_name="coaching-api")
    return GuardedService()


service = _service()
handler = Mangum(app, lifespan="off")
worker = (
    guard_handler(service_name="coaching-worker")(worker_handler(service.completion))
    if settings.POLICIES
    else None
)
