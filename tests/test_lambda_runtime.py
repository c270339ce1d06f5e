"""The execution environment of the tests: handlers under the real runtime client, and how they end."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest

from incidents.files import FileSource
from incidents.trace import Query, trace
from tests.lambda_log import LambdaLog
from tests.lambda_runtime import LambdaEnvironment, function

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="freezes and waits as Linux does")

TRACE = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"
ECHO = """
    def handler(event, context):
        print("got", event)
        return event
"""
SLEEPER = """
    import time
    def handler(event, context):
        print("began")
        time.sleep(event)
        print("done")
"""


def masked(lines: list[str]) -> list[str]:
    """Log lines with their IDs, times and sizes taken out, and a REPORT cut after Duration."""
    known = [re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", line) for line in lines]
    return [re.sub(r"Duration: .*?(\tStatus.*|$)", r"Duration: N\1", line).rstrip("\t") for line in known]


def without_init(environment: LambdaEnvironment) -> list[str]:
    first, *rest = environment.log.lines()
    assert first.startswith("INIT_START Runtime Version: python:3.")
    return masked(rest)


def test_handler_gets_the_event_and_its_result_comes_back(tmp_path: Path) -> None:
    """The event goes in and the result comes out as JSON carries them, between START, END and REPORT."""
    with function(tmp_path, ECHO) as environment:
        outcome = environment.invoke({"text": "grüß Gott", "none": None})

    assert ("ok", {"text": "grüß Gott", "none": None}, None) == (
        outcome.ended,
        outcome.response,
        outcome.error,
    )
    assert [
        "START RequestId: ID Version: $LATEST",
        "got {'text': 'grüß Gott', 'none': None}",
        "END RequestId: ID",
        "REPORT RequestId: ID\tDuration: N",
    ] == without_init(environment)


def test_first_report_alone_tells_the_init(tmp_path: Path) -> None:
    """Init Duration stands in the REPORT of the first invocation and in no other."""
    with function(tmp_path, ECHO) as environment:
        environment.invoke(1)
        environment.invoke(2)
        reports = [line for line in environment.log.lines() if line.startswith("REPORT")]

    assert [True, False] == ["\tInit Duration: " in report for report in reports]


def test_error_is_posted_as_the_runtime_client_does(tmp_path: Path) -> None:
    """The caller gets errorType, errorMessage and the stack, and the log has the client's own line."""
    source = "def handler(event, context):\n    raise KeyError('no such coach')\n"
    with function(tmp_path, source) as environment:
        outcome = environment.invoke({}, request_id="11111111-2222-4333-8444-555555555555")

    assert ("error", None) == (outcome.ended, outcome.response)
    assert {
        "errorType": "KeyError",
        "errorMessage": "'no such coach'",
        "requestId": "11111111-2222-4333-8444-555555555555",
        "stackTrace": [
            f"  File \"{tmp_path}/function.py\", line 2, in handler\n    raise KeyError('no such coach')\n"
        ],
    } == outcome.error
    assert "[ERROR] KeyError: 'no such coach'" in "\n".join(environment.log.lines())


def test_error_with_a_very_long_message_comes_back(tmp_path: Path) -> None:
    """The client sends the message in a header, too; 300 kB of it are no reason to refuse it."""
    source = "def handler(event, context):\n    raise ValueError('x' * event)\n"
    with function(tmp_path, source) as environment:
        outcome = environment.invoke(300_000)

    assert outcome.error is not None
    assert 300_000 == len(outcome.error["errorMessage"])


def test_result_of_several_megabytes_comes_back(tmp_path: Path) -> None:
    """Six megabytes, which is Lambda's limit."""
    with function(tmp_path, "def handler(event, context): return 'x' * event") as environment:
        assert 6_000_000 == len(environment.invoke(6_000_000).response)


def test_context_and_environment_are_lambdas(tmp_path: Path) -> None:
    """The handler sees request ID, trace ID, deadline, name, memory, log group and stream where it looks."""
    source = """
        import os
        def handler(event, context):
            left = context.get_remaining_time_in_millis()
            return [
                context.aws_request_id, os.environ["_X_AMZN_TRACE_ID"], 0 < left <= 7000, left > 1000,
                context.invoked_function_arn, context.function_name, context.memory_limit_in_mb,
                [context.log_group_name, context.log_stream_name], os.environ["AWS_LAMBDA_FUNCTION_NAME"],
            ]
    """
    request_id = "11111111-2222-4333-8444-555555555555"
    with function(tmp_path, source, name="coach", memory_mb=512, timeout=99) as environment:
        seen = environment.invoke({}, request_id=request_id, trace_id=TRACE, timeout=7).response

    arn = "arn:aws:lambda:us-east-1:123456789012:function:coach"
    where = ["/aws/lambda/coach", environment.log.stream]
    assert [request_id, TRACE, True, True, arn, "coach", "512", where, "coach"] == seen


