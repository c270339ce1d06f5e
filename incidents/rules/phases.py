"""Rules about where the time of a request went."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from guards.names import CONVERSATION, EXTRACTION
from incidents.gateway import waited
from incidents.messages import Line
from incidents.rules.examples import gap, milestone, phase, request, timeline
from incidents.rules.facts import (
    COMPLETED,
    THROTTLED,
    basis,
    certainty,
    commit_before,
    gave_up,
    milestones,
    proof,
    spent,
    start_and_end,
    waited_at,
)
from incidents.rules.registry import Budgets, Hit, rule
from incidents.rules.words import counted, name, seconds
from incidents.timeline import Gap, Phase, Request, Timeline


@rule(
    "unaccounted-time",
    "warning",
    fires=lambda: timeline(
        request(
            32.312,
            phases=(phase(EXTRACTION, 0.362, 22.262),),
            milestones=(milestone(COMPLETED, 22.312),),
            gaps=(gap(0.0, 0.362), gap(22.312, 32.312, after=COMPLETED)),
            unaccounted=10.412,
        )
    ),
    silent=lambda: timeline(
        request(
            32.312,
            phases=(phase(EXTRACTION, 0.362, 30.312),),
            gaps=(gap(0.0, 0.362), gap(30.312, 32.312, after=EXTRACTION)),
            unaccounted=1.999,
        )
    ),
)
def unaccounted_time(timeline: Timeline, budgets: Budgets) -> Iterator[Hit]:
    """Over 2 s and over 5 % of a request belong to no phase.

    Names the longest gap and what came before it; where that is the commit of the session, says so. Silent
    where no phase is known at all, since then nothing tells what the time went into.
    """
    for each in timeline.requests:
        if _too_much_unaccounted(each, budgets):
            longest = max(each.gaps, key=lambda gap: gap.duration, default=None)
            evidence = proof(_lines_around(each, longest), start_and_end(each))
            yield Hit(
                each, _unaccounted(each, longest), _unaccounted_remedy(each, longest), evidence, "likely"
            )


def _too_much_unaccounted(request: Request, budgets: Budgets) -> bool:
    if request.unaccounted is None:
        return False
    return request.unaccounted > budgets.unaccounted and _share(request) > budgets.unaccounted_share


def _share(request: Request) -> float:
    """The unaccounted share of the request; init is no part of either."""
    ran = request.duration or request.last_seen - request.start
    unaccounted = request.unaccounted or timedelta(0)
    return unaccounted / ran if ran > timedelta(0) else 1.0


def _lines_around(request: Request, gap: Gap | None) -> tuple[Line, ...]:
    """The last line before the gap and the first one after it."""
    if gap is None:
        return ()
    before = [each for each in request.lines if each.event.at <= gap.start]
    after = [each for each in request.lines if each.event.at >= gap.end]
    return proof(before[-1:], after[:1])


def _unaccounted(request: Request, longest: Gap | None) -> str:
    in_all = f"{seconds(request.unaccounted or timedelta(0))}"
    share = f"{_share(request):.0%} of the request"
    if longest is None:
        return f"{in_all} in no phase, {share}."
    return f"{_named(request, longest)} ({in_all} in all, {share}){_in_time(request, longest)}."


def _named(request: Request, gap: Gap) -> str:
    """A gap by its length and what came before it."""
    done = commit_before(gap, request)
    if done is not None:
        return f"{seconds(gap.end - max(done.at, gap.start))} in no phase after the commit"
    return f"{seconds(gap.duration)} in no phase " + (
        f"after {name(gap.after)}" if gap.after else "at the start"
    )


def _in_time(request: Request, gap: Gap) -> str:
    """Whether an answer at the commit would have reached the client."""
    done, gone = commit_before(gap, request), gave_up(request)
    if done is None or gone is None or (stored := waited_at(request, done.at)) >= gone.after:
        return ""
    return f": an answer at the commit ({seconds(stored)}) would have been in time"


def _unaccounted_remedy(request: Request, longest: Gap | None) -> str:
    if longest and commit_before(longest, request):
        return (
            "Find what runs between the commit and the answer, time it with `phase(...)`, "
            "and move it behind the answer."
        )
    return "Time what runs there: wrap it in `with phase(...)`."


@rule(
    "slow-phase",
    "warning",
    fires=lambda: timeline(
        request(24.0, phases=(phase(EXTRACTION, 1.0, 22.9, model="CLAUDE_3_5_SONNET_V2"),))
    ),
    silent=lambda: timeline(
        request(24.0, phases=(phase(CONVERSATION, 1.0, 16.0), phase(EXTRACTION, 16.0, 24.0)))
    ),
)
def slow_phase(timeline: Timeline, budgets: Budgets) -> Iterator[Hit]:
    """A phase took longer than its budget: conversation 15 s, extraction 8 s, unless told otherwise.

    A phase that was still open counts up to the end of what was seen. Names phase, time and model. A worker's
    phases have no budget: nobody waits for them.
    """
    for each in (one for one in timeline.requests if one.is_asked_for):
        for part in each.phases:
            budget = budgets.of(part.name)
            if budget is not None and spent(part) > budget:
                evidence = proof(part.lines, start_and_end(each))
                yield Hit(each, _slow(part, budget), _slow_remedy(each, part), evidence, basis(part))


def _slow(phase: Phase, budget: timedelta) -> str:
    model = "" if phase.model is None else f" with {name(phase.model)}"
    took = "took" if phase.end else "was still open after"
    return f"The {name(phase.name)} {took} {seconds(spent(phase))}{model}; its budget is {seconds(budget)}."


_FAST: Final = "CLAUDE_3_5_HAIKU"


def _slow_remedy(request: Request, phase: Phase) -> str:
    if phase.name == EXTRACTION and "HAIKU" not in (phase.model or ""):
        return (
            f"Set `conversation_config.extraction_model_code` to a faster model ({_FAST}, once the model "
            "registry knows it), or extract asynchronously."
        )
    if phase.name == EXTRACTION:
        return "The model is a fast one already: extract asynchronously, and look at the prompt's length."
    if times := len(milestones(request, THROTTLED)):
        return f"The provider throttled {counted(times, 'time')} here: raise its quota or spread the calls."
    return "Look at the model, the tokens of the history and the provider's throttling."


@rule(
    "llm-throttled",
    "warning",
    fires=lambda: timeline(request(12.0, milestones=(milestone(THROTTLED, 2.0), milestone(THROTTLED, 5.0)))),
    silent=lambda: timeline(request(12.0, milestones=(milestone(COMPLETED, 11.0),))),
)
def llm_throttled(timeline: Timeline, budgets: Budgets) -> Iterator[Hit]:
    """The model provider throttled a call, or a call was retried for it. One finding for each request.

    What only looks like it (botocore's `needs-retry` lines, the API's own rate limit) does not count.
    """
    for each in timeline.requests:
        if hits := milestones(each, THROTTLED):
            evidence = proof(hit.line for hit in hits)
            yield Hit(each, _throttled(each, len(hits)), _THROTTLED_REMEDY, evidence, certainty(each))


_THROTTLED_REMEDY: Final = (
    "Raise the quota of the model, spread the calls, or fall back to another model on throttling."
)


def _throttled(request: Request, times: int) -> str:
    return (
        f"The model provider throttled {counted(times, 'time')} in a request of {seconds(waited(request))}."
    )
