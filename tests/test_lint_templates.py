"""Whole templates: planted mistakes are found, good ones left alone, functions answered; nothing crashes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alarms.lint import build, lint, lint_files
from alarms.lint import examples as good
from alarms.lint.reading import parse, plain
from alarms.lint.resolve import Resolver
from alarms.lint.values import Reference, Text, Unknown
from guards.errors import BadUsage, GuardError

TEMPLATES = Path(__file__).parent / "data" / "templates"
PLANTED = TEMPLATES / "planted" / "mistakes.yaml"
GOOD = sorted([*(TEMPLATES / "good").iterdir(), *(TEMPLATES / "cdk").iterdir()])

SIX = {
    "UnknownDimension": "dimension-set",
    "MisspeltMetric": "unknown-metric",
    "SecondsForMilliseconds": "threshold-unit",
    "MoreThanItLooksAt": "m-over-n",
    "BrokenPattern": "filter-pattern",
    "BrokenDashboard": "dashboard-body",
}


def test_each_planted_mistake_is_found():
    """Six mistakes, six errors, each on its resource, and nothing else."""
    assert SIX == {
        each.resource: each.rule for each in lint_files([str(PLANTED)]) if each.severity == "error"
    }
    assert len(SIX) == len(lint_files([str(PLANTED)]))


def cfn_lint(path: Path) -> tuple[int, str]:
    """How the real cfn-lint ends on a file, and what it prints."""
    code = "import sys; from cfnlint.runner import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=300
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.once
def test_cfn_lint_finds_none_of_the_planted_mistakes(tmp_path):
    """It does run, and finds a property that is none; of the six it says nothing."""
    misspelt = tmp_path / "misspelt.yaml"
    misspelt.write_text(
        PLANTED.read_text("utf-8").replace("Statistic: Maximum", "Statistik: Maximum"), "utf-8"
    )

    assert (0, "") == cfn_lint(PLANTED)
    assert "Statistik" in cfn_lint(misspelt)[1]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_good_templates_have_no_findings(path):
    """Neither those of CDK's constructs nor those that people write."""
    assert () == lint_files([str(path)])


@pytest.mark.parametrize(
    ("name", "old", "new", "rule", "count"),
    [
        ("rest-api", '"MetricsEnabled": true', '"MetricsEnabled": false', "route-dimensions", 1),
        ("http-api", '"5xx"', '"5XXError"', "dimension-set", 1),
        ("lambda", '"Threshold": 25000', '"Threshold": 25', "threshold-unit", 1),
        ("queues-and-tables", '"QueueName"\n', '"Arn"\n', "dimension-value", 2),
        ("encrypted-topic", "cloudwatch.amazonaws.com", "sns.amazonaws.com", "topic-grant", 1),
        ("filters-and-dashboard", '{\\"widgets', '{\\"wigdets', "dashboard-body", 1),
        ("filters-and-dashboard", '"?', '"x ?', "filter-pattern", 1),
        ("filters-and-dashboard", '"(ALARM(', '"(ALARMS(', "composite-rule", 1),
    ],
)
def test_a_mistake_in_a_template_of_the_cdk_is_found(name, old, new, rule, count):
    """That the constructs' templates have no findings is not for want of understanding them."""
    text = (TEMPLATES / "cdk" / f"{name}.template.json").read_text("utf-8")
    changed = text.replace(old, new)

    assert count == sum(each.rule == rule for each in lint(build(parse(changed, name))))


def test_the_actions_of_the_cdks_alarms_are_what_keeps_them_heard():
    """Without its actions each alarm of a template says so."""
    tree = json.loads((TEMPLATES / "cdk" / "lambda.template.json").read_text("utf-8"))
    alarms = [body for body in tree["Resources"].values() if body["Type"] == "AWS::CloudWatch::Alarm"]
    for body in alarms:
        del body["Properties"]["AlarmActions"]

    assert len(alarms) == sum(each.rule == "no-action" for each in lint(build(tree))) > 3


# --- functions ----------------------------------------------------------------------------------------

TREE = {
    "Parameters": {
        "Limit": {"Type": "Number", "Default": 25},
        "Names": {"Type": "CommaDelimitedList", "Default": "a, b"},
        "Open": {"Type": "String"},
        "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/a/b"},
    },
    "Mappings": {"M": {"eu": {"T": 60}}},
}
ELSEWHERE = {"Fn::ImportValue": "x"}


