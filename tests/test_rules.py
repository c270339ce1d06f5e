"""The rules of diagnosis: each fires where it should, stays silent where it should not, and says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from guards.errors import GuardError
from incidents.report import Finding
from incidents.rules import RULES, Budgets, Rule, diagnose, rule
from incidents.rules.__main__ import page
from incidents.rules.examples import RETRY, gap, gateway, milestone, phase, request, timeline
from incidents.rules.registry import broken
from incidents.timeline import Gateway, Request, Timeline
from tests.reports import COMMIT, FIRST, LAST, REFUSAL, SLOW, incident
from tests.reports import RETRY as REFUSED_RETRY

THIRD = "5d2f8a10-1c1b-4a57-8f0e-6f0d3f0a9b77"


def fired(of: Timeline, budgets: Budgets | None = None) -> list[str]:
    return [finding.rule for finding in diagnose(of, budgets or Budgets())]


def only(id: str, of: Timeline) -> Finding:
    [finding] = [each for each in diagnose(of) if each.rule == id]
    return finding


def rules_of(*requests: Request) -> list[str]:
    return fired(timeline(*requests))


# --- the table ----------------------------------------------------------------------------------------


def test_ids_and_severities_are_those_that_users_filter_by():
    """The sixteen IDs and their severities are stable."""
    assert {
        "outlived-gateway": "critical",
        "stranded-success": "critical",
        "retry-refused": "critical",
        "near-gateway-limit": "warning",
        "unaccounted-time": "warning",
        "slow-phase": "warning",
        "llm-throttled": "warning",
        "duplicate-extraction": "warning",
        "overlapping-requests": "warning",
        "lambda-timeout": "critical",
        "out-of-memory": "critical",
        "init-failed": "critical",
        "handler-error": "critical",
        "cold-start": "info",
        "end-not-seen": "warning",
        "incomplete-data": "warning",
    } == {each.id: each.severity for each in RULES}
    assert 16 == len(RULES)


@pytest.mark.parametrize("each", RULES, ids=lambda each: each.id)
def test_each_rule_fires_and_stays_silent_on_its_own_examples(each: Rule):
    """What a rule's page shows as firing and as silent is so."""
    assert broken(each, Budgets()) is None


def test_a_rule_without_docstring_is_refused():
    """A rule cannot be registered without its page."""

    def undocumented(timeline, budgets):
        return ()

    with pytest.raises(GuardError, match="'new-rule' has no docstring"):
        rule("new-rule", "info", fires=timeline, silent=timeline)(undocumented)


def test_a_rule_without_example_is_refused():
    """A rule cannot be registered without both examples."""

    def documented(timeline, budgets):
        """Never."""
        return ()

    with pytest.raises(GuardError, match="lacks an example"):
        rule("new-rule", "info", fires=timeline, silent=None)(documented)


def test_examples_that_contradict_their_rule_are_named():
    """A rule whose examples are the wrong way round is told so, both ways."""
    one = RULES[0]

    assert "the rule 'outlived-gateway' does not fire on its own example" == broken(
        replace(one, fires=one.silent), Budgets()
    )
    assert "the rule 'outlived-gateway' fires on the example where it should be silent" == broken(
        replace(one, silent=one.fires), Budgets()
    )


def test_the_page_of_rules_is_current():
    """docs/rules.md is what `python -m incidents.rules` writes."""
    assert page() == (Path(__file__).parent.parent / "docs" / "rules.md").read_text("utf-8")


# --- the incident -------------------------------------------------------------------------------------


def test_the_incident_has_exactly_its_five_findings_worst_first():
    """2026-02-09 yields what happened, and nothing else."""
    found = [(each.rule, each.request_id) for each in diagnose(incident().timeline)]

    assert [
        ("outlived-gateway", SLOW),
        ("stranded-success", SLOW),
        ("retry-refused", REFUSED_RETRY),
        ("unaccounted-time", SLOW),
        ("slow-phase", SLOW),
    ] == found


