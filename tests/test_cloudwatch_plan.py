"""The plan comes before the scan and is right; what is asked of the service is counted and bounded."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from guards.errors import BadUsage, SourceFailed
from incidents.cloudwatch import live as live_
from incidents.cloudwatch.calls import Calls
from incidents.cloudwatch.plan import document, size_words
from incidents.cloudwatch.queries import hits_query
from incidents.cloudwatch.windows import WIDENING, of_row
from incidents.trace import Query, trace
from tests.cloudwatch_logs.operations import RATES, Settings
from tests.cloudwatch_logs.server import Fake, serving
from tests.cloudwatch_logs.store import Store
from tests.live import HOUR, Clock, allowed, client, from_live, live
from tests.logs import GROUP, OTHER_SESSION, OTHER_STREAM, SESSION, A, B, end, events, report, said, start
from tests.test_cloudwatch_equal import busy, session_of

FEW_PAGES = 4
"""In each group: the streams that were hit, a gateway's lines of that time, whom else they may be about."""
NOW = datetime(2026, 2, 10, 0, 30, tzinfo=UTC)
QUERY = Query(session_id=SESSION)
TURN = said("coaching_sessions.send_message")


def turn(at: float, request: str, session: str = SESSION) -> list[tuple[float, str]]:
    return [
        (at, start(request)),
        (at + 0.5, said("coaching_sessions.send_message", session)),
        (at + 1, end(request)),
        (at + 1, report(request)),
    ]


def store(*turns: list[tuple[float, str]]) -> Store:
    held = Store()
    for number, rows in enumerate(turns):
        held.add_events(events(*rows, ids=[f"{number:028d}{index:028d}" for index in range(len(rows))]))
    decoys = [*turn(-3000, B, OTHER_SESSION), *turn(0, B, OTHER_SESSION)]
    held.add_events(
        events(*decoys, stream=OTHER_STREAM, ids=[f"9{index:055d}" for index in range(len(decoys))])
    )
    return held


def at_now() -> Clock:
    return Clock(NOW)


def steps(plan: Any) -> list[tuple[timedelta, str]]:
    return [(step.window.until - step.window.since, step.engine) for step in plan.steps]


def test_a_short_window_is_filtered_and_a_long_one_is_queried() -> None:
    """Half an hour costs nothing by FilterLogEvents; more than that is for Insights, with its price."""
    with serving(store(turn(0, A))) as fake:
        short = live(fake, Query(session_id=SESSION, since=NOW - HOUR / 2, until=NOW)).plan
        assert 0 == sum(fake.counts.values())
        long = live(fake, Query(session_id=SESSION, since=NOW - HOUR, until=NOW)).plan

    assert [(HOUR / 2, "FilterLogEvents")] == steps(short)
    assert [(HOUR, "Insights")] == steps(long)
    assert (0, True) == (short.steps[0].estimated_bytes, long.steps[0].estimated_bytes > 0)


def test_an_unknown_time_is_widened_newest_first() -> None:
    """An hour, six, a day, a week: each step only what those before it left."""
    with serving(store(turn(0, A))) as fake:
        plan = live(fake, QUERY, clock=at_now()).plan

    assert ["widening"] * 1 == [plan.origin]
    assert NOW == plan.steps[0].window.until
    assert [NOW - reach for reach in WIDENING] == [step.window.since for step in plan.steps]


def test_the_plan_is_what_is_scanned_afterwards() -> None:
    """The estimate of the steps that ran is the bytes that were charged for, and the accounting says them."""
    query = Query(session_id=SESSION, since=NOW - HOUR, until=NOW)
    with serving(store(turn(0, A))) as fake:
        planned = live(fake, query)
        assert 0 == fake.logs.scanned
        asked = planned.source(allowed)
        trace([asked], query)

        assert planned.plan.steps[0].estimated_bytes == fake.logs.scanned
        assert f"Insights scanned {size_words(fake.logs.scanned)} (" in asked.accounting


