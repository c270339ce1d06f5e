"""Metric filters: whether they match anything, and whether anybody reads what they count."""

from __future__ import annotations

from collections.abc import Iterator

from alarms.filter_patterns import FilterPatternError, TextPattern, parse
from alarms.lint import examples as example
from alarms.lint.filters import METRIC_FILTER, SUBSCRIPTION_FILTER, transformations_of
from alarms.lint.registry import Hit, rule
from alarms.lint.template import Template
from alarms.lint.values import text, texts
from alarms.lint.words import sentence, short

_READ = example.counted("CoachingApi", "Refused", {})


@rule(
    "filter-pattern",
    "error",
    fires=lambda: example.template(
        Filter=example.metric_filter("Refused", "{ $.code = SESSION_NOT_ACTIVE"), Alarm=_READ
    ),
    silent=lambda: example.template(
        Filter=example.metric_filter("Refused", "{ $.code = SESSION_NOT_ACTIVE }"), Alarm=_READ
    ),
)
def filter_pattern(template: Template) -> Iterator[Hit]:
    """CloudWatch Logs refuses the filter pattern, or ignores a part of it.

    Patterns are of terms (`ERROR "Task timed out" -Retry`), of fields (`[ip, ..., status = 5*]`) or of JSON
    (`{ $.status >= 500 }`). A term with other characters than letters, digits and `_` stands in double
    quotes. Terms with `?` are ignored where the pattern has others too (a warning).
    """
    for each in template.of(METRIC_FILTER, SUBSCRIPTION_FILTER):
        told = text(each.get("FilterPattern"))
        if told is None:
            continue
        try:
            pattern = parse(told)
        except FilterPatternError as problem:
            what = f"CloudWatch Logs refuses the pattern {short(told)}: {problem.what}."
            yield Hit(each, what, f"{sentence(problem.hint or '')}.")
            continue
        if isinstance(pattern, TextPattern) and pattern.ignores_optional:
            what = f"The terms with ? are ignored, since {short(told)} has others too."
            yield Hit(each, what, "Use a regular expression for them: %A|B%.", severity="warning")


@rule(
    "metric-filter-unread",
    "warning",
    fires=lambda: example.template(Filter=example.metric_filter("Refusals"), Alarm=_READ),
    silent=lambda: example.template(Filter=example.metric_filter("Refused"), Alarm=_READ),
)
def metric_filter_unread(template: Template) -> Iterator[Hit]:
    """A metric filter counts something that no alarm, dashboard or other resource of the template reads."""
    if template.open:
        return
    words = [
        word
        for each in template.resources.values()
        if each.type != METRIC_FILTER
        for word in texts(each.properties)
    ]
    for made in transformations_of(template):
        if (
            made.name is not None
            and made.namespace is not None
            and not any(made.name in word for word in words)
        ):
            what = (
                f"Nothing in the template reads {made.namespace} {made.name}: it is counted and nobody looks."
            )
            yield Hit(made.filter, what, "Put an alarm on it, show it on a dashboard, or take it out.")
