"""What a corpus is made of: requests, told by the code that writes the demo's logs, as templates with holes.

The holes are for IDs, hashes, times and words.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples"
# Last: where the package is installed, that one is meant.
sys.path += [str(EXAMPLES), str(HERE.parent)]

import demo_steps as api  # noqa: E402  # needs the path above
from demo_lines import Stream, invocation  # noqa: E402
from make_demo_logs import good_ending, health, turn  # noqa: E402

Kind = Literal["on-line", "carried"]
Row = tuple[int, bytes, bool]
"""Milliseconds after the request's beginning, the message as JSON with holes, and whether it has any."""

_AT = "00:00:00.000"
_INIT_MS = 4_816
_PLATFORM = ("START ", "END ", "REPORT ", "INIT_")
_HOLE = re.compile(
    rb"(?P<iso>2026-02-09T\d\d:\d\d:\d\d\.\d{6}Z)|(?P<words>@words\d@)"
    rb"|(?P<uuid>[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})"
    rb"|(?P<hash>\b[0-9a-f]{64}\b)|(?P<address>\b0x7f[0-9a-f]{9}0\b)"
)


@dataclass(frozen=True)
class Template:
    """One request as it is logged, with holes."""

    rows: tuple[Row, ...]
    holes: tuple[tuple[bytes, str], ...]
    """Name and kind of each hole but the named ones: session, tenant, user, request, iso."""


class StructuredStream(Stream):
    """A stream whose application writes JSON, with the request ID and the session ID on every line."""

    session_id: str | None = None
    request_id: str | None = None

    def say(self, text: str) -> None:
        """Lambda's own lines as they are; a print as a record of its own, however many lines it has."""
        if not text.startswith(_PLATFORM):
            return self.log(text, "root")
        if text.startswith("START "):
            self.request_id = text.split()[2]
        super().say(text)
        return None

    def log(self, name: str, logger: str, level: str = "info", /, **fields: object) -> None:
        """One record as structlog's JSONRenderer writes it, with what is bound to the request."""
        bound = {"aws_request_id": self.request_id, "session_id": self.session_id} if self.request_id else {}
        stamp = f"2026-02-09T00:00:00.{self.now % 1_000_000:06}Z"
        record = {**fields, **bound, "event": name, "logger": logger, "level": level, "timestamp": stamp}
        self.rows.append((self.now, json.dumps(record) + "\n"))


Write = Callable[[Any, str], None]


def _start(session: Any) -> Write:
    """A session's first request, in a new environment: the request waits for its init."""

    def write(stream: Any, _: str) -> None:
        stream.say(
            f"INIT_START Runtime Version: python:3.11.v60\tRuntime Version ARN: arn:aws:lambda:{'0' * 64}"
        )
        stream.wait(_INIT_MS)
        api.start_api(stream)
        with invocation(
            stream, f"00:00:0{_INIT_MS / 1000 + 0.1:.3f}", "/api/v1/ai/coaching/start", init=_INIT_MS + 71.52
        ):
            api.limit_rates(stream)
            api.sign_in(stream, session)
            api.read_topic(stream, session)
            api.ask_model(stream, session, "@words1@", 2_410, messages=2)
            api.save_session(stream, session, "active")
            api.created(stream, session)

    return write


def _refused(session: Any) -> Write:
    """A message to a session that takes none any more."""

    def write(stream: Any, start: str) -> None:
        with invocation(stream, start, status=400):
            api.receive(stream, session, "@words0@")
            api.read_session(stream, session, "completed", "@words0@", "@words1@")
            api.refuse(stream, session, "completed")

    return write


class Templates:
    """Everything that can happen in a slot."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self.turns = [self._turn(ms) for ms in range(1_900, 9_900, 400)]
        self.endings = [self._template("ending", lambda session: good_ending(session))]
        self.health = [self._template("health", lambda session: health)]
        self.start = self._template("start", _start)
        self.refused = self._template("refused", _refused)

    def _turn(self, ms: int) -> Template:
        return self._template(f"turn {ms}", lambda session: turn(session, "@words0@", "@words1@", ms))

    def _template(self, label: str, story: Callable[[Any], Write]) -> Template:
        session = api.Session(label)
        stream = StructuredStream(label) if self._kind == "on-line" else Stream(label)
        if isinstance(stream, StructuredStream):
            stream.session_id = None if label == "health" else session.id
        story(session)(stream, _AT)
        request_id = next(text.split()[2] for _, text in stream.rows if text.startswith("START "))
        named = {
            session.id[5:].encode(): b"session",
            session.tenant.encode(): b"tenant",
            session.user.encode(): b"user",
            request_id.encode(): b"request",
        }
        return _with_holes(stream.rows, named)


def _with_holes(rows: list[tuple[int, str]], names: dict[bytes, bytes]) -> Template:
    holes: dict[bytes, str] = {}

    def hole(found: re.Match[bytes]) -> bytes:
        kind = found.lastgroup or ""
        if kind == "iso":
            return b"%(iso)b"
        name = names.setdefault(found[0], b"h%d" % len(names))
        if name.startswith(b"h"):
            holes[name] = kind
        return b"%%(%b)b" % name

    made = []
    for offset, text in rows:
        message = json.dumps(text).encode()
        filled, count = _HOLE.subn(hole, message.replace(b"%", b"%%"))
        made.append((offset, filled if count else message, count > 0))
    return Template(tuple(made), tuple(holes.items()))
