"""The composite alarms of a template, and which alarms they read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from alarms.composite_rules import CompositeRuleError, Rule, parse
from alarms.lint.alarm import ALARM, COMPOSITE, acts
from alarms.lint.template import Resource, Template
from alarms.lint.values import Reference, Text, Unknown, Value, text

_OPEN, _CLOSE = "\ue000", "\ue001"
"""Private-use characters: what stands between them is a reference's number, not part of a name."""


@dataclass(frozen=True, slots=True)
class Composite:
    """One composite alarm."""

    resource: Resource
    rule: Rule | None
    """None where it is not known, or does not parse."""
    problem: CompositeRuleError | None
    """Why it does not parse."""
    read: tuple[str | Reference | Unknown, ...]
    """The alarms that the rule reads: names, ARNs and references."""


def composites_of(template: Template) -> Iterator[Composite]:
    """The composite alarms of a template."""
    return (_composite(each) for each in template.of(COMPOSITE))


def alarm_meant(template: Template, read: str | Reference | Unknown) -> Resource | None:
    """The alarm of the template that a rule reads; None where it is none of these."""
    if isinstance(read, Unknown):
        return None
    name: Value = read.rsplit(":alarm:", 1)[-1] if isinstance(read, str) else read
    return template.meant_by(name, (ALARM, COMPOSITE), "AlarmName")


def heard(template: Template) -> set[str] | None:
    """The logical IDs of the alarms that a composite reads which acts, also through others.

    None where a rule is not known, does not parse, or reads a name that is not known: it may be any of them.
    """
    composites = list(composites_of(template))
    if any(each.rule is None or any(isinstance(name, Unknown) for name in each.read) for each in composites):
        return None
    acting = [each.resource.logical_id for each in composites if acts(each.resource) is not False]
    return reachable(acting, reads_of(template, composites))


def reads_of(template: Template, composites: Iterable[Composite]) -> dict[str, set[str]]:
    """Composite -> the alarms of the template that its rule reads, by their logical IDs."""
    return {each.resource.logical_id: _meant(template, each) for each in composites}


def reachable(starts: Iterable[str], reads: dict[str, set[str]]) -> set[str]:
    """All that is read from these composites, directly or through others.

    >>> sorted(reachable(["a"], {"a": {"b"}, "b": {"c"}, "d": {"a"}}))
    ['b', 'c']
    """
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        new = reads.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def _meant(template: Template, composite: Composite) -> set[str]:
    meant = (alarm_meant(template, each) for each in composite.read)
    return {each.logical_id for each in meant if each is not None}


def _composite(resource: Resource) -> Composite:
    told = resource.get("AlarmRule")
    parts = told.parts if isinstance(told, Text) else (told if isinstance(told, Reference) else text(told),)
    if any(isinstance(part, Unknown) or part is None for part in parts) and not _only_in_names(parts):
        return Composite(resource, None, None, ())
    filled = "".join(
        part if isinstance(part, str) else f"{_OPEN}{place}{_CLOSE}" for place, part in enumerate(parts)
    )
    try:
        rule = parse(filled)
    except CompositeRuleError as problem:
        return Composite(resource, None, _readable(problem, parts), ())
    return Composite(resource, rule, None, tuple(_named(name, parts) for name in rule.names))


def _only_in_names(parts: tuple[str | Reference | Unknown | None, ...]) -> bool:
    """Whether what is not known stands within quotes or parentheses, and so is a name or part of one."""
    for place, part in enumerate(parts):
        if isinstance(part, str | Reference):
            continue
        before = parts[place - 1] if place else None
        if part is None or not isinstance(before, str) or not before.rstrip().endswith(("(", '"', "'", ":")):
            return False
    return True


def _named(name: str, parts: tuple[str | Reference | Unknown | None, ...]) -> str | Reference | Unknown:
    """What a name stands for: itself, a reference that is all of it or its end, or the unknown."""
    # arn:aws:cloudwatch:${AWS::Region}:...:alarm:name ends with a name that is known.
    last = name.rsplit(":alarm:", 1)[-1]
    if _OPEN not in last:
        return last if _OPEN in name else name
    place = last.removeprefix(_OPEN).removesuffix(_CLOSE)
    part = parts[int(place)] if place.isdecimal() and int(place) < len(parts) else None
    return part if isinstance(part, Reference) else Unknown("a name, or a part of one")


def _readable(
    problem: CompositeRuleError, parts: tuple[str | Reference | Unknown | None, ...]
) -> CompositeRuleError:
    """The same error with the references' names in it instead of their numbers."""
    what = problem.what.partition(": ")[2]
    for place, part in enumerate(parts):
        name = part.logical_id if isinstance(part, Reference) else "..."
        what = what.replace(f"{_OPEN}{place}{_CLOSE}", name).replace(f"\\ue000{place}\\ue001", name)
    return CompositeRuleError(what, at=problem.at, hint=problem.hint or "")
