"""The completion guard as an application uses it, on the store in memory and the real clock."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from guards import guard_handler
from guards.completion import (
    BlockingCompletion,
    Completion,
    DispatchFailed,
    Expected,
    Job,
    MemoryDispatch,
    MemoryStore,
    NotDone,
    Replies,
    Reply,
    StoreUnavailable,
    Times,
    by_topic,
    for_asgi,
    for_lambda,
    sweep_handler,
    worker_handler,
)
from guards.completion.dispatch import message
from guards.completion.writes import Outcome, Write
from guards.errors import BadUsage
from guards.testing import capture_phases

SESSION = "sess_1"
SECRET = "a secret for the tests"
HURRIED = Times(answer=0.05, write=0.8, stop=0.2, skew=0.1, pause=0.0)
"""Hands over 1.85 s before the deadline."""
SOON = timedelta(seconds=3.5)
"""Time to begin, even on a busy machine, and soon over."""
LATER = timedelta(seconds=30)


def item(**more: Any) -> dict[str, Any]:
    return {"session_id": SESSION, "status": "active", "messages": ["hello"], "ttl": 1_800_000_000, **more}


def goals(session: Any) -> dict[str, Any]:
    return {"goals": list(session["messages"])}


async def goals_later(session: Any) -> dict[str, Any]:
    await asyncio.sleep(0)
    return goals(session)


def blocking(extract: Callable[[Any], Any] = goals, **options: Any) -> BlockingCompletion:
    options = {"predict": 0.0, "secret": SECRET, "times": HURRIED, **options}
    store = options.pop("store", None) or MemoryStore(item())
    return BlockingCompletion(store, options.pop("dispatch", None) or MemoryDispatch(), extract, **options)


def say(
    completion: BlockingCompletion, text: str, *, key: str | None = None, left: timedelta = LATER
) -> Reply:
    """The handler of a final message."""
    turn = completion.turn(SESSION, text=text, key=key)
    seen = completion.look(SESSION, turn)
    if seen.reply is not None:
        return seen.reply
    return completion.finish(
        seen.session, turn, {"messages": [*seen.session.data["messages"], text]}, left=left
    )


def test_final_message_is_answered_with_the_stored_result() -> None:
    """The turn's own changes, the result and the API's status are in the table, and the TTL is as it was."""
    store, queue = MemoryStore(item()), MemoryDispatch()

    reply = say(blocking(store=store, dispatch=queue), "that is all")

    assert (200, {"goals": ["hello", "that is all"]}) == (reply.status, reply.content["result"])
    stored = store.items[SESSION]
    assert ("completed", 1_800_000_000) == (stored["status"], stored["ttl"])
    assert reply.content["result"] == stored["extracted_result"]
    assert "guard_owner" not in stored
    canonical = b'{"goals":["hello","that is all"]}'
    assert hashlib.sha256(canonical).hexdigest() == stored["guard_result_hash"]


def test_async_extraction_completes_too() -> None:
    """The async side gives the same answer with a coroutine function and with a plain one."""
    for extract in (goals, goals_later):
        completion = Completion(MemoryStore(item()), MemoryDispatch(), extract, predict=0.0, secret=SECRET)

        reply = asyncio.run(completion.complete(SESSION, left=LATER))

        assert ("completed", {"goals": ["hello"]}) == (reply.kind, reply.content["result"])


def test_job_is_in_the_queue_past_the_deadline_before_work_begins() -> None:
    """When the extraction starts, the item is a job, and a message waits that comes after the deadline."""
    store, queue, seen = MemoryStore(item()), MemoryDispatch(), []

    say(
        blocking(lambda s: seen.append((*queue.sent, store.items[SESSION])), store=store, dispatch=queue),
        "that is all",
    )

    [((job, delay), stored)] = seen
    assert (SESSION, True) == (job.session_id, 30.0 < delay < 32.0)
    assert ("extracting", job.job_id, "active") == (
        stored["guard_state"],
        stored["guard_job"],
        stored["status"],
    )


def test_clock_is_an_argument() -> None:
    """Leases and the time of completion come from the clock that was given, whatever this machine's says."""
    store, seen = MemoryStore(item()), []
    completion = blocking(
        lambda session: seen.append(dict(store.items[SESSION])), store=store, clock=lambda: 1_000.0
    )

    completion.complete(SESSION, left=timedelta(seconds=100))

    assert [1_000.0 + HURRIED.lease + HURRIED.skew] == [each["guard_lease_until"] for each in seen]
    assert "1970-01-01T00:16:40+00:00" == store.items[SESSION]["completed_at"]


