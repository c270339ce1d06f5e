"""Running the engine's steps for real: under asyncio, or in a plain thread.

Each call of the store or the queue is given ``Times.write`` seconds, whatever the client library does: after
that the engine goes on without an answer, as the protocol foresees.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import logging
import math
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, Final, TypeVar

from guards import names
from guards.completion.states import Item
from guards.completion.steps import Do, Done, NoAnswer, Pause, Raised, Start, Step, Steps, Stop, Wait
from guards.completion.times import Times
from guards.phases import phase
from guards.safe import error_type_of
from guards.wrapping import is_async

_T = TypeVar("_T")
_log: Final = logging.getLogger("guards.completion")
COMMITS: Final = ("R6 complete", "W7 complete")
HAND_OVERS: Final = ("R7 release", "R8 send")
"""The steps that are recorded as phases of the names that guards.names has for them."""

Clock = Callable[[], float]
Extract = Callable[[Item], Any]
"""Gives a session's result, or an awaitable of it."""

_pools: Final[list[ThreadPoolExecutor]] = []


def _pool() -> ThreadPoolExecutor:
    """Threads for calls of stores and queues: many, since some may hang for as long as a client lets them."""
    if not _pools:
        _pools.append(ThreadPoolExecutor(64, thread_name_prefix="guards-completion"))
    return _pools[0]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)  # a child has none of the threads


def run(steps: Steps[_T], extract: Extract, times: Times, clock: Clock = time.time) -> _T:
    """Run them in this thread, with a sync extraction in another."""
    work = _Threaded(extract)
    value: Any = None
    error: Exception | None = None
    while True:
        try:
            step = steps.send(value) if error is None else steps.throw(error)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        value, error = None, None
        try:
            value = _taken(step, work, times, clock)
        except Exception as failed:
            error = _told(step, failed)


async def arun(steps: Steps[_T], extract: Extract, times: Times, clock: Clock = time.time) -> _T:
    """Run them in this task, with an async extraction in a task of its own, a sync one in a thread."""
    work = _Tasked(extract)
    value: Any = None
    error: Exception | None = None
    try:
        while True:
            try:
                step = steps.send(value) if error is None else steps.throw(error)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            value, error = None, None
            try:
                value = await _ataken(step, work, times, clock)
            except Exception as failed:
                error = _told(step, failed)
    finally:
        work.cancel()  # whoever waits was cancelled: as if the process had ended here


def _taken(step: Step, work: _Threaded, times: Times, clock: Clock) -> Any:
    if isinstance(step, Do):
        with _recorded(step) as found:
            found.append(_called(step, times))
        return found[0]
    if isinstance(step, Start):
        return work.start(step.session)
    if isinstance(step, Wait):
        return work.wait(_seconds(step, clock))
    if isinstance(step, Pause):
        return time.sleep(step.seconds)
    return work.forget()


async def _ataken(step: Step, work: _Tasked, times: Times, clock: Clock) -> Any:
    if isinstance(step, Do):
        with _recorded(step) as found:
            found.append(await _acalled(step, times))
        return found[0]
    if isinstance(step, Start):
        return work.start(step.session)
    if isinstance(step, Wait):
        return await work.wait(_seconds(step, clock))
    if isinstance(step, Pause):
        return await asyncio.sleep(step.seconds)
    assert isinstance(step, Stop)
    return await work.stop(times.stop)


def _told(step: Step, error: Exception) -> Exception:
    """Our own errors hold no words of a user's; of others only the type is told."""
    name = step.name if isinstance(step, Do) else type(step).__name__
    _log.warning("completion: %s: %s", name, error if isinstance(error, NoAnswer) else type(error).__name__)
    return error


@contextmanager
def _recorded(step: Do) -> Iterator[list[Any]]:
    """The step's phase, where it has one; what the step gives is put into the list.

    The phase of a commit ends well only where the session is completed from then on: one that was refused,
    since the work is somebody else's by now, ends as Refused.
    """
    found: list[Any] = []
    with suppress(Refused), _phase_of(step):
        yield found
        if step.name in COMMITS and not found[0].took:
            raise Refused


