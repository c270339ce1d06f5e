"""The root of a plain Lambda handler, sync or async."""

from __future__ import annotations

import functools
import os
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar, cast, overload

from guards.errors import BadUsage
from guards.origin import origin_of
from guards.roots import Root, begin
from guards.wrapping import is_async

_F = TypeVar("_F", bound=Callable[..., Any])
_NUMBERS: Final = (int, float)
_LONGEST_MS: Final = 86_400_000
"""No invocation has a day left; infinity and NaN are no times either."""


@overload
def guard_handler(handler: _F) -> _F: ...
@overload
def guard_handler(*, service_name: str | None = None) -> Callable[[_F], _F]: ...


def guard_handler(handler: _F | None = None, *, service_name: str | None = None) -> _F | Callable[[_F], _F]:
    """Make a Lambda handler the root of its requests.

    The caller gets the handler's own result, or its own exception, whatever becomes of the telemetry. An
    async handler runs on one event loop, which stays the thread's own: clients that it keeps between
    invocations go on working. Called where a loop runs already, as in an async test, it gives an awaitable.

    Raises BadUsage where it is put on what cannot be called.

    >>> @guard_handler
    ... def handler(event: dict, context: object) -> dict:
    ...     return {"statusCode": 200}
    >>> os.environ["GUARD_DISABLED"] = "1"
    >>> handler({}, None)
    {'statusCode': 200}
    >>> del os.environ["GUARD_DISABLED"]
    """
    if handler is None:
        return lambda given: _guarded(given, service_name)
    return _guarded(handler, service_name)


def _guarded(handler: _F, service: str | None) -> _F:
    if not callable(handler):
        what, hint = (
            f"guard_handler was given {handler!r}, no handler",
            "write guard_handler(service_name=...)",
        )
        raise BadUsage(what, hint=hint)
    call = _async_call(handler, service) if is_async(handler) else _sync_call(handler, service)
    return cast(_F, functools.wraps(handler)(call))


def _sync_call(handler: Callable[..., Any], service: str | None) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        root = _begin(args, kwargs, service)
        try:
            result = handler(*args, **kwargs)
        except BaseException as error:
            if root is not None:
                root.end(type(error), None)
            raise
        if root is not None:
            root.end(None, _status(result))
        return result

    return call


def _async_call(handler: Callable[..., Awaitable[Any]], service: str | None) -> Callable[..., Any]:
    async def run(*args: Any, **kwargs: Any) -> Any:
        root = _begin(args, kwargs, service)
        try:
            result = await handler(*args, **kwargs)
        except BaseException as error:
            if root is not None:
                root.end(type(error), None)
            raise
        if root is not None:
            root.end(None, _status(result))
        return result

    def call(*args: Any, **kwargs: Any) -> Any:
        from guards.loops import completed  # asyncio is imported where there is something async

        return completed(run(*args, **kwargs))

    return call


def _begin(args: tuple[Any, ...], kwargs: dict[str, Any], service: str | None) -> Root | None:
    event = args[0] if args else kwargs.get("event")
    context = args[1] if len(args) > 1 else kwargs.get("context")
    return begin(
        origin_of(event),
        service=service,
        request_id=request_id_of(context),
        left_ms=left_ms(context),
        in_lambda=context is not None or "AWS_LAMBDA_FUNCTION_NAME" in os.environ,
    )


def request_id_of(context: object) -> object:
    """Lambda's ID of the invocation; None where the context has none. Never raises."""
    try:
        return getattr(context, "aws_request_id", None)
    except Exception:
        return None


def left_ms(context: object) -> float | None:
    """What Lambda says is left of the invocation; 0 is nothing, None where it does not say. Never raises."""
    try:
        left = context.get_remaining_time_in_millis()  # type: ignore[attr-defined]
        return left if type(left) in _NUMBERS and -_LONGEST_MS < left < _LONGEST_MS else None
    except Exception:
        return None


def http_status(value: object) -> int | None:
    """The HTTP status that a value says, as a number or in digits; None where it is none. Never raises."""
    if type(value) is not int:  # most are
        try:
            value = int(value) if isinstance(value, (int, str)) else 0
        except Exception:
            return None
    return value if 100 <= value <= 599 else None


def _status(result: object) -> int | None:
    """The HTTP status that a handler answers a gateway with; None where the result is not such an answer."""
    try:
        return http_status(result.get("statusCode")) if isinstance(result, dict) else None
    except Exception:  # a mapping of the handler's own making
        return None
