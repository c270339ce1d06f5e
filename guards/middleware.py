"""The root of a request in an ASGI application: FastAPI, Starlette, or either of them behind Mangum."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

from guards.handler import http_status, left_ms, request_id_of
from guards.limits import GatewayKind
from guards.origin import Origin, method_of, origin_of, route_of
from guards.request import Request, identifier
from guards.roots import Root, begin, gateway_limit_ms
from guards.writer import writer

_WANTED: Final = ((b"traceparent", "traceparent"), (b"x-request-id", "x-request-id"))

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class GuardMiddleware:
    """Times each HTTP request of an application and knows when its client gives up.

    ``app.add_middleware(GuardMiddleware, service_name="coaching-api")``. Behind Mangum the Lambda event in
    the scope tells when the gateway received the request. A server of its own has no gateway unless
    GUARD_GATEWAY_LIMIT_MS says that one waits. The application's exceptions and messages pass untouched.
    """

    def __init__(self, app: App, *, service_name: str | None = None) -> None:
        self.app = app
        self._service = service_name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; whatever is not HTTP is passed on."""
        root = _begin(scope, self._service) if scope["type"] == "http" else None
        if root is None:
            await self.app(scope, receive, send)
            return
        answer = _Answer(send, root.request)
        try:
            await self.app(scope, receive, answer)
        except BaseException as error:
            root.end(type(error), answer.status, answered=answer.complete_at)
            raise
        root.end(None, answer.status, answered=answer.complete_at)


class _Answer:
    """The way to the client, watched for the status and the end of the answer."""

    __slots__ = ("_request", "_send", "complete_at", "status")

    def __init__(self, send: Send, request: Request) -> None:
        self._send = send
        self._request = request
        self.status: int | None = None
        self.complete_at: float | None = None

    async def __call__(self, message: Message) -> None:
        await self._send(message)
        kind = message.get("type")
        if kind == "http.response.start":
            self.status = http_status(message.get("status"))
        elif kind == "http.response.body" and not message.get("more_body"):
            self._complete()

    def _complete(self) -> None:
        if self._request.in_lambda:
            return  # Lambda holds the answer back until the app returns
        self.complete_at = time.monotonic()
        # A server may start a connection's next request from here, in this one's context.
        self._request.answered = True


def _begin(scope: Scope, service: str | None) -> Root | None:
    try:
        event, context = scope.get("aws.event"), scope.get("aws.context")
        if event is not None:
            return begin(
                origin_of(event),
                service=service,
                request_id=request_id_of(context),
                left_ms=left_ms(context),
                in_lambda=True,
            )
        headers = _headers(scope)
        return begin(_origin(scope, headers), service=service, request_id=_request_id(headers))
    except Exception:  # not what ASGI promises; the application will find out
        writer.dropped.add()
        return None


def _origin(scope: Scope, headers: Mapping[str, object]) -> Origin:
    method = method_of(scope.get("method"))
    # A limit that its owner has set says that a gateway waits; which kind does not matter then.
    gateway: GatewayKind | None = None if gateway_limit_ms() is None else "http"
    return Origin(gateway, None, method, route_of(method, None, scope.get("path")), headers)


def _headers(scope: Scope) -> dict[str, object]:
    try:
        given = dict(scope.get("headers") or ())
        return {name: given[key].decode("latin-1") for key, name in _WANTED if key in given}
    except Exception:
        return {}


def _request_id(headers: Mapping[str, object]) -> object:
    """The request's own ID as its client or a proxy gave it, else a new one."""
    given = identifier(headers.get("x-request-id"))
    if given is not None:
        return given
    # A random UUID, without the class for them, which takes almost four times as long.
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
