"""The protocol as a state machine: Hypothesis decides who takes the next step, and what becomes of it.

Requests, workers and sweepers are the real engine's generators. Any of them may take its next steps, get no
answer before or after a step took effect, or be killed; messages come in any order, twice or never; time
jumps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from guards.completion.engine import Parts
from guards.completion.replies import Replies
from guards.completion.requests import Requests
from guards.completion.states import Job, Turn
from guards.completion.steps import Do, Done, NoAnswer, Raised, Start, Step, Steps, Stop, Wait
from guards.completion.times import Times
from guards.completion.workers import Workers
from tests.completion_world import SESSION, Journal, Table

FINAL = Turn(text="hash of the final text")
TIMES = Times(attempts=6)
MOST_PROCESSES = 4
LONG = settings(
    max_examples=200,
    stateful_step_count=100,
    deadline=None,
    database=None,
    derandomize=False,  # each call takes other courses, in CI too
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


class Process:
    """A generator and the step that it waits to take."""

    def __init__(self, kind: str, steps: Steps[Any], job: Job | None = None) -> None:
        self.kind = kind
        self.steps = steps
        self.job = job
        """The message that it holds."""
        self.ends_at: float | None = None
        """When its extraction is over."""
        self.step: Step = next(steps)


class Protocol(RuleBasedStateMachine):
    """One session, and all that may happen to it."""

    without: tuple[str, str] | None = None
    """A condition left out, for the test of this test."""
    steps_taken = 0
    """In all courses so far."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self.numbers = 0
        item = {"session_id": SESSION, "status": "active", "messages": ("hello",)}
        self.journal = Journal(lambda: self.now)
        self.table = Table(self.journal, item, self.without)
        parts = Parts(self.table, self, TIMES, lambda: self.now, self._token)
        self.requests = Requests(parts, Replies(), lambda session: "inline-or-defer", lambda session: 5.0)
        self.deferring = Requests(parts, Replies(), lambda session: "defer", lambda session: 5.0)
        self.workers = Workers(parts)
        self.processes: list[Process] = []
        self.queue: list[Job] = []
        self.told_pending = False

    def _token(self) -> str:
        self.numbers += 1
        return f"t{self.numbers}"

    def send(self, job: Job, delay: float) -> None:
        """The queue takes a message; it may come sooner or later than asked."""
        self.queue.append(job)

    # -- who begins ---------------------------------------------------------------------------------------

    @initialize(defers=st.booleans(), steps=st.integers(0, 5))
    def first_request(self, defers: bool, steps: int) -> None:
        """One is under way already."""
        self.request(defers, True)
        self.step(0, steps, 9)

    @precondition(lambda self: len(self.processes) < MOST_PROCESSES)
    @rule(defers=st.booleans(), final=st.booleans())
    def request(self, defers: bool, final: bool) -> None:
        """A client sends the final message, or asks for the completion."""
        requests = self.deferring if defers else self.requests
        deadline = self.now + 30.0
        steps = self._message(requests, deadline) if final else requests.complete(SESSION, deadline)
        self._begin(Process("request", steps))

    def _message(self, requests: Requests, deadline: float) -> Steps[Any]:
        seen = yield from requests.look(SESSION, FINAL)
        if seen.reply is not None or seen.session is None:
            return seen.reply
        changes = {"messages": (*seen.session.data["messages"], self._token())}
        return (yield from requests.finish(seen.session, deadline, FINAL, changes))

    @precondition(lambda self: self.queue and len(self.processes) < MOST_PROCESSES)
    @rule(which=st.integers(0, 50), twice=st.booleans())
    def deliver(self, which: int, twice: bool) -> None:
        """A worker gets a message, any of those under way; one that comes twice stays there."""
        at = which % len(self.queue)
        job = self.queue[at] if twice else self.queue.pop(at)
        self._begin(Process("worker", self.workers.work(job, self.now + 300.0), job))

    @precondition(lambda self: len(self.processes) < MOST_PROCESSES)
    @rule()
    def sweep(self) -> None:
        """The schedule starts a sweeper."""
        self._begin(Process("sweeper", self.workers.sweep(5)))

    def _begin(self, process: Process) -> None:
        self.processes.append(process)

    # -- what happens -------------------------------------------------------------------------------------

    @precondition(lambda self: self.processes)
    @rule(which=st.integers(0, 50), count=st.integers(1, 6), raises=st.integers(0, 9))
    def step(self, which: int, count: int, raises: int) -> None:
        """Somebody's next steps are taken and answered."""
        process = self.processes[which % len(self.processes)]
        for _ in range(count):
            if process in self.processes:
                self._step(process, raises == 0)

    def _step(self, process: Process, raises: bool) -> None:
        found = Raised("ValueError") if raises else Done({"goals": self._token()})
        self._resume(process, lambda: process.steps.send(self._taken(process, found)))

    @precondition(lambda self: any(isinstance(each.step, Do) for each in self.processes))
    @rule(which=st.integers(0, 50), effective=st.booleans())
    def no_answer(self, which: int, effective: bool) -> None:
        """A call is not answered, and took effect or did not."""
        calling = [each for each in self.processes if isinstance(each.step, Do)]
        process = calling[which % len(calling)]
        if effective:
            self._taken(process, None)
        self._resume(process, lambda: process.steps.throw(NoAnswer("no answer")))

    @precondition(lambda self: self.processes)
    @rule(which=st.integers(0, 50), effective=st.booleans(), dies=st.integers(0, 2))
    def kill(self, which: int, effective: bool, dies: int) -> None:
        """One time in three a process dies, before or after its step took effect; its message comes again."""
        if dies:
            return
        process = self.processes.pop(which % len(self.processes))
        if effective and isinstance(process.step, Do):
            self._taken(process, None)
        process.steps.close()
        if process.job is not None:
            self.queue.append(process.job)

    @precondition(lambda self: self.queue)
    @rule(which=st.integers(0, 50), lost=st.integers(0, 2))
    def lose(self, which: int, lost: int) -> None:
        """A message is lost, one time in three."""
        if lost:
            return
        self.queue.pop(which % len(self.queue))

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 31.0, 70.0, 400.0]))
    def wait(self, seconds: float) -> None:
        """Time passes, and whoever is under way is frozen for as long."""
        self.now += seconds

    def _taken(self, process: Process, found: Done | Raised | None) -> Any:
        step = process.step
        if isinstance(step, Do):
            return step.work()
        if isinstance(step, Start):
            process.ends_at = self.now + 10.0
        if isinstance(step, Wait):
            return self._waited(process, step, found)
        return None

    def _waited(self, process: Process, step: Wait, found: Done | Raised | None) -> Done | Raised | None:
        """Time goes on to whatever comes first; the extraction of a request that was handed over is gone."""
        assert process.ends_at is not None
        first = min(process.ends_at, step.until)
        assert first < math.inf
        self.now = max(self.now, first)
        return found if process.ends_at <= step.until else None

    def _resume(self, process: Process, go: Callable[[], Step]) -> None:
        try:
            process.step = go()
        except StopIteration as end:
            self.processes.remove(process)
            self._ended(process, end.value)
        except NoAnswer:
            assert process.kind == "sweeper"  # its next turn comes anyway
            self.processes.remove(process)
        assert not isinstance(process.step, Stop) or process.ends_at is not None

    def _ended(self, process: Process, value: Any) -> None:
        if process.kind == "worker" and value is False and process.job is not None:
            self.queue.append(process.job)
        if process.kind != "request":
            return
        item = self.table.items[SESSION]
        if value.kind == "pending":
            self.told_pending = True
            assert item["guard_state"] in ("extracting", "completed", "failed")
            assert item["guard_job"]
        if value.kind == "completed":
            assert value.content["result"] == item["extracted_result"]
        assert value.kind != "not_active"

    # -- what always holds --------------------------------------------------------------------------------

    @invariant()
    def completed_at_most_once(self) -> None:
        """And the table says so if and only if it was."""
        Protocol.steps_taken += 1
        item = self.table.items[SESSION]
        assert self.journal.completions == (item["status"] == "completed") == ("extracted_result" in item)

    @invariant()
    def state_and_its_attributes_agree(self) -> None:
        """An owner only while extracting; in the sweeper's index exactly while extracting.

        The API's own status stays active until it is completed: a failed session may be tried again.
        """
        item = self.table.items[SESSION]
        state = item.get("guard_state", "active")
        assert item["status"] == ("completed" if state == "completed" else "active")
        assert ("guard_open" in item) == (state == "extracting")
        assert state == "extracting" or "guard_owner" not in item

    def teardown(self) -> None:
        """Left alone, with a sweeper and a worker that nothing goes wrong for, whatever is owed gets done."""
        self.processes.clear()
        for _ in range(TIMES.attempts + 2):
            self.now += 1_000.0
            self._to_the_end(self.workers.sweep(5))
            for job in [self.queue.pop() for _ in range(len(self.queue))]:
                self._to_the_end(self.workers.work(job, self.now + 300.0))
        state = self.table.items[SESSION].get("guard_state", "active")
        assert state != "extracting"
        assert not self.told_pending or state in ("completed", "failed")

    def _to_the_end(self, steps: Steps[Any]) -> None:
        process = Process("last", steps)
        self.processes.append(process)
        while process in self.processes:
            self._step(process, raises=False)


def run_steps(count: int) -> None:
    """Courses of events until so many steps are taken; raises AssertionError where a promise is broken."""
    until = Protocol.steps_taken + count
    while Protocol.steps_taken < until:
        run_state_machine_as_test(Protocol, settings=LONG)
