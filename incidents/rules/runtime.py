"""Rules about invocations that failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guards.names import EXTRACTION
from incidents.gateway import waited
from incidents.report import Confidence
from incidents.rules.examples import milestone, phase, request, timeline
from incidents.rules.facts import (
    FAILED,
    INIT_FAILED,
    certainty,
    commit,
    first_of,
    milestones,
    proof,
    spent,
    start_and_end,
)
from incidents.rules.registry import Budgets, Hit, rule
from incidents.rules.words import error_type, name, seconds
from incidents.timeline import Phase, Request, Timeline

OUT_OF_MEMORY: Final = "Runtime.OutOfMemory"


def timed_out(request: Request) -> bool:
    """Whether Lambda ended the request at the function's own timeout."""
    return request.outcome == "timeout"


def out_of_memory(request: Request) -> bool:
    """Whether the request died for want of memory: Lambda says so, or an error came with all memory used."""
    if request.error_type == OUT_OF_MEMORY:
        return True
    used, size = request.max_memory_used_mb, request.memory_size_mb
    return request.outcome == "error" and used is not None and size is not None and used >= size


def init_failed(request: Request) -> bool:
    """Whether the environment could not start."""
    return bool(milestones(request, INIT_FAILED))


def failed(request: Request) -> bool:
    """Whether the invocation ended in an error, the handler answered 5xx, or its exception was recorded."""
    return request.outcome == "error" or (request.response_status or 0) >= 500 or bool(request.error_type)


@rule(
    "lambda-timeout",
    "critical",
    fires=lambda: timeline(
        request(300.0, outcome="timeout", phases=(phase(EXTRACTION, 9.0, 300.0, open=True),))
    ),
    silent=lambda: timeline(request(299.9)),
)
def lambda_timeout(timeline: Timeline, budgets: Budgets) -> Iterator[Hit]:
    """Lambda ended a request at the function's own timeout. Says where the work stood."""
    for each in timeline.requests:
        if timed_out(each):
            summary = (
                f"Lambda ended the request at its timeout, after {seconds(waited(each))}, {_stood(each)}."
            )
            evidence = proof(first_of(each, "timeout"), start_and_end(each))
            yield Hit(each, summary, _TIMEOUT_REMEDY, evidence, certainty(each))


_TIMEOUT_REMEDY: Final = (
    "Bound each call to the model by the time that is left (`deadline()`); a longer timeout helps no client "
    "behind a gateway."
)


@rule(
    "out-of-memory",
    "critical",
    fires=lambda: timeline(
        request(
            9.0, outcome="error", error_type="Runtime.ExitError", memory_size_mb=1024, max_memory_used_mb=1024
        )
    ),
    silent=lambda: timeline(request(9.0, memory_size_mb=1024, max_memory_used_mb=1024)),
)
def out_of_memory_rule(timeline: Timeline, budgets: Budgets) -> Iterator[Hit]:
    """A request died for want of memory.

    Certain where Lambda names Runtime.OutOfMemory, likely where an error came with all memory used (a process
    killed by the kernel shows as Runtime.ExitError). Using all memory without an error does not count.
    """
    for each in timeline.requests:
        if out_of_memory(each):
            confidence: Confidence = "certain" if each.error_type == OUT_OF_MEMORY else "likely"
            yield Hit(each, _memory(each), _MEMORY_REMEDY, start_and_end(each), confidence)


_MEMORY_REMEDY: Final = (
    "Raise the function's memory; if use grows from request to request, look for what is kept between them."
)


def _memory(request: Request) -> str:
    used, size = request.max_memory_used_mb, request.memory_size_mb
    of = f" ({used} of {size} MB)" if used is not None and size is not None else ""
    return f"The request ran out of memory{of} after {seconds(waited(request))}, {_stood(request)}."


@rule(
    "init-failed",
    "critical",
    fires=lambda: timeline(request(1.2, outcome="error", milestones=(milestone(INIT_FAILED, 0.0),))),
    silent=lambda: timeline(request(1.2, outcome="error")),
)
def init_failed_rule(timeline: Timeline, budgets: Budgets) -> Iterator[Hit]:
    """The environment could not start: the handler never ran."""
    for each in timeline.requests:
        if hits := milestones(each, INIT_FAILED):
            summary = f"The init failed{error_type(each.error_type)}, so the handler could not run."
            evidence = proof([hit.line for hit in hits], start_and_end(each))
            yield Hit(each, summary, _INIT_REMEDY, evidence, certainty(each))


_INIT_REMEDY: Final = (
    "Read the lines before START: an import, a missing setting, or an init longer than 10 s."
)


@rule(
    "handler-error",
    "critical",
    fires=lambda: timeline(
        request(12.0, response_status=500, phases=(phase(EXTRACTION, 9.0, 11.9, error_type="ProviderError"),))
    ),
    silent=lambda: timeline(request(12.0, response_status=400)),
)
def handler_error(timeline: Timeline, budgets: Budgets) -> Iterator[Hit]:
    """The invocation ended in an error, or the handler answered 5xx. Says where the work stood.

    An exception that guards saw leave the application counts too: a framework around them answers 500 for it,
    and Lambda sees a success. A gateway's own 5xx is not the handler's. Silent where lambda-timeout,
    out-of-memory or init-failed speaks.
    """
    for each in timeline.requests:
        if failed(each) and not (timed_out(each) or out_of_memory(each) or init_failed(each)):
            failures = [hit.line for hit in milestones(each, FAILED)]
            yield Hit(
                each, _failure(each), _FAILURE_REMEDY, proof(failures, start_and_end(each)), certainty(each)
            )


_FAILURE_REMEDY: Final = (
    "Read the error's own lines (`--no-redact` shows their text); check what was stored before a retry."
)


def _failure(request: Request) -> str:
    if request.response_status and request.response_status >= 500:
        what = f"The handler answered {request.response_status}"
    elif request.outcome == "error":
        what = "The invocation ended in an error"
    else:
        what = "The handler failed"
    return f"{what}{error_type(request.error_type)} after {seconds(waited(request))}, {_stood(request)}."


def _stood(request: Request) -> str:
    """Where the work stood when it ended."""
    if commit(request):
        return "after the session had been stored as completed"
    last = max(request.phases, key=lambda each: (each.end is None, each.seen_until), default=None)
    return "with no phase known" if last is None else _stood_at(last)


def _stood_at(phase: Phase) -> str:
    if phase.end is None:
        return f"while {name(phase.name)} had been open for {seconds(spent(phase))}"
    return f"as {name(phase.name)} failed" if phase.error_type else f"after {name(phase.name)} was done"
