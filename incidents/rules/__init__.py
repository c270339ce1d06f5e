"""What is wrong in a timeline, and what to change: sixteen rules, each a function of a Timeline.

>>> from incidents.rules.examples import request, timeline
>>> [finding.rule for finding in diagnose(timeline(request(32.312)))]
['outlived-gateway']
"""

from __future__ import annotations

from typing import Final

from incidents.report import Finding, Severity
from incidents.rules.concurrency import duplicate_extraction, overlapping_requests
from incidents.rules.data import end_not_seen, incomplete_data
from incidents.rules.gateway import cold_start, near_gateway_limit, outlived_gateway
from incidents.rules.phases import llm_throttled, slow_phase, unaccounted_time
from incidents.rules.registry import Budgets, Rule, rule
from incidents.rules.runtime import handler_error, init_failed_rule, lambda_timeout, out_of_memory_rule
from incidents.rules.session import retry_refused, stranded_success
from incidents.timeline import Timeline

__all__ = ["RULES", "SEVERITIES", "Budgets", "Rule", "diagnose", "rule"]

RULES: Final[tuple[Rule, ...]] = (
    outlived_gateway,
    stranded_success,
    retry_refused,
    near_gateway_limit,
    unaccounted_time,
    slow_phase,
    llm_throttled,
    duplicate_extraction,
    overlapping_requests,
    lambda_timeout,
    out_of_memory_rule,
    init_failed_rule,
    handler_error,
    cold_start,
    end_not_seen,
    incomplete_data,
)
"""Every rule. Findings of one request and severity come in this order."""

SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "warning", "info")
"""Worst first."""

_DEFAULT: Final = Budgets()


def diagnose(timeline: Timeline, budgets: Budgets = _DEFAULT) -> tuple[Finding, ...]:
    """All findings, worst first, then in order of their requests; what is about no request comes last."""
    found = [finding for rule in RULES for finding in rule(timeline, budgets)]
    order = {request.request_id: place for place, request in enumerate(timeline.requests)}

    def worst_then_earliest(finding: Finding) -> tuple[int, int]:
        place = order.get(finding.request_id or "", len(order))
        return SEVERITIES.index(finding.severity), place

    return tuple(sorted(found, key=worst_then_earliest))
