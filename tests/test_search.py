"""A file that is searched gives the answer of a file that is read: in time order or not, plain or packed."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guards.errors import NothingMatched
from incidents.events import Event
from incidents.files import FileSource
from incidents.report import Report
from incidents.trace import Query, trace
from incidents.views import Options
from incidents.views.json import document
from tests.logs import (
    OTHER_SESSION,
    OTHER_STREAM,
    SESSION,
    STREAM,
    A,
    B,
    Row,
    end,
    events,
    ndjson,
    report,
    said,
    start,
)

IN_FULL = 1 << 40
PIECE = 1 << 16
"""So much of a packed file is decoded at once."""
THIRD_STREAM = "2026/02/09/[$LATEST]00ff00ff00ff00ff00ff00ff00ff00ff"
STREAMS = (STREAM, OTHER_STREAM, THIRD_STREAM)
PADDING = " ".join(f"x{n:04d}" for n in range(350))

PACK = {"plain": bytes, "gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}


def answered(report: Report) -> object:
    """What is told, but for where in which file it stands: a search counts bytes, not lines."""
    told = document(report, Options(redact=False))
    for finding in told["findings"]:
        for evidence in finding["evidence"]:
            del evidence["source"]
    return {key: told[key] for key in ("session", "requests", "findings", "verdict", "advice")}


def ask(*paths: Path, small: int, session: str | None = SESSION, **query: str) -> Report | str:
    """The report, or why there is none."""
    sources = [FileSource(str(path), small=small) for path in paths]
    try:
        return trace(sources, Query(session_id=session, **query))
    except NothingMatched:
        return "nothing matched"


def told(*paths: Path, small: int, **query: str) -> object:
    answer = ask(*paths, small=small, **query)
    return answer if isinstance(answer, str) else answered(answer)


def saved(folder: Path, data: bytes, pack: str = "plain", name: str = "logs") -> Path:
    path = folder / f"{name}.{pack}"
    path.write_bytes(PACK[pack](data))
    return path


def assert_search_tells_all(folder: Path, data: bytes, **query: str) -> object:
    """In each container the search gives what reading in full gives; returns that."""
    full = told(saved(folder, data), small=IN_FULL, **query)
    for pack in PACK:
        assert full == told(saved(folder, data, pack), small=0, **query), pack
    return full


def assert_found(answer: object, *requests: str) -> None:
    assert isinstance(answer, dict), answer
    assert list(requests) == [request["request_id"] for request in answer["requests"]]


def noise(
    seconds: Iterable[float], stream: str = OTHER_STREAM, text: str = PADDING, source: str = "a"
) -> list[Event]:
    """A busy neighbour, some 2 kB a line."""
    return events(*((each, f"DEBUG: {text}") for each in seconds), stream=stream, source=source)


def in_order(*of: Sequence[Event]) -> list[Event]:
    return sorted((event for part in of for event in part), key=lambda event: event.at)


# --- any logs ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """One request of a stream."""

    gap: float
    length: float
    session: str | None
    names: int
    """How many of its lines name the session."""
    init: bool
    started: bool
    ended: bool
    reported: bool


requests = st.builds(
    Asked,
    gap=st.sampled_from([0, 0.01, 3, 40, 400, 2000]),
    length=st.sampled_from([0, 0.2, 5, 32, 70, 300, 650, 890]),
    session=st.sampled_from([SESSION, SESSION, OTHER_SESSION, None]),
    names=st.integers(0, 3),
    init=st.booleans(),
    started=st.sampled_from([True] * 9 + [False]),
    ended=st.sampled_from([True] * 6 + [False]),
    reported=st.sampled_from([True] * 6 + [False]),
)


def apart(rows: Iterable[Row]) -> Iterator[Row]:
    """No two in one millisecond: out of order, nobody could say which came first."""
    return ((at + n / 1000, text) for n, (at, text) in enumerate(rows))


def rows(asked: Sequence[Asked], stream: int) -> Iterator[Row]:
    """The lines of one stream."""
    now = stream * 7.5
    for number, one in enumerate(asked):
        now += one.gap
        request = f"{stream}{number:07d}-1111-4222-8333-444444444444"
        if one.init:
            yield now, "INIT_START Runtime Version: python:3.11.v60"
            now += 2
        if one.started:
            yield now, start(request)
        for part in range(6):
            named = one.session if part in (0, 3, 5)[: one.names] else None
            yield now + one.length * part / 6, said(f"step {part}", named)
        now += one.length
        if one.ended:
            yield now, end(request)
        if one.reported:
            yield now, report(request, ms=one.length * 1000)


@dataclass(frozen=True)
class Corpus:
    """A file, and how it came about."""

    streams: list[list[Asked]]
    how: str
    seed: int
    data: bytes = field(repr=False)


@st.composite
def corpora(draw: st.DrawFn) -> Corpus:
    """Up to three streams with requests, some noise, in time order or more or less so."""
    streams = draw(st.lists(st.lists(requests, min_size=1, max_size=5), min_size=1, max_size=3))
    how = draw(st.sampled_from(["in order", "in order", "a little off", "moved", "by stream", "backwards"]))
    spread = list if how in ("in order", "by stream") else apart
    logged = [events(*spread(rows(asked, n)), stream=STREAMS[n]) for n, asked in enumerate(streams)]
    last = max(event.at for part in logged for event in part).timestamp() - logged[0][0].at.timestamp()
    amount, size = draw(st.sampled_from([(0, 1), (10, 1), (300, 1), (300, 6), (3000, 0)]))
    busy = noise((last * n / amount for n in range(amount)), THIRD_STREAM, PADDING * size)
    merged = [*logged, busy] if how == "by stream" else [in_order(*logged, busy)]
    kept = [event for part in merged for event in part]
    dice = random.Random(seed := draw(st.integers(0, 99)))
    if how == "a little off":
        kept.sort(key=lambda event: event.at.timestamp() + dice.random() * 8)
    if how == "moved" and len(kept) < 150:  # in a longer one some line's place is never looked at
        for _ in range(5):
            kept.insert(dice.randrange(len(kept)), kept.pop(dice.randrange(len(kept))))
    if how == "backwards":
        kept.reverse()
    lines = ndjson(kept).splitlines(keepends=True)
    for junk in draw(
        st.lists(st.sampled_from([b"\n", b"  \n", b"broken\n", b'{"a": 1}\n', b"\xff\0\n"]), max_size=4)
    ):
        lines.insert(dice.randrange(len(lines)) + 1, junk)
    data = b"".join(lines).removesuffix(draw(st.sampled_from([b"", b"\n"])))
    return Corpus(streams, how, seed, data)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(corpus=corpora())
def test_a_searched_file_tells_what_a_read_one_tells(tmp_path, corpus):
    """Whatever requests, sessions, streams, missing lines and disorder a file has."""
    assert_search_tells_all(tmp_path, corpus.data)


# --- each thing that could be missed ----------------------------------------------------------------

BEFORE, AFTER = [n * 0.9 - 3600.0 for n in range(2000)], [n * 0.9 + 2000.0 for n in range(2000)]
REQUEST = ((0, start()), (0.1, said("send_message")), (3, "deep inside"), (5, end()), (5, report(ms=5000)))


@pytest.mark.parametrize(
    ("before", "after"), [([], AFTER), (BEFORE, []), (BEFORE, AFTER)], ids=["first", "last", "mid"]
)
@pytest.mark.parametrize("newline", [True, False])
def test_a_request_at_either_end_of_a_file_is_found_whole(tmp_path, before, after, newline):
    """With its first line the file's first, or its last one the last, with a newline or without."""
    data = ndjson([*noise(before), *events(*REQUEST), *noise(after)])
    answer = assert_search_tells_all(tmp_path, data if newline else data.removesuffix(b"\n"))

    assert_found(answer, A)
    assert answer["requests"][0]["events"] == len(REQUEST)


