"""Whether composite alarms can ever fire."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Final

from alarms.composite_rules import STATES, Rule
from alarms.lint import examples as example
from alarms.lint.alarm import ALARM, COMPOSITE
from alarms.lint.composites import composites_of, reachable, reads_of
from alarms.lint.registry import Hit, rule
from alarms.lint.template import Resource, Template
from alarms.lint.values import Reference, text
from alarms.lint.words import nearest, sentence, short

_MOST_TRIED: Final = 7
"""Alarms of a rule whose states are all tried: 3 to the 7th are 2,187."""


def _example(rule_text: object) -> dict[str, object]:
    return example.template(
        Slow=example.alarm(AlarmName="coaching-slow", AlarmActions=None),
        Hit=example.resource("CloudWatch::CompositeAlarm", AlarmRule=rule_text, AlarmActions=[example.TOPIC]),
    )


@rule(
    "composite-rule",
    "error",
    fires=lambda: _example({"Fn::Sub": 'ALARM("${Slow}") AND'}),
    silent=lambda: _example({"Fn::Sub": 'ALARM("${Slow}")'}),
)
def composite_rule(template: Template) -> Iterator[Hit]:
    """The rule of a composite alarm does not parse, is true or false whatever happens, or reads the alarm
    itself."""
    composites = list(composites_of(template))
    reads = reads_of(template, composites)
    for each in composites:
        if each.problem is not None:
            what = f"CloudWatch refuses the rule, {each.problem.what}."
            yield Hit(each.resource, what, f"{sentence(each.problem.hint or '')}.")
        elif each.rule is not None and _constant(each.rule) is not None:
            ends = "it is in ALARM always" if _constant(each.rule) else "it never fires"
            what = f"The rule has one value, whatever states its alarms are in: {ends}."
            yield Hit(each.resource, what, "Mend the rule: one alarm is in one state at a time.")
        if each.resource.logical_id in reachable([each.resource.logical_id], reads):
            what = "The rule reads the alarm itself, directly or through others: CloudWatch refuses it."
            yield Hit(each.resource, what, "Take it out of the rule.")


def _constant(rule: Rule) -> bool | None:
    """The rule's value where no state makes a difference; None where one does, or there are too many
    alarms."""
    if len(rule.names) > _MOST_TRIED:
        return None
    tried = {
        rule.holds(dict(zip(rule.names, states, strict=True)).__getitem__)
        for states in product(STATES, repeat=len(rule.names))
    }
    return tried.pop() if len(tried) == 1 and rule.names else None


@rule(
    "composite-reference",
    "error",
    fires=lambda: _example('ALARM("coaching-slo")'),
    silent=lambda: _example('ALARM("coaching-slow")'),
)
def composite_reference(template: Template) -> Iterator[Hit]:
    """A composite alarm reads, or is suppressed by, an alarm that is not there.

    A reference must lead to an alarm of the template. A name that is written out may be an alarm of another
    stack, and is an error only where it is nearly, but not quite, one of this template.
    """
    for each in composites_of(template):
        suppressor = each.resource.get("ActionsSuppressor")
        further = [suppressor] if isinstance(suppressor, str | Reference) else []
        for read in (*each.read, *further):
            if isinstance(read, Reference):
                yield from _dead_reference(template, each.resource, read)
            elif isinstance(read, str):
                yield from _dead_name(template, each.resource, read.rsplit(":alarm:", 1)[-1])


def _dead_reference(template: Template, composite: Resource, read: Reference) -> Iterator[Hit]:
    target = template.resources.get(read.logical_id)
    if target is None and not template.open:
        what = f"It reads {read.logical_id}, which the template does not have: the deployment fails."
        near = nearest(read.logical_id, (each.logical_id for each in template.of(ALARM, COMPOSITE)))
        yield Hit(composite, what, f"Write {near}." if near else "Name an alarm of the template.")
    elif target is not None and target.type not in (ALARM, COMPOSITE):
        what = f"It reads {read.logical_id}, which is no alarm ({target.type}): CloudWatch refuses it."
        yield Hit(composite, what, "Name an alarm of the template.")


def _dead_name(template: Template, composite: Resource, name: str) -> Iterator[Hit]:
    names = [text(each.get("AlarmName")) for each in template.of(ALARM, COMPOSITE)]
    near = nearest(name, (each for each in names if each))
    if near is not None and name not in names:
        what = (
            f"It reads the alarm {short(name)}, and the template has {short(near)}: nobody sets the former."
        )
        yield Hit(composite, what, f"Write {near}, or refer to the alarm by Ref.")
