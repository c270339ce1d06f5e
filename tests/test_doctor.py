"""guard doctor says what works of live logs and what is missing, each with its fix, and changes nothing."""

from __future__ import annotations

import functools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cli
from incidents.cloudwatch import calls, live, policy
from incidents.cloudwatch.doctor import examine
from tests.cloudwatch_logs import errors
from tests.cloudwatch_logs.__main__ import demo_store
from tests.cloudwatch_logs.operations import Settings
from tests.cloudwatch_logs.server import Fault, serving
from tests.live import Clock
from tests.live import calls as calls_of
from tests.logs import GROUP

READS_ONLY = {*policy.ON_GROUPS, *policy.ON_ALL}


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keys of nobody, an empty folder, and waits that take no time."""
    clock = Clock()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    paced = functools.partial(calls.Calls, sleep=clock.sleep, clock=clock.monotonic)
    monkeypatch.setattr(live, "Calls", paced)


def doctor(url: str, *words: str) -> Result:
    asked = ["doctor", "--endpoint-url", url, "--region", "us-east-1", *words]
    return CliRunner().invoke(cli.main, asked, prog_name="guard")


def states(result: Result) -> dict[str, str]:
    return {check["name"]: check["state"] for check in json.loads(result.stdout)}


def test_all_is_well_where_all_is_there() -> None:
    """A group that can be searched and has an index, and a gateway whose lines name Lambda's request."""
    store = demo_store()
    store.group(GROUP).indexes["session_id"] = (1_770_000_000_000, 1_770_700_000_000)
    with serving(store) as fake:
        result = doctor(
            fake.url,
            "--log-group",
            GROUP,
            "--format",
            "json",
            "--access-log-format",
            '{"id":"$context.integration.requestId"}',
        )

        assert READS_ONLY == set(fake.counts)
        assert 0 == fake.logs.scanned
    assert 0 == result.exit_code
    assert {"ok"} == set(states(result).values())


@pytest.mark.parametrize(
    ("operation", "name", "code"),
    [
        ("FilterLogEvents", f"{GROUP}: FilterLogEvents", 1),
        ("StartQuery", f"{GROUP}: Insights", 1),
        ("DescribeFieldIndexes", f"{GROUP}: index", 0),
        ("StopQuery", "StopQuery", 0),
        ("DescribeLogGroups", "credentials", 1),
    ],
)
def test_each_permission_that_lacks_is_named(operation: str, name: str, code: int) -> None:
    """With the permission to give as its fix; what only costs more is a warning."""
    with serving(demo_store(), Settings(), Fault(operation, errors.DENIED)) as fake:
        result = doctor(fake.url, "--log-group", GROUP)

    assert code == result.exit_code
    assert f"{name}: access is denied; the role needs logs:{operation}" in result.output


def test_a_group_that_is_none_fails() -> None:
    """Other groups are looked at all the same."""
    with serving(demo_store()) as fake:
        result = doctor(fake.url, "--log-group", "/aws/lambda/none", "--log-group", GROUP, "--format", "json")

    assert 1 == result.exit_code
    assert ("failed", "ok") == (states(result)["/aws/lambda/none"], states(result)[GROUP])


@pytest.mark.parametrize(
    ("class_", "days", "state"),
    [("STANDARD", None, "ok"), ("STANDARD", 3, "warning"), ("INFREQUENT_ACCESS", 30, "failed")],
)
def test_class_and_retention_are_judged(class_: str, days: int | None, state: str) -> None:
    """Logs that go too soon, or cannot be read by FilterLogEvents."""
    store = demo_store()
    store.group(GROUP).class_, store.group(GROUP).retention_days = class_, days
    with serving(store) as fake:
        assert state == states(doctor(fake.url, "--log-group", GROUP, "--format", "json"))[GROUP]


@pytest.mark.parametrize(("ahead", "state"), [(0, "ok"), (90, "warning"), (600, "failed")])
def test_the_clock_is_compared_with_the_services(ahead: int, state: str) -> None:
    """A minute off is told, more than five is refused by AWS."""
    with serving(demo_store()) as fake:
        now = datetime.now(UTC) + timedelta(seconds=ahead)
        found = {check.name: check.state for check in examine([GROUP], calls_of(fake), now)}

    assert state == found["clock"]


def test_expired_credentials_are_the_first_thing_to_fix() -> None:
    """Nothing else is asked after that."""
    with serving(demo_store(), Settings(), Fault("DescribeLogGroups", errors.EXPIRED)) as fake:
        result = doctor(fake.url, "--log-group", GROUP)

        assert {"DescribeLogGroups": 1} == dict(fake.counts)
    assert "failed   credentials: the credentials expired; sign in again" in result.output


def test_no_group_is_a_question_that_is_off() -> None:
    """Exit code 2 and what to type."""
    result = CliRunner().invoke(cli.main, ["doctor"], prog_name="guard")

    assert (2, True) == (result.exit_code, "--log-group NAME" in result.output)
