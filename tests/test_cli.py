"""The command ``guard`` as a user types it: exit codes, configuration, terminals, pipes and signals."""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import pty
import re
import select
import shlex
import signal
import socket
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

import cli
from guards import __version__
from guards.errors import install_command
from incidents.demo import SESSION_ID, logs
from tests.logs import SESSION, A, B, end, events, file_of, ndjson, report, said, start

SCHEMA = Path(__file__).parents[1] / "docs" / "trace.schema.json"
FINDINGS = ["outlived-gateway", "stranded-success", "retry-refused", "unaccounted-time", "slow-phase"]
MAIN = "from cli import main; main(prog_name='guard')"
SLOW = (
    (0.0, start()),
    (1.0, said("coaching_sessions.send_message")),
    (31.5, said("coaching_session.saved", status="active")),
    (32.0, end()),
    (32.0, report(ms=32_000)),
)
QUICK = ((40.0, start(B)), (40.1, said("coaching_sessions.send_message")), (40.2, end(B)), (40.2, report(B)))
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder to work in, and nothing of the machine's own settings."""
    for name in [*os.environ]:
        if name.startswith("GUARD_") or name in ("NO_COLOR", "COLUMNS", "LINES"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def slow(folder) -> str:
    """The name of a file with a request of 32 s."""
    return file_of(folder, events(*SLOW), name="slow.ndjson").name


def guard(*words: str, **environ: str) -> Result:
    return CliRunner().invoke(cli.main, words, env=environ, prog_name="guard")


def trace(*words: str, **environ: str) -> Result:
    return guard("trace", "--session", SESSION, *words, **environ)


def document(*words: str, **environ: str) -> dict:
    """What ``guard trace`` prints with --format json."""
    return json.loads(trace(*words, "--format", "json", **environ).stdout)


def gateway_of(*words: str, **environ: str) -> tuple[str, float]:
    """Kind and limit of the gateway that the answer reckons with."""
    gateway = document(*words, **environ)["requests"][0]["gateway"]
    return gateway["kind"], gateway["limit_ms"]


def command(*words: str, code: str = MAIN) -> list[str]:
    return [sys.executable, "-c", code, *words]


def environ(**more: str) -> dict[str, str]:
    """This process's environment, with cli importable from wherever it was imported here."""
    found = os.pathsep.join([str(Path(cli.__file__).parent), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": found.rstrip(os.pathsep), **more}


def process(*words: str, code: str = MAIN, **more: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command(*words, code=code), capture_output=True, env=environ(**more), timeout=60)


def unreadable(name: str = "refuses.log") -> str:
    """A file that root cannot open either."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
    return name


def cut_off(name: str = "cut.ndjson.gz") -> str:
    """A gzip file of the slow request without its last bytes."""
    Path(name).write_bytes(gzip.compress(ndjson(events(*SLOW)))[:-9])
    return name


# --- exit codes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bar", "code"), [(None, 0), ("critical", 1), ("warning", 1), ("info", 1)])
def test_findings_fail_only_where_asked(slow, bar, code):
    """0 is an answer, whatever it says; with --fail-on a critical finding ends with 1."""
    asked = () if bar is None else ("--fail-on", bar)

    assert code == trace("--logs", slow, *asked).exit_code


@pytest.mark.parametrize(("bar", "code"), [("critical", 0), ("warning", 1), ("info", 1)])
def test_findings_below_the_bar_do_not_fail(folder, bar, code):
    """A request of 26 s is a warning: not critical."""
    rows = (SLOW[0], SLOW[1], (26.0, end()), (26.0, report(ms=26_000)))
    near = file_of(folder, events(*rows)).name

    assert ["warning"] == [each["severity"] for each in document("--logs", near)["findings"]]
    assert code == trace("--logs", near, "--fail-on", bar).exit_code


def test_no_finding_never_fails(folder):
    """--fail-on info ends with 0 where there is nothing to find."""
    quick = file_of(folder, events(*QUICK)).name

    assert 0 == trace("--logs", quick, "--fail-on", "info").exit_code


@pytest.mark.parametrize("asked", ["", "a b", "'", 'a"b', "a;b", "a\nb", "ä", "x" * 129])
def test_what_is_no_id_is_refused(slow, asked):
    """An ID that cannot be one is a question that is off, whether a session or a request is meant."""
    for option in ("--session", "--request"):
        done = guard("trace", option, asked, "--logs", slow)

        assert (2, "") == (done.exit_code, done.stdout)
        assert "is not an ID; an ID is 1 to 128 of the characters" in done.stderr


@pytest.mark.parametrize("asked", ["", "\udcff"])
def test_what_is_no_id_is_not_searched_for(folder, asked):
    """A large file is searched while the command starts: not for nothing, nor for what has no bytes."""
    Path("large.ndjson").write_bytes(ndjson(events(*SLOW)) * (9 << 20 >> 10))
    done = process("trace", "--session", asked, "--logs", "large.ndjson")

    assert (2, 1) == (done.returncode, done.stderr.count(b"\n"))


def test_the_longest_id_is_looked_for(slow):
    """128 characters are an ID, and one that is not there."""
    assert 3 == guard("trace", "--session", "x" * 128, "--logs", slow).exit_code


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "name the saved logs: --logs PATH"),
        (("--logs", "none/*.gz"), "no log file at 'none/*.gz'; name a file, a folder or a pattern"),
        (("--request", A, "--logs", "slow.ndjson"), "give one of the two: --session or --request"),
        (("sess_58a0ffa3", "--logs", "slow.ndjson"), "looks like an ID: --session sess_58a0ffa3"),
        ((A, "--logs", "slow.ndjson"), f"looks like an ID: --request {A}"),
        (("--logs", "slow.ndjson", "--since", "soon"), "'soon' is not a time"),
        (("--logs", "slow.ndjson", "--since", ""), "'' is not a time"),
        (("--logs", "slow.ndjson", "--gateway", "soap"), "'soap' is not one of 'http', 'rest'"),
        (("--logs", "slow.ndjson", "--gateway-limit-ms", "0"), "--gateway-limit-ms"),
        (("--logs", "slow.ndjson", "--gateway-limit-ms", "9" * 20), "gateway_limit_ms"),
        (("--logs", "slow.ndjson", "--gateway-limit-ms", "30"), "it is in ms: for 30 s write 30000"),
        (("--logs", "slow.ndjson", "--conversation-budget-s", "nan"), "conversation_budget_s"),
        (("--logs", "slow.ndjson", "--meanings", "none.toml"), "none.toml cannot be read"),
        (("--logs", "slow.ndjson", "--access-log-format", "hello"), "neither $context.status nor"),
        (("--logs", "slow.ndjson", "--format", "pdf"), "'pdf' is not one of"),
        (("--logs", "slow.ndjson", "--what"), "No such option"),
    ],
)
def test_a_question_that_is_off_is_refused(slow, words, complaint):
    """Exit code 2, one sentence on stderr, nothing on stdout."""
    done = trace(*words)

    assert (2, "") == (done.exit_code, done.stdout)
    assert complaint in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("words", "again"),
    [
        (("--logs", "my logs/", "b.ndjson"), "guard scan --logs 'my logs/' --logs b.ndjson"),
        (("--log-group", "/aws/lambda/a"), "guard scan --log-group /aws/lambda/a"),
        (("--logs", "-"), "guard scan --logs PATH"),
    ],
)
def test_without_an_id_the_command_that_needs_none_is_named(folder, words, again):
    """Over the same logs, ready to be typed."""
    done = guard("trace", *words)

    assert (2, "") == (done.exit_code, done.stdout)
    assert f"either --session ID or --request ID; no ID? {again} finds what went wrong" in (
        " ".join(done.stderr.split())
    )


@pytest.mark.parametrize("where", ["environment", "file"])
def test_seconds_are_not_taken_for_milliseconds(slow, where):
    """A limit under 1000 ms is refused wherever it is set, with what to write."""
    if where == "file":
        Path("guard.toml").write_text("gateway_limit_ms = 29\n")
    done = trace("--logs", slow, **({"GUARD_TRACE_GATEWAY_LIMIT_MS": "29"} if where == "environment" else {}))

    assert (2, "") == (done.exit_code, done.stdout)
    assert "it is in ms: for 29 s write 29000" in done.stderr


def test_no_match_says_what_was_searched_and_what_is_near(slow):
    """Exit code 3 with the number of sources, their size and the nearest ID."""
    done = guard("trace", "--session", SESSION[:-1] + "b", "--logs", slow)
    size = Path(slow).stat().st_size

    assert (3, "") == (done.exit_code, done.stdout)
    assert f"in 1 source(s), {size:,} bytes; nearest seen: {SESSION}" in done.stderr


def test_no_match_of_a_request_names_the_nearest_request(slow):
    """A mistyped request ID is answered with Lambda's, not with session IDs."""
    done = guard("trace", "--request", A[:-1] + "5", "--logs", slow)

    assert 3 == done.exit_code
    assert f"nearest seen: {A}" in done.stderr


def test_a_source_that_cannot_be_read_ends_with_4(folder):
    """Where nothing at all could be read; the file is named."""
    done = trace("--logs", unreadable(), "--fail-on", "info")

    assert (4, "") == (done.exit_code, done.stdout)
    assert "refuses.log cannot be read" in done.stderr


def test_an_answer_from_incomplete_data_ends_with_5(slow):
    """Where one file was cut off, or one of two could not be read."""
    assert 5 == trace("--logs", cut_off()).exit_code
    assert 5 == trace("--logs", slow, "--logs", unreadable()).exit_code


def test_of_several_exit_codes_the_first_of_2_4_1_5_3_holds(slow):
    """2 before 4, 2 before 1, 1 before 5, 5 before 3; and 4 before 5 and 3."""
    refuses, cut = unreadable(), cut_off()
    other = "sess_00000000"

    assert 2 == guard("trace", "--session", "no id", "--logs", refuses).exit_code
    assert 2 == trace("--logs", slow, "--fail-on", "info", "-o", "missing/file").exit_code
    assert 1 == trace("--logs", cut, "--fail-on", "critical").exit_code
    assert 5 == guard("trace", "--session", other, "--logs", cut).exit_code
    assert 5 == guard("trace", "--session", other, "--logs", slow, "--logs", refuses).exit_code
    assert 4 == guard("trace", "--session", other, "--logs", refuses).exit_code


def test_ctrl_c_ends_with_130(folder):
    """While standard input is being read; in a word, without a traceback."""
    reader = subprocess.Popen(
        command("trace", "--session", SESSION, "--logs", "-"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ(),
        # A suite that a shell runs in the background ignores Ctrl-C, and so would what it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert reader.stdin is not None
    # More than the pipe holds: once this is written, the command is reading.
    reader.stdin.write(ndjson(events(*SLOW)) * 1000)
    reader.stdin.flush()
    reader.send_signal(signal.SIGINT)
    out, err = reader.communicate(timeout=30)

    assert (130, b"", b"guard: interrupted\n") == (reader.returncode, out, err)


# --- where the answer goes --------------------------------------------------------------------------


def test_an_answer_is_written_to_a_file(slow):
    """With -o stdout stays empty and the file holds what stdout would."""
    shown = trace("--logs", slow, "--format", "json").stdout
    done = trace("--logs", slow, "--format", "json", "-o", "out.json")

    assert (0, "", "guard: wrote out.json\n") == (done.exit_code, done.stdout, done.stderr)
    assert json.loads(shown) == json.loads(Path("out.json").read_text("utf-8"))


def test_a_file_that_cannot_be_written_is_said(slow):
    """Exit code 2, with the file and the reason."""
    done = trace("--logs", slow, "-o", "missing/out.txt")

    assert (2, "") == (done.exit_code, done.stdout)
    assert "guard: missing/out.txt cannot be written: No such file or directory; choose" in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, which Linux has")
def test_a_full_disk_is_said():
    """Standard output that takes nothing: a sentence and exit code 2, no traceback."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command("demo"), stdout=full, stderr=subprocess.PIPE, env=environ(), timeout=60)

    assert 2 == done.returncode
    assert b"guard: standard output cannot be written: No space left" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_reader_that_has_seen_enough_is_no_error():
    """`guard demo | head -1` ends as the answer does, without a word about the pipe."""
    writer = subprocess.Popen(
        command("demo", "--format", "html"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ()
    )
    assert writer.stdout is not None and writer.stderr is not None
    writer.stdout.close()
    errors = writer.stderr.read()
    writer.stderr.close()

    assert 0 == writer.wait(timeout=30)
    assert 1 == errors.count(b"\n")
    assert errors.startswith(b"guard: a reconstruction")


def test_standard_output_holds_data_only():
    """The JSON parses as it stands although words went to stderr."""
    done = process("demo", "--format", "json")

    assert SESSION_ID == json.loads(done.stdout)["session"]["session_id"]
    assert b"guard: a reconstruction of the incident" in done.stderr


def test_standard_input_is_a_source(slow):
    """`-` reads a pipe; the answer is that of the file, but for the source's name."""
    done = subprocess.run(
        command("trace", "--session", SESSION, "--logs", "-", "--format", "json"),
        input=Path(slow).read_bytes(), capture_output=True, env=environ(), timeout=60,
    )  # fmt: skip
    told, expected = json.loads(done.stdout), document("--logs", slow)

    assert "-" == told["sources"][0]["name"]
    assert expected["verdict"] == told["verdict"]


def test_standard_input_is_in_no_next_command(slow):
    """Typed at a prompt it would wait in silence for what nobody sends."""
    done = subprocess.run(
        command("trace", "--session", SESSION, "--logs", "-"),
        input=Path(slow).read_bytes(), capture_output=True, env=environ(), timeout=60,
    )  # fmt: skip

    assert 0 == done.returncode
    assert b"Next" not in done.stdout


def test_a_terminal_is_told_that_it_is_read(folder):
    """Where standard input is a terminal, a word says so, and how it ends."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        command("trace", "--session", SESSION, "--logs", "-"),
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ(),
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, b"no log line\n\x04\x04")
    out, err = child.communicate(timeout=60)
    os.close(ours)

    assert b"" == out
    assert err.startswith(b"guard: reading standard input; end it with Ctrl-D\n")


# --- what is asked ----------------------------------------------------------------------------------


def requests_of(*words: str) -> list[str]:
    done = trace("--format", "json", *words)
    return [] if done.exit_code == 3 else [each["request_id"] for each in json.loads(done.stdout)["requests"]]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--since", "2026-02-09T23:48:00Z"), [A, B]),
        (("--since", "2026-02-09T23:48:33Z"), [B]),
        (("--until", "2026-02-09T23:48:35Z"), [A]),
        (("--since", "2026-02-09T23:48:10Z", "--until", "2026-02-09T23:48:20Z"), [A]),
        (("--since", "2026-02-10T00:48:33+01:00"), [B]),
        (("--since", "2026-02-10"), []),
        (("--until", "2026-02-09"), []),
    ],
)
def test_a_window_keeps_what_runs_in_it(folder, words, expected):
    """A request counts that runs in the window at any moment, also one that began before it."""
    both = file_of(folder, events(*SLOW, *QUICK)).name

    assert expected == requests_of("--logs", both, *words)


def test_no_match_in_a_window_says_so(slow):
    """So that the window is suspected before the logs are."""
    done = trace("--logs", slow, "--since", "2026-02-10")

    assert 3 == done.exit_code
    assert "in the window asked for" in done.stderr


def test_what_stands_outside_the_window_is_said_to_be_there(folder):
    """When it ran, which bound leaves it out, and the words with which it is answered."""
    both = file_of(folder, events(*SLOW, *QUICK)).name
    done = trace("--logs", both, "--since", "2026-02-10")
    words = re.search(r"write (--since \S+ --until [^\s;]+)", done.stderr)

    assert 3 == done.exit_code
    assert f"{SESSION} is there, in 2 request(s) from 2026-02-09 23:48:00Z to 23:48:40Z" in done.stderr
    assert "outside --since 2026-02-10 00:00:00Z" in done.stderr
    assert "nearest" not in done.stderr
    assert words is not None
    assert [A, B] == requests_of("--logs", both, *words[1].split())


def test_of_two_bounds_both_are_named(slow):
    """A window that lies behind the request: --since and --until as they were understood."""
    done = guard("trace", "--request", A, "--logs", slow, "--since", "2026-02-10", "--until", "2026-02-11")

    assert 3 == done.exit_code
    assert "outside --since 2026-02-10 00:00:00Z --until 2026-02-11 00:00:00Z" in done.stderr


@pytest.mark.parametrize("command", [("trace", "--session", SESSION), ("scan",)], ids=lambda words: words[0])
@pytest.mark.parametrize(("since", "until"), [("1h", "2h"), ("2026-02-10", "2026-02-09"), ("2h", "2h")])
def test_a_window_that_ends_before_it_begins_is_refused(slow, command, since, until):
    """Not read as a window in which nothing happened."""
    done = guard(*command, "--logs", slow, "--since", since, "--until", until)

    assert (2, "") == (done.exit_code, done.stdout)
    assert f"--since {since} is not before --until {until}" in done.stderr


def test_logs_may_stand_behind_the_options(slow):
    """What a shell makes of `--logs *.ndjson`: further names without an option."""
    Path("second.ndjson").write_bytes(ndjson(events(*QUICK)))

    assert [A, B] == requests_of("--logs", slow, "second.ndjson")


def test_settings_come_from_files_then_environment_then_flags(slow):
    """Default, pyproject.toml, guard.toml, environment, flag: each beats the one before."""
    assert ("http", 30_000) == gateway_of("--logs", slow)

    Path("pyproject.toml").write_text('[tool.guard]\nlogs = ["slow.ndjson"]\ngateway_limit_ms = 60000\n')
    assert ("http", 60_000) == gateway_of()

    Path("guard.toml").write_text('logs = "slow.ndjson"\ngateway_limit_ms = 50000\n')
    assert ("http", 50_000) == gateway_of()

    assert ("http", 40_000) == gateway_of(GUARD_TRACE_GATEWAY_LIMIT_MS="40000")
    assert ("rest", 50_000) == gateway_of(GUARD_TRACE_GATEWAY="rest")
    assert ("http", 35_000) == gateway_of(
        "--gateway-limit-ms", "35000", "--gateway", "http",
        GUARD_TRACE_GATEWAY_LIMIT_MS="40000", GUARD_TRACE_GATEWAY="rest",
    )  # fmt: skip


def test_an_unknown_key_is_refused_before_anything_is_read(slow):
    """A mistyped setting is not silently left out."""
    Path("guard.toml").write_text('gatway = "rest"\n')
    done = trace("--logs", slow)

    assert (2, "") == (done.exit_code, done.stdout)
    assert "guard.toml sets 'gatway', which is not known; known are logs, gateway," in done.stderr


def test_the_gateway_asked_for_decides(slow):
    """A REST API waits 29 s and says 504; one raised to 60 s outlives a request of 32 s."""
    assert ("rest", 29_000) == gateway_of("--logs", slow, "--gateway", "rest")
    rest = document("--logs", slow, "--gateway", "rest")
    raised = document("--logs", slow, "--gateway", "rest", "--gateway-limit-ms", "60000")

    assert 504 == rest["requests"][0]["gateway"]["client_status"]
    assert "outlived-gateway" in [each["rule"] for each in rest["findings"]]
    assert [] == [each["rule"] for each in raised["findings"] if "gateway" in each["rule"]]


def test_an_access_log_is_joined_by_its_format(slow):
    """What the gateway answered is observed where its log names Lambda's request ID."""
    gateway = (30.1, f"g-1 2026-02-09T23:48:30Z POST 503 30001 {A}")
    Path("access.ndjson").write_bytes(ndjson(events(gateway, stream="gateway", source="access.ndjson")))
    names = "requestId requestTimeIso httpMethod status responseLatency integration.requestId"
    form = " ".join(f"$context.{name}" for name in names.split())
    words = ("--logs", slow, "access.ndjson")

    assert "inferred" == document(*words)["requests"][0]["gateway"]["basis"]
    observed = document(*words, "--access-log-format", form)["requests"][0]["gateway"]
    assert ("observed", 503) == (observed["basis"], observed["client_status"])


def test_meanings_are_taken_from_files(folder):
    """An event name of one's own becomes a milestone, by flag and by configuration."""
    rows = (SLOW[0], SLOW[1], (2.0, said("plan.stored")), *SLOW[3:])
    path = file_of(folder, events(*rows)).name
    Path("ours.toml").write_text('[event."plan.stored"]\nmilestone = "plan-stored"\n')

    def milestones(*words: str) -> list[str]:
        return [each["name"] for each in document("--logs", path, *words)["requests"][0]["milestones"]]

    assert "plan-stored" not in milestones()
    assert "plan-stored" in milestones("--meanings", "ours.toml")
    Path("guard.toml").write_text('meanings = "ours.toml"\n')
    assert "plan-stored" in milestones()


# --- terminals --------------------------------------------------------------------------------------


def on_a_terminal(*words: str, columns: int = 80, rows: int = 24, **more: str) -> str:
    """What a terminal of that size is sent, stderr included."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    settings = environ(**{"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **more})
    child = subprocess.Popen(command(*words), stdin=theirs, stdout=theirs, stderr=theirs, env=settings)
    os.close(theirs)
    sent = b""
    while select.select([ours], [], [], 30)[0]:
        try:
            data = os.read(ours, 1 << 16)
        except OSError:  # Linux's way to say that nobody holds the other end
            break
        if not data:
            break
        sent += data
    os.close(ours)
    child.wait(timeout=30)
    return sent.decode().replace("\r\n", "\n")


def test_the_demo_fits_a_terminal_of_80_by_24():
    """Verdict first, the next command last, and nothing scrolls away or wraps."""
    sent = ANSI.sub("", on_a_terminal("demo"))
    said, _, answer = sent.partition("\n")
    lines = answer.rstrip("\n").split("\n")

    assert said.startswith("guard: a reconstruction")
    assert len(lines) <= 24
    assert [] == [line for line in lines if len(line) > 80]
    assert lines[0].startswith("The session was completed, but the client never heard")
    assert "guard demo --format html -o incident.html" in lines[-1]


def test_colour_is_for_terminals_that_want_it():
    """Colours on a terminal; none with NO_COLOR, on a dumb one, or in a pipe; the words are the same."""
    coloured = on_a_terminal("demo")
    plain = on_a_terminal("demo", NO_COLOR="1")

    assert "\x1b[" in coloured
    assert "\x1b" not in plain
    assert ANSI.sub("", coloured) == plain
    assert "\x1b" not in on_a_terminal("demo", TERM="dumb")
    assert b"\x1b" not in process("demo").stdout


def test_a_pipe_gets_everything():
    """Off a terminal nothing is left out for want of rows."""
    shown = process("demo", PYTHONIOENCODING="utf-8").stdout.decode()

    assert [] == [rule for rule in FINDINGS if rule not in shown]
    assert shown.count("\n") > 24


@pytest.mark.parametrize("format_", cli.FORMATS)
def test_a_terminal_without_unicode_gets_ascii(format_):
    """No byte over 127, and no question mark in place of a line of the drawing."""
    done = process("demo", "--format", format_, LC_ALL="C", PYTHONIOENCODING="ascii")

    assert 0 == done.returncode
    assert (done.stdout + done.stderr).isascii()
    assert format_ != "text" or b"?" not in done.stdout


def test_the_c_locale_gets_ascii():
    """Python itself would say UTF-8 there."""
    done = process("demo", LC_ALL="C")

    assert done.stdout.isascii()
    assert b"503 at 30.0 s" in done.stdout


@pytest.mark.parametrize("format_", ["json", "otlp", "perfetto"])
def test_a_document_is_the_same_in_ascii(slow, format_):
    """What the encoding lacks is escaped, not replaced."""
    Path("sitzung-ü-🎉.ndjson").write_bytes(Path(slow).read_bytes())
    words = ("trace", "--session", SESSION, "--logs", "sitzung-ü-🎉.ndjson", "--format", format_)
    plain, escaped = (process(*words, PYTHONIOENCODING=encoding).stdout for encoding in ("utf-8", "ascii"))

    assert escaped.isascii()
    assert json.loads(plain) == json.loads(escaped)


# --- help, version, imports -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--help",), "Commands:"),
        (("trace", "--help"), "--session ID"),
        (("trace", "-h"), "guard trace --session sess_58a0ffa3-"),
        (("demo", "--help"), "incident of 2026-02-09"),
        (("--version",), f"guard {__version__}\n"),
    ],
)
def test_help_and_version_are_answers(words, expected):
    """On stdout, with exit code 0, also in an empty folder."""
    done = guard(*words)

    assert (0, "") == (done.exit_code, done.stderr)
    assert expected in done.stdout


def test_without_click_the_one_command_is_named():
    """One sentence with what to install, exit code 2, no traceback."""
    blocked = f"import sys; sys.modules['click'] = None; {MAIN}"
    done = process("demo", code=blocked)

    assert (2, b"") == (done.returncode, done.stdout)
    assert (
        f"guard: the command line needs an extra that is not installed; run: {install_command('cli')}\n"
    ) == done.stderr.decode()


def test_the_demo_finds_the_incident_and_fits_the_schema():
    """Exactly the five findings of 2026-02-09, in a document that the published schema allows."""
    shown = json.loads(guard("demo", "--format", "json").stdout)
    schema = json.loads(SCHEMA.read_text("utf-8"))

    assert FINDINGS == [each["rule"] for each in shown["findings"]]
    assert [] == [error.message for error in Draft202012Validator(schema).iter_errors(shown)]


def test_the_next_command_of_the_demo_works():
    """It is printed last, and typed as printed it writes the report."""
    shown = json.loads(guard("demo", "--format", "json").stdout)["next_command"]
    words = shown.split()

    under = json.loads(guard("demo", "--format", "json", GUARD_STARTED_BY="python3 run.py").stdout)

    assert ["guard", "demo"] == words[:2]
    assert f"python3 run.py {' '.join(words[1:])}" == under["next_command"]
    assert 0 == guard(*words[1:]).exit_code
    assert Path("incident.html").read_text("utf-8").startswith("<!")


def test_the_next_command_tells_the_same_story():
    """What was asked and changes the answer is asked again: another limit is another incident."""
    asked = ("--logs", str(logs()), "--gateway-limit-ms", "60000", "--extraction-budget-s", "30")
    shown = json.loads(guard("trace", "--session", SESSION_ID, *asked, "--format", "json").stdout)
    words = shlex.split(shown["next_command"])[1:-4]
    again = json.loads(guard(*words, "--format", "json").stdout)

    assert ["retry-refused", "unaccounted-time"] == [each["rule"] for each in shown["findings"]]
    assert again["findings"] == shown["findings"]


def test_the_demo_brings_no_heavy_library_along():
    """Neither the AWS SDK nor CDK, rich or OpenTelemetry's SDK is imported to read logs."""
    code = (
        "import sys; from cli import main\n"
        "try: main(prog_name='guard')\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    loaded = process("demo", code=code).stderr.decode().split()
    heavy = {"boto3", "botocore", "aws_cdk", "jsii", "rich", "opentelemetry.sdk"}

    assert "incidents.trace" in loaded
    assert set() == heavy & set(loaded)


def test_the_demo_is_the_command_on_its_file(folder):
    """`guard trace` on the shipped logs answers as `guard demo` does."""
    traced = guard("trace", "--session", SESSION_ID, "--logs", str(logs()), "--format", "json").stdout

    assert json.loads(guard("demo", "--format", "json").stdout)["findings"] == json.loads(traced)["findings"]
