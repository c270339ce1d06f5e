"""Nothing vanishes: what was in a file was used, is other, was skipped with a reason, or is unread bytes."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from incidents.events import Event, Skip
from incidents.files import FileSource
from incidents.forms.ndjson import read_ndjson_line
from incidents.report import Report
from incidents.search import Haystack
from incidents.sources import Question, Span
from incidents.trace import Query, trace
from incidents.views import Options, view
from tests.forms_data import FULL_FORMS, ONE, POORER_FORMS, TWO, Logged, Writer, ndjson
from tests.logs import OTHER_SESSION, SESSION, A, B, at, end, report, said, start

_MS = round(at(0).timestamp() * 1000)


def row(seconds: float, text: str, stream: str = ONE) -> Logged:
    return Logged(stream, _MS + round(seconds * 1000), text)


USED = (
    row(0, start()),
    row(1, said("coaching_service.send_message")),
    row(1, "twin"),
    row(1, "twin"),
    row(2, end()),
)
"""Five lines of the session's request."""
OTHER = (
    row(3, start(B), TWO),
    row(4, said("coaching_service.send_message", OTHER_SESSION), TWO),
    row(5, f"a body that quotes {SESSION}", TWO),
    row(6, report(B), TWO),
)
"""Four lines that have nothing to do with it."""
GARBAGE = (
    b"garbage\n",
    b'{"timestamp": 1770680888688, "message": \n',
    b'{"message": "without a time"}\n',
    b'{"timestamp": 1770680888688}\n',
    b'{"timestamp": 99999999999999999999, "message": "never"}\n',
    b"[" * 100_000 + b"\n",
    b'{"timestamp": ' + b"9" * 5_000 + b', "message": "many digits"}\n',
    b"\xff\xfe\x00\n",
)
"""Lines that are no events, each in its own way."""
PACK = {"plain": bytes, "gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}


def saved(folder: Path, writer: Writer, events: Sequence[Logged] = (*USED, *OTHER)) -> list[Path]:
    """The files of a form, in a folder of their own."""
    paths = []
    for number, each in enumerate(writer(events)):
        path = folder / (each.path or f"{number}.log")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(each.data)
        paths.append(path)
    return paths


def answered(*paths: Path, small: int = 1 << 30) -> Report:
    return trace([FileSource(str(path), small=small) for path in paths], Query(session_id=SESSION))


def counts(found: Report) -> tuple[int, int, int]:
    """Used, other and skipped, of all sources."""
    sums = zip(*((each.used, each.other, each.skipped_count) for each in found.sources), strict=True)
    return tuple(map(sum, sums))  # type: ignore[return-value]  # three


@pytest.mark.parametrize("writer", (*FULL_FORMS, *POORER_FORMS), ids=lambda writer: writer.__name__)
def test_every_event_of_every_form_is_counted(tmp_path, writer):
    """Where streams are told apart, five are used and four are other; nine in all in any case."""
    found = answered(*saved(tmp_path, writer))
    used, other, skipped = counts(found)

    assert (9, 0) == (used + other, skipped)
    assert used == sum(len(request.lines) for request in found.timeline.requests)
    assert writer in POORER_FORMS or used == 5


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_what_is_no_event_is_skipped_with_a_reason(tmp_path, pack, garbage):
    """Between the lines of a request: these are all there, and the odd one is told where it stands."""
    [path] = saved(tmp_path, ndjson)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(pack(b"".join((*lines[:2], garbage, *lines[2:]))))
    found = answered(path)
    [skip] = found.sources[0].skipped

    assert (5, 4, 1) == counts(found)
    assert f"{path}:3" == skip.where
    assert skip.reason


def test_what_was_saved_twice_is_counted_twice_and_used_once(tmp_path):
    """The copies are other: in a form that has event IDs, and in one that has none."""
    for writer in FULL_FORMS:
        first = saved(tmp_path / writer.__name__ / "a", writer)
        second = saved(tmp_path / writer.__name__ / "b", writer)

        assert (5, 13, 0) == counts(answered(*first, *second)), writer.__name__


def test_an_event_id_that_is_used_twice_loses_no_line(tmp_path):
    """Only what says the same at the same time is the same event."""
    lines = [
        {"logStream": ONE, "timestamp": each.ms, "message": each.message, "eventId": "1"} for each in USED
    ]
    path = tmp_path / "logs.ndjson"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    assert (4, 1, 0) == counts(answered(path))


@pytest.mark.parametrize("cut", [-1, -200, -400])
@pytest.mark.parametrize("pack", [gzip.compress, PACK["zstd"]], ids=["gzip", "zstd"])
def test_what_was_cut_off_is_told_beside_what_was_read(tmp_path, pack, cut):
    """The damage is one more skip, without a line of its own; the source is not complete."""
    noise = tuple(row(7 + number, f"{number:x}" * 9, TWO) for number in range(500))
    [path] = saved(tmp_path, ndjson, (*USED, *noise))
    whole = path.read_bytes()
    path.write_bytes(pack(whole[:1500]) + pack(whole[1500:])[:cut])
    found = answered(path)
    used, other, skipped = counts(found)
    damage = found.sources[0].skipped[-1]

    assert (5, True) == (used, 0 < other <= 500)
    assert skipped == len(found.sources[0].skipped)
    assert (str(path), True) == (damage.where, "ends too early" in damage.reason)
    assert not found.sources[0].complete


# --- searched ---------------------------------------------------------------------------------------


def read(line: bytes | None, offset: int) -> Event | Skip:
    assert line is not None
    return read_ndjson_line(line, source="a", place=f"a@{offset}", order=offset)


rows = st.lists(
    st.tuples(
        st.integers(0, 4000),
        st.sampled_from((start(), end(), report(), said("x"), said("x", OTHER_SESSION), "noise", "")),
        st.sampled_from((ONE, TWO)),
    ),
    max_size=40,
)


@given(
    rows, st.lists(st.sampled_from(GARBAGE[:4]), max_size=3), st.booleans(), st.randoms(use_true_random=False)
)
def test_what_a_search_read_and_what_it_passed_over_is_the_file(found, garbage, ordered, dice):
    """To the byte: parsed lines, their newlines, and unread bytes; and each line is read once."""
    logged = [row(seconds, text, stream) for seconds, text, stream in (sorted(found) if ordered else found)]
    lines = ndjson(logged)[0].data.splitlines(keepends=True)
    for each in garbage:
        lines.insert(dice.randint(0, len(lines)), each)
    data = b"".join(lines)
    haystack = Haystack(data, read)
    parsed: set[int] = set()
    for question in (
        Question((SESSION,)),
        Question((SESSION, A), (Span(ONE, at(0), at(900)),)),
        Question((SESSION,), (Span(ONE, at(0), at(900)),), thorough=True),
    ):
        parsed |= {event.order for event in haystack.search(question)}

    begins = [*parsed, *(int(skip.where[2:]) for skip in haystack.skipped)]
    assert haystack.parsed_bytes == sum(len(data[begin:].splitlines(keepends=True)[0]) for begin in begins)
    assert haystack.parsed == len(parsed)
    assert len(set(begins)) == len(begins)


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
def test_the_bytes_that_were_not_searched_are_told(tmp_path, pack):
    """What was used, what was looked at and what was passed over add up to the decoded file."""
    far = tuple(row(7200 + number, f"noise {number}", TWO) for number in range(3000))
    [path] = saved(tmp_path, ndjson, (*USED, *OTHER, *far))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(pack(path.read_bytes()))
    found = answered(path, small=0)
    [source] = found.sources
    read = sum(map(len, lines[: len(USED)]))

    assert 5 == source.used
    assert source.other <= len(OTHER)
    assert (
        sum(map(len, lines)) - sum(map(len, lines[:9])) <= source.unread_bytes <= sum(map(len, lines)) - read
    )
    assert path.stat().st_size == source.bytes


def test_a_file_that_was_searched_through_has_no_unread_bytes(tmp_path):
    """A newline belongs to its line."""
    [path] = saved(tmp_path, ndjson, USED)
    found = answered(path, small=0)

    assert (5, 0, 0) == counts(found)
    assert 0 == found.sources[0].unread_bytes


# --- shown ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", ["text", "html", "markdown", "json"])
def test_every_view_shows_the_sums(tmp_path, format_):
    """Used, other and skipped, with the first reason; what was passed over, too."""
    [path] = saved(tmp_path, ndjson)
    path.write_bytes(path.read_bytes() + b"".join(GARBAGE[:3]))
    shown = view(format_)(answered(path), Options())

    if format_ == "json":
        [source] = json.loads(shown)["sources"]
        assert (5, 4, 3) == (source["events"], source["other"], source["skipped_count"])
    else:
        plain = re.sub(r"<[^>]*>|[*|\\]", " ", shown)
        assert re.search(r"\b5 (events )?(used,)?\s+4 (other,)?\s+3\b", plain)
    assert "not a JSON object" in shown
