"""Whether anybody hears of what a topic is told."""

from __future__ import annotations

from collections.abc import Iterator

from alarms.lint import examples as example
from alarms.lint.registry import Hit, rule
from alarms.lint.template import Template
from alarms.lint.topics import heard, notified


def _topic(**more: dict[str, object]) -> dict[str, object]:
    on_call = example.resource("SNS::Topic")
    return example.template(OnCall=on_call, Alarm=example.alarm(AlarmActions=[{"Ref": "OnCall"}]), **more)


@rule(
    "topic-subscription",
    "warning",
    fires=_topic,
    silent=lambda: _topic(
        Mail=example.resource(
            "SNS::Subscription",
            TopicArn={"Ref": "OnCall"},
            Protocol="email",
            Endpoint="oncall@example.com",
        )
    ),
)
def topic_subscription(template: Template) -> Iterator[Hit]:
    """Alarms notify a topic of the template, and nothing of the template is subscribed to it.

    Everything deploys cleanly, and the alarms fire into an empty topic. A subscription may stand in the topic
    itself, in an AWS::SNS::Subscription, in a serverless function's events, or in another resource that takes
    the topic's messages, such as a chat channel's. It may also be made elsewhere, by hand or in another
    stack: that is why this is a warning. Topics from outside the template are not judged.
    """
    for topic in notified(template):
        if not heard(template, topic):
            yield Hit(
                topic,
                "Alarms notify this topic and nobody is subscribed to it here: when they fire, nobody hears.",
                "Subscribe somebody with an AWS::SNS::Subscription (guard alarms synth: -c email=ADDRESS) or "
                "see that it is done elsewhere.",
            )
