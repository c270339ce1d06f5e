"""What is asked, and the same sources asked again until nothing more is to be learned from them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from guards.errors import GuardError, SourceFailed
from guards.limits import GatewayKind
from incidents import meanings as dictionary
from incidents.access_logs import AccessLogFormat
from incidents.events import Event, Skip
from incidents.invocations import Grouping, Invocation, group
from incidents.meanings import Meanings
from incidents.merge import merge
from incidents.messages import Line
from incidents.reading import read_message
from incidents.requests import sessions_of
from incidents.rules import Budgets
from incidents.sources import AROUND, NEAR, Question, Reading, Source, Span


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: one session or one request, and how to look at it."""

    session_id: str | None = None
    request_id: str | None = None
    """Lambda's, an application's X-Request-ID or a gateway's."""
    gateway: GatewayKind = "http"
    gateway_limit: timedelta | None = None
    """None: the default of the gateway's kind."""
    since: datetime | None = None
    until: datetime | None = None
    meanings: Meanings = field(default_factory=dictionary.load)
    budgets: Budgets = field(default_factory=Budgets)
    access_log: AccessLogFormat | None = None
    logs: tuple[str, ...] = ()
    """As the user named them, for the next command."""
    options: tuple[str, ...] = ()
    """Other options that the next command needs to ask the same sources."""

    @property
    def id(self) -> str:
        """The ID that is asked for."""
        return self.session_id or self.request_id or ""


@dataclass(frozen=True, slots=True)
class Found:
    """What the sources gave, grouped."""

    readings: tuple[Reading, ...]
    grouping: Grouping
    chosen: tuple[Invocation, ...]
    gateway_lines: tuple[Line, ...]


