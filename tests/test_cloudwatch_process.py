"""guard trace over live logs as a process of its own: Ctrl-C, a terminal, a role, what it costs."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from incidents import demo
from tests.cloudwatch_logs.__main__ import TABLE, demo_store
from tests.cloudwatch_logs.operations import Settings
from tests.cloudwatch_logs.server import Fake, serving
from tests.logs import GROUP
from tests.programs import until

DAY = ("--since", "2026-02-09T00:00Z", "--until", "2026-02-10T00:00Z")
ROLE = "arn:aws:iam::123456789012:role/on-call"
GUARD = (sys.executable, "-c", "import cli; cli.run()")
HEEDS_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
"""What a shell starts in the background ignores SIGINT, and so would what the tests start then."""


@pytest.fixture
def fake() -> Iterator[Fake]:
    with serving(demo_store()) as running:
        yield running


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Keys of nobody, no configuration, no terminal."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "GUARD_"))}
    return {
        **kept,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
    }


def words(fake: Fake, *more: str) -> tuple[str, ...]:
    where = ("--log-group", GROUP, "--endpoint-url", fake.url, "--region", "us-east-1")
    return (*GUARD, "trace", "--session", demo.SESSION_ID, *where, *more)


def heeding(asked: tuple[str, ...]) -> tuple[str, ...]:
    """The same, that ends with Ctrl-C."""
    python, option, code, *rest = asked
    return (python, option, HEEDS_CTRL_C + code, *rest)


def run(asked: tuple[str, ...], environ: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        asked, env=environ, cwd=folder, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
    )


def test_ctrl_c_at_the_real_process_stops_its_query(environ: dict[str, str], tmp_path: Path) -> None:
    """SIGINT while the search runs: StopQuery for that very query, and 130, since nothing had come."""
    estimate, search = "00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-000000000001"
    with serving(demo_store(), Settings(statuses_of={1: ("Running",)})) as fake:
        child = subprocess.Popen(
            heeding(words(fake, *DAY)),
            env=environ,
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            until(lambda: ("GetQueryResults", {"queryId": search}) in fake.calls or None)
            child.send_signal(signal.SIGINT)
            _, said = child.communicate(timeout=60)
        finally:
            child.kill()
            child.wait()
        stopped = [asked["queryId"] for operation, asked in fake.calls if operation == "StopQuery"]

    assert (130, [search]) == (child.returncode, stopped), said
    assert estimate in fake.logs.queries
    assert b"Traceback" not in said


def test_the_plan_is_right_and_the_accounting_agrees(
    fake: Fake, environ: dict[str, str], tmp_path: Path
) -> None:
    """What --plan says as JSON is what the run then asks: groups, time, query, engine, and its price."""
    fake.logs.store.add_file(demo.logs(), group="/aws/lambda/other")
    (tmp_path / "guard.toml").write_text("insights_usd_per_gb = 1000\n")
    asked = words(fake, "--log-group", "/aws/lambda/other", *DAY)
    plan = json.loads(run((*asked, "--plan"), environ, tmp_path).stdout)
    assert 0 == fake.logs.scanned
    fake.calls.clear()
    done = run(asked, environ, tmp_path)
    [step] = plan["steps"]
    searches = [
        told for name, told in fake.calls if name == "StartQuery" and "estimate" not in told["queryString"]
    ]

    assert [(plan["log_groups"], step["query"])] == [
        (each["logGroupNames"], each["queryString"]) for each in searches
    ]
    assert ("Insights", 1_770_595_200) == (step["engine"], searches[0]["startTime"])
    assert 1_770_681_600 == searches[0]["endTime"]
    assert (plan["estimated_bytes"], step["estimated_bytes"]) == (fake.logs.scanned, fake.logs.scanned)
    cost = fake.logs.scanned / 1e9 * 1000
    assert round(cost, 6) == step["estimated_usd"]
    assert f"(${cost:.4f}); " in done.stderr.splitlines()[-1]
    made = dict(re.findall(r"(\d+) ([A-Z]\w+)", done.stderr.splitlines()[-1].partition("calls: ")[2]))
    assert {(name, int(count)) for count, name in made.items()} <= set(fake.counts.items())


def test_the_plan_of_a_short_time_scans_nothing(fake: Fake, environ: dict[str, str], tmp_path: Path) -> None:
    """The session's row tells the time; FilterLogEvents answers where it is half an hour, at no charge."""
    short = ("--since", "2026-02-09T23:40Z", "--until", "2026-02-09T23:59Z")
    plan = json.loads(run(words(fake, *short, "--plan"), environ, tmp_path).stdout)
    done = run(words(fake, *short), environ, tmp_path)

    assert [("FilterLogEvents", 0)] == [(each["engine"], each["estimated_bytes"]) for each in plan["steps"]]
    assert (0, 0, 0) == (done.returncode, fake.counts["StartQuery"], fake.logs.scanned)


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 4)])
def test_over_the_budget_it_asks_on_a_terminal(
    fake: Fake, environ: dict[str, str], tmp_path: Path, answer: str, code: int
) -> None:
    """It says the time, the size and the price; yes searches, no scans nothing."""
    said, ended = on_a_terminal(words(fake, *DAY, "--max-gb", "0"), environ, tmp_path, answer)

    assert "search 2026-02-09T00:00:00Z to 2026-02-10T00:00:00Z? that scans" in said
    assert code == ended, said
    assert (answer == "y") == (fake.logs.scanned > 0)


