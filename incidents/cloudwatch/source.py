"""Live log groups as one source of events: searched by a plan, then read around what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from guards.errors import SourceFailed
from incidents.access_logs import AccessLogFormat
from incidents.bounds import CLOSES, LAMBDA_STREAM, OPENS
from incidents.cloudwatch.calls import Calls
from incidents.cloudwatch.faults import Fault
from incidents.cloudwatch.hits import Hit, find
from incidents.cloudwatch.holding import Holding
from incidents.cloudwatch.intervals import Interval, to_ms, united
from incidents.cloudwatch.pages import Want
from incidents.cloudwatch.plan import Plan, Step, rfc3339, size_words
from incidents.cloudwatch.prepare import in_full
from incidents.cloudwatch.queries import boundaries, gateway_lines, phrases
from incidents.cloudwatch.windows import Window
from incidents.events import Event
from incidents.reading import read_message
from incidents.sources import (
    AROUND,
    GATEWAY_LAG,
    NEAR,
    SKIPS_LISTED,
    SLACK,
    Question,
    Reading,
    Span,
    is_boundary,
    wanted,
)

TASTE_PAGES: Final = 3
"""So many pages are read to name the nearest IDs where nothing was found."""

_BEFORE_OTHERS: Final = timedelta(minutes=2)

Allow = Callable[[Plan, int], bool]
"""Whether a step over the budget may be run, by its number."""


class CloudWatchSource:
    """The log groups of a plan."""

    def __init__(
        self,
        calls: Calls,
        plan: Plan,
        *,
        one_request: bool = False,
        allow: Allow = lambda plan, number: False,
        access_log: AccessLogFormat | None = None,
    ) -> None:
        self._calls, self._plan, self._allow, self._access_log = calls, plan, allow, access_log
        self._one_request = one_request
        self._name = ", ".join(plan.groups)
        self._held = Holding(calls, self._name)
        self._searched: set[str] = set()
        self._hit: set[str] = set()
        self._bytes_scanned = 0
        self._steps = 0
        self.remarks: list[str] = []
        """What the user should know of the search."""

    def read(self, question: Question) -> Reading:
        """Everything around the hits of what the plan is for; later questions read only what is lacking.

        Raises SourceFailed where nothing at all could be read, and KeyboardInterrupt where that was why.
        """
        if question.at_most is not None:
            self._taste(question)
        elif question.spans:
            self._read_spans(question)
        else:
            self._search(question)
        self._give_up_if_nothing_came()
        return self._reading(question)

    @property
    def accounting(self) -> str:
        """What it came to, in one line."""
        made = ", ".join(f"{count} {name}" for name, count in sorted(self._calls.made.items()))
        scanned = size_words(self._bytes_scanned)
        cost = self._bytes_scanned / 10**9 * self._plan.price_per_gb
        events = f"{len(self._held)} events in {self._held.pages} pages"
        return f"Insights scanned {scanned} (${cost:.4f}); {events} read; calls: {made}"

    @property
    def searched(self) -> Window | None:
        """The time that was searched; None where nothing was."""
        windows = [step.window for step in self._plan.steps[: self._steps]]
        if not windows:
            return None
        return Window(min(each.since for each in windows), max(each.until for each in windows))

    # --- search -------------------------------------------------------------------------------------

    def _search(self, question: Question) -> None:
        for needle in question.needles:
            if needle in self._searched:
                continue
            self._searched.add(needle)
            if needle == self._plan.wanted:
                self._run_plan()
            else:
                self._search_nearby(needle)

    def _run_plan(self) -> None:
        """All steps; where an index told nothing, again in full: it holds records, no other lines."""
        indexed = [number for number, step in enumerate(self._plan.steps) if step.indexed]
        if self._run_steps(range(len(self._plan.steps))) or not indexed or self._held.missing:
            return
        self.remarks.append("the index of session_id told nothing, so that all lines were searched")
        self._plan = in_full(self._plan, indexed, self._calls)
        self._run_steps(indexed)

    def _run_steps(self, numbers: Iterable[int]) -> bool:
        """Step after step: until one of an unknown time finds nothing more, or the request is found.

        Whether anything was found.
        """
        found = False
        for number in numbers:
            if self._held.stopped or not self._may_run(number, found):
                break
            self._steps += 1
            step = self._plan.steps[number]
            searched = find(step, self._plan.groups, self._plan.wanted, self._calls, self._held)
            self._bytes_scanned += searched.bytes_scanned
            self._read_around(searched.hits)
            if (searched.hits and self._one_request) or (found and not searched.hits):
                return True
            found = found or bool(searched.hits)
        return found

    def _may_run(self, number: int, found: bool) -> bool:
        """Within the budget, or allowed; what is older than something found is not worth a question."""
        if self._plan.affordable(number):
            return True
        if found:
            since = rfc3339(self._plan.steps[number].window.until)
            self.remarks.append(f"before {since} nothing was searched: it is over the budget (--max-gb)")
            return False
        if self._allow(self._plan, number):
            return True
        self._held.fail(self._plan.groups, _span_of(self._plan.steps[number]), _over_budget(self._plan))
        return False

    def _search_nearby(self, needle: str) -> None:
        """An ID that was found in what is held: its lines stand around those that told it."""
        times = [event.at for event in self._held.events() if needle in event.message]
        before = {event.place for event in self._held.events()}
        for begin, end in united((to_ms(at - AROUND), to_ms(at + AROUND)) for at in times):
            for group in self._plan.groups:
                self._held.search(Want(group, (begin, end), pattern=phrases([needle])))
        self._read_around(
            Hit(event.log_group, event.log_stream, event.at)
            for event in self._held.events()
            if event.place not in before and event.log_group and event.log_stream
        )

    def _taste(self, question: Question) -> None:
        """A few free pages of the newest stretch: the IDs in them may be near to one that was mistyped."""
        if self._held.stopped or not self._plan.steps:
            return
        for group in self._plan.groups:
            self._held.search(
                Want(group, _span_of(self._plan.steps[0]), pattern=phrases(question.needles)), TASTE_PAGES
            )

    # --- read ---------------------------------------------------------------------------------------

    def _read_around(self, hits: Iterable[Hit]) -> None:
        """The streams that were hit: whole around the hits where they are Lambda's, else closely."""
        hits = list(hits)
        self._cover((hit.group, hit.stream, _around(hit.at, _reach(hit.stream))) for hit in hits)
        own = {(event.log_group, event.log_stream) for event in self._held.events() if _is_lambdas(event)}
        self._cover(
            (hit.group, hit.stream, _around(hit.at, AROUND)) for hit in hits if (hit.group, hit.stream) in own
        )
        self._hit |= {group for group, _ in own if group is not None}

    def _cover(self, stretches: Iterable[tuple[str, str, Interval]]) -> None:
        by_group: dict[str, dict[str, list[Interval]]] = {}
        for group, stream, span in stretches:
            by_group.setdefault(group, {}).setdefault(stream, []).append(span)
        for group, streams in by_group.items():
            self._held.cover(group, streams)

    def _read_spans(self, question: Question) -> None:
        """All lines in the spans, what a gateway logged meanwhile, and whom else that may be about."""
        known = self._held.streams()
        self._cover(
            (group, stream, (to_ms(span.start), to_ms(span.end)))
            for span in question.spans
            for group, stream in known
            if stream == span.log_stream and LAMBDA_STREAM.fullmatch(stream)
        )
        for span in _lagged(question.spans, SLACK, GATEWAY_LAG):
            for group in self._others():
                self._once(Want(group, span, gateway_lines(_ids(question))))
        if self._answers_without_id():
            for span in _lagged(question.spans, _BEFORE_OTHERS, AROUND):
                for group in self._plan.groups:
                    self._once(Want(group, span, boundaries()))

    def _once(self, want: Want) -> None:
        if (mark := repr(want)) not in self._searched:
            self._searched.add(mark)
            self._held.search(want)

    def _others(self) -> list[str]:
        """Groups in which no Lambda was hit: a gateway may log there."""
        return [group for group in self._plan.groups if group not in self._hit]

    def _answers_without_id(self) -> bool:
        """Whether a gateway's line does not say which request it is about, so that its time must tell."""
        for event in self._held.events():
            if event.log_group not in self._hit:
                said = read_message(event.message, self._access_log)
                if said.kind == "gateway" and not (said.fields or {}).get("integration.requestId"):
                    return True
        return False

    # --- tell ---------------------------------------------------------------------------------------

    def _give_up_if_nothing_came(self) -> None:
        if len(self._held) or not self._held.missing:
            return
        first = self._held.missing[0]
        if first.fault.kind == "interrupted":
            raise KeyboardInterrupt
        if len(self._held.missing) >= self._steps or self._held.stopped:
            skip = first.skip()
            raise SourceFailed(f"{skip.where} was {skip.reason}", source=self._name)

    def _reading(self, question: Question) -> Reading:
        whole, skipped = self._held.streams(), self._held.skipped
        events = [event for event in self._held.events() if self._is_told(event, question, whole)]
        return Reading(
            name=self._name,
            events=tuple(events),
            parsed=len(self._held),
            skipped=tuple(skipped[:SKIPS_LISTED]),
            skipped_count=len(skipped),
            complete=not self._held.missing,
            bytes=self._bytes_scanned or None,
            unread_bytes=None,
            searched=self._steps > 0,
        )

    @staticmethod
    def _is_told(event: Event, question: Question, whole: set[tuple[str, str]]) -> bool:
        stream = event.log_stream or ""
        own = (event.log_group or "", stream) in whole and LAMBDA_STREAM.fullmatch(stream)
        return bool(own) or wanted(event, question)


def _is_lambdas(event: Event) -> bool:
    """Whether Lambda itself wrote the line. A gateway's execution log may hold the same words."""
    return is_boundary(event.message) and read_message(event.message).kind in OPENS | CLOSES


def _span_of(step: Step) -> Interval:
    return (to_ms(step.window.since), to_ms(step.window.until))


def _over_budget(plan: Plan) -> Fault:
    return Fault("refused", f"it is over the budget of {plan.max_gb:g} GB", "raise --max-gb")


def _reach(stream: str) -> timedelta:
    return AROUND if LAMBDA_STREAM.fullmatch(stream) else NEAR


def _around(at: datetime, reach: timedelta) -> Interval:
    return (to_ms(at - reach), to_ms(at + reach))


def _lagged(spans: Iterable[Span], before: timedelta, after: timedelta) -> list[Interval]:
    return united((to_ms(span.start - before), to_ms(span.end + after)) for span in spans)


def _ids(question: Question) -> tuple[str, ...]:
    return tuple(sorted(set(question.needles)))
