"""The request under way: what is known of it, and how code anywhere below finds it.

Its state is one mutable object, handed down in one ContextVar. A value set in a ContextVar inside the app is
not seen outside Mangum, BaseHTTPMiddleware or a threadpool, but a change of the object is.
"""

from __future__ import annotations

import itertools
import os
import re
import threading
import time
from collections.abc import Mapping
from contextvars import ContextVar, Token
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from guards import lines
from guards.contained import Patience
from guards.deadlines import Budget, Deadline
from guards.safe import exact

if TYPE_CHECKING:
    from guards.spans import OpenSpan, Otel

_ID: Final = re.compile(r"[A-Za-z0-9_.:=/+-]{1,128}")
_SERVICE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/ -]{0,127}")
_NO: Final = ("0", "false", "no", "off")
_UNNAMED: Final = "unnamed-service"

PATIENCE_S: Final = 0.2
"""Telemetry may hold up a request so long in all; guarantee G2 allows 250 ms."""


class Request:
    """One request, from its root to its end. Shared by all threads and tasks that work on it."""

    # What a request mostly comes to know later, if ever.
    session_id: str | None = None
    session_attributes: Mapping[str, str] = MappingProxyType({})
    """What ties its spans to its session."""
    response_status: int | None = None
    otel: Otel | None = None
    span: OpenSpan | None = None
    about = ""
    """Whom its records are about, as their text has it; made where records are written (say_about)."""
    answered = False
    """Whether its client has the whole answer, though it still runs."""
    ended = False

    def __init__(
        self,
        *,
        service: str,
        request_id: object,
        budget: Budget,
        route: str | None = None,
        trace_id: str | None = None,
        in_lambda: bool = False,
    ) -> None:
        self.lock = threading.RLock()
        """Entered again by a signal's handler that binds while its own thread does."""
        self.service = service
        self.request_id = identifier(request_id)
        self.trace_id = trace_id
        self.budget = budget
        self.route = route
        self.in_lambda = in_lambda
        self.began = time.monotonic()
        self.began_ms = now_ms()
        self.phase_ids = itertools.count(1)
        self.open_phases: dict[int, str] = {}
        """Phases by their ID; the one with the highest is what the request is in."""
        self.records = records_are_written()
        """Whether records are written for it."""
        self.starts = self.records and not _is_off("GUARD_START_RECORDS")
        """Whether start records are."""
        self.patience = Patience(PATIENCE_S)
        if self.records:
            self.say_about()

    def bind(self, *, session_id: object) -> None:
        """Tie the request to a session."""
        with self.lock:
            self.session_id = identifier(session_id)
            if self.otel is not None:
                self.session_attributes = self.otel.session_attributes(self.session_id)
            if self.records:
                self.say_about()

    def say_about(self) -> None:
        """Make the text that says whom its records are about, of what is known by now."""
        with self.lock:  # what another thread binds meanwhile is not to be forgotten
            trace_id = self.trace_id if self.span is None else self.span.trace_id or self.trace_id
            self.about = lines.about_of(self.service, self.request_id, self.session_id, trace_id)

    def enter(self, name: str) -> int:
        """Note that a phase is open; its number in the request."""
        # Without a lock, here and where a phase ends: one step of a dict each, which nothing interrupts. A
        # signal's handler, or a child forked meanwhile, would wait for a lock for ever.
        number = next(self.phase_ids)
        self.open_phases[number] = name
        return number

    @property
    def open_phase(self) -> str | None:
        """The phase that began last of those that are open."""
        open_phases = self.open_phases.copy()
        return open_phases[max(open_phases)] if open_phases else None


_current: ContextVar[Request | None] = ContextVar("guards.request", default=None)
_in_lambda: list[Request] = []
"""The request of this Lambda environment, which runs one at a time."""


def current() -> Request | None:
    """The request that this code works on; None outside any.

    A thread that was started without its starter's context finds the request all the same inside Lambda,
    where there is only one.
    """
    found = _current.get()
    if found is not None:
        return found
    return _in_lambda[0] if len(_in_lambda) == 1 else None


