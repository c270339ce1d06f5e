"""The quick pass over a file's bytes counts and finds what reading each line as an event would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guards.limits import limits_for
from incidents import demo
from incidents.events import Event, Skip
from incidents.files import FileSource
from incidents.forms.ndjson import read_ndjson_line
from incidents.meanings import load
from incidents.scan import needles, sweep
from incidents.scan.files import FilePass
from incidents.scan.run import scan_files
from incidents.scan.signs import Tally, Wanted
from incidents.scan.sweep import Found, Sweep, Wish, search
from tests.logs import GROUP, STREAM, A, events, file_of, report, said

MEANINGS, LIMITS = load(), limits_for("http")
WANTED = Wanted(MEANINGS, LIMITS)
AT = 1_770_680_888_688
HOUR = Wanted(
    MEANINGS,
    LIMITS,
    datetime(2026, 2, 9, 23, 48, 8, 688_001, UTC),
    datetime(2026, 2, 9, 23, 48, 30, 687_999, UTC),
)


Told = tuple[object, ...]
"""Requests by minute, past the marks, the signs, and what could not be read."""


def told(tally: Tally, skips: list[Skip]) -> Told:
    reasons = [(each.where.rpartition("@")[2], each.reason) for each in skips]
    return dict(tally.minutes), dict(+tally.past), tally.signs, sorted(reasons)


def by_reading(data: bytes, wanted: Wanted) -> Told:
    """Each line with a mark read as an event: slow, and right."""
    tally, skips, offset = Tally(wanted), [], 0
    for line in data.split(b"\n"):
        if any(mark.encode() in line for mark in wanted.marks):
            read = read_ndjson_line(line, source="a", place=f"a@{offset}", order=offset)
            tally.take(read, 0) if isinstance(read, Event) else skips.append(read)
        offset += len(line) + 1
    return told(tally, skips)


def by_sweeping(path: Path, wanted: Wanted, parts: int = 1) -> Told:
    """The quick way, in so many parts."""
    one = FilePass(FileSource(str(path)), 0, tally := Tally(wanted))
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        for part in range(parts):
            for found in search(str(path), size, wanted.wish, part, parts):
                one.take(file, found)
    return told(tally, one.skips)


def xray(text: str) -> str:
    return f"{text}\nXRAY TraceId: 1-5e34a614-10bdxxxx\tSegmentId: 07f461b6\tSampled: true\t\n"


def platform(ms: object, **more: Any) -> str:
    metrics = {"durationMs": ms, "billedDurationMs": 1, "memorySizeMB": 128, "maxMemoryUsedMB": 77, **more}
    record = {"requestId": A, "metrics": metrics, "status": "success"}
    line = {"time": "2026-02-09T23:48:08.688Z", "type": "platform.report", "record": record}
    return json.dumps(line, separators=(",", ":"))


REFUSED = said("coaching_sessions.send_message.not_active", error_code="SESSION_NOT_ACTIVE")
MESSAGES: list[Any] = [
    report(A, 12.5),
    report(A, 24_998.99),
    report(A, 24_999.5),
    report(A, 25_000),
    report(A, 31_000),
    report(A, 24_000, "Init Duration: 999.99 ms\t\n"),
    report(A, 24_000, "Init Duration: 1000.00 ms\t\n"),
    report(A, 100, "Status: timeout"),
    report(A, 100, "Status: error\tError Type: Runtime.ExitError"),
    xray(report(A, 100)),
    xray(report(A, 100)).replace("xxxx", "9876543210fedcba98765432"),
    report(A, 100).replace("\t", " "),
    report(A, 100).replace("\t", "  "),
    report(A, 100).replace("100.00", "007.00"),
    report(A, 100).replace("100.00", "1e2"),
    report(A, 100).replace("Duration: 100.00 ms\t", ""),
    report(A, 100).replace(A, "undefined"),
    report(A, 10**9),
    f"the user wrote: {report(A, 40_000)}",
    f"{report(A, 100)}\n{report(A, 40_000)}",
    report(A, 100) + 'Duration: "quoted" \\ ü',
    platform(12.5),
    platform(31_000),
    platform(24_000, initDurationMs=999.9),
    platform(24_000, initDurationMs=1000),
    platform("12.5"),
    platform(12.5).replace("success", "timeout"),
    platform(12.5).replace("12.5", "012.5"),
    platform(12.5).replace("Z", "é"),
    json.loads(platform(26_000)),
    json.loads(platform(12.5)),
    REFUSED,
    f"the user wrote: {REFUSED}",
    said("coaching_sessions.send_message"),
    "SESSION_NOT_ACTIVE",
    f"SUP{REFUSED.replace('SESSION_', '')} SUPPORT RequestId: {A}",
    "nul \0 in it",
    None,
    7,
]
TIMES: list[Any] = [AT, AT + 1, AT + 21_999, AT + 60_000, 1, 10**13, 10**12, str(AT), "2026-02-09T23:48:09Z"]
TIMES += [float(AT), -AT, None, [AT]]
EXTRA: list[dict[str, Any]] = [
    {},
    {"logGroup": GROUP, "logStream": STREAM},
    {"eventId": "1" * 56, "ingestionTime": AT},
    {"ingestionTime": 1.5},
    {"logStream": 'with "quotes" \\'},
    {"@message": report(A, 40_000), "@timestamp": AT},
    {"inner": {"timestamp": AT, "message": report(A, 40_000)}},
    {"note": report(A, 40_000)},
    {"n": None, "t": True},
]
AFTERWARDS = [
    lambda line: line,
    lambda line: line,
    lambda line: line,
    lambda line: line[: len(line) // 2],
    lambda line: line + b"\r",
    lambda line: b" " + line + b" ",
    lambda line: b"\xef\xbb\xbf" + line,
    lambda line: line + line,
    lambda line: line[:-1] + b"," + line[1:],
    lambda line: line.replace(b'"timestamp"', b'"timestamp" : 1770680900000, "timestamp"'),
    lambda line: line.replace(b'"timestamp": ', b'"timestamp": 00'),
    lambda line: line.replace(b"REPORT", b"SUPPORT")[:-1],
    lambda line: line.replace(b"REPORT", b"\\u0052EPORT"),
    lambda line: line.replace(b"REPORT", b"REP\0ORT"),
    lambda line: line.replace(b"REPORT RequestId", b"REPORT RequestId\xff"),
]


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    pairs = [("timestamp", draw(st.sampled_from(TIMES))), ("message", draw(st.sampled_from(MESSAGES)))]
    pairs = draw(st.permutations([*pairs, *draw(st.sampled_from(EXTRA)).items()]))
    separators = draw(st.sampled_from([(", ", ": "), (",", ":")]))
    return draw(st.sampled_from(AFTERWARDS))(json.dumps(dict(pairs), separators=separators).encode())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sweep") / "a.ndjson"


@given(
    held=st.lists(lines(), max_size=30),
    ending=st.sampled_from([b"", b"\n", b"\r\n"]),
    parts=st.integers(1, 3),
    stretch=st.sampled_from([1, 300, 5_000, 1 << 20]),
    enough=st.sampled_from([1, 1 << 18]),
    wanted=st.sampled_from([WANTED, HOUR]),
)
def test_any_lines_are_counted_as_reading_would(
    place: Path, held: list[bytes], ending: bytes, parts: int, stretch: int, enough: int, wanted: Wanted
) -> None:
    """Malformed, escaped, cut, with keys in any order: the same counts and the same signs."""
    data = b"\n".join(held) + ending
    place.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep, "_STRETCH", stretch)
        patch.setattr(needles, "_ENOUGH", enough)

        assert by_reading(data, wanted) == by_sweeping(place, wanted, parts)


@pytest.mark.parametrize("wanted", [WANTED, HOUR], ids=["ever", "some seconds"])
def test_each_message_at_each_time_is_counted_as_reading_would(tmp_path: Path, wanted: Wanted) -> None:
    """Any message, any time and any way in which a line is spoilt, each by itself."""
    where = {"logGroup": GROUP, "logStream": STREAM}
    pairs = [(at, message) for at in TIMES for message in MESSAGES]
    whole = [json.dumps({**where, "timestamp": at, "message": message}).encode() for at, message in pairs]
    spoilt = [after(line) for line in whole[: len(MESSAGES)] for after in AFTERWARDS]
    for number, held in enumerate((whole, spoilt)):
        path = tmp_path / f"{number}.ndjson"
        path.write_bytes(b"\n".join(held) + b"\n")

        assert by_reading(path.read_bytes(), wanted) == by_sweeping(path, wanted)


def test_the_demo_is_counted_as_reading_would() -> None:
    """A corpus as the API logs it."""
    assert by_reading(demo.logs().read_bytes(), WANTED) == by_sweeping(demo.logs(), WANTED, 3)


@pytest.mark.parametrize(
    ("message", "minute"),
    [
        (report(A, 12.5), AT // 60_000),
        (report(A, 24_000, "Init Duration: 900.00 ms\t\n"), AT // 60_000),
        (xray(report(A, 100)).replace("xxxx", ""), AT // 60_000),
        (platform(12.5), AT // 60_000),
        (report(A, 25_000), None),
        (report(A, 100, "Status: timeout"), None),
        (f"so: {report(A, 1)}", None),
    ],
)
def test_the_usual_end_of_a_request_is_not_read_as_an_event(message: str, minute: int | None) -> None:
    """A line of either log format is told by its bytes, or else nothing would be quick."""
    line = {"logStream": STREAM, "timestamp": AT, "message": message}

    assert minute == WANTED.wish.usual.minute(json.dumps(line).encode())


def large(folder: Path) -> Path:
    """A file that is worth a process on each core."""
    filler = [(0.1, "DEBUG: " + "x" * 4000)] * 2_000
    rows = [(minute * 60.0 + 1, report(A, 26_000 if minute == 3 else 12)) for minute in range(6)]
    return file_of(folder, *([*events(row), *events(*filler)] for row in rows))


def python(code: str) -> str:
    """What some code prints in a process of its own, where no other thread runs."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).resolve().parent.parent,
    )
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout


