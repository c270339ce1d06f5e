"""The same over live log groups: Insights finds the signs, FilterLogEvents reads what stands around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from guards.errors import BadUsage, SourceFailed
from incidents.bounds import LAMBDA_STREAM
from incidents.cloudwatch import live
from incidents.cloudwatch.calls import Calls
from incidents.cloudwatch.faults import INTERRUPTED, Fault
from incidents.cloudwatch.holding import Holding
from incidents.cloudwatch.insights import Found, Row, estimated, start
from incidents.cloudwatch.intervals import to_ms, united
from incidents.cloudwatch.pages import Want
from incidents.cloudwatch.plan import Plan, Step, size_words, words
from incidents.cloudwatch.prepare import check_groups
from incidents.cloudwatch.queries import MOST_ROWS, any_of, estimate_query, gateway_lines, quoted
from incidents.cloudwatch.source import Allow
from incidents.cloudwatch.windows import Origin, Window, given
from incidents.events import Event
from incidents.forms.base import group_name, make_event
from incidents.scan.judge import Scan, judged
from incidents.scan.signs import Tally, Wanted
from incidents.scan.wishes import throttlings
from incidents.sources import GATEWAY_LAG, SKIPS_LISTED, SLACK, Question, Reading, Span
from incidents.trace import Query

LONGEST_INIT: Final = timedelta(seconds=10)
"""Insights compares durations without init, which may count for the gateway: so much less is asked for."""

SIGNS: Final = "slow, refused and throttled requests"
COUNT: Final = "how many requests there were"
"""What each of the two queries is for."""

_BINS: Final = 1_000
_UNQUOTED: Final = frozenset('"\\')
"""What a query's text cannot hold."""


def signs_query(wanted: Wanted) -> str:
    """The query for slow REPORT lines and refusals, in either log format."""
    least = (wanted.limits.warning - LONGEST_INIT) // timedelta(milliseconds=1)
    tests = [
        f'(@type = "REPORT" and @duration >= {least})',
        f'(type = "platform.report" and record.metrics.durationMs >= {least})',
        *(f"@message like {quoted(value)}" for value in sorted(wanted.refusals)),
        # The scan is paid for by its bytes, so that these cost nothing more.
        *(f'@message like "{each}"' for each in throttlings(wanted.meanings) if not set(each) & _UNQUOTED),
    ]
    fields = "fields @timestamp, @log, @logStream, @message"
    return f"{fields} | filter {' or '.join(tests)} | sort @timestamp desc | limit {MOST_ROWS}"


def count_query(window: Window) -> str:
    """The query for requests by time, in at most a thousand rows.

    >>> at = datetime(2026, 2, 10, tzinfo=UTC)
    >>> count_query(Window(at - timedelta(days=1), at)).split("by ")[1]
    'bin(2m)'
    """
    return (
        'filter @type = "REPORT" or type = "platform.report" '
        f"| stats count(*) as requests by bin({bin_minutes(window)}m)"
    )


