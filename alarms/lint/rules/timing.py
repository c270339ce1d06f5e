"""How many periods an alarm looks at, and how long they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import ceil
from typing import Final

from alarms.lint import examples as example
from alarms.lint.alarm import Alarm, alarms_of, function_of
from alarms.lint.registry import Hit, rule
from alarms.lint.template import Template
from alarms.lint.values import text
from alarms.lint.words import quantity

_DAY_S: Final = 86_400
_HOUR_S: Final = 3_600
_SHORT_S: Final = (10, 20, 30)
_PERCENTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d+)?)$", re.ASCII)


@rule(
    "m-over-n",
    "error",
    fires=lambda: example.template(Alarm=example.alarm(DatapointsToAlarm=8, EvaluationPeriods=7)),
    silent=lambda: example.template(Alarm=example.alarm(DatapointsToAlarm=7, EvaluationPeriods=7)),
)
def m_over_n(template: Template) -> Iterator[Hit]:
    """The alarm needs more breaching datapoints than it looks at (DatapointsToAlarm over
    EvaluationPeriods)."""
    for alarm in alarms_of(template):
        m, n = alarm.datapoints_to_alarm, alarm.evaluation_periods
        if m is not None and n is not None and m > n:
            what = f"It needs {m} breaching datapoints of the {n} that it looks at: CloudWatch refuses it."
            yield Hit(
                alarm.resource, what, f"Write DatapointsToAlarm of at most {n}, or more EvaluationPeriods."
            )


@rule(
    "late-data",
    "warning",
    fires=lambda: example.template(
        Function=example.function(), Alarm=example.alarm(EvaluationPeriods=1, DatapointsToAlarm=1)
    ),
    silent=lambda: example.template(Function=example.function(), Alarm=example.alarm(EvaluationPeriods=7)),
)
def late_data(template: Template) -> Iterator[Hit]:
    """The alarm has looked away by the time the datapoint arrives.

    Lambda stamps `Duration` with the start of the invocation and publishes it after its end. The slower the
    request, the further back its datapoint stands, behind newer and healthy ones. Evaluation periods must
    span the longest delay, M = 1 of N = ceil(timeout / 60 s) + 2 with a period of 60 s. Where the template
    does not hold the function, the threshold tells how long a breaching request takes at least.
    """
    for alarm in alarms_of(template):
        use = alarm.direct
        if use is None or use.known is None or not use.known.stamped_at_start or not use.period:
            continue
        delay, n = _delay_s(template, alarm), alarm.evaluation_periods
        wanted = (ceil(delay / 60) + 2) * 60
        if n is not None and delay and n * use.period < wanted:
            what = (
                f"{use.name} of a request of {quantity(delay)} s stands at its start and arrives after its "
                f"end: {n} x {use.period} s are too short to see it for sure."
            )
            fix = f"Write EvaluationPeriods {ceil(wanted / use.period)} with DatapointsToAlarm 1."
            yield Hit(alarm.resource, what, fix)


def _delay_s(template: Template, alarm: Alarm) -> float:
    """How long the slowest request takes that must be seen; 0 where nothing is known."""
    function = function_of(alarm.direct, template) if alarm.direct else None
    timeout = template.timeout_s(function) if function else None
    if timeout is not None:
        return timeout
    return alarm.threshold / 1000 if alarm.above and alarm.threshold and function is None else 0


@rule(
    "period-limits",
    "error",
    fires=lambda: example.template(Alarm=example.alarm(Period=90)),
    silent=lambda: example.template(Alarm=example.alarm(Period=120)),
)
def period_limits(template: Template) -> Iterator[Hit]:
    """CloudWatch refuses the period, or the product of period and evaluation periods.

    A period is 10, 20 or 30 seconds or a multiple of 60, at most a day. Evaluation periods span at most 7
    days, and at most one day where the period is shorter than an hour. Metrics of AWS's own services have a
    datapoint a minute: a shorter period on them is a warning.
    """
    for alarm in alarms_of(template):
        period, n = alarm.period, alarm.evaluation_periods
        if period is None:
            continue
        if problem := _period_problem(period) or (_span_problem(period, n) if n is not None else None):
            yield Hit(alarm.resource, f"{problem[0]}: CloudWatch refuses it.", problem[1])
        elif period < 60 and any((use.namespace or "").startswith("AWS/") for use in alarm.uses):
            what = f"The metric has a datapoint a minute: most periods of {period} s see none."
            yield Hit(alarm.resource, what, "Write a period of 60.", severity="warning")


def _period_problem(period: int) -> tuple[str, str] | None:
    if period in _SHORT_S or (period > 0 and period % 60 == 0 and period <= _DAY_S):
        return None
    if period > _DAY_S:
        return f"A period of {quantity(period)} s is longer than a day", f"Write at most {_DAY_S}."
    return f"A period of {quantity(period)} s is none", "Write 10, 20, 30 or a multiple of 60."


def _span_problem(period: int, n: int) -> tuple[str, str] | None:
    most = _DAY_S if period < _HOUR_S else 7 * _DAY_S
    if period * n <= most:
        return None
    days = (
        "the day that an alarm with a period under an hour" if most == _DAY_S else "the 7 days that an alarm"
    )
    return (
        f"{n} periods of {quantity(period)} s are longer than {days} may span",
        f"Write at most {most // period} EvaluationPeriods.",
    )


@rule(
    "percentile-samples",
    "warning",
    fires=lambda: example.template(Alarm=_percentile("ignore")),
    silent=lambda: example.template(Alarm=_percentile("evaluate")),
)
def percentile_samples(template: Template) -> Iterator[Hit]:
    """A percentile that is not evaluated with few samples, on an API that may not have as many.

    With `EvaluateLowSampleCountPercentile: ignore` the state does not change while there are fewer than
    10 / (1 - p) samples, or 10 / p below the median: 1,000 for p99.
    """
    for alarm in alarms_of(template):
        found = _PERCENTILE.fullmatch(alarm.direct.statistic or "") if alarm.direct else None
        if found is None or text(alarm.resource.get("EvaluateLowSampleCountPercentile")) != "ignore":
            continue
        share = float(found[1]) / 100
        if 0 < share < 1:
            needed = round(10 / (1 - share if share >= 0.5 else share))
            what = (
                f"Its state does not change while there are fewer than {quantity(needed)} requests in view."
            )
            yield Hit(alarm.resource, what, "Write the statistic Maximum, or evaluate instead of ignore.")


def _percentile(few: str) -> dict[str, object]:
    return example.alarm(Statistic=None, ExtendedStatistic="p99", EvaluateLowSampleCountPercentile=few)
