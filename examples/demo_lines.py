"""The forms of the coaching API's log lines: Lambda's, structlog's and botocore's, on a log stream's tape.

There is no clock and no random number in here: IDs and jitter are hashes of what they belong to.
"""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

FAKE_KEY = "AKIAIOSFODNN7EXAMPLE"  # AWS's own example
MIDNIGHT = datetime(2026, 2, 9, tzinfo=UTC)
MESSAGE = "/api/v1/ai/coaching/message"
HTTP = "coaching.src.api.middleware.logging"
COLOURS = {"debug": 32, "info": 32, "warning": 33, "error": 31}  # structlog's


def digest(*parts: object) -> str:
    """Return 64 hex digits that depend on the parts alone.

    >>> digest("stream", "a") == digest("stream", "a") != digest("stream", "b")
    True
    """
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def make_uuid(*parts: object) -> str:
    """Return a version 4 UUID that depends on the parts alone."""
    return str(uuid.UUID(digest(*parts)[:32], version=4))


def shown(value: object) -> str:
    """Show a field's value as structlog does: a plain word as it is, all else as its repr.

    >>> shown("active"), shown("two words"), shown(False)
    ('active', "'two words'", 'False')
    """
    plain = isinstance(value, str) and not set(value) & set(" \t=\r\n\"'")
    return str(value) if plain else repr(value)