def under_way() -> Request | None:
    """The request whose root this context stands below; None where the next root is the outermost."""
    found = _current.get()
    return None if found is None or found.ended or found.answered else found


def enter(request: Request) -> Token[Request | None]:
    """Make it the current one."""
    if request.in_lambda:
        _in_lambda.append(request)
    return _current.set(request)


def leave(request: Request, token: Token[Request | None] | None) -> None:
    """It has ended: what runs on in its context belongs to it still, but a new root is a new request."""
    request.ended = True
    if request in _in_lambda:
        _in_lambda.remove(request)
    if token is not None:
        try:  # noqa: SIM105  # contextlib.suppress takes as long as the rest of this function
            _current.reset(token)
        except ValueError:  # it ends in another task or thread than it began in
            pass


def bind(*, session_id: object) -> None:
    """Tie the request under way to a session: its records and spans carry the ID from now on.

    May be called anywhere below the middleware or handler, in a threadpool as well. Outside a request it does
    nothing. An ID is 1 to 128 of the characters ``A-Z a-z 0-9 _ . : = / + -``; anything else is taken for no
    ID at all, since it could be a user's words.

    >>> bind(session_id="sess_58a0ffa3")
    """
    request = current()
    if request is None:
        return
    request.bind(session_id=session_id)
    if request.span is not None:
        request.span.set(request.session_attributes)


def deadline() -> Deadline:
    """When the answer of the request under way must be out; ``Deadline.none()`` outside a request.

    >>> from datetime import timedelta
    >>> deadline().remaining < timedelta(seconds=8)
    False
    """
    request = current()
    return Deadline.none() if request is None else request.budget.deadline


def identifier(value: object) -> str | None:
    """What can be an ID, as text; None for anything else.

    >>> identifier("sess_58a0ffa3"), identifier("I feel stuck at work"), identifier(None)
    ('sess_58a0ffa3', None, None)
    """
    if value is None:
        return None
    if type(value) is not str:
        try:
            value = exact(value) if isinstance(value, str) else str(value)  # a UUID, a number
        except Exception:  # an object that cannot be told is no ID
            return None
    return value if _ID.fullmatch(value) else None


def service_name(given: str | None = None) -> str:
    """The service that records are about: as given, else OTEL_SERVICE_NAME, else the function's name."""
    if isinstance(given, str) and _is_service(given):
        return given
    for variable in ("OTEL_SERVICE_NAME", "AWS_LAMBDA_FUNCTION_NAME"):
        name = setting(variable)
        if name and _is_service(name):
            return name
    return _UNNAMED


@lru_cache(16)
def _is_service(name: str) -> bool:
    return _SERVICE.fullmatch(name) is not None


def disabled() -> bool:
    """Whether GUARD_DISABLED switches everything off."""
    given = setting("GUARD_DISABLED")
    return given is not None and given.strip().lower() not in ("", *_NO)


def records_are_written() -> bool:
    """Whether records are written at all: GUARD_RECORDS=0 leaves spans and measurements alone."""
    return not _is_off("GUARD_RECORDS")


def starts_are_written() -> bool:
    """Whether start records are written: GUARD_START_RECORDS=0 switches them off."""
    return records_are_written() and not _is_off("GUARD_START_RECORDS")


def _is_off(variable: str) -> bool:
    given = setting(variable)
    return given is not None and given.strip().lower() in _NO


_environ_key: Final = cache(os.environ.encodekey)


def setting(variable: str) -> str | None:
    """An environment variable as it is now; None where it is not set, as most are not."""
    # os.environ says so by raising and catching an exception, which takes ten times as long as to look for
    # it in the dict beneath. Where there is no such dict, os.environ is asked.
    try:
        if _environ_key(variable) not in os.environ._data:  # type: ignore[attr-defined]
            return None
    except AttributeError:
        pass
    return os.environ.get(variable)


def now_ms() -> int:
    """The wall clock in ms since 1970."""
    return time.time_ns() // 1_000_000


def _after_fork() -> None:
    """A child works on for its parent's request: its phases need numbers that the parent does not give."""
    for request in filter(None, {*_in_lambda, _current.get()}):
        request.phase_ids = itertools.count(os.getpid() * 1_000_000 + 1)
        request.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
