"""Running each call of a function inside a context, whatever sort of function it is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final, TypeVar, cast

_F = TypeVar("_F", bound=Callable[..., Any])

# inspect's functions ask for these flags too, but importing inspect would cost the handler's cold start.
_COROUTINE: Final = 0x80
_GENERATOR: Final = 0x20
_ASYNC_GENERATOR: Final = 0x200


def is_async(function: object) -> bool:
    """Whether calling it gives a coroutine."""
    return bool(_flags(function) & _COROUTINE)


def wrapped(function: _F, context: Callable[[], AbstractContextManager[object]]) -> _F:
    """The function, each of whose calls runs in a context of its own, from its first step to its last.

    >>> from contextlib import nullcontext
    >>> wrapped(len, nullcontext)("abc")
    3
    """
    flags = _flags(function)
    if flags & _COROUTINE:
        return cast(_F, functools.wraps(function)(_coroutine(function, context)))
    if flags & _ASYNC_GENERATOR:
        return cast(_F, functools.wraps(function)(_async_generator(function, context)))
    if flags & _GENERATOR:
        return cast(_F, functools.wraps(function)(_generator(function, context)))
    return cast(_F, functools.wraps(function)(_plain(function, context)))


def _plain(function: Any, context: Any) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        with context():
            return function(*args, **kwargs)

    return call


def _coroutine(function: Any, context: Any) -> Any:
    async def call(*args: Any, **kwargs: Any) -> Any:
        with context():
            return await function(*args, **kwargs)

    return call


def _generator(function: Any, context: Any) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        with context():
            return (yield from function(*args, **kwargs))

    return call


def _async_generator(function: Any, context: Any) -> Any:
    async def call(*args: Any, **kwargs: Any) -> Any:
        with context():
            inner = function(*args, **kwargs)
            step = inner.asend(None)
            while True:
                try:
                    value = await step
                except StopAsyncIteration:
                    return
                try:
                    step = inner.asend((yield value))
                except GeneratorExit:
                    await inner.aclose()
                    raise
                except BaseException as error:  # whatever is thrown in is the function's to handle
                    step = inner.athrow(error)

    return call


def _flags(function: Any) -> int:
    while isinstance(function, functools.partial):
        function = function.func
    code = getattr(function, "__code__", None)
    if code is None:  # an object that is called: its class says how
        code = getattr(getattr(function, "__call__", None), "__code__", None)  # noqa: B004  # its code is asked for
    return getattr(code, "co_flags", 0)