@pytest.mark.parametrize(("given", "seen"), [(TRACE, TRACE), ("", None)], ids=["sent", "not sent"])
def test_trace_id_is_the_invocations_own(tmp_path: Path, given: str, seen: str | None) -> None:
    """What one invocation was traced as does not stay for the next."""
    source = "import os\ndef handler(event, context): return os.environ.get('_X_AMZN_TRACE_ID')\n"
    with function(tmp_path, source) as environment:
        assert re.fullmatch(
            r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0", environment.invoke({}).response
        )
        assert seen == environment.invoke({}, trace_id=given).response


def test_invocations_back_to_back_run_in_one_process(tmp_path: Path) -> None:
    """Fifty in a row, each with its own event and request ID, none mixed up, all in one process."""
    source = "import os\ndef handler(event, context): return [event, context.aws_request_id, os.getpid()]\n"
    with function(tmp_path, source) as environment:
        outcomes = [environment.invoke({"n": number}) for number in range(50)]
        pid = environment.pid

    expected = [[{"n": number}, outcome.request_id, pid] for number, outcome in enumerate(outcomes)]
    assert expected == [outcome.response for outcome in outcomes]
    assert 50 == len({outcome.request_id for outcome in outcomes})


LEFTOVER = """
    import os, threading, time
    def leave(flag):
        while not os.path.exists(flag):
            time.sleep(0.005)
        print("left over", flush=True)
    def handler(event, context):
        if event["leave"]:
            threading.Thread(target=leave, args=(event["flag"],), daemon=True).start()
        else:
            time.sleep(0.5)
"""


@pytest.mark.parametrize(("freeze", "runs"), [(True, False), (False, True)], ids=["frozen", "not frozen"])
def test_what_is_left_running_stands_still_between_invocations(
    tmp_path: Path, freeze: bool, runs: bool
) -> None:
    """A thread left behind does nothing while the process is frozen, and goes on in the next invocation."""
    flag = tmp_path / "flag"
    with function(tmp_path, LEFTOVER, freeze=freeze) as environment:
        environment.invoke({"leave": True, "flag": str(flag)})
        flag.touch()

        assert runs == environment.log.wait_for("left over", seconds=10 if runs else 0.5)

        environment.invoke({"leave": False})
        assert environment.log.wait_for("left over", seconds=10)


def test_task_left_behind_waits_for_the_next_invocation(tmp_path: Path) -> None:
    """An asyncio task that outlives its handler goes on when the next invocation runs its loop."""
    source = """
        import asyncio
        loop, kept = asyncio.new_event_loop(), []
        async def later():
            await asyncio.sleep(0.01)
            print("left over")
        async def work():
            kept.append(asyncio.ensure_future(later()))
        def handler(event, context):
            loop.run_until_complete(work() if event == "leave" else asyncio.sleep(event))
    """
    with function(tmp_path, source) as environment:
        environment.invoke("leave")

        assert not environment.log.wait_for("left over", seconds=0.3)
        environment.invoke(0.1)
        assert environment.log.wait_for("left over", seconds=10)


def test_killed_invocation_leaves_what_it_printed(tmp_path: Path) -> None:
    """After SIGKILL the log holds the lines so far and what Lambda says; the next one gets a new process."""
    with function(tmp_path, SLEEPER) as environment:
        outcome = environment.invoke(60, kill_when="began")
        again = environment.invoke(0)

    assert ("exited", -9, None, None) == (
        outcome.ended,
        outcome.exit_code,
        outcome.response,
        outcome.seconds,
    )
    assert {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {outcome.request_id} Error: Runtime exited with error: signal: killed",
    } == outcome.error
    assert [
        "START RequestId: ID Version: $LATEST",
        "began",
        "RequestId: ID Error: Runtime exited with error: signal: killed\nRuntime.ExitError",
        "END RequestId: ID",
        "REPORT RequestId: ID\tDuration: N\tStatus: error\tError Type: Runtime.ExitError",
        "START RequestId: ID Version: $LATEST",
        "began",
        "done",
        "END RequestId: ID",
        "REPORT RequestId: ID\tDuration: N",
    ] == without_init(environment)
    assert "ok" == again.ended


def test_killed_invocation_may_leave_nothing_else(tmp_path: Path) -> None:
    """Where Lambda itself is silent, the log ends with what the process printed last."""
    with function(tmp_path, SLEEPER, tell_exits=False) as environment:
        environment.invoke(60, kill_when="began")

    assert ["START RequestId: ID Version: $LATEST", "began"] == without_init(environment)


