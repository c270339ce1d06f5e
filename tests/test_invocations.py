"""Which line belongs to which request."""

from __future__ import annotations

from incidents.invocations import Grouping, group
from incidents.messages import Line
from tests.logs import (
    MEANINGS,
    OTHER_SESSION,
    OTHER_STREAM,
    SESSION,
    A,
    B,
    C,
    answer,
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