@pytest.mark.parametrize("length", [61, 299, 601, 899])
@pytest.mark.parametrize("named_at", [0, 0.5, 1])
def test_a_long_request_is_found_whole(tmp_path, length, named_at):
    """START, END and the lines between, however far from the line that names the session."""
    logged = events(
        (-4, "INIT_START Runtime Version: python:3.11.v60"),
        (0, start()),
        *((length * n / 30, f"step {n}") for n in range(30)),
        (length * named_at, said("send_message")),
        (length, end()),
        (length, report(ms=length * 1000, more="Init Duration: 3900.00 ms")),
    )
    busy = noise(n * 1.7 - 1500 for n in range(2500))
    answer = assert_search_tells_all(tmp_path, ndjson(in_order(logged, busy)))

    assert_found(answer, A)
    assert (35, length * 1000) == (answer["requests"][0]["events"], answer["requests"][0]["duration_ms"])


def test_the_init_before_a_request_is_found(tmp_path):
    """Though it stands before everything that names the request."""
    logged = events((-9, "INIT_START Runtime Version: python:3.11.v60"), (-8, "imports"), *REQUEST)
    answer = assert_search_tells_all(tmp_path, ndjson([*noise(BEFORE), *logged, *noise(AFTER)]))

    assert 7 == answer["requests"][0]["events"]


