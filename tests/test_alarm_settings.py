"""From words on the command line, guard.toml and Pulumi's outputs to the inputs of the catalog."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys

import pytest
from click.testing import CliRunner

from alarms.document import summary
from alarms.inputs import FunctionInput, HttpApi, RestApi
from alarms.settings import from_words
from cli import main
from guards.errors import BadUsage, install_command
from incidents.config import defaults

WORDS = {"function": "coaching-api-4b4d001", "timeout_s": "300", "api": "http:abc123"}
SAID = [word for key, value in WORDS.items() for word in ("-c", f"{key}={value}")]
TOPIC = "arn:aws:sns:us-east-1:123456789012:tickets"
OUTPUTS = {
    "apiId": "abc123",
    "lambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:coaching-api-4b4d001",
    "url": "https://example.org",
}


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    """A folder without settings, and no Region in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


def test_words_become_inputs():
    """Function, timeout and API are typed, and stage and limit are the API kind's own."""
    [service] = from_words(WORDS).services

    assert FunctionInput("coaching-api-4b4d001", 300) == service.function
    assert HttpApi("abc123", "$default", 30_000) == service.api


def test_a_rest_api_is_said_by_its_name_and_stage():
    """rest:NAME with a stage, and a limit where its quota was raised."""
    [service] = from_words({**WORDS, "api": "rest:coaching", "stage": "prod", "limit_ms": "60000"}).services

    assert RestApi("coaching", "prod", 60_000) == service.api


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"functon": "f"}, "'functon', which is not known; known are function, timeout_s"),
        ({"timeout_s": "5min"}, "the function's own timeout, in whole seconds"),
        ({"middleware": "yes"}, "true where the function runs our middleware"),
        ({"warning_ms": "inf"}, "a duration that is a warning, in ms"),
        ({"stack": "my stack"}, "write letters, digits and hyphens"),
        ({"page_topic": "pages"}, "write arn:aws:sns:REGION:ACCOUNT:NAME"),
        ({"api": "abc123"}, "write http:API-ID or rest:API-NAME"),
        ({"email": "nomail"}, "write one such as oncall@example.com"),
        ({"email": ""}, "write one such as oncall@example.com"),
        ({"region": "mars"}, "write one such as us-east-1"),
        ({"region": "us-east-1a"}, "write one such as us-east-1"),
        ({"runbooks": "docs/runbooks"}, "write the URL that"),
        ({"api": "rest:coaching"}, "stage=prod"),
        ({"route": "$default"}, "access_log_group=... and path=/coaching/message"),
        ({"pulumi": "no-such-file.json"}, "run `pulumi stack output --json > outputs.json`"),
    ],
)
def test_a_word_that_is_none_is_refused(words, said):
    """The refusal names the word and says what to write."""
    with pytest.raises(BadUsage) as refused:
        from_words({**WORDS, **words})

    assert said in str(refused.value)


@pytest.mark.parametrize("missing", sorted(WORDS))
def test_a_word_that_is_missing_is_asked_for(missing):
    """Function, timeout and API cannot be guessed."""
    with pytest.raises(BadUsage, match=f"{missing} is not said"):
        from_words({key: value for key, value in WORDS.items() if key != missing})


def test_guard_toml_names_several_services(tmp_path):
    """Each table is a service; what stands above them holds for all."""
    (tmp_path / "guard.toml").write_text(
        '[alarms]\nemail = "oncall@example.com"\nregion = "eu-west-1"\n'
        '[[alarms.service]]\nfunction = "dev"\ntimeout_s = 300\napi = "http:dev123"\n'
        '[[alarms.service]]\nfunction = "prod"\ntimeout_s = 300\napi = "http:prd123"\nmiddleware = true\n'
    )
    settings = from_words({}, tmp_path)

    assert ["dev", "prod"] == [service.name for service in settings.services]
    assert [False, True] == [service.middleware for service in settings.services]
    assert {"eu-west-1"} == {service.region for service in settings.services}
    assert "oncall@example.com" == settings.email


