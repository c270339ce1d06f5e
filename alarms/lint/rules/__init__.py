"""The rules of the linter: what makes an alarm that cannot do its job."""

from __future__ import annotations

from typing import Final

from alarms.lint.registry import Rule
from alarms.lint.rules.actions import no_action, topic_grant
from alarms.lint.rules.composites import composite_reference, composite_rule
from alarms.lint.rules.dashboards import dashboard_body
from alarms.lint.rules.filters import filter_pattern, metric_filter_unread
from alarms.lint.rules.metric_math import metric_math
from alarms.lint.rules.metrics import dimension_set_rule, dimension_value, unknown_metric
from alarms.lint.rules.missing_data import missing_data
from alarms.lint.rules.routes import route_dimensions
from alarms.lint.rules.subscriptions import topic_subscription
from alarms.lint.rules.thresholds import metric_unit, statistic, threshold_out_of_reach, threshold_unit
from alarms.lint.rules.timing import late_data, m_over_n, percentile_samples, period_limits

RULES: Final[tuple[Rule, ...]] = (
    unknown_metric,
    dimension_set_rule,
    dimension_value,
    route_dimensions,
    metric_unit,
    threshold_unit,
    threshold_out_of_reach,
    statistic,
    m_over_n,
    period_limits,
    late_data,
    percentile_samples,
    missing_data,
    metric_math,
    no_action,
    topic_grant,
    topic_subscription,
    composite_rule,
    composite_reference,
    filter_pattern,
    metric_filter_unread,
    dashboard_body,
)
"""Every rule. Findings of one resource and severity come in this order."""
