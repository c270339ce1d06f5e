"""Rules about the logs themselves: what they do not hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from incidents.rules.examples import request, timeline
from incidents.rules.facts import certainty, proof, start_and_end
from incidents.rules.registry import Budgets, Hit, rule
from incidents.rules.words import seconds
from incidents.timeline import Timeline


@rule(
    "end-not-seen",
    "warning",
    fires=lambda: timeline(request(None, seen=12.0)),
    silent=lambda: timeline(request(12.0)),
)
def end_not_seen(timeline: Timeline, budgets: Budgets) -> Iterator[Hit]:
    """No END or REPORT of a request was read: it was killed, still runs, or the logs stop too early."""
    for each in timeline.requests:
        if each.end is None:
            seen = seconds(each.last_seen - each.start)
            summary = f"No end of the request was read: its last line stands {seen} after its start."
            evidence = proof(start_and_end(each), each.lines[-1:])
            yield Hit(each, summary, _END_REMEDY, evidence, certainty(each))


_END_REMEDY: Final = (
    "Read on past its last line (`--until`); if nothing follows in its log stream, the process was killed."
)


@rule(
    "incomplete-data",
    "warning",
    fires=lambda: timeline(request(5.0), complete=False),
    silent=lambda: timeline(request(5.0)),
)
def incomplete_data(timeline: Timeline, budgets: Budgets) -> Iterator[Hit]:
    """A source was cut off (a truncated file, a query ended early): the rest can change the diagnosis."""
    if not timeline.complete:
        yield Hit(
            None, "A source was cut off: lines are missing that may change this diagnosis.", _CUT_REMEDY
        )


_CUT_REMEDY: Final = "Fetch the source again that is marked incomplete, or narrow `--since` and `--until`."