def test_late_sync_extraction_is_handed_over_and_fenced() -> None:
    """A thread that cannot be killed is left behind: pending is answered, and its result goes nowhere."""
    store, queue, go, gone = MemoryStore(item()), MemoryDispatch(), threading.Event(), threading.Event()

    def slow(session: Any) -> dict[str, str]:
        go.wait(30)
        gone.set()
        return {"by": "the thread left behind"}

    reply = say(blocking(slow, store=store, dispatch=queue), "that is all", left=SOON)
    go.set()

    assert gone.wait(30)
    assert ("pending", 202) == (reply.kind, reply.status)
    assert [0.0] == [delay for _, delay in queue.sent[1:]]
    assert ("extracting", None) == (
        store.items[SESSION]["guard_state"],
        store.items[SESSION].get("guard_owner"),
    )


def test_late_async_extraction_is_cancelled_and_handed_over() -> None:
    """The coroutine is told to stop, and the worker then completes the session."""
    store, queue, ended = MemoryStore(item()), MemoryDispatch(), []

    async def slow(session: Any) -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def main() -> tuple[str, list[str]]:
        completion = Completion(store, queue, slow, predict=0.0, secret=SECRET, times=HURRIED)
        return (await completion.complete(SESSION, left=SOON)).kind, list(ended)

    assert ("pending", ["cancelled"]) == asyncio.run(main())
    assert blocking(store=store, dispatch=queue).work(queue.sent[-1][0], left=LATER)
    assert "completed" == store.items[SESSION]["status"]


def test_extraction_that_swallows_its_cancellation_does_not_hold_the_answer() -> None:
    """A coroutine that goes on after it was cancelled is waited for Times.stop, no longer."""

    async def stubborn(session: Any) -> None:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            try:
                await asyncio.sleep(5)
            except asyncio.CancelledError:
                continue

    async def main() -> tuple[Reply, bool]:
        completion = Completion(
            MemoryStore(item()), MemoryDispatch(), stubborn, predict=0.0, secret=SECRET, times=HURRIED
        )
        reply = await completion.complete(SESSION, left=SOON)
        return reply, len(asyncio.all_tasks()) > 1  # it is still running

    loop = asyncio.new_event_loop()
    assert ("pending", True) == ((answer := loop.run_until_complete(main()))[0].kind, answer[1])
    loop.close()


def test_sync_extraction_of_async_code_is_left_behind_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread whose task was stopped ends without a word: nobody waits, nothing is raised."""
    raised, go, gone = [], threading.Event(), threading.Event()
    monkeypatch.setattr(threading, "excepthook", raised.append)

    def slow(session: Any) -> dict[str, Any]:
        go.wait(30)
        threading.Timer(0.1, gone.set).start()
        return {}

    options: dict[str, Any] = {"predict": 0.0, "secret": SECRET, "times": HURRIED}
    completion = Completion(MemoryStore(item()), MemoryDispatch(), slow, **options)
    reply = asyncio.run(completion.complete(SESSION, left=SOON))
    go.set()

    assert gone.wait(30)
    assert ("pending", []) == (reply.kind, raised)


def test_request_that_is_cancelled_leaves_the_job_to_the_queue() -> None:
    """When the client's connection goes, the extraction is cancelled, and the message still comes."""
    store, queue, ended = MemoryStore(item()), MemoryDispatch(), []

    async def slow(session: Any) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("ended")

    async def main() -> None:
        completion = Completion(store, queue, slow, predict=0.0, secret=SECRET)
        request = asyncio.ensure_future(completion.complete(SESSION, left=LATER))
        while not store.items[SESSION].get("guard_owner") or not queue.sent:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        request.cancel()
        await asyncio.wait({request})
        await asyncio.sleep(0.01)

    asyncio.run(main())

    assert (["ended"], 1) == (ended, len(queue.sent))
    assert "extracting" == store.items[SESSION]["guard_state"]