COUNT = """
    import os, sys
    from datetime import timedelta
    from incidents.scan.sweep import Sweep, Wish
    from incidents.scan.usual import Usual
    os.cpu_count = lambda: 3
    usual = Usual.of(timedelta(seconds=25), None, None)
    path = {path!r}
    sweep = Sweep(path, os.path.getsize(path), Wish(("REPORT RequestId: ",), usual))
    {before}
    found = list(sweep.found())
    print(len(found), sum(sum(each.minutes.values()) for each in found), sum(len(each.odd) for each in found))
    sweep.close()
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        print("nobody left")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes to split off here")
@pytest.mark.parametrize(
    "before",
    ["", "os.kill(sweep._children[1].process, 9)", "os.kill(sweep._children[2].process, 9)"],
    ids=["undisturbed", "one killed", "another killed"],
)
def test_each_core_takes_a_part(tmp_path: Path, before: str) -> None:
    """Three processes find what one does, also where one of them is killed; none of them stays."""
    counted = python(COUNT.format(path=str(large(tmp_path)), before=before))

    assert "3 5 1\nnobody left\n" == counted


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes to split off here")
def test_a_process_whose_parent_is_gone_ends(tmp_path: Path) -> None:
    """Nobody is there to be told; whoever still waits searches by itself."""
    code = COUNT.replace("os.cpu_count =", "os.getppid = lambda: 1; os.cpu_count =")
    before = """
    import marshal
    for child in sweep._children:
        try:
            print(marshal.load(child.pipe))
        except EOFError:
            print("told nothing")
