"""The coaching API's twin: the incident happens with real parts, and with the guard on it does not."""

from __future__ import annotations

import doctest
import json
import re
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from examples.coaching_api import console, run_twin, settings
from examples.coaching_api.client import Client, Exchange
from examples.coaching_api.gateway import Call, Gateway, event_of, listening
from examples.coaching_api.run_twin import story
from examples.coaching_api.scenarios import GUARDED, LAST_MESSAGE, POLICIES, RETRIED_AT_S, UNGUARDED, Played
from examples.coaching_api.stage import GATEWAY_S, Stage, stage
from incidents.files import FileSource
from incidents.report import Report
from incidents.timeline import Timeline
from incidents.trace import Query, trace
from tests.logs import end, only_request, start

SCALE = 0.1
"""Of the incident's times: twice the command's, so that a busy machine's pauses stay small beside them."""


def played(stage: Stage, names: Mapping[str, Any], *chosen: str) -> dict[str, Played]:
    """The scenarios at once, each in a session of its own."""
    with ThreadPoolExecutor(len(chosen)) as pool:
        running = {name: pool.submit(names[name], stage) for name in chosen}
        return {name: each.result() for name, each in running.items()}


def traced(session_id: str, logs: Path, limit_ms: int) -> Report:
    files = [FileSource(str(path)) for path in sorted(logs.iterdir())]
    return trace(files, Query(session_id=session_id, gateway_limit=timedelta(milliseconds=limit_ms)))


def told(played: Played) -> list[tuple[str, int, str | None]]:
    """What the client asked for and was told, polls that brought nothing new left out."""
    steps = [
        (
            each.request.split()[1].rsplit("/", 1)[0 if "sess" in each.request else -1],
            each.status,
            state(each),
        )
        for each in played.exchanges
    ]
    return [step for place, step in enumerate(steps) if step != steps[place - 1] or not place]


def state(each: Exchange) -> str | None:
    return "replayed" if "idempotent-replayed" in each.headers else each.code or each.body.get("status")


def rules(report: Report) -> set[str]:
    return {finding.rule for finding in report.findings}


def phases(report: Report) -> list[list[str]]:
    """Of each request."""
    return [[phase.name for phase in request.phases] for request in report.timeline.requests]


def test_without_the_guard_a_success_is_stranded_and_a_save_is_lost(tmp_path: Path) -> None:
    """The client gets 503, the session is completed, its retry refused; elsewhere a save is overwritten."""
    with stage(scale=SCALE, environments=3) as theatre:
        now = played(theatre, UNGUARDED, "incident", "lost-update")
        logs = theatre.save_logs(tmp_path / "logs")
    stranded, lost = now["incident"], now["lost-update"]
    of_stranded, of_lost = (traced(each.session_id, logs, 3000) for each in (stranded, lost))

    assert shape(story("incident", stranded)) == shape(shown("incident"))
    assert [("message", 503, None), ("message", 400, "SESSION_NOT_ACTIVE")] == told(stranded)
    assert {"message": "Service Unavailable"} == stranded.exchanges[0].body
    assert ("completed", True) == (stranded.status, stranded.has_result)
    assert {"outlived-gateway", "stranded-success", "retry-refused"} == rules(of_stranded)
    assert [["conversation", "extraction"], []] == phases(of_stranded)

    assert [("message", 503, None), ("message", 200, "active")] == told(lost)
    assert lost.exchanges[1].body["message"] not in lost.said
    assert {"outlived-gateway", "overlapping-requests"} == rules(of_lost)
    assert "saved last and may have undone" in "".join(each.summary for each in of_lost.findings)


