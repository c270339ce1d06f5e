"""Rules about requests that got in each other's way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from guards.names import EXTRACTION
from incidents.messages import Line
from incidents.rules.examples import RETRY, milestone, phase, request, timeline
from incidents.rules.facts import COMPLETED, SAVED, certainty, milestones, proof, start_and_end
from incidents.rules.registry import Budgets, Hit, rule
from incidents.rules.words import counted, identifier, seconds, short
from incidents.timeline import Milestone, Phase, Request, Timeline


def by_session(requests: Iterable[Request]) -> dict[str, list[Request]]:
    """The requests of each session, in order of start."""
    groups: dict[str, list[Request]] = {}
    for each in sorted(requests, key=lambda each: each.start):
        for session in each.sessions:
            groups.setdefault(session, []).append(each)
    return groups


@rule(
    "duplicate-extraction",
    "warning",
    fires=lambda: timeline(
        request(20.0, phases=(phase(EXTRACTION, 2.0, 19.0),)),
        request(20.0, start=31.0, request_id=RETRY, phases=(phase(EXTRACTION, 33.0, 50.0),)),
    ),
    silent=lambda: timeline(
        request(20.0, phases=(phase(EXTRACTION, 2.0, 19.0, error_type="ReadTimeoutError"),)),
        request(20.0, start=31.0, request_id=RETRY, phases=(phase(EXTRACTION, 33.0, 50.0),)),
    ),
)
def duplicate_extraction(timeline: Timeline, budgets: Budgets) -> Iterator[Hit]:
    """Two requests each finished an extraction for one session: it was paid for twice.

    An extraction that failed, or whose end was not seen, does not count.
    """
    extracted = [each for each in timeline.requests if _extraction_ends(each)]
    for session, (first, *more) in by_session(extracted).items():
        if more:
            yield _duplicate(session, first, more)


def _extraction_ends(request: Request) -> list[tuple[Line, ...]]:
    """For each finished extraction the line that ended it."""
    return [each.lines[-1:] for each in request.phases if _finished_extraction(each)]


def _finished_extraction(phase: Phase) -> bool:
    return phase.name == EXTRACTION and phase.end is not None and phase.error_type is None


def _duplicate(session: str, first: Request, more: list[Request]) -> Hit:
    ids = " and ".join(short(each.request_id) for each in (first, *more))
    summary = (
        f"The session {identifier(session)} was extracted by {counted(1 + len(more), 'request')}: {ids}."
    )
    evidence = proof(*_extraction_ends(first), *_extraction_ends(more[0]))
    return Hit(more[0], summary, _DUPLICATE_REMEDY, evidence, "likely")


_DUPLICATE_REMEDY: Final = (
    "Claim the extraction by a conditional write before it begins; a retry then waits for that result."
)


@rule(
    "overlapping-requests",
    "warning",
    fires=lambda: timeline(
        request(40.0, milestones=(milestone(SAVED, 39.0),)),
        request(5.0, start=32.0, request_id=RETRY, milestones=(milestone(SAVED, 36.0),)),
    ),
    silent=lambda: timeline(request(32.0), request(5.0, start=32.0, request_id=RETRY)),
)
def overlapping_requests(timeline: Timeline, budgets: Budgets) -> Iterator[Hit]:
    """Two requests of one session ran at the same time: the save of one can undo the other's.

    Names the request that saved last, where both were seen to save. At most one finding for a request: about
    the earlier one with which it ran longest. Invocations that guards recorded as a worker's, such as a
    queue's, do not count: a request that hands over overlaps with the worker that takes over.
    """
    for first, second in overlapping(timeline):
        evidence = proof(_save_lines(first), _save_lines(second), start_and_end(first), start_and_end(second))
        yield Hit(second, _overlap(first, second), _OVERLAP_REMEDY, evidence, certainty(first, second))


_OVERLAP_REMEDY: Final = (
    "Save the session on condition of the version that was read, and take one request of a session at a time."
)


def overlapping(timeline: Timeline) -> list[tuple[Request, Request]]:
    """Pairs of requests of one session that ran at once: each later one with its longest overlap."""
    longest: dict[str, tuple[Request, Request]] = {}
    for pair in _overlaps(timeline):
        known = longest.get(pair[1].request_id)
        if known is None or _together(*pair) > _together(*known):
            longest[pair[1].request_id] = pair
    return sorted(longest.values(), key=lambda pair: pair[1].start)


def _overlaps(timeline: Timeline) -> Iterator[tuple[Request, Request]]:
    asked_for = (each for each in timeline.requests if each.is_asked_for)
    for group in by_session(asked_for).values():
        for place, first in enumerate(group):
            for second in islice(group, place + 1, None):
                if second.start >= _until(first):
                    break
                yield first, second


def _together(first: Request, second: Request) -> timedelta:
    return min(_until(first), _until(second)) - max(first.start, second.start)


def _until(request: Request) -> datetime:
    return request.end or request.last_seen


def _last_save(request: Request) -> Milestone | None:
    saves = milestones(request, SAVED) + milestones(request, COMPLETED)
    return max(saves, key=lambda each: each.at, default=None)


def _save_lines(request: Request) -> tuple[Line, ...]:
    save = _last_save(request)
    return (save.line,) if save else ()


def lost_update(first: Request, second: Request) -> tuple[Request, Request] | None:
    """Of two requests the one that saved last, and the one it may have undone; None where none was undone.

    A save can undo only what was written after its own request had begun: what came before, it had read.
    """
    saves = [(save.at, each) for each in (first, second) if (save := _last_save(each))]
    if len(saves) < 2:
        return None
    (undone_at, undone), (_, winner) = sorted(saves, key=lambda each: each[0])
    return (winner, undone) if undone_at > winner.start else None


def _overlap(first: Request, second: Request) -> str:
    ids = f"{short(first.request_id)} and {short(second.request_id)}"
    text = f"{ids} ran for one session at the same time for {seconds(_together(first, second))}"
    lost = lost_update(first, second)
    if lost is None:
        return f"{text}."
    winner, undone = (short(each.request_id) for each in lost)
    return f"{text}; {winner} saved last and may have undone what {undone} saved."
