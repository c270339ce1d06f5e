"""Finds alarms that cannot do their job in any CloudFormation template.

>>> from alarms.lint.examples import alarm, template
>>> [finding.rule for finding in lint(build(template(Alarm=alarm(Threshold=25))))]
['threshold-unit']
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from alarms.lint.reading import name_of, parse, read_file
from alarms.lint.registry import Finding, Rule, Severity, rule
from alarms.lint.rules import RULES
from alarms.lint.template import Template, build
from guards.errors import BadUsage

__all__ = ["RULES", "Finding", "Rule", "Severity", "Template", "build", "lint", "lint_files", "rule"]


def lint(template: Template, *, ignore: Collection[str] = ()) -> tuple[Finding, ...]:
    """All findings but those of ignored rules, errors first, then in the order of the template."""
    order = {logical_id: place for place, logical_id in enumerate(template.resources)}
    found = [each for rule in RULES if rule.id not in ignore for each in rule(template)]
    return tuple(sorted(found, key=lambda each: (each.severity != "error", order[each.resource])))


def lint_files(paths: Iterable[str], *, ignore: Collection[str] = ()) -> tuple[Finding, ...]:
    """The findings of all files, one file after the other.

    Raises BadUsage where a file is no template, or an ignored rule is none.
    """
    known = [rule.id for rule in RULES]
    if strange := sorted(set(ignore) - set(known)):
        raise BadUsage(f"there is no rule {strange[0]!r}", hint=f"there are {', '.join(known)}")
    named = [(path, name_of(path)) for path in paths]
    templates = [build(parse(read_file(path), name), name) for path, name in named]
    return tuple(found for template in templates for found in lint(template, ignore=ignore))
