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


def test_after_a_failed_init_the_later_one_is_what_was_waited_for():
    """Two INIT_START lines: the second stands right before START."""
    rows = [(-70, INIT), (-3, INIT), (0, start()), SAYS, (1, end())]
    request = only_request(*rows, (1, report(more="Init Duration: 2990.00 ms")))

    assert request.init_waited


def test_an_init_that_timed_out_was_waited_for_though_report_leaves_it_out():
    """Its own line has its length; it ran anew inside Duration."""
    failed = "INIT_REPORT Init Duration: 9999.79 ms    Phase: init    Status: timeout"
    request = only_request((-10, INIT), (0, failed), (0, start()), SAYS, (9, end()), (9, report(ms=9000)))

    assert (timedelta(milliseconds=9999.79), True) == (request.init_duration, request.init_waited)


def test_an_init_inside_the_duration_is_no_init_of_its_own():
    """After a timeout the environment begins anew while the next request already counts."""
    rows = [(0, start()), (0, INIT), (6, said("coaching_sessions.send_message")), (9, end())]
    request = only_request(*rows, (9, report(ms=9000)))

    assert (None, False, timedelta(seconds=9)) == (
        request.init_duration,
        request.init_waited,
        request.duration,
    )


@pytest.mark.parametrize(("kind", "waited"), [("on-demand", True), ("provisioned-concurrency", False)])
def test_provisioned_inits_are_not_waited_for(kind, waited):
    """However close to START they end."""
    opening = f'{{"time":"x","type":"platform.initStart","record":{{"initializationType":"{kind}"}}}}'
    rows = [(-3, opening), (0, start()), SAYS, (1, end())]
    request = only_request(*rows, (1, report(more="Init Duration: 2990.00 ms")))

    assert waited == request.init_waited


def test_a_snapstart_restore_is_waited_for():
    """RESTORE_START right before START, Restore Duration in REPORT."""
    rows = [(-0.4, "RESTORE_START Runtime Version: java:21"), (0, start()), SAYS, (1, end())]
    request = only_request(*rows, (1, report(more="Restore Duration: 390.00 ms")))

    assert (timedelta(milliseconds=390), True) == (request.init_duration, request.init_waited)


def test_of_two_reports_the_later_one_counts():
    """Text with the request's own ID does not shorten it."""
    rows = [(0, start()), SAYS, (1, report(ms=1)), (9, end()), (9, report(ms=9000))]

    assert timedelta(seconds=9) == only_request(*rows).duration


def test_an_exception_in_the_runtimes_json_format_is_an_error():
    """It names the request, and no logger."""
    raised = f'{{"log_level": "ERROR", "errorType": "KeyError", "errorMessage": "\'x\'", "requestId": "{A}"}}'
    rows = [(0, start()), SAYS, (1, raised), (3, end()), (3, report(ms=3000))]
    logged = raised.replace('"log_level"', '"logger": "app", "log_level"')

    assert ("error", "KeyError") == (only_request(*rows).outcome, only_request(*rows).error_type)
    assert "ok" == only_request(*((at, logged if text == raised else text) for at, text in rows)).outcome


@pytest.mark.parametrize("told", [0, 99, 600, "nan"])
def test_a_status_that_is_none_does_not_hide_one(told):
    """The last status that can be one is the handler's."""
    good, bad = (said("Request completed", None, status_code=each) for each in (200, told))
    rows = [(0, start()), SAYS, (1, good), (2, bad), (3, end()), (3, report(ms=3000))]

    assert 200 == only_request(*rows).response_status


def test_a_request_forged_inside_the_incident_changes_nothing():
    """32.3 s stay 32.3 s, and the forged request is no request."""
    forged = "cccccccc-1111-4222-8333-444444444444"
    trio = [(5, start(forged)), (5, end(forged)), (5, report(forged, 12))]
    rows = [(0, start()), SAYS, *trio, (32.3, end()), (32.3, report(ms=32_312))]
    found = answer(*rows)

    assert [(A, timedelta(milliseconds=32_312), 503)] == [
        (each.request_id, each.duration, each.gateway.client_status) for each in found.timeline.requests
    ]
    assert ["outlived-gateway"] == [finding.rule for finding in found.findings]
    assert any("quoted or forged" in note for note in found.notes)
