"""Topics of a template: which ones alarms notify, and which ones somebody listens to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from alarms.lint.alarm import ALARM, COMPOSITE
from alarms.lint.template import Resource, Template
from alarms.lint.values import Text, Unknown, Value, references, table, text, texts

TOPIC: Final = "AWS::SNS::Topic"
_SUBSCRIPTION: Final = "AWS::SNS::Subscription"
_SERVERLESS: Final = "AWS::Serverless::Function"
_ACTIONS: Final = ("AlarmActions", "OKActions", "InsufficientDataActions")
_DEAF: Final = (
    *(ALARM, COMPOSITE, TOPIC, _SUBSCRIPTION, _SERVERLESS, "AWS::CloudWatch::Dashboard"),
    *("AWS::SNS::TopicPolicy", "AWS::SNS::TopicInlinePolicy", "AWS::KMS::Key", "AWS::KMS::Alias"),
    *("AWS::Lambda::Function", "AWS::Lambda::Permission"),
    *("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"),
)
"""Types that name a topic to publish to it, or to allow something, and hear nothing by that alone."""


def notified(template: Template) -> Iterator[Resource]:
    """The topics of the template that its alarms act on, in the template's order."""
    told = [each.get(action) for each in template.of(ALARM, COMPOSITE) for action in _ACTIONS]
    named = {found.logical_id for value in told for found in references(value)}
    return (topic for topic in template.of(TOPIC) if topic.logical_id in named)


def heard(template: Template, topic: Resource) -> bool:
    """Whether anything of the template hears of the topic's messages, or may: what is not known may."""
    if template.open or topic.get("Subscription") not in (None, []):
        return True
    if any(_may_mean(each.get("TopicArn"), topic) for each in template.of(_SUBSCRIPTION)):
        return True
    taken: list[Value] = [table(each.get("Properties")).get("Topic") for each in _events(template)]
    taken += [each.properties for each in template.resources.values() if each.type not in _DEAF]
    return any(found.logical_id == topic.logical_id for value in taken for found in references(value))


def _events(template: Template) -> Iterator[dict[str, Value]]:
    """The events that serverless functions wait for."""
    for function in template.of(_SERVERLESS):
        yield from map(table, table(function.get("Events")).values())


def _may_mean(arn: Value, topic: Resource) -> bool:
    """Whether a subscription's ARN is, or may be, the topic's."""
    if found := references(arn):
        return any(each.logical_id == topic.logical_id for each in found)
    if isinstance(arn, Unknown) or (isinstance(arn, Text) and not arn.parts[-1]):
        return True
    name = topic.get("TopicName")
    known = text(name)
    if name is None or known is None:
        return name is not None
    return any(each.endswith(f":{known}") for each in texts(arn))
