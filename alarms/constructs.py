"""The catalog as a CDK construct. Needs the extra ``cdk``.

    from alarms.constructs import CoachingAlarms
    from alarms.inputs import FunctionInput, HttpApi, ServiceInput

    CoachingAlarms(stack, "Alarms", services=[ServiceInput(FunctionInput(...), HttpApi(...))])

Import it before aws_cdk, so that the Node that came with the extra is found.
"""

from __future__ import annotations

from collections.abc import Sequence

from alarms import gateway_alarms
from alarms.catalog import Catalog, catalog
from alarms.cdk import aws_cdk, cloudwatch, constructs, logs, sns
from alarms.checks import check
from alarms.index_policy import policy_document
from alarms.inputs import ServiceInput
from alarms.model import CompositeAlarm, Dimension, MetricAlarm, MetricFilter, QueryDefinition, Topic
from alarms.topics import make_topics


class CoachingAlarms(constructs.Construct):
    """Alarms, metric filters and saved queries for functions and APIs that already stand, by name."""

    def __init__(
        self,
        scope: constructs.Construct,
        id: str,
        *,
        services: Sequence[ServiceInput] = (),
        made: Catalog | None = None,
        ticket_topic: sns.ITopic | None = None,
        page_topic: sns.ITopic | None = None,
        email: str | None = None,
        own_log_groups: bool = False,
    ) -> None:
        """Make the stack's alarms.

        ``made`` is a catalog to deploy instead of the one of ``services``. A topic that is not given is made,
        encrypted, with a key that CloudWatch may use; ``email`` is subscribed to the topics that are made.
        ``own_log_groups`` makes the functions' log groups too, with an index on our records' IDs: only where
        nothing else makes them.
        """
        super().__init__(scope, id)
        self.catalog = catalog(*services) if made is None else made
        check(self.catalog)
        self.topics = make_topics(self, {"ticket": ticket_topic, "page": page_topic}, email)
        self.alarms = {each.alarm_name: self._alarm(each) for each in self.catalog.alarms}
        for composite in self.catalog.composites:
            self._composite(composite)
        for query in self.catalog.queries:
            _query(self, query)
        _filters(self, self.catalog, _log_groups(self, self.catalog) if own_log_groups else [])

    def _alarm(self, alarm: MetricAlarm) -> cloudwatch.CfnAlarm:
        made = self._made(alarm)
        if alarm.namespace == gateway_alarms.NAMESPACE and gateway_alarms.ROUTE_DIMENSIONS & {
            each.name for each in alarm.dimensions
        }:
            # The stage is somebody else's, and its owner has said so: the linter hears it from the template.
            made.add_metadata(gateway_alarms.DETAILED_METRICS, True)
        return made

    def _made(self, alarm: MetricAlarm) -> cloudwatch.CfnAlarm:
        return cloudwatch.CfnAlarm(
            self,
            f"Alarm-{alarm.alarm_name}",
            alarm_name=alarm.alarm_name,
            alarm_description=alarm.alarm_description,
            namespace=alarm.namespace,
            metric_name=alarm.metric_name,
            dimensions=[_dimension(each) for each in alarm.dimensions] or None,
            statistic=alarm.statistic,
            period=alarm.period,
            evaluation_periods=alarm.evaluation_periods,
            datapoints_to_alarm=alarm.datapoints_to_alarm,
            threshold=alarm.threshold,
            comparison_operator=alarm.comparison_operator,
            treat_missing_data=alarm.treat_missing_data,
            alarm_actions=self._told(alarm.topic),
            ok_actions=self._told(alarm.topic),
        )

    def _composite(self, alarm: CompositeAlarm) -> None:
        made = cloudwatch.CfnCompositeAlarm(
            self,
            f"Alarm-{alarm.alarm_name}",
            alarm_name=alarm.alarm_name,
            alarm_description=alarm.alarm_description,
            alarm_rule=alarm.alarm_rule,
            actions_suppressor=alarm.actions_suppressor,
            actions_suppressor_wait_period=alarm.actions_suppressor_wait_period,
            actions_suppressor_extension_period=alarm.actions_suppressor_extension_period,
            alarm_actions=self._told(alarm.topic),
            ok_actions=self._told(alarm.topic),
        )
        # The rule names its children in a text, where CloudFormation sees no dependency.
        for name, child in self.alarms.items():
            if f'"{name}"' in alarm.alarm_rule or name == alarm.actions_suppressor:
                made.node.add_dependency(child)

    def _told(self, topic: Topic | None) -> list[str] | None:
        return None if topic is None else [self.topics[topic].topic_arn]


def _dimension(dimension: Dimension) -> cloudwatch.CfnAlarm.DimensionProperty:
    return cloudwatch.CfnAlarm.DimensionProperty(name=dimension.name, value=dimension.value)


def _metric_filter(scope: constructs.Construct, each: MetricFilter) -> logs.CfnMetricFilter:
    transformation = logs.CfnMetricFilter.MetricTransformationProperty(
        metric_namespace=each.metric_namespace,
        metric_name=each.metric_name,
        metric_value=each.metric_value,
    )
    return logs.CfnMetricFilter(
        scope,
        f"Filter-{each.filter_name}",
        filter_name=each.filter_name,
        log_group_name=each.log_group_name,
        filter_pattern=each.filter_pattern,
        metric_transformations=[transformation],
    )


def _filters(scope: constructs.Construct, made: Catalog, groups: list[logs.CfnLogGroup]) -> None:
    for each in made.filters:
        metric_filter = _metric_filter(scope, each)
        for group in groups:
            metric_filter.node.add_dependency(group)


def _query(scope: constructs.Construct, query: QueryDefinition) -> None:
    logs.CfnQueryDefinition(
        scope,
        f"Query-{query.name}",
        name=query.name,
        query_string=query.query_string,
        log_group_names=list(query.log_group_names),
    )


def _log_groups(scope: constructs.Construct, made: Catalog) -> list[logs.CfnLogGroup]:
    names = dict.fromkeys(service.function.log_group_name for service in made.services)
    return [_log_group(scope, name) for name in names]


def _log_group(scope: constructs.Construct, name: str) -> logs.CfnLogGroup:
    group = logs.CfnLogGroup(
        scope, f"LogGroup-{name}", log_group_name=name, field_index_policies=[policy_document()]
    )
    # The log of an incident outlives the alarms that told of it.
    group.apply_removal_policy(aws_cdk.RemovalPolicy.RETAIN)
    return group
