"""Write the page of all rules: ``python -m incidents.rules > docs/rules.md``."""

from __future__ import annotations

import sys

from incidents.rules import RULES
from incidents.rules.registry import Budgets, Rule, broken
from incidents.rules.words import seconds
from incidents.timeline import Request, Timeline

_HEAD = """\
# The rules of diagnosis

<!-- Written by `python -m incidents.rules > docs/rules.md` from the rules; a test keeps it current. -->

Each finding of `guard trace` names one of these rules. The IDs are stable. Every example is run: the rule
fires on the first one and stays silent on the second.
"""


def page() -> str:
    """The Markdown page, from the docstrings and examples of the rules."""
    rows = (f"| [{each.id}](#{each.id}) | {each.severity} |" for each in RULES)
    return (
        "\n".join([_HEAD, "| rule | severity |", "|---|---|", *rows, *(_section(each) for each in RULES)])
        + "\n"
    )


def _section(rule: Rule) -> str:
    finding = next(iter(rule(rule.fires(), Budgets())))
    return f"""
## {rule.id}

{rule.documentation}

Fires on:

{_described(rule.fires())}

> {finding.summary}
> {finding.remedy}

Silent on:

{_described(rule.silent())}"""


def _described(timeline: Timeline) -> str:
    rows = [f"    {_request(each, timeline)}" for each in timeline.requests]
    return "\n".join(rows if timeline.complete else [*rows, "    (a source was cut off)"])


def _request(request: Request, timeline: Timeline) -> str:
    origin = timeline.requests[0].start
    start, last = seconds(request.start - origin), seconds(request.last_seen - origin)
    told = [f"{start} to {last}" if request.end else f"{start}, last seen {last}", *_facts(request)]
    for phase in request.phases:
        state = "open" if phase.end is None else "failed" if phase.error_type else "done"
        span = f"{seconds(phase.start - origin)} to {seconds(phase.seen_until - origin)}"
        told.append(f"{phase.name} {span} {state}")
    told += [f"{each.name} at {seconds(each.at - origin)}" for each in request.milestones]
    return f"request {request.request_id[:8]}: " + ", ".join(told)


def _facts(request: Request) -> list[str]:
    facts = []
    if request.init_duration:
        waited = "waited for" if request.init_waited else "nobody waited for"
        facts.append(f"init {seconds(request.init_duration)} ({waited})")
    if request.outcome in ("error", "timeout"):
        facts.append(f"outcome {request.outcome}")
    if request.memory_size_mb == request.max_memory_used_mb:
        facts.append("all memory used")
    if request.response_status:
        facts.append(f"answered {request.response_status}")
    if request.unaccounted is not None:
        facts.append(f"{request.unaccounted.total_seconds()} s unaccounted")
    return facts


def main() -> int:
    """Print the page; 1, and what is wrong, where a rule contradicts its own examples."""
    wrong = [problem for each in RULES if (problem := broken(each, Budgets()))]
    if wrong:
        print(*wrong, sep="\n", file=sys.stderr)
        return 1
    sys.stdout.write(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