@pytest.mark.parametrize("text", ["that is all", "that is ALL"])
def test_retry_of_a_completed_session_gets_the_result_or_where_it_is(text: str) -> None:
    """The same text gets the stored result, marked as replayed; another one is told of the conflict."""
    completion = blocking(replies=Replies(status_path="/coaching/sessions/{session_id}"))
    first = say(completion, "that is all")

    again = say(completion, text)

    if text == "that is all":
        assert (200, first.content, (("idempotent-replayed", "true"),)) == (
            again.status,
            again.content,
            again.extra,
        )
    else:
        assert (409, (("location", "/coaching/sessions/sess_1"),)) == (again.status, again.extra)


def test_same_idempotency_key_is_a_retry_whatever_the_text() -> None:
    """The client's own key counts before the text does."""
    completion = blocking()
    say(completion, "that is all", key="k-1")

    assert ["completed", "conflict"] == [
        say(completion, "That's all!", key=key).kind for key in ("k-1", "k-2")
    ]


def test_table_holds_no_text_and_no_key_of_a_turn() -> None:
    """What is kept of a turn is a hash that nobody can try texts against without the secret."""
    store = MemoryStore(item())
    completion, other = blocking(store=store), blocking(secret="another secret for the tests")

    say(completion, "that is all", key="k-1")

    stored = store.items[SESSION]
    assert 64 == len(stored["guard_turn"]) == len(stored["guard_key"])
    assert stored["guard_turn"] == completion.turn(SESSION, text="that is all").text
    assert stored["guard_turn"] != other.turn(SESSION, text="that is all").text
    assert stored["guard_turn"] != completion.turn("sess_2", text="that is all").text


def test_short_or_missing_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key the hashes would be a dictionary's prey; the environment's will do."""
    for secret in (None, "short"):
        with pytest.raises(BadUsage, match="GUARD_COMPLETION_SECRET"):
            blocking(secret=secret)
    monkeypatch.setenv("GUARD_COMPLETION_SECRET", SECRET)

    assert blocking(secret=None).turn(SESSION, text="x") == blocking().turn(SESSION, text="x")


def test_retry_while_extracting_is_pending_with_retry_after() -> None:
    """Whoever asks while somebody works is told when to ask again, and does not work itself."""
    replies: list[Reply] = []
    completion = blocking(lambda session: replies.append(say(completion, "that is all")))

    say(completion, "that is all")

    assert [(202, "2")] == [(reply.status, dict(reply.headers)["retry-after"]) for reply in replies]


def test_policy_defer_only_sends_and_explicit_only_saves() -> None:
    """Deferred: pending and a message for now. Explicit: ready, and the completion comes when asked for."""
    choose = by_topic({"defer": "defer", "explicit": "explicit"})
    queue, store = MemoryDispatch(), MemoryStore(item(topic_id="defer"))
    assert "pending" == say(blocking(store=store, dispatch=queue, policy=choose), "that is all").kind
    assert [0.0] == [delay for _, delay in queue.sent]

    completion = blocking(store=MemoryStore(item(topic_id="explicit")), policy=choose)
    kinds = [say(completion, "that is all").kind, say(completion, "that is all").kind]

    assert ["ready", "ready", "completed", "completed"] == [
        *kinds,
        completion.complete(SESSION, left=LATER).kind,
        say(completion, "that is all").kind,
    ]


def test_repeated_text_within_a_conversation_is_a_message_like_any_other() -> None:
    """Saying "yes" twice is no retry: only the turn that ended the conversation is recognised."""
    completion = blocking(policy="explicit")
    turn = completion.turn(SESSION, text="yes")
    first = completion.save(completion.look(SESSION, turn).session, {"messages": ["hello", "yes"]}, turn)

    assert completion.look(SESSION, turn).reply is None
    completion.finish(first.session, turn, {"messages": ["hello", "yes", "yes"]})
    assert "ready" == completion.look(SESSION, turn).reply.kind
    completion.save(completion.look(SESSION).session, {"messages": ["hello", "yes", "yes", "but"]})
    assert completion.look(SESSION, turn).reply is None


def test_too_long_a_prediction_is_not_started_inline() -> None:
    """What should not fit is deferred at once, so that the client does not wait for nothing."""
    queue = MemoryDispatch()

    reply = say(blocking(dispatch=queue, predict=60.0), "that is all")

    assert ("pending", [0.0]) == (reply.kind, [delay for _, delay in queue.sent])


def test_save_of_a_session_that_changed_is_refused_with_the_answer() -> None:
    """The early retry's completion is not overwritten by the save of the request that was overtaken."""
    store = MemoryStore(item())
    completion = blocking(store=store)
    overtaken = completion.look(SESSION).session
    say(completion, "that is all")
    stored = dict(store.items[SESSION])

    seen = completion.save(
        overtaken, {"messages": ["hello", "other"]}, completion.turn(SESSION, text="other")
    )

    assert "conflict" == seen.reply.kind
    assert stored == store.items[SESSION]


