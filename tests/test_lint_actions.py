"""Rules about who hears of an alarm, and about composite alarms."""

from __future__ import annotations

import pytest

from alarms.lint.examples import TOPIC, alarm, resource
from tests.lint import UNKNOWN, findings, severities

# --- actions -------------------------------------------------------------------------------------------


def composite(rule_text: object, **changes) -> dict:
    return resource(
        "CloudWatch::CompositeAlarm", **{"AlarmRule": rule_text, "AlarmActions": [TOPIC], **changes}
    )


def deployment(name: object) -> dict:
    """A deployment that an alarm rolls back."""
    return resource("CodeDeploy::DeploymentGroup", AlarmConfiguration={"Alarms": [{"Name": name}]})


STACKED_NAME = {"Fn::Sub": "${AWS::StackName}-slow"}
STACKED = alarm(AlarmName=STACKED_NAME, AlarmActions=None)
SILENT = alarm(AlarmName="slow", AlarmActions=None)


@pytest.mark.parametrize(
    ("resources", "found"),
    [
        ({"Alarm": SILENT}, ["Alarm"]),
        ({"Alarm": alarm(AlarmActions=[])}, ["Alarm"]),
        ({"Alarm": alarm(ActionsEnabled=False)}, ["Alarm"]),
        ({"Alarm": alarm(AlarmActions=None, OKActions=[TOPIC])}, ["Alarm"]),
        ({"Alarm": alarm(AlarmActions=UNKNOWN)}, []),
        ({"Alarm": alarm(AlarmActions=[{"Ref": "AWS::NoValue"}])}, ["Alarm"]),
        ({"Alarm": SILENT, "Hit": composite({"Fn::Sub": "ALARM(${Alarm})"})}, []),
        ({"Alarm": SILENT, "Hit": composite({"Fn::Sub": 'ALARM("${Alarm.Arn}")'})}, []),
        ({"Alarm": SILENT, "Hit": composite('ALARM("slow")')}, []),
        ({"Alarm": SILENT, "Hit": composite("ALARM(arn:aws:cloudwatch:x:1:alarm:slow)")}, []),
        ({"Alarm": SILENT, "Hit": composite('ALARM("other")')}, ["Alarm"]),
        ({"Alarm": SILENT, "Hit": composite('ALARM("slow")', AlarmActions=None)}, ["Alarm", "Hit"]),
        (
            {
                "Alarm": SILENT,
                "Inner": composite("ALARM(slow)", AlarmActions=None),
                "Outer": composite({"Fn::Sub": "ALARM(${Inner})"}),
            },
            [],
        ),
        ({"Alarm": SILENT, "Hit": composite("TRUE", ActionsSuppressor="slow")}, []),
        ({"Alarm": SILENT, "Group": deployment({"Ref": "Alarm"})}, []),
        ({"Alarm": SILENT, "Group": deployment("slow")}, []),
        ({"Alarm": SILENT, "Group": deployment("other")}, ["Alarm"]),
        ({"Alarm": STACKED, "Group": deployment({"Fn::Sub": "${AWS::StackName}-slow"})}, []),
        ({"Alarm": STACKED, "Hit": composite("TRUE", ActionsSuppressor=STACKED_NAME)}, []),
        ({"Alarm": STACKED, "Hit": composite({"Fn::Sub": "ALARM(${AWS::StackName}-slow)"})}, []),
        ({"Alarm": SILENT, "Hit": composite({"Fn::Sub": "ALARM(x-${Alarm})"})}, []),
        ({"Alarm": SILENT, "Hit": composite({"Fn::Sub": "ALARM(arn:x:alarm:${Alarm})"})}, []),
        ({"Alarm": SILENT, "Board": resource("CloudWatch::Dashboard", DashboardBody="slow")}, ["Alarm"]),
        ({"Alarm": SILENT, "Hit": composite("TRUE", ActionsSuppressor={"Ref": "Alarm"})}, []),
        ({"Alarm": SILENT, "Hit": composite(UNKNOWN)}, []),
        (
            {
                "Alarm": SILENT,
                "Heard": resource("Events::Rule", EventPattern={"source": ["aws.cloudwatch"]}),
            },
            [],
        ),
        (
            {"Alarm": SILENT, "Heard": resource("Events::Rule", EventPattern={"source": ["aws.s3"]})},
            ["Alarm"],
        ),
    ],
)
def test_somebody_hears_of_every_alarm(resources, found):
    """Its own actions, a composite that acts, a suppressor's place, a deployment, or an EventBridge rule."""
    assert found == [each.resource for each in findings("no-action", **resources)]


