"""guard doctor says what works and what is missing, each with its fix, and changes nothing."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import cli
from incidents.cloudwatch import calls, live
from incidents.cloudwatch.policy import GRANTS
from incidents.doctor.check import CHECKS, STATES
from incidents.doctor.logs import clock
from tests import healthy
from tests.cloudwatch_logs import errors
from tests.cloudwatch_logs.server import Fake, Fault, serving
from tests.healthy import ACCESS_GROUP, API, FUNCTION, GROUP, TABLE, TOPIC
from tests.live import Clock

DOCS = Path(__file__).resolve().parents[1] / "docs" / "doctor.md"
WARNING, CRITICAL, ERRORS = (
    f"{FUNCTION}-{kind}" for kind in ("duration-warning", "duration-critical", "api-5xx")
)
Found = dict[tuple[str, str | None], dict[str, Any]]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keys of nobody, an empty folder, and waits that take no time."""
    waits = Clock()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    paced = functools.partial(calls.Calls, sleep=waits.sleep, clock=waits.monotonic)
    monkeypatch.setattr(live, "Calls", paced)


@pytest.fixture
def fake() -> Iterator[Fake]:
    with serving(healthy.store()) as running:
        running.account = healthy.account()
        yield running


def doctor(*words: str) -> Result:
    return CliRunner().invoke(cli.main, ["doctor", *words], prog_name="guard")


def whole(fake: Fake, *words: str, api: str = f"http:{API}/$default") -> Result:
    """All there is to look at."""
    groups = ("--log-group", GROUP, "--log-group", ACCESS_GROUP, "--table", TABLE)
    return doctor("--endpoint-url", fake.url, *groups, "--function", FUNCTION, "--api", api, *words)


def found(result: Result) -> Found:
    told = json.loads(result.stdout)
    assert "guard.doctor/1" == told["schema"]
    return {(each["id"], each["about"]): each for each in told["checks"]}


def looked(fake: Fake, **asked: Any) -> Found:
    return found(whole(fake, "--format", "json", **asked))


def not_ok(fake: Fake, **asked: Any) -> dict[tuple[str, str | None], str]:
    """The checks that are not ok, but for the function's timeout, which outlives the gateway here."""
    told = looked(fake, **asked)
    expected = {("function-timeout", FUNCTION), ("cdk-node", None)}  # skipped where there is no aws_cdk
    return {key: each["state"] for key, each in told.items() if each["state"] != "ok" and key not in expected}


def test_all_is_well_where_all_is_there(fake: Fake) -> None:
    """With other alarms, APIs, functions and filters beside, on several pages; nothing is scanned."""
    assert {} == not_ok(fake)
    assert 0 == fake.logs.scanned
    assert {name for name in fake.counts if not name.startswith(("Describe", "Get", "List", "Filter"))} == {
        "StartQuery",
        "StopQuery",
    }


def test_what_the_doctor_asks_is_what_its_policy_allows(fake: Fake) -> None:
    """An HTTP API, a REST API, and all else: no operation more, and none less."""
    whole(fake)
    doctor("--endpoint-url", fake.url, "--api", "rest:coaching")

    assert {grant.operation for grant in GRANTS if "doctor" in grant.uses} == set(fake.counts)


def test_each_line_has_a_known_id_and_state_and_a_fix_where_it_is_not_ok(fake: Fake) -> None:
    """What is not well says what to do; what is well says nothing of the kind."""
    fake.account.alarms = []
    told = [*looked(fake).values(), *found(doctor("--format", "json")).values()]

    assert {each["id"] for each in told} <= set(CHECKS)
    assert {each["state"] for each in told} <= set(STATES)
    assert [] == [each for each in told if (each["state"] == "ok") != (each["fix"] is None)]


def test_the_page_has_every_check_and_state() -> None:
    """docs/doctor.md is the reference of the JSON: IDs and states as the code has them."""
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.+) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE))

    assert {**CHECKS, **STATES} == rows


# --- without AWS ------------------------------------------------------------------------------------


def test_without_a_name_it_looks_at_this_machine_alone() -> None:
    """The local checks, and for each other which option would look."""
    told = found(doctor("--format", "json"))
    skipped = {id: each["fix"] for (id, _), each in told.items() if each["state"] == "skipped"}

    where_cdk_is = {"cdk-node"} - set(skipped)
    assert {"packages", "aws-extra"} | where_cdk_is == {id for id, _ in told} - set(skipped)
    elsewhere = {"credentials", "log-group", "table", "access-log", "function", "alarm"}
    assert elsewhere == set(skipped) - {"cdk-node"}
    for id, option in (
        ("log-group", "--log-group"),
        ("table", "--table"),
        ("alarm", "--function NAME --api"),
    ):
        assert option in skipped[id]