@pytest.mark.parametrize("size", [1, 40, 2000])
@pytest.mark.parametrize("first", [True, False])
def test_streams_saved_one_after_the_other_are_all_searched(tmp_path, size, first):
    """As `cat` puts them together: a short one in the same hour, before or behind a long one."""
    short = [*events(*REQUEST), *noise((6 + n * 0.5 for n in range(size)), STREAM)]
    long = noise(BEFORE[-1500:] + [n * 0.9 for n in range(1500)])
    parts = [short, long] if first else [long, short]
    answer = assert_search_tells_all(tmp_path, b"".join(map(ndjson, parts)))

    assert_found(answer, A)
    assert answer["requests"][0]["events"] == len(REQUEST)


def test_streams_in_files_order_whose_times_seem_to_go_on_are_all_searched(tmp_path):
    """Short streams before a long one of the same seconds: samples alone do not see that times step back."""
    says = said("coaching_service.session_loaded")
    first = [(0, start(A)), (0, says), (0, end(A)), (0, report(A, 0))]
    later = [(10.5, start(B)), *[(10.5, text) for text in (says, *"abcde")], (10.5, end(B))]
    short = [*events(*first), *events(*later, stream=OTHER_STREAM)]
    long = noise((n * 0.035 for n in range(300)), THIRD_STREAM, PADDING * 6)

    answer = assert_search_tells_all(tmp_path, ndjson([*short, *long]))

    assert [4, 8] == [request["events"] for request in answer["requests"]]


def test_request_whose_start_was_not_saved_is_found_before_a_later_one(tmp_path):
    """Its lines stand where the later one's init would, but for the time between."""
    says = said("coaching_service.session_loaded")
    first = [(0, "INIT_START Runtime Version: python:3.11.v60"), (2, says), (40, "step"), (72, end(A))]
    logged = events(*first, (72, report(A, 70_000)), (472, start(B)), (472, says), (473, end(B)))

    assert_found(assert_search_tells_all(tmp_path, ndjson([*noise(BEFORE), *logged, *noise(AFTER)])), A, B)