@pytest.mark.parametrize(
    ("node", "value"),
    [
        ({"Ref": "Limit"}, 25),
        ({"Ref": "Names"}, ["a", "b"]),
        ({"Ref": "Open"}, Unknown("a parameter without a default")),
        ({"Ref": "Stored"}, Unknown("a parameter without a default")),
        ({"Ref": "AWS::Region"}, Unknown("Ref AWS::Region")),
        ({"Ref": "Alarm"}, Reference("Alarm", "Ref")),
        ({"Fn::GetAtt": ["Api", "ApiId"]}, Reference("Api", "ApiId")),
        ({"Fn::GetAtt": "Api.Nested.Value"}, Reference("Api", "Nested.Value")),
        ({"Fn::Sub": "p-${Limit}-${!x}"}, "p-25-${x}"),
        ({"Fn::Sub": ["${A}${B}", {"A": "x", "B": {"Ref": "Limit"}}]}, "x25"),
        ({"Fn::Sub": "a${Api.Arn}"}, Text(("a", Reference("Api", "Arn"), ""))),
        ({"Fn::Join": ["-", ["a", {"Ref": "Limit"}, {"Ref": "Names"}]]}, None),
        ({"Fn::Join": [",", {"Ref": "Names"}]}, "a,b"),
        ({"Fn::Join": ["", []]}, ""),
        ({"Fn::FindInMap": ["M", "eu", "T"]}, 60),
        ({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "T"]}, Unknown("Fn::FindInMap")),
        ({"Fn::If": ["C", 1, 1]}, 1),
        ({"Fn::If": ["C", 1, 2]}, Unknown("Fn::If")),
        ({"Fn::If": ["C", 1, True]}, Unknown("Fn::If")),
        ({"Fn::If": ["C", {"Ref": "AWS::NoValue"}, {"Ref": "AWS::NoValue"}]}, None),
        ({"Fn::Select": ["1", {"Fn::Split": [":", "a:b"]}]}, "b"),
        ({"Fn::Select": [7, ["a"]]}, Unknown("Fn::Select")),
        ({"Fn::ToJsonString": {"a": [1]}}, '{"a": [1]}'),
        ({"Fn::ToJsonString": {"a": ELSEWHERE}}, Unknown("Fn::ToJsonString")),
        (ELSEWHERE, Unknown("Fn::ImportValue")),
        ({"Fn::Weird": 1}, Unknown("Fn::Weird")),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, 1]}, {"b": [1]}),
        ({"Fn::ForEach::X": ["A", ["b"], {}], "c": 1}, Unknown("Fn::ForEach")),
    ],
)
def test_functions_are_answered_as_far_as_the_template_knows(node, value):
    """The rest is a reference or unknown, and never a guess."""
    found = Resolver(TREE).value(node)

    assert (value == found) if value is not None or found is None else isinstance(found, Text)


def test_yaml_and_json_read_alike():
    """Short forms are the long ones; dates stay texts; unknown tags are functions that nobody knows."""
    text = """
        Version: 2010-09-09
        When: 2010-09-09T01:02:03Z
        Odd: 2010-99-99
        Resources:
          A:
            Type: !Weird [x]
            Properties:
              B: !GetAtt Api.ApiId
              C: !Sub ["${A}", {A: !Ref B}]
              D: !If [X, !Ref "AWS::NoValue", !Select [0, !GetAZs ""]]
              E: !Condition F
    """

    assert {
        "Version": "2010-09-09",
        "When": "2010-09-09T01:02:03Z",
        "Odd": "2010-99-99",
        "Resources": {
            "A": {
                "Type": {"Fn::Weird": ["x"]},
                "Properties": {
                    "B": {"Fn::GetAtt": ["Api", "ApiId"]},
                    "C": {"Fn::Sub": ["${A}", {"A": {"Ref": "B"}}]},
                    "D": {"Fn::If": ["X", {"Ref": "AWS::NoValue"}, {"Fn::Select": [0, {"Fn::GetAZs": ""}]}]},
                    "E": {"Condition": "F"},
                },
            }
        },
    } == parse(text, "t.yaml")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "its top level is empty"),
        ("[1]", "its top level is a list"),
        ("just words", "its top level is a single value"),
        ("{}", "it has no Resources"),
        ('{"Resources": []}', "it has no Resources"),
        ('{"Resources": {', "is no JSON"),
        ("Resources: {A: [}", "is no YAML: line 1"),
        ("a: b\n---\na: c", "is no YAML: line 2"),
        ("{Resources: {A: !Ref B}, Resources: 1}", "it has no Resources"),
        ("Resources: &a {B: *a}", "nested deeper than 80 levels"),
        ("[" * 3000, "no YAML"),
        ('{"a":' * 3000, "no JSON"),
        ("{" * 3000, "no JSON"),
        ("Resources: \x00", "no YAML"),
        ("Resources: !!python/object:os.system {}", "it has no Resources"),
        ("Resources: {? [1, 2] : 3}", "no YAML"),
    ],
)
def test_what_is_no_template_is_refused_with_its_reason(text, says):
    """Exit code 2, the file's name, and why."""
    with pytest.raises(BadUsage) as refused:
        parse(text.replace("python/object:os.system {}", "python/object:os.system []"), "t.yaml")

    assert 2 == refused.value.exit_code
    assert says in str(refused.value)
    assert str(refused.value).startswith("t.yaml is ")