def test_an_unknown_profile_is_told_and_the_rest_is_looked_at() -> None:
    """The credentials fail, with the way to name others; this machine is looked at all the same."""
    result = doctor("--log-group", GROUP, "--profile", "none", "--format", "json")
    told = found(result)

    assert (1, "failed") == (result.exit_code, told["credentials", None]["state"])
    assert "--profile" in told["credentials", None]["fix"]
    assert "ok" == told["aws-extra", None]["state"]


@pytest.mark.parametrize(
    "words", [("--api", "abc123"), ("--api", "http:"), ("--log-group", "a group"), ("-c", "nothing=1")]
)
def test_a_name_that_is_none_is_refused(words: tuple[str, ...]) -> None:
    """Exit code 2 and what to write instead."""
    assert 2 == doctor(*words).exit_code


# --- CloudWatch Logs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "name", "state"),
    [
        ("FilterLogEvents", f"logs:FilterLogEvents on {GROUP}", "failed"),
        ("StartQuery", f"logs:StartQuery on {GROUP}", "failed"),
        ("GetQueryResults", "logs:GetQueryResults", "failed"),
        ("StopQuery", "logs:StopQuery", "failed"),
        ("DescribeFieldIndexes", f"logs:DescribeFieldIndexes on {GROUP}", "warning"),
        ("DescribeLogGroups", "logs:DescribeLogGroups", "warning"),
        ("DescribeMetricFilters", f"logs:DescribeMetricFilters on {GROUP}", "failed"),
        ("GetItem", f"dynamodb:GetItem on {TABLE}", "failed"),
        ("DescribeAlarms", "cloudwatch:DescribeAlarms", "failed"),
        ("DescribeAlarmHistory", "cloudwatch:DescribeAlarmHistory", "warning"),
        ("GetMetricStatistics", "cloudwatch:GetMetricStatistics", "failed"),
        ("ListSubscriptionsByTopic", "sns:ListSubscriptionsByTopic", "failed"),
        ("GetFunctionConfiguration", f"lambda:GetFunctionConfiguration on {FUNCTION}", "failed"),
        ("GetRoutes", "apigateway:GET", "failed"),
    ],
)
def test_each_permission_that_lacks_is_named(operation: str, name: str, state: str) -> None:
    """One line with the permission to give, and whatever can be looked at without it is."""
    with serving(healthy.store(), None, Fault(operation, errors.DENIED)) as fake:
        fake.account = healthy.account()
        told = looked(fake)
    permission = told["permission", name]

    assert (state, f"the role needs {name.partition(' ')[0]}") == (permission["state"], permission["fix"])
    assert "ok" == told["credentials", None]["state"]
    denied = {key for key, each in told.items() if key[0] == "permission" and each["state"] != "ok"}
    assert {("permission", name), ("permission", name.replace(GROUP, ACCESS_GROUP))} >= denied


def test_a_group_that_is_none_fails_and_others_are_looked_at(fake: Fake) -> None:
    """Also where another group begins with its name."""
    told = found(
        doctor(
            "--endpoint-url", fake.url, "--log-group", GROUP[:-1], "--log-group", GROUP, "--format", "json"
        )
    )

    assert ("failed", "ok") == (told["log-group", GROUP[:-1]]["state"], told["log-group", GROUP]["state"])


@pytest.mark.parametrize(
    ("class_", "days", "expected"),
    [
        ("STANDARD", 3, {("retention", GROUP): "warning"}),
        ("INFREQUENT_ACCESS", 30, {("log-group", GROUP): "failed"}),
    ],
)
def test_class_and_retention_are_judged(
    fake: Fake, class_: str, days: int | None, expected: dict[tuple[str, str], str]
) -> None:
    """Logs that go too soon, or cannot be read by FilterLogEvents."""
    group = fake.logs.store.group(GROUP)
    group.class_, group.retention_days = class_, days

    assert expected == not_ok(fake)


