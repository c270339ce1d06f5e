"""What reaches a terminal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.display import clean, clock, fit, pad, plain, seconds, width, wrap

ANY = st.text(st.characters(exclude_categories=()))
"""Any code points at all, lone surrogates among them."""

PST = timezone(timedelta(hours=-8), "PST")


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("a\rb\nc\td\x00", r"a\rb\nc\td\x00"),
        ("\x7f\x85\x9b31m", r"\x7f\x85\x9b31m"),
        (
            "\u202eevil\u202c \u2066\u2069\u200e\u200f\u061c",
            r"\u202eevil\u202c \u2066\u2069\u200e\u200f\u061c",
        ),
        ("a\u200b\u200c\u200d\u2060\ufeffb", r"a\u200b\u200c\u200d\u2060\ufeffb"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\udc80\ud800", r"\udc80\ud800"),
        ("\U000e0041\ufe0f\U000e0101", r"\U000e0041\ufe0f\U000e0101"),
        ("\ue000\U0010ffff\u0378", r"\ue000\U0010ffff\u0378"),
        ("\u00a0\u3000\u00ad\u3164", r"\xa0\u3000\xad\u3164"),
    ],
)
def test_what_moves_hides_or_turns_becomes_visible(hostile: str, shown: str):
    """Every character that a terminal would act on, or not show, stands as an ASCII escape."""
    assert shown == clean(hostile)


def test_the_text_of_any_language_stays():
    """Letters, accents, wide characters and symbols are shown as they are."""
    text = "Grüße, e\u0301té, 日本語, עברית, ✓ 😀"

    assert text == clean(text)


def test_marks_that_climb_over_other_lines_are_cut_off():
    """A letter keeps three combining marks; more stand as escapes."""
    assert "e\u0301\u0301\u0301" + r"\u0301" == clean("e" + "\u0301" * 4)


@given(ANY)
def test_cleaned_text_is_printable_and_stays_clean(text: str):
    """Whatever goes in, printable text on one line comes out, and cleaning it again changes nothing."""
    once = clean(text)

    assert once.isprintable()
    assert once == clean(once)
    assert plain(text).isascii()


@given(ANY, st.integers(2, 60))
def test_cut_padded_and_wrapped_text_keeps_to_its_columns(text: str, columns: int):
    """No text is wider than the columns given, in whatever script."""
    text = clean(text)

    assert width(fit(text, columns)) <= columns
    assert columns == width(pad(text, columns))
    assert all(width(line) <= columns for line in wrap(text, columns))


@given(ANY, st.integers(2, 60))
def test_wrapping_loses_nothing_but_spaces(text: str, columns: int):
    """All characters of a text are in its lines, in order."""
    text = clean(text)

    assert text.replace(" ", "") == "".join(wrap(text, columns)).replace(" ", "")


def test_wide_characters_take_two_columns_and_marks_none():
    """The width of a text is that of a terminal, not its count of code points."""
    assert [6, 1, 3] == [width("日本語"), width("e\u0301"), width("abc")]
    assert "日… " == pad("日本語", 4)


def test_a_number_is_not_torn_from_its_unit():
    """``30.0 s`` stands on one line."""
    assert ("gave up at", "30.0 s") == wrap("gave up at 30.0 s", 15)


def test_durations_are_said_in_seconds_or_below_one_in_milliseconds():
    """Times read as people say them, also negative ones of a clock that ran backwards."""
    spoken = [seconds(timedelta(milliseconds=ms)) for ms in (32312, 999, 999.7, 150, -2000)]

    assert ["32.3 s", "999 ms", "1.0 s", "150 ms", "-2.0 s"] == spoken


def test_local_time_stands_beside_utc_with_its_day_where_that_differs():
    """UTC comes first and to the millisecond; another day is named."""
    assert "23:48:39.688Z (15:48:39 PST)" == clock(datetime(2026, 2, 9, 23, 48, 39, 688000, UTC), PST)
    assert "02:00:00.000Z (Feb 08 18:00:00 PST)" == clock(datetime(2026, 2, 9, 2, tzinfo=UTC), PST)


def test_a_moment_at_the_edge_of_the_calendar_is_shown_in_utc_alone():
    """A timestamp that has no local time is no reason to fail."""
    assert "00:00:00.000Z" == clock(datetime.min.replace(tzinfo=UTC), PST)