def test_save_gives_the_session_for_the_next_save() -> None:
    """A request may save twice: the second goes by what the first one gave."""
    completion = blocking()
    first = completion.save(completion.look(SESSION).session, {"messages": ["hello", "a"]})

    second = completion.save(first.session, {"messages": ["hello", "a", "b"]})

    assert (None, None) == (first.reply, second.reply)
    assert ["hello", "a", "b"] == second.session.data["messages"]


@pytest.mark.parametrize(
    ("status", "kind", "http"),
    [("cancelled", "not_active", 400), ("paused", "not_active", 400), ("completed", "conflict", 409)],
)
def test_items_without_guard_attributes_are_what_their_status_says(status: str, kind: str, http: int) -> None:
    """A session completed before the guard came is never called not active."""
    completion = blocking(store=MemoryStore(item(status=status, extracted_result={"goals": []})))

    reply = say(completion, "that is all")

    assert (kind, http) == (reply.kind, reply.status)


def test_missing_session_is_missing() -> None:
    """No item, no session: 404, for messages, completions and status."""
    completion = blocking(store=MemoryStore())

    kinds = {say(completion, "hi").kind, completion.complete(SESSION).kind, completion.status(SESSION).kind}

    assert {"missing"} == kinds


def test_save_may_not_complete_by_itself() -> None:
    """The status completed is set with the result or not at all."""
    completion = blocking()

    with pytest.raises(BadUsage, match="finish"):
        completion.save(completion.look(SESSION).session, {"status": "completed"})


def test_status_has_an_etag_and_answers_304() -> None:
    """A poller that knows the state already is told so in a few bytes; a renewed lease is not news."""
    store = MemoryStore(item())
    completion = blocking(store=store, policy="defer")
    active = completion.status(SESSION)
    say(completion, "that is all")
    pending = completion.status(SESSION)
    etag = dict(pending.headers)["etag"]
    store.items[SESSION]["guard_lease_until"] += 1.0

    again = completion.status(SESSION, etag)

    assert ["active", "pending"] == [active.content["status"], pending.content["status"]]
    assert (304, b"") == (again.status, again.body)
    assert dict(active.headers)["etag"] != etag


def test_job_that_always_fails_ends_as_failed_with_a_reason_and_may_be_tried_again() -> None:
    """Every attempt is counted in the item; the reason is the exception's type, never its text."""
    store, queue = MemoryStore(item()), MemoryDispatch()

    def poison(session: Any) -> None:
        raise ValueError("I feel stuck at work")

    completion = blocking(poison, store=store, dispatch=queue, times=Times(attempts=3, pause=0.0))
    first = completion.complete(SESSION, left=LATER)
    work = [completion.work(queue.sent[-1][0], left=LATER) for _ in range(4)]

    assert ("pending", [True] * 4) == (first.kind, work)
    reply = completion.status(SESSION)
    assert ("failed", "ValueError", 3) == (
        reply.content["status"],
        reply.content["reason"],
        store.items[SESSION]["guard_attempt"],
    )
    assert "stuck" not in json.dumps(store.items[SESSION])
    healed = blocking(store=store)
    kinds = [healed.complete(SESSION, left=LATER, again=again).kind for again in (False, True)]
    assert ["failed", "completed"] == kinds


