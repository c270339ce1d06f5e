"""Who hears of an alarm: the topics that it acts on, and their subscriptions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from incidents.cloudwatch.faults import NOT_THERE, Fault
from incidents.doctor.asking import Asking
from incidents.doctor.check import Check, failed, ok, unanswered, warning

_PENDING: Final = "PendingConfirmation"
_DELETED: Final = "Deleted"


def topic_checks(deployed: Iterable[Mapping[str, Any]], asking: Asking) -> Iterator[Check]:
    """Each topic that some alarm acts on."""
    told = {arn for alarm in deployed for arn in alarm.get("AlarmActions", ()) if ":sns:" in arn}
    for arn in sorted(told):
        yield _topic(arn, asking)


def _topic(arn: str, asking: Asking) -> Check:
    try:
        pages = asking.pages("sns", "ListSubscriptionsByTopic", "NextToken", TopicArn=arn)
    except Fault as fault:
        if fault.what == NOT_THERE:
            fix = "deploy the catalog again: guard alarms synth, then aws cloudformation deploy"
            return failed("topic", arn, "the topic does not exist: its alarms tell nobody", fix)
        return unanswered("topic", arn, fault)
    states = [each.get("SubscriptionArn") for answer in pages for each in answer.get("Subscriptions", ())]
    return _heard(arn, [each for each in states if each != _DELETED])


def _heard(arn: str, states: list[str | None]) -> Check:
    pending = states.count(_PENDING)
    confirm = "open the link in the mail that SNS sent, or subscribe again: it is valid for two days"
    subscribe = f"run: aws sns subscribe --topic-arn {arn} --protocol email --notification-endpoint ADDRESS"
    if not states:
        return failed("topic", arn, "nobody is subscribed", subscribe)
    if pending == len(states):
        return failed("topic", arn, f"nobody hears of it: {pending} not confirmed", confirm)
    if pending:
        return warning("topic", arn, f"{pending} of {len(states)} subscriptions are not confirmed", confirm)
    return ok("topic", arn, f"{len(states)} subscribed")
