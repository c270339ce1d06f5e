"""The operations of the service: each takes checked parameters and gives the answer or an ApiError."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from alarms.filter_patterns import FilterPatternError
from alarms.filter_patterns import parse as parse_pattern
from tests.cloudwatch_logs.errors import THROTTLED, TOO_MANY_QUERIES, ApiError, invalid, malformed, missing
from tests.cloudwatch_logs.query_run import Result, Row, run
from tests.cloudwatch_logs.query_syntax import Parsed, parse
from tests.cloudwatch_logs.shapes import check
from tests.cloudwatch_logs.store import ACCOUNT, Store, Stored
from tests.cloudwatch_logs.tokens import position_of, token_of

PAGE_BYTES, PAGE_EVENTS = 1 << 20, 10_000
RATES = {"FilterLogEvents": 5, "GetLogEvents": 25, "DescribeLogStreams": 25, "StartQuery": 10}
"""Calls a second that the service takes from one account and Region."""
CONCURRENT = 100
ENDED = ("Complete", "Failed", "Cancelled", "Timeout")

Answer = dict[str, Any]


@dataclass(slots=True)
class Settings:
    """How the service behaves today."""

    scanned_per_page: int = 2_000
    """So many events are looked at for one page of FilterLogEvents: fewer may match, or none."""
    statuses: tuple[str, ...] = ("Scheduled", "Running", "Complete")
    """What a query's polls are answered with; the last one stays."""
    statuses_of: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Other statuses for the query of that number, from 0."""
    rates: dict[str, int] = field(default_factory=dict)
    """Calls a second; empty: no limit. RATES are the service's."""
    most_queries: int = CONCURRENT
    rows_per_page: int = 10_000
    seed: int = 0


@dataclass(slots=True)
class Query:
    """One query that was started."""

    result: Result
    statuses: deque[str]

    def poll(self) -> str:
        """Its status now."""
        return self.statuses.popleft() if len(self.statuses) > 1 else self.statuses[0]