def test_kill_counts_from_when_the_event_was_taken(tmp_path: Path) -> None:
    """Also where the process had to be started for the invocation first, however long that takes."""
    source = f"import time\ntime.sleep(0.4)\n{dedent(SLEEPER)}"
    with function(tmp_path, source) as environment:
        outcomes = [environment.invoke(60, kill_after=0.2) for _ in range(2)]

    first, second = (outcome.duration for outcome in outcomes)
    assert [-9, -9] == [outcome.exit_code for outcome in outcomes]
    assert (True, True) == (first >= 0.2, second >= 0.4 + 0.2)


def test_handler_is_ended_at_its_timeout(tmp_path: Path) -> None:
    """A handler that hangs is killed at its deadline, and the next one gets a new process."""
    with function(tmp_path, SLEEPER) as environment:
        outcome = environment.invoke(60, timeout=1)
        again = environment.invoke(0)

    assert ("timeout", None, True) == (outcome.ended, outcome.response, outcome.duration >= 1)
    assert {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {outcome.request_id} Error: Task timed out after 1.00 seconds",
    } == outcome.error
    told, end, report = without_init(environment)[2:5]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ID Task timed out after 1.00 seconds", told)
    assert ("END RequestId: ID", "REPORT RequestId: ID\tDuration: N\tStatus: timeout") == (end, report)
    assert "ok" == again.ended


@pytest.mark.parametrize(
    ("ending", "code", "told"),
    [
        ("raise SystemExit(3)", 3, "Runtime exited with error: exit status 3"),
        ("raise SystemExit", 0, "Runtime exited without providing a reason"),
        ("raise KeyboardInterrupt", -2, "Runtime exited with error: exit status -2"),
        ("raise asyncio.CancelledError", 1, "Runtime exited with error: exit status 1"),
    ],
    ids=["SystemExit(3)", "SystemExit", "KeyboardInterrupt", "CancelledError"],
)
def test_what_is_no_exception_ends_the_process(tmp_path: Path, ending: str, code: int, told: str) -> None:
    """The client catches Exception alone: all else ends the process with nothing posted."""
    source = f"import asyncio\ndef handler(event, context):\n    if event: {ending}\n"
    with function(tmp_path, source) as environment:
        outcome = environment.invoke(1)
        again = environment.invoke(0)

    assert ("exited", code, None, "ok") == (
        outcome.ended,
        outcome.exit_code,
        outcome.response,
        again.ended,
    )
    assert outcome.error is not None
    assert "Runtime.ExitError" == outcome.error["errorType"]
    assert outcome.error["errorMessage"].endswith(told)


def test_function_that_cannot_be_imported_answers_with_its_error(tmp_path: Path) -> None:
    """Each invocation tries the init anew and ends with what the client said of it."""
    with function(tmp_path, "import no_such_module\n") as environment:
        outcomes = [environment.invoke({}) for _ in range(2)]

    assert [("exited", 1, "Runtime.ImportModuleError")] * 2 == [
        (outcome.ended, outcome.exit_code, (outcome.error or {})["errorType"]) for outcome in outcomes
    ]
    assert "INIT_REPORT Init Duration: N" in [line[:28] for line in masked(environment.log.lines())]


def test_full_pipe_holds_up_who_prints_and_nobody_else(tmp_path: Path) -> None:
    """With the pipe full to the brim a silent handler answers, and one that prints is ended in time."""
    source = "def handler(event, context):\n    if event: print('x' * event)\n    return 'answered'\n"
    with function(tmp_path, source) as environment:
        environment.start()
        assert environment.log.fill() >= 4096
        silent, printing = environment.invoke(0), environment.invoke(1, timeout=1.0)
        environment.log.resume()
        after = environment.invoke(200_000)

    assert ["answered", None, "answered"] == [each.response for each in (silent, printing, after)]
    assert ["ok", "timeout", "ok"] == [each.ended for each in (silent, printing, after)]
    assert "x" * 200_000 in environment.log.lines()


def test_paused_reader_loses_nothing(tmp_path: Path) -> None:
    """What was printed while the reader was paused stands in the log when it reads on."""
    with function(tmp_path, ECHO) as environment:
        environment.start()
        environment.log.pause()
        environment.invoke("first")
        assert "got first" not in environment.log.lines()
        environment.log.resume()

        assert environment.log.wait_for("got first", seconds=10)