def test_a_word_goes_over_guard_toml_where_it_is_clear_what_it_means(tmp_path):
    """With one service a word changes it; with two it is refused."""
    one = '[[alarms.service]]\nfunction = "dev"\ntimeout_s = 300\napi = "http:dev123"\n'
    (tmp_path / "guard.toml").write_text(one)
    [service] = from_words({"timeout_s": "60"}, tmp_path).services
    (tmp_path / "guard.toml").write_text(one + one.replace("dev", "prod"))

    assert 60 == service.function.timeout_s
    with pytest.raises(BadUsage, match="2 services, and timeout_s does not say which"):
        from_words({"timeout_s": "60"}, tmp_path)


def test_guard_trace_leaves_the_table_of_the_alarms_alone(tmp_path):
    """One guard.toml serves both commands."""
    (tmp_path / "guard.toml").write_text('gateway = "rest"\n[alarms]\nemail = "a@example.com"\n')

    assert {"gateway": "rest"} == defaults(tmp_path)


def test_pulumi_says_function_region_and_api(tmp_path):
    """The outputs of the API's stack, as `pulumi stack output --json` prints them."""
    (tmp_path / "outputs.json").write_text(json.dumps(OUTPUTS))
    [service] = from_words({"pulumi": str(tmp_path / "outputs.json"), "timeout_s": "300"}).services

    assert ("coaching-api-4b4d001", "us-east-1") == (service.name, service.region)
    assert HttpApi("abc123") == service.api


def test_outputs_of_another_stack_are_refused(tmp_path):
    """The refusal lists what the file has instead."""
    (tmp_path / "outputs.json").write_text('{"bucket": "b"}')

    with pytest.raises(BadUsage, match=r"no lambdaArn and apiId among its outputs \(bucket\)"):
        from_words({"pulumi": str(tmp_path / "outputs.json"), "timeout_s": "300"})


def test_the_catalog_is_printed_for_who_deploys_otherwise():
    """--format json has alarms, filters, queries, the access-log format, the pipeline's step and the cost."""
    answer = CliRunner().invoke(main, ["alarms", "synth", *SAID, "--format", "json"])
    made = json.loads(answer.stdout)

    assert 0 == answer.exit_code
    assert ["5xx"] == [e["MetricName"] for e in made["alarms"] if e["AlarmName"].endswith("-api-5xx")]
    assert [25_000, 28_000] == [e["Threshold"] for e in made["alarms"] if e["MetricName"] == "Duration"]
    assert "$context.integration.requestId" in made["access_log_formats"]["coaching-api-4b4d001"]
    assert 6.0 == sum(line["total"] for line in made["usd_a_month"])


def test_what_the_template_still_needs_is_said_beside_it():
    """Cost, the pipeline's step, who hears, runbooks, the grant on the key of a topic not ours: on stderr."""
    answer = CliRunner().invoke(
        main, ["alarms", "synth", *SAID, "-c", f"ticket_topic={TOPIC}", "--format", "json"]
    )
    cost, step, heard, runbooks, grant = answer.stderr.splitlines()

    assert "guard: 6 alarms and 1 composite; at most 6.00 USD a month" == cost
    assert step.endswith(
        "--namespace CoachingGuard/coaching-api-4b4d001 --metric-name DeployInProgress --value 1"
    )
    assert "write a topic's ARN for PAGE-TOPIC-ARN, one that somebody is subscribed to" in heard
    assert "-c runbooks=URL" in runbooks
    assert f"if {TOPIC} is encrypted, its key's policy must allow cloudwatch.amazonaws.com" in grant


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({}, ["nobody is subscribed to the topics for tickets and pages: add -c email=ADDRESS"]),
        ({"page_topic": TOPIC}, ["nobody is subscribed to the topic for tickets: add -c email=ADDRESS"]),
        ({"ticket_topic": TOPIC}, ["nobody is subscribed to the topic for pages: add -c email=ADDRESS"]),
        ({"ticket_topic": TOPIC, "page_topic": TOPIC}, []),
        ({"email": "oncall@example.com"}, []),
        (
            {"email": "oncall@example.com", "ticket_topic": TOPIC, "page_topic": TOPIC},
            ["oncall@example.com is subscribed to nothing"],
        ),
    ],
)
def test_alarms_that_nobody_hears_are_told(words, said):
    """The stack would deploy cleanly, and its alarms would fire into empty topics."""
    heard = [each for each in summary(from_words({**WORDS, **words})) if "subscribed" in each]

    assert len(said) == len(heard)
    assert all(sentence.startswith(start) for sentence, start in zip(heard, said, strict=True))