class Logs:
    """The service."""

    def __init__(self, store: Store, settings: Settings | None = None) -> None:
        self.store, self.settings = store, settings or Settings()
        self.queries: dict[str, Query] = {}
        self.scanned = 0.0
        """Bytes that were charged for."""
        self._dice = random.Random(self.settings.seed)
        self._recent: dict[str, deque[int]] = defaultdict(deque)

    def answer(self, operation: str, parameters: dict[str, Any]) -> Answer:
        """What the service says to a call. Raises ApiError."""
        known: dict[str, Callable[[dict[str, Any]], Answer]] = {
            "FilterLogEvents": self._filter,
            "GetLogEvents": self._get,
            "DescribeLogGroups": self._groups,
            "DescribeLogStreams": self._streams,
            "DescribeFieldIndexes": self._indexes,
            "DescribeMetricFilters": self._metric_filters,
            "StartQuery": self._start,
            "GetQueryResults": self._results,
            "StopQuery": self._stop,
        }
        if operation == "GetItem":
            return get_item(self.store, parameters)
        if operation not in known:
            raise invalid(f"{operation} is not part of this fake")
        self._keep_rate(operation)
        check(operation, parameters)
        return known[operation](parameters)

    def _keep_rate(self, operation: str) -> None:
        rate, now, recent = self.settings.rates.get(operation), self.store.now_ms(), self._recent[operation]
        while recent and recent[0] <= now - 1000:
            recent.popleft()
        if rate is not None and len(recent) >= rate:
            raise THROTTLED
        recent.append(now)

    # --- events -------------------------------------------------------------------------------------

    def _filter(self, asked: dict[str, Any]) -> Answer:
        if "logStreamNames" in asked and "logStreamNamePrefix" in asked:
            raise invalid("logStreamNames and logStreamNamePrefix exclude each other")
        start, end = asked.get("startTime", 0), asked.get("endTime", 1 << 62)
        if start > end:
            raise invalid("startTime is after endTime")
        group = _one_group(asked)
        if self.store.group(group).class_ != "STANDARD":
            raise invalid("FilterLogEvents is not supported for this log class")
        pattern, streams = _pattern(asked.get("filterPattern", "")), set(asked.get("logStreamNames", ()))
        self._known_streams(group, streams)
        held = [
            each
            for each in self.store.seen(group)
            if start <= each.ms <= end and (not streams or each.stream in streams)
        ]
        position = position_of("FilterLogEvents", asked)
        page: list[Stored] = []
        size = 0
        until = min(position + self.settings.scanned_per_page, len(held))
        while position < until and len(page) < asked.get("limit", PAGE_EVENTS) and size < PAGE_BYTES:
            if pattern is None or pattern(held[position].message):
                page.append(held[position])
                size += held[position].size
            position += 1
        answer: Answer = {"events": [_filtered(each) for each in page], "searchedLogStreams": []}
        if position < len(held):
            answer["nextToken"] = token_of("FilterLogEvents", asked, position)
        return answer

    def _get(self, asked: dict[str, Any]) -> Answer:
        group, stream = _one_group(asked), asked["logStreamName"]
        self._known_streams(group, {stream})
        if asked.get("nextToken") and not asked.get("startFromHead"):
            raise invalid("a forward token needs startFromHead")
        start, end = asked.get("startTime", 0), asked.get("endTime", 1 << 62)
        held = [each for each in self.store.seen(group) if each.stream == stream and start <= each.ms < end]
        position = position_of("GetLogEvents", asked)
        page = held[position : position + min(asked.get("limit", PAGE_EVENTS), 1_000)]
        token = token_of("GetLogEvents", asked, position + len(page))
        return {
            "events": [
                {"timestamp": each.ms, "message": each.message, "ingestionTime": each.ingested_ms}
                for each in page
            ],
            "nextForwardToken": token,
            "nextBackwardToken": "b/0",
        }

    def _known_streams(self, group: str, streams: set[str]) -> None:
        if streams - {each.stream for each in self.store.group(group).events}:
            raise missing("log stream")

    # --- descriptions -------------------------------------------------------------------------------

    def _groups(self, asked: dict[str, Any]) -> Answer:
        prefix, names = asked.get("logGroupNamePrefix", ""), asked.get("logGroupIdentifiers")
        chosen = [
            each
            for name, each in sorted(self.store.groups.items())
            if name.startswith(prefix) and (names is None or name in names)
        ]
        position, most = position_of("DescribeLogGroups", asked), asked.get("limit", 50)
        answer: Answer = {
            "logGroups": [
                {
                    "logGroupName": each.name,
                    "creationTime": each.created_ms,
                    "storedBytes": sum(event.size for event in each.events),
                    "logGroupClass": each.class_,
                    **({} if each.retention_days is None else {"retentionInDays": each.retention_days}),
                }
                for each in chosen[position : position + most]
            ]
        }
        if position + most < len(chosen):
            answer["nextToken"] = token_of("DescribeLogGroups", asked, position + most)
        return answer

    def _streams(self, asked: dict[str, Any]) -> Answer:
        if asked.get("orderBy") == "LastEventTime" and "logStreamNamePrefix" in asked:
            raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        times: dict[str, list[int]] = defaultdict(list)
        for each in self.store.seen(_one_group(asked)):
            times[each.stream].append(each.ms)
        by_time = asked.get("orderBy") == "LastEventTime"
        names = sorted(times, key=lambda name: max(times[name]) if by_time else name)
        names = names[::-1] if asked.get("descending") else names
        names = [name for name in names if name.startswith(asked.get("logStreamNamePrefix", ""))]
        position, most = position_of("DescribeLogStreams", asked), asked.get("limit", 50)
        answer: Answer = {
            "logStreams": [
                {
                    "logStreamName": name,
                    "firstEventTimestamp": min(times[name]),
                    "lastEventTimestamp": max(times[name]),
                }
                for name in names[position : position + most]
            ]
        }
        if position + most < len(names):
            answer["nextToken"] = token_of("DescribeLogStreams", asked, position + most)
        return answer

    def _indexes(self, asked: dict[str, Any]) -> Answer:
        return {
            "fieldIndexes": [
                {
                    "logGroupIdentifier": name,
                    "fieldIndexName": indexed,
                    "firstEventTime": first,
                    "lastEventTime": last,
                    "type": "FIELD_INDEX",
                }
                for name in asked["logGroupIdentifiers"]
                for indexed, (first, last) in self.store.group(name).indexes.items()
            ]
        }

    def _metric_filters(self, asked: dict[str, Any]) -> Answer:
        held, most = self.store.group(asked["logGroupName"]).filters, asked.get("limit", 2)
        position = position_of("DescribeMetricFilters", asked)
        answer: Answer = {"metricFilters": held[position : position + most]}
        if position + most < len(held):
            answer["nextToken"] = token_of("DescribeMetricFilters", asked, position + most)
        return answer

    # --- queries ------------------------------------------------------------------------------------

    def _start(self, asked: dict[str, Any]) -> Answer:
        names = _query_groups(asked)
        if asked["startTime"] > asked["endTime"]:
            raise invalid("endTime is before startTime")
        if asked.get("queryLanguage", "CWLI") != "CWLI":
            raise malformed("only CWLI is part of this fake")
        created = min(self.store.group(name).created_ms for name in names)
        if asked["endTime"] * 1000 < created:
            raise malformed(
                "Query's end date and time is either before the log groups creation time or exceeds the log "
                "groups log retention settings"
            )
        running = [each for each in self.queries.values() if each.statuses[0] not in ENDED]
        if len(running) >= self.settings.most_queries:
            raise TOO_MANY_QUERIES
        parsed = parse(asked["queryString"])
        parsed.limit = min(parsed.limit, asked.get("limit", parsed.limit))
        query_id = f"00000000-0000-4000-8000-{len(self.queries):012d}"
        result = self._run(parsed, names, asked["startTime"] * 1000, asked["endTime"] * 1000)
        self.scanned += result.statistics["bytesScanned"]
        statuses = self.settings.statuses_of.get(len(self.queries), self.settings.statuses)
        self.queries[query_id] = Query(result, deque(statuses))
        return {"queryId": query_id}

    def _run(self, parsed: Parsed, names: list[str], start: int, end: int) -> Result:
        scanned: list[Stored] = []
        skipped = 0
        for name in names:
            held = [each for each in self.store.seen(name) if start <= each.ms <= end]
            indexed = [pair for pair in parsed.indexed if pair[0] in self.store.group(name).indexes]
            kept = [each for each in held if all(text in each.message for _, text in indexed)]
            scanned += kept
            skipped += sum(each.size for each in held) - sum(each.size for each in kept)
        return run(parsed, scanned, skipped, self._dice)

    def _results(self, asked: dict[str, Any]) -> Answer:
        query = self._query(asked)
        status, rows = query.poll(), query.result.rows
        if status in ("Scheduled", "Failed"):
            rows = []
        elif status != "Complete":
            rows = rows[: len(rows) // 2]
        position, most = position_of("GetQueryResults", asked), asked.get("maxItems", PAGE_EVENTS)
        until = position + min(most, self.settings.rows_per_page)
        page: list[Row] = rows[position:until]
        answer: Answer = {
            "queryLanguage": "CWLI",
            "status": status,
            "results": page,
            "statistics": query.result.statistics,
        }
        if status == "Complete" and until < len(rows):
            answer["nextToken"] = token_of("GetQueryResults", asked, until)
        return answer

    def _stop(self, asked: dict[str, Any]) -> Answer:
        query = self._query(asked)
        if query.statuses[0] in ENDED:
            raise invalid("Query is not running.")
        query.statuses = deque(["Cancelled"])
        return {"success": True}

    def _query(self, asked: dict[str, Any]) -> Query:
        query = self.queries.get(asked["queryId"])
        if query is None:
            raise missing("query")
        return query


def get_item(store: Store, asked: dict[str, Any]) -> Answer:
    """DynamoDB's GetItem, by the whole key of the sessions table and for named attributes only."""
    key = asked.get("Key", {})
    if set(asked) != {"TableName", "Key", "ProjectionExpression"} or set(key) != {"session_id"}:
        raise ApiError("ValidationException", "The provided key element does not match the schema")
    if not any(table == asked["TableName"] for table, _ in store.rows):
        raise ApiError("ResourceNotFoundException", "Requested resource not found")
    row = store.rows.get((asked["TableName"], key["session_id"]["S"]), {})
    names = [name.strip() for name in asked["ProjectionExpression"].split(",")]
    item = {name: {"S": row[name]} for name in names if name in row}
    return {"Item": item} if row else {}


def _filtered(event: Stored) -> dict[str, Any]:
    return {
        "logStreamName": event.stream,
        "timestamp": event.ms,
        "message": event.message,
        "ingestionTime": event.ingested_ms,
        "eventId": event.event_id,
    }


def _pattern(text: str) -> Callable[[str], bool] | None:
    if not text.strip():
        return None
    try:
        return parse_pattern(text).matches
    except FilterPatternError as error:
        raise invalid(f"Invalid filter pattern: {error}") from None


def _one_group(asked: dict[str, Any]) -> str:
    names = [asked[key] for key in ("logGroupName", "logGroupIdentifier") if key in asked]
    if len(names) != 1:
        raise invalid("exactly one of logGroupName and logGroupIdentifier is needed")
    return str(names[0]).split(":log-group:")[-1]


def _query_groups(asked: dict[str, Any]) -> list[str]:
    given = [key for key in ("logGroupName", "logGroupNames", "logGroupIdentifiers") if key in asked]
    if len(given) != 1:
        raise invalid("exactly one of logGroupName, logGroupNames and logGroupIdentifiers is needed")
    names = [asked[given[0]]] if given == ["logGroupName"] else list(asked[given[0]])
    if not 1 <= len(names) <= 50:
        raise invalid("1 to 50 log groups can be queried")
    return [str(name).split(":log-group:")[-1] for name in names]


__all__ = ["ACCOUNT", "RATES", "Logs", "Settings"]