class Deaf(MemoryStore):
    """A store that does what it is asked and, for some operations, does not say so."""

    def __init__(self, *operations: str, does: bool = True) -> None:
        super().__init__(item())
        self.operations, self.does = operations, does

    def apply(self, write: Write) -> Outcome:
        """Do it or not, and perhaps say nothing."""
        if write.operation not in self.operations:
            return super().apply(write)
        if self.does:
            super().apply(write)
        raise StoreUnavailable("no answer")


class Down:
    """A queue that takes nothing."""

    def send(self, job: Job, delay: float) -> None:
        """Not."""
        raise DispatchFailed("no answer")


@pytest.mark.parametrize(("does", "kind"), [(True, "completed"), (False, "unavailable")])
def test_claim_without_an_answer_is_looked_up(does: bool, kind: str) -> None:
    """A claim that took effect is gone on with; one that did not is not pending, since nothing is durable."""
    assert kind == blocking(store=Deaf("claim", does=does)).complete(SESSION, left=LATER).kind


@pytest.mark.parametrize("does", [True, False])
def test_result_that_may_not_be_stored_is_pending(does: bool) -> None:
    """Without the store's word the result is not answered; the queue's message settles it."""
    store = Deaf("complete", does=does)
    reply = blocking(store=store).complete(SESSION, left=SOON)

    assert ("pending", "completed" if does else "active") == (reply.kind, store.items[SESSION]["status"])


def test_inline_result_needs_no_queue_but_pending_does() -> None:
    """With the queue down a result in time is answered; a late one is unavailable, never pending."""
    assert "completed" == blocking(dispatch=Down()).complete(SESSION, left=LATER).kind
    late = blocking(lambda session: time.sleep(3), dispatch=Down())

    assert "unavailable" == late.complete(SESSION, left=SOON).kind
    assert "unavailable" == blocking(dispatch=Down(), policy="defer").complete(SESSION).kind


@pytest.mark.parametrize("kind", [Completion, BlockingCompletion])
def test_store_that_hangs_is_given_up_on(kind: type[Completion | BlockingCompletion]) -> None:
    """The engine goes on without an answer after Times.write, however long the store's client would wait."""
    hangs, waiting = threading.Event(), threading.Event()

    class Hanging(MemoryStore):
        def load(self, session_id: str) -> Any:
            waiting.set()
            hangs.wait(30)
            waiting.clear()

    options: dict[str, Any] = {"predict": 0.0, "secret": SECRET, "times": HURRIED}
    asked = kind(Hanging(item()), MemoryDispatch(), goals, **options).complete(SESSION, left=LATER)
    reply = asyncio.run(asked) if asyncio.iscoroutine(asked) else asked
    went_on = waiting.is_set()
    hangs.set()

    assert ("unavailable", 503, True) == (reply.kind, reply.status, went_on)


def owed(store: MemoryStore | None = None) -> tuple[MemoryStore, MemoryDispatch, BlockingCompletion, Job]:
    """A session whose completion is owed, and its job."""
    store, queue = store or MemoryStore(item()), MemoryDispatch()
    completion = blocking(store=store, dispatch=queue, policy="defer")
    completion.complete(SESSION)
    return store, queue, completion, queue.sent[-1][0]


def test_worker_handler_answers_sqs_by_record() -> None:
    """Each record is told apart: done, or none of ours, which is to reach the dead letters."""
    store, _, completion, job = owed()
    handler = worker_handler(completion)
    bodies = {"ours": message(job), "alien": '{"hello": 1}', "text": "hello"}
    records = [{"messageId": name, "body": body} for name, body in bodies.items()]

    answer = handler({"Records": records}, None)

    assert {"batchItemFailures": [{"itemIdentifier": "alien"}, {"itemIdentifier": "text"}]} == answer
    assert "completed" == store.items[SESSION]["status"]


@pytest.mark.parametrize("through_queue", [True, False])
def test_worker_handler_takes_eventbridge_events(through_queue: bool) -> None:
    """An event is unwrapped, straight from the bus or out of a queue behind it."""
    store, _, completion, job = owed()
    event = {"detail-type": "coaching.completion.owed", "detail": json.loads(message(job))}
    handler = worker_handler(completion)

    handler({"Records": [{"messageId": "1", "body": json.dumps(event)}]} if through_queue else event, None)

    assert "completed" == store.items[SESSION]["status"]


