"""Alarms on metric math."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from alarms.lint import examples as example
from alarms.lint.alarm import Alarm, alarms_of
from alarms.lint.registry import Hit, rule
from alarms.lint.template import Template
from alarms.lint.values import items, text
from alarms.lint.words import short

_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_ID: Final = re.compile(r"(?<![\w.$])[a-z]\w*(?!\w*\s*\()", re.ASCII)
_WORDS: Final = frozenset({"and", "or", "not", "true", "false"})


def _rate(numerator: str) -> dict[str, object]:
    def query(id_: str, name: str) -> dict[str, object]:
        metric = {"Namespace": "AWS/Lambda", "MetricName": name}
        return {"Id": id_, "ReturnData": False, "MetricStat": {"Metric": metric, "Stat": "Sum", "Period": 60}}

    share = {"Id": "share", "Expression": f"{numerator} / calls"}
    return example.template(
        Alarm=example.on_math(share, query("errors", "Errors"), query("calls", "Invocations"), Threshold=0.05)
    )


@rule("metric-math", "error", fires=lambda: _rate("error"), silent=lambda: _rate("errors"))
def metric_math(template: Template) -> Iterator[Hit]:
    """An expression reads an ID that the alarm does not have, or not exactly one line returns data.

    With a ThresholdMetricId (anomaly detection) two lines return data: the metric and its band.
    """
    for alarm in alarms_of(template):
        told = items(alarm.resource.get("Metrics"))
        if not told or None in alarm.ids:
            continue
        for expression in alarm.expressions:
            wording = text(expression.text) or ""
            for unknown in _unknown_ids(alarm, wording):
                what = f"The expression {short(wording)} reads {unknown}, which is no ID here:"
                fix = f"Write one of {', '.join(_ids(alarm))}."
                yield Hit(alarm.resource, f"{what} CloudWatch refuses it.", fix)
        yield from _returned(alarm)


def _ids(alarm: Alarm) -> list[str]:
    return [each for each in alarm.ids if each is not None]


def _unknown_ids(alarm: Alarm, expression: str) -> list[str]:
    # A query of Metrics Insights has names of its own.
    if expression.lstrip()[:6].upper() == "SELECT":
        return []
    found = _ID.findall(_QUOTED.sub("''", expression))
    return [each for each in dict.fromkeys(found) if each not in {*_ids(alarm), *_WORDS}]


def _returned(alarm: Alarm) -> Iterator[Hit]:
    band = text(alarm.resource.get("ThresholdMetricId"))
    if alarm.resource.get("ThresholdMetricId") is None and len(alarm.returned) != 1:
        what = f"{len(alarm.returned)} lines return data, and an alarm is on one: CloudWatch refuses it."
        yield Hit(alarm.resource, what, "Write ReturnData: false on all lines but the one that is compared.")
    if band is not None and band not in alarm.ids:
        what = f"ThresholdMetricId is {short(band)}, which is no ID here: CloudWatch refuses it."
        yield Hit(alarm.resource, what, f"Write one of {', '.join(_ids(alarm))}.")