def test_closed_pipe_is_the_handlers_to_see(tmp_path: Path) -> None:
    """With nobody left to read, printing raises BrokenPipeError at once, and the answer still comes back."""
    source = """
        def handler(event, context):
            try:
                print("anybody?")
            except BrokenPipeError:
                return "nobody"
    """
    with function(tmp_path, source) as environment:
        environment.start()
        environment.log.close_reading_end()

        assert "nobody" == environment.invoke({}).response


def test_standard_error_and_unfinished_lines_are_logged(tmp_path: Path) -> None:
    """stderr goes the same way as stdout, and a process's last words count without their line end."""
    source = """
        import os
        def handler(event, context):
            os.write(2, b"to stderr\\nno line end")
            os._exit(7)
    """
    with function(tmp_path, source) as environment:
        environment.invoke({})

    assert ["to stderr", "no line end"] == without_init(environment)[1:3]


def test_log_is_read_by_guard_trace(tmp_path: Path) -> None:
    """The saved log is NDJSON of CloudWatch events, in which `guard trace` finds each request and its end."""
    with function(tmp_path, SLEEPER) as environment:
        ended = [
            environment.invoke(0),
            environment.invoke(60, kill_when="began"),
            environment.invoke(60, timeout=0.5),
        ]
        source = FileSource(str(environment.log.save(tmp_path / "log.ndjson")))

    reports = [trace([source], Query(request_id=outcome.request_id)) for outcome in ended]
    requests = [report.timeline.requests[-1] for report in reports]

    assert [outcome.request_id for outcome in ended] == [request.request_id for request in requests]
    assert ["ok", "error", "timeout"] == [request.outcome for request in requests]


def test_events_are_stamped_when_they_arrived(tmp_path: Path) -> None:
    """Milliseconds, in order, between the moments before and after; group and stream as the handler knows."""
    before = time.time_ns() // 1_000_000
    with function(tmp_path, ECHO) as environment:
        environment.invoke(1)
        events = environment.log.events()
    after = time.time_ns() // 1_000_000

    stamps = [int(str(event["timestamp"])) for event in events]
    assert [before, *stamps, after] == sorted([before, *stamps, after])
    assert {("/aws/lambda/coaching-api", environment.log.stream)} == {
        (event["logGroup"], event["logStream"]) for event in events
    }


def test_nothing_stays_behind(tmp_path: Path) -> None:
    """Afterwards there is no process, not even the handler's child, no zombie, no port, no descriptor."""
    source = """
        import os, subprocess, sys
        def handler(event, context):
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            return [os.getpid(), child.pid, os.environ["AWS_LAMBDA_RUNTIME_API"]]
    """
    descriptors = sorted(os.listdir("/proc/self/fd"))
    with function(tmp_path, source) as environment:
        *pids, address = environment.invoke({}).response
        assert [True, True] == [os.path.exists(f"/proc/{pid}") for pid in pids]

    host, port = address.split(":")
    with socket.socket() as client:
        assert 0 != client.connect_ex((host, int(port)))
    assert not os.path.exists(f"/proc/{pids[0]}")
    assert gone(pids[1])
    assert descriptors == sorted(os.listdir("/proc/self/fd"))


def test_process_that_ends_takes_its_children_with_it(tmp_path: Path) -> None:
    """What a handler started does not run on after its process has ended by itself."""
    source = """
        import os, subprocess, sys
        def handler(event, context):
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            print("child", child.pid)
            os._exit(1)
    """
    with function(tmp_path, source) as environment:
        environment.invoke({})
        [pid] = [line.split()[1] for line in environment.log.lines() if line.startswith("child")]

        assert gone(int(pid))


def test_platform_lines_come_after_what_was_printed_before() -> None:
    """What stands in the pipe when END is written stands before it in the log, however slow the reader is."""
    log = LambdaLog("/aws/lambda/coaching-api", "stream")
    with log._lock:  # its thread is held up
        os.write(log.writing_end, b"printed\n")
        log.write("END")
    log.close()

    assert ["printed", "END"] == log.lines()


def test_frozen_process_does_not_outlive_killed_tests(tmp_path: Path) -> None:
    """Where the tests themselves are killed, the frozen process ends, too."""
    root = Path(__file__).resolve().parent.parent
    script = f"""
        import os, signal, sys
        from pathlib import Path
        sys.path.insert(0, {str(root)!r})
        from tests.lambda_runtime import function
        environment = function(Path({str(tmp_path)!r}), "def handler(event, context): pass")
        environment.invoke({{}})
        print(environment.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run(
        [sys.executable, "-c", dedent(script)], capture_output=True, start_new_session=True, timeout=60
    )

    assert gone(int(done.stdout))


def gone(pid: int) -> bool:
    """Whether a process that is not our child ends within ten seconds; its new parent may leave a zombie."""
    for _ in range(1000):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False
