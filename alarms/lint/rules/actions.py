"""Whether anybody hears of an alarm."""

from __future__ import annotations

from collections.abc import Iterator

from alarms.lint import examples as example
from alarms.lint.alarm import ALARM, COMPOSITE, acts
from alarms.lint.composites import heard
from alarms.lint.keys import lets_cloudwatch_in
from alarms.lint.registry import Hit, rule
from alarms.lint.template import Resource, Template
from alarms.lint.topics import notified
from alarms.lint.values import references, table, text, texts


@rule(
    "no-action",
    "error",
    fires=lambda: example.template(Alarm=example.alarm(AlarmActions=None)),
    silent=lambda: example.template(
        Alarm=example.alarm(AlarmActions=None),
        Hit=example.resource(
            "CloudWatch::CompositeAlarm",
            AlarmRule={"Fn::Sub": "ALARM(${Alarm})"},
            AlarmActions=[example.TOPIC],
        ),
    ),
)
def no_action(template: Template) -> Iterator[Hit]:
    """The alarm tells nobody: it has no AlarmActions, or they are switched off.

    It may also be read by a composite alarm that has actions, or suppress one, or be watched by another
    resource (a deployment that it rolls back, a health check), or be heard by an EventBridge rule of the
    template for `aws.cloudwatch`. A dashboard that shows it is not enough.
    """
    listeners = heard(template)
    if listeners is None or any(_hears_alarms(each) for each in template.of("AWS::Events::Rule")):
        return
    listeners |= _watched(template)
    for each in template.of(ALARM, COMPOSITE):
        names = {each.logical_id, *texts(each.get("AlarmName"))}
        if acts(each) is False and not names & listeners:
            off = text(each.get("ActionsEnabled")) == "false"
            what = "Its actions are switched off" if off else "It has no AlarmActions"
            fix = "Take ActionsEnabled out" if off else "Add AlarmActions"
            yield Hit(
                each,
                f"{what} and no composite alarm that acts reads it: when it fires, nobody is told.",
                f"{fix}, or read it in a composite alarm that has some.",
            )


def _watched(template: Template) -> set[str]:
    """Logical IDs and names of alarms that suppress a composite, or that another kind of resource names."""
    told = [each.get("ActionsSuppressor") for each in template.of(COMPOSITE)]
    told += [
        each.properties
        for each in template.resources.values()
        if each.type not in (ALARM, COMPOSITE, "AWS::CloudWatch::Dashboard")
    ]
    return {found.logical_id for value in told for found in references(value)} | set(texts(told))


def _hears_alarms(rule_: Resource) -> bool:
    pattern = rule_.get("EventPattern")
    return not isinstance(pattern, dict) or "aws.cloudwatch" in str(table(pattern).get("source"))


@rule(
    "topic-grant",
    "error",
    fires=lambda: _topic("alias/aws/sns"),
    silent=lambda: _topic(None),
)
def topic_grant(template: Template) -> Iterator[Hit]:
    """Alarms publish to an encrypted topic whose key does not let CloudWatch in.

    CloudWatch needs kms:Decrypt and kms:GenerateDataKey* on the topic's key. AWS's own key (alias/aws/sns)
    grants it to nobody else; the policy of a key of the template must have them for
    cloudwatch.amazonaws.com. Without, everything deploys cleanly and nothing is delivered. Keys from
    outside the template are not judged.
    """
    for topic in notified(template):
        key = topic.get("KmsMasterKeyId")
        if key is None:
            continue
        if (text(key) or "").endswith("alias/aws/sns"):
            what = "Its key is AWS's own, which CloudWatch may not use: alarms deliver nothing to it."
            fix = "Encrypt it with a key of your own that grants kms:Decrypt and kms:GenerateDataKey*"
            yield Hit(topic, what, f"{fix} to cloudwatch.amazonaws.com.")
        elif lets_cloudwatch_in(template, key) is False:
            what = "Its key's policy does not let CloudWatch in: alarms deliver nothing to it."
            fix = (
                "Grant kms:Decrypt and kms:GenerateDataKey* to cloudwatch.amazonaws.com in the key's policy."
            )
            yield Hit(topic, what, fix)


def _topic(key: str | None) -> dict[str, object]:
    told: dict[str, object] = {"Subscription": [{"Protocol": "email", "Endpoint": "oncall@example.com"}]}
    if key:
        told["KmsMasterKeyId"] = key
    return example.template(
        OnCall=example.resource("SNS::Topic", **told),
        Alarm=example.alarm(AlarmActions=[{"Ref": "OnCall"}]),
    )
