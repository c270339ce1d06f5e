"""Guards under the real Lambda runtime client: killed, frozen, timed out, and read back by `guard trace`."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from incidents.files import FileSource
from incidents.report import Report
from incidents.timeline import Request
from incidents.trace import Query, trace
from tests.guarded import SESSION, Record, http_event, of_kind, records_in
from tests.lambda_runtime import LambdaEnvironment, function

ROOT = Path(__file__).resolve().parent.parent

HANDLER = """
    import sys, time
    from guards import bind, deadline, guard_handler, phase

    @guard_handler
    def handler(event, context):
        bind(session_id=event.get("session"))
        with phase("conversation", model="CLAUDE_SONNET_4_5"):
            time.sleep(event.get("conversation", 0.02))
        if event.get("raise"):
            raise ValueError("I feel stuck at work")
        if event.get("exit"):
            sys.exit(3)
        with phase("extraction", model="CLAUDE_3_5_HAIKU"):
            time.sleep(event.get("extraction", 0.02))
        return {"statusCode": 200, "left": deadline().remaining.total_seconds()}
"""


def turn(**changed: Any) -> dict[str, Any]:
    return http_event() | {"session": SESSION} | changed


def guarded(folder: Path, source: str = HANDLER, **options: Any) -> LambdaEnvironment:
    environ = {"PYTHONPATH": f"{folder}:{ROOT}", **options.pop("environ", {})}
    return function(folder, source, environ=environ, **options)


def records_of(environment: LambdaEnvironment) -> list[Record]:
    return records_in("\n".join(event["message"] for event in environment.log.events()))


def traced(environment: LambdaEnvironment, folder: Path, **query: Any) -> Report:
    """What `guard trace` makes of the environment's log."""
    path = environment.log.save(folder / "log.ndjson")
    return trace([FileSource(str(path))], Query(**(query or {"session_id": SESSION})))


def phases(request: Request) -> list[tuple[str, str, bool]]:
    return [(each.name, each.basis, each.end is None) for each in request.phases]


def test_recorded_phases_are_what_guard_trace_shows(tmp_path: Path) -> None:
    """Names, models and times from the records, and the request tied to its session by what is bound."""
    with guarded(tmp_path) as environment:
        outcome = environment.invoke(turn())
        [request] = traced(environment, tmp_path).timeline.requests

    assert 200 == outcome.response["statusCode"]
    assert [("conversation", "recorded", False), ("extraction", "recorded", False)] == phases(request)
    assert ["CLAUDE_SONNET_4_5", "CLAUDE_3_5_HAIKU"] == [each.model for each in request.phases]
    assert (200, "POST /coaching/message") == (request.response_status, request.route)


def test_warning_comes_while_the_request_runs(tmp_path: Path) -> None:
    """With a scaled limit: at 25/30 of it, before the end, with the open phase."""
    with guarded(tmp_path, environ={"GUARD_GATEWAY_LIMIT_MS": "600"}) as environment:
        environment.start()  # an init of half a second would bring the warning before the extraction
        environment.invoke(turn(extraction=0.8))
        records = records_of(environment)
    past = of_kind(records, "request.past")
    [end] = of_kind(records, "request.end")

    assert ["warning", "critical", "limit"] == [each["past"] for each in past]
    assert {"extraction"} == {each["open_phase"] for each in past}
    assert all(records.index(each) < records.index(end) for each in past)
    assert end["client_gone"] is True


def test_frozen_process_fires_nothing_stale(tmp_path: Path) -> None:
    """A request that ended in time is not told to be late when the process is thawed behind its marks."""
    import time

    with guarded(tmp_path, environ={"GUARD_GATEWAY_LIMIT_MS": "1500"}) as environment:
        environment.start()  # an init would be part of the first request's time, and rightly told
        environment.invoke(turn())
        time.sleep(1.6)
        environment.invoke(turn())
        records = records_of(environment)

    assert [] == of_kind(records, "request.past")
    assert 2 == len(of_kind(records, "request.end"))


