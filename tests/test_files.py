"""Which files are read, and that reading one ends, gives all of it, and can be repeated."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from guards.errors import BadUsage, SourceFailed
from incidents.files import FileSource
from incidents.paths import find_files
from incidents.sources import SKIPS_LISTED, Question, Reading
from tests.forms_data import EVENTS, FULL_FORMS
from tests.logs import SESSION, STREAM, A, end, events, file_of, from_files, ndjson, report, said, start

ROWS = ((0, start()), (1, said("coaching_service.send_message")), (2, end()), (2, report(ms=2000)))
LAMBDA_FOLDER = "exported/2026-02-09-[$LATEST]5c14fe7d1c8c4671b97550426018ccf2"
ASKED = Question(needles=(SESSION,))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(ndjson(events(*ROWS)))


def messages(reading: Reading) -> list[str]:
    return [event.message for event in reading.events]


# --- which files ------------------------------------------------------------------------------------


def test_a_folder_stands_for_all_files_in_it():
    """In order of their names, at any depth; what is hidden is not meant."""
    made("saved/b.json", "saved/a/000001.gz", "saved/a/000000.gz", "saved/.DS_Store", "saved/.git/HEAD")

    assert ["saved/a/000000.gz", "saved/a/000001.gz", "saved/b.json"] == find_files(["saved"])


def test_what_is_named_twice_is_read_once():
    """By name, by pattern and by folder; in the order of the first."""
    made("saved/a.json", "saved/b.json")

    assert ["saved/b.json", "-", "saved/a.json"] == find_files(
        ["saved/b.json", "-", "saved", "saved/*.json", "-"]
    )


@pytest.mark.parametrize("pattern", ["saved/*.log", "saved/?.log", "saved/[ab].log", "**/*.log", "s*/[!x]*"])
def test_a_pattern_stands_for_the_files_that_match(pattern):
    """As in a shell, ``**`` and brackets too."""
    made("saved/a.log", "saved/b.log")

    assert ["saved/a.log", "saved/b.log"] == find_files([pattern])


@pytest.mark.parametrize("named", ["{}/000000.gz", "{}", "{}/*", "{}/0*.gz", "exported/*LATEST*/000000.gz"])
def test_a_log_streams_name_is_no_pattern(named):
    """An export to S3 has [$LATEST] in its folders' names."""
    made(f"{LAMBDA_FOLDER}/000000.gz")

    assert [f"{LAMBDA_FOLDER}/000000.gz"] == find_files([named.format(LAMBDA_FOLDER)])


@pytest.mark.parametrize("named", ["gone.json", "empty", "*.nothing", "", "[", "\0"])
def test_what_names_no_file_is_refused(named):
    """And is named itself."""
    Path("empty").mkdir()

    with pytest.raises(BadUsage, match="no log file at") as caught:
        find_files([named])
    assert repr(named) in str(caught.value)


def test_a_pipe_among_the_files_of_a_folder_is_not_waited_for():
    """Nobody will ever write to it."""
    made("saved/a.json")
    os.mkfifo("saved/pipe")

    assert ["saved/a.json"] == find_files(["saved"])


def test_a_broken_link_in_a_folder_is_told():
    """It may stand for the file that mattered."""
    made("saved/a.json")
    os.symlink("gone", "saved/link")
    [good, bad] = from_files(*map(Path, find_files(["saved"]))).sources

    assert good.complete
    assert "saved/link cannot be read: No such file or directory" in bad.skipped[0].reason


# --- reading one ------------------------------------------------------------------------------------


def test_an_empty_file_holds_nothing():
    """That is no failure."""
    Path("empty.log").touch()
    reading = FileSource("empty.log").read(ASKED)

    assert (0, 0, 0, True) == (reading.parsed, reading.skipped_count, reading.bytes, reading.complete)


def test_a_file_that_is_not_there_fails():
    """With the system's reason, and not before it is read."""
    source = FileSource("gone.log")
    source.expect(SESSION)

    with pytest.raises(SourceFailed, match=r"gone\.log cannot be read: No such file or directory"):
        source.read(ASKED)


def test_a_search_leaves_the_interpreter_as_it_was():
    """Its threads take shorter turns while it runs, and only then: the process may be somebody else's."""
    before = sys.getswitchinterval()
    Path("a.ndjson").write_bytes(ndjson(events(*ROWS)))
    source = FileSource("a.ndjson", small=0)
    source.expect(SESSION)
    during = sys.getswitchinterval()
    source.read(ASKED)

    assert during < sys.getswitchinterval() == before