def test_the_incident_in_its_own_numbers():
    """Each finding of 2026-02-09 gives the seconds and statuses of that evening."""
    assert (
        "The request took 32.3 s and the gateway waits 30.0 s: the client must have got 503.",
        "The session was completed and stored at 22.3 s, 7.7 s before the gateway gave up: "
        "an answer then would have been in time.",
        "Refused with SESSION_NOT_ACTIVE (HTTP 400), 21.1 s after ae220969 had completed the session.",
        "10.0 s in no phase after the commit (10.4 s in all, 32% of the request): an answer at the commit "
        "(22.3 s) would have been in time.",
        "The extraction took 21.9 s with CLAUDE_3_5_SONNET_V2; its budget is 8.0 s.",
    ) == tuple(each.summary for each in diagnose(incident().timeline))


def test_the_incident_is_proved_by_its_lines():
    """The evidence is START and REPORT, the commit, and the refusal."""
    outlived, stranded, refused, *_ = diagnose(incident().timeline)

    assert (FIRST, LAST) == outlived.evidence
    assert (FIRST, COMMIT, LAST) == stranded.evidence
    assert (COMMIT, REFUSAL) == refused.evidence


# --- the gateway --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "took", "outlived"),
    [("http", 30.0, False), ("http", 30.001, True), ("rest", 29.0, False), ("rest", 29.001, True)],
)
def test_a_request_outlives_the_gateway_only_past_the_limit_of_its_kind(kind, took, outlived):
    """At exactly 30 s (REST: 29 s) the answer was still in time."""
    assert outlived == ("outlived-gateway" in rules_of(request(took, gateway=gateway(kind))))


def test_init_counts_against_the_gateway_only_when_waited_for():
    """26 s after an init of 5 s is too late for the client, unless the init was over before."""
    waited = request(26.0, init_duration=5.0, init_waited=True)
    proactive = request(26.0, init_duration=5.0, init_waited=False)

    assert ["outlived-gateway", "cold-start"] == rules_of(waited)
    assert ["near-gateway-limit"] == rules_of(proactive)
    assert "took 31.0 s, 5.0 s of it init, and" in only("outlived-gateway", timeline(waited)).summary


def test_a_request_without_end_outlives_the_gateway_once_seen_past_it():
    """A killed request needs no REPORT to have been too long."""
    assert ["outlived-gateway", "end-not-seen"] == rules_of(request(None, seen=45.0))
    assert ["end-not-seen"] == rules_of(request(None, seen=28.5))


def test_the_duration_reported_outweighs_the_time_between_the_lines():
    """REPORT says 29.9 s, so it was 29.9 s, although its line came later."""
    late = replace(request(29.9), last_seen=request(31.0).last_seen)

    assert ["near-gateway-limit"] == rules_of(late)


def test_a_gateway_log_makes_it_certain():
    """503 at 30.0 s in the access log is observed; without the log it is likely."""
    observed = only("outlived-gateway", timeline(request(32.3, gateway=gateway("http", 503, 30.004))))

    assert "certain" == observed.confidence
    assert "The client got 503 after 30.0 s; the request took 32.3 s." == observed.summary
    assert "gateway" in {line.said.kind for line in observed.evidence}
    assert "likely" == only("outlived-gateway", timeline(request(32.3))).confidence


def test_an_answer_that_the_gateway_log_shows_disproves_the_limit():
    """The client got 200 after 42 s: it was answered, and the limit is not what was assumed."""
    [finding] = diagnose(timeline(request(42.0, gateway=gateway("rest", 200, 42.01))))

    assert "near-gateway-limit" == finding.rule
    assert "The client got 200, past the 29.0 s taken for the gateway's limit" in finding.summary


