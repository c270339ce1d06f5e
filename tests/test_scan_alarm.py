"""guard scan --alarm: the time is the alarm's last ALARM period, and the group is its function's."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import cli
from incidents import demo
from incidents.cloudwatch import calls, live
from tests.aws_account import Account, Answer, state_update
from tests.cloudwatch_logs import errors
from tests.cloudwatch_logs.server import Fake, Fault, serving
from tests.cloudwatch_logs.store import Group, Store
from tests.live import Clock
from tests.logs import GROUP

FUNCTION = GROUP.rpartition("/")[2]
WENT, LEFT = datetime(2026, 2, 9, 23, 49, 12, tzinfo=UTC), datetime(2026, 2, 9, 23, 56, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keys of nobody, and waits that take no time."""
    clock = Clock()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    paced = functools.partial(calls.Calls, sleep=clock.sleep, clock=clock.monotonic)
    monkeypatch.setattr(live, "Calls", paced)


def of_function(name: str = "slow", function: str = FUNCTION, **more: Any) -> Answer:
    dimensions = [{"Name": "FunctionName", "Value": function}]
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Duration", "Dimensions": dimensions}
    return {"AlarmName": name, **metric, "Period": 60, "EvaluationPeriods": 7, "StateValue": "OK", **more}


def update(at: datetime, old: str, new: str, name: str = "slow", kind: str = "MetricAlarm") -> Answer:
    return state_update(name, at, old, new, kind)


EARLIER = [
    update(WENT - timedelta(days=2), "OK", "ALARM"),
    update(WENT - timedelta(days=1), "ALARM", "OK"),
    update(WENT - timedelta(hours=1), "OK", "INSUFFICIENT_DATA"),
    update(WENT - timedelta(minutes=30), "INSUFFICIENT_DATA", "OK"),
    update(WENT + timedelta(minutes=2), "OK", "ALARM", name="another"),
]
"""An older ALARM, other changes, another alarm."""
HISTORY = [*EARLIER, update(WENT, "OK", "ALARM"), update(LEFT, "ALARM", "OK")]


@pytest.fixture
def fake() -> Iterator[Fake]:
    store = Store()
    store.add_file(demo.logs())
    with serving(store) as running:
        running.account = Account(alarms=[of_function("another"), of_function()], history=HISTORY)
        yield running


def scan(fake: Fake, *words: str, alarm: str = "slow") -> Result:
    where = ("--endpoint-url", fake.url, "--region", "us-east-1")
    return CliRunner().invoke(cli.main, ["scan", "--alarm", alarm, *where, *words], prog_name="guard")


def planned(fake: Fake, *words: str, alarm: str = "slow") -> dict[str, Any]:
    result = scan(fake, "--plan", *words, alarm=alarm)
    assert 0 == result.exit_code, result.output
    plan: dict[str, Any] = json.loads(result.stdout)
    return plan


def test_the_incident_is_found_by_its_alarm(fake: Fake) -> None:
    """From seven minutes before it went to ALARM until it left it, in its function's group."""
    result = scan(fake, "--format", "json")
    told = json.loads(result.stdout)

    assert [demo.SESSION_ID] == [case["session_id"] for case in told["cases"]]
    assert "went to ALARM at 2026-02-09T23:49:12Z and left it at 2026-02-09T23:56:12Z" in result.stderr
    assert "looks back 7 minutes" in result.stderr
    assert f"so {GROUP} is searched" in result.stderr
    assert "2026-02-09T23:42:12Z to 2026-02-09T23:56:12Z" in result.stderr
    assert "the time is the alarm's last ALARM period" in " ".join(result.stderr.split())


def test_the_next_command_asks_for_the_same_time(fake: Fake) -> None:
    """guard trace knows no alarm: it is given the time that was searched."""
    [case] = json.loads(scan(fake, "--format", "json").stdout)["cases"]

    assert "--since 2026-02-09T23:42:12Z --until 2026-02-09T23:56:12Z" in case["next_command"]
    assert f"--log-group {GROUP}" in case["next_command"]


def test_a_plan_says_that_the_time_is_an_alarms(fake: Fake) -> None:
    """As JSON too; nothing is scanned."""
    plan = planned(fake)

    assert ("alarm", [GROUP], 0) == (plan["window_from"], plan["log_groups"], fake.logs.scanned)
    assert "2026-02-09T23:42:12Z" == plan["steps"][0]["since"]