@pytest.mark.parametrize("indexed", [False, True])
def test_each_step_that_ran_cost_what_was_estimated(indexed: bool) -> None:
    """Hour after hour back, by an index or not: the estimates of the steps that ran are what was charged."""
    record = json.dumps({"guard": "phase.end/1", "session_id": SESSION})
    held = store([*turn(0, A), (0.6, record)], [*turn(-2 * 3600, B), (-2 * 3600 + 0.6, record)])
    with serving(held) as fake:
        if indexed:
            fake.logs.store.group(GROUP).indexes["session_id"] = (1, 2)
        planned = live(fake, QUERY, clock=at_now())
        trace([planned.source(allowed)], QUERY)
        ran = [told for name, told in fake.calls if name == "StartQuery" and "estimate" not in str(told)]
        steps_run = planned.plan.steps[: len(ran)]

        assert sum(step.estimated_bytes or 0 for step in steps_run) == fake.logs.scanned > 0
        assert [step.text for step in steps_run] == [told["queryString"] for told in ran]
        assert [step.window.since.timestamp() for step in steps_run] == [told["startTime"] for told in ran]
    assert {indexed} == {step.indexed for step in steps_run}


def test_what_an_index_does_not_hold_is_searched_in_full() -> None:
    """Lines that are no records name a session too: nothing is missed, and it is said that it cost more."""
    query = Query(session_id=SESSION, since=NOW - HOUR, until=NOW)
    with serving(store(turn(0, A))) as fake:
        fake.logs.store.group(GROUP).indexes["session_id"] = (1, 2)
        asked = live(fake, query).source(allowed)
        report = trace([asked], query)

        assert 4 == fake.counts["StartQuery"]
    assert [A] == [each.request_id for each in report.timeline.requests]
    assert ["the index of session_id told nothing, so that all lines were searched"] == asked.remarks


def test_the_search_in_full_keeps_to_the_budget() -> None:
    """What comes after an index told nothing is estimated too, and not made unasked."""
    query = Query(session_id=SESSION, since=NOW - HOUR, until=NOW)
    with serving(store(turn(0, A))) as fake:
        fake.logs.store.group(GROUP).indexes["session_id"] = (1, 2)
        planned = live(fake, query, max_gb=1e-9)
        with pytest.raises(SourceFailed, match="over the budget"):
            trace([planned.source(lambda plan, number: number != 0 or plan.steps[0].indexed)], query)

        assert 3 == fake.counts["StartQuery"]


def recorded(sent: Counter[str], fake: Fake) -> Callable[..., Any]:
    """Makes clients whose every call botocore records, from the first one on."""

    def make(connection: object, service: str = "logs") -> Any:
        boto = client(fake, service=service)
        boto.meta.events.register("before-call.*.*", lambda model, **_: sent.update([model.name]))
        return boto

    return make