def test_a_503_of_the_handler_itself_is_not_the_gateways():
    """A handler that answers 503 after 2 s has failed, but outlived nothing."""
    assert ["handler-error"] == rules_of(request(2.0, gateway=gateway("http", 503, 2.0), response_status=503))
    assert [] == rules_of(request(2.0, gateway=gateway("http", 503, 2.0)))


def test_a_503_of_the_handler_just_before_the_limit_is_still_its_own():
    """At 29.8 s only the handler's own status tells the two apart."""
    late = request(29.8, gateway=gateway("http", 503, 29.8))

    assert ["outlived-gateway"] == rules_of(late)
    assert ["near-gateway-limit", "handler-error"] == rules_of(replace(late, response_status=503))


def test_a_gateway_that_answered_while_the_handler_ran_had_given_up():
    """504 at 10 s while the Lambda ran for 20 s: the integration's limit was lower than the default."""
    finding = only("outlived-gateway", timeline(request(20.0, gateway=gateway("rest", 504, 10.02))))

    assert "The client got 504 after 10.0 s; the request took 20.0 s." == finding.summary


def test_a_gateway_line_tied_by_time_adds_and_takes_nothing_away():
    """A line without Lambda's ID may be another request's: the finding is likely, and never hidden."""
    tied_504 = replace(gateway("rest", 504, 29.2), basis="inferred")
    tied_200 = replace(gateway("rest", 200, 3.0), basis="inferred")

    assert "likely" == only("outlived-gateway", timeline(request(31.0, gateway=tied_504))).confidence
    assert ["outlived-gateway"] == rules_of(request(31.0, gateway=tied_200))


def test_the_status_of_an_unknown_gateway_is_not_invented():
    """503 or 504: which one depends on the kind of gateway."""
    unknown = Gateway("unknown", timedelta(seconds=30), None, None, "none")

    assert "got 503 or 504." in only("outlived-gateway", timeline(request(31.0, gateway=unknown))).summary


@pytest.mark.parametrize(
    ("limit", "took", "severity"),
    [
        (30, 24.999, None),
        (30, 25.0, "warning"),
        (30, 27.999, "warning"),
        (30, 28.0, "critical"),
        (30, 30.0, "critical"),
        (29, 28.0, "critical"),
        (60, 49.999, None),
        (60, 50.0, "warning"),
        (60, 56.0, "critical"),
    ],
)
def test_near_the_limit_from_its_marks_on(limit, took, severity):
    """Warning and critical begin exactly at the marks of the gateway's limit."""
    near = Gateway("http", timedelta(seconds=limit), None, None, "none")
    found = diagnose(timeline(request(took, gateway=near)))

    assert ([] if severity is None else [("near-gateway-limit", severity)]) == [
        (f.rule, f.severity) for f in found
    ]


def test_a_cold_start_counts_from_a_tenth_of_the_limit():
    """3 s of 30 s is the limit, and not over it."""
    assert [] == rules_of(request(5.0, init_duration=3.0, init_waited=True))
    assert ["cold-start"] == rules_of(request(5.0, init_duration=3.001, init_waited=True))


# --- the session --------------------------------------------------------------------------------------


def test_a_commit_after_the_gateway_gave_up_would_not_have_been_in_time():
    """The remark about an answer in time is made only where it is true."""
    late = request(36.0, milestones=(milestone("session-completed", 33.0),))
    summary = only("stranded-success", timeline(late)).summary

    assert "The session was completed and stored at 33.0 s, 3.0 s after the gateway had given up." == summary


def test_a_commit_counts_from_the_clients_start():
    """An init of 9 s before a commit at 22.3 s leaves no time to answer."""
    done = (milestone("session-completed", 22.3),)
    cold = request(25.0, init_duration=9.0, init_waited=True, milestones=done)

    assert "stored at 31.3 s, 1.3 s after the gateway" in only("stranded-success", timeline(cold)).summary


def test_the_first_write_as_completed_is_the_commit():
    """Written twice, the result was there from the first time on."""
    twice = (milestone("session-completed", 12.0), milestone("session-completed", 31.0))

    assert "stored at 12.0 s" in only("stranded-success", timeline(request(32.0, milestones=twice))).summary