@dataclass
class Stream:
    """One log stream, that is one execution environment: a tape with a clock that only runs forward."""

    label: str
    now: int = 0
    """Milliseconds since midnight."""
    rows: list[tuple[int, str]] = field(default_factory=list)
    """Time and text of each event so far."""

    @property
    def name(self) -> str:
        """The stream's name, as Lambda makes them."""
        return f"2026/02/09/[$LATEST]{digest('stream', self.label)[:32]}"

    def at(self, clock: str) -> None:
        """Move on to a time of day, ``23:48:08.688``; going back is a mistake in the story."""
        hours, minutes, seconds = clock.split(":")
        now = (int(hours) * 60 + int(minutes)) * 60_000 + round(float(seconds) * 1000)
        if now < self.now:
            raise ValueError(f"stream {self.label} is busy at {clock}; give that request another time")
        self.now = now

    def wait(self, ms: int) -> None:
        """Let time pass."""
        self.now += ms

    def say(self, text: str) -> None:
        """Write one record; as on Lambda's stdout, each of its lines becomes an event of its own."""
        self.rows += [(self.now, line + "\n") for line in text.split("\n")]

    def debug(self, *texts: str) -> None:
        """Write records of the libraries, as ``logging.basicConfig`` formats them in this API."""
        for text in texts:
            self.say(f"DEBUG: {text}")

    def log(self, name: str, logger: str, level: str = "info", /, **fields: object) -> None:
        """Write one record as structlog's ConsoleRenderer colours it, fields in order of name."""
        micros = self.now * 1000 + int(digest(self.label, self.now, len(self.rows))[:6], 16) % 1000
        stamp = (MIDNIGHT + timedelta(microseconds=micros)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        pairs = "".join(
            f" \x1b[36m{key}\x1b[0m=\x1b[35m{shown(value)}\x1b[0m" for key, value in sorted(fields.items())
        )
        self.say(
            f"{level.upper()}: \x1b[2m{stamp}\x1b[0m [\x1b[{COLOURS[level]}m\x1b[1m{level:9}\x1b[0m] "
            f"\x1b[1m{name:30}\x1b[0m [\x1b[0m\x1b[1m\x1b[34m{logger}\x1b[0m]\x1b[0m{pairs}"
        )

    def address(self, of: str) -> str:
        """Return where an object of this process lies in memory."""
        return f"0x7f{digest(self.label, of)[:9]}0"


@contextmanager
def invocation(
    stream: Stream, start: str, path: str = MESSAGE, *, method: str = "POST", request_id: str = "",
    end: str = "", status: int = 200, init: float = 0.0,
) -> Iterator[None]:  # fmt: skip
    """Write one request: START and its arrival, then what the block writes, then END and REPORT."""
    stream.at(start)
    began, request_id = stream.now, request_id or make_uuid("request", stream.label, start)
    about = {"method": method, "path": path, "request_id": make_uuid("X-Request-ID", request_id)}
    stream.say(f"START RequestId: {request_id} Version: $LATEST")
    stream.wait(1)
    stream.say("[LAMBDA_HANDLER] Event: unknown unknown")
    stream.wait(2)
    stream.log("Request started", HTTP, query_params={}, **about)
    yield
    stream.wait(2)
    took = (stream.now - began - 3) / 1000 + 0.000417
    stream.log("Request completed", HTTP, duration_seconds=took, status_code=status, **about)
    stream.wait(1)
    stream.say(f"INFO: {method} {path} {status}")
    stream.say(f"[LAMBDA_HANDLER] Response status: {status}")
    stream.at(end) if end else stream.wait(2)
    report(stream, request_id, stream.now - began, init)


def report(stream: Stream, request_id: str, ms: int, init: float) -> None:
    """Write END and REPORT; the billed time includes the init."""
    tail = f"Init Duration: {init:.2f} ms\t" if init else ""
    stream.say(f"END RequestId: {request_id}")
    stream.say(
        f"REPORT RequestId: {request_id}\tDuration: {ms:.2f} ms\tBilled Duration: {math.ceil(ms + init)} ms\t"
        f"Memory Size: 1024 MB\tMax Memory Used: {180 + int(digest(request_id)[:2], 16) % 16} MB\t{tail}"
    )


def aws_call(stream: Stream, service: str, call: str, body: object, answer: object, ms: int) -> None:
    """Write what botocore and urllib3 log, at DEBUG, about one call that takes so many ms."""
    host, on = f"{service}.us-east-1.amazonaws.com", f"{service}.{call}"
    sent, got = json.dumps(body).encode(), json.dumps(answer).encode()
    stream.debug(
        f"Event before-parameter-build.{on}: calling handler "
        f"<function generate_idempotent_uuid at {stream.address('uuid')}>",
        "Calling endpoint provider with parameters: {'Region': 'us-east-1', 'UseFIPS': False}",
        f"Endpoint provider result: https://{host}",
        f"Making request for OperationModel(name={call}) with params: {{'url_path': '/', 'body': {sent!r}}}",
    )
    sign(stream, service, host)
    stream.debug(f"Starting new HTTPS connection (1): {host}:443")
    stream.wait(ms)
    stream.debug(
        f'https://{host}:443 "POST / HTTP/1.1" 200 {len(got)}',
        f"Response headers: {{'x-amzn-RequestId': '{make_uuid(on, stream.label, stream.now)}'}}",
        f"Response body:\n{got!r}",
        f"Event needs-retry.{on}: calling handler "
        f"<botocore.retryhandler.RetryHandler object at {stream.address(service)}>",
        "No retry needed.",
        f"Response: {answer!r}",
    )


def sign(stream: Stream, service: str, host: str) -> None:
    """Write what botocore logs about signing: records of many lines, some of them empty."""
    stamp = (MIDNIGHT + timedelta(milliseconds=stream.now)).strftime("%Y%m%dT%H%M%SZ")
    scope = f"20260209/us-east-1/{service}/aws4_request"
    hashes = [digest(stream.label, stream.now, service, part) for part in range(3)]
    stream.debug(
        "Calculating signature using v4 auth.",
        f"CanonicalRequest:\nPOST\n/\n\nhost:{host}\nx-amz-date:{stamp}\nx-amz-security-token:EXAMPLE\n\n"
        f"host;x-amz-date;x-amz-security-token\n{hashes[0]}",
        f"StringToSign:\nAWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashes[1]}",
        f"Signature:\n{hashes[2]}",
        f"Sending http request: <AWSPreparedRequest stream_output=False, method=POST, url=https://{host}/, "
        f"headers={{'Authorization': b'AWS4-HMAC-SHA256 Credential={FAKE_KEY}/{scope}'}}>",
    )
