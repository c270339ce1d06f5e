"""A scan as text and as JSON."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from guards.errors import NothingMatched, NothingMatchedYet
from incidents.display import clean, few, hung, width
from incidents.gateway import waited
from incidents.redact import masked
from incidents.rules.words import identifier
from incidents.scan.groups import By, Group, grouped, name_shown
from incidents.scan.judge import Case, Scan
from incidents.timeline import Request

SCHEMA: Final = "guard.scan/1"
_BARS: Final = "▁▂▃▄▅▆▇█"
_ASCII_BARS: Final = "_.-=+*#@"
_MOST_SKIPS: Final = 5
_PER_MINUTE: Final = "requests  "
_COMMAND: Final = "guard trace "
_LEAD: Final = re.compile(r" *(?:(?:CRITICAL|WARNING|INFO|Sessions:) +)?")
"""What stands before the text of a row, which goes on under itself."""


def text(
    scan: Scan,
    where: Sequence[str],
    *,
    by: By = "session",
    most: int = 20,
    columns: int = 80,
    ascii: bool = False,
    wrapped: bool = False,
) -> str:
    """The scan as text: counts, a line of requests per minute, the cases with their next commands.

    ``wrapped``: in lines of at most so many columns, as a terminal shows them.
    """
    rows = [*_summary(scan), *_sparkline(scan, columns, ascii)]
    left = most
    for group in _groups(scan, by):
        if left > 0 and by != "session":
            rows += ["", _heading(group, by)]
        for case in group.cases[: max(left, 0)]:
            rows += ["", *_case_rows(case, where)]
        left -= len(group.cases)
    if len(scan.cases) > most:
        rows += ["", f"and {len(scan.cases) - most} more sessions (--most {len(scan.cases)})"]
    if scan.left_out:
        rows += ["", f"{scan.left_out} more requests were counted but not looked at: name a shorter time"]
    if scan.unjudged:
        rows += ["", _unjudged(scan.unjudged)]
    rows += [f"not read: {each.where}: {each.reason}" for each in scan.skips[:_MOST_SKIPS]]
    cleaned = [clean(row) for row in rows]
    lines = [line for row in cleaned for line in _within(row, columns)] if wrapped else cleaned
    return "\n".join(lines) + "\n"


def _within(row: str, columns: int) -> Sequence[str]:
    """A row in lines that fit: a command as a shell takes it, all else broken between words."""
    if width(row) <= columns:
        return [row]
    lead = _LEAD.match(row)[0]  # type: ignore[index]  # matches all
    text = row[len(lead) :]
    if text.startswith(_COMMAND):
        from incidents.views.text import continued

        return [lead + line for line in continued(text, columns - len(lead))]
    return hung(lead, text, columns, 0 if lead.strip() else 2)


def _unjudged(count: int) -> str:
    what = (
        "1 sign was counted but not judged: its request is"
        if count == 1
        else (f"{count} signs were counted but not judged: their requests are")
    )
    return f"{what} not here from beginning to end; give it whole log streams"


def _groups(scan: Scan, by: By) -> tuple[Group, ...]:
    if by == "session":
        return (Group(None, scan.cases),) if scan.cases else ()
    return grouped(scan.cases, by)


def _heading(group: Group, by: By) -> str:
    sessions, requests = _counted(len(group.cases), "session"), _counted(group.requests, "request")
    if group.name is None:
        return f"{by}: none in the lines of {sessions}, {requests}"
    return f"{by} {name_shown(group.name)}: {sessions}, {requests}; {', '.join(group.rules)}"


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _summary(scan: Scan) -> list[str]:
    if not scan.requests:
        return [f"No request ended in {few(scan.sources)}{when(scan)}."]
    first, last = scan.per_minute[0][0], scan.per_minute[-1][0]
    counts = ", ".join(
        f"{scan.past.get(name, 0)} {words}"
        for name, words in (
            ("warning", "past the warning"),
            ("critical", "past the critical mark"),
            ("limit", "past the gateway's limit"),
            ("refused", "refused"),
        )
    )
    found = Counter(rule for case in scan.cases for rule in case.rules)
    rules = "; ".join(f"{rule} {count}" for rule, count in found.most_common()) or "nothing found"
    minutes = f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}Z"
    throttled = "" if scan.throttled is None else f", {_counted(scan.throttled, 'line')} of throttling"
    lines = [f"{scan.requests} requests, {minutes}: {counts}{throttled}", f"Sessions: {rules}"]
    return lines if scan.throttled is not None else [*lines, _NO_THROTTLING]


def when(scan: Scan) -> str:
    """The time that was asked for, in words; nothing where none was."""
    ends = (("since", scan.since), ("until", scan.until))
    return "".join(f", {word} {_stamp(at)}" for word, at in ends if at is not None)


def nothing(scan: Scan) -> NothingMatched:
    """What is raised for a scan that is empty: what was searched, and what could not be read of it."""
    what = (
        f"no request ended in {len(scan.sources)} source(s), {scan.bytes:,} bytes{when(scan)}; "
        f"searched {few(scan.sources)}"
    )
    skips = [f"{each.where}: {each.reason}" for each in scan.skips[:1]]
    more = f" and {len(scan.skips) - 1} more" if len(scan.skips) > 1 else ""
    what += f"; not read: {skips[0]}{more}" if skips else ""
    return NothingMatched(what) if scan.complete else NothingMatchedYet(what)


_NO_THROTTLING: Final = "Throttling was looked for around these alone; with --throttled it is everywhere."


def _sparkline(scan: Scan, columns: int, ascii: bool) -> list[str]:
    if len(scan.per_minute) < 2:
        return []
    counts = [count for _, count in scan.per_minute]
    most = f"  at most {max(counts)} a minute"
    sums = _folded(counts, max(10, min(columns - len(_PER_MINUTE) - len(most), len(counts))))
    bars, top = _ASCII_BARS if ascii else _BARS, max(sums)
    line = "".join(bars[(len(bars) - 1) * each // top] if top else bars[0] for each in sums)
    return [f"{_PER_MINUTE}{line}{most}"]


def _folded(counts: Sequence[int], width: int) -> list[int]:
    """Counts in so many columns: each the sum of its part.

    >>> _folded([1, 2, 3, 4], 2)
    [3, 7]
    """
    edges = [len(counts) * column // width for column in range(width + 1)]
    return [sum(counts[begin:end]) for begin, end in pairwise(edges)]


def _case_rows(case: Case, where: Sequence[str]) -> list[str]:
    worst = case.severity.upper()
    name = _name(case.session_id) or "no session"
    rows = [f"{worst:<8} {name}  {_seconds(case.longest)}  {', '.join(case.rules)}"]
    rows += [f"         {_request(each)}" for each in case.requests]
    command = next_command(case, where)
    return rows if command is None else [*rows, f"         {command}"]


def _request(request: Request) -> str:
    route = f"  {request.route}" if request.route else ""
    status = "" if request.gateway.client_status is None else f"  client {request.gateway.client_status}"
    return (
        f"{masked(request.request_id)}  {_stamp(request.start)}  {_seconds(waited(request))}{status}{route}"
    )


def next_command(case: Case, where: Sequence[str]) -> str | None:
    """The ``guard trace`` line of a case; None where it has no ID that can be asked for."""
    for option, name in (("--session", case.session_id), ("--request", case.requests[0].request_id)):
        if name is not None and identifier(name) == name:
            return shlex.join(["guard", "trace", option, name, *where])
    return None


def document(scan: Scan, where: Sequence[str], by: By = "session") -> dict[str, Any]:
    """The scan as plain data; docs/live.md has what each key means."""
    groups = [] if by == "session" else [_group_document(each) for each in grouped(scan.cases, by)]
    return {
        "schema": SCHEMA,
        "requests": scan.requests,
        "past": {name: scan.past.get(name, 0) for name in ("warning", "critical", "limit", "refused")},
        "per_minute": [{"at": _stamp(at), "requests": count} for at, count in scan.per_minute if count],
        "throttled_lines": scan.throttled,
        "by": by,
        "groups": groups,
        "cases": [_case_document(case, where) for case in scan.cases],
        "left_out": scan.left_out,
        "unjudged": scan.unjudged,
        "sources": list(scan.sources),
        "complete": scan.complete,
        "bytes_scanned": scan.bytes_scanned,
        "skipped": [{"where": clean(each.where), "reason": clean(each.reason)} for each in scan.skips],
    }


def _group_document(group: Group) -> dict[str, Any]:
    return {
        "name": None if group.name is None else name_shown(group.name),
        "severity": group.severity,
        "rules": list(group.rules),
        "requests": group.requests,
        "sessions": [_name(case.session_id) for case in group.cases],
    }


def _name(session_id: str | None) -> str | None:
    return None if session_id is None else masked(session_id)


def _case_document(case: Case, where: Sequence[str]) -> dict[str, Any]:
    return {
        "session_id": _name(case.session_id),
        "severity": case.severity,
        "rules": list(case.rules),
        "longest_ms": round(case.longest / timedelta(milliseconds=1), 3),
        "requests": [
            {
                "request_id": masked(each.request_id),
                "start": _stamp(each.start),
                "duration_ms": round(waited(each) / timedelta(milliseconds=1), 3),
                "client_status": each.gateway.client_status,
                "route": None if each.route is None else clean(each.route),
            }
            for each in case.requests
        ],
        "next_command": next_command(case, where),
    }


def as_json(scan: Scan, where: Sequence[str], by: By = "session") -> str:
    """The document as text."""
    return json.dumps(document(scan, where, by), indent=2, ensure_ascii=False) + "\n"


def _seconds(length: timedelta) -> str:
    return f"{length.total_seconds():.1f} s"


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