def refusal(at: float = 43.4, start: float = 43.3, **more) -> Request:
    refused = (milestone("request-refused", at, **more),)
    return request(0.2, start=start, request_id=RETRY, response_status=400, milestones=refused)


def test_a_refusal_is_no_finding_where_nothing_completed_the_session_before():
    """Not when the completing request was not read, is about another session, or came later."""
    other = request(5.0, sessions=("sess_other",), milestones=(milestone("session-completed", 4.0),))
    later = request(5.0, start=50.0, milestones=(milestone("session-completed", 54.0),))

    assert [] == rules_of(refusal())
    assert [] == rules_of(other, refusal())
    assert [] == rules_of(refusal(), later)


def test_a_refusal_counts_only_after_the_commit_of_an_earlier_request():
    """Not before that commit, and not where the completing request began after the refused one."""
    committed_later = request(50.0, milestones=(milestone("session-completed", 45.0),))
    began_later = request(5.0, start=43.31, milestones=(milestone("session-completed", 43.35),))

    assert "retry-refused" not in rules_of(committed_later, refusal())
    assert "retry-refused" not in rules_of(refusal(), began_later)


def test_a_commit_that_names_another_session_does_not_explain_a_refusal():
    """A line's own session outweighs the sessions of its request."""
    done = (milestone("session-completed", 4.0, session_id="sess_other"),)

    assert [] == rules_of(request(5.0, milestones=done), refusal())


def test_a_refusal_for_another_reason_is_not_this_one():
    """Only SESSION_NOT_ACTIVE tells of a completed session."""
    completing = request(5.0, milestones=(milestone("session-completed", 4.0),))

    assert [] == rules_of(completing, refusal(fields={"error_code": "TENANT_MISMATCH"}))
    assert ["retry-refused"] == rules_of(completing, refusal(fields={"error_code": "SESSION_NOT_ACTIVE"}))


def test_the_session_itself_may_tell_who_completed_it():
    """Where no milestone stands in the completing request, completed_by and completed_at do."""
    told = timeline(request(5.0), refusal(), completed_by=request().request_id)
    session = replace(told.session, completed_at=request(4.0).end)

    assert [] == fired(told)
    assert ["retry-refused"] == fired(replace(told, session=session))


def extraction(start: float, end: float, *, of: str, open: bool = False, **more) -> Request:
    return request(
        12.0, start=start, request_id=of, phases=(phase("extraction", start, end, open=open),), **more
    )


def test_an_extraction_is_duplicate_only_if_both_ended_for_one_session():
    """Another session's, and one whose end was not seen, do not count."""
    first = extraction(0.0, 6.0, of=THIRD)

    assert ["duplicate-extraction"] == rules_of(first, extraction(40.0, 46.0, of=RETRY))
    assert [] == rules_of(first, extraction(40.0, 46.0, of=RETRY, open=True))
    assert [] == rules_of(first, extraction(40.0, 46.0, of=RETRY, sessions=("sess_other",)))


def test_requests_overlap_only_within_a_session():
    """Two sessions at one time are nothing; nor is a request that begins as the one before ends."""
    first = request(20.0)

    assert ["overlapping-requests"] == rules_of(first, request(5.0, start=19.0, request_id=RETRY))
    assert [] == rules_of(first, request(5.0, start=20.0, request_id=RETRY))
    assert [] == rules_of(first, request(5.0, start=19.0, request_id=RETRY, sessions=("sess_other",)))


def test_the_last_save_wins_where_it_undoes_the_other():
    """The retry saved while the first request ran on, and the first one's save came last."""
    first = request(20.0, milestones=(milestone("session-completed", 19.0),))
    retry = request(5.0, start=10.0, request_id=RETRY, milestones=(milestone("session-saved", 14.0),))

    assert (
        "ae220969 and 0b9f3c52 ran for one session at the same time for 5.0 s; "
        "ae220969 saved last and may have undone what 0b9f3c52 saved."
    ) == only("overlapping-requests", timeline(first, retry)).summary