"""
    counted = python(code.format(path=str(large(tmp_path)), before=before))

    assert "told nothing\n" * 3 + "3 5 1\nnobody left\n" == counted


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes to split off here")
def test_a_scan_that_fails_leaves_no_process(tmp_path: Path) -> None:
    """Its pass had begun before the second name turned out to be none."""
    code = """
    import os
    from incidents.scan.wishes import beginning
    try:
        with beginning([{path!r}], {{}}) as begun:
            print(len(begun._children) > 0)
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        print("nobody left")
"""

    assert "True\nnobody left\n" == python(code.format(path=str(large(tmp_path))))


class Dying:
    """A process that tells a little and is then ended from outside."""

    def __init__(self, found: Iterator[Found]) -> None:
        self._found = found

    def told(self) -> Iterator[Found]:
        """The first of it."""
        yield next(self._found)
        raise EOFError

    def end(self) -> None:
        """It has ended."""


def test_what_a_killed_process_had_told_is_not_told_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of its part is searched for here, and only that."""
    monkeypatch.setattr(sweep, "_MOST_ODD", 0)
    monkeypatch.setattr(sweep, "_may_fork", lambda: False)
    path, offsets = large(tmp_path), []
    one = Sweep(str(path), path.stat().st_size, Wish(("DEBUG",), WANTED.wish.usual))
    alone = [at for found in one.found() for at in found.odd]
    one._children = [Dying(one._search(part)) for part in range(one._parts)]  # type: ignore[misc]
    offsets = [at for found in one.found() for at in found.odd]

    assert alone == offsets
    assert 12_000 == len(set(offsets))


