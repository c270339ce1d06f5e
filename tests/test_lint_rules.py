"""The rules of the linter as a table: IDs, examples, documentation, order."""

from __future__ import annotations

from pathlib import Path

import pytest

from alarms import metrics
from alarms.lint import RULES, build, lint, rule
from alarms.lint.__main__ import page
from alarms.lint.examples import alarm, metric_filter, template
from alarms.lint.registry import Rule, broken
from guards import names
from guards.errors import BadUsage, GuardError

DOCS = Path(__file__).parent.parent / "docs" / "lint.md"


# --- the table -----------------------------------------------------------------------------------------


def test_ids_and_severities_are_those_that_users_filter_by():
    """The IDs and their severities are stable."""
    errors = (
        "unknown-metric dimension-set dimension-value route-dimensions metric-unit threshold-unit "
        "threshold-out-of-reach statistic m-over-n period-limits missing-data metric-math no-action "
        "topic-grant composite-rule composite-reference filter-pattern dashboard-body"
    )
    warnings = "late-data percentile-samples metric-filter-unread topic-subscription"

    assert set(errors.split()) == {each.id for each in RULES if each.severity == "error"}
    assert set(warnings.split()) == {each.id for each in RULES if each.severity == "warning"}
    assert 22 == len(RULES)


@pytest.mark.parametrize("each", RULES, ids=lambda each: each.id)
def test_every_rule_keeps_to_its_own_examples(each: Rule):
    """It fires on the one, is silent on the other, and nothing else fires on the silent one."""
    assert broken(each) is None
    assert () == lint(build(each.silent()))


def test_a_rule_needs_a_docstring_and_examples():
    """Registration fails without either."""

    def undocumented(of):
        return ()

    def documented(of):
        """It never fires."""
        return ()

    with pytest.raises(GuardError, match="has no docstring"):
        rule("x", "error", fires=dict, silent=dict)(undocumented)
    with pytest.raises(GuardError, match="lacks an example"):
        rule("x", "error", fires=None, silent=dict)(documented)
    assert "does not fire" in broken(rule("x", "error", fires=dict, silent=dict)(documented))


def test_the_page_of_the_rules_is_current():
    """docs/lint.md is what `python -m alarms.lint` writes."""
    assert page() == DOCS.read_text("utf-8")


def test_every_finding_says_what_will_happen_and_the_fix():
    """Whole sentences, with a resource of the template."""
    for each in RULES:
        for finding in each(build(each.fires())):
            assert finding.resource in each.fires()["Resources"]
            assert finding.summary[-1] == finding.fix[-1] == "."
            assert finding.summary[0].isupper() or finding.summary[0].isdigit()
            assert finding.fix[0].isupper()


# --- all of them ---------------------------------------------------------------------------------------


def test_findings_come_errors_first_then_in_the_order_of_the_template():
    """Whatever the order of the rules."""
    found = lint(
        build(
            template(
                Late=alarm(EvaluationPeriods=1),
                Seconds=alarm(Threshold=25),
                Refused=metric_filter("Refused", "a:"),
            )
        )
    )

    assert [
        ("Seconds", "threshold-unit"),
        ("Refused", "filter-pattern"),
        ("Late", "late-data"),
        ("Refused", "metric-filter-unread"),
    ] == [(each.resource, each.rule) for each in found]


def test_rules_can_be_left_out():
    """By their IDs; an ID that is none is refused."""
    from alarms.lint import lint_files

    of = build(template(Alarm=alarm(Threshold=25)))

    assert () == lint(of, ignore=["threshold-unit"])
    with pytest.raises(BadUsage, match="there is no rule 'treshold-unit'"):
        lint_files([], ignore=["treshold-unit"])


def test_the_knowledge_of_metrics_has_a_source_for_each_group():
    """Pages of AWS's documentation; our own module for our own."""
    for group in metrics.groups():
        assert group.source.startswith("https://docs.aws.amazon.com/") or group.namespace == names.NAMESPACE
        assert all(each.dimensions for each in group.metrics.values())
