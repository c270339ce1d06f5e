"""The recorded run of the real coaching API is traced to the truth that was recorded outside of its logs."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from incidents.files import FileSource
from incidents.report import Report
from incidents.trace import Query, trace

FOLDER = Path(__file__).with_name("data") / "real"
TRUTH = json.loads((FOLDER / "near-miss.truth.json").read_text(encoding="utf-8"))
SESSION = TRUTH["completed"][0]["session_id"]
CLOSE = timedelta(milliseconds=150)


@pytest.fixture(scope="module")
def report() -> Report:
    return trace([FileSource(str(FOLDER / "near-miss.events.ndjson.gz"))], Query(session_id=SESSION))


def pairs(report: Report):
    return list(zip(TRUTH["requests"], report.timeline.requests, strict=True))


def test_every_request_is_found_in_order(report):
    """Request IDs as the runtime handed them out."""
    assert [true["request_id"] for true in TRUTH["requests"]] == [
        r.request_id for r in report.timeline.requests
    ]


def test_starts_durations_and_inits_are_the_runtimes(report):
    """To the millisecond for starts; durations as measured."""
    for true, request in pairs(report):
        assert abs(datetime.fromisoformat(true["start"]) - request.start) <= timedelta(milliseconds=1)
        assert abs(true["duration_ms"] - request.duration / timedelta(milliseconds=1)) < 0.1
        init = None if request.init_duration is None else request.init_duration / timedelta(milliseconds=1)
        assert (true["init_ms"] is None) == (init is None)
        assert init is None or (request.init_waited and abs(true["init_ms"] - init) < 0.1)


def test_calls_are_told_apart_and_timed(report):
    """Kind and number of the calls exactly, their lengths to 150 ms."""
    for true, request in pairs(report):
        assert [call["kind"] for call in true["llm_calls"]] == [phase.name for phase in request.phases]
        for call, phase in zip(true["llm_calls"], request.phases, strict=True):
            assert abs(timedelta(milliseconds=call["ms"]) - phase.duration) <= CLOSE


def test_what_the_client_got_is_inferred_right(report):
    """Status exactly, latency to 150 ms, though no gateway log was saved."""
    for true, request in pairs(report):
        assert true["client_status"] == request.gateway.client_status
        assert (
            abs(timedelta(milliseconds=true["client_latency_ms"]) - request.gateway.client_latency) <= CLOSE
        )


def test_the_session_was_completed_when_and_by_whom_the_truth_says(report):
    """By the final turn, to 150 ms."""
    [true], session = TRUTH["completed"], report.timeline.session

    assert ("completed", true["by_lambda_request"]) == (session.status, session.completed_by)
    assert abs(datetime.fromisoformat(true["t"]) - session.completed_at) <= CLOSE


def test_the_findings_are_a_near_miss_and_what_made_it(report):
    """26.4 s of 30 s, 17 s of them the extraction, and an init of 5.3 s on the first request."""
    first, last = TRUTH["requests"][0]["request_id"], TRUTH["requests"][-1]["request_id"]

    assert [("near-gateway-limit", last), ("slow-phase", last), ("cold-start", first)] == [
        (finding.rule, finding.request_id) for finding in report.findings
    ]


def test_every_line_of_its_requests_is_used(report):
    """All 2,141 events belong to the session's requests: 26 name it in the final turn, 507 are its lines."""
    [source] = report.sources

    assert (2141, 0, 0) == (source.used, source.other, source.skipped_count)
    assert 507 == len(report.timeline.requests[-1].lines)
