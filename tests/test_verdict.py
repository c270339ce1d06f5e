"""The words around the findings: true, short, careful about what is inferred, and of use right now."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from incidents.rules import diagnose
from incidents.rules.examples import RETRY, SESSION, gateway, milestone, phase, request, timeline
from incidents.timeline import Timeline
from incidents.verdict import advice, next_command, verdict
from tests.reports import incident

THIRD = "5d2f8a10-1c1b-4a57-8f0e-6f0d3f0a9b77"


def said(of: Timeline) -> str:
    return verdict(of, diagnose(of))


def advised(of: Timeline) -> tuple[str, ...]:
    return advice(of, diagnose(of))


def done(at: float, **more):
    return (milestone("session-completed", at, **more),)


def refused(start: float = 43.3):
    moment = (milestone("request-refused", start + 0.1),)
    return request(0.2, start=start, request_id=RETRY, response_status=400, milestones=moment)


# --- what happened ------------------------------------------------------------------------------------


def test_the_incident_in_one_sentence():
    """What was done, what the client saw, and that the latter is inferred: in 160 characters."""
    text = said(incident().timeline)

    assert (
        "The session was completed, but the client never heard: it must have got 503 at 30.0 s (inferred); "
        "the work was stored at 22.3 s and the Lambda ended at 32.3 s."
    ) == text
    assert len(text) <= 160


def test_what_a_gateway_log_shows_is_not_called_inferred():
    """With the access log read, the 503 is a fact."""
    of = timeline(request(32.312, milestones=done(22.312), gateway=gateway("http", 503, 30.0)))

    assert "it got 503 at 30.0 s; the work" in said(of)


def test_a_request_that_stored_its_result_is_told_before_a_longer_one():
    """Of two lost requests the one whose work was done matters more; the other is counted."""
    of = timeline(request(76.9), request(31.0, start=100.0, request_id=RETRY, milestones=done(120.0)))

    assert "the Lambda ended at 31.0 s. 1 more request outlived the gateway too." in said(of)


def test_a_lost_request_without_result_says_that_no_completion_was_seen():
    """A slow conversation of 76.9 s completed nothing, and the verdict does not speak of extraction."""
    assert (
        "The client must have got 503 at 30.0 s (inferred); the Lambda ended at 76.9 s. "
        "It was not seen to complete the session."
    ) == said(timeline(request(76.92, phases=(phase("conversation", 1.0, 76.0),))))


def test_a_request_whose_end_was_not_read_did_not_end():
    """Where logs stop the Lambda was last seen; it is not said to have ended."""
    assert "the Lambda was last seen at 45.0 s" in said(timeline(request(None, seen=45.0)))


def test_a_failure_is_told_by_its_finding():
    """An error within the gateway's time: the finding's own sentence, and how many more went wrong."""
    of = timeline(
        request(4.0, response_status=500), request(5.0, start=9.0, request_id=RETRY, outcome="timeout")
    )

    assert said(of).startswith("The handler answered 500 after 4.0 s, with no phase known.")
    assert said(of).endswith("1 more request went wrong.")


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("completed", "It is completed; the request that completed it is not in what was read."),
        ("paused", "It is paused."),
        ("unknown", "What closed it is not in what was read."),
    ],
)
def test_a_refusal_alone_says_what_is_missing(status, why):
    """A completing request that was not read is not invented."""
    of = timeline(refused(), status=status)

    assert f"0b9f3c52 was refused: the session was not active. {why}" == said(of)


def test_a_near_miss_is_told_by_its_slowest_request():
    """Two of three were answered only just: 28.4 s is the one to name."""
    of = timeline(
        request(3.0), request(26.4, start=60.0, request_id=RETRY), request(28.4, start=99.0, request_id=THIRD)
    )

    assert (
        "Every request was answered, 2 only just: "
        "the slowest took 28.4 s of the 30.0 s that the gateway waits."
    ) == said(of)


def test_a_healthy_session_has_nothing_wrong_in_what_was_read():
    """No more is claimed than that; warnings are counted."""
    five = [request(3.0 + each, start=each * 20.0, request_id=f"request-{each}") for each in range(5)]
    slow = request(20.0, phases=(phase("conversation", 0.0, 16.0),))

    assert "Nothing is wrong in what was read: 5 requests, the slowest took 7.0 s." == said(timeline(*five))
    assert "No request failed in what was read (1 warning): 1 request, which took 20.0 s." == said(
        timeline(slow)
    )


def test_nothing_read_is_not_nothing_wrong():
    """Without a request there is no verdict about one."""
    assert "No request was found in what was read." == said(timeline())


def test_a_source_cut_off_is_part_of_the_verdict():
    """Whoever reads only the first line learns that something is missing."""
    assert said(timeline(request(3.0), complete=False)).endswith(" A source was cut off.")


# --- what to do now -----------------------------------------------------------------------------------


def test_the_user_of_the_incident_is_told_to_reload_and_where_the_result_is():
    """The result is stored: what to say first, then where it is."""
    assert (
        "Tell the user: your session is complete and saved; do not send again, reload the page.",
        f"The result is stored: sessions table, item session_id = {SESSION}, attribute extracted_result.",
    ) == advised(incident().timeline)


def test_a_failed_extraction_is_not_called_a_stored_result_without_a_check():
    """A session can be completed although its extraction failed."""
    failed = (phase("extraction", 1.0, 20.0, error_type="JSONDecodeError"),)
    of = timeline(request(32.0, phases=failed, milestones=done(22.0)), status="completed")

    assert "is there data in extracted_result?" in advised(of)[-1]


def test_a_save_that_was_undone_comes_first():
    """Where two requests wrote at once, the item is looked at before anything is promised."""
    first = request(40.0, milestones=done(39.0))
    retry = request(5.0, start=32.0, request_id=RETRY, milestones=(milestone("session-saved", 36.0),))
    check, *rest = advised(timeline(first, retry, status="completed"))

    assert "ae220969 may have undone what 0b9f3c52 saved" in check
    assert 2 == len(rest)


def test_a_completion_that_a_later_line_denies_is_not_promised():
    """Completed, then active again: no word of a stored result."""
    [only] = advised(timeline(request(32.0, milestones=done(22.0)), status="active"))

    assert "it was completed, and a later line says active" in only


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (request(76.9, milestones=(milestone("session-saved", 75.0),)), "a retry repeats it"),
        (request(76.9), "whether the message was stored is not known"),
        (request(1.0, outcome="error", milestones=(milestone("init-failed", 0.0),)), "saved nothing"),
    ],
    ids=["saved", "no save is ever logged", "never ran"],
)
def test_whether_a_retry_is_safe_depends_on_what_was_saved(of, words):
    """Safe only where nothing can have been saved; unknown is said to be unknown."""
    [only] = advised(timeline(of, status="active"))

    assert "reload" in only
    assert words in only


def test_no_save_means_nothing_saved_only_where_saves_are_logged():
    """An earlier request's save shows that this log would tell; logs cut off would not."""
    before = request(3.0, request_id=THIRD, milestones=(milestone("session-saved", 2.0),))
    of = timeline(before, request(4.0, start=9.0, response_status=500), status="active")

    assert "this request saved nothing" in advised(of)[0]
    assert "is not known" in advised(replace(of, complete=False))[0]


