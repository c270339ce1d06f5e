"""What becomes of an answer when CloudWatch Logs fails: kept, told, with a way to go on and an exit code."""

from __future__ import annotations

import functools
import re
from typing import Any

import pytest
from click.testing import CliRunner, Result

import cli
from incidents import demo
from incidents.cloudwatch import calls, insights, live, queries
from tests.cloudwatch_logs import errors
from tests.cloudwatch_logs.operations import Settings
from tests.cloudwatch_logs.server import Fake, Fault, serving
from tests.cloudwatch_logs.store import Store
from tests.live import Clock
from tests.logs import GROUP

DAY = ("--since", "2026-02-09T00:00Z", "--until", "2026-02-10T00:00Z")
SHORT = ("--since", "2026-02-09T23:40Z", "--until", "2026-02-09T23:59Z")
RESUME = re.compile(r"this stretch: --since ([0-9TZ:-]+) --until ([0-9TZ:-]+)")
CUT_OFF, NOTHING_READ = 5, 4


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Clock:
    """Keys of nobody, and waits that take no time."""
    clock = Clock()
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    paced = functools.partial(calls.Calls, sleep=clock.sleep, clock=clock.monotonic)
    monkeypatch.setattr(live, "Calls", paced)
    return clock


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that do not come within a second do not come."""
    monkeypatch.setattr(live, "Connection", functools.partial(live.Connection, read_timeout=1.0))


@pytest.fixture(scope="module")
def store() -> Store:
    held = Store()
    held.add_file(demo.logs())
    return held


def guard(fake: Fake, *words: str) -> Result:
    where = ("--log-group", GROUP, "--endpoint-url", fake.url, "--region", "us-east-1")
    asked = ["trace", "--session", demo.SESSION_ID, *where, *words]
    return CliRunner().invoke(cli.main, asked, prog_name="guard")


def after(store: Store, *faults: Fault, words: tuple[str, ...] = DAY, **settings: Any) -> tuple[Result, Fake]:
    """What the command says where these faults happen."""
    settings.setdefault("scanned_per_page", 300)
    with serving(store, Settings(**settings), *faults) as fake:
        return guard(fake, *words), fake


def resume(result: Result) -> tuple[str, str]:
    found = RESUME.search(" ".join(result.output.split()))
    assert found, result.output
    return found[1], found[2]


def test_credentials_that_expire_in_mid_page_keep_what_came(store: Store) -> None:
    """The pages before are answered from; the stretch that is missing can be asked for again."""
    result, fake = after(store, Fault("FilterLogEvents", errors.EXPIRED, first=7))

    assert CUT_OFF == result.exit_code
    assert "the credentials expired; sign in again" in " ".join(result.output.split())
    since, until = resume(result)
    assert "2026-02-09T23:33" < since < until
    assert 7 == fake.counts["FilterLogEvents"]  # nothing was asked after that


def test_resuming_the_missing_stretch_answers(store: Store) -> None:
    """Where not even the session had been seen, the stretch that is named holds the answer."""
    result, _ = after(store, Fault("FilterLogEvents", errors.EXPIRED, first=3))
    since, until = resume(result)
    again, _ = after(store, words=("--since", since, "--until", until))

    assert CUT_OFF == result.exit_code
    assert "no request of session" in result.output
    assert (0, True) == (again.exit_code, "retry-refused" in again.output)


def test_expired_credentials_at_the_beginning_end_with_4(store: Store) -> None:
    """Nothing was read: say why, and what to do."""
    result, fake = after(store, Fault("StartQuery", errors.EXPIRED))

    assert NOTHING_READ == result.exit_code
    assert "the credentials expired; sign in again" in result.output
    assert 1 == fake.counts["StartQuery"]


def test_no_credentials_end_with_4(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is asked."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    result, fake = after(store)

    assert NOTHING_READ == result.exit_code
    assert "no credentials were found; set AWS_PROFILE" in result.output
    assert [] == fake.calls


def test_a_permission_that_is_lacking_is_named(store: Store) -> None:
    """Access denied says which operation the role needs."""
    result, _ = after(store, Fault("FilterLogEvents", errors.DENIED), words=SHORT)

    assert NOTHING_READ == result.exit_code
    assert "the role needs logs:FilterLogEvents" in " ".join(result.output.split())


def test_a_group_that_does_not_exist_spoils_no_other(store: Store) -> None:
    """The other group's answer stands, and it is said that one was not read."""
    result, _ = after(store, words=("--log-group", "/aws/lambda/none", *SHORT))

    assert CUT_OFF == result.exit_code
    assert "/aws/lambda/none from 2026-02-09T23:40:00Z" in " ".join(result.output.split())
    assert "retry-refused" in result.output