@pytest.mark.parametrize("by", [9, 60, 3000])
def test_a_start_that_stands_too_late_is_found(tmp_path, by):
    """A file may have lines out of order by more than the slack, where no sample shows it."""
    busy, logged = noise(BEFORE + [n * 0.9 for n in range(4000)]), events(*REQUEST)
    shifted = [(event.at.timestamp() + by * (event is logged[0]), event) for event in (*busy, *logged)]
    data = ndjson(event for _, event in sorted(shifted, key=lambda pair: pair[0]))

    assert_found(assert_search_tells_all(tmp_path, data), A)


def test_broken_lines_between_are_counted_and_hide_nothing(tmp_path):
    """Blank ones, halves, NULs: each that is looked at has its place and reason, whatever stands around."""
    lines = ndjson(events(*REQUEST)).splitlines(keepends=True)
    junk = b"\n \n" + lines[1][:60] + SESSION.encode() + b"\n\0\0\n" + b"[" * 3000 + b"\n"
    data = ndjson(noise(BEFORE)) + junk.join(lines) + ndjson(noise(AFTER))
    answer = ask(saved(tmp_path, data), small=0)

    assert_found(assert_search_tells_all(tmp_path, data), A)
    assert "not a JSON object" in {skip.reason for skip in answer.sources[0].skipped}
    assert all(
        data[int(skip.where.rpartition("@")[2]) :][:1] in b"{[\0" for skip in answer.sources[0].skipped
    )


@pytest.mark.parametrize("pack", PACK)
def test_what_is_passed_over_is_counted_in_bytes(tmp_path, pack):
    """The neighbour's lines are not parsed, and the sizes of both add up to the file's."""
    data = ndjson([*noise(BEFORE), *events(*REQUEST), *noise(AFTER)])
    [source] = ask(saved(tmp_path, data, pack), small=0).sources
    read = len(data) - source.unread_bytes

    assert len(ndjson(events(*REQUEST))) <= read <= 4 * len(ndjson(events(*REQUEST)))
    assert (len(REQUEST), 0) == (source.used, source.skipped_count)


def test_places_of_a_search_are_offsets_in_the_decoded_file(tmp_path):
    """So that `tail -c +N` shows the line, in a packed file as well."""
    data = ndjson([*noise(BEFORE), *events(*REQUEST), *noise(AFTER)])
    for pack in PACK:
        [request] = ask(saved(tmp_path, data, pack), small=0).timeline.requests
        offsets = [int(line.event.place.rpartition("@")[2]) for line in request.lines]

        assert [text for _, text in REQUEST] == [
            json.loads(data[offset:].split(b"\n", 1)[0])["message"].rstrip("\n") for offset in offsets
        ]


@pytest.mark.parametrize("pack", PACK)
def test_halves_of_a_stream_in_two_files_are_one(tmp_path, pack):
    """START in the one, END in the other, the session in either."""
    first = saved(tmp_path, ndjson([*noise(BEFORE), *events(*REQUEST[:2])]), pack, "1")
    second = saved(tmp_path, ndjson([*events(*REQUEST[2:], source="b"), *noise(AFTER)]), pack, "2")
    answer = told(first, second, small=0)

    assert_found(answer, A)
    assert answer == told(first, second, small=IN_FULL)
    assert answer["requests"][0]["events"] == len(REQUEST)


@pytest.mark.parametrize("pack", PACK)
@pytest.mark.parametrize("lines_before", [0, 1, 40])
def test_an_id_on_the_border_of_two_pieces_is_found(tmp_path, pack, lines_before):
    """In a line of several pieces, the ID cut anywhere, as the one line that names the session."""
    before = ndjson([*noise(BEFORE[:lines_before]), *events((0, start()))])
    for cut in range(-2, len(SESSION) + 3, 8):
        said_first = b'{"timestamp": 1770680881000, "logStream": "%b", "message": ' % STREAM.encode()
        text = '"INFO: 2026-02-09T23:48:09.000000Z [info     ] quoted [api] text='
        padding = PIECE * 2 - len(before + said_first) - len(text) - len(" session_id=") - cut
        message = f'{text}{"y" * padding} session_id={SESSION} more={"z" * PIECE}"}}\n'
        data = before + said_first + message.encode()
        data += ndjson([*events((5, end()), (5, report(ms=5000))), *noise(AFTER)])

        assert PIECE * 2 - cut == data.index(SESSION.encode())
        assert_found(told(saved(tmp_path, data, pack), small=0), A)