def _phase_of(step: Do) -> AbstractContextManager[object]:
    if step.name in COMMITS:
        return phase(names.COMMIT)
    return phase(names.HAND_OVER) if step.name in HAND_OVERS else nullcontext()


def _seconds(step: Wait, clock: Clock) -> float | None:
    return None if step.until == math.inf else max(0.0, step.until - clock())


def _called(step: Do, times: Times) -> Any:
    future = _pool().submit(contextvars.copy_context().run, step.work)
    try:
        return future.result(_patience(step, times))
    except concurrent.futures.TimeoutError:
        future.cancel()
        raise _late(step, times) from None


async def _acalled(step: Do, times: Times) -> Any:
    future = _pool().submit(contextvars.copy_context().run, step.work)
    waited = asyncio.wrap_future(future)
    await asyncio.wait({waited}, timeout=_patience(step, times))
    if waited.done():
        return waited.result()
    waited.cancel()
    raise _late(step, times)


def _patience(step: Do, times: Times) -> float | None:
    return None if step.patient else times.write


def _late(step: Do, times: Times) -> NoAnswer:
    return NoAnswer(f"no answer within {times.write} s", hint="see Times.write and the client's own timeouts")


def _judged(error: BaseException) -> Raised:
    kind = error_type_of(type(error)) or "error"
    _log.warning("completion: the extraction raised %s", kind)
    return Raised(kind)


def _in_thread(function: Extract, session: Item) -> Future[Any]:
    """A call in a daemon thread: it cannot be killed, so nothing may ever wait for its end."""
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()  # from now on nobody can cancel it
    context = contextvars.copy_context()

    def call() -> None:
        try:
            future.set_result(context.run(function, session))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=call, name="guards-extraction", daemon=True).start()
    return future


class Refused(Exception):
    """A commit that came too late: somebody else has taken over. It only leaves its type in the phase."""


class _Threaded:
    """An extraction in a thread."""

    def __init__(self, extract: Extract) -> None:
        self._extract = extract
        self._future: Future[Any] | None = None

    def start(self, session: Item) -> None:
        self._future = _in_thread(self._extract, session)

    def wait(self, seconds: float | None) -> Done | Raised | None:
        assert self._future is not None
        done, _ = concurrent.futures.wait([self._future], seconds)
        if not done:
            return None
        error = self._future.exception()
        return Done(self._future.result()) if error is None else _judged(error)

    def forget(self) -> None:
        self._future = None


class _Tasked:
    """An extraction in a task, or in a thread that a task waits for."""

    def __init__(self, extract: Extract) -> None:
        self._extract = extract
        self._task: asyncio.Future[Any] | None = None

    def start(self, session: Item) -> None:
        if is_async(self._extract):
            self._task = asyncio.ensure_future(_awaited(self._extract, session))
        else:
            self._task = asyncio.wrap_future(_in_thread(self._extract, session))
        self._task.add_done_callback(_hear)

    async def wait(self, seconds: float | None) -> Done | Raised | None:
        assert self._task is not None
        await asyncio.wait({self._task}, timeout=seconds)
        if not self._task.done():
            return None
        if self._task.cancelled():
            return _judged(asyncio.CancelledError())
        error = self._task.exception()
        return Done(self._task.result()) if error is None else _judged(error)

    async def stop(self, seconds: float) -> None:
        """Cancel it, and give it a moment to clean up; then it is left alone."""
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=seconds)

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


async def _awaited(extract: Callable[[Item], Awaitable[Any]], session: Item) -> Any:
    return await extract(session)


def _hear(task: asyncio.Future[Any]) -> None:
    """Nobody else may look at what a stopped extraction raised; asyncio would say so at length."""
    if not task.cancelled():
        task.exception()