def test_a_user_who_went_on_needs_nothing_at_once():
    """A later request of the session was answered; one that was lost too does not count."""
    lost = request(31.0)

    assert "0b9f3c52, was answered" in advised(timeline(lost, request(3.0, start=60.0, request_id=RETRY)))[0]
    assert "reload" in advised(timeline(lost, request(33.0, start=60.0, request_id=RETRY)))[0]


def test_a_refusal_that_nothing_explains_is_looked_up():
    """Whether there is a result depends on the status in the table."""
    assert (
        "Look up the session's status in the sessions table: if completed, a reload shows the result.",
    ) == (advised(timeline(refused())))


def test_a_closed_session_is_not_retried():
    """Abandoned is not completed: there is no result to promise."""
    assert (
        "The session is abandoned, a retry is refused again: the user must resume it or begin anew.",
    ) == advised(timeline(refused(), status="abandoned"))


def test_nobody_was_hit_by_a_near_miss():
    """Warnings alone ask nothing of the user."""
    assert () == advised(timeline(request(26.4), status="active"))


# --- what to type next --------------------------------------------------------------------------------


def test_a_question_by_request_leads_to_its_session():
    """The next step from one request is the whole session, in the same logs."""
    command = next_command(timeline(request()), request_id=RETRY, logs=["saved logs", "more.gz"])

    assert f"guard trace --session {SESSION} --logs 'saved logs' --logs more.gz" == command


def test_a_session_id_out_of_a_log_cannot_become_a_shell_command():
    """An ID that is none is not put into a command to paste."""
    of = timeline(request())
    hostile = replace(of, session=replace(of.session, session_id="x; rm -rf ~"))

    assert f"guard trace --request {RETRY} --format html -o incident.html" == next_command(
        hostile, request_id=RETRY
    )


def test_paths_in_the_command_are_quoted_for_the_shell():
    """A folder's name with a quote in it survives being pasted."""
    command = next_command(timeline(request()), session_id=SESSION, logs=["it's here"])

    assert "it's here" in shlex.split(command)


def test_nothing_found_has_no_next_command():
    """There is no page to write about nothing."""
    assert next_command(timeline(), session_id=SESSION) is None