def test_with_the_guard_each_policy_brings_the_result(tmp_path: Path) -> None:
    """No 503, nobody refused, nothing overwritten, and the same message again gets the stored result."""
    policies = ("inline-or-defer", "defer", "explicit")
    with stage(POLICIES, scale=SCALE, environments=4) as theatre:
        now = played(theatre, GUARDED, *policies, "kept-update")
        much_after_the_commit = theatre.begin("core_values", extraction_s=4.0, after_commit_s=60.0).say(
            LAST_MESSAGE
        )
        logs = theatre.save_logs(tmp_path / "logs")
    reports = [traced(now[name].session_id, logs, 3000) for name in policies]
    later = [("/coaching/sessions", 200, "pending"), ("/coaching/sessions", 200, "completed")]
    again = ("message", 200, "replayed")

    assert shape(story("defer", now["defer"])) == shape(shown("defer"))
    assert [("message", 202, "pending"), *later, again] == told(now["inline-or-defer"])
    assert [("message", 202, "pending"), *later, again] == told(now["defer"])
    assert [("message", 200, "ready"), ("complete", 202, "pending"), *later, again] == told(now["explicit"])
    for each in (now[name] for name in policies):
        assert ("completed", True, 3) == (each.status, each.has_result, len(each.said))
        assert each.exchanges[-1].result == each.with_result.result
    assert [set(), set(), set()] == [rules(report) for report in reports]
    handed_over = ["extraction", "hand-over", "hand-over"]
    worked = ["extraction", "completion-commit", "after-commit"]
    assert [["conversation", *handed_over], worked] == phases(reports[0])[:2]
    assert [["conversation"], worked] == phases(reports[1])[:2]
    assert [["conversation"], handed_over, worked] == phases(reports[2])[:3]
    for name, report in zip(policies, reports, strict=True):
        told_by_records = traced(now[name].session_id, without_console_lines(logs), 3000).timeline
        assert report.timeline.session.completed_by == told_by_records.session.completed_by
        assert ("completed", commits(told_by_records)) == (
            told_by_records.session.status,
            [told_by_records.session.completed_at],
        )

    assert (200, "completed") == (
        much_after_the_commit.status,
        state(much_after_the_commit),
    )
    kept = now["kept-update"]
    assert [("message", 503, None), ("message", 200, "active")] == told(kept)
    assert kept.exchanges[1].body["message"] in kept.said
    assert 3 == len(kept.said)


def shown(name: str) -> list[str]:
    """What the README shows of a scenario."""
    text = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    found = re.search(r"<!-- twin: .*?-->\n```text\n(.*?)```", text, re.S)
    assert found is not None
    [part] = [part for part in re.split(r"^\.\.\.\n", found[1], flags=re.M) if part.startswith(f"== {name},")]
    return part.splitlines()


def shape(lines: Iterable[str]) -> list[str]:
    """A scenario's lines up to what the table holds, without the figures of one run."""
    told = [line for line in lines if not line.startswith("   The table:")]
    return [re.sub(r"\d+ times$", "# times", re.sub(r"^ *[\d.]+ +[\d.]+ ", "# # ", line)) for line in told]


def test_the_figures_of_the_readme_are_the_incidents() -> None:
    """Its run was one at full speed: 503 when the gateway gave up, a result when the model had answered."""
    (_, gave_up), (asked, _) = figures("incident")
    *_, (_, result), _ = figures("defer")

    assert (GATEWAY_S, RETRIED_AT_S) == (gave_up, asked)
    assert 22.2 < result < GATEWAY_S


def figures(name: str) -> list[tuple[float, float]]:
    """When each exchange of the README's was sent and answered."""
    found = re.findall(r"^ *([\d.]+) +([\d.]+) ", "\n".join(shown(name)), re.M)
    return [(float(sent), float(answered)) for sent, answered in found]


def without_console_lines(logs: Path) -> Path:
    """The same logs of a service that logs nothing itself: what the runtime and guards wrote."""
    folder = logs.with_name("records")
    folder.mkdir(exist_ok=True)
    for file in logs.iterdir():
        events = file.read_text("utf-8").splitlines(keepends=True)
        kept = [event for event in events if "\x1b[" not in json.loads(event)["message"]]
        assert 0 < len(kept) < len(events)
        (folder / file.name).write_text("".join(kept), "utf-8")
    return folder


def commits(timeline: Timeline) -> list[datetime | None]:
    """When commits ended well, as recorded."""
    phases = [phase for request in timeline.requests for phase in request.phases]
    return [each.end for each in phases if each.name == "completion-commit" and each.error_type is None]


class Slow:
    """An environment that answers when it is let."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.events: list[Any] = []

    def invoke(self, event: object) -> Any:
        """As a Lambda environment's."""
        self.events.append(event)
        assert self.may_end.wait(30)
        return SimpleNamespace(response={"statusCode": 200, "body": '{"status":"late"}'})