def test_a_save_made_before_the_other_request_began_is_not_undone():
    """The later request had read it."""
    first = request(20.0, milestones=(milestone("session-saved", 4.0),))
    second = request(5.0, start=19.0, request_id=RETRY, milestones=(milestone("session-saved", 23.0),))

    assert only("overlapping-requests", timeline(first, second)).summary.endswith(
        "at the same time for 1.0 s."
    )


def test_of_three_requests_at_once_each_later_one_is_named_once():
    """A third request is told about the earlier one with which it ran longest."""
    three = timeline(
        request(20.0), request(5.0, start=6.0, request_id=RETRY), request(9.0, start=10.0, request_id=THIRD)
    )
    found = [each for each in diagnose(three) if each.rule == "overlapping-requests"]

    assert [RETRY, THIRD] == [each.request_id for each in found]
    assert "ae220969 and 5d2f8a10 ran for one session at the same time for 9.0 s." == found[1].summary


def test_nobody_waits_for_a_worker():
    """A queue's invocation outlives no gateway, comes near none, and may overlap with who handed over."""
    first = request(20.0, milestones=(milestone("session-saved", 19.0),))
    stored = (milestone("session-completed", 52.0),)
    worker = {"request_id": RETRY, "milestones": stored, "init_duration": 9.0, "init_waited": True}

    assert [] == rules_of(request(29.0, route="aws:sqs"))
    for route, found in (
        ("aws:sqs", []),
        ("aws.events", []),
        ("POST /aws:sqs", ["outlived-gateway", "stranded-success", "overlapping-requests", "cold-start"]),
    ):
        assert set(found) == set(rules_of(first, request(35.0, start=18.0, route=route, **worker)))


# --- phases -------------------------------------------------------------------------------------------


def timed(duration: float, unaccounted: float, *gaps, **more) -> Request:
    work = (phase("conversation", 0.0, 1.0),)
    return request(duration, phases=work, unaccounted=unaccounted, gaps=gaps, **more)


@pytest.mark.parametrize(
    ("duration", "unaccounted", "found"),
    [(20.0, 2.0, False), (20.0, 2.001, True), (50.0, 2.5, False), (50.0, 2.501, True)],
)
def test_unaccounted_time_is_over_both_two_seconds_and_five_percent(duration, unaccounted, found):
    """At exactly either limit it stays silent."""
    assert found == ("unaccounted-time" in rules_of(timed(duration, unaccounted)))


def test_unaccounted_time_stays_silent_where_no_phase_is_known():
    """Without phases nothing tells what the time went into."""
    assert [] == rules_of(request(20.0, gaps=(gap(0.0, 20.0),)))


def test_the_longest_gap_is_named_by_what_came_before():
    """The second of two gaps is longer, and follows the conversation."""
    of = timed(20.0, 14.0, gap(1.0, 5.0, "extraction-triggered"), gap(6.0, 16.0, "conversation"))

    assert ("10.0 s in no phase after conversation (14.0 s in all, 70% of the request).") == only(
        "unaccounted-time", timeline(of)
    ).summary


def test_a_client_that_was_answered_is_not_told_what_would_have_been_in_time():
    """20 s with 10 s after the commit were in time anyway."""
    done = (milestone("session-completed", 10.0),)
    of = timed(20.0, 10.0, gap(10.0, 20.0, "session-completed"), milestones=done)

    assert ("10.0 s in no phase after the commit (10.0 s in all, 50% of the request).") == only(
        "unaccounted-time", timeline(of)
    ).summary