def test_a_group_without_an_index_is_dearer(fake: Fake) -> None:
    """The command that merges one into the group's policy is the fix."""
    fake.logs.store.group(GROUP).indexes.clear()
    told = looked(fake)["index", GROUP]

    assert "warning" == told["state"]
    assert f"aws logs describe-index-policies --log-group-identifiers {GROUP} > policy.json" in told["fix"]
    assert f"guard alarms index-policy {GROUP} --existing policy.json" in told["fix"]


@pytest.mark.parametrize(("ahead", "state"), [(0, "ok"), (90, "warning"), (600, "failed")])
def test_the_clock_is_compared_with_the_services(ahead: int, state: str) -> None:
    """A minute off is told, more than five is refused by AWS."""
    now = datetime(2026, 2, 9, 23, 48, tzinfo=UTC)

    assert state == clock("Mon, 09 Feb 2026 23:48:00 GMT", now + timedelta(seconds=ahead)).state


def test_a_clock_that_is_far_off_is_told_where_the_signature_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """AWS refuses what is signed too late: the time of its refusal says why."""
    fault = Fault("DescribeLogGroups", errors.ApiError("InvalidSignatureException", "Signature expired"))
    monkeypatch.setattr(cli, "_now", lambda: datetime.now(UTC) + timedelta(minutes=10))
    with serving(healthy.store(), None, fault) as fake:
        told = looked(fake)

    assert ("failed", "failed") == (told["credentials", None]["state"], told["clock", None]["state"])


def test_expired_credentials_are_the_first_thing_to_fix() -> None:
    """Nothing else is asked after that."""
    with serving(healthy.store(), None, Fault("DescribeLogGroups", errors.EXPIRED)) as fake:
        result = whole(fake)

        assert {"DescribeLogGroups": 1} == dict(fake.counts)
    assert 1 == result.exit_code
    assert "failed   credentials: the credentials expired\n         fix: sign in again" in result.output


# --- the function and its API -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "waits", "state", "fix"),
    [
        (None, 30_000, "ok", None),
        ("30000", 30_000, "ok", None),
        (None, 20_000, "warning", "set GUARD_GATEWAY_LIMIT_MS to 20000"),
        ("30000", 20_000, "failed", "set GUARD_GATEWAY_LIMIT_MS to 20000"),
        ("20000", 20_000, "ok", None),
        ("30", 30_000, "failed", "set GUARD_GATEWAY_LIMIT_MS to 30000"),
        ("30s", 30_000, "failed", "set GUARD_GATEWAY_LIMIT_MS to 30000"),
    ],
)
def test_the_limit_that_guards_are_told_is_the_apis(
    fake: Fake, given: str | None, waits: int, state: str, fix: str | None
) -> None:
    """Equal, missing or different: what to set. A default that is right needs no setting."""
    environment = {} if given is None else {"GUARD_GATEWAY_LIMIT_MS": given}
    fake.account.functions[FUNCTION] = healthy.function(FUNCTION, 300, **environment)
    fake.account.http_apis[API] = healthy.http_api(FUNCTION, waits)
    told = looked(fake)["gateway-limit", FUNCTION]

    assert (state, fix is None) == (told["state"], told["fix"] is None)
    assert (fix or "") in (told["fix"] or "")


def test_a_rest_apis_limit_is_read_from_its_methods() -> None:
    """29 s unless it was raised; the API is found by its name among others, or by its ID."""
    with serving(healthy.store()) as fake:
        fake.account = healthy.account()
        fake.account.rest_apis["r000000003"] = {**healthy.rest_api(FUNCTION, 60_000), "name": "coaching"}
        by_name, by_id = (looked(fake, api=api) for api in ("rest:coaching/prod", "rest:r000000003"))

    assert "the REST API coaching waits 60,000 ms" in by_name["gateway-limit", FUNCTION]["said"]
    assert by_name["gateway-limit", FUNCTION] == by_id["gateway-limit", FUNCTION]
    assert "ok" == by_name["access-log", "prod"]["state"]


def test_an_environment_that_may_not_be_seen_is_unknown(fake: Fake) -> None:
    """Lambda says so where the role may not decrypt it: nothing is claimed."""
    told = {"FunctionName": FUNCTION, "Timeout": 300, "Environment": {"Error": {"ErrorCode": "AccessDenied"}}}
    fake.account.functions[FUNCTION] = told

    assert {("gateway-limit", FUNCTION): "unknown"} == not_ok(fake)


