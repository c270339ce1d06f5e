"""Which line belongs to which request."""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from incidents.invocations import Grouping, group
from incidents.messages import Line
from tests.logs import (
    MEANINGS,
    OTHER_SESSION,
    OTHER_STREAM,
    SESSION,
    STREAM,
    A,
    B,
    C,
    answer,
    at,
    end,
    lines,
    report,
    said,
    start,
    texts,
)

SAYS = said("coaching_sessions.send_message")


def grouped(of: list[Line]) -> Grouping:
    return group(of, MEANINGS)


def ties(grouping: Grouping) -> dict[str, list[str]]:
    return {one.request_id: texts(one.lines) for one in grouping.invocations}


def test_lines_between_start_and_end_are_carried_to_the_request():
    """One environment runs one request at a time: what stands between belongs to it."""
    [one] = grouped(lines((0, start()), (1, "hello"), (2, end()), (2, report()))).invocations

    assert ("carried", [start(), "hello", end(), report()]) == (one.link, texts(one.lines))


def test_a_request_whose_every_line_holds_its_id_is_exact():
    """Nothing had to be carried."""
    [one] = grouped(
        lines((0, start()), (1, f"[INFO]\t2026-02-09T23:48:01.000Z\t{A}\thi"), (2, end()))
    ).invocations

    assert "exact" == one.link


def test_lines_of_another_stream_are_not_carried():
    """Streams are apart even where their times interleave."""
    both = lines((0, start(A)), (2, end(A))) + lines((1, "theirs"), stream=OTHER_STREAM)

    assert {A: [start(A), end(A)]} == ties(grouped(both))


def test_a_new_start_closes_the_request_before_it():
    """A killed request has no END; the next START ends it."""
    killed = grouped(
        lines((0, start(A)), (1, "mine"), (5, start(B)), (6, "theirs"), (7, end(B)), (7, report(B)))
    )

    assert [start(A), "mine"] == ties(killed)[A]
    assert [start(B), "theirs", end(B), report(B)] == ties(killed)[B]


def test_request_that_never_ended_is_over_when_its_environment_begins_again():
    """What it logs then belongs to the next; inside a request that ended later it is text like any other."""
    init = "INIT_START Runtime Version: x"
    died = grouped(lines((0, start(A)), (1, "hello"), (9, init), (9, "loading"), (9, start(B)), (9, end(B))))
    quoted = grouped(lines((0, start(A)), (1, init), (2, end(A)), (3, start(B)), (4, end(B))))

    assert [start(A), "hello"] == ties(died)[A]
    assert [(), (init, "loading")] == [tuple(texts(one.init)) for one in died.invocations]
    assert [start(A), init, end(A)] == ties(quoted)[A]


def test_lines_before_start_belong_to_its_init():
    """From INIT_START on; what stands before that belonged to nobody."""
    [one] = grouped(
        lines((0, "INIT_START Runtime Version: x"), (1, "loading"), (2, start()), (3, end()))
    ).invocations

    assert ["INIT_START Runtime Version: x", "loading"] == texts(one.init)


def test_lines_between_two_requests_belong_to_neither():
    """After REPORT and before the next START an environment is frozen."""
    rows = lines((0, start(A)), (1, end(A)), (1, report(A)), (2, "late"), (3, start(B)), (4, end(B)))

    assert ["late"] == texts(grouped(rows).loose)


def test_a_quoted_start_does_not_close_the_request():
    """A START that nothing closes, inside a request that ends later, is text of that request."""
    rows = lines((0, start(A)), (1, start(B)), (2, "still mine"), (3, end(A)), (3, report(A)))
    grouping = grouped(rows)

    assert {A: [start(A), start(B), "still mine", end(A), report(A)]} == ties(grouping)
    assert 1 == grouping.quoted


def test_a_report_of_another_request_inside_a_request_is_text():
    """END and REPORT of a request that never started here are quoted."""
    rows = lines((0, start(A)), (1, report(B, 12)), (2, end(B)), (3, end(A)), (3, report(A)))
    grouping = grouped(rows)

    assert [A] == list(ties(grouping))
    assert 2 == grouping.quoted


def test_of_two_reports_the_later_one_is_lambdas():
    """A REPORT with the right ID inside the request was written by the application."""
    [one] = grouped(lines((0, start()), (1, report(ms=12)), (9, end()), (9, report(ms=9000)))).invocations
    last = one.closed_by("report")

    assert last is not None
    assert last.said.fields is not None
    assert 9000.0 == last.said.fields["durationMs"]


