"""Whether an alarm's metric gets datapoints at all."""

from __future__ import annotations

from collections.abc import Iterator

from alarms import metrics
from alarms.lint import examples as example
from alarms.lint.alarm import Alarm, MetricUse, alarms_of
from alarms.lint.filters import made_by_filters
from alarms.lint.registry import Hit, rule
from alarms.lint.template import Resource, Template
from alarms.lint.values import Reference
from alarms.lint.words import dimension_set, listed, nearest, sentence, short, without_data


def _uses(template: Template) -> Iterator[tuple[Alarm, MetricUse, str, str]]:
    """Every metric that is read, with the namespace and name that are known."""
    for alarm in alarms_of(template):
        for use in alarm.uses:
            if use.namespace is not None and use.name is not None:
                yield alarm, use, use.namespace, use.name


@rule(
    "unknown-metric",
    "error",
    fires=lambda: example.template(Alarm=example.alarm(MetricName="Durations")),
    silent=lambda: example.template(Alarm=example.alarm(MetricName="Duration")),
)
def unknown_metric(template: Template) -> Iterator[Hit]:
    """The alarm's namespace has no metric of that name, so that it never gets a datapoint.

    Names are case-sensitive. A name that is near a known one is an error; one that is near none may be
    newer than our list (`alarms/metrics.toml`) and is a warning. A namespace that AWS does not publish is
    judged only by the metric filters of the same template.
    """
    made = made_by_filters(template)
    for alarm, _, namespace, name in _uses(template):
        custom = [each for space, each in made if space == namespace]
        known = [each for group in metrics.groups_of(namespace) for each in group.metrics] + custom
        if not known or name in known:
            continue
        near = nearest(name, known)
        complete = all(group.complete for group in metrics.groups_of(namespace)) and not custom
        if near is None and not complete:
            continue
        what = f"{namespace} has no metric {short(name)} that we know of: {without_data(alarm)}."
        if near is not None:
            yield Hit(alarm.resource, what, f"Write MetricName {near}.")
        else:
            where = metrics.groups_of(namespace)[0].source
            yield Hit(alarm.resource, what, f"Compare the name with {where}.", severity="warning")


@rule(
    "dimension-set",
    "error",
    fires=lambda: example.template(
        Alarm=example.counted("AWS/ApiGateway", "5XXError", {"ApiId": "abc123", "Stage": "$default"})
    ),
    silent=lambda: example.template(
        Alarm=example.counted("AWS/ApiGateway", "5xx", {"ApiId": "abc123", "Stage": "$default"})
    ),
)
def dimension_set_rule(template: Template) -> Iterator[Hit]:
    """No datapoint carries the alarm's dimensions.

    CloudWatch keeps a metric once for each dimension set that the service publishes, and an alarm reads
    exactly one of them: a dimension more, one fewer, or one of another kind of API gives no data. REST APIs
    have `ApiName` and `5XXError`, HTTP APIs `ApiId` and `5xx`. A custom metric is judged where a metric
    filter of the same template makes it: its dimensions are the filter's, all of them.
    """
    made = made_by_filters(template)
    for alarm, use, namespace, name in _uses(template):
        if use.dimensions is None or _carried(use, metrics.groups_of(namespace, name)):
            continue
        told, filtered = frozenset(use.dimensions), made.get((namespace, name))
        if filtered is not None and (None in filtered or told in filtered):
            continue
        sets = [each for each in filtered or () if each is not None]
        if sets or metrics.groups_of(namespace, name):
            what = f"No datapoint of {namespace} {name} has the dimensions {dimension_set(told)}"
            fix = _other_dimensions(namespace, name, told, sets)
            yield Hit(alarm.resource, f"{what}: {without_data(alarm)}.", fix)


def _carried(use: MetricUse, groups: tuple[metrics.Group, ...]) -> bool:
    told = frozenset(use.dimensions or ())
    known = [group.metrics[use.name or ""] for group in groups]
    return any(told in (*each.dimensions, *each.detailed) for each in known)


def _other_dimensions(namespace: str, name: str, told: frozenset[str], filtered: list[frozenset[str]]) -> str:
    fixes = [
        f"for {group.about} write the dimensions {listed(map(dimension_set, group.metrics[name].dimensions))}"
        for group in metrics.groups_of(namespace, name)
    ]
    fixes += [f"the metric filter gives it {dimension_set(each)}" for each in filtered]
    fixes += [
        f"{group.about} has these dimensions, and its metric is {other}"
        for group in metrics.groups_of(namespace)
        if name not in group.metrics and (other := _like(name, told, group))
    ]
    text = "; ".join(fixes)
    return f"{sentence(text)}."


def _like(name: str, told: frozenset[str], group: metrics.Group) -> str | None:
    """The metric of a group with these dimensions that counts what the name says (5XXError: 5xx)."""
    fitting = [each.name for each in group.metrics.values() if told in (*each.dimensions, *each.detailed)]
    return next((each for each in fitting if each[:3].lower() == name[:3].lower()), None)


@rule(
    "dimension-value",
    "error",
    fires=lambda: example.template(
        Queue=example.resource("SQS::Queue"),
        Alarm=example.counted("AWS/SQS", "NumberOfMessagesSent", {"QueueName": {"Ref": "Queue"}}),
    ),
    silent=lambda: example.template(
        Queue=example.resource("SQS::Queue"),
        Alarm=example.counted(
            "AWS/SQS", "NumberOfMessagesSent", {"QueueName": {"Fn::GetAtt": ["Queue", "QueueName"]}}
        ),
    ),
)
def dimension_value(template: Template) -> Iterator[Hit]:
    """A dimension refers to a resource, but by something that its datapoints do not carry.

    `Ref` of a queue is its URL, of a topic its ARN, of a REST API its ID, while the dimensions hold their
    names.
    """
    for alarm, use, namespace, name in _uses(template):
        for dimension, value in (use.dimensions or {}).items():
            known = metrics.value_sources().get(dimension, {})
            target = template.resources.get(value.logical_id) if isinstance(value, Reference) else None
            if target is None or not metrics.groups_of(namespace, name) or target.type not in known:
                continue
            if value.attribute not in known[target.type]:
                told = _told(value, target)
                what = (
                    f"The dimension {dimension} is {told}, which no datapoint carries: {without_data(alarm)}."
                )
                yield Hit(alarm.resource, what, _right_value(dimension, target, known[target.type]))


def _told(value: Reference, target: Resource) -> str:
    how = "Ref" if value.attribute == "Ref" else f"the attribute {value.attribute}"
    return f"{how} of {target.logical_id} ({target.type})"


def _right_value(dimension: str, target: Resource, ways: tuple[str, ...]) -> str:
    if not ways:
        if dimension == "ApiId" or target.type in ("AWS::ApiGatewayV2::Api", "AWS::Serverless::HttpApi"):
            return (
                f"{target.logical_id} is an API of the other kind: HTTP APIs have ApiId, REST APIs ApiName."
            )
        return f"Write the {dimension} itself, as in the property Name of {target.logical_id}."
    if ways[0] == "Ref":
        return f"Write Ref {target.logical_id}."
    return f"Write Fn::GetAtt [{target.logical_id}, {ways[0]}]."