@pytest.mark.parametrize(
    "region",
    ["us-east-1", "ap-southeast-4", "cn-northwest-1", "us-gov-east-1", "us-isob-east-1", "eusc-de-east-1"],
)
def test_every_partitions_regions_are_names(region):
    """China, GovCloud, the isolated and the sovereign ones are named in longer words."""
    assert region == from_words({**WORDS, "region": region}).services[0].region


def test_a_wrong_input_ends_the_command_with_two():
    """25 for 25,000 is refused on stderr, in one sentence."""
    answer = CliRunner().invoke(main, ["alarms", "synth", *SAID, "-c", "warning_ms=25", "--format", "json"])

    assert (2, "") == (answer.exit_code, answer.stdout)
    assert "for 25 s write 25000\n" in answer.stderr


def test_a_word_without_a_value_is_refused():
    """-c takes KEY=VALUE."""
    answer = CliRunner().invoke(main, ["alarms", "synth", "-c", "function"])

    assert (2, "guard: -c function has no value; write -c function=VALUE\n") == (
        answer.exit_code,
        answer.stderr,
    )


def test_without_the_extra_the_command_names_the_one_that_installs_it():
    """A template needs aws_cdk; where it is missing, one sentence says how to get it."""
    code = f"import sys; sys.modules['aws_cdk'] = None; import cli; cli.main(['alarms', 'synth', *{SAID}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert 2 == done.returncode
    assert f"run: {install_command('cdk')}" in done.stderr


def test_the_app_says_that_the_cdk_cli_runs_it():
    """Run by hand it would write into a folder that nobody looks at."""
    answer = CliRunner().invoke(main, ["alarms", "app"], env={"CDK_OUTDIR": None})

    assert 2 == answer.exit_code
    assert 'cdk deploy --app "guard alarms app"' in answer.stderr


def test_the_index_policy_is_read_before_it_is_written(tmp_path):
    """Without the policy in force the command prints the whole recipe, with it the merged call."""
    (tmp_path / "policy.json").write_text(
        '{"indexPolicies": [{"policyDocument": "{\\"Fields\\": [\\"a\\"]}"}]}'
    )
    read = CliRunner().invoke(main, ["alarms", "index-policy", "/g"])
    put = CliRunner().invoke(main, ["alarms", "index-policy", "/g", "--existing", "policy.json"])

    commands = [line for line in read.stdout.splitlines() if not line.startswith("#")]
    assert [
        "aws logs describe-index-policies --log-group-identifiers /g > policy.json",
        "guard alarms index-policy /g --existing policy.json",
    ] == commands
    assert read.stdout.splitlines()[-1].startswith("# Then run the call that this prints")
    assert '\'{"Fields": ["a", "session_id", "request_id"]}\'' in put.output


def test_the_recipe_of_the_index_policy_is_safe_to_paste():
    """It only reads: what writes is printed for a look. A group's name is one word, and in no comment."""
    recipe = CliRunner().invoke(main, ["alarms", "index-policy", "/a; reboot\nreboot"]).stdout
    words = shlex.split(recipe, comments=True)

    assert 2 == words.count("/a; reboot\nreboot")
    assert "put-index-policy" not in words
    assert "reboot" not in words


def test_standard_input_that_is_no_policy_is_named():
    """Not as "-", which nobody has typed as a name."""
    answer = CliRunner().invoke(
        main, ["alarms", "index-policy", "/g", "--existing", "-"], input="AccessDenied"
    )

    assert "standard input is no answer of describe-index-policies" in answer.stderr


def test_an_answer_that_is_none_is_refused(tmp_path):
    """A file that is no JSON is no policy."""
    (tmp_path / "policy.json").write_text("AccessDenied")
    answer = CliRunner().invoke(main, ["alarms", "index-policy", "/g", "--existing", "policy.json"])

    assert 2 == answer.exit_code
    assert "is no answer of describe-index-policies" in answer.stderr