def test_over_the_budget_it_stops_off_a_terminal(fake: Fake, environ: dict[str, str], tmp_path: Path) -> None:
    """Nobody is there to ask: nothing is scanned, and --max-gb is named."""
    done = run(words(fake, *DAY, "--max-gb", "0"), environ, tmp_path)

    assert (4, 0) == (done.returncode, fake.logs.scanned)
    assert "it is over the budget of 0 GB; raise --max-gb" in done.stderr


def on_a_terminal(
    asked: tuple[str, ...], environ: dict[str, str], folder: Path, answer: str
) -> tuple[str, int]:
    """What a terminal is sent, once the question was answered, and the exit code."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(asked, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, cwd=folder)
    os.close(theirs)
    sent, answered, end = b"", False, time.monotonic() + 90
    try:
        while time.monotonic() < end and select.select([ours], [], [], 60)[0]:
            try:
                data = os.read(ours, 1 << 16)
            except OSError:  # Linux's way to say that nobody holds the other end
                break
            sent += data
            if b"[y/N]" in sent and not answered:
                answered = True
                os.write(ours, answer.encode() + b"\n")
        return sent.decode().replace("\r\n", "\n"), child.wait(timeout=30)
    finally:
        os.close(ours)
        child.kill()
        child.wait()


def with_profile(environ: dict[str, str], fake: Fake, role: str) -> dict[str, str]:
    """A profile that takes a role with another profile's keys."""
    Path(environ["AWS_CONFIG_FILE"]).write_text(
        f"[profile on-call]\nrole_arn = {role}\nsource_profile = base\nregion = eu-west-1\n"
    )
    Path(environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text(
        "[base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = secret\n"
    )
    kept = {key: value for key, value in environ.items() if not key.startswith("AWS_ACCESS")}
    return {**kept, "AWS_ENDPOINT_URL_STS": fake.url, "AWS_PROFILE": "on-call"}


def test_a_profile_takes_its_role_as_boto3_does(fake: Fake, environ: dict[str, str], tmp_path: Path) -> None:
    """STS is asked once with the source's keys, everything else, the table too, with the role's."""
    fake.account.roles = {ROLE: "ASIAROLE", f"{ROLE}-other": "ASIAOTHER"}
    where = ("--log-group", GROUP, "--endpoint-url", fake.url, "--table", TABLE)
    asked = (*GUARD, "trace", "--session", demo.SESSION_ID, *where)
    done = run(asked, with_profile(environ, fake, ROLE), tmp_path)

    assert 0 == done.returncode, done.stderr
    assert "(eu-west-1)" in done.stderr
    assert {"AKIDBASE", "ASIAROLE"} == set(fake.signers)
    assert fake.counts["AssumeRole"] == fake.signers["AKIDBASE"] <= 2  # logs and table, each its own session


def test_a_role_that_is_not_given_is_told(fake: Fake, environ: dict[str, str], tmp_path: Path) -> None:
    """It is the role that lacks, not a permission on the logs; nothing was read."""
    done = run(words(fake, *DAY), with_profile(environ, fake, ROLE), tmp_path)

    assert 4 == done.returncode
    assert "the profile's role was not given (AccessDenied); check role_arn" in done.stderr
    assert {"AssumeRole"} == set(fake.counts)