def test_worker_handler_raises_for_an_event_that_it_could_not_do() -> None:
    """Lambda brings an event again only to a handler that raised."""
    store, _, _, job = owed(Deaf("claim"))
    store.operations = ("claim",)  # type: ignore[attr-defined]

    with pytest.raises(NotDone):
        worker_handler(blocking(store=store))({"detail": json.loads(message(job))}, None)


def test_async_worker_and_sweeper_run_under_a_plain_handler() -> None:
    """The handlers of async code are called as Lambda calls them, again and again."""
    store, queue, _, job = owed()
    completion = Completion(
        store,
        queue,
        goals_later,
        predict=0.0,
        secret=SECRET,
        times=Times(sweep=0.0),
        clock=lambda: time.time() + 5,
    )

    assert {"sent": 1} == sweep_handler(completion)({}, None)
    event = {"Records": [{"messageId": "1", "body": message(job)}]}
    assert {"batchItemFailures": []} == worker_handler(completion)(event, None)
    assert {"sent": 0} == sweep_handler(completion)({}, None)
    assert {"goals": ["hello"]} == store.items[SESSION]["extracted_result"]


def test_handlers_refuse_to_run_inside_a_running_loop() -> None:
    """A coroutine that nobody awaits must not pass for a job that is done."""
    store, queue, _, job = owed()
    completion = Completion(store, queue, goals_later, predict=0.0, secret=SECRET)

    async def main() -> None:
        with pytest.raises(BadUsage, match="event loop"):
            worker_handler(completion)({"Records": [{"messageId": "1", "body": message(job)}]}, None)
        with pytest.raises(BadUsage, match="event loop"):
            sweep_handler(completion)({}, None)

    asyncio.run(main())
    assert "extracting" == store.items[SESSION]["guard_state"]


def test_hand_over_is_a_phase_of_the_request() -> None:
    """The trace of a request that hands over shows where its last moments went."""
    with capture_phases() as phases:
        blocking(lambda session: time.sleep(2)).complete(SESSION, left=SOON)

    assert ["hand-over", "hand-over"] == [phase.name for phase in phases]


def test_commit_is_a_phase_that_ends_well_only_where_the_session_is_completed() -> None:
    """Of two who extract, the one that lost the work says so: its commit ends as Refused."""
    store, queue, completion, job = owed()

    def slow(session: Any) -> dict[str, Any]:
        store.items[SESSION]["guard_lease_until"] = 0.0
        assert completion.work(job)
        return {"by": "the one that was too late"}

    with capture_phases() as phases:
        assert blocking(slow, store=store, dispatch=queue).work(job)

    commits = [(each.name, each.outcome, each.error_type) for each in phases]
    assert [("completion-commit", "ok", None), ("completion-commit", "error", "Refused")] == commits
    assert {"goals": ["hello"]} == store.items[SESSION]["extracted_result"]


def test_commit_without_an_answer_is_not_said_to_be_one() -> None:
    """What is not known is no commit; the second try, which finds its own write, is."""
    store = AnswersLate(item())

    with capture_phases() as phases:
        reply = blocking(store=store).complete(SESSION, left=LATER)

    assert "completed" == reply.kind
    assert [("error", "StoreUnavailable"), ("ok", None)] == [
        (each.outcome, each.error_type) for each in phases
    ]


class AnswersLate(MemoryStore):
    """The first commit takes effect, and its answer does not come."""

    lost = False

    def apply(self, write: Write) -> Outcome:
        """As the memory's; once without an answer."""
        outcome = super().apply(write)
        if write.operation == "complete" and not self.lost:
            self.lost = True
            raise StoreUnavailable("no answer")
        return outcome


def test_worker_that_meets_a_live_lease_sends_a_delayed_copy() -> None:
    """The message is done with, so that waiting does not count as a failed delivery; the copy comes later."""
    store, queue, completion, job = owed()
    store.items[SESSION] |= {"guard_owner": "somebody", "guard_lease_until": time.time() + 40.0}

    assert completion.work(job)
    assert 40.0 < queue.sent[-1][1] < 42.0
    assert "somebody" == store.items[SESSION]["guard_owner"]


