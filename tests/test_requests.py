"""From the lines of an invocation to a request."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.logs import A, answer, at, end, only_request, report, said, start

SAYS = (0.1, said("coaching_sessions.send_message"))
INIT = "INIT_START Runtime Version: python:3.11.v60\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:0"


def test_times_and_sizes_come_from_report():
    """Duration as reported; start and end from the events."""
    request = only_request((0, start()), SAYS, (32.3, end()), (32.3, report(ms=32_312)))

    assert (at(0), at(32.3), timedelta(milliseconds=32_312)) == (request.start, request.end, request.duration)
    assert (1024, 187, "ok") == (request.memory_size_mb, request.max_memory_used_mb, request.outcome)


def test_without_report_no_duration_is_invented():
    """A START alone has neither an end nor a duration."""
    request = only_request((0, start()), SAYS, (9, "DEBUG: still here"))

    assert (None, None, "unknown", at(9)) == (
        request.end,
        request.duration,
        request.outcome,
        request.last_seen,
    )


@pytest.mark.parametrize(
    ("opening", "waited"),
    [((-5.3, INIT), True), ((-65.0, INIT), False), (None, False)],
    ids=["right before START", "a minute before: proactive", "not seen"],
)
def test_an_init_counts_only_where_somebody_waited_for_it(opening, waited):
    """REPORT's Init Duration also appears after a start that nobody waited for."""
    rows = [opening] if opening else []
    request = only_request(
        *rows, (0, start()), SAYS, (3, end()), (3, report(ms=3000, more="Init Duration: 5280.36 ms"))
    )

    assert (timedelta(milliseconds=5280.36), waited) == (request.init_duration, request.init_waited)


@pytest.mark.parametrize(
    ("more", "outcome", "error"),
    [
        ("Status: timeout", "timeout", None),
        ("Status: error\tError Type: Runtime.OutOfMemory", "error", "Runtime.OutOfMemory"),
        ("", "ok", None),
    ],
)
def test_the_outcome_is_lambdas(more, outcome, error):
    """REPORT's Status, key by key."""
    request = only_request((0, start()), SAYS, (3, end()), (3, report(ms=3000, more=more)))

    assert (outcome, error) == (request.outcome, request.error_type)


def test_a_timeout_line_tells_even_without_a_status():
    """Older functions have it as a line of its own, after REPORT."""
    line = f"2026-02-09T23:48:03.000Z {A} Task timed out after 3.00 seconds"
    request = only_request((0, start()), SAYS, (3, end()), (3, report(ms=3000)), (3, line))

    assert "timeout" == request.outcome


def test_an_exception_that_left_the_handler_is_an_error():
    """Text logs of the Python runtime have no Status for it."""
    raised = "[ERROR] KeyError: 'x'\nTraceback (most recent call last):\n  File \"/var/task/app.py\", line 1"
    request = only_request((0, start()), SAYS, (1, raised), (3, end()), (3, report(ms=3000)))

    assert ("error", "KeyError") == (request.outcome, request.error_type)


def test_a_logged_error_is_not_the_outcome():
    """A handler that logs a traceback and answers has not failed."""
    logged = (
        f"[ERROR]\t2026-02-09T23:48:01.000Z\t{A}\tfailed\nTraceback (most recent call last):\nKeyError: 'x'"
    )
    request = only_request((0, start()), SAYS, (1, logged), (3, end()), (3, report(ms=3000)))

    assert "ok" == request.outcome


def test_route_and_status_come_from_the_applications_lines():
    """Request started and completed have them; REPORT does not."""
    path = {"method": "POST", "path": "/coaching/message"}
    request = only_request(
        *((0, start()), SAYS, (0.1, said("Request started", None, **path))),
        *((2, said("Request completed", None, **path, status_code=200)), (3, end()), (3, report(ms=3000))),
    )

    assert ("POST /coaching/message", 200) == (request.route, request.response_status)


def test_a_refusal_is_a_milestone_and_a_400():
    """Only the error code makes it one."""
    refused = said(
        "coaching_sessions.send_message.not_active",
        current_status="completed",
        error_code="SESSION_NOT_ACTIVE",
    )
    found = answer((0, start()), (0.1, refused), (0.2, end()), (0.2, report(ms=200)))
    [request] = found.timeline.requests

    assert (400, ["request-refused"]) == (request.response_status, [m.name for m in request.milestones])
    assert ("completed", None) == (found.timeline.session.status, found.timeline.session.completed_by)


@pytest.mark.parametrize(
    ("line", "throttled"),
    [
        ("ERROR: An error occurred (ThrottlingException) when calling the Converse operation", True),
        ("WARNING: 2026-02-09T23:48:01Z [warning  ] bedrock.retry [llm] attempt=2", True),
        ("botocore.errorfactory.ThrottlingException: An error occurred", True),
        (
            'DEBUG: https://bedrock-runtime:443 "POST /model/x/converse HTTP/1.1" 429 57',
            True,
        ),
        ("DEBUG: Event needs-retry.bedrock.Converse: calling handler <x>", False),
        ("DEBUG: No retry needed.", False),
        ("b'the user wrote: Too many requests from my boss'", False),
    ],
)
def test_throttling_and_its_decoys(line, throttled):
    """The provider's refusals count; botocore's routine and users' words do not."""
    request = only_request((0, start()), SAYS, (1, line), (3, end()), (3, report(ms=3000)))

    assert throttled == ("llm-throttled" in [moment.name for moment in request.milestones])


def test_a_failed_init_is_a_milestone():
    """INIT_REPORT with a status stands before START or inside the request."""
    failed = "INIT_REPORT Init Duration: 9999.79 ms    Phase: init    Status: timeout"
    request = only_request((-10, INIT), (-1, failed), (0, start()), SAYS, (3, end()), (3, report(ms=3000)))

    assert "init-failed" in [moment.name for moment in request.milestones]


def test_the_write_with_the_status_is_the_commit_where_the_line_is_missing():
    """session_completed may not have been saved; the save that completed the session was."""
    saved = said("coaching_session.saved", status="completed")
    found = answer((0, start()), (0.1, saved), (0.2, end()), (0.2, report(ms=200)))

    assert (at(0.1), A) == (found.timeline.session.completed_at, found.timeline.session.completed_by)


def test_the_last_save_is_the_sessions_status():
    """A second request that was still running may undo the completion: the last write stands."""
    completed = said("coaching_service.session_completed")
    undone = said("coaching_session.saved", status="active")
    found = answer((0, start()), (1, completed), (2, undone), (3, end()), (3, report(ms=3000)))

    assert ("active", A) == (found.timeline.session.status, found.timeline.session.completed_by)
