"""Phases, gaps and the time in no phase."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.logs import A, B, at, end, only_request, report, said, start

OPEN = said("coaching_service.executing_llm_call", None, model_code="CLAUDE_SONNET_4_5")
TRIGGERED = said("coaching_service.auto_completion_triggered")
SAYS = said("coaching_sessions.send_message")


def done(ms: int, model: str = "CLAUDE_SONNET_4_5") -> str:
    return said("coaching_service.llm_call_completed", None, model_code=model, processing_time_ms=ms)


def told(request):
    """Name, start and end in seconds, of each phase."""
    return [
        (p.name, (p.start - at(0)).total_seconds(), p.end and (p.end - at(0)).total_seconds())
        for p in request.phases
    ]


def test_a_call_ends_at_its_line_and_took_what_the_line_says():
    """processing_time_ms is exact; the line that opened it is evidence only."""
    request = only_request(
        (0, start()), (0, SAYS), (1, OPEN), (6, done(4500)), (7, end()), (7, report(ms=7000))
    )

    assert [("conversation", 1.5, 6.0)] == told(request)
    assert "CLAUDE_SONNET_4_5" == request.phases[0].model


def test_a_call_after_the_trigger_is_the_extraction():
    """Both calls log alike: only their place tells them apart."""
    request = only_request(
        *(
            (0, start()),
            (0, SAYS),
            (3, done(2000)),
            (3, TRIGGERED),
            (9, done(5000)),
            (9, end()),
            (9, report(ms=9000)),
        )
    )

    assert [("conversation", 1.0, 3.0), ("extraction", 4.0, 9.0)] == told(request)


def test_a_call_of_complete_session_is_the_extraction():
    """The explicit /complete has no trigger."""
    asked = said("coaching_sessions.complete_session")
    request = only_request((0, start()), (0, asked), (9, done(5000)), (9, end()), (9, report(ms=9000)))

    assert [("extraction", 4.0, 9.0)] == told(request)


def test_a_call_without_completion_is_open_to_the_end_seen():
    """After a kill the call stands with no end."""
    request = only_request((0, start()), (0, SAYS), (2, OPEN), (20, "DEBUG: waiting"))

    assert [("conversation", 2.0, None)] == told(request)
    assert at(20) == request.phases[0].seen_until


def test_a_failed_call_ends_at_the_error():
    """The time of the error line is the end, and the error has a name."""
    failed = said("coaching_service.provider_resolution_failed", None, model_code="CLAUDE_3_5_HAIKU")
    request = only_request((0, start()), (0, SAYS), (1, OPEN), (2, failed), (3, end()), (3, report(ms=3000)))

    assert [("conversation", 1.0, 2.0)] == told(request)
    assert "ProviderResolutionFailed" == request.phases[0].error_type


def test_the_layer_below_does_not_open_a_second_call():
    """Invoking Bedrock is the same call seen further down."""
    below = said("Invoking Bedrock Converse API", None)
    request = only_request((0, start()), (0, SAYS), (1, OPEN), (1.1, below), (3, done(2000)), (4, end()))

    assert [("conversation", 1.0, 3.0)] == told(request)


def test_unaccounted_time_is_the_duration_less_the_union_of_the_phases():
    """Phases that overlap count once."""
    request = only_request(
        *((0, start()), (0, SAYS), (4, done(3000)), (5, done(3000)), (10, end()), (10, report(ms=10_000)))
    )

    assert timedelta(seconds=6) == request.unaccounted
    assert [(0.0, 1.0, None), (5.0, 10.0, "conversation")] == [
        ((g.start - at(0)).total_seconds(), (g.end - at(0)).total_seconds(), g.after) for g in request.gaps
    ]


def test_the_commit_cuts_a_gap_in_two():
    """What follows the commit is time in which the answer was ready."""
    commit = said("coaching_service.session_completed")
    request = only_request(
        (0, start()), (0, SAYS), (4, done(4000)), (6, commit), (10, end()), (10, report(ms=10_000))
    )

    assert [("conversation", 2.0), ("session-completed", 4.0)] == [
        (gap.after, gap.duration.total_seconds()) for gap in request.gaps
    ]


def test_with_no_phase_known_nothing_is_said_about_gaps():
    """An application that logs no calls leaves no phases, and no unaccounted time."""
    request = only_request((0, start()), (0, SAYS), (9, end()), (9, report(ms=9000)))

    assert ((), (), None) == (request.phases, request.gaps, request.unaccounted)


def _record(kind: str, **fields: object) -> str:
    """A record of the contract, with every common field."""
    import json

    common = {
        "level": "INFO",
        "timestamp": "2026-02-09T23:48:01.000Z",
        "guard": kind,
        "service": "coaching-api",
    }
    return json.dumps({**common, "request_id": A, "session_id": None, "trace_id": None, **fields})


@pytest.mark.parametrize("closed", [True, False])
def test_recorded_phases_stand_instead_of_inferred_ones(closed):
    """Our own records say it exactly; a start without an end is an open phase."""
    begun = _record("phase.start/1", phase="extraction", phase_id=3, parent_id=None, model="CLAUDE_3_5_HAIKU")
    ended = _record("phase.end/1", phase="extraction", phase_id=3, PhaseDuration=4000.0, outcome="ok")
    rows = [(0, start()), (0, SAYS), (1, TRIGGERED), (1, begun), (5, done(3900))]
    request = only_request(*rows, *([(5, ended)] if closed else []), (6, end()), (6, report(ms=6000)))

    assert [("extraction", 1.0, 5.0 if closed else None)] == told(request)
    assert ("recorded", "CLAUDE_3_5_HAIKU") == (request.phases[0].basis, request.phases[0].model)


def test_a_record_that_names_another_request_is_text():
    """A pasted record gives no phase: the request's own call stands."""
    pasted = _record("phase.end/1", phase="extraction", phase_id=9, PhaseDuration=60_000.0).replace(A, B)
    rows = [(0, start()), (0, SAYS), (5, pasted), (6, done(5000)), (7, end()), (7, report(ms=7000))]

    assert [("conversation", 1.0, 6.0)] == told(only_request(*rows))