@pytest.mark.parametrize("who", ["worker", "request"])
def test_lease_is_renewed_under_whoever_works_for_long(who: str) -> None:
    """A lease shorter than the extraction does not run out under a process that is well."""
    store, queue, completion, job = owed()
    seen: set[float] = set()

    def slow(session: Any) -> dict[str, Any]:
        end = time.monotonic() + 0.7
        while time.monotonic() < end:
            seen.add(store.items[SESSION]["guard_lease_until"])
            time.sleep(0.02)
        return {}

    if who == "request":
        store.items[SESSION] = item()
    completion = blocking(slow, store=store, dispatch=queue, times=Times(lease=5.0, renew=0.1))
    _ = completion.work(job) if who == "worker" else completion.complete(SESSION, left=timedelta(minutes=5))

    assert len(seen) >= 3
    assert "completed" == store.items[SESSION]["status"]


@pytest.mark.parametrize(("age_ms", "kind"), [(0, "completed"), (18_000, "pending")])
def test_deadline_is_the_requests_own(age_ms: int, kind: str) -> None:
    """Below a guard's root what is left of the gateway's 30 s decides whether 10 s still fit."""
    completion = blocking(predict=10.0, times=Times())
    handler = guard_handler(lambda event, context: for_lambda(completion.complete(SESSION)))
    context = {"http": {"method": "POST", "path": "/complete"}, "timeEpoch": time.time() * 1000 - age_ms}

    answer = handler({"version": "2.0", "routeKey": "$default", "requestContext": context}, None)

    assert kind == json.loads(answer["body"])["status"]


def test_blocking_completion_refuses_a_coroutine_function() -> None:
    """A coroutine that nobody awaits would be a completion without a result."""
    with pytest.raises(BadUsage, match="plain function"):
        blocking(goals_later)


def test_reply_goes_out_through_lambda_and_asgi() -> None:
    """Both helpers send the same status, headers and JSON."""
    reply = Replies().pending(SESSION)
    sent: list[Any] = []

    async def send(told: Any) -> None:
        sent.append(told)

    asyncio.run(for_asgi(reply)({}, None, send))

    answer = for_lambda(reply)
    assert (202, b'{"status":"pending","session_id":"sess_1"}') == (sent[0]["status"], sent[1]["body"])
    assert (202, sent[1]["body"].decode()) == (answer["statusCode"], answer["body"])
    assert (b"retry-after", b"2") in sent[0]["headers"]


def test_memory_store_hands_out_copies() -> None:
    """A change in place of what was read is no save, as with a table."""
    store = MemoryStore(item())
    store.load(SESSION).data["messages"].append("changed in place")

    assert ["hello"] == store.items[SESSION]["messages"]
    assert not store.save("nobody", {}, Expected(None)).took