def test_overlapping_requests_mean_that_the_stream_is_none():
    """Nothing is carried there, and the stream is named."""
    rows = lines(
        *(
            (0, start(A)),
            (1, start(B)),
            (2, "whose?"),
            (3, end(A)),
            (3, report(A)),
            (4, end(B)),
            (4, report(B)),
        ),
        stream=None,
    )
    grouping = grouped(rows)

    assert ("a.ndjson",) == grouping.mixed_streams
    assert ["whose?"] == texts(grouping.loose)


def test_a_uuid_that_no_platform_line_holds_is_not_lambdas():
    """An application's X-Request-ID ties nothing."""
    own = said("Request started", None, request_id=C)
    [one] = grouped(lines((0, start(A)), (1, own), (2, end(A)))).invocations

    assert A == one.request_id


def test_identical_lines_are_all_kept():
    """35 lines alike in stream, time and text are 35 lines."""
    rows = lines((0, start()), *[(1.0, "DEBUG: Response body:")] * 35, (2, end()))

    assert 37 == len(grouped(rows).invocations[0].lines)


def test_without_platform_lines_the_ids_on_the_lines_tie():
    """Where no START was saved, an ID on the line is taken for Lambda's."""
    line = f'{{"level": "INFO", "message": "hi", "requestId": "{A}", "session_id": "{SESSION}"}}'
    [one] = grouped(lines((0, line), (1, line))).invocations

    assert (A, "exact", 2) == (one.request_id, one.link, len(one.lines))


def test_session_lines_alone_are_cut_at_each_requests_first_line():
    """What a filter pattern on the session saves: requests without an ID, by rule."""
    rows = lines(
        (0, SAYS), (1, said("coaching_session.saved")), (60, SAYS), (61, said("coaching_session.saved"))
    )
    first, second = grouped(rows).invocations

    assert ("unknown@2026-02-09T23:48:00.000Z", "inferred", 2) == (
        first.request_id,
        first.link,
        len(first.lines),
    )
    assert "unknown@2026-02-09T23:49:00.000Z" == second.request_id


def test_membership_is_what_the_line_says_not_what_it_quotes():
    """Another session's request that quotes the ID in a body, a value or a message is not the session's."""
    quotes = (
        (1, f"DEBUG: Calling dynamodb:put_item with {{'Item': {{'session_id': '{SESSION}'}}}}"),
        (1, f'b\'{{"Item": {{"session_id": {{"S": "{SESSION}"}}}}}}\''),
        (
            2,
            said(
                "coaching_sessions.send_message", OTHER_SESSION, preview=f"'see session_id={SESSION} please'"
            ),
        ),
    )
    found = answer(
        *((0, start(A)), *quotes, (3, end(A)), (3, report(A))),
        *((10, start(B)), (11, SAYS), (12, end(B)), (12, report(B))),
    )

    assert [B] == [request.request_id for request in found.timeline.requests]


def test_an_id_is_matched_whole():
    """A longer ID that begins the same is another session."""
    found = answer(
        *(
            (0, start(A)),
            (1, said("coaching_sessions.send_message", SESSION + "0")),
            (2, end(A)),
            (2, report(A)),
        ),
        *((10, start(B)), (11, SAYS), (12, end(B)), (12, report(B))),
    )

    assert [B] == [request.request_id for request in found.timeline.requests]


def trio(request: str, at: float, ms: float) -> tuple[tuple[float, str], ...]:
    """What a user pasted, as the log keeps it: one event a line."""
    return ((at, start(request)), (at, end(request)), (at, report(request, ms)))


def test_a_complete_quoted_request_inside_a_request_is_text():
    """In a log stream of Lambda's nothing can begin inside a request whose REPORT fits its START."""
    rows = lines((0, start(A)), *trio(C, 5, 1), (6, "still mine"), (9, end(A)), (9, report(A, 9000)))
    grouping = grouped(rows)

    assert {A: texts(rows)} == ties(grouping)
    assert (3, ()) == (grouping.quoted, grouping.mixed_streams)


def test_a_quoted_request_stretched_over_a_second_of_logging_is_text_too():
    """A forged REPORT whose Duration fits its own lines is no better inside a real request."""
    inner = ((3, start(C)), (5, end(C)), (5, report(C, 2000)))
    rows = lines((0, start(A)), *inner, (6, "still mine"), (9, end(A)), (9, report(A, 9000)))

    assert {A: texts(rows)} == ties(grouped(rows))