def test_a_pipe_named_as_a_file_is_read():
    """As a shell's <(...) names one; asked twice, it answers twice."""
    os.mkfifo("pipe")
    writer = threading.Thread(target=Path("pipe").write_bytes, args=(ndjson(events(*ROWS)),))
    writer.start()
    source = FileSource("pipe", small=0)
    source.expect(SESSION)
    answers = [messages(source.read(ASKED)) for _ in range(2)]
    writer.join()

    assert [[text for _, text in ROWS]] * 2 == answers


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("small", [0, 1 << 30])
def test_standard_input_is_read(monkeypatch, pack, small):
    """Plain or packed, asked as often as need be; it has no end to jump to."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pack(ndjson(events(*ROWS))))))
    source = FileSource("-", small=small)
    source.expect(SESSION)

    assert [[text for _, text in ROWS]] * 2 == [messages(source.read(ASKED)) for _ in range(2)]


@pytest.mark.parametrize("writer", FULL_FORMS, ids=lambda writer: writer.__name__)
def test_a_file_too_large_to_be_kept_is_read_again(writer):
    """With the same answer."""
    [saved, *_] = writer(EVENTS)
    path = Path(saved.path or "saved.log")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(saved.data)
    kept, again = FileSource(str(path)), FileSource(str(path), held=0)

    assert kept.read(ASKED) == again.read(ASKED)
    assert kept.read(ASKED) == again.read(ASKED)


def test_the_first_skips_are_listed_and_all_are_counted():
    """A file of garbage does not fill the answer."""
    Path("bad.ndjson").write_bytes(ndjson(events(*ROWS)) + b"garbage\n" * 250)
    reading = FileSource("bad.ndjson").read(ASKED)

    assert (4, SKIPS_LISTED, 250) == (reading.parsed, len(reading.skipped), reading.skipped_count)
    assert "bad.ndjson:5" == reading.skipped[0].where


def test_a_folder_may_hold_more_files_than_may_be_open():
    """Each cold start is a log stream, and in an export each stream is a file."""
    for number in range(80):
        file_of(Path(), events((number * 10, f"noise {number}")), name=f"{number:03}.ndjson")
    file_of(Path(), events(*ROWS, stream=STREAM[:-2] + "ff"), name="zzz.ndjson")
    import cli  # here: the other tests need no command line

    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))\n"
        "from cli import main; main(prog_name='guard')"
    )
    words = ["trace", "--session", SESSION, "--logs", ".", "--format", "json"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(cli.__file__).parent)},
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert A in done.stdout


# --- searched as read -------------------------------------------------------------------------------

FAR = [(-7200.0 + 2 * n, f"noise {n}") for n in range(3000)] + [
    (900.0 + 2 * n, f"noise {n}") for n in range(3000)
]
ASIDE = "2026/02/09/[$LATEST]00ff00ff00ff00ff00ff00ff00ff00ff"


def lines_of(*small: int) -> list[list[str]]:
    """The texts of the session's only request in logs.ndjson, read with each of these limits."""
    answers = [from_files(Path("logs.ndjson"), small=each) for each in small]
    return [[line.event.message for line in answer.timeline.requests[0].lines] for answer in answers]


@pytest.mark.parametrize("stream", ["käse/ü", 'a"b', "a\\b", "ends in \n", "/", "x" * 512, None])
def test_a_log_stream_may_have_any_name(stream):
    """JSON escapes some of it, in one way or the other: its lines are found all the same."""
    far = events(*FAR, stream=ASIDE)
    logged = sorted([*far, *events(*ROWS, stream=stream)], key=lambda event: event.at)
    file_of(Path(), logged)

    assert [[text for _, text in ROWS]] * 2 == lines_of(0, 1 << 40)


def test_a_time_inside_a_message_is_not_the_events():
    """A message that was saved as an object may stand before the event's own time."""
    saved = [
        {"logStream": ASIDE if text.startswith("noise") else STREAM, "message": text, "timestamp": when}
        for when, text in ((1770680880000 + round(1000 * at), text) for at, text in sorted([*FAR, *ROWS]))
    ]
    inner = {"timestamp": 1500000000000, "text": "in the middle"}
    middle = next(index for index, each in enumerate(saved) if "send_message" in each["message"])
    saved.insert(middle, {**saved[middle], "message": inner})
    Path("logs.ndjson").write_text("".join(json.dumps(each) + "\n" for each in saved), encoding="utf-8")
    searched, read = lines_of(0, 1 << 40)

    assert 5 == len(read)
    assert read == searched
