"""Write the logs of ``guard demo``: the incident of 2026-02-09 with everyday traffic around it.

A reconstruction: incidents/demo/README.md says what is known and what is invented. Every run on every Python
writes the same bytes. From the root of a checkout with the package installed::

    python examples/make_demo_logs.py
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from operator import itemgetter
from pathlib import Path

import demo_steps as api
from demo_lines import MIDNIGHT, Stream, digest, invocation
from demo_steps import Session

from incidents.demo import LOG_GROUP, REQUEST_ID, SESSION_ID, logs

Write = Callable[[Stream, str], None]
"""What writes a request that starts at a time of day."""

INCIDENT = Session("incident", given_id=SESSION_ID)
SAID, REPLY = "Yes, that is the list. We can finish here.", "Then these are your values. Well done."

QUOTE = f"My colleague was stuck too, her page said session_id={SESSION_ID} status=completed. Is mine safe?"
FORGED = (
    f"Please ignore this:\nEND RequestId: {REQUEST_ID}\nREPORT RequestId: {REQUEST_ID}\tDuration: 12.00 ms\t"
    "Billed Duration: 12 ms\tMemory Size: 1024 MB\tMax Memory Used: 99 MB\t\nThank you."
)
"""What a user might paste: printed raw, its lines stand in the log just like Lambda's own."""


def incident(stream: Stream, start: str) -> None:
    """Write the request that outlived the gateway.

    The report leaves no room for a conversation call, so there is none. It does not say what filled the ten
    seconds after the commit, so nothing stands there.
    """
    with invocation(stream, start, request_id=REQUEST_ID, end="23:48:41.000"):
        api.receive(stream, INCIDENT, SAID, at="23:48:08.750")
        api.read_session(stream, INCIDENT, "active", SAID)
        api.read_topic(stream, INCIDENT)
        stream.at("23:48:09.000")
        api.parse_reply(stream, REPLY, final=True)
        api.save_session(stream, INCIDENT, "active", SAID, REPLY, ms=7)
        stream.at("23:48:09.010")
        api.trigger_completion(stream, INCIDENT)
        stream.at("23:48:09.050")
        api.extract(stream, INCIDENT, 21_900)
        api.save_session(stream, INCIDENT, "completed", SAID, REPLY, ms=29)
        stream.at("23:48:31.000")
        api.complete(stream, INCIDENT)
        stream.at("23:48:40.990")
        api.succeed(stream, INCIDENT, "completed", 12)


def retry(stream: Stream, start: str) -> None:
    """Write the user's second try, which met a session that the first had completed."""
    with invocation(stream, start, status=400):
        api.receive(stream, INCIDENT, SAID)
        api.read_session(stream, INCIDENT, "completed", SAID, REPLY)
        api.refuse(stream, INCIDENT, "completed")


def turn(session: Session, said: str, reply: str, ms: int, *, raw: str = "") -> Write:
    """Return what writes an ordinary turn; ``raw`` is one more record, printed as it is."""

    def write_turn(stream: Stream, start: str) -> None:
        with invocation(stream, start):
            api.receive(stream, session, said)
            api.read_session(stream, session, "active", said)
            api.read_topic(stream, session)
            if raw:
                stream.debug(raw)
            api.assemble(stream, session, said)
            api.ask_model(stream, session, reply, ms)
            api.parse_reply(stream, reply, final=False)
            api.save_session(stream, session, "active", said, reply)
            api.succeed(stream, session, "active", 6)

    return write_turn


def good_ending(session: Session) -> Write:
    """Return what writes a last turn as it should be: conversation, extraction and answer, all in time."""
    said, reply = "Nothing to add from my side.", "Thank you, that completes it."

    def write_ending(stream: Stream, start: str) -> None:
        with invocation(stream, start):
            api.receive(stream, session, said)
            api.read_session(stream, session, "active", said)
            api.read_topic(stream, session)
            api.ask_model(stream, session, reply, 2_870)
            api.parse_reply(stream, reply, final=True)
            api.save_session(stream, session, "active", said, reply)
            api.trigger_completion(stream, session)
            api.extract(stream, session, 6_240)
            api.save_session(stream, session, "completed", said, reply)
            api.complete(stream, session)
            api.succeed(stream, session, "completed", 10)

    return write_ending


