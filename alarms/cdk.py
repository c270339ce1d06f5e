"""aws_cdk, once the Node that it runs in has been found. Nothing else here imports it.

jsii takes the ``node`` on PATH unless JSII_NODE names one. The extra ``cdk`` brings a Node, but an
environment that is not activated is not on PATH: so the variable is set before aws_cdk is imported.
"""

from __future__ import annotations

import os

from alarms.node import packaged_node
from guards.errors import MissingExtra

__all__ = ["aws_cdk", "cloudwatch", "constructs", "iam", "kms", "logs", "sns", "subscriptions"]


def _use_packaged_node() -> None:
    node = packaged_node()
    if node is not None:
        os.environ.setdefault("JSII_NODE", str(node))


_use_packaged_node()
try:
    import aws_cdk
    import constructs
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_sns as sns
    from aws_cdk import aws_sns_subscriptions as subscriptions
except ImportError as error:
    raise MissingExtra("making a CDK stack", extra="cdk") from error
