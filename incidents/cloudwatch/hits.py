"""Where lines stand that hold an ID: by FilterLogEvents or by Insights, as the plan says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from incidents.cloudwatch.calls import Calls
from incidents.cloudwatch.faults import INTERRUPTED, Fault
from incidents.cloudwatch.holding import Holding
from incidents.cloudwatch.insights import Row, start
from incidents.cloudwatch.intervals import Interval, to_ms
from incidents.cloudwatch.pages import Want
from incidents.cloudwatch.plan import Step
from incidents.forms.base import group_name


@dataclass(frozen=True, slots=True)
class Hit:
    """One line that holds the ID."""

    group: str
    stream: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Searched:
    """What one step of a plan found."""

    hits: tuple[Hit, ...]
    bytes_scanned: int = 0


def find(step: Step, groups: Sequence[str], needle: str, calls: Calls, holding: Holding) -> Searched:
    """All hits of one step; what could not be searched is told in ``holding.missing``."""
    if step.engine == "FilterLogEvents":
        return Searched(tuple(_filtered(step, groups, needle, holding)))
    span = (to_ms(step.window.since), to_ms(step.window.until))
    try:
        found = start(calls, groups, step.window, step.text).found()
    except Fault as fault:
        if fault.kind != "empty":
            holding.fail(groups, span, fault)
        return Searched(())
    except KeyboardInterrupt:
        holding.fail(groups, span, INTERRUPTED)
        return Searched(())
    if found.trouble is not None:
        holding.fail(groups, span, found.trouble)
    return Searched(tuple(_of_rows(found.rows, groups)), found.bytes_scanned)


def _filtered(step: Step, groups: Sequence[str], needle: str, holding: Holding) -> Iterable[Hit]:
    span: Interval = (to_ms(step.window.since), to_ms(step.window.until))
    for group in groups:
        holding.search(Want(group, span, pattern=step.text))
    for event in holding.events():
        within = step.window.since <= event.at <= step.window.until
        if within and needle in event.message and event.log_group and event.log_stream:
            yield Hit(event.log_group, event.log_stream, event.at)


def _of_rows(rows: Iterable[Row], groups: Sequence[str]) -> Iterable[Hit]:
    for row in rows:
        group, stream = str(group_name(row.get("@log", ""))), row.get("@logStream", "")
        with suppress(ValueError):
            at = datetime.fromisoformat(row.get("@timestamp", "")).replace(tzinfo=UTC)
            if stream and group in groups:
                yield Hit(group, stream, at)
