"""The SNS topics that the alarms tell, made or given. Needs the extra ``cdk``."""

from __future__ import annotations

from collections.abc import Mapping

from alarms.cdk import aws_cdk, constructs, iam, kms, sns, subscriptions
from alarms.model import Topic
from alarms.subscribers import check_email

_CLOUDWATCH = "cloudwatch.amazonaws.com"


def make_topics(
    scope: constructs.Construct, given: Mapping[Topic, sns.ITopic | None], email: str | None
) -> dict[Topic, sns.ITopic]:
    """A topic for tickets and one for pages: those that are given, and new ones for the rest."""
    if email is not None and not aws_cdk.Token.is_unresolved(email):
        check_email(email)
    missing = [name for name, topic in given.items() if topic is None]
    key = _key(scope) if missing else None
    made = {name: _topic(scope, name, key, email) for name in missing}
    return {name: topic or made[name] for name, topic in given.items()}


def grant_cloudwatch(key: kms.IKey, stack: aws_cdk.Stack) -> None:
    """Let CloudWatch use a topic's key: without it the stack deploys, and the alarms tell nobody.

    Call it for the key of an encrypted topic that you give, too. A key of another stack that was imported
    cannot be changed from here: put the same statement into its policy there.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="CloudWatchAlarms",
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            principals=[iam.ServicePrincipal(_CLOUDWATCH)],
            resources=["*"],
            conditions=_from_here(stack),
        )
    )


def _key(scope: constructs.Construct) -> kms.Key:
    key = kms.Key(
        scope,
        "TopicKey",
        description="Encrypts what the alarms of the coaching API say",
        enable_key_rotation=True,
        # It protects messages on their way, nothing that is kept.
        removal_policy=aws_cdk.RemovalPolicy.DESTROY,
    )
    grant_cloudwatch(key, aws_cdk.Stack.of(scope))
    return key


def _topic(scope: constructs.Construct, name: Topic, key: kms.Key | None, email: str | None) -> sns.Topic:
    topic = sns.Topic(
        scope,
        f"{name.capitalize()}Topic",
        display_name=f"Coaching API: {name}",
        master_key=key,
        enforce_ssl=True,
    )
    # A topic policy of one's own takes the place of the default one, which let the account's alarms publish.
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid="CloudWatchAlarms",
            actions=["sns:Publish"],
            principals=[iam.ServicePrincipal(_CLOUDWATCH)],
            resources=[topic.topic_arn],
            conditions=_from_here(aws_cdk.Stack.of(scope)),
        )
    )
    if email is not None:
        topic.add_subscription(subscriptions.EmailSubscription(email))
    return topic


def _from_here(stack: aws_cdk.Stack) -> dict[str, dict[str, str]]:
    return {"StringEquals": {"aws:SourceAccount": stack.account}}