def test_recorded_and_inferred_phases_of_different_names_stand_side_by_side():
    """Only the same work is told once."""
    ended = _record("phase.end/1", phase="load", phase_id=1, PhaseDuration=900.0, outcome="ok")
    rows = [(0, start()), (0, SAYS), (1, ended), (6, done(5000)), (7, end()), (7, report(ms=7000))]

    assert [("load", 0.1, 1.0), ("conversation", 1.0, 6.0)] == told(only_request(*rows))


def test_a_recorded_failure_names_its_type():
    """A type, or at least that it was no success."""
    named = _record("phase.end/1", phase="a", phase_id=1, PhaseDuration=1, outcome="error", error_type="Boom")
    bare = _record("phase.end/1", phase="b", phase_id=2, PhaseDuration=1, outcome="error")
    rows = [(0, start()), (0, SAYS), (1, named), (2, bare), (7, end()), (7, report(ms=7000))]

    assert ["Boom", "error"] == [phase.error_type for phase in only_request(*rows).phases]


def test_a_call_that_is_tried_again_is_two_phases():
    """Without a word on how the first try ended, it ends where the second begins."""
    rows = [(0, start()), (0, SAYS), (1, OPEN), (4, OPEN), (6, done(2000)), (7, end()), (7, report(ms=7000))]

    assert [("conversation", 1.0, 4.0), ("conversation", 4.0, 6.0)] == told(only_request(*rows))


def test_a_call_after_a_failed_one_is_a_phase_of_its_own():
    """The error closes the first; the second has no error."""
    failed = said("LLM generation failed", None, error_type="ReadTimeout")
    rows = [
        (0, start()),
        (0, SAYS),
        (1, OPEN),
        (3, failed),
        (6, done(2000)),
        (7, end()),
        (7, report(ms=7000)),
    ]
    request = only_request(*rows)

    assert [("conversation", 1.0, 3.0), ("conversation", 4.0, 6.0)] == told(request)
    assert ["ReadTimeout", None] == [phase.error_type for phase in request.phases]


def test_an_absurd_length_does_not_reach_before_the_request():
    """A call that claims ten minutes in a request of seven seconds began with it at the earliest."""
    rows = [(0, start()), (0, SAYS), (6, done(600_000)), (7, end()), (7, report(ms=7000))]
    request = only_request(*rows)

    assert [("conversation", 0.0, 6.0)] == told(request)
    assert timedelta(seconds=1) == request.unaccounted


def test_each_gap_says_what_came_before_it():
    """Nothing, then the call's end, then the commit."""
    completed = said("coaching_service.session_completed")
    rows = [(0, start()), (0, SAYS), (3, done(1000)), (5, completed), (9, end()), (9, report(ms=9000))]
    gaps = [((gap.start - at(0)).total_seconds(), gap.after) for gap in only_request(*rows).gaps]

    assert [(0.0, None), (3.0, "conversation"), (5.0, "session-completed")] == gaps


def test_gaps_too_short_to_list_still_count():
    """Two phases 50 ms apart leave no gap, and 50 ms in no phase."""
    rows = [(0, start()), (0, SAYS), (2, done(2000)), (4.05, done(2000)), (4.05, end())]
    request = only_request(*rows, (4.05, report(ms=4050)))

    assert ((), timedelta(milliseconds=50)) == (request.gaps, request.unaccounted)
