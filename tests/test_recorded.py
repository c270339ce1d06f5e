"""What guards' records tell of a request: when its client began to wait, how long, and how it ended."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Literal

import pytest

from guards import names, records
from guards.records import About
from incidents.timeline import COMPLETED, Request
from incidents.views.exports import answered, waiting_start
from incidents.views.waterfall import zero
from tests.logs import SESSION, A, Row, answer, at, end, only_request, report, start

ABOUT = About("coaching-api", A, SESSION)
INIT = (-5.0, "INIT_START Runtime Version: python:3.11.v60")


def begun(came: float, limit: float = 30.0, **changed: Any) -> Row:
    """A request.start record 10 ms after START, of a request that the gateway received at ``came``."""
    record = records.request_start(
        ABOUT,
        at=at(0.01),
        route="POST /coaching/message",
        received=at(came),
        deadline=at(came + limit),
        limit_by="gateway",
        cold_start=False,
    )
    return 0.01, records.encode(record | changed)


def ended(seconds: float, **changed: Any) -> Row:
    record = records.request_end(
        ABOUT,
        at=at(seconds),
        duration=timedelta(seconds=seconds),
        response_status=200,
        outcome="ok",
        client_gone=False,
    )
    return seconds, records.encode(record | changed)


def turn(begin: Row, seconds: float = 5.0, more: str = "", before: tuple[Row, ...] = ()) -> tuple[Row, ...]:
    done = (seconds, end()), (seconds, report(ms=seconds * 1000, more=more))
    return (*before, (0, start()), begin, ended(seconds), *done)


def client(request: Request) -> tuple[int | None, float]:
    gateway = request.gateway
    assert gateway.client_latency is not None
    return gateway.client_status, gateway.client_latency.total_seconds()


def test_the_client_waits_from_when_the_gateway_received_the_request() -> None:
    """27 s of work behind 4 s in a queue are over 30 s, though no init tells of them."""
    request = only_request(*turn(begun(-4.0), 27.0))

    assert (503, 30.0) == client(request)
    assert timedelta(seconds=4) == request.waited_before


def test_the_queue_is_told_in_the_finding() -> None:
    """Lambda's own duration alone would not explain what the client got."""
    [finding] = answer(*turn(begun(-4.0), 27.0)).findings

    assert "outlived-gateway" == finding.rule
    assert "took 31.0 s, 4.0 s of it before the function started," in finding.summary


def test_a_worker_has_no_client() -> None:
    """What a queue invoked was cut off by no gateway, however long it ran."""
    worker = turn(begun(0.01, limit_by="lambda", route="aws:sqs"), 40.0)

    assert None is only_request(*worker).gateway.client_status
    assert "none" == only_request(*worker).gateway.basis
    assert () == answer(*worker).findings


def commit(seconds: float, outcome: Literal["ok", "error"] = "ok", phase: str = names.COMMIT) -> Row:
    record = records.phase_end(
        ABOUT,
        at=at(seconds),
        phase=phase,
        phase_id=1,
        start=at(seconds - 0.01),
        duration=timedelta(seconds=0.01),
        outcome=outcome,
        error_type=None if outcome == "ok" else "Refused",
    )
    return seconds, records.encode(record)


def test_the_completion_guards_commit_completes_the_session() -> None:
    """Where only guards' records tell, the session is completed, when its result was stored and by whom."""
    session = answer((0, start()), commit(3.0), (4.0, end()), (4.0, report(ms=4000))).timeline.session

    assert ("completed", at(3.0), A) == (session.status, session.completed_at, session.completed_by)


def test_a_success_is_stranded_where_only_records_tell_of_it() -> None:
    """A service that logs and times nothing is told that its work was done and its client never heard.

    Time in no phase is no finding there: the guard's own phases do not say what it should have gone into.
    """
    done = ended(32.0), (32.0, end()), (32.0, report(ms=32000))
    findings = answer((0, start()), begun(0.0), commit(22.3), *done).findings

    assert {"outlived-gateway", "stranded-success"} == {each.rule for each in findings}


@pytest.mark.parametrize(
    "row",
    [commit(3.0, "error"), commit(3.0, phase="commit"), (3.0, "completion-commit ok")],
    ids=["refused", "somebody else's phase", "somebody else's words"],
)
def test_what_is_no_commit_completes_nothing(row: Row) -> None:
    """A commit that was refused or not answered, and a phase that only sounds like it, tell of none."""
    session = answer((0, start()), begun(0.01), row, (4.0, end()), (4.0, report(ms=4000))).timeline.session

    assert ("unknown", None) == (session.status, session.completed_at)


def test_the_applications_own_line_of_the_commit_counts_before_the_guards() -> None:
    """A commit that both tell of is one moment: the application's, which it has always been."""
    said = {"event": "coaching_service.session_completed", "level": "info", "session_id": SESSION}
    line = (2.9, json.dumps(said))
    request = only_request((0, start()), line, commit(3.0), (4.0, end()), (4.0, report(ms=4000)))

    assert [at(2.9)] == [each.at for each in request.milestones if each.name == COMPLETED]