def test_pasted_old_logs_are_text_even_in_a_source_without_streams():
    """What claims 32.3 s and stands there for none never ran there."""
    rows = lines(
        (0, start(A)),
        *trio(C, 5, 32_312),
        (6, "still mine"),
        (9, end(A)),
        (9, report(A, 9000)),
        stream=None,
    )
    grouping = grouped(rows)

    assert {A: texts(rows)} == ties(grouping)
    assert 3 == grouping.quoted


def test_a_request_inside_another_is_an_overlap_where_no_stream_is_named():
    """Two environments in one file look just so: nothing is carried, both keep what names them."""
    inner = ((3, start(C)), (4, "whose?"), (5, end(C)), (5, report(C, 2000)))
    rows = lines((0, start(A)), *inner, (9, end(A)), (9, report(A, 9000)), stream=None)
    grouping = grouped(rows)

    assert (("a.ndjson",), ["whose?"]) == (grouping.mixed_streams, texts(grouping.loose))
    assert {A: [start(A), end(A), report(A, 9000)], C: [start(C), end(C), report(C, 2000)]} == ties(grouping)


def test_an_environment_that_runs_requests_at_once_is_no_forgery():
    """Lambda Managed Instances overlap requests in one stream: only IDs tie there."""
    init = (
        '{"time":"2026-02-09T23:48:00Z","type":"platform.initStart",'
        '"record":{"initializationType":"lambda-managed-instances"}}'
    )
    inner = ((3, start(C)), (5, end(C)), (5, report(C, 2000)))
    grouping = grouped(lines((0, init), (0, start(A)), *inner, (9, end(A)), (9, report(A, 9000))))

    assert ([A, C], (STREAM,)) == (sorted(ties(grouping)), grouping.mixed_streams)


def test_an_earlier_requests_end_quoted_later_is_text_of_the_later_one():
    """START closes the request before it: what claims to end that one again was pasted."""
    pasted = ((3, end(A)), (3, report(A, 1000)))
    rows = lines(
        *((0, start(A)), (1, end(A)), (1, report(A, 1000))),
        *((2, start(B)), *pasted, (4, "mine"), (6, end(B)), (6, report(B, 4000))),
    )
    grouping = grouped(rows)

    assert {A: texts(rows[:3]), B: texts(rows[3:])} == ties(grouping)
    assert (2, ()) == (grouping.quoted, grouping.mixed_streams)
    assert [at(1), at(1)] == [line.event.at for line in grouping.invocations[0].closing]


def test_an_earlier_request_pasted_whole_is_text_of_the_later_one():
    """START, END and REPORT of a request that really ran here, once more."""
    rows = lines(
        *((0, start(A)), (1, end(A)), (1, report(A, 1000))),
        *((2, start(B)), *trio(A, 3, 1000), (6, end(B)), (6, report(B, 4000))),
    )

    assert [(A, 3), (B, 6)] == [(one.request_id, len(one.lines)) for one in grouped(rows).invocations]


def test_a_forged_request_from_one_request_into_the_next_is_text():
    """START in one request, END and REPORT in a later one: neither of the two real ones is lost."""
    rows = lines(
        *((0, start(A)), (1, start(C)), (2, end(A)), (2, report(A, 2000))),
        *((3, start(B)), (5, end(C)), (5, report(C, 4000)), (6, end(B)), (6, report(B, 3000))),
    )
    grouping = grouped(rows)

    assert {A: texts(rows[:4]), B: texts(rows[4:])} == ties(grouping)


def test_an_end_with_the_requests_own_id_does_not_end_it_early():
    """Of two END lines the later one is Lambda's."""
    rows = lines((0, start(A)), (1, end(A)), (2, "still mine"), (9, end(A)), (9, report(A, 9000)))
    [one] = grouped(rows).invocations

    assert texts(rows) == texts(one.lines)
    assert at(9) == one.closing[-2].event.at


def test_an_id_that_lambda_tries_again_is_two_runs():
    """A retried asynchronous event keeps its request ID; another request may run in between."""
    first = ((0, start(A)), (1, "first try"), (2, end(A)), (2, report(A, 2000)))
    between = ((10, start(B)), (11, end(B)), (11, report(B, 1000)))
    second = ((60, start(A)), (61, "second try"), (62, end(A)), (62, report(A, 2000)))
    found = grouped(lines(*first, *between, *second)).invocations

    assert [A, B, A] == [one.request_id for one in found]
    assert ["first try", "second try"] == [found[index].lines[1].event.message for index in (0, 2)]


