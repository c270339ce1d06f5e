"""What one log message says: its kind, its IDs, its event name and its fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from incidents.events import Event

Kind = Literal[
    "start",  # START, platform.start: a request begins
    "end",  # END
    "runtime-done",  # platform.runtimeDone
    "report",  # REPORT, platform.report
    "timeout",  # Task timed out after ...
    "init-start",  # INIT_START, platform.initStart
    "init-report",  # INIT_REPORT, platform.initReport, platform.initRuntimeDone
    "restore-start",  # RESTORE_START, platform.restoreStart
    "restore-report",  # RESTORE_REPORT, platform.restoreReport, platform.restoreRuntimeDone
    "platform",  # any other platform.* line: fault, logsDropped, extension, telemetrySubscription
    "record",  # one of our own records (guards.records)
    "gateway",  # an API Gateway access log line or execution log line
    "log",  # a line of the application with a recognised format
    "text",  # anything else
]


@dataclass(frozen=True, slots=True)
class Message:
    """What a message says, read without trusting it."""

    kind: Kind
    request_ids: tuple[str, ...] = ()
    """IDs that the line itself gives for its request, most trustworthy first. Whether one of them is
    Lambda's request ID only the stream tells (see incidents.requests)."""
    session_id: str | None = None
    """The value of the line's own session field. An ID quoted inside text or a body is not one."""
    name: str | None = None
    """The event name (``coaching_service.llm_call_completed``); None for plain text."""
    level: str | None = None
    """Upper case: DEBUG, INFO, WARNING, ERROR, CRITICAL."""
    at: datetime | None = None
    """The line's own timestamp, UTC."""
    fields: Mapping[str, object] | None = None
    """Key to scalar (str, int, float, bool, None). Lambda's metrics under the names of platform.report
    (durationMs, billedDurationMs, memorySizeMB, maxMemoryUsedMB, initDurationMs, restoreDurationMs,
    status, errorType) whichever form they came in; access logs under $context names
    (requestId, status, responseLatency, integration.requestId ...)."""


@dataclass(frozen=True, slots=True)
class Line:
    """An event and what it says."""

    event: Event
    said: Message