def test_an_init_that_ended_before_the_request_came_was_not_waited_for() -> None:
    """It stands right before START, but the gateway received the request only when it was over."""
    request = only_request(*turn(begun(-0.02), 27.0, "Init Duration: 4990 ms", before=(INIT,)))

    assert not request.init_waited
    assert (200, 27.02) == client(request)


def test_a_request_that_the_function_took_at_once_waited_for_no_init() -> None:
    """Received in the very millisecond in which its handler began: the init was over."""
    request = only_request(*turn(begun(0.01), 27.0, "Init Duration: 4990 ms", before=(INIT,)))

    assert (200, 27.0) == client(request)


def test_an_init_that_the_request_came_before_was_waited_for() -> None:
    """Received before the init began: it counts once, not twice."""
    request = only_request(*turn(begun(-5.1), 27.0, "Init Duration: 4990 ms", before=(INIT,)))

    assert request.init_waited
    assert timedelta(seconds=5.1) == request.waited_before


@pytest.mark.parametrize(
    "begin",
    [
        begun(0.01, limit_by="lambda"),  # guards' own start
        begun(-0.5, clock_skew_ms=-70_000),
        begun(-1000.0),
        begun(-0.5, received="yesterday"),
    ],
    ids=["own start", "skewed clock", "longer ago than a Lambda runs", "no time"],
)
def test_what_is_no_receive_time_is_not_taken_for_one(begin: Row) -> None:
    """Then the old arithmetic holds: an init right before START was waited for."""
    request = only_request(*turn(begin, 27.0, "Init Duration: 4990 ms", before=(INIT,)))

    assert request.received is None
    assert timedelta(milliseconds=4990) == request.waited_before


def test_the_recorded_limit_is_the_gateways() -> None:
    """A limit of 3 s that guards reckoned with: after 3.5 s the client is gone."""
    assert (503, 3.0) == client(only_request(*turn(begun(0.0, 3.0), 3.5)))


def test_a_limit_that_is_asked_for_outweighs_the_recorded_one() -> None:
    """--gateway-limit-ms: what if the gateway had waited longer?"""
    request = only_request(*turn(begun(0.0, 3.0), 3.5), gateway_limit=timedelta(seconds=10))

    assert (200, 3.5) == client(request)


def test_lambdas_own_limit_is_not_the_gateways() -> None:
    """A deadline that Lambda's timeout sets says nothing of how long the gateway waits."""
    request = only_request(*turn(begun(0.0, 3.0, limit_by="lambda"), 3.5))

    assert timedelta(seconds=30) == request.gateway.limit


def test_an_exception_that_a_framework_answered_for_is_found() -> None:
    """Lambda sees a success and no line tells a status: the record alone names the error."""
    failed = ended(2.0, response_status=None, outcome="error", error_type="ValueError")
    rows = ((0, start()), begun(0.0), failed, (2.0, end()), (2.0, report(ms=2000)))
    given = answer(*rows)
    [finding] = given.findings

    assert "ok" == given.timeline.requests[0].outcome
    assert "handler-error" == finding.rule
    assert finding.summary.startswith("The handler failed (ValueError) after 2.0 s")


def test_the_record_of_a_mark_is_evidence() -> None:
    """What said while it ran that the request is past the limit stands with the finding."""
    past = records.request_past(
        ABOUT, at=at(30), past="limit", elapsed=timedelta(seconds=30), open_phase="extraction"
    )
    rows = ((0, start()), begun(0.0), (30.0, records.encode(past)), (31, end()), (31, report(ms=31_000)))
    [finding] = [each for each in answer(*rows).findings if each.rule == "outlived-gateway"]

    assert "request.past/1" in [line.said.name for line in finding.evidence]


def test_records_that_could_not_be_written_are_told() -> None:
    """A phase that is missing may have been dropped: the answer says so, and only then."""
    notes = [
        answer(*turn(begun(0.0))[:-3], ended(5.0, dropped_records=lost), *turn(begun(0.0))[-2:]).notes
        for lost in (0, 3)
    ]

    assert [
        (),
        ("Guards could not write 3 record(s): phases, or marks that were passed, may be missing.",),
    ] == notes


def test_a_record_of_another_request_is_not_believed() -> None:
    """Text that quotes one says nothing of the request that it stands in."""
    quoted = begun(0.0, 3.0, request_id="bbbbbbbb-1111-4222-8333-444444444444")

    assert timedelta(seconds=30) == only_request(*turn(quoted, 3.5)).gateway.limit


def test_the_views_draw_the_client_from_when_it_began_to_wait() -> None:
    """The gateway gave up 30 s after it had received the request, not after START."""
    request = only_request(*turn(begun(-4.0), 27.0))

    assert at(-4.0) == zero(request) == waiting_start(request)
    assert at(26.0) == answered(request)
