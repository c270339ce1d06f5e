"""What a rule is, how it is registered, and the budgets it measures against."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from inspect import cleandoc

from guards.errors import GuardError
from guards.limits import CONVERSATION_BUDGET, EXTRACTION_BUDGET
from guards.names import CONVERSATION, EXTRACTION
from incidents.messages import Line
from incidents.report import Confidence, Finding, Severity
from incidents.timeline import Request, Timeline


@dataclass(frozen=True, slots=True)
class Budgets:
    """How long the parts of a request may take.

    >>> Budgets().of("extraction")
    datetime.timedelta(seconds=8)
    >>> Budgets().of("save") is None
    True
    """

    conversation: timedelta | None = CONVERSATION_BUDGET
    """For the reply of the coach; None for no budget."""
    extraction: timedelta | None = EXTRACTION_BUDGET
    """For the extraction of the results; None for no budget."""
    other: timedelta | None = None
    """For each phase of another name; None for no budget."""
    unaccounted: timedelta = timedelta(seconds=2)
    """Time in no phase that is not worth a finding ..."""
    unaccounted_share: float = 0.05
    """... nor is it below this share of the request."""

    def of(self, phase: str) -> timedelta | None:
        """The budget of a phase by its name."""
        return {CONVERSATION: self.conversation, EXTRACTION: self.extraction}.get(phase, self.other)


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule found; the rule that found it adds its ID and severity."""

    request: Request | None
    """None where the whole timeline is meant."""
    summary: str
    """One sentence with its numbers; no text from logs but IDs, names and statuses."""
    remedy: str
    evidence: tuple[Line, ...] = ()
    confidence: Confidence = "certain"
    severity: Severity | None = None
    """None for the rule's own."""


Check = Callable[[Timeline, Budgets], Iterable[Hit]]
Example = Callable[[], Timeline]


@dataclass(frozen=True, slots=True)
class Rule:
    """A registered rule: call it with a timeline and budgets to get its findings."""

    id: str
    """Stable: users filter by it."""
    severity: Severity
    check: Check
    fires: Example
    """A timeline in which it fires."""
    silent: Example
    """A timeline, as like to the other as can be, in which it does not."""

    def __call__(self, timeline: Timeline, budgets: Budgets) -> Iterator[Finding]:
        """The findings of this rule."""
        for hit in self.check(timeline, budgets):
            yield Finding(
                rule=self.id,
                severity=hit.severity or self.severity,
                confidence=hit.confidence,
                request_id=hit.request.request_id if hit.request else None,
                summary=hit.summary,
                remedy=hit.remedy,
                evidence=hit.evidence,
            )

    @property
    def documentation(self) -> str:
        """The docstring of its function: the rule's page."""
        return cleandoc(self.check.__doc__ or "")


def rule(id: str, severity: Severity, *, fires: Example, silent: Example) -> Callable[[Check], Rule]:
    """Make a rule of a function. Raises GuardError where the function has no docstring.

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


def broken(rule: Rule, budgets: Budgets) -> str | None:
    """What is wrong with a rule's own examples, in a sentence; None when nothing is."""
    if not any(rule(rule.fires(), budgets)):
        return f"the rule {rule.id!r} does not fire on its own example"
    if any(rule(rule.silent(), budgets)):
        return f"the rule {rule.id!r} fires on the example where it should be silent"
    return None