def test_error_and_its_text(tmp_path: Path) -> None:
    """The runtime reports the handler's own error; the records have its type and not its text."""
    with guarded(tmp_path) as environment:
        outcome = environment.invoke(turn(**{"raise": True}))
        records = records_of(environment)
    [end] = of_kind(records, "request.end")

    assert ("ValueError", "I feel stuck at work") == (
        outcome.error["errorType"],
        outcome.error["errorMessage"],
    )
    assert ("error", "ValueError") == (end["outcome"], end["error_type"])
    assert "stuck" not in str(records)


def test_exit_is_marked_before_the_process_ends(tmp_path: Path) -> None:
    """SystemExit ends the runtime with nothing posted: the records are what is left."""
    with guarded(tmp_path) as environment:
        environment.invoke(turn(exit=True))
        [end] = of_kind(records_of(environment), "request.end")
        again = environment.invoke(turn())

    assert ("error", "SystemExit") == (end["outcome"], end["error_type"])
    assert 200 == again.response["statusCode"]


def test_timeout_leaves_the_open_phase(tmp_path: Path) -> None:
    """Lambda kills at its own limit; `guard trace` names the phase that hung."""
    with guarded(tmp_path, timeout=0.8) as environment:
        environment.invoke(turn(extraction=30))
        report = traced(environment, tmp_path)
    [request] = report.timeline.requests

    assert ("extraction", "recorded", True) in phases(request)
    assert "timeout" == request.outcome
    assert "lambda-timeout" in [finding.rule for finding in report.findings]


def test_lambdas_own_deadline_counts_where_it_is_sooner(tmp_path: Path) -> None:
    """From the runtime's own header, not from a copy of the function's timeout."""
    with guarded(tmp_path, timeout=5.0) as environment:
        outcome = environment.invoke(turn())
        [start] = of_kind(records_of(environment), "request.start")

    assert 0 < outcome.response["left"] < 5
    assert ("lambda", True) == (start["limit_by"], start["cold_start"])


def test_nothing_leaks_between_invocations(tmp_path: Path) -> None:
    """Twenty sessions one after the other in one environment, each with its own records."""
    with guarded(tmp_path) as environment:
        outcomes = [
            environment.invoke(turn(session=f"sess_{n}", conversation=0, extraction=0)) for n in range(20)
        ]
        records = records_of(environment)
    ids = {end["request_id"]: end["session_id"] for end in of_kind(records, "request.end")}

    assert 20 == len(outcomes) == len(ids)
    assert {f"sess_{n}" for n in range(20)} == set(ids.values())
    assert all(ids[each["request_id"]] == each["session_id"] for each in of_kind(records, "phase.end"))
    assert [True] + [False] * 19 == [each["cold_start"] for each in of_kind(records, "request.start")]


KILLED = """
    import os, random, signal, threading, time
    from guards import bind, guard_handler, phase

    def kill_soon(seconds):
        time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGKILL)

    @guard_handler
    def handler(event, context):
        bind(session_id=event["session"])
        for name in event["before"]:
            with phase(name):
                pass
        with phase(event["phase"]):
            threading.Thread(target=kill_soon, args=(event["seconds"],)).start()
            time.sleep(30)
"""
KILLS, LANES = 200, 2


