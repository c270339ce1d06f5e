"""``guard alarms lint`` as a user types it: formats, exit codes, files that are none, hostile names."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cli
from alarms.lint.examples import alarm, template
from guards.errors import install_command

TEMPLATES = Path(__file__).parent / "data" / "templates"
PLANTED = str(TEMPLATES / "planted" / "mistakes.yaml")


def guard(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli.main, ["alarms", "lint", *words], prog_name="guard", input=stdin)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a template of these alarms into the current folder, and give its name."""
    monkeypatch.chdir(tmp_path)

    def to(name: str, **resources) -> str:
        Path(name).write_text(json.dumps(template(**resources)), "utf-8")
        return name

    return to


def test_errors_end_with_1_and_warnings_with_0(write):
    """A warning alone does not fail a build."""
    slow = write("slow.json", Slow=alarm(Threshold=25))
    late = write("late.json", Late=alarm(EvaluationPeriods=1))
    good = write("good.json", Good=alarm())

    assert [1, 0, 0, 1] == [guard(*each).exit_code for each in ([slow], [late], [good], [good, slow])]
    assert "No findings in 1 template.\n" == guard(good).stdout


def test_text_names_the_template_the_resource_what_happens_and_the_fix(write):
    """Three lines a finding, and what it comes to."""
    assert (
        "slow.json\n"
        "ERROR   Slow: threshold-unit\n"
        "        Duration is in milliseconds: at 25 ms nearly every request fires it.\n"
        "        Fix: Write 25,000 if 25 s is meant.\n"
        "\n"
        "1 error, 0 warnings in 1 template.\n"
    ) == guard(write("slow.json", Slow=alarm(Threshold=25))).stdout


def test_json_holds_every_finding():
    """Counts, and the fields of each finding, as JSON on stdout alone."""
    done = guard(PLANTED, "--format", "json")
    document = json.loads(done.stdout)

    assert (1, 1, 6, 0) == (done.exit_code, document["templates"], document["errors"], document["warnings"])
    assert ["rule", "severity", "template", "resource", "summary", "fix"] == list(document["findings"][0])
    assert [PLANTED] * 6 == [each["template"] for each in document["findings"]]
    assert "" == done.stderr


def test_a_template_may_come_from_standard_input():
    """As in: cdk synth | guard alarms lint -"""
    done = guard("-", stdin=Path(PLANTED).read_text("utf-8"))

    assert (1, "standard input") == (done.exit_code, done.stdout.splitlines()[0])


@pytest.mark.parametrize("given", ["[]", "{", "Resources: ["])
def test_standard_input_that_is_no_template_is_named(given):
    """Not as "-", which nobody has typed as a name."""
    done = guard("-", stdin=given)

    assert (2, "guard: standard input is no ") == (done.exit_code, done.stderr[:28])


def test_rules_are_left_out_by_name(write):
    """Once each; a name that is no rule is refused with those that are."""
    slow = write("slow.json", Slow=alarm(Threshold=25, EvaluationPeriods=90_000))

    assert 1 == guard(slow, "--ignore", "threshold-unit").exit_code
    assert 0 == guard(slow, "--ignore", "threshold-unit", "--ignore", "period-limits").exit_code
    refused = guard(slow, "--ignore", "no-such-rule")
    assert (2, "") == (refused.exit_code, refused.stdout)
    assert "there is no rule 'no-such-rule'; there are unknown-metric" in refused.stderr


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.json", None, "'gone.json' cannot be read: No such file"),
        ("bytes.json", b"\xff\xfe\x00", "it is no UTF-8 text"),
        ("list.json", b"[]", "list.json is no CloudFormation template: its top level is a list"),
        ("cut.json", b'{"Resources": {', "cut.json is no JSON"),
        ("cut.yaml", b"Resources: [", "cut.yaml is no YAML: line 1"),
        ("folder", ..., "'folder' cannot be read: Is a directory"),
    ],
)
def test_what_is_no_template_ends_with_2_and_says_why(tmp_path, monkeypatch, name, content, says):
    """On stderr, with nothing on stdout."""
    monkeypatch.chdir(tmp_path)
    if content is ...:
        Path(name).mkdir()
    elif content is not None:
        Path(name).write_bytes(content)

    done = guard(name)

    assert (2, "") == (done.exit_code, done.stdout)
    assert says in done.stderr


def test_a_command_without_a_template_is_bad_usage():
    """It says what is missing."""
    done = guard()

    assert 2 == done.exit_code
    assert "Missing argument 'TEMPLATE...'" in done.stderr


def test_names_in_a_template_reach_the_terminal_clean(write):
    """Escape sequences and line breaks of a logical ID, metric or file show as escapes."""
    done = guard(write("t.json", **{"A\x1b[2J\nB": alarm(MetricName="Duration\x1b[m")}))

    assert 1 == done.exit_code
    assert "ERROR   A\\x1b[2J\\nB: unknown-metric" in done.stdout
    assert "\x1b" not in done.stdout + json.dumps(json.loads(guard("t.json", "--format", "json").stdout))


def test_a_json_template_needs_no_extra(write):
    """Without PyYAML, JSON is read all the same, and YAML names the one command that helps."""
    code = (
        "import sys; sys.modules['yaml'] = None\n"
        "from cli import main; main(prog_name='guard', args=sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, "alarms", "lint"]
    good = subprocess.run(
        [*command, write("good.json", Good=alarm())], capture_output=True, text=True, timeout=60
    )
    yaml = subprocess.run([*command, PLANTED], capture_output=True, text=True, timeout=60)

    assert (0, "No findings in 1 template.\n") == (good.returncode, good.stdout)
    assert (2, "") == (yaml.returncode, yaml.stdout)
    assert f"run: {install_command('yaml')}" in yaml.stderr


def test_the_command_loads_neither_cdk_nor_aws():
    """Linting reads text: it needs no Node, no aws_cdk and no boto3."""
    code = (
        "import sys; sys.argv = ['guard', 'alarms', 'lint', sys.argv[1]]\n"
        "from cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*({'aws_cdk', 'jsii', 'boto3', 'botocore'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, PLANTED], capture_output=True, text=True, timeout=60)

    assert "\n" == done.stderr
    assert "6 errors" in done.stdout
