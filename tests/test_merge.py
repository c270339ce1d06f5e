"""Events of several sources made one."""

from __future__ import annotations

import random

from incidents.merge import merge
from tests.logs import events


def told(*sources):
    return [event.message for event in merge(sources)]


def test_the_same_event_id_is_the_same_event():
    """A source that repeats an event, or two that share it, give it once."""
    once = events((0, "a"), (0, "a"), ids=["1", "2"])
    again = events((0, "a"), (1, "b"), ids=["2", "3"], source="b.ndjson")

    assert ["a", "a", "b"] == told([*once, once[0]], again)


def test_identical_events_without_ids_are_all_kept():
    """Stream, time and text do not identify an event."""
    assert ["a", "a", "a"] == told(events((0, "a"), (0, "a"), (0, "a")))


def test_of_two_forms_the_larger_count_is_believed():
    """The same three events, saved twice in forms without IDs, are three."""
    text = events((0, "a"), (0, "a"), (0, "a"), source="a.txt")
    json = events((0, "a"), (0, "a"), source="b.json", ids=["1", "2"])

    assert ["a", "a", "a"] == told(json, text)


def test_two_downloads_that_overlap_give_the_union():
    """IDs 1, 2 and IDs 2, 3 are three events, though each source holds two."""
    first = events((0, "a"), (0, "a"), ids=["1", "2"])
    second = events((0, "a"), (0, "a"), ids=["2", "3"], source="b.ndjson")

    assert 3 == len(merge([first, second]))


def test_ties_keep_the_files_order():
    """END, REPORT and the next START may share a millisecond."""
    names = [f"line {number}" for number in range(20)]

    assert names == told(events(*[(0.0, name) for name in names]))


def test_a_newest_first_source_is_turned_round():
    """Its ties stand in reverse, too."""
    assert ["a", "b", "c", "d"] == told(events((2, "d"), (1, "c"), (1, "b"), (0, "a")))


def test_a_shuffled_source_is_ordered_by_its_event_ids():
    """Among ties in time CloudWatch's IDs tell the order."""
    rows = events(
        *[(number // 5, f"{number:02}") for number in range(40)], ids=[str(10**55 + n) for n in range(40)]
    )
    shuffled = random.Random(7).sample(rows, len(rows))

    assert [f"{number:02}" for number in range(40)] == told(shuffled)


def test_streams_saved_one_after_the_other_are_interleaved():
    """Each part is in order: the whole is sorted by time, and no part is taken for newest-first."""
    one, two = events((0, "a"), (2, "c")), events((1, "b"), (3, "d"), stream="other")

    assert ["a", "b", "c", "d"] == told([*one, *two])


def test_a_log_group_that_one_form_knows_is_known():
    """A form without it takes it from another source that has the stream."""
    named = events((0, "a"))
    from dataclasses import replace

    nameless = [replace(event, log_group=None, source="b.txt") for event in events((1, "b"))]

    assert {"/aws/lambda/coaching-api-4b4d001"} == {event.log_group for event in merge([named, nameless])}


def test_a_source_without_streams_that_others_hold_whole_adds_nothing():
    """The same two events, once with their stream and once without, are two."""
    named = events((0, "START RequestId: a"), (1, "hello"))
    copy = events((0, "START RequestId: a"), (1, "hello"), stream=None, source="bare.txt")

    assert ["a.ndjson", "a.ndjson"] == [event.source for event in merge([copy, named])]


def test_a_source_without_streams_that_holds_more_is_kept():
    """What only one source has is not lost."""
    named = events((0, "START RequestId: a"), (1, "hello"))
    more = events((0, "START RequestId: a"), (1, "hello"), (2, "more"), stream=None, source="bare.txt")

    assert 5 == len(merge([named, more]))


def test_identical_events_with_their_own_ids_are_all_kept():
    """35 events alike in stream, time and text are 35; saved a second time without IDs, still 35."""
    rows = [(1.0, "DEBUG: Response body:")] * 35
    known = events(*rows, ids=[str(each) for each in range(35)])
    again = events(*rows, source="tail.txt")

    assert 35 == len(merge([again, known])) == len(merge([known]))
    assert {"a.ndjson"} == {event.source for event in merge([again, known])}


def test_a_clock_that_steps_back_loses_nothing():
    """In time order afterwards; every event is still there."""
    jumped = events((5, "a"), (6, "b"), (3, "c"), (4, "d"), (7, "e"))

    assert ["c", "d", "a", "b", "e"] == [event.message for event in merge([jumped])]
