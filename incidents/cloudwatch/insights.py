"""Queries of CloudWatch Logs Insights: started, waited for, read page by page, stopped when nobody waits."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from incidents.cloudwatch.calls import Answer, Calls
from incidents.cloudwatch.faults import INTERRUPTED, Fault
from incidents.cloudwatch.queries import MOST_ROWS
from incidents.cloudwatch.windows import Window

Row = dict[str, str]

_WAITING: Final = ("Scheduled", "Running")
_POLLS_S: Final = (0.2, 0.3, 0.5, 1.0, 2.0)
_LONGEST_S: Final = 3600.0
"""CloudWatch ends a query itself after 60 minutes."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a query gave."""

    rows: tuple[Row, ...]
    bytes_scanned: int
    trouble: Fault | None = None
    """Why rows may be missing; None when they are all there."""


class Query:
    """One query that was started."""

    def __init__(self, calls: Calls, query_id: str) -> None:
        self._calls, self._id = calls, query_id

    def found(self) -> Found:
        """All of its rows, once it is complete; what there is of them where it does not get there."""
        rows: list[Row] = []
        scanned = 0
        try:
            answer = self._ended()
            rows, scanned = _rows(answer), _scanned(answer)
            trouble = _trouble(answer["status"])
            while trouble is None and answer.get("nextToken"):
                answer = self._calls.call("GetQueryResults", queryId=self._id, nextToken=answer["nextToken"])
                rows += _rows(answer)
        except Fault as fault:
            trouble = fault
            self.stop()
        except KeyboardInterrupt:
            trouble = INTERRUPTED
            self.stop()
        if trouble is None and len(rows) >= MOST_ROWS:
            trouble = Fault("refused", f"more than {MOST_ROWS:,} lines match", "name a shorter time")
        return Found(tuple(rows), scanned, trouble)

    def stop(self, *, quietly: bool = True) -> None:
        """Ask the service to stop it; that it has ended already is no trouble, unless that is to be told."""
        with suppress(*(Fault, KeyboardInterrupt) if quietly else ()):
            self._calls.call("StopQuery", queryId=self._id)

    def _ended(self) -> Answer:
        waited, polls = 0.0, 0
        while True:
            answer = self._calls.call("GetQueryResults", queryId=self._id)
            if answer["status"] not in _WAITING:
                return answer
            if waited > _LONGEST_S:
                raise Fault("refused", "the query did not end", "name a shorter time")
            pause = _POLLS_S[min(polls, len(_POLLS_S) - 1)]
            self._calls.wait(pause)
            waited, polls = waited + pause, polls + 1


def start(calls: Calls, groups: Sequence[str], window: Window, text: str) -> Query:
    """Start a query. Raises Fault."""
    answer = calls.call(
        "StartQuery",
        logGroupNames=list(groups),
        startTime=_seconds(window.since),
        endTime=_seconds(window.until + timedelta(milliseconds=999)),
        queryString=text,
    )
    return Query(calls, answer["queryId"])


def estimated(found: Found) -> int | None:
    """The bytes that an estimate tells; None where none can be read from it.

    How the answer names them is not documented: it is the number in the field that speaks of bytes.

    >>> estimated(Found(({"estimatedBytesScanned": "1234"},), 0))
    1234
    """
    if found.trouble is not None:
        return 0 if found.trouble.kind == "empty" else None
    for row in found.rows:
        for name, value in row.items():
            if "byte" in name.lower():
                with suppress(ValueError):
                    return int(float(value))
    return found.bytes_scanned or None


def _seconds(at: datetime) -> int:
    return max(0, int(at.timestamp()))


def _rows(answer: Answer) -> list[Row]:
    return [{each["field"]: each.get("value", "") for each in row} for row in answer.get("results", ())]


def _scanned(answer: Answer) -> int:
    return int(answer.get("statistics", {}).get("bytesScanned", 0))


def _trouble(status: object) -> Fault | None:
    if status == "Complete":
        return None
    if status == "Timeout":
        return Fault("refused", "the query ran into CloudWatch's limit of 60 minutes", "name a shorter time")
    return Fault("refused", f"the query ended as {status}", "run it again")