def test_ctrl_c_ends_the_doctor(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while a query is waited for: it is stopped, and nothing more is asked."""

    def pressed(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(live, "Calls", functools.partial(calls.Calls, sleep=pressed))
    result = whole(fake)

    assert (130, 1) == (result.exit_code, fake.counts["StopQuery"])
    assert 0 == fake.counts["DescribeAlarms"]


def test_a_function_that_the_api_does_not_call_is_told(fake: Fake) -> None:
    """Whether by another integration, or by a stage variable, which leaves it unknown."""
    fake.account.http_apis[API] = healthy.http_api("other", 30_000)
    assert "failed" == looked(fake)["function", FUNCTION]["state"]

    fake.account.http_apis[API] = healthy.http_api("${stageVariables.name}", 30_000)
    assert "unknown" == looked(fake)["function", FUNCTION]["state"]


def test_routes_that_wait_differently_are_told(fake: Fake) -> None:
    """One variable cannot tell two limits: the shorter one is the safe one."""
    api = healthy.http_api(FUNCTION, 30_000, "POST /a", "POST /b")
    api["routes"][1]["Target"] = "integrations/i4"
    api["integrations"].append({**api["integrations"][2], "IntegrationId": "i4", "TimeoutInMillis": 10_000})
    fake.account.http_apis[API] = api
    told = looked(fake)["gateway-limit", FUNCTION]

    assert ("warning", True) == (told["state"], "10,000 or 30,000 ms" in told["said"])
    assert "to 10000" in told["fix"]


def test_a_function_that_is_not_there_fails(fake: Fake) -> None:
    """Its alarms are not guessed at: how long it may run is not known."""
    del fake.account.functions[FUNCTION]
    told = looked(fake)

    assert ("failed", "unknown") == (told["function", FUNCTION]["state"], told["alarm", None]["state"])
    assert "timeout_s" in told["alarm", None]["said"]


@pytest.mark.parametrize(
    ("format", "state", "said", "fix"),
    [
        (
            "$context.integration.requestId $context.requestId $context.status",
            "warning",
            "by ID",
            "requestTimeEpoch",
        ),
        (
            "$context.requestId $context.status $context.responseLatency",
            "warning",
            "by time alone",
            "integration",
        ),
        ("$context.routeKey $context.status", "warning", "to no request", "$context.integration.requestId"),
        ("$context.requestId", "warning", "neither $context.status", ""),
        (
            "$context.awsEndpointRequestId $context.requestId $context.status $context.requestTimeEpoch",
            "ok",
            "by ID",
            "",
        ),
    ],
)
def test_the_stages_own_format_tells_which_joins_are_possible(
    fake: Fake, format: str, state: str, said: str, fix: str
) -> None:
    """Lambda's ID, by the same variable under whichever name, else the time, else nothing."""
    fake.account.http_apis[API]["stages"][2]["AccessLogSettings"]["Format"] = format
    told = looked(fake)["access-log", "$default"]

    assert (state, True, True) == (told["state"], said in told["said"], fix in (told["fix"] or ""))


def test_an_api_without_an_access_log_says_what_cannot_be_known(fake: Fake) -> None:
    """And with the one route $default no path can be told from another, as in the incident's API."""
    del fake.account.http_apis[API]["stages"][2]["AccessLogSettings"]
    told = looked(fake)

    assert "arithmetic" in told["access-log", "$default"]["said"]
    assert ("warning", True) == (
        told["default-route", None]["state"],
        "$context.path" in told["default-route", None]["fix"],
    )


def test_a_route_of_its_own_is_not_the_default_route(fake: Fake) -> None:
    """Then a metric can tell it."""
    fake.account.http_apis[API] = healthy.http_api(FUNCTION, 30_000, "POST /coaching/message", "$default")

    assert ("default-route", None) not in looked(fake)


def test_an_access_log_in_a_group_that_is_not_named_is_told(fake: Fake) -> None:
    """Name it too, and the client's side is observed."""
    words = ("--log-group", GROUP, "--api", f"http:{API}", "--endpoint-url", fake.url, "--format", "json")
    told = found(doctor(*words))["access-log-group", "$default"]

    assert ("warning", f"name it too: --log-group {ACCESS_GROUP}") == (told["state"], told["fix"])


def test_an_api_or_stage_that_is_not_there_fails(fake: Fake) -> None:
    """Stages that there are, are named."""
    assert "failed" == looked(fake, api="rest:none")["access-log", "none"]["state"]
    assert "unknown" == looked(fake, api="http:none1")["access-log", "http:none1"]["state"]
    told = looked(fake, api=f"http:{API}/prod")["access-log", "prod"]
    assert ("failed", True) == (told["state"], "dev, test, $default" in told["fix"])


def test_a_format_alone_is_judged_without_aws() -> None:
    """As it is typed, with no API named."""
    told = found(doctor("--access-log-format", "$context.requestId $context.status", "--format", "json"))

    assert "warning" == told["access-log", None]["state"]


# --- alarms -----------------------------------------------------------------------------------------


def change(name: str, **fields: object) -> Callable[[Fake], None]:
    def changed(fake: Fake) -> None:
        for alarm in fake.account.alarms:
            if alarm["AlarmName"] == name:
                alarm.update(fields)

    return changed


def without(name: str) -> Callable[[Fake], None]:
    def removed(fake: Fake) -> None:
        fake.account.alarms = [each for each in fake.account.alarms if each["AlarmName"] != name]

    return removed


COMPOSITE = f"{FUNCTION}-users-hit"
OTHER_FUNCTION = [{"Name": "FunctionName", "Value": "elsewhere"}]


@pytest.mark.parametrize(
    ("breaks", "check", "state", "said"),
    [
        (without(WARNING), ("alarm", WARNING), "failed", "it is not deployed"),
        (without(COMPOSITE), ("alarm", COMPOSITE), "failed", "it is not deployed"),
        (change(WARNING, Threshold=24_000.0), ("alarm", WARNING), "warning", "Threshold is 24000, not 25000"),
        (change(WARNING, Threshold=25.0), ("alarm", WARNING), "failed", "nearly every request fires it"),
        (change(WARNING, Period=300), ("alarm", WARNING), "warning", "Period is 300, not 60"),
        (
            change(WARNING, EvaluationPeriods=1),
            ("alarm", WARNING),
            "warning",
            "EvaluationPeriods is 1, not 7",
        ),
        (
            change(WARNING, DatapointsToAlarm=7),
            ("alarm", WARNING),
            "warning",
            "DatapointsToAlarm is 7, not 1",
        ),
        (change(WARNING, TreatMissingData="breaching"), ("alarm", WARNING), "warning", "TreatMissingData"),
        (
            change(WARNING, ComparisonOperator="LessThanThreshold"),
            ("alarm", WARNING),
            "warning",
            "ComparisonOperator",
        ),
        (change(WARNING, Statistic="Average"), ("alarm", WARNING), "failed", "Statistic is Average"),
        (change(WARNING, Unit="Seconds"), ("alarm", WARNING), "failed", "Unit is Seconds, not not set"),
        (
            change(ERRORS, MetricName="5XXError"),
            ("alarm", ERRORS),
            "failed",
            "MetricName is 5XXError, not 5xx",
        ),
        (change(COMPOSITE, AlarmRule="FALSE"), ("alarm", COMPOSITE), "warning", "AlarmRule is FALSE"),
        (change(WARNING, ActionsEnabled=False), ("alarm-actions", WARNING), "failed", "switched off"),
        (change(WARNING, AlarmActions=[]), ("alarm-actions", WARNING), "failed", "it has no action"),
    ],
)
def test_an_alarm_that_is_not_the_catalogs_is_told(
    fake: Fake, breaks: Callable[[Fake], None], check: tuple[str, str], state: str, said: str
) -> None:
    """Missing, changed or silent: the one check that is about it, and no other alarm's."""
    breaks(fake)
    told = looked(fake)

    assert (state, True) == (told[check]["state"], said in told[check]["said"])
    others = {
        key for key, each in told.items() if key[0] in ("alarm", "alarm-actions") and each["state"] != "ok"
    }
    assert {check} == others


def test_a_suppressor_named_by_its_arn_is_the_same(fake: Fake) -> None:
    """CloudWatch gives it as it was given."""
    arn = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{FUNCTION}-deploying"
    change(COMPOSITE, ActionsSuppressor=arn)(fake)

    assert {} == not_ok(fake)


def test_what_cloudwatch_leaves_out_is_no_drift(fake: Fake) -> None:
    """An alarm whose M is its N has no DatapointsToAlarm."""
    made = healthy.made()
    change(WARNING, DatapointsToAlarm=None)(fake)
    for alarm in fake.account.alarms:
        if alarm["AlarmName"] == WARNING:
            del alarm["DatapointsToAlarm"]
    said = looked(fake)["alarm", WARNING]["said"]

    assert f"DatapointsToAlarm is {made.alarms[0].evaluation_periods}, not 1" == said


def test_a_metric_without_data_for_a_week_is_told(fake: Fake) -> None:
    """Where each request gives a datapoint; what counts rare things may well be without."""
    fake.account.samples.clear()
    change(WARNING, StateValue="INSUFFICIENT_DATA")(fake)
    told = looked(fake)
    states = {about: each["state"] for (id, about), each in told.items() if id == "alarm-data"}

    assert {WARNING, CRITICAL, ERRORS} == {name for name, state in states.items() if state == "warning"}
    assert "INSUFFICIENT_DATA" in told["alarm-data", WARNING]["said"]


def test_data_is_asked_for_as_the_alarm_is_deployed(fake: Fake) -> None:
    """An alarm that looks at another function's metric is silent, whatever the catalog says."""
    change(WARNING, Dimensions=OTHER_FUNCTION)(fake)
    told = looked(fake)

    assert "warning" == told["alarm-data", WARNING]["state"]
    assert f"FunctionName=elsewhere, not FunctionName={FUNCTION}" in told["alarm", WARNING]["said"]


@pytest.mark.parametrize(
    ("subscriptions", "state", "said"),
    [
        ([], "failed", "nobody is subscribed"),
        (["Deleted"], "failed", "nobody is subscribed"),
        (["PendingConfirmation"], "failed", "nobody hears of it"),
        ([f"{TOPIC}:1", f"{TOPIC}:2", "PendingConfirmation"], "warning", "1 of 3 subscriptions"),
        (None, "failed", "does not exist"),
    ],
)
def test_a_topic_that_nobody_hears_is_told(
    fake: Fake, subscriptions: list[str] | None, state: str, said: str
) -> None:
    """No subscription, none that was confirmed, or no topic."""
    del fake.account.topics[TOPIC]
    if subscriptions is not None:
        fake.account.topics[TOPIC] = subscriptions
    told = looked(fake)["topic", TOPIC]

    assert (state, True) == (told["state"], said in told["said"])


def test_a_metric_filter_that_is_not_there_blinds_its_alarm(fake: Fake) -> None:
    """Missing, or with another pattern: the alarm counts nothing, or something else."""
    missing, changed = f"{FUNCTION}-retry-refused", f"{FUNCTION}-outlived-gateway"
    group = fake.logs.store.group(GROUP)
    group.filters = [each for each in group.filters if each["filterName"] != missing]
    next(each for each in group.filters if each["filterName"] == changed)["filterPattern"] = "ERROR"
    told = not_ok(fake)

    assert {("metric-filter", missing): "failed", ("metric-filter", changed): "failed"} == told


def test_the_catalog_is_what_guard_toml_says(fake: Fake) -> None:
    """Its table [alarms] is the one that deploys them; what it says wrongly of the function is told."""
    Path("guard.toml").write_text(
        f'log_group = "{GROUP}"\nendpoint_url = "{fake.url}"\ntable = "{TABLE}"\n'
        f'[alarms]\n[[alarms.service]]\nfunction = "{FUNCTION}"\napi = "http:{API}"\n'
        "timeout_s = 60\nwarning_ms = 20000\n"
    )
    told = found(doctor("--format", "json"))

    assert "Threshold is 25000, not 20000" in told["alarm", WARNING]["said"]
    assert "timeout_s is said to be 60, and is 300" == told["alarm-inputs", "timeout_s"]["said"]
    assert "ok" == told["table", TABLE]["state"]


def test_a_table_with_another_key_is_told() -> None:
    """Its row cannot be read by the session's ID alone."""
    fault = Fault(
        "GetItem", errors.ApiError("ValidationException", "The provided key element does not match")
    )
    with serving(healthy.store(), None, fault) as fake:
        told = found(doctor("--endpoint-url", fake.url, "--table", TABLE, "--format", "json"))

    assert ("failed", True) == (told["table", TABLE]["state"], "session_id" in told["table", TABLE]["fix"])


def test_the_text_folds_what_is_well_and_tells_each_fix(fake: Fake) -> None:
    """Many of a kind are one line; what is not well stands with its fix below it."""
    change(WARNING, ActionsEnabled=False)(fake)
    lines = whole(fake).stdout.splitlines()

    assert "ok       alarm: 7, all well" in lines
    at = next(number for number, line in enumerate(lines) if line.startswith("failed   alarm-actions"))
    assert f"         fix: run: aws cloudwatch enable-alarm-actions --alarm-names {WARNING}" == lines[at + 1]
