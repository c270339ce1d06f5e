"""The course of one invocation: what happened in it, what its caller gets, and what Lambda logs of it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from tests.lambda_api import Happening, Invocation

End = Literal["ok", "error", "timeout", "exited"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one invocation."""

    request_id: str
    ended: End
    response: Any
    """What the handler returned, as JSON carries it; None where it returned nothing."""
    error: dict[str, Any] | None
    """What the caller gets instead: errorType, errorMessage and, for an exception, stackTrace."""
    seconds: float | None
    """From when the process got the event until it had posted its answer; None where it posted none."""
    duration: float
    """Seconds from START until the process asked for more work, or was gone: what REPORT says."""
    exit_code: int | None
    """Of a process that ended; a signal's number with a minus."""


@dataclass(slots=True)
class Course:
    """An invocation while it runs; moments are the monotonic clock's."""

    invocation: Invocation
    limit: float
    """Seconds until it is timed out."""
    kill_after: float | None
    """Seconds from when the process took it until the process is killed; None: it is not."""
    began: float = field(default_factory=time.monotonic)
    taken: float | None = None
    """When the process got the event; None while it is being started."""
    answer: Happening | None = None
    answered: float | None = None
    ended: End | None = None
    duration: float = 0.0
    exit_code: int | None = None

    @property
    def deadline(self) -> float:
        """When it is timed out."""
        return self.began + self.limit

    @property
    def killing(self) -> float:
        """When the process is killed."""
        return math.inf if self.kill_after is None or self.taken is None else self.taken + self.kill_after

    def note(self, happening: Happening) -> bool:
        """Take in what happened; whether the invocation is over."""
        now = time.monotonic()
        if happening.what == "next" and self.answer is None:
            self.taken = now  # a process that was started for it has come up
            return False
        if happening.what in ("response", "error", "init error"):
            self.answer, self.answered = happening, now
            return False
        self.duration, self.exit_code = now - self.began, happening.exit_code
        if self.ended is None:
            self.ended = "exited" if happening.what == "exited" else "ok" if self._has_response else "error"
        return True

    def outcome(self) -> Outcome:
        """What became of it, once it is over."""
        assert self.ended is not None
        return Outcome(
            request_id=self.invocation.request_id,
            ended=self.ended,
            response=self.answer.payload() if self.answer and self._has_response else None,
            error=self.error(),
            seconds=self.answered - self.taken if self.answered and self.taken else None,
            duration=self.duration,
            exit_code=self.exit_code,
        )

    def error(self) -> dict[str, Any] | None:
        """What the caller is told of what went wrong: the process's own words, else Lambda's."""
        if self.answer is not None:
            return None if self._has_response else self.answer.payload()
        kind, text = "Runtime.ExitError", _exit_text(self.exit_code)
        if self.ended == "timeout":
            kind, text = "Sandbox.Timedout", f"Task timed out after {self.limit:.2f} seconds"
        return {"errorType": kind, "errorMessage": f"RequestId: {self.invocation.request_id} Error: {text}"}

    def complaint(self) -> str | None:
        """The line that Lambda writes before END, where it ended the invocation or found it ended."""
        request_id = self.invocation.request_id
        if self.ended == "timeout":
            return f"{_now()} {request_id} Task timed out after {self.limit:.2f} seconds\n"
        if self.ended == "exited" and self.answer is None:
            return f"RequestId: {request_id} Error: {_exit_text(self.exit_code)}\nRuntime.ExitError"
        return None

    def report(self, memory_mb: int, used_mb: int | None, init: float | None) -> str:
        """The REPORT line; ``init`` is the seconds of the init that came before, where one is to be told."""
        facts = {
            "RequestId": self.invocation.request_id,
            "Duration": in_ms(self.duration),
            "Billed Duration": f"{math.ceil((self.duration + (init or 0)) * 1000)} ms",
            "Memory Size": f"{memory_mb} MB",
            "Max Memory Used": used_mb and f"{used_mb} MB",
            "Init Duration": init and in_ms(init),
            "Status": {"timeout": "timeout", "exited": "error"}.get(self.ended or ""),
            "Error Type": (self.error() or {}).get("errorType") if self.ended == "exited" else None,
        }
        return "REPORT " + "".join(f"{name}: {value}\t" for name, value in facts.items() if value)

    @property
    def _has_response(self) -> bool:
        return self.answer is not None and self.answer.what == "response"


def in_ms(seconds: float) -> str:
    """As Lambda's lines have it."""
    return f"{seconds * 1000:.2f} ms"


def _exit_text(code: int | None) -> str:
    if not code:
        return "Runtime exited without providing a reason"
    return f"Runtime exited with error: {'signal: killed' if code == -9 else f'exit status {code}'}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