ALLOWED = {"Service": "cloudwatch.amazonaws.com"}
GRANT = ["kms:Decrypt", "kms:GenerateDataKey*"]


def key(principal: object = ALLOWED, action: object = GRANT, **more) -> dict:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **more}
    account = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"}, "Action": "kms:*"}
    return resource("KMS::Key", KeyPolicy={"Statement": [account, statement]})


@pytest.mark.parametrize(
    ("told", "of", "found"),
    [
        (None, key(), 0),
        ("alias/aws/sns", key(), 1),
        ("alias/elsewhere", key({"AWS": "x"}), 0),
        ("alias/mine", key({"AWS": "x"}), 1),
        ({"Ref": "Key"}, key(), 0),
        ({"Fn::GetAtt": ["Key", "Arn"]}, key(), 0),
        ({"Ref": "Key"}, key({"Service": ["sns.amazonaws.com"]}), 1),
        ({"Ref": "Key"}, key(action="kms:*"), 0),
        ({"Ref": "Key"}, key(action=["kms:Decrypt"]), 1),
        ({"Ref": "Key"}, key(action="kms:GenerateDataKey*"), 1),
        ({"Ref": "Key"}, key(Effect="Deny"), 1),
        ({"Ref": "Key"}, key(UNKNOWN), 0),
        ({"Ref": "Key"}, resource("KMS::Key", KeyPolicy=UNKNOWN), 0),
        (UNKNOWN, key(), 0),
    ],
)
def test_an_encrypted_topic_lets_cloudwatch_in(told, of, found):
    """A key of the template grants decrypt and data keys to CloudWatch; AWS's own never does."""
    topic = resource("SNS::Topic", **({"KmsMasterKeyId": told} if told else {}))
    alias = resource("KMS::Alias", AliasName="alias/mine", TargetKeyId={"Ref": "Key"})
    read = alarm(AlarmActions=[{"Ref": "Topic"}])

    assert found == len(findings("topic-grant", Topic=topic, Key=of, Alias=alias, Alarm=read))
    assert [] == findings("topic-grant", Topic=topic, Key=of, Alias=alias, Alarm=alarm())


SUBSCRIBED = {"Protocol": "email", "Endpoint": "oncall@example.com"}


def subscription(topic: object) -> dict:
    return resource("SNS::Subscription", TopicArn=topic, **SUBSCRIBED)


@pytest.mark.parametrize(
    ("topic", "other", "found"),
    [
        ({}, None, 1),
        ({"Subscription": [SUBSCRIBED]}, None, 0),
        ({"Subscription": []}, None, 1),
        ({"Subscription": UNKNOWN}, None, 0),
        ({}, subscription({"Ref": "Topic"}), 0),
        ({}, subscription({"Fn::GetAtt": ["Topic", "TopicArn"]}), 0),
        ({}, subscription(UNKNOWN), 0),
        ({}, subscription({"Ref": "Another"}), 1),
        ({}, subscription(TOPIC), 1),
        ({"TopicName": "on-call"}, subscription(TOPIC), 0),
        ({"TopicName": "calls"}, subscription(TOPIC), 1),
        ({}, resource("SNS::TopicPolicy", Topics=[{"Ref": "Topic"}]), 1),
        ({}, resource("Chatbot::SlackChannelConfiguration", SnsTopicArns=[{"Ref": "Topic"}]), 0),
        (
            {},
            resource(
                "Serverless::Function",
                Events={"Alarm": {"Type": "SNS", "Properties": {"Topic": {"Ref": "Topic"}}}},
            ),
            0,
        ),
        ({}, resource("Lambda::Function", Environment={"Variables": {"TOPIC": {"Ref": "Topic"}}}), 1),
    ],
)
def test_somebody_is_subscribed_to_a_topic_that_alarms_notify(topic, other, found):
    """In the topic, by a subscription, or by what takes its messages; who publishes hears nothing."""
    of = {"Topic": resource("SNS::Topic", **topic), "Alarm": alarm(AlarmActions=[{"Ref": "Topic"}])}
    more = {"Other": other} if other else {}

    assert ["warning"] * found == severities("topic-subscription", **of, **more)
    assert [] == findings("topic-subscription", **{**of, "Alarm": alarm()}, **more)