def test_end_and_start_within_one_millisecond_may_stand_in_either_order():
    """Some forms give ties in no order; the request that ends there keeps its REPORT."""
    rows = lines(
        *((0, start(A)), (2, end(A)), (2, start(B)), (2, report(A, 2000))), (3, end(B)), (3, report(B, 1000))
    )
    grouping = grouped(rows)

    assert report(A, 2000) in ties(grouping)[A]
    assert (0, ()) == (grouping.quoted, grouping.mixed_streams)


def test_a_request_whose_start_was_not_saved_takes_the_lines_before_its_end():
    """By rule, as far back as its REPORT says that it ran."""
    rows = lines((0, "an older one's"), (10, "mine"), (12, end(A)), (12, report(A, 3000)))
    grouping = grouped(rows)
    [one] = grouping.invocations

    assert ("inferred", ["mine", end(A), report(A, 3000)]) == (one.link, texts(one.lines))
    assert ["an older one's"] == texts(grouping.loose)


def test_an_end_before_its_start_is_a_clock_that_stepped_back():
    """The request stays one, and no time in it is negative."""
    rows = ((0.2, end(A)), (0.3, start(A)), (0.3, SAYS), (0.4, report(A, 5)))
    [request] = answer(*rows).timeline.requests

    assert (at(0.3), timedelta(milliseconds=5)) == (request.start, request.duration)
    assert request.last_seen >= request.start
    assert all(gap.duration > timedelta(0) for gap in request.gaps)


def test_in_a_stream_that_is_none_each_request_keeps_the_lines_that_name_it():
    """START and END included; its tie is exact, since nothing was carried."""
    own = f"[INFO]\t2026-02-09T23:48:01.000Z\t{A}\thi"
    rows = ((0, start(A)), (1, start(B)), (2, own), (3, end(A)), (4, end(B)))
    grouping = grouped(lines(*rows, stream=None))

    assert {A: [start(A), own, end(A)], B: [start(B), end(B)]} == ties(grouping)
    assert ["exact", "exact"] == [one.link for one in grouping.invocations]


def test_two_requests_saved_by_their_first_lines_alone_are_two():
    """The same first line again begins another request; another first line does not."""
    opened = said("Request started", None)
    found = grouped(lines((0, opened), (0, SAYS), (60, opened), (60, SAYS), (90, SAYS))).invocations

    assert [2, 2, 1] == [len(one.lines) for one in found]


def test_a_request_that_names_two_sessions_belongs_to_both():
    """Asked for either, it is found."""
    rows = (
        (0, start()),
        (1, SAYS),
        (2, said("coaching_session.marked_expired", OTHER_SESSION)),
        (3, end()),
        (3, report()),
    )

    for session in (SESSION, OTHER_SESSION):
        [request] = answer(*rows, session=session).timeline.requests
        assert (SESSION, OTHER_SESSION) == request.sessions


def test_text_logged_in_the_last_millisecond_is_still_text():
    """A pasted request right before END and REPORT."""
    rows = lines((0, start(A)), *trio(C, 9, 1), (9, end(A)), (9, report(A, 9000)))

    assert {A: texts(rows)} == ties(grouped(rows))


ANY_LINE = st.sampled_from(
    [text(each) for each in (A, B, C) for text in (start, end, report)]
    + ["text", "INIT_START x", SAYS, said("x.y", request_id=A), report(B, 5000)]
    + [f"2026-02-09T23:48:03.000Z {C} Task timed out after 3.00 seconds"]
)


@given(st.lists(st.tuples(st.sampled_from([0, 0.5, 2]), ANY_LINE)), st.sampled_from([STREAM, None]))
def test_every_line_is_somewhere_once(steps, stream):
    """In one request, in one request's init, or among the loose ones, whatever the order of the lines."""
    seconds = accumulate(step for step, _ in steps)
    rows = lines(*zip(seconds, (text for _, text in steps), strict=True), stream=stream)
    grouping = grouped(rows)
    placed = [line for one in grouping.invocations for line in (*one.init, *one.lines)]

    assert sorted(map(id, rows)) == sorted(map(id, [*placed, *grouping.loose]))