def test_a_gap_mostly_before_the_commit_is_not_blamed_on_what_follows_it():
    """Where the commit stands near the gap's end, the time was lost before it."""
    done = (milestone("session-completed", 19.0),)
    of = timed(20.0, 19.0, gap(1.0, 20.0, "conversation"), milestones=done)

    assert "after conversation" in only("unaccounted-time", timeline(of)).summary


@pytest.mark.parametrize(
    ("name", "took", "slow"),
    [
        ("conversation", 15.0, False),
        ("conversation", 15.001, True),
        ("extraction", 8.0, False),
        ("extraction", 8.001, True),
        ("render", 20.0, False),
    ],
)
def test_a_phase_is_slow_over_its_budget(name, took, slow):
    """Exactly the budget is within it; other phases have none."""
    assert (["slow-phase"] if slow else []) == rules_of(request(22.0, phases=(phase(name, 0.0, took),)))


def test_budgets_are_the_users():
    """A budget for other phases, and none for the conversation."""
    of = timeline(request(22.0, phases=(phase("conversation", 0.0, 16.0), phase("render", 16.0, 22.0))))
    [finding] = diagnose(of, Budgets(conversation=None, other=timedelta(seconds=5)))

    assert "The render took 6.0 s; its budget is 5.0 s." == finding.summary


def test_an_open_phase_counts_to_the_end_of_what_was_seen():
    """A call that never came back is slow, though it has no duration."""
    of = request(None, seen=22.0, phases=(phase("extraction", 2.0, 22.0, open=True),))

    assert "was still open after 20.0 s" in only("slow-phase", timeline(of)).summary


def test_a_workers_phase_has_no_budget():
    """Nobody waits for an extraction behind a queue: that it takes long is what it was put there for."""
    slow = (phase("extraction", 0.0, 42.0),)

    assert [] == rules_of(request(43.0, phases=slow, route="aws:sqs"))


@pytest.mark.parametrize(
    ("name", "model", "remedy"),
    [
        ("extraction", "CLAUDE_3_5_SONNET_V2", "extraction_model_code"),
        ("extraction", "CLAUDE_3_5_HAIKU", "extract asynchronously"),
        ("conversation", "CLAUDE_3_5_SONNET_V2", "tokens of the history"),
    ],
)
def test_a_slow_phase_has_the_remedy_of_its_kind(name, model, remedy):
    """A slow conversation is not cured by another extraction model, nor a fast model by a faster one."""
    text = only("slow-phase", timeline(request(24.0, phases=(phase(name, 0.0, 20.0, model=model),)))).remedy

    assert remedy in text
    assert ("extraction_model_code" in remedy) == ("extraction_model_code" in text)


def test_a_throttled_conversation_is_told_so():
    """76.9 s of one conversation, throttled three times: the remedy is the quota, not the extraction."""
    throttled = tuple(milestone("llm-throttled", at) for at in (5.0, 20.0, 50.0))
    of = timeline(request(76.92, phases=(phase("conversation", 1.0, 76.0),), milestones=throttled))

    assert "The model provider throttled 3 times in a request of 76.9 s." == only("llm-throttled", of).summary
    assert "throttled 3 times here: raise its quota" in only("slow-phase", of).remedy
    assert not any("extraction_model_code" in each.remedy for each in diagnose(of))


# --- failures -----------------------------------------------------------------------------------------


def killed(**more) -> Request:
    return request(9.0, outcome="error", error_type="Runtime.ExitError", memory_size_mb=1024, **more)


