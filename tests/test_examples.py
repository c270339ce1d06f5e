"""The examples do what they say, in the Lambda environment in which `python3 run.py example` plays them."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest

from guards.limits import Limits, limits_for
from incidents.files import FileSource
from incidents.timeline import Request
from incidents.trace import Query, trace
from tests.guarded import Record, of_kind, records_in
from tests.lambda_runtime import LambdaEnvironment

SCALED = {"GUARD_GATEWAY_LIMIT_MS": "2000", "EXTRACTION_NEEDS_MS": "1000"}


def run_in_lambda() -> ModuleType:
    path = Path(__file__).resolve().parent.parent / "examples" / "guarded" / "run_in_lambda.py"
    spec = importlib.util.spec_from_file_location("run_in_lambda", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclass asks for it
    spec.loader.exec_module(module)
    return module


RUN = run_in_lambda()
BEGINS, NORMAL, LATER, SLOW, KILLED = RUN.PLAYS


def records_of(function: LambdaEnvironment, session_id: str) -> list[Record]:
    records = records_in("\n".join(function.log.lines()))
    [request] = {each["request_id"] for each in records if each["session_id"] == session_id}
    return [each for each in records if each["request_id"] == request]


def phases(request: Request) -> list[tuple[str, str, bool]]:
    """Name, basis and whether it is open."""
    return [(each.name, each.basis, each.end is None) for each in request.phases]


def traced(log: Path, session_id: str) -> tuple[Request, list[str]]:
    report = trace([FileSource(str(log))], Query(session_id=session_id))
    [request] = report.timeline.requests
    return request, [finding.rule for finding in report.findings]


def test_the_fastapi_app(tmp_path: Path) -> None:
    """Sync and async endpoints, an extraction handed over in time, and one that outlives the gateway."""
    with RUN.environment("fastapi_app", **SCALED) as function:
        plays = (
            replace(BEGINS, conversation_s=0.01),
            replace(NORMAL, conversation_s=0.01, extraction_s=0.01),
            replace(LATER, conversation_s=1.1),
            replace(SLOW, conversation_s=0.01, extraction_s=2.3),
        )
        statuses = [RUN.invoke(function, play)["statusCode"] for play in plays]
        past = of_kind(records_of(function, SLOW.session_id), "request.past")
        log = function.log.save(tmp_path / "log.ndjson")

    assert [200, 200, 202, 200] == statuses
    assert ["warning", "critical", "limit"] == [each["past"] for each in past]
    assert {"extraction"} == {each["open_phase"] for each in past}
    both = [("conversation", "recorded", False), ("extraction", "recorded", False)]
    shown = {play.session_id: traced(log, play.session_id) for play in plays}
    assert [both[:1], both, both[:1], both] == [phases(request) for request, _ in shown.values()]
    assert [[], [], [], ["outlived-gateway"]] == [rules for _, rules in shown.values()]
    assert {2.0} == {request.gateway.limit.total_seconds() for request, _ in shown.values()}
    assert 503 == shown[SLOW.session_id][0].gateway.client_status


def test_the_plain_handler(tmp_path: Path) -> None:
    """A last turn is answered with its result; one that is killed leaves its open phase."""
    with RUN.environment("plain_handler", **SCALED) as function:
        answer = RUN.invoke(function, replace(KILLED, session_id="s-1", kill_after=None, extraction_s=0.01))
        function.invoke(replace(KILLED, conversation_s=0.01).event(), kill_when='"phase":"extraction"')
        log = function.log.save(tmp_path / "log.ndjson")
    request, rules = traced(log, KILLED.session_id)

    assert (200, True) == (answer["statusCode"], "core_value" in answer["body"])
    assert [("conversation", "recorded", False), ("extraction", "recorded", True)] == phases(request)
    assert ["handler-error"] == rules


def test_the_command_shows_the_records_and_the_traces(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each play under a heading, its records as they come, then what `guard trace` says of it."""
    monkeypatch.setattr(RUN, "PLAYS", (replace(KILLED, conversation_s=0.01),))

    code = RUN.main()
    out = capfd.readouterr().out

    assert 0 == code
    assert "== Killed in mid-extraction\n" in out
    assert "request.start route=POST /coaching/message" in out
    assert "== What `guard trace` says: Killed in mid-extraction\n$ guard trace --session sess_killed" in out
    assert "extraction open after" in out


def test_the_scaled_marks_are_those_of_the_real_limit() -> None:
    """What the example scales by ten it scales whole: 25 s of 30 s are 2.5 s of 3 s."""
    real, scaled = limits_for("http"), Limits.of(timedelta(milliseconds=RUN.LIMIT_MS))

    assert (real.warning / 10, real.critical / 10) == (scaled.warning, scaled.critical)


def test_nothing_is_shown_before_it_began(capsys: pytest.CaptureFixture[str]) -> None:
    """The first event's time is cut to ms, and what began it is not: that is no time below nought."""
    record = '{"level":"INFO","guard":"request.start/1"}'
    RUN._show_event({"timestamp": 1_770_680_888_688, "message": record}, 1_770_680_888.6969)

    assert capsys.readouterr().out.startswith(" 0.00 s  request.start")