def asked_for(sent: Counter[str], fake: Fake, query: Query, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The report on a query, planned and read by recorded clients; with a table where no time is given."""
    clock = Clock(NOW + HOUR)
    monkeypatch.setattr(live_, "Calls", partial(Calls, sleep=clock.sleep, clock=clock.monotonic))
    settings = {} if query.since else {"table": "sessions"}
    groups = tuple(fake.logs.store.groups)
    planned = live_.planned(groups, query, settings, clock.at, recorded(sent, fake))
    return trace([planned.source(allowed)], query)


@pytest.mark.parametrize("known", ["given", "by the table"])
def test_a_known_window_costs_two_queries_and_few_pages(known: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As botocore records them, planning too: the estimate, the search, one page for all that was hit."""
    sent: Counter[str] = Counter()
    held = store(turn(0, A), turn(90, B))
    held.rows["sessions", SESSION] = {
        "created_at": "2026-02-09T22:40:00Z",
        "updated_at": "2026-02-09T23:50:00Z",
    }
    since = NOW - 2 * HOUR if known == "given" else None
    with serving(held, Settings(statuses=("Complete",))) as fake:
        report = asked_for(sent, fake, Query(session_id=SESSION, since=since), monkeypatch)

        assert sent == fake.counts
    assert [A, B] == [each.request_id for each in report.timeline.requests]
    row = {} if known == "given" else {"GetItem": 1}
    assert {
        "DescribeFieldIndexes": 1,
        "StartQuery": 2,
        "GetQueryResults": 2,
        "FilterLogEvents": 1,
        **row,
    } == sent


def test_a_session_among_fifty_costs_no_more_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a gateway's group beside, and pages of 2,000 events: two queries and few pages."""
    sent: Counter[str] = Counter()
    held = Store()
    held.add_events(busy(1))
    query = Query(session_id=session_of(7), since=NOW - 2 * HOUR, until=NOW)
    with serving(held, Settings(statuses=("Complete",))) as fake:
        report = asked_for(sent, fake, query, monkeypatch)

    assert report.timeline.requests
    assert 2 == sent["StartQuery"]
    assert FEW_PAGES >= sent["FilterLogEvents"]


def test_what_is_read_stands_around_the_hits() -> None:
    """Only streams that were hit, a quarter of an hour around, and the slack."""
    query = Query(session_id=SESSION, since=NOW - 2 * HOUR, until=NOW)
    with serving(store(turn(0, A))) as fake:
        from_live(fake, query)
        [read] = [asked for operation, asked in fake.calls if operation == "FilterLogEvents"]

    assert [events((0, ""))[0].log_stream] == read["logStreamNames"]
    assert timedelta(minutes=30, seconds=20) == timedelta(milliseconds=read["endTime"] - read["startTime"])


def test_widening_stops_when_an_older_step_finds_nothing_more() -> None:
    """A session of this hour and the hours before is whole; what is older than a gap is not paid for."""
    with serving(store(turn(0, A), turn(-2 * 3600, B))) as fake:
        report = from_live(fake, QUERY, clock=at_now())
        searches = [asked["queryString"] for operation, asked in fake.calls if operation == "StartQuery"]

    assert [B, A] == [each.request_id for each in report.timeline.requests]
    assert 3 == sum("estimate" not in text for text in searches)


def test_a_request_is_found_once() -> None:
    """One request is one stretch of one stream: nothing older is searched."""
    with serving(store(turn(0, A))) as fake:
        report = from_live(fake, Query(request_id=A), clock=at_now())
        searches = [asked["queryString"] for operation, asked in fake.calls if operation == "StartQuery"]

    assert [A] == [each.request_id for each in report.timeline.requests]
    assert 1 == sum("estimate" not in text for text in searches)


def test_a_search_over_the_budget_is_not_made_unasked() -> None:
    """Nothing is scanned, and what to do is said."""
    query = Query(session_id=SESSION, since=NOW - HOUR, until=NOW)
    with serving(store(turn(0, A))) as fake:
        planned = live(fake, query, max_gb=1e-9)
        with pytest.raises(SourceFailed, match=r"over the budget of 1e-09 GB; raise --max-gb"):
            trace([planned.source(lambda plan, number: False)], query)

        assert 0 == fake.logs.scanned
        assert [A] == [each.request_id for each in trace([planned.source(allowed)], query).timeline.requests]


def test_a_budget_that_ends_in_the_middle_keeps_what_was_found() -> None:
    """What is older than something found is not asked about, but told."""
    with serving(store(turn(0, A))) as fake:
        first = live(fake, QUERY, clock=at_now()).plan.steps[0].estimated_bytes
        planned = live(fake, QUERY, clock=at_now(), max_gb=first / 1e9)
        asked = planned.source(lambda plan, number: pytest.fail("asked"))
        trace([asked], QUERY)

    assert "over the budget" in asked.remarks[0]


def test_the_row_of_the_session_tells_when_to_look() -> None:
    """From before it was created to an hour after its last write: then a retry is past."""
    row = {"created_at": "2026-02-09T23:40:00+00:00", "updated_at": "2026-02-09T23:48:31.5+00:00"}
    [window] = of_row(row, NOW + 24 * HOUR) or ()

    assert "2026-02-09 23:25:00+00:00" == str(window.since)
    assert "2026-02-10 00:48:31.500000+00:00" == str(window.until)
    assert None is of_row({}, NOW)


def test_an_index_is_asked_only_where_the_whole_window_has_it() -> None:
    """What was ingested before the first record is in no index, and would be missed."""
    ms = round((NOW - HOUR).timestamp() * 1000)
    query = Query(session_id=SESSION, since=NOW - 2 * HOUR, until=NOW)
    with serving(store(turn(0, A))) as fake:
        fake.logs.store.group(GROUP).indexes["session_id"] = (ms, ms + 1)
        late = live(fake, query).plan.steps[0]
        fake.logs.store.group(GROUP).indexes["session_id"] = (ms - 3_600_000, ms)
        early = live(fake, query).plan.steps[0]

    assert (False, True) == (late.indexed, early.indexed)
    assert f'filter session_id = "{SESSION}"' in early.text


@pytest.mark.parametrize("asked", ['x" | limit 1', "x' or 1", "a b", "x\\", "", 'x"'])
def test_no_id_can_add_to_a_query(asked: str) -> None:
    """What is no ID gets into no query."""
    with pytest.raises(BadUsage):
        hits_query(asked)


def test_the_rates_of_the_service_are_kept() -> None:
    """Pages are asked for at the pace that the service takes; where it takes less, slower, and all come."""
    clock = Clock(NOW + 24 * HOUR)
    held = store(*(turn(number, A) for number in range(20)))
    held.now_ms = clock.ms
    query = Query(session_id=SESSION, since=NOW - HOUR, until=NOW)
    for rate in (RATES["FilterLogEvents"], 1):
        settings = Settings(scanned_per_page=5, rates={**RATES, "FilterLogEvents": rate})
        with serving(held, settings) as fake:
            planned = live(fake, query, clock=clock)
            report = trace([planned.source(allowed)], query)

            assert report.timeline.complete
            assert 80 == report.sources[0].used + report.sources[0].other
            assert (rate < 5) == (planned.calls.throttled > 0)
            assert planned.calls.throttled <= fake.counts["FilterLogEvents"] / 3


def test_a_late_event_is_read_with_the_others() -> None:
    """A line that was ingested between the search and the reading is in the answer."""
    clock = Clock(NOW)
    held = Store(now_ms=clock.ms)
    held.add_events(events(*turn(0, A), ids=[f"{index:056d}" for index in range(4)]), delay_ms=3_000)
    late = events((0.7, said("coaching_session.saved")), ids=["5" * 56])
    held.add_events(late, delay_ms=int((NOW - late[0].at) / timedelta(milliseconds=1)) + 500)
    query = Query(session_id=SESSION, since=NOW - HOUR, until=NOW)
    with serving(held) as fake:
        report = from_live(fake, query, clock=clock)

    assert 5 == report.sources[0].used


def test_the_plan_is_a_document() -> None:
    """As --plan prints it: groups, window, engine, query, estimate, price and budget."""
    with serving(store(turn(0, A))) as fake:
        plan = live(fake, Query(session_id=SESSION, since=NOW - HOUR, until=NOW)).plan
    told = json.loads(json.dumps(document(plan)))

    assert ([GROUP], "given", 5.0) == (told["log_groups"], told["window_from"], told["max_gb"])
    [step] = told["steps"]
    assert ("Insights", hits_query(SESSION), True) == (step["engine"], step["query"], step["within_budget"])
    assert step["estimated_usd"] == round(step["estimated_bytes"] / 1e9 * 0.005, 6)