def test_a_kill_for_want_of_memory_is_told_from_another():
    """Killed with all memory used is one; with memory left it is an error; all used and no error is none."""
    named = request(9.0, outcome="error", error_type="Runtime.OutOfMemory", max_memory_used_mb=None)

    assert ["out-of-memory"] == rules_of(killed(max_memory_used_mb=1024))
    assert ["handler-error"] == rules_of(killed(max_memory_used_mb=1023))
    assert [] == rules_of(request(9.0, memory_size_mb=1024, max_memory_used_mb=1024))
    assert "certain" == only("out-of-memory", timeline(named)).confidence


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        (request(20.0, outcome="timeout", response_status=500), ["lambda-timeout"]),
        (request(1.0, outcome="error", milestones=(milestone("init-failed", 0.0),)), ["init-failed"]),
        (request(20.0, outcome="error", error_type="Runtime.OutOfMemory"), ["out-of-memory"]),
        (request(20.0, outcome="error"), ["handler-error"]),
        (request(20.0, response_status=500), ["handler-error"]),
        (request(20.0, response_status=404), []),
        (request(20.0, gateway=gateway("http", 500, 20.0)), []),
    ],
)
def test_each_failure_has_one_name(failed, expected):
    """handler-error keeps silent where a closer rule speaks, and about the gateway's own 5xx."""
    assert expected == rules_of(failed)


@pytest.mark.parametrize(
    ("phases", "stood"),
    [
        (
            (phase("conversation", 0.0, 1.0), phase("extraction", 2.0, 5.0, open=True)),
            "while extraction had been open for 3.0 s",
        ),
        ((phase("conversation", 0.0, 4.0),), "after conversation was done"),
        ((phase("extraction", 0.0, 4.0, error_type="ReadTimeout"),), "as extraction failed"),
        ((), "with no phase known"),
    ],
)
def test_a_failure_says_where_the_work_stood(phases, stood):
    """The phase that was open, else the last one."""
    summary = only("handler-error", timeline(request(5.0, outcome="error", phases=phases))).summary

    assert f"The invocation ended in an error after 5.0 s, {stood}." == summary


def test_a_failure_after_the_commit_says_that_the_session_was_stored():
    """What matters most about such a failure is that the work was done."""
    of = timeline(request(5.0, outcome="error", milestones=(milestone("session-completed", 4.5),)))

    assert only("handler-error", of).summary.endswith("after the session had been stored as completed.")


# --- all of them --------------------------------------------------------------------------------------


def test_findings_come_worst_first_then_in_order_of_requests():
    """Critical, warning, info, whatever the order of the rules; what is about no request comes last."""
    of = timeline(
        request(26.0, request_id=THIRD),
        request(5.0, start=40.0, init_duration=4.0, init_waited=True),
        request(31.0, start=60.0, request_id=RETRY),
        complete=False,
    )

    assert [
        ("outlived-gateway", RETRY),
        ("near-gateway-limit", THIRD),
        ("incomplete-data", None),
        ("cold-start", request().request_id),
    ] == [(each.rule, each.request_id) for each in diagnose(of)]


def test_a_timeline_without_requests_has_no_findings():
    """Nothing read, nothing found."""
    assert () == diagnose(timeline())


def test_no_finding_repeats_what_does_not_look_like_a_name():
    """Names out of log lines hold anything: an address in one does not reach a summary."""
    words = "tell ann@example.com that\x1b[2J"
    of = request(
        40.0,
        outcome="error",
        error_type=words,
        phases=(phase("extraction", 0.0, 20.0, model=words), phase(words, 20.0, 20.5, error_type=words)),
        gaps=(gap(20.5, 40.0, words),),
        unaccounted=19.5,
    )
    found = diagnose(timeline(of), Budgets(other=timedelta(0)))

    assert {"handler-error", "slow-phase", "unaccounted-time", "outlived-gateway"} == {
        each.rule for each in found
    }
    assert not any(part in f"{each.summary}{each.remedy}" for each in found for part in ("@", "\x1b", "tell"))


def test_evidence_is_short_and_of_the_request():
    """At most four lines, each from the request's own or its gateway's lines."""
    throttled = tuple(milestone("llm-throttled", at) for at in range(1, 30))
    of = request(32.0, milestones=throttled, gateway=gateway("http", 503, 30.0))

    for finding in diagnose(timeline(of)):
        assert 2 <= len(finding.evidence) <= 4
        assert all(line in (*of.lines, *of.gateway.lines) for line in finding.evidence)