def test_an_alarm_that_is_in_alarm_is_searched_until_now(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has not left it yet."""
    fake.account.history = HISTORY[:-1]
    monkeypatch.setattr(cli, "_now", lambda: WENT + timedelta(minutes=10))

    assert "2026-02-09T23:59:12Z" == planned(fake)["steps"][0]["until"]


def test_an_alarm_that_is_in_alarm_for_longer_than_its_history(fake: Fake) -> None:
    """What describes the alarm says since when."""
    fake.account.history = []
    fake.account.alarms[1] |= {"StateValue": "ALARM", "StateTransitionedTimestamp": WENT}

    assert "2026-02-09T23:42:12Z" == planned(fake)["steps"][0]["since"]


def test_insufficient_data_ends_an_alarm(fake: Fake) -> None:
    """Whatever it goes to, it is in ALARM no more; and it may come from there."""
    unknown = "INSUFFICIENT_DATA"
    fake.account.history = [*EARLIER, update(WENT, unknown, "ALARM"), update(LEFT, "ALARM", unknown)]

    assert "2026-02-09T23:56:12Z" == planned(fake)["steps"][0]["until"]


def test_a_summary_tells_where_the_data_do_not(fake: Fake) -> None:
    """HistoryData is text that may be anything."""
    for each in fake.account.history:
        each.update(HistoryData="{")

    assert "2026-02-09T23:42:12Z" == planned(fake)["steps"][0]["since"]


def test_metric_math_has_its_periods_and_functions_inside(fake: Fake) -> None:
    """The longest period counts."""
    alarm = of_function()
    metric = {key: alarm.pop(key) for key in ("Namespace", "MetricName", "Dimensions")}
    del alarm["Period"]
    stat = {"Metric": metric, "Period": 300, "Stat": "Maximum"}
    fake.account.alarms[1] = {**alarm, "Metrics": [{"Id": "a", "MetricStat": stat}, {"Id": "b"}]}
    plan = planned(fake)

    assert ([GROUP], "2026-02-09T23:14:12Z") == (plan["log_groups"], plan["steps"][0]["since"])


def test_a_composite_alarm_looks_back_as_far_as_those_in_its_rule(fake: Fake) -> None:
    """Also through another composite alarm, and one that is named by its ARN; each function is searched."""
    arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:slow"
    fake.logs.store.groups["/aws/lambda/other"] = Group("/aws/lambda/other")
    fake.account.alarms += [
        {"AlarmName": "users", "AlarmRule": "ALARM(inner) OR ALARM(none)", "StateValue": "OK"},
        {"AlarmName": "inner", "AlarmRule": f"ALARM({arn}) OR ALARM(long) OR ALARM(users)"},
        of_function("long", "other", Period=300),
    ]
    fake.account.history = [
        *HISTORY,
        update(WENT + timedelta(minutes=1), "OK", "ALARM", "users", "CompositeAlarm"),
        update(LEFT, "ALARM", "OK", "users", "CompositeAlarm"),
    ]
    plan = planned(fake, alarm="users")

    assert {GROUP, "/aws/lambda/other"} == set(plan["log_groups"])
    assert "2026-02-09T23:15:12Z" == plan["steps"][0]["since"]


def test_a_group_that_is_named_is_searched_instead(fake: Fake) -> None:
    """The alarm tells the time only."""
    fake.logs.store.groups["/aws/lambda/other"] = Group("/aws/lambda/other")

    assert ["/aws/lambda/other"] == planned(fake, "--log-group", "/aws/lambda/other")["log_groups"]


def test_saved_logs_are_read_at_the_alarms_time(fake: Fake) -> None:
    """CloudWatch is asked for the time and for nothing else."""
    result = scan(fake, "--logs", str(demo.logs()), "--format", "json")
    told = json.loads(result.stdout)

    assert [demo.SESSION_ID] == [case["session_id"] for case in told["cases"]]
    assert told["per_minute"][-1]["at"] <= "2026-02-09T23:56"
    assert {"DescribeAlarms", "DescribeAlarmHistory"} == set(fake.counts)


@pytest.mark.parametrize(
    ("alarm", "history", "code", "why"),
    [
        ("nobody", HISTORY, 4, "there is no alarm named 'nobody' in us-east-1; check the name, --region"),
        ("slow", EARLIER[2:], 3, "did not go to ALARM as far back as its history goes; CloudWatch keeps it"),
        ("a" * 256, HISTORY, 2, "is not the name of an alarm"),
        ("a\x1b[31m", HISTORY, 2, "is not the name of an alarm"),
    ],
    ids=["none", "never", "too long", "control characters"],
)
def test_an_alarm_that_tells_no_time(
    fake: Fake, alarm: str, history: list[Answer], code: int, why: str
) -> None:
    """What is missing, and what to do."""
    fake.account.history = history
    result = scan(fake, alarm=alarm)

    assert code == result.exit_code
    assert why in " ".join(result.output.split())
    assert "\x1b" not in result.output


@pytest.mark.parametrize("operation", ["DescribeAlarms", "DescribeAlarmHistory"])
def test_a_role_that_may_not_ask_is_told_what_it_needs(fake: Fake, operation: str) -> None:
    """And nothing is searched."""
    fake.faults = (Fault(operation, errors.DENIED),)
    result = scan(fake)

    assert 4 == result.exit_code
    assert f"the role needs cloudwatch:{operation}" in result.output
    assert 0 == fake.logs.scanned


def test_a_time_beside_an_alarm_is_refused(fake: Fake) -> None:
    """Which of the two would hold?"""
    result = scan(fake, "--since", "2h")

    assert (2, "leave --since and --until out" in result.output) == (result.exit_code, True)


def test_an_alarm_of_no_function_needs_a_group(fake: Fake) -> None:
    """An API's metric does not say where its function logs."""
    fake.account.alarms[1] |= {"Namespace": "AWS/ApiGateway"}
    result = scan(fake)

    assert (2, True) == (result.exit_code, "name --log-group or --logs" in result.output)
