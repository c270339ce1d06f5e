"""Whether a dashboard is one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from alarms.lint import examples as example
from alarms.lint.registry import Hit, rule
from alarms.lint.template import Template
from alarms.lint.values import Text, Value
from alarms.lint.words import short

_GAP: Final = 987654321987654321
"""Stands for what only the deployment knows: a number where one may stand, and within any text."""
_COLUMNS: Final = 24
_TYPES: Final = ("metric", "text", "log", "alarm", "explorer", "custom")


def _board(widget: dict[str, Any]) -> dict[str, object]:
    body = {"widgets": [widget]}
    return example.template(Board=example.resource("CloudWatch::Dashboard", DashboardBody=json.dumps(body)))


@rule(
    "dashboard-body",
    "error",
    fires=lambda: _board({"type": "metric", "metrics": [["AWS/Lambda", "Duration"]]}),
    silent=lambda: _board({"type": "metric", "properties": {"metrics": [["AWS/Lambda", "Duration"]]}}),
)
def dashboard_body(template: Template) -> Iterator[Hit]:
    """The dashboard's body is no JSON, has no widgets, or widgets that CloudWatch refuses.

    A body is an object with a list `widgets`; each widget has a `type` and an object `properties`, stands
    within 24 columns, and a metric widget has `metrics` (a list of lists) or annotations of alarms.
    """
    for each in template.of("AWS::CloudWatch::Dashboard"):
        problem = _body_problem(each.get("DashboardBody"))
        if problem is not None:
            yield Hit(each, f"{problem[0]}: CloudWatch refuses the dashboard.", problem[1])


def _body_problem(told: Value) -> tuple[str, str] | None:
    if isinstance(told, dict | list):
        return (
            "DashboardBody is an object and must be a text",
            "Write it as JSON in a text (Fn::Sub, Fn::ToJsonString).",
        )
    if isinstance(told, Text):
        told = "".join(part if isinstance(part, str) else str(_GAP) for part in told.parts)
    if not isinstance(told, str):
        return None
    try:
        body = json.loads(told)
    except (ValueError, RecursionError) as error:
        reason = str(error).replace(str(_GAP), "...")
        return f"DashboardBody is no JSON ({reason})", "Mend it; a CDK dashboard writes it for you."
    if not isinstance(body, dict):
        return None if body == _GAP else ("DashboardBody is no JSON object", 'Write {"widgets": [...]}.')
    widgets = body.get("widgets")
    if not isinstance(widgets, list):
        return None if _gap(widgets) else ("DashboardBody has no list widgets", 'Write {"widgets": [...]}.')
    problems = (_widget_problem(place, widget) for place, widget in enumerate(widgets, 1))
    return next((problem for problem in problems if problem is not None), None)


def _widget_problem(place: int, widget: Any) -> tuple[str, str] | None:
    if _gap(widget):
        return None
    if not isinstance(widget, dict):
        return f"Widget {place} is no object", 'Write {"type": ..., "properties": {...}}.'
    type_, properties = widget.get("type"), widget.get("properties")
    if not _gap(type_) and type_ not in _TYPES:
        return f"Widget {place} has the type {short(str(type_))}", f"Write one of {', '.join(_TYPES)}."
    if not isinstance(properties, dict):
        return None if _gap(properties) else (f"Widget {place} has no properties", "Put what it shows there.")
    return _place_problem(place, widget) or (
        _metrics_problem(place, properties) if type_ == "metric" else None
    )


def _place_problem(place: int, widget: dict[str, Any]) -> tuple[str, str] | None:
    left, width = widget.get("x", 0), widget.get("width", 6)
    if any(type(each) is not int or each == _GAP for each in (left, width)):
        return None
    if left < 0 or not 1 <= width <= _COLUMNS or left + width > _COLUMNS:
        what = f"Widget {place} reaches from column {left} over {width} columns"
        return what, f"A dashboard has {_COLUMNS} columns: keep x + width within them."
    return None


def _metrics_problem(place: int, properties: dict[str, Any]) -> tuple[str, str] | None:
    metrics, annotations = properties.get("metrics"), properties.get("annotations")
    if metrics is None and not (isinstance(annotations, dict) and annotations.get("alarms")):
        return f"Widget {place} has no metrics", 'Write "metrics": [["AWS/Lambda", "Duration", ...]].'
    if metrics is None or _gap(metrics):
        return None
    if not isinstance(metrics, list) or not all(isinstance(each, list) or _gap(each) for each in metrics):
        return (
            f"The metrics of widget {place} are no list of lists",
            'Write [["AWS/Lambda", "Duration", ...]].',
        )
    return None


def _gap(value: Any) -> bool:
    return value == _GAP or (isinstance(value, str) and str(_GAP) in value)