# --- composites ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule_text", "found"),
    [
        ('ALARM("slow")', 0),
        ('ALARM("slow") AND', 1),
        ({"Fn::Sub": 'ALARM("${Alarm}") && OK("b")'}, 1),
        ('ALARM("slow") AND OK("slow")', 1),
        ('ALARM("slow") OR NOT ALARM("slow")', 1),
        ("TRUE", 0),
        ({"Fn::Sub": "ALARM(${Hit})"}, 1),
        ('ALARM("hit")', 1),
        ({"Fn::Join": ["", ["ALARM(", UNKNOWN, ")"]]}, 0),
        ({"Fn::Join": [" ", ['ALARM("slow")', UNKNOWN]]}, 0),
        (UNKNOWN, 0),
    ],
)
def test_the_rule_of_a_composite_alarm_can_be_true_and_false(rule_text, found):
    """It parses, makes a difference and does not read itself; what is not known is not judged."""
    of = {"Alarm": SILENT, "Hit": composite(rule_text, AlarmName="hit")}

    assert found == len(findings("composite-rule", **of))


def test_composites_that_read_each_other_are_found():
    """Neither can be made first."""
    found = findings(
        "composite-rule", A=composite({"Fn::Sub": "ALARM(${B})"}), B=composite({"Fn::Sub": "OK(${A})"})
    )

    assert ["A", "B"] == [each.resource for each in found]


def test_an_error_in_a_rule_shows_references_by_their_names():
    """Not by the marks that stand for them while it is parsed."""
    [finding] = findings("composite-rule", Alarm=SILENT, Hit=composite({"Fn::Sub": 'X ALARM("${Alarm}")'}))
    [other] = findings("composite-rule", Alarm=SILENT, Hit=composite({"Fn::Sub": "OK(b) ${Alarm}"}))

    assert "\ue000" not in finding.summary + other.summary
    assert "'Alarm' stands where AND or OR should" in other.summary


@pytest.mark.parametrize(
    ("rule_text", "found"),
    [
        ('ALARM("slow")', 0),
        ('ALARM("slow1")', 1),
        ('ALARM("another stack")', 0),
        ({"Fn::Sub": "ALARM(${Gone})"}, 1),
        ({"Fn::Sub": "ALARM(${Alarm.Arn})"}, 0),
        ({"Fn::Sub": "ALARM(${Topic})"}, 1),
        ({"Fn::Sub": "ALARM(arn:aws:cloudwatch:${AWS::Region}:1:alarm:slw)"}, 1),
    ],
)
def test_a_composite_alarm_reads_alarms_that_are_there(rule_text, found):
    """References lead to an alarm of the template; a name that is nearly one of its names is a mistake."""
    of = {"Alarm": SILENT, "Topic": resource("SNS::Topic"), "Hit": composite(rule_text)}

    assert found == len(findings("composite-reference", **of))


def test_a_suppressor_is_there_too():
    """Without it nothing is ever suppressed."""
    told = {"Alarm": SILENT, "Hit": composite("ALARM(slow)", ActionsSuppressor="slows")}

    assert ["Hit"] == [each.resource for each in findings("composite-reference", **told)]
