"""guard trace --log-group as a user types it: plan first, settings from anywhere, files beside it."""

from __future__ import annotations

import functools
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

import cli
from guards.errors import install_command
from incidents import demo
from incidents.cloudwatch import calls, live, policy
from tests.cloudwatch_logs.__main__ import TABLE, demo_store
from tests.cloudwatch_logs.server import Fake, serving
from tests.live import Clock
from tests.logs import GROUP

README = Path(__file__).resolve().parents[1] / "README.md"
SCHEMA = README.parent / "docs" / "trace.schema.json"
DAY = ("--since", "2026-02-09T00:00Z", "--until", "2026-02-10T00:00Z")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Fake]:
    """The demo's logs, asked for in an empty folder with keys of nobody."""
    clock = Clock()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    paced = functools.partial(calls.Calls, sleep=clock.sleep, clock=clock.monotonic)
    monkeypatch.setattr(live, "Calls", paced)
    with serving(demo_store()) as running:
        yield running


def guard(*words: str) -> Result:
    asked = ["trace", "--session", demo.SESSION_ID, *words]
    return CliRunner().invoke(cli.main, asked, prog_name="guard")


def test_the_incident_is_told_from_live_logs(fake: Fake) -> None:
    """The plan and what it came to stand on stderr, the answer alone on stdout."""
    result = guard("--log-group", GROUP, "--endpoint-url", fake.url, *DAY, "--format", "json")
    told = json.loads(result.stdout)

    assert 0 == result.exit_code
    assert [] == list(Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).iter_errors(told))
    assert 5 == len(told["findings"])
    first, last = result.stderr.splitlines()[0], result.stderr.splitlines()[-1]
    assert first.startswith(f"guard: plan: {demo.SESSION_ID} in {GROUP} (eu-central-1)")
    assert last.startswith("guard: Insights scanned ")


def test_plan_scans_nothing(fake: Fake) -> None:
    """--plan prints what would be done and ends with 0."""
    result = guard("--log-group", GROUP, "--endpoint-url", fake.url, *DAY, "--plan")

    assert 0 == result.exit_code
    assert "guard.plan/1" == json.loads(result.stdout)["schema"]
    assert (0, 0) == (fake.logs.scanned, fake.counts["FilterLogEvents"])


def test_the_sessions_row_tells_when_to_look(fake: Fake) -> None:
    """--table reads one row by its key, and the window is the session's."""
    where = ("--log-group", GROUP, "--endpoint-url", fake.url, "--table", TABLE)
    result = guard(*where, "--plan")
    plan = json.loads(result.stdout)

    assert ("table", "2026-02-09T23:25:25Z") == (plan["window_from"], plan["steps"][0]["since"])
    assert "2026-02-10T00:48:31Z" == plan["steps"][0]["until"]
    assert 1 == fake.counts["GetItem"]
    assert 0 == guard(*where).exit_code


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            (),
            r"no time was given, so that \S+Z to \S+Z was searched: "
            r"name the day with --since and --until, or the sessions table with --table$",
        ),
        (
            ("--since", "2026-02-07", "--until", "2026-02-08"),
            r"2026-02-07T00:00:00Z to 2026-02-08T00:00:00Z was searched, as given: "
            r"name another time with --since and --until, or the sessions table with --table$",
        ),
        (
            ("--table", TABLE),
            r"its row in \S+ tells no time, so that .* was searched: "
            r"name the day with --since and --until$",
        ),
    ],
)
def test_what_is_not_found_is_told_with_the_time_and_the_next_step(
    fake: Fake, more: tuple[str, ...], told: str
) -> None:
    """The time that was searched, why that one, and how to name another; no bytes where none are known."""
    session = demo.SESSION_ID + "x" if TABLE in more else demo.SESSION_ID
    asked = ["trace", "--session", session, "--log-group", GROUP, "--endpoint-url", fake.url, *more]
    result = CliRunner().invoke(cli.main, asked, prog_name="guard")
    last = result.stderr.splitlines()[-1]

    assert 3 == result.exit_code
    assert re.search(told, last)
    assert f"no request of session {session} in 1 source(s)" in last
    assert "0 bytes" not in last


def test_a_request_is_not_told_of_the_sessions_table(fake: Fake) -> None:
    """Its rows are of sessions: there is none of a request."""
    asked = ["trace", "--request", "none", "--log-group", GROUP, "--endpoint-url", fake.url]
    last = CliRunner().invoke(cli.main, asked, prog_name="guard").stderr.splitlines()[-1]

    assert last.endswith("name the day with --since and --until")