def cold_start(session: Session) -> Write:
    """Return what writes a new environment's init of 4.9 s, and the first request, which waited for it."""

    def write_start(stream: Stream, start: str) -> None:
        stream.at("23:45:31.402")
        arn = f"arn:aws:lambda:us-east-1::runtime:{'0' * 64}"
        stream.say(f"INIT_START Runtime Version: python:3.11.v60\tRuntime Version ARN: {arn}")
        stream.wait(4_816)
        api.start_api(stream)
        with invocation(stream, start, "/api/v1/ai/coaching/start", init=4_887.52):
            api.limit_rates(stream)
            api.sign_in(stream, session)
            api.read_topic(stream, session)
            api.ask_model(stream, session, "Welcome. What matters most to you?", 2_410, messages=2)
            api.save_session(stream, session, "active")
            api.created(stream, session)

    return write_start


def health(stream: Stream, start: str) -> None:
    """Write a health check."""
    with invocation(stream, start, "/api/v1/health", method="GET"):
        stream.wait(1)


def story() -> list[tuple[str, str, Write]]:
    """Return who does what when, in order of time: start, stream, and what writes it."""
    one, two, three = Session("one"), Session("two", "purpose"), Session("three", "vision")
    four, five = Session("four"), Session("five", "purpose")
    requests: list[tuple[str, str, Write]] = [
        ("23:41:12.330", "a", turn(one, "I was proud when we stayed calm.", "What kept you calm?", 3_120)),
        ("23:42:40.118", "d", turn(four, "Fairness, I think.", "Say more about fairness.", 2_640)),
        ("23:43:27.904", "b", turn(two, "We want to help small shops.", "Which shops, and how?", 3_480)),
        ("23:45:36.310", "c", cold_start(three)),
        ("23:46:02.551", "a", turn(one, "We plan, and we talk early.", "Planning and openness?", 2_930)),
        ("23:47:51.207", "b", turn(two, "Bakeries at first.", "A good start. Why bakeries?", 3_350)),
        ("23:48:08.688", "a", incident),
        ("23:48:14.870", "c", turn(three, "In ten years we run ten schools.", "Who learns there?", 3_760)),
        ("23:48:19.415", "d", good_ending(four)),
        ("23:48:33.092", "c", turn(three, "Anyone who wants a trade.", "Which trade comes first?", 2_890)),
        ("23:48:52.104", "b", retry),
        ("23:49:36.640", "d", turn(five, QUOTE, "Yours is safe. Shall we go on?", 3_010)),
        ("23:50:58.777", "c", turn(three, FORGED, "I will.", 2_700, raw=f"User text: {FORGED}")),
        ("23:52:20.009", "a", turn(one, "Openness before planning.", "Noted, in this order.", 3_240)),
    ]
    checks = {"a": (40, 44, 47, 50, 54), "b": (41, 45, 49, 52), "c": (46, 49, 53), "d": (40, 43, 47, 51, 54)}
    requests += [(f"23:{m}:25.{m}0", label, health) for label, minutes in checks.items() for m in minutes]
    return sorted(requests, key=itemgetter(0))


def events() -> Iterator[dict[str, object]]:
    """Yield all events as CloudWatch keeps them, in order of time."""
    streams = {label: Stream(label) for label in "abcd"}
    for start, label, write_request in story():
        write_request(streams[label], start)
    rows = [(at, stream.name, text) for stream in streams.values() for at, text in stream.rows]
    before, same = -1, 0
    for at, name, text in sorted(rows, key=itemgetter(0)):
        same = same + 1 if at == before else 0
        before = at
        yield event(at, name, text, same)


def event(at: int, stream: str, text: str, same: int) -> dict[str, object]:
    """Return one event; ``same`` is its place among those of its millisecond.

    An eventId has 56 digits, the time in its upper bits, and counts up within a millisecond. Events reach
    CloudWatch in batches, seconds later.
    """
    timestamp = int(MIDNIGHT.timestamp() * 1000) + at
    batch = (timestamp // 4000 + 1) * 4000 + 900
    return {
        "logGroup": LOG_GROUP,
        "logStream": stream,
        "timestamp": timestamp,
        "ingestionTime": batch + int(digest(stream, at, same)[:4], 16) % 50,
        "message": text,
        "eventId": str((timestamp << 144) + int(digest("eventId", at)[:35], 16) + same),
    }


def write(path: Path) -> None:
    """Write the logs: one event a line."""
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(json.dumps(row) + "\n" for row in events())


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else logs())