class Inquiry:
    """The same sources, asked until nothing more is to be learned from them."""

    def __init__(self, sources: Sequence[Source], query: Query) -> None:
        self._sources = sources
        self._query = query
        self._failed: dict[int, SourceFailed] = {}
        self._behind: tuple[str, ...] = ()
        self._read: dict[str, Line] = {}
        self._searched_out: dict[int, dict[str, Event]] = {}

    def look(self) -> Found:
        """First where the ID stands, then all that stands around; further where an end is missing."""
        first = self._ask(Question(needles=(self._query.id,), around=NEAR))
        if behind := self._ids_behind(first):
            self._behind = behind
            first = self._ask(Question(needles=(self._query.id, *behind), around=NEAR))
        if self._cut(first) or self._may_lack_init(first):
            first = self._ask(Question(needles=(self._query.id, *behind)))
            if _took_init(first):
                first = self._ask(Question(needles=(self._query.id, *behind), thorough=True))
        spans = self._spans(first)
        if not spans:
            return first
        needles = tuple(dict.fromkeys((self._query.id, *(one.request_id for one in first.chosen))))
        found = self._ask(Question(needles, spans))
        if self._cut(found):
            return self._ask(Question(needles, spans, thorough=True))
        return found

    def nothing(self, found: Found) -> GuardError:
        """Why there is no answer: what was searched, what could not be, and the nearest IDs in it."""
        from incidents.unmatched import Unmatched

        outside = [one for one in found.grouping.invocations if self._names(one)]
        return Unmatched(self._query, found, outside, untied(found, self._query), self._nearest).error()

    def _nearest(self) -> tuple[str, ...]:
        """IDs that begin alike, else any IDs of the same sort."""
        from incidents.nearest import nearest_ids

        asked, session = self._query.id, self._query.session_id is not None
        prefix = re.match(r"(?:[A-Za-z]+[_-])?", asked)[0] if session else ""  # type: ignore[index]  # matches all
        alike = asked[: len(prefix) + max(1, (len(asked) - len(prefix)) // 3)]
        rest = ("session",) if session else ("RequestId: ", "platform.start")
        for needles, least in (((alike,), 0.3), (rest, 0.0)):
            self._ask(Question(needles, around=timedelta(0), at_most=5_000))
            lines = self._read.values()
            if near := nearest_ids(asked, lines, "session" if session else "request", alike=least):
                return near
        return ()

    def _ask(self, question: Question) -> Found:
        readings = [self._reading(index, source, question) for index, source in enumerate(self._sources)]
        if self._failed and len(self._failed) == len(self._sources):
            raise next(iter(self._failed.values()))
        lines = [self._line(event) for event in merge([reading.events for reading in readings])]
        grouping = group((line for line in lines if line.said.kind != "gateway"), self._query.meanings)
        gateway = tuple(line for line in lines if line.said.kind == "gateway")
        grouping = _with_near_inits(grouping)
        chosen = tuple(one for one in grouping.invocations if self._is_asked_for(one))
        return Found(tuple(readings), grouping, chosen, gateway)

    def _reading(self, index: int, source: Source, question: Question) -> Reading:
        try:
            reading = source.read(question)
        except SourceFailed as error:
            self._failed[index] = error
            return Reading(error.source, (), 0, (Skip(error.source, str(error)),), 1, False, None, None)
        if not reading.unread_bytes:
            return reading
        # A search returns no more than it was asked for; what it gave before still tells whose a line is.
        kept = self._searched_out.setdefault(index, {})
        kept.update((event.place, event) for event in reading.events)
        return replace(reading, events=tuple(sorted(kept.values(), key=lambda event: event.order)))

    def _line(self, event: Event) -> Line:
        known = self._read.get(event.place)
        if known is None or known.event != event:
            known = self._read[event.place] = Line(event, read_message(event.message, self._query.access_log))
        return known

    def _is_asked_for(self, one: Invocation) -> bool:
        if self._query.since and one.lines[-1].event.at < self._query.since:
            return False
        if self._query.until and one.lines[0].event.at > self._query.until:
            return False
        return self._names(one)

    def _names(self, one: Invocation) -> bool:
        """Whether it is asked for, whenever it was."""
        if self._query.session_id is not None:
            return self._query.session_id in sessions_of(one)
        return one.request_id in (self._query.id, *self._behind) or any(
            self._query.id in line.said.request_ids for line in one.lines
        )

    def _ids_behind(self, found: Found) -> tuple[str, ...]:
        """Lambda's request IDs behind a gateway's request ID that was asked for."""
        if self._query.request_id is None or found.chosen:
            return ()
        ids = (
            (line.said.fields or {}).get("integration.requestId")
            for line in found.gateway_lines
            if self._query.id in line.said.request_ids
        )
        return tuple(dict.fromkeys(each for each in ids if isinstance(each, str) and each != self._query.id))

    def _spans(self, found: Found) -> tuple[Span, ...]:
        spans = [_span(one) for one in found.chosen]
        spans += [_around(line) for line in found.grouping.loose if self._query.id in line.event.message]
        return tuple(dict.fromkeys(spans))

    def _cut(self, found: Found) -> bool:
        """Whether a request may lack its START or its end only because its source was not looked through."""
        if not any(reading.unread_bytes for reading in found.readings):
            return False
        return bool(untied(found, self._query)) or any(
            one.start is None or not one.closing for one in found.chosen
        )

    @staticmethod
    def _may_lack_init(found: Found) -> bool:
        """Whether an init may stand before what was looked at."""
        searched = any(reading.unread_bytes for reading in found.readings)
        return searched and (
            any(_lacks_init(one) or _ran(one) > NEAR / 2 for one in found.chosen) or _took_init(found)
        )


def _took_init(found: Found) -> bool:
    """Whether the next request was given an init that may be text of one whose end was not looked at."""
    unended = {one.log_stream for one in found.grouping.invocations if not one.closing}
    return any(one.init and one.log_stream in unended for one in found.grouping.invocations)


def _lacks_init(one: Invocation) -> bool:
    """Whether its REPORT tells of an init whose beginning is not there."""
    return _told_init(one) and not any(line.said.kind in ("init-start", "restore-start") for line in one.init)


def _told_init(one: Invocation) -> bool:
    report = one.closed_by("report")
    fields = (report and report.said.fields) or {}
    return "initDurationMs" in fields or "restoreDurationMs" in fields


def _ran(one: Invocation) -> timedelta:
    return one.lines[-1].event.at - one.lines[0].event.at


def _with_near_inits(grouping: Grouping) -> Grouping:
    """What was logged long before a request is no init of it, and may name what is asked for all the same."""
    near = [_near_init(one) for one in grouping.invocations]
    invocations = tuple(
        replace(one, init=init) if len(init) < len(one.init) else one
        for one, init in zip(grouping.invocations, near, strict=True)
    )
    kept = {id(line) for init in near for line in init}
    far = (line for one in grouping.invocations for line in one.init if id(line) not in kept)
    return replace(grouping, invocations=invocations, loose=(*grouping.loose, *far))


def _near_init(one: Invocation) -> tuple[Line, ...]:
    """Without what its environment logged long before it got a request."""
    earliest = one.lines[0].event.at - (AROUND if _told_init(one) else NEAR / 2)
    return tuple(line for line in one.init if line.event.at >= earliest)


def _span(one: Invocation) -> Span:
    lines = (*one.init, *one.lines)
    begin = lines[0].event.at if one.start else lines[0].event.at - AROUND
    end = lines[-1].event.at if one.closing else lines[-1].event.at + AROUND
    return Span(one.log_stream, begin, end)


def _around(line: Line) -> Span:
    return Span(line.event.log_stream, line.event.at - AROUND, line.event.at + AROUND)


def untied(found: Found, query: Query) -> list[Line]:
    """Lines that name what is asked for but belong to no request."""
    return [
        line for line in found.grouping.loose if query.id in (line.said.session_id, *line.said.request_ids)
    ]