# --- the gateway's log ------------------------------------------------------------------------------

GATEWAY_ID = "AbCdEfGhIjKlMnO="
X_REQUEST_ID = "77777777-6666-4555-8444-333333333333"
SLOW = (
    (0, start()),
    (0.1, said("send_message")),
    (0.2, said("Request started", None, request_id=X_REQUEST_ID, path="/coaching/message")),
    (32, end()),
    (32, report(ms=32_000)),
)


def access(at: float, lambda_id: str = A, request: str = GATEWAY_ID) -> list[Event]:
    line = {
        "requestId": request,
        "requestTime": "09/Feb/2026:23:48:00 +0000",
        "httpMethod": "POST",
        "routeKey": "$default",
        "status": "503",
        "responseLatency": "30003",
        "integrationRequestId": lambda_id,
    }
    [event] = events((at, json.dumps(line)), stream="gateway-stream-1", source="gw")
    return [event]


def gateway_busy(around: Iterable[float]) -> list[Event]:
    return [
        each for n in around for each in access(n, f"{abs(int(n)):08d}-0000-4000-8000-000000000000", f"G{n}=")
    ]


@pytest.mark.parametrize("pack", PACK)
@pytest.mark.parametrize("mixed", [True, False], ids=["one file", "two files"])
@pytest.mark.parametrize(
    "query",
    [{}, {"request_id": A}, {"request_id": GATEWAY_ID}, {"request_id": X_REQUEST_ID}],
    ids=["session", "lambda", "gateway", "x-request-id"],
)
def test_the_gateways_answer_is_found_beside_the_request(tmp_path, pack, mixed, query):
    """Asked by any of the IDs, in the same file or in one of its own, between the answers to others."""
    query = {"session": None, **query} if query else {}
    ours, theirs = (
        in_order(noise(BEFORE), events(*SLOW), noise(AFTER)),
        in_order(gateway_busy(BEFORE[::3]), access(30.1), gateway_busy(AFTER[::3])),
    )
    parts = [in_order(ours, theirs)] if mixed else [ours, theirs]
    paths = [saved(tmp_path, ndjson(part), pack, str(n)) for n, part in enumerate(parts)]
    answer = told(*paths, small=0, **query)

    assert_found(answer, A)
    assert ("observed", 503, 30003) == tuple(
        answer["requests"][0]["gateway"][key] for key in ("basis", "client_status", "client_latency_ms")
    )
    assert answer == told(*paths, small=IN_FULL, **query)


@pytest.mark.parametrize("pack", PACK)
def test_two_requests_an_hour_apart_are_both_found(tmp_path, pack):
    """Each with its own surroundings; what stands between them is passed over."""
    again = [(at + 3600, text.replace(A, B)) for at, text in REQUEST]
    data = ndjson(in_order(noise(n * 1.1 - 2000 for n in range(8000)), events(*REQUEST), events(*again)))
    answer = ask(saved(tmp_path, data, pack), small=0)

    assert_found(answered(answer), A, B)
    assert answer.sources[0].unread_bytes > len(data) * 0.9


def test_nothing_is_nothing_in_every_container(tmp_path):
    """And the nearest ID of the file is named, though the file was never read."""
    data = ndjson([*noise(BEFORE), *events(*REQUEST), *noise(AFTER)])
    for pack in PACK:
        with pytest.raises(NothingMatched, match=SESSION):
            source = FileSource(str(saved(tmp_path, data, pack)), small=0)
            trace([source], Query(session_id=SESSION[:-1] + "b"))
