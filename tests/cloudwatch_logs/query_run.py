"""A parsed query run over stored events: rows, statistics, and ties in no order."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.cloudwatch_logs.query_syntax import Fields, Parsed
from tests.cloudwatch_logs.store import ACCOUNT, Stored

Row = list[dict[str, str]]

_REPORT = {
    "@duration": r"(?<!Billed )(?<!Init )\bDuration: ([\d.]+) ms",
    "@initDuration": r"Init Duration: ([\d.]+) ms",
    "@billedDuration": r"Billed Duration: ([\d.]+) ms",
}


@dataclass(frozen=True, slots=True)
class Result:
    """What a query comes to."""

    rows: list[Row]
    statistics: dict[str, float]


def run(parsed: Parsed, events: Sequence[Stored], skipped: int, dice: random.Random) -> Result:
    """The rows of a query over the events in its reach. ``skipped`` bytes were left to an index."""
    scanned = float(sum(each.size for each in events))
    statistics = {"bytesScanned": scanned, "recordsScanned": float(len(events)), "recordsMatched": 0.0}
    if parsed.estimate:
        row = [{"field": "estimatedBytesScanned", "value": str(int(scanned))}]
        return Result([row], {"bytesScanned": 0.0, "recordsScanned": 0.0, "recordsMatched": 0.0})
    matched = [(each, fields) for each in events if _let_through(parsed, fields := fields_of(each))]
    statistics |= {"recordsMatched": float(len(matched)), "estimatedBytesSkipped": float(skipped)}
    if parsed.stats is not None:
        return Result(_counted(parsed, [each for each, _ in matched]), statistics)
    dice.shuffle(matched)
    name, descending = parsed.sort or ("@timestamp", True)
    matched.sort(key=lambda pair: _order(pair[1].get(name)), reverse=descending)
    rows = [_row(parsed, fields) for _, fields in matched[: parsed.limit]]
    return Result(rows, statistics)


def _order(value: object) -> tuple[float, str]:
    text = str(value)
    return (float(text), "") if re.fullmatch(r"-?[\d.]+", text) else (0.0, text)


def _let_through(parsed: Parsed, fields: Fields) -> bool:
    return all(test(fields) for test in parsed.filters)


def _row(parsed: Parsed, fields: Fields) -> Row:
    told = [{"field": name, "value": str(fields[name])} for name in parsed.fields if name in fields]
    return [*told, {"field": "@ptr", "value": str(fields["@ptr"])}]


def _counted(parsed: Parsed, events: Sequence[Stored]) -> list[Row]:
    assert parsed.stats is not None
    width = parsed.stats.by_seconds
    counts = Counter(each.ms // 1000 // width * width for each in events)
    bins = f"bin({width // 60}m)" if width % 60 == 0 else f"bin({width}s)"
    return [
        [{"field": bins, "value": stamp(at * 1000)}, {"field": parsed.stats.name, "value": str(counts[at])}]
        for at in sorted(counts, reverse=True)
    ]


def stamp(ms: int) -> str:
    """A time as Insights writes it.

    >>> stamp(1770680888688)
    '2026-02-09 23:48:08.688'
    """
    at = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{ms % 1000:03}"


def fields_of(event: Stored) -> Fields:
    """The fields that Insights knows of an event: its own, Lambda's, and those of a JSON message."""
    fields: Fields = {
        "@timestamp": stamp(event.ms),
        "@message": event.message,
        "@logStream": event.stream,
        "@log": f"{ACCOUNT}:{event.group}",
        "@ingestionTime": stamp(event.ingested_ms),
        "@ptr": f"ptr-{event.event_id}",
    }
    return {**_json_fields(event.message), **fields, **_lambda_fields(event.message)}


def _lambda_fields(message: str) -> Fields:
    kind = re.match(r"(START|END|REPORT) RequestId: (\S+)", message)
    if kind is None:
        return {}
    told = {name: found[1] for name, text in _REPORT.items() if (found := re.search(text, message))}
    return {"@type": kind[1], "@requestId": kind[2], **told}


def _json_fields(message: str) -> Fields:
    try:
        record = json.loads(message)
    except ValueError:
        return {}
    return dict(_flat(record, "")) if isinstance(record, dict) else {}


def _flat(record: dict[str, Any], prefix: str) -> Any:
    for key, value in record.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        elif value is not None:
            yield f"{prefix}{key}", value
