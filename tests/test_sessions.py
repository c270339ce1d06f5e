"""What became of a session: its status, and who completed it."""

from __future__ import annotations

from incidents.timeline import Session
from incidents.trace import Query, trace
from tests.logs import (
    OTHER_SESSION,
    OTHER_STREAM,
    SESSION,
    A,
    B,
    Held,
    answer,
    at,
    end,
    events,
    report,
    said,
    start,
)

COMPLETED = said("coaching_service.session_completed")


def saved(status: str, session: str = SESSION) -> str:
    return said("coaching_session.saved", session, status=status)


def session(*said_in_it: tuple[float, str]) -> Session:
    """The session of one request that logs these lines."""
    return answer((0, start()), *said_in_it, (9, end()), (9, report(ms=9000))).timeline.session


def test_the_completing_request_is_the_first_that_committed():
    """A second commit, of a request that did not know, changes nothing."""
    first = ((0, start(A)), (1, COMPLETED), (2, end(A)), (2, report(A, 2000)))
    second = ((10, start(B)), (11, COMPLETED), (12, end(B)), (12, report(B, 2000)))

    assert Session(SESSION, "completed", at(1), A) == answer(*first, *second).timeline.session


def test_a_refusal_alone_tells_the_status_and_no_more():
    """Somebody completed it: who and when the logs do not hold."""
    refused = said(
        "coaching_sessions.send_message.not_active",
        current_status="completed",
        error_code="SESSION_NOT_ACTIVE",
    )

    assert Session(SESSION, "completed", None, None) == session((1, refused))


def test_another_sessions_lines_say_nothing_about_this_one():
    """A request may complete one session and save another."""
    found = session((1, saved("active")), (2, said("coaching_service.session_completed", OTHER_SESSION)))

    assert Session(SESSION, "active", None, None) == found


def test_a_lost_update_shows_as_the_last_save():
    """The retry in another environment completed it; the first request's save, later, undid that."""
    first = events((0, start(A)), (1, saved("active")), (32, saved("active")), (32.3, end(A)))
    retry = events(
        *((5, start(B)), (6, COMPLETED), (7, end(B)), (7, report(B, 2000))),
        stream=OTHER_STREAM,
        source="b.ndjson",
    )
    found = trace([Held(first), Held(retry, "b.ndjson")], Query(session_id=SESSION)).timeline

    assert Session(SESSION, "active", at(6), B) == found.session
    assert [A, B] == [request.request_id for request in found.requests]


def test_a_word_that_is_no_status_is_not_taken_for_one():
    """The status before it stands; without one it is unknown."""
    assert "paused" == session((1, saved("paused")), (2, saved("borrowed"))).status
    assert "unknown" == session((1, saved("borrowed"))).status