def test_where_other_threads_run_nothing_is_split_off(tmp_path: Path) -> None:
    """A copy of a process whose other threads are gone might wait for them for ever."""
    import threading

    path, over = large(tmp_path), threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        one = Sweep(str(path), path.stat().st_size, WANTED.wish)

        assert [] == one._children
        assert 5 == sum(sum(each.minutes.values()) for each in one.found())
    finally:
        over.set()
        thread.join(5)


def test_the_searched_file_stays_as_it_is(tmp_path: Path) -> None:
    """The zero bytes that end a search are in this program's memory only, and not for long."""
    path = tmp_path / "a.ndjson"
    path.write_bytes(demo.logs().read_bytes())
    by_sweeping(path, WANTED)

    assert demo.logs().read_bytes() == path.read_bytes()


def test_the_command_begins_the_pass_that_it_needs(tmp_path: Path) -> None:
    """What is begun early looks for just what the scan asks: else the file would be gone through twice."""
    from incidents import asked
    from incidents.scan.wishes import begin

    path = large(tmp_path)
    settings = {"gateway_limit_ms": 60_000}
    begun = begin([str(path)], settings)
    assert begun is not None
    begun.close()

    assert asked.wanted(asked.query(settings, ())).wish == begun.wish
    assert 50_000 == begun.wish.usual.below_ms
    assert begin([str(path)], {"since": "2h"}) is begin([], {}) is begin([str(tmp_path)], {}) is None


def test_no_pass_begins_over_a_file_that_is_named_like_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be scanned in the place of what the pipe gives."""
    from incidents.scan.wishes import begin

    large(tmp_path).rename(tmp_path / "-")
    monkeypatch.chdir(tmp_path)

    assert begin(["-"], {}) is None


class Counting(Sweep):
    """A pass that tells whether somebody asked it."""

    asked = 0

    def found(self) -> Iterator[Found]:
        """As ever."""
        self.asked += 1
        return super().found()


@pytest.mark.parametrize(("marks", "asked"), [(WANTED.wish.marks, 1), (("DEBUG",), 0)])
def test_a_pass_that_was_begun_is_taken_only_where_it_looks_for_the_same(
    tmp_path: Path, marks: tuple[str, ...], asked: int
) -> None:
    """Another one would count what nobody asked for."""
    path = large(tmp_path)
    begun = Counting(str(path), path.stat().st_size, Wish(marks, WANTED.wish.usual))
    scan = scan_files([str(path)], WANTED, begun=begun)

    assert (6, 1, asked) == (scan.requests, scan.past["warning"], begun.asked)
