"""The CDK app of alarms and dashboard: what ``guard alarms app`` and ``guard alarms synth`` make.

Both make the same stack, which needs no bootstrapped account: it has no assets.
"""

from __future__ import annotations

import os
from typing import Any

from alarms.cdk import aws_cdk, sns
from alarms.constructs import CoachingAlarms
from alarms.document import given_topics
from alarms.settings import KEYS, Settings, from_words
from alarms.subscribers import unheard
from dashboards.constructs import CoachingDashboard

_NO_METADATA = {
    # The CLI asks for a path on each resource, which in-process synthesis would not have; and the template
    # must stay small enough to be sent without a bucket.
    "aws:cdk:enable-path-metadata": False,
    "aws:cdk:enable-asset-metadata": False,
}


def make_app(settings: Settings | None = None) -> aws_cdk.App:
    """An app with the one stack; its settings come from the CDK context where none are given."""
    app = aws_cdk.App(analytics_reporting=False, post_cli_context=_NO_METADATA)
    if settings is None:
        said = {key: app.node.try_get_context(key) for key in KEYS}
        settings = from_words({key: value for key, value in said.items() if value is not None}, os.curdir)
    _stack(app, settings)
    return app


def synth(settings: Settings) -> dict[str, Any]:
    """The CloudFormation template, made in process."""
    template: dict[str, Any] = make_app(settings).synth().get_stack_by_name(settings.stack).template
    return template


def _stack(app: aws_cdk.App, settings: Settings) -> None:
    stack = aws_cdk.Stack(
        app,
        settings.stack,
        description="Alarms and dashboard of a coaching API",
        synthesizer=aws_cdk.BootstraplessSynthesizer(),
    )
    alarms = CoachingAlarms(
        stack,
        "Alarms",
        services=settings.services,
        ticket_topic=_given(stack, "GivenTicketTopic", settings.ticket_topic),
        page_topic=_given(stack, "GivenPageTopic", settings.page_topic),
        email=settings.email,
        own_log_groups=settings.own_log_groups,
    )
    heard = unheard(settings.email, given_topics(settings))
    if heard is not None:  # the CDK CLI prints it on stderr; `guard alarms synth` has a line of its own
        aws_cdk.Annotations.of(stack).add_warning_v2("coaching-guard:subscribers", heard)
    if settings.dashboard:
        CoachingDashboard(stack, "Dashboard", made=alarms.catalog)


def _given(stack: aws_cdk.Stack, id: str, arn: str | None) -> sns.ITopic | None:
    return None if arn is None else sns.Topic.from_topic_arn(stack, id, arn)