def test_the_live_example_of_the_readme_works(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied as it stands, beside the fake with what that says to export."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", fake.url)
    commands = README.read_text("utf-8").replace("\\\n", "")
    [words] = re.findall(r"^guard (trace .*--log-group .*)$", commands, re.M)
    result = CliRunner().invoke(cli.main, shlex.split(words), prog_name="guard")

    assert (0, "The session was completed") == (result.exit_code, result.stdout[:25])


def test_a_group_in_guard_toml_is_the_default(fake: Fake) -> None:
    """guard.toml names group and endpoint; saved logs that are typed come before it."""
    Path("guard.toml").write_text(f'log_group = "{GROUP}"\nendpoint_url = "{fake.url}"\n')

    assert "Insights scanned" in guard(*DAY).stderr
    assert "Insights scanned" not in guard("--logs", str(demo.logs())).stderr


def test_files_and_live_logs_together_tell_no_more(fake: Fake) -> None:
    """The same events from both are the same events."""
    where = ("--log-group", GROUP, "--endpoint-url", fake.url)
    both = json.loads(guard(*where, "--logs", str(demo.logs()), *DAY, "--format", "json").stdout)
    alone = json.loads(guard(*where, *DAY, "--format", "json").stdout)

    assert [each["events"] for each in alone["requests"]] == [each["events"] for each in both["requests"]]
    assert 2 == len(both["sources"])


def test_the_next_command_works(fake: Fake) -> None:
    """It asks the same group at the same time."""
    where = ("--log-group", GROUP, "--endpoint-url", fake.url)
    told = json.loads(guard(*where, *DAY, "--format", "json").stdout)
    words = told["next_command"].split()
    again = CliRunner().invoke(cli.main, words[1:], prog_name="guard")

    assert ("guard", 0) == (words[0], again.exit_code)
    assert Path("incident.html").is_file()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--log-group", "a group"), "'a group' is not a log group"),
        (("--log-group", GROUP, "--profile", "none"), "no client for AWS can be made"),
        (("--log-group", GROUP, "--since", "1h", "--until", "2h"), "ends before it begins"),
        (("--logs", "x", "--plan"), "--plan is for live logs"),
        (("--log-group", GROUP, "--max-gb", "-1"), "--max-gb"),
    ],
)
def test_a_question_that_is_off_is_refused(fake: Fake, words: tuple[str, ...], complaint: str) -> None:
    """Exit code 2, a sentence, and no call."""
    result = guard(*words)

    assert 2 == result.exit_code
    assert complaint in result.stderr
    assert [] == fake.calls


def test_the_least_policy_is_the_least(fake: Fake) -> None:
    """Whatever is allowed for a trace is asked for by one, but for what only Ctrl-C asks."""
    where = ("--log-group", GROUP, "--endpoint-url", fake.url)
    guard(*where, "--table", TABLE)
    guard(*where, *DAY)

    allowed = {grant.operation for grant in policy.GRANTS if "trace" in grant.uses}
    assert allowed - {"StopQuery"} == set(fake.counts)


def test_without_a_region_the_ways_to_name_one_are_told(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither typed, nor set, nor in a profile: exit code 2."""
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    result = guard("--log-group", GROUP, "--endpoint-url", fake.url)

    assert (2, []) == (result.exit_code, fake.calls)
    assert "set --region or AWS_REGION, or region in guard.toml" in result.stderr


def test_an_id_that_is_none_is_not_asked_for(fake: Fake) -> None:
    """No call is made with what could be part of a query."""
    asked = ["trace", "--session", 'x" | limit 1', "--log-group", GROUP, "--endpoint-url", fake.url]
    result = CliRunner().invoke(cli.main, asked, prog_name="guard")

    assert (2, []) == (result.exit_code, fake.calls)


def test_without_boto3_the_one_command_is_named() -> None:
    """The base install says how to get the extra."""
    code = (
        "import sys; sys.modules['boto3'] = None\n"
        "from cli import main; main(['trace', '--session', 's', '--log-group', 'g'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert 2 == done.returncode
    assert f"run: {install_command('aws')}" in done.stderr


def test_saved_logs_load_no_aws_library(tmp_path: Path) -> None:
    """What reads files stays light."""
    code = f"""
import sys
sys.argv = ["guard", "trace", "--session", {demo.SESSION_ID!r}, "--logs", {str(demo.logs())!r}, "-o", "out"]
from cli import main
try:
    main()
except SystemExit:
    print({{name.split(".")[0] for name in sys.modules}} & {{"boto3", "botocore"}})
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )

    assert "set()" == done.stdout.strip()