def test_the_gateway_gives_up_while_the_function_runs_on() -> None:
    """At its limit the client gets 503; the function is left alone, and another one serves meanwhile."""
    slow, quick = Slow(), Slow()
    quick.may_end.set()
    gateway = Gateway([slow, quick], 0.2)
    with listening(gateway) as address:
        client = Client(address, "sess_1", 1.0)
        first, second = client.say("Hello."), client.say("Hello?")
        slow.may_end.set()
        gateway.wait_until_idle()

    assert (503, {"message": "Service Unavailable"}) == (first.status, first.body)
    assert (200, {"status": "late"}) == (second.status, second.body)
    assert (1, 1) == (len(slow.events), len(quick.events))


def test_an_event_is_an_http_apis() -> None:
    """Payload 2.0 with the one route, and when the gateway received it, in ms."""
    event = event_of(Call("POST", "/coaching/message", {"a": "b"}, "{}"), 1770680888.688)

    assert ("2.0", "$default", "/coaching/message") == (event["version"], event["routeKey"], event["rawPath"])
    assert 1770680888688 == event["requestContext"]["timeEpoch"]


@pytest.mark.parametrize("level", ["debug", "info", "warning"])
def test_a_line_is_read_as_the_apis_own(level: str) -> None:
    """What the twin logs, guard trace understands: the event is known, its time and its fields are."""
    now = "2026-02-09T23:48:10.000000Z"
    said = {"session_id": "sess_1", "status": "completed", "note": "two words"}
    text = console.line(level, "coaching_service.session_completed", said, logger="coaching", now=now)
    [milestone] = only_request((0.0, start()), (1.3, text), (2.0, end()), session="sess_1").milestones

    assert "session-completed" == milestone.name
    assert said == {name: (milestone.line.said.fields or {})[name] for name in said}


def exchange(sent: float, request: str, code: int, /, **body: Any) -> Exchange:
    return Exchange(request, sent, sent + 1, code, {}, body)


PLAYED = Played(
    session_id="sess_1",
    exchanges=(
        exchange(0, "POST /coaching/message", 200, status="active", message="First."),
        exchange(2, "POST /coaching/message", 202, status="pending"),
        exchange(5, "GET /coaching/sessions/sess_1", 200, status="pending"),
        exchange(7, "GET /coaching/sessions/sess_1", 200, status="pending"),
        exchange(9, "GET /coaching/sessions/sess_1", 200, status="completed", result={"core_value": "x"}),
    ),
    item={"status": {"S": "completed"}, "extracted_result": {"M": {}}, "messages": {"L": []}},
    writes=4,
    messages=2,
)


def test_the_command_tells_each_scenario_and_traces_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the client saw, polls together; what the table holds and lacks; a trace; and the figures."""
    traces: list[tuple[Any, ...]] = []
    theatre = SimpleNamespace(limit_ms=1500, save_logs=lambda folder: folder)
    monkeypatch.setattr(run_twin, "stage", lambda policies, scale: nullcontext(theatre))
    monkeypatch.setattr(run_twin, "trace", lambda of, logs, *more: traces.append((of, logs.name, *more)))
    monkeypatch.setitem(run_twin.GUARDED, "defer", lambda stage: PLAYED)

    code = run_twin.main(["defer"])
    out = capsys.readouterr().out

    assert 0 == code
    assert [("sess_1", "guarded", 1500, "--extraction-budget-s", "25")] == traces
    assert "    5.0      8.0    GET /coaching/sessions/...  200 pending, 2 times\n" in out
    assert "   The table: completed, with its result; 0 messages, 1 of the answers that the client" in out
    assert "| defer | 1.0 | 200 | 10.0 | 5 | 4 | 2 |\n" in out


@pytest.mark.parametrize("module", [console, settings], ids=lambda module: module.__name__)
def test_the_examples_in_its_docstrings_hold(module: ModuleType) -> None:
    """They stand outside what the suite collects by itself."""
    done = doctest.testmod(module)

    assert (0, True) == (done.failed, done.attempted > 0)


def test_a_scenario_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt name plays nothing, and the answer says which there are."""
    with pytest.raises(SystemExit) as ended:
        run_twin.main(["incidnet"])

    assert 2 == ended.value.code
    assert "'incidnet' is none of all, incident, lost-update" in capsys.readouterr().err
