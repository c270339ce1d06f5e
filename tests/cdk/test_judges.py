"""What others make of our templates: CDK's own validation, cfn-lint and cdk-nag."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import cdk_nag

from alarms.cdk import aws_cdk, packaged_node, sns
from alarms.lint import build, lint
from alarms.lint.reading import parse
from tests.cdk.stacks import EVERYTHING, stack_with, template

SAID = ("-c", "function=coaching-api-4b4d001", "-c", "timeout_s=300", "-c", "api=http:abc123")


def beside_this_python(name: str, *words: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """A command as installed beside this Python, which need not be on PATH."""
    command = shutil.which(name, path=sysconfig.get_path("scripts"))
    assert command is not None
    kept = {key: value for key, value in os.environ.items() if key not in ("JSII_NODE", "CDK_VALIDATION")}
    return subprocess.run(
        [command, *words], cwd=cwd, env={**kept, **environ}, capture_output=True, text=True, timeout=300
    )


def test_synthesis_needs_no_node_on_the_path(tmp_path):
    """In an environment that is not activated, with nothing on PATH, the Node of the extra is found."""
    done = beside_this_python("guard", "alarms", "synth", *SAID, cwd=tmp_path, PATH=str(tmp_path))

    assert 0 == done.returncode, done.stderr
    assert "AWS::CloudWatch::CompositeAlarm" in done.stdout


def test_the_node_of_the_extra_is_one_that_jsii_supports():
    """An older Node prints a banner of its end of life on stderr."""
    node = packaged_node()
    assert node is not None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout

    assert version.split(".")[0] in ("v22", "v24")


def test_cdks_own_validation_has_nothing_to_say(tmp_path):
    """With CDK_VALIDATION=true the same template comes out, and no word of a violation."""
    done = beside_this_python(
        "guard", "alarms", "synth", *SAID, cwd=tmp_path, CDK_VALIDATION="true", AWS_REGION="us-east-1"
    )

    assert 0 == done.returncode, done.stderr
    assert template() == json.loads(done.stdout)
    assert "violation" not in done.stderr.lower() and "warning" not in done.stderr.lower()


def test_cfn_lint_has_nothing_to_say(tmp_path):
    """No error and no warning, and no resource with state whose fate is left open (I3011)."""
    made = template(services=EVERYTHING, email="oncall@example.com", own_log_groups=True)
    (tmp_path / "template.json").write_text(json.dumps(made))
    done = beside_this_python("cfn-lint", "--include-checks", "I3", "--", "template.json", cwd=tmp_path)

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_cdk_nag_has_nothing_to_say():
    """The AWS Solutions rules find nothing in the construct, and do find a topic that takes plain HTTP."""
    stack = stack_with(services=EVERYTHING, email="oncall@example.com", own_log_groups=True)
    clean = violations(stack)
    sns.Topic(stack, "Bad")

    assert ([], ["AwsSolutions-SNS3"]) == (clean, violations(stack))


def violations(stack: aws_cdk.Stack) -> list[str]:
    judge = cdk_nag.AwsSolutionsChecks(stack.node.root)
    return [each.rule_name for each in judge.validate_scope(stack).violations]


def test_the_examples_own_app_synthesizes(tmp_path):
    """examples/alarms/app.py is a CDK app as it stands: two stages, two dashboards, two composites."""
    example = Path(__file__).parents[2] / "examples" / "alarms" / "app.py"
    subprocess.run(
        [sys.executable, str(example)],
        env={**os.environ, "CDK_OUTDIR": str(tmp_path)},
        check=True,
        timeout=120,
    )
    made = json.loads((tmp_path / "coaching-alarms.template.json").read_text())["Resources"].values()
    types = [each["Type"] for each in made]

    assert (2, 2) == (
        types.count("AWS::CloudWatch::Dashboard"),
        types.count("AWS::CloudWatch::CompositeAlarm"),
    )


def test_our_own_linter_has_nothing_to_say():
    """Neither of one service nor of everything that the catalog knows, where somebody is subscribed."""
    for services in (EVERYTHING[:1], EVERYTHING):
        made = template(services=services, email="oncall@example.com")

        assert [] == linted(made)


def test_our_own_linter_says_where_nobody_hears():
    """Without an address each topic that the stack makes is named, and nothing else."""
    made = template()
    topics = [name for name, each in made["Resources"].items() if each["Type"] == "AWS::SNS::Topic"]

    assert [("topic-subscription", name) for name in topics] == [found[:2] for found in linted(made)]


def linted(made: dict[str, Any]) -> list[tuple[str, str, str]]:
    found = lint(build(parse(json.dumps(made), "template")))
    return [(each.rule, each.resource, each.summary) for each in found]