def test_import_of_guards_brings_no_completion_and_completion_no_aws() -> None:
    """Nobody pays for what they do not use: neither module is loaded before it is asked for."""
    code = (
        "import sys, guards; print('guards.completion' in sys.modules);"
        "import guards.completion, guards.completion.sqs, guards.completion.dynamodb;"
        "import guards.completion.eventbridge, guards.models;"
        "print('boto3' in sys.modules, 'botocore' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert ["False", "False", "False"] == done.stdout.split()


@pytest.mark.parametrize(
    ("status", "kind", "state"),
    [
        ("cancelled", "not_active", "active"),
        ("paused", "not_active", "active"),
        ("completed", "completed", "completed"),
    ],
)
def test_session_that_somebody_else_ended_meanwhile_stays_so(status: str, kind: str, state: str) -> None:
    """Who knows no guard sets the status alone: no pending for ever, no result on top, nothing to sweep."""
    store, queue = MemoryStore(item()), MemoryDispatch()
    completion = blocking(store=store, dispatch=queue, policy="defer")
    assert "pending" == say(completion, "bye").kind
    store.items[SESSION]["status"] = status

    replies = say(completion, "bye"), completion.complete(SESSION), completion.status(SESSION)

    assert [kind] * 3 == [reply.kind for reply in replies]
    assert completion.work(queue.sent[0][0], left=LATER)
    assert (status, state) == (store.items[SESSION]["status"], store.items[SESSION]["guard_state"])
    assert [] == store.lapsed(time.time() + 1_000, 10)


def test_result_of_a_session_cancelled_meanwhile_is_not_stored() -> None:
    """Inline and by a worker: what was cancelled while the extraction ran is not completed."""
    kinds = []
    for policy in ("inline-or-defer", "defer"):
        store, queue = MemoryStore(item()), MemoryDispatch()

        def cancelled(session: Any, store: MemoryStore = store) -> dict[str, Any]:
            store.items[SESSION]["status"] = "cancelled"
            return goals(session)

        completion = blocking(cancelled, store=store, dispatch=queue, policy=policy)
        kinds.append(completion.complete(SESSION, left=LATER).kind)
        assert completion.work(queue.sent[0][0], left=LATER) or policy == "inline-or-defer"
        assert "extracted_result" not in store.items[SESSION]

    assert ["not_active", "pending"] == kinds


def test_session_paused_and_resumed_meanwhile_is_ready_to_be_completed() -> None:
    """What was closed while paused is not lost: the retry is told to ask for it, and then it is completed."""
    store, queue = MemoryStore(item()), MemoryDispatch()
    completion = blocking(store=store, dispatch=queue, policy="defer")
    say(completion, "bye")
    store.items[SESSION]["status"] = "paused"
    completion.work(queue.sent[0][0], left=LATER)
    store.items[SESSION]["status"] = "active"

    kinds = [say(completion, "bye").kind, blocking(store=store).complete(SESSION, left=LATER).kind]

    assert ["ready", "completed"] == kinds


def test_etag_that_was_weakened_on_its_way_still_counts() -> None:
    """A proxy may mark it as weak; If-None-Match compares weakly."""
    completion = blocking()
    etag = dict(completion.status(SESSION).headers)["etag"]

    assert 304 == completion.status(SESSION, f'"other", W/{etag}').status


def test_poller_hears_of_another_failure() -> None:
    """A completion asked for again that fails again, for another reason, is news."""
    store = MemoryStore(item())
    etags = []
    for error in (ValueError, KeyError):

        def raises(session: Any, error: type[Exception] = error) -> None:
            raise error

        completion = blocking(raises, store=store, policy="defer", times=Times(attempts=1, pause=0.0))
        completion.complete(SESSION, left=LATER, again=True)
        completion.work(store.load(SESSION).job, left=LATER)  # type: ignore[union-attr]
        etags.append(dict(completion.status(SESSION).headers)["etag"])

    assert "KeyError" == store.items[SESSION]["guard_reason"]
    assert etags[0] != etags[1]


@pytest.mark.parametrize("wrong", ["inline", lambda session: "inline"])
def test_policy_that_there_is_not_is_refused(wrong: Any) -> None:
    """A typing error must not pass for another policy, nor may one that a function gives."""
    with pytest.raises(BadUsage, match="choose one of: inline-or-defer, defer, explicit"):
        blocking(policy=wrong).complete(SESSION, left=LATER)
    with pytest.raises(BadUsage, match="no policy 'differ'"):
        by_topic({"goals": "differ"})  # type: ignore[dict-item]


def test_prediction_that_raises_loses_no_turn() -> None:
    """Nobody knows how long it takes, so a worker extracts."""

    def predict(session: Any) -> float:
        raise KeyError("extraction_model_code")

    assert "pending" == say(blocking(predict=predict), "bye").kind


def test_sweeper_may_take_its_time_and_fails_aloud() -> None:
    """A scan of a large table does not give up after Times.write; a sweeper that cannot work is an error."""
    queue = MemoryDispatch()

    class Slow(MemoryStore):
        def lapsed(self, before: float, limit: int) -> list[Job]:
            time.sleep(HURRIED.write * 1.5)
            return [Job(SESSION, "job")]

    assert {"sent": 1} == sweep_handler(blocking(store=Slow(), dispatch=queue))({}, None)
    assert [(Job(SESSION, "job"), 0.0)] == queue.sent
    with pytest.raises(DispatchFailed, match="1 of 1 jobs that are owed could not be sent"):
        sweep_handler(blocking(store=Slow(), dispatch=Down()))({}, None)