@pytest.mark.parametrize(
    "fault",
    [
        Fault("FilterLogEvents", errors.THROTTLED, times=4),
        Fault("StartQuery", errors.THROTTLED, first=2, times=3),
        Fault("GetQueryResults", errors.THROTTLED, times=3),
        Fault("StartQuery", errors.TOO_MANY_QUERIES, times=2),
        Fault("FilterLogEvents", errors.UNAVAILABLE, times=2),
        Fault("FilterLogEvents", "reset", first=2, times=2),
        Fault("FilterLogEvents", "hang", first=2, times=1),
        Fault("FilterLogEvents", "cut", times=2),
        Fault("GetQueryResults", "nonsense", times=2),
    ],
    ids=lambda fault: f"{fault.operation}-{getattr(fault.what, 'code', fault.what)}",
)
def test_what_passes_is_tried_again(store: Store, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that goes away in time leaves no trace in the answer."""
    if fault.what == "hang":
        impatient(monkeypatch)
    result, _ = after(store, fault)

    assert 0 == result.exit_code, result.output
    assert "2200 events" in result.output


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault("FilterLogEvents", errors.THROTTLED, first=7), "throttled every try"),
        (Fault("FilterLogEvents", errors.UNAVAILABLE, first=7), "did not answer properly"),
        (Fault("FilterLogEvents", "reset", first=7), "the connection failed"),
        (Fault("FilterLogEvents", "hang", first=7), "did not answer in time"),
        (Fault("FilterLogEvents", "cut", first=7), "the answer was none of CloudWatch Logs"),
        (Fault("FilterLogEvents", "nonsense", first=7), "the answer was none of CloudWatch Logs"),
    ],
    ids=lambda each: f"{getattr(each.what, 'code', each.what)}" if isinstance(each, Fault) else "",
)
def test_what_does_not_pass_keeps_what_came(
    store: Store, fault: Fault, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After as many tries as are worth it: an answer from what came, why no more, where to go on."""
    if fault.what == "hang":
        impatient(monkeypatch)
    result, _ = after(store, fault)

    assert CUT_OFF == result.exit_code, result.output
    assert why in " ".join(result.output.split())
    assert "2026-02-09T23:" in resume(result)[0]


def test_too_many_queries_at_once_end_with_4_when_they_do_not_pass(store: Store) -> None:
    """Nothing was searched."""
    result, fake = after(store, Fault("StartQuery", errors.TOO_MANY_QUERIES))

    assert NOTHING_READ == result.exit_code
    assert "too many queries run at once in this account; wait a minute" in result.output
    assert calls.TRIES["busy"] == fake.counts["StartQuery"]


@pytest.mark.parametrize("status", ["Timeout", "Cancelled", "Failed"])
def test_a_query_that_does_not_complete_is_not_taken_for_one(store: Store, status: str) -> None:
    """Half of its rows lead to an answer that says that it may lack something; no rows to none."""
    result, _ = after(store, statuses_of={1: ("Running", status)})

    assert (NOTHING_READ if status == "Failed" else CUT_OFF) == result.exit_code
    said = " ".join(result.output.split())
    assert ("60 minutes" if status == "Timeout" else f"ended as {status}") in said
    assert ("2026-02-09T00:00:00Z", "2026-02-10T00:00:01Z") == resume(result)


def test_a_group_that_is_younger_than_the_window_is_no_fault(store: Store) -> None:
    """CloudWatch refuses a query before the group was made: there is nothing, and that is no failure."""
    held = Store()
    held.add_file(demo.logs())
    held.group(GROUP).created_ms = 1_780_000_000_000
    result, _ = after(held)

    assert 3 == result.exit_code
    assert "no request of session" in result.output


class Interrupting(Clock):
    """A user who presses Ctrl-C at a wait."""

    def __init__(self, at_wait: int) -> None:
        super().__init__()
        self.at_wait = at_wait

    def sleep(self, seconds: float) -> None:
        """Wait, or be interrupted once."""
        super().sleep(seconds)
        if self.waits == self.at_wait:
            raise KeyboardInterrupt


def interrupted(store: Store, monkeypatch: pytest.MonkeyPatch, at_wait: int) -> tuple[Result, Fake]:
    clock = Interrupting(at_wait)
    paced = functools.partial(calls.Calls, sleep=clock.sleep, clock=clock.monotonic)
    monkeypatch.setattr(live, "Calls", paced)
    return after(store)


def test_ctrl_c_stops_the_query(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it any more: it is stopped, and where nothing had come the command ends with 130."""
    result, fake = interrupted(store, monkeypatch, at_wait=3)

    assert 130 == result.exit_code
    assert 1 == fake.counts["StopQuery"]
    assert 0 == fake.counts["FilterLogEvents"]


def test_ctrl_c_between_pages_keeps_what_came(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer from the pages that came, the stretch that is missing, and 5."""
    result, _ = interrupted(store, monkeypatch, at_wait=_wait_of_page(store, monkeypatch))

    assert CUT_OFF == result.exit_code, result.output
    assert "interrupted" in result.output
    assert resume(result)


def _wait_of_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> int:
    """At which wait of an undisturbed run the last page but one is waited for."""
    clock = Clock()
    paced = functools.partial(calls.Calls, sleep=clock.sleep, clock=clock.monotonic)
    monkeypatch.setattr(live, "Calls", paced)
    _, fake = after(store)
    assert fake.counts["FilterLogEvents"] > 3
    return clock.waits - 1


TWELVE: dict[str, tuple[Fault | None, dict[str, Any], tuple[str, ...], int, str]] = {
    # what happens: (at which call, how the service behaves, the words asked, exit code, what is said)
    "throttled for good": (
        Fault("FilterLogEvents", errors.THROTTLED, first=7),
        {},
        DAY,
        CUT_OFF,
        "throttled every try",
    ),
    "too many queries at once": (
        Fault("StartQuery", errors.TOO_MANY_QUERIES, first=2),
        {},
        DAY,
        NOTHING_READ,
        "too many queries run",
    ),
    "no answer in time": (
        Fault("FilterLogEvents", "hang", first=7),
        {},
        DAY,
        CUT_OFF,
        "did not answer in time",
    ),
    "a connection that is reset": (
        Fault("FilterLogEvents", "reset", first=7),
        {},
        DAY,
        CUT_OFF,
        "the connection failed",
    ),
    "half an answer": (Fault("FilterLogEvents", "cut", first=7), {}, DAY, CUT_OFF, "none of CloudWatch Logs"),
    "somebody else's answer": (
        Fault("FilterLogEvents", "nonsense", first=7),
        {},
        DAY,
        CUT_OFF,
        "none of CloudWatch Logs",
    ),
    "a service that is down": (
        Fault("FilterLogEvents", errors.UNAVAILABLE, first=7),
        {},
        DAY,
        CUT_OFF,
        "did not answer properly",
    ),
    "credentials that expire in the middle": (
        Fault("FilterLogEvents", errors.EXPIRED, first=7),
        {},
        DAY,
        CUT_OFF,
        "the credentials expired",
    ),
    "access that is denied": (
        Fault("FilterLogEvents", errors.DENIED),
        {},
        SHORT,
        NOTHING_READ,
        "the role needs logs:FilterLogEvents",
    ),
    "a group that is not there": (
        None,
        {},
        ("--log-group", "/aws/lambda/none", *SHORT),
        CUT_OFF,
        "it does not exist here",
    ),
    "a query that fails": (
        None,
        {"statuses_of": {1: ("Running", "Failed")}},
        DAY,
        NOTHING_READ,
        "ended as Failed",
    ),
    "a query that is cut off": (
        None,
        {"statuses_of": {1: ("Running", "Timeout")}},
        DAY,
        CUT_OFF,
        "limit of 60 minutes",
    ),
    "a parameter that is refused": (
        Fault("FilterLogEvents", errors.invalid("too odd"), first=7),
        {},
        DAY,
        CUT_OFF,
        "FilterLogEvents was refused with InvalidParameterException: too odd",
    ),
    "a query that is not understood": (
        Fault("StartQuery", errors.malformed("unexpected symbol"), first=2),
        {},
        DAY,
        NOTHING_READ,
        "Insights does not know this query; name 30 minutes at most",
    ),
}
"""Each fault of the source that does not pass, with its exit code; each leaves a stretch to ask for again."""


@pytest.mark.parametrize("name", TWELVE)
def test_each_fault_has_its_exit_code_and_its_resume_point(
    store: Store, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve and more ways to fail: what happened, what to do, and the time that is missing.

    At most a quarter of an hour around what was asked for, which is read around each hit.
    """
    fault, settings, words, code, said = TWELVE[name]
    if name == "no answer in time":
        impatient(monkeypatch)
    result, _ = after(store, *([fault] if fault else []), words=words, **settings)
    output = " ".join(result.output.split())

    assert (code, True) == (result.exit_code, said in output), output
    since, until = resume(result)
    assert "2026-02-09T00:00:00Z" <= since < until <= "2026-02-10T00:15:01Z"


def test_more_lines_than_a_query_gives_are_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is made of those that came, and says that there are more."""
    for module in (queries, insights):
        monkeypatch.setattr(module, "MOST_ROWS", 3)
    result, _ = after(store)

    assert CUT_OFF == result.exit_code
    assert "more than 3 lines match; name a shorter time" in " ".join(result.output.split())
    assert resume(result)


def test_there_are_at_least_twelve_faults() -> None:
    """As many as were asked for; Ctrl-C and a missing page beside them."""
    assert len(TWELVE) >= 12


def test_a_query_that_is_not_understood_for_its_estimate_is_not_run_unasked(store: Store) -> None:
    """What cannot be sized counts as over the budget: nothing is scanned, and the way without it is said."""
    result, fake = after(store, Fault("StartQuery", errors.malformed("unexpected symbol: estimate"), times=1))

    assert NOTHING_READ == result.exit_code
    assert 0 == fake.logs.scanned
    assert "its size could not be estimated; over the budget" in result.output


def test_what_an_estimate_started_is_stopped_when_planning_fails(store: Store) -> None:
    """A plan of four steps starts four estimates; where the third cannot be, nobody waits for the others."""
    result, fake = after(store, Fault("StartQuery", errors.DENIED, first=3), words=())
    stopped = [asked["queryId"] for operation, asked in fake.calls if operation == "StopQuery"]

    assert NOTHING_READ == result.exit_code
    assert set(fake.logs.queries) == set(stopped)
    assert 2 == len(stopped)


def test_ctrl_c_while_planning_stops_all_estimates(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the four is left running."""
    clock = Interrupting(at_wait=4)
    paced = functools.partial(calls.Calls, sleep=clock.sleep, clock=clock.monotonic)
    monkeypatch.setattr(live, "Calls", paced)
    result, fake = after(store, words=())

    assert 130 == result.exit_code
    assert {"Cancelled"} == {query.poll() for query in fake.logs.queries.values()}
    assert 4 == len(fake.logs.queries)