def killed(folder: Path, seed: int, count: int) -> list[str]:
    """Kill so many invocations at random moments of a phase; what is wrong with the log of each."""
    folder.mkdir()
    dice, wrong = random.Random(seed), []
    with guarded(folder, KILLED, tell_exits=False) as environment:
        for number in range(count):
            request, name = (
                f"{number:08d}-0000-4000-8000-{seed:012d}",
                dice.choice(["conversation", "extraction"]),
            )
            about = {"phase": name, "seconds": dice.random() * 0.01, "before": ["other"] * dice.randrange(3)}
            environment.invoke(turn(**about), request_id=request)
            records = [each for each in records_of(environment) if each["request_id"] == request]
            ended = {each["phase_id"] for each in of_kind(records, "phase.end")}
            left = [
                each["phase"] for each in of_kind(records, "phase.start") if each["phase_id"] not in ended
            ]
            if left != [name] or not of_kind(records, "request.start") or of_kind(records, "request.end"):
                wrong.append(f"{number}: open {left}, expected {name}")
    return wrong


@pytest.mark.once
def test_every_killed_invocation_leaves_its_request_and_open_phase(tmp_path: Path) -> None:
    """SIGKILL at two hundred random moments in mid-phase: the start line is out before the phase begins."""
    with ThreadPoolExecutor(LANES) as pool:
        lanes = [pool.submit(killed, tmp_path / f"{n}", n, KILLS // LANES) for n in range(LANES)]

    assert [] == [wrong for lane in lanes for wrong in lane.result()]


MANGUM = """
    import time
    from fastapi import FastAPI
    from mangum import Mangum
    from guards import GuardMiddleware, bind, phase

    app = FastAPI()
    app.add_middleware(GuardMiddleware, service_name="coaching-api")

    @app.post("/coaching/sync")
    def sync_endpoint():
        bind(session_id="sess_sync")
        with phase("conversation"):
            time.sleep(0.01)
        return {"how": "sync"}

    @app.post("/coaching/async")
    async def async_endpoint():
        bind(session_id="sess_async")
        async with phase("extraction"):
            time.sleep(0.01)
        return {"how": "async"}

    @app.post("/coaching/fails")
    def fails():
        with phase("conversation"):
            raise ValueError("I feel stuck")

    handler = Mangum(app, lifespan="off")
"""


def test_mangum_and_fastapi_with_sync_and_async_endpoints(tmp_path: Path) -> None:
    """The session that an endpoint binds in a threadpool is seen by the root outside."""
    with guarded(tmp_path, MANGUM, timeout=60) as environment:
        answers = [environment.invoke(http_event(path=f"/coaching/{how}")) for how in ("sync", "async") * 2]
        records = records_of(environment)

    assert [200] * 4 == [answer.response["statusCode"] for answer in answers]
    assert ["sess_sync", "sess_async"] * 2 == [e["session_id"] for e in of_kind(records, "request.end")]
    assert ["conversation", "extraction"] * 2 == [each["phase"] for each in of_kind(records, "phase.end")]
    assert {"gateway"} == {each["limit_by"] for each in of_kind(records, "request.start")}


def test_endpoint_that_fails_under_mangum(tmp_path: Path) -> None:
    """FastAPI answers 500 around us; the record tells the error's type."""
    with guarded(tmp_path, MANGUM) as environment:
        answer = environment.invoke(http_event(path="/coaching/fails"))
        [end] = of_kind(records_of(environment), "request.end")

    assert 500 == answer.response["statusCode"]
    assert ("error", "ValueError") == (end["outcome"], end["error_type"])


ASYNC = """
    import asyncio
    from guards import bind, guard_handler, phase

    queue = None

    @guard_handler
    async def handler(event, context):
        global queue
        queue = queue or asyncio.Queue()  # bound to the loop of the first invocation
        async with phase("conversation"):
            asyncio.get_running_loop().call_later(0.01, queue.put_nowait, event["n"])
            return {"got": await asyncio.wait_for(queue.get(), 5)}
"""


def test_async_handler_keeps_what_belongs_to_its_loop(tmp_path: Path) -> None:
    """A client made in the first invocation works in the third, behind two freezes."""
    with guarded(tmp_path, ASYNC) as environment:
        answers = [environment.invoke({"n": n}).response for n in range(3)]

    assert [{"got": 0}, {"got": 1}, {"got": 2}] == answers
