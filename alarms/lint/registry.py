"""What a rule of the linter is, and how it is registered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any, Literal

from alarms.lint.template import Resource, Template, build
from guards.errors import GuardError

Severity = Literal["error", "warning"]
"""An error: it cannot do its job, or CloudWatch refuses it. A warning: it may not, or only half."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one resource of one template."""

    rule: str
    severity: Severity
    template: str
    """The template's file."""
    resource: str
    """Its logical ID."""
    summary: str
    """What will happen."""
    fix: str
    """What to write instead."""


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule found; the rule that found it adds its ID and severity."""

    resource: Resource
    summary: str
    fix: str
    severity: Severity | None = None
    """None for the rule's own."""


Check = Callable[[Template], Iterable[Hit]]
Example = Callable[[], dict[str, Any]]
"""Makes the tree of a small template."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A registered rule: call it with a template to get its findings."""

    id: str
    """Stable: users switch rules off by it."""
    severity: Severity
    check: Check
    fires: Example
    """A template in which it fires."""
    silent: Example
    """A template, as like to the other as can be, in which it does not."""

    def __call__(self, template: Template) -> Iterator[Finding]:
        """The findings of this rule."""
        for hit in self.check(template):
            yield Finding(
                rule=self.id,
                severity=hit.severity or self.severity,
                template=template.name,
                resource=hit.resource.logical_id,
                summary=hit.summary,
                fix=hit.fix,
            )

    @property
    def documentation(self) -> str:
        """The docstring of its function: the rule's page."""
        return cleandoc(self.check.__doc__ or "")


def rule(id: str, severity: Severity, *, fires: Example, silent: Example) -> Callable[[Check], Rule]:
    """Make a rule of a function. Raises GuardError where the function has no docstring or an example lacks.

    The examples are run by :func:`broken`, not here: importing the rules stays cheap.
    """

    def register(check: Check) -> Rule:
        if not (check.__doc__ or "").strip():
            raise GuardError(
                f"the rule {id!r} has no docstring", hint="say there when it fires: it is the rule's page"
            )
        if not (callable(fires) and callable(silent)):
            raise GuardError(f"the rule {id!r} lacks an example", hint="give fires= and silent= as functions")
        return Rule(id, severity, check, fires, silent)

    return register


def broken(rule: Rule) -> str | None:
    """What is wrong with a rule's own examples, in a sentence; None when nothing is."""
    if not any(rule(build(rule.fires()))):
        return f"the rule {rule.id!r} does not fire on its own example"
    if any(rule(build(rule.silent()))):
        return f"the rule {rule.id!r} fires on the example where it should be silent"
    return None
