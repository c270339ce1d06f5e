"""What became of a session: its status, and who completed it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import get_args

from incidents.meanings import Meanings
from incidents.messages import Line
from incidents.timeline import COMPLETED, Milestone, Request, Session, Status
from incidents.values import text

_STATUSES: tuple[str, ...] = get_args(Status)


def session_of(session_id: str | None, requests: Sequence[Request], meanings: Meanings) -> Session:
    """The session's last known status, and its first completion.

    ``completed_by`` stays None when only a refusal tells that the session is completed.
    """
    if session_id is None:
        return Session(None, "unknown", None, None)
    status = "unknown"
    for told in _told(session_id, requests, meanings):
        status = told
    done = _completion(session_id, requests)
    at, by = (done[1].at, done[0].request_id) if done else (None, None)
    return Session(session_id, status, at, by)  # type: ignore[arg-type]  # _told yields statuses only


def _told(session_id: str, requests: Sequence[Request], meanings: Meanings) -> Iterator[str]:
    lines = [line for request in requests for line in request.lines if line.said.session_id == session_id]
    moments = [moment for request in requests for moment in request.milestones]
    commits = {id(moment.line) for moment in moments if moment.name == COMPLETED}
    for line in sorted(lines, key=lambda line: line.event.at):
        if id(line) in commits:  # a record of guards has no meaning among the application's lines
            yield "completed"
        else:
            yield from _status_of(line, meanings)


def _status_of(line: Line, meanings: Meanings) -> Iterator[str]:
    meaning = meanings.of(line.said.name)
    if meaning is None:
        return
    told = text(line.said.fields, meaning.session_status_field) or meaning.session_status
    if told in _STATUSES:
        yield told


def _completion(session_id: str, requests: Iterable[Request]) -> tuple[Request, Milestone] | None:
    commits = [
        (request, moment)
        for request in requests
        for moment in request.milestones
        if moment.name == COMPLETED and moment.line.said.session_id in (session_id, None)
    ]
    return min(commits, key=lambda pair: pair[1].at, default=None)
