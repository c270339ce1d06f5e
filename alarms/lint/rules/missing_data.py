"""What an alarm does while its metric has no data."""

from __future__ import annotations

from collections.abc import Iterator

from alarms.lint import examples as example
from alarms.lint.alarm import Alarm, MetricUse, alarms_of
from alarms.lint.filters import transformations_of
from alarms.lint.registry import Hit, rule
from alarms.lint.template import Template
from alarms.lint.values import items

_FUNCTION = {"FunctionName": "coaching-api"}


@rule(
    "missing-data",
    "error",
    fires=lambda: example.template(
        Alarm=example.counted("AWS/Lambda", "Errors", _FUNCTION, TreatMissingData="breaching")
    ),
    silent=lambda: example.template(
        Alarm=example.counted("AWS/Lambda", "Errors", _FUNCTION, TreatMissingData="notBreaching")
    ),
)
def missing_data(template: Template) -> Iterator[Hit]:
    """The choice of TreatMissingData invents alarms, or hides what the alarm is for.

    Lambda, API Gateway and most others publish nothing while nobody calls, and so does a metric filter
    without a default value. With `breaching` such an alarm on too much fires in every quiet period; with
    `ignore` it stays in ALARM until the next call (a warning). An alarm on too little (a sum below its
    threshold) with `notBreaching` or `ignore` never fires when all calls stop; with `missing` it only goes
    to INSUFFICIENT_DATA (a warning, unless that has an action). Alarms on AWS/DynamoDB always ignore
    missing data: any other choice has no effect (a warning).
    """
    quiet_filters = {(t.namespace, t.name) for t in transformations_of(template) if t.default is None}
    for alarm in alarms_of(template):
        if any(use.namespace == "AWS/DynamoDB" for use in alarm.uses):
            yield from _on_dynamodb(alarm)
        elif alarm.direct is not None and (
            alarm.direct.quiet or (alarm.direct.namespace, alarm.direct.name) in quiet_filters
        ):
            yield from _too_much(alarm, alarm.direct) if alarm.above else _too_little(alarm, alarm.direct)


def _on_dynamodb(alarm: Alarm) -> Iterator[Hit]:
    told = alarm.resource.get("TreatMissingData")
    if told is not None and alarm.missing not in (None, "ignore"):
        what = f"Alarms on AWS/DynamoDB always ignore missing data: {alarm.missing} has no effect, and once"
        what += " in ALARM it stays there until the next datapoint."
        yield Hit(alarm.resource, what, "Leave TreatMissingData out, or write ignore.", severity="warning")


def _too_much(alarm: Alarm, use: MetricUse) -> Iterator[Hit]:
    if alarm.missing == "breaching":
        what = f"{use.name} has no datapoints while nothing happens: it fires whenever nobody calls."
        yield Hit(alarm.resource, what, "Write TreatMissingData notBreaching.")
    if alarm.missing == "ignore":
        what = f"{use.name} has no datapoints while nothing happens: ALARM stays until the next."
        yield Hit(alarm.resource, what, "Write TreatMissingData notBreaching.", severity="warning")


def _too_little(alarm: Alarm, use: MetricUse) -> Iterator[Hit]:
    if alarm.above is None or use.statistic not in ("Sum", "SampleCount"):
        return
    if alarm.missing in ("notBreaching", "ignore"):
        what = f"{use.name} has no datapoints while nothing happens: when all calls stop, it does not fire."
        yield Hit(alarm.resource, what, "Write TreatMissingData breaching.")
    if alarm.missing == "missing" and items(alarm.resource.get("InsufficientDataActions")) == []:
        what = f"{use.name} has no datapoints while nothing happens: when all calls stop, it goes to"
        what += " INSUFFICIENT_DATA, which has no action."
        yield Hit(alarm.resource, what, "Write TreatMissingData breaching.", severity="warning")