def test_aliases_that_blow_up_are_refused():
    """Nine levels of nine aliases would be 400 million values."""
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    bomb = "\n".join(["a0: &a0 [x]", *lines, "Resources: {}"])

    with pytest.raises(BadUsage, match="over 500,000 values large"):
        parse(bomb, "t.yaml")


def test_loops_and_macros_keep_the_linter_from_judging_what_it_does_not_see():
    """A composite's reference, and a filter's reader, may come out of a loop or macro."""
    composite = good.resource(
        "CloudWatch::CompositeAlarm", AlarmRule={"Fn::Sub": "ALARM(${Gone})"}, AlarmActions=[good.TOPIC]
    )
    tree = good.template(Hit=composite, Filter=good.metric_filter("Refused"))

    assert ["composite-reference", "metric-filter-unread"] == [each.rule for each in lint(build(tree))]
    assert () == lint(build({**tree, "Transform": "MyMacro"}))
    assert () == lint(build({"Resources": {**tree["Resources"], "Fn::ForEach::A": ["X", ["a"], {}]}}))


# --- any shape ----------------------------------------------------------------------------------------

SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
WORDS = """
    Ref Fn::Sub Fn::Join Fn::If Fn::GetAtt Fn::Select Fn::Split Fn::FindInMap Fn::ToJsonString A B A.Arn
    Fn::ForEach::X AWS::NoValue AWS::Region Name Value Id Metrics Metric MetricStat Stat Period Expression
    ReturnData Key Dimensions widgets type properties Statement Principal Service Action
"""
ANYTHING = st.recursive(
    SCALAR | st.sampled_from(WORDS.split()),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(WORDS.split()) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
TYPES = """
    CloudWatch::Alarm CloudWatch::CompositeAlarm CloudWatch::Dashboard Logs::MetricFilter SNS::Topic
    KMS::Key KMS::Alias Lambda::Function Lambda::Permission Events::Rule ApiGatewayV2::Api
    ApiGatewayV2::Stage ApiGatewayV2::Route ApiGatewayV2::Integration ApiGateway::RestApi ApiGateway::Stage
    ApiGateway::Method
"""
KEYS = """
    Namespace MetricName Dimensions Statistic ExtendedStatistic Period EvaluationPeriods DatapointsToAlarm
    Threshold ThresholdMetricId ComparisonOperator TreatMissingData Unit Metrics AlarmActions AlarmRule
    ActionsEnabled AlarmName ActionsSuppressor DashboardBody FilterPattern MetricTransformations Timeout
    KmsMasterKeyId KeyPolicy TargetKeyId AliasName FunctionName EventPattern ApiId StageName RouteKey
    RestApiId Name DefaultRouteSettings RouteSettings MethodSettings Integration TimeoutInMillis Principal
"""
LIKELY = """
    AWS/Lambda AWS/ApiGateway Duration 5xx Latency Sum Maximum p99 notBreaching GreaterThanThreshold A B
    LessThanThreshold ALARM(A) ALARM(B)AND {"widgets":[]} {$.a=1}
"""
RESOURCE = st.fixed_dictionaries(
    {"Type": st.sampled_from(TYPES.split()).map("AWS::{}".format) | ANYTHING},
    optional={
        "Properties": st.dictionaries(
            st.sampled_from(KEYS.split()), st.sampled_from(LIKELY.split()) | ANYTHING, max_size=14
        )
        | ANYTHING
    },
)
TEMPLATE = st.fixed_dictionaries(
    {
        "Resources": st.dictionaries(
            st.sampled_from(["A", "B", "C"]) | st.text(max_size=4), RESOURCE | ANYTHING
        )
    },
    optional={name: ANYTHING for name in ("Parameters", "Mappings", "Transform", "Globals", "Conditions")},
)


@settings(max_examples=300)
@given(TEMPLATE)
@example({"Resources": {"A": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Threshold": 10**400}}}})
@example({"Resources": {"A": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [[]]}}}})
def test_no_template_of_any_shape_crashes_the_linter(tree):
    """Whatever stands where: findings, or none."""
    for finding in lint(build(plain(tree))):
        assert finding.resource in tree["Resources"]
        assert finding.summary and finding.fix


@given(st.text(max_size=80) | ANYTHING.map(lambda tree: json.dumps({"Resources": tree})))
def test_no_text_crashes_the_reader(text):
    """Any text is a template or is refused with a sentence."""
    try:
        lint(build(parse(text, "t")))
    except GuardError as refused:
        assert "t is no" in str(refused) or "t is nested" in str(refused)