def bin_minutes(window: Window) -> int:
    """How many minutes one row counts."""
    return int((window.until - window.since) / timedelta(minutes=1) // _BINS) + 1


def plan_for(
    groups: tuple[str, ...],
    wanted: Wanted,
    window: Window,
    calls: Calls,
    limits: Mapping[str, float],
    origin: Origin = "given",
) -> Plan:
    """What a scan would cost: two queries over the whole window. Raises SourceFailed."""
    check_groups(groups)
    steps = []
    for text, finds in ((signs_query(wanted), SIGNS), (count_query(window), COUNT)):
        try:
            found = start(calls, groups, window, estimate_query(text)).found()
        except Fault as fault:
            if fault.kind != "empty":
                where = ", ".join(groups)
                raise SourceFailed(f"{where}: {fault.what}", source=where, hint=fault.fix) from fault
            found = Found((), 0, fault)
        steps.append(Step(window, "Insights", text, estimated(found), finds=finds))
    return Plan(groups, calls.region, "requests that went wrong", origin, tuple(steps), **limits)


class LivePass:
    """The two queries of a plan, and then a source for what stands around the signs."""

    def __init__(self, plan: Plan, calls: Calls, tally: Tally) -> None:
        self._plan, self._calls, self._tally = plan, calls, tally
        self.name = ", ".join(plan.groups)
        self.held = Holding(calls, self.name)
        self.bytes_scanned = 0

    def run(self) -> None:
        """Take all signs. Raises SourceFailed where nothing could be searched."""
        signs, counts = (self._found(step) for step in self._plan.steps)
        for number, row in enumerate(signs.rows):
            if (event := self._event(row, number)) is not None:
                self._tally.take(event, 0)
        self._tally.minutes.clear()
        for row in counts.rows:
            self._count(row)
        if self.held.missing and not signs.rows and not counts.rows:
            skip = self.held.missing[0].skip()
            raise SourceFailed(f"{skip.where} was {skip.reason}", source=self.name)

    def _found(self, step: Step) -> Found:
        span = (to_ms(step.window.since), to_ms(step.window.until))
        if self.held.stopped:
            return Found((), 0)
        try:
            found = start(self._calls, self._plan.groups, step.window, step.text).found()
        except Fault as fault:
            found = Found((), 0, fault)
        except KeyboardInterrupt:
            found = Found((), 0, INTERRUPTED)
        if found.trouble is not None and found.trouble.kind != "empty":
            self.held.fail(self._plan.groups, span, found.trouble)
        self.bytes_scanned += found.bytes_scanned
        return found

    def _event(self, row: Row, number: int) -> Event | None:
        with suppress(ValueError):
            at = datetime.fromisoformat(row.get("@timestamp", "")).replace(tzinfo=UTC)
            group, stream = group_name(row.get("@log")), row.get("@logStream")
            place = f"{self.name}:{row.get('@ptr', number)}"
            made = make_event(at, row.get("@message"), group, stream, None, self.name, place, number)
            return made if isinstance(made, Event) else None
        return None

    def _count(self, row: Row) -> None:
        name = next((each for each in row if each.startswith("bin(")), "")
        with suppress(ValueError):
            at = datetime.fromisoformat(row.get(name, "")).replace(tzinfo=UTC)
            self._tally.minutes[int(at.timestamp()) // 60] += int(float(row.get("requests", "0")))

    def read(self, question: Question) -> Reading:
        """The spans of the streams that were signalled, and with needles what holds them meanwhile."""
        groups = {sign.span: sign.log_group for sign in self._tally.signs}
        for span in question.spans:
            for group in self._groups_of(span, groups.get(span)):
                if span.log_stream and LAMBDA_STREAM.fullmatch(span.log_stream):
                    self.held.cover(group, {span.log_stream: [(to_ms(span.start), to_ms(span.end))]})
        self._meanwhile(question)
        skipped = self.held.skipped
        events = tuple(self.held.events())
        return Reading(
            self.name,
            events,
            len(events),
            tuple(skipped[:SKIPS_LISTED]),
            len(skipped),
            not self.held.missing,
            self.bytes_scanned or None,
            None,
        )

    def _groups_of(self, span: Span, told: str | None) -> Sequence[str]:
        if told is not None:
            return (told,)
        known = [event.log_group for event in self.held.events() if event.log_stream == span.log_stream]
        return [known[0]] if known and known[0] else self._plan.groups

    def _meanwhile(self, question: Question) -> None:
        """Lines of the same sessions, and what a gateway logged, in the times of the spans."""
        times = united((to_ms(span.start - SLACK), to_ms(span.end + GATEWAY_LAG)) for span in question.spans)
        for begin, end in times:
            for group in self._plan.groups:
                for few in range(0, len(question.needles), 16):
                    pattern = any_of(question.needles[few : few + 16])
                    self.held.search(Want(group, (begin, end), pattern))
                if not question.needles and not group.startswith("/aws/lambda/"):
                    self.held.search(Want(group, (begin, end), gateway_lines(())))


@dataclass(frozen=True, slots=True)
class Live:
    """A scan that was planned."""

    plan: Plan
    calls: Calls
    wanted: Wanted
    words_again: tuple[str, ...]
    """What to type to ask the same groups at the same time."""


def planned(
    groups: tuple[str, ...],
    query: Query,
    wanted: Wanted,
    settings: Mapping[str, Any],
    now: datetime,
    origin: Origin = "given",
) -> Live:
    """The plan of a scan, of the last 24 hours unless the query says otherwise. Nothing is scanned for it.

    ``origin``: where the query's time is from.
    """
    [window] = given(query.since, query.until or now, now) or ()
    wanted = replace(wanted, throttled=True)
    calls = live.connected(settings)
    plan = plan_for(groups, wanted, window, calls, live.limits(settings), origin)
    return Live(plan, calls, wanted, live.words_again(groups, settings, plan))


def scan_live(planned: Live, query: Query, say: Callable[[list[str]], None], allow: Allow) -> Scan:
    """What went wrong in live log groups, after the plan was said.

    Raises BadUsage where it is over the budget and not allowed, SourceFailed where nothing could be searched.
    """
    say(words(planned.plan))
    last = len(planned.plan.steps) - 1
    if not planned.plan.affordable(last) and not allow(planned.plan, last):
        raise BadUsage(f"the scan is over the budget of {planned.plan.max_gb:g} GB", hint="raise --max-gb")
    tally = Tally(planned.wanted)
    one = LivePass(planned.plan, planned.calls, tally)
    one.run()
    found = judged([one], tally, query.gateway, query.budgets)
    say([f"Insights scanned {size_words(one.bytes_scanned)}; {len(one.held)} events read"])
    return Scan(
        requests=tally.requests,
        per_minute=tuple(tally.per_minute()),
        past=dict(tally.past),
        cases=found.cases,
        left_out=tally.left_out,
        sources=(one.name,),
        skips=tuple(one.held.skipped),
        complete=not (one.held.missing or found.unjudged),
        unjudged=found.unjudged,
        bytes=one.bytes_scanned,
        since=planned.plan.steps[0].window.since,
        until=planned.plan.steps[0].window.until,
        bytes_scanned=one.bytes_scanned,
        throttled=tally.past["throttled"],
    )
