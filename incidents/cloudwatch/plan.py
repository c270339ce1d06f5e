"""What will be asked of CloudWatch Logs, and what it will cost: made before anything is scanned.

A plan is plain data. :func:`steps_of` decides, :func:`priced` adds what ``| estimate`` said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from incidents.cloudwatch.queries import any_of, hits_query
from incidents.cloudwatch.windows import Origin, Window

Engine = Literal["FilterLogEvents", "Insights"]

SMALL: Final = timedelta(minutes=30)
"""Up to this length FilterLogEvents searches, which costs nothing and reads everything in its way."""

GIGABYTE: Final = 10**9

PRICE_PER_GB: Final = 0.005
"""US dollars that Insights costs per gigabyte scanned, in us-east-1; a setting."""

MAX_GB: Final = 5.0

SCHEMA: Final = "guard.plan/1"


@dataclass(frozen=True, slots=True)
class Step:
    """One search of one stretch of time."""

    window: Window
    engine: Engine
    text: str
    """The query, or the filter pattern."""
    estimated_bytes: int | None = None
    """What it would scan: 0 for FilterLogEvents, which is not charged for; None when not known."""
    indexed: bool = False
    """Whether the query asks an index, so that it scans less."""
    finds: str = ""
    """What it is for, where several go over the same time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it."""

    groups: tuple[str, ...]
    region: str
    wanted: str
    """The ID."""
    origin: Origin
    """Where the window comes from."""
    steps: tuple[Step, ...]
    """One after the other; for an unknown time only until one finds something, and one more that does not."""
    max_gb: float = MAX_GB
    price_per_gb: float = PRICE_PER_GB

    def cost(self, step: Step) -> float | None:
        """US dollars that a step would cost; None when not known."""
        return None if step.estimated_bytes is None else step.estimated_bytes / GIGABYTE * self.price_per_gb

    def affordable(self, number: int) -> bool:
        """Whether a step, with all before it, stays within the budget. What is not known does not."""
        sizes = [step.estimated_bytes for step in self.steps[: number + 1]]
        return None not in sizes and sum(_known(sizes)) <= self.max_gb * GIGABYTE


def _known(sizes: Sequence[int | None]) -> list[int]:
    return [size for size in sizes if size is not None]


def steps_of(
    wanted: str, windows: Sequence[Window], indexed_since: datetime | None = None
) -> tuple[Step, ...]:
    """How to search each stretch of time for an ID.

    ``indexed_since``: from when on every group has an index of our records' session IDs; None: there is none.

    >>> from datetime import UTC
    >>> now = datetime(2026, 2, 10, tzinfo=UTC)
    >>> [step.engine for step in steps_of("a", [Window(now - SMALL, now), Window(now - SMALL * 2, now)])]
    ['FilterLogEvents', 'Insights']
    """
    return tuple(_step(wanted, window, indexed_since) for window in windows)


def _step(wanted: str, window: Window, indexed_since: datetime | None) -> Step:
    if window.until - window.since <= SMALL:
        return Step(window, "FilterLogEvents", any_of([wanted]), estimated_bytes=0)
    # Only where the whole window has it: what was ingested before is not in the index.
    indexed = indexed_since is not None and indexed_since <= window.since
    return Step(window, "Insights", hits_query(wanted, indexed=indexed), indexed=indexed)


def unindexed(step: Step, wanted: str) -> Step:
    """The same search without an index; what it would scan is not known yet."""
    return replace(step, text=hits_query(wanted), indexed=False, estimated_bytes=None)


def priced(plan: Plan, sizes: Sequence[int | None]) -> Plan:
    """The plan with what each step would scan, in the order of its steps that are queries."""
    left = iter(sizes)
    return replace(
        plan,
        steps=tuple(
            replace(step, estimated_bytes=next(left)) if step.engine == "Insights" else step
            for step in plan.steps
        ),
    )


def document(plan: Plan) -> dict[str, Any]:
    """The plan as plain data, for ``--plan``."""
    sizes = [step.estimated_bytes for step in plan.steps]
    return {
        "schema": SCHEMA,
        "log_groups": list(plan.groups),
        "region": plan.region,
        "id": plan.wanted,
        "window_from": plan.origin,
        "max_gb": plan.max_gb,
        "usd_per_gb": plan.price_per_gb,
        "estimated_bytes": None if None in sizes else sum(_known(sizes)),
        "steps": [_step_document(plan, number) for number in range(len(plan.steps))],
        "then": "FilterLogEvents reads the streams that were hit, 15 minutes around each hit; not charged",
    }


def _step_document(plan: Plan, number: int) -> dict[str, Any]:
    step = plan.steps[number]
    cost = plan.cost(step)
    return {
        "since": rfc3339(step.window.since),
        "until": rfc3339(step.window.until),
        "engine": step.engine,
        "query" if step.engine == "Insights" else "filter_pattern": step.text,
        "indexed": step.indexed,
        "estimated_bytes": step.estimated_bytes,
        "estimated_usd": None if cost is None else round(cost, 6),
        "within_budget": plan.affordable(number),
        **({"finds": step.finds} if step.finds else {}),
    }


FROM: Final[dict[Origin, str]] = {
    "given": "as given",
    "table": "by the session's row",
    "alarm": "the alarm's last ALARM period",
    "widening": "widening from now, until something is found",
}
"""Where the time that is searched comes from, in words."""


def words(plan: Plan) -> list[str]:
    """The plan in a few lines."""
    first = (
        f"plan: {plan.wanted} in {', '.join(plan.groups)} ({plan.region}); the time is {FROM[plan.origin]}"
    )
    return [first, *(_step_words(plan, number) for number in range(len(plan.steps)))]


def _step_words(plan: Plan, number: int) -> str:
    step = plan.steps[number]
    when = f"{rfc3339(step.window.since)} to {rfc3339(step.window.until)}"
    when += f", {step.finds}" if step.finds else ""
    if step.engine == "FilterLogEvents":
        return f"  {when}: FilterLogEvents, not charged"
    over = "" if plan.affordable(number) else f"; over the budget of {plan.max_gb:g} GB"
    index = " by index, in full where that tells nothing" if step.indexed else ""
    if step.estimated_bytes is None:
        return f"  {when}: Insights{index}, its size could not be estimated{over}"
    return f"  {when}: Insights{index}, {size_words(step.estimated_bytes)}, ${plan.cost(step):.4f}{over}"


def asked_about(plan: Plan, number: int) -> str:
    """What is asked where a step is over the budget: which time, how much, and what it would cost."""
    step = plan.steps[number]
    when = f"{rfc3339(step.window.since)} to {rfc3339(step.window.until)}"
    if step.estimated_bytes is None:
        return f"search {when}? nobody knows how much that would scan"
    return f"search {when}? that scans {size_words(step.estimated_bytes)} for ${plan.cost(step):.4f}"


def size_words(size: float) -> str:
    """Bytes for people.

    >>> size_words(1_234_567), size_words(12_345_678_901), size_words(12)
    ('1.23 MB', '12.35 GB', '12 bytes')
    """
    for unit, factor in (("GB", GIGABYTE), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.2f} {unit}"
    return f"{int(size)} bytes"


def rfc3339(at: datetime) -> str:
    """To the second, rounded down: a time that can be typed again."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
