"""The lines that Lambda itself writes as text: START, END, REPORT, INIT_*, RESTORE_*, timeouts.

REPORT has had tabs and spaces, its keys in several orders, X-Ray on the same line or on the next: it is
read key by key. Such a line counts only where the message begins with it; the same words further in
are somebody's text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from incidents.messages import Kind, Message
from incidents.scalars import identifier, instant, number, whole

_KINDS: Final[tuple[tuple[str, Kind], ...]] = (
    ("START RequestId:", "start"),
    ("END RequestId:", "end"),
    ("REPORT RequestId:", "report"),
    ("INIT_START ", "init-start"),
    ("INIT_REPORT ", "init-report"),
    ("RESTORE_START ", "restore-start"),
    ("RESTORE_REPORT ", "restore-report"),
)

_Read = Callable[[str], object]


def _metric(text: str) -> float | None:
    return number(text.removesuffix("ms").removesuffix("MB").rstrip())


def _megabytes(text: str) -> int | None:
    return whole(_metric(text))


def _word(text: str) -> str | None:
    words = text.split(maxsplit=1)
    return words[0][:200] if words else None


# What stands before the colon, the name that platform.report gives it, and how to read it.
_KEYS: Final[dict[str, tuple[str, _Read]]] = {
    "RequestId": ("requestId", lambda text: identifier(_word(text))),
    "Version": ("version", _word),
    "Duration": ("durationMs", _metric),
    "Billed Duration": ("billedDurationMs", _metric),
    "Init Duration": ("initDurationMs", _metric),
    "Restore Duration": ("restoreDurationMs", _metric),
    "Billed Restore Duration": ("billedRestoreDurationMs", _metric),
    "Memory Size": ("memorySizeMB", _megabytes),
    "Max Memory Used": ("maxMemoryUsedMB", _megabytes),
    "Phase": ("phase", _word),
    "Status": ("status", _word),
    "Error Type": ("errorType", _word),
    "XRAY TraceId": ("traceId", _word),
    "SegmentId": ("segmentId", _word),
    "Sampled": ("sampled", _word),
    "Runtime Version": ("runtimeVersion", _word),
    "Runtime Version ARN": ("runtimeVersionArn", _word),
}
_LABEL: Final = re.compile(
    rf"(?<![^\s])({'|'.join(sorted(map(re.escape, _KEYS), key=len, reverse=True))}):(?=\s|$)"
)
# No line of Lambda's is longer; the rest of a longer one is not read.
_LONGEST: Final = 65_536

_TIMEOUT: Final = re.compile(
    r"(\S{20,35})[ \t]+(\S{1,128})[ \t]+Task timed out after ([0-9.]{1,20}) seconds\s*"
)
_FATAL: Final = re.compile(
    r"RequestId: (\S{1,128}) (?:Error: |Process exited)[^\n]*(?:\n([A-Z][A-Za-z]*(?:\.[A-Z][A-Za-z]*)+))?"
)


def read_lambda_line(text: str) -> Message | None:
    """What a START, END, REPORT, INIT_* or RESTORE_* line says; None for any other line.

    >>> said = read_lambda_line("REPORT RequestId: r-1\\tDuration: 32312.00 ms\\tStatus: timeout")
    >>> said.kind, said.request_ids, said.fields["durationMs"], said.fields["status"]
    ('report', ('r-1',), 32312.0, 'timeout')
    """
    for start, kind in _KINDS:
        if text.startswith(start):
            fields = _fields(text[:_LONGEST])
            found = fields.get("requestId")
            return Message(kind, (found,) if isinstance(found, str) else (), fields=fields)
    return None


def _fields(text: str) -> dict[str, object]:
    parts = _LABEL.split(text)
    fields: dict[str, object] = {}
    for label, value in zip(parts[1::2], parts[2::2], strict=True):
        name, read = _KEYS[label]
        if name not in fields and (found := read(value.strip())) is not None:
            fields[name] = found
    return fields


def read_timeout(text: str) -> Message | None:
    """What Lambda's ``<time> <request id> Task timed out after 30.03 seconds`` says.

    >>> read_timeout("2019-07-18T18:58:22.286Z r-1 Task timed out after 30.03 seconds").fields
    {'durationMs': 30030.0}
    """
    found = _TIMEOUT.fullmatch(text[:_LONGEST])
    if found is None or (at := instant(found[1])) is None:
        return None
    seconds, request_id = number(found[3]), identifier(found[2])
    fields = {} if seconds is None else {"durationMs": round(seconds * 1000, 3)}
    return Message("timeout", () if request_id is None else (request_id,), at=at, fields=fields)


def read_fatal(text: str) -> Message | None:
    """What Lambda's ``RequestId: <id> Error: Runtime exited ...`` says: the process is gone.

    >>> line = "RequestId: r-1 Error: Runtime exited with error: signal: killed\\nRuntime.ExitError"
    >>> read_fatal(line).fields
    {'errorType': 'Runtime.ExitError'}
    """
    found = _FATAL.match(text[:_LONGEST])
    if found is None:
        return None
    request_id = identifier(found[1])
    fields = {} if found[2] is None else {"errorType": found[2]}
    return Message("log", () if request_id is None else (request_id,), level="ERROR", fields=fields)
