"""A world on a virtual clock: clients, a gateway, requests, a queue, workers and a sweeper, all of one seed.

The real engine runs in it, step by step, in an order that the seed decides, while processes are killed and
frozen, calls get no answer before or after they took effect, and messages are lost, doubled and late.
Whatever breaks a promise of docs/completion.md raises Broken.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from guards.completion.dispatch import DispatchFailed
from guards.completion.engine import Parts
from guards.completion.memory import MemoryStore
from guards.completion.replies import Replies, Reply
from guards.completion.requests import Policy, Requests, Seen
from guards.completion.states import Job, Session, Turn
from guards.completion.steps import Do, Done, NoAnswer, Pause, Raised, Start, Step, Steps, Stop, Wait
from guards.completion.store import StoreUnavailable
from guards.completion.times import Times
from guards.completion.workers import Workers
from guards.completion.writes import Outcome, Write

GATEWAY_S = 30.0
SESSION = "sess_1"
FINAL = Turn(text="hash of the final text")
TIMES = Times()


class Broken(AssertionError):
    """A promise was broken."""


@dataclass(frozen=True)
class Plan:
    """What may happen in a world."""

    policy: Policy = "inline-or-defer"
    predicted: float = 10.0
    extraction: tuple[float, float] = (1.0, 60.0)
    """Shortest and longest."""
    raising: float = 0.0
    """How many of the extractions raise."""
    clients: int = 2
    """That send the same final message, at about the same time."""
    messengers: int = 1
    """That send another, not final message."""
    outsider: str | None = None
    """Somebody sets this status, at any time, with a write that knows no versions."""
    resumes: bool = False
    """And sets it back to active soon after."""
    deleter: bool = False
    """The item is deleted, as by its TTL."""
    careless: int = 0
    """Savers that do not look first."""
    gives_up: float = 0.2
    """How many clients leave for good when they got no result at once."""
    faults: float = 0.1
    """How many calls go wrong while faults are on."""
    kills: float = 0.03
    """How many steps are a process's last."""
    freezes: float = 0.03
    queue_faults: float = 0.1
    """How many messages are lost, doubled or late."""
    sweeper: bool = True
    faults_until: float = 150.0
    outage: tuple[float, float] = (0.0, 0.0)
    """From and to: the store gives no answer at all."""
    times: Times = TIMES
    worker_s: float = 300.0
    """A worker's Lambda timeout."""
    visibility: float = 320.0
    """After so long the message of a worker that died comes again."""
    kill_at: tuple[str, str, int] | None = None
    """Kill a process once: the step's name, before or after it, and the how manieth."""
    legacy: bool = False
    """The item has no guard attributes at the start."""


@dataclass
class Journal:
    """What took effect in the table, judged as it did."""

    now: Callable[[], float]
    completions: int = 0
    claimed_messages: tuple[str, ...] | None = None
    released_at: float = -math.inf
    operations: list[str] = field(default_factory=list)

    def note(self, write: Write, before: dict[str, Any], after: dict[str, Any]) -> None:
        """Judge one write that took effect."""
        self.operations.append(write.operation)
        getattr(self, f"_{write.operation}")(write, before, after)

    def _save(self, write: Write, before: dict[str, Any], after: dict[str, Any]) -> None:
        if not before:
            raise Broken("saved what is not there")
        if before.get("guard_state", "active") != "active":
            raise Broken(f"saved while {before['guard_state']}")

    def _claim(self, write: Write, before: dict[str, Any], after: dict[str, Any]) -> None:
        if before.get("status") != "active":
            raise Broken(f"claimed what is {before.get('status')}")
        if before.get("guard_state") == "extracting":
            if before["guard_lease_until"] > self.now():
                raise Broken("a live lease was taken")
        else:
            self.claimed_messages = tuple(after["messages"])

    def _owned(self, write: Write, before: dict[str, Any]) -> None:
        if before.get("guard_owner") != write.token.rpartition(".")[0]:
            raise Broken(f"{write.operation} by one who does not own it")

    def _renew(self, write: Write, before: dict[str, Any], after: dict[str, Any]) -> None:
        self._owned(write, before)

    def _release(self, write: Write, before: dict[str, Any], after: dict[str, Any]) -> None:
        self._owned(write, before)
        self.released_at = self.now()

    def _fail(self, write: Write, before: dict[str, Any], after: dict[str, Any]) -> None:
        self._owned(write, before)

    def _close(self, write: Write, before: dict[str, Any], after: dict[str, Any]) -> None:
        if before.get("status") == "active":
            raise Broken("closed what is active")
        if before.get("guard_state") != "extracting":
            raise Broken(f"closed what has {before.get('guard_state')}")

    def _complete(self, write: Write, before: dict[str, Any], after: dict[str, Any]) -> None:
        self.completions += 1
        if self.completions > 1 or before.get("status") == "completed":
            raise Broken("completed twice")
        if before.get("status") != "active":
            raise Broken(f"completed what is {before.get('status')}")
        self._owned(write, before)
        if tuple(after["messages"]) != self.claimed_messages:
            raise Broken("the messages changed under the extraction")


class Table(MemoryStore):
    """The store, with a journal, and without one of its conditions if so asked."""

    def __init__(self, journal: Journal, item: dict[str, Any], without: tuple[str, str] | None) -> None:
        super().__init__(item)
        self._journal = journal
        self._without = without

    def load(self, session_id: str) -> Session | None:
        """Without a copy: nobody in a world changes what was read."""
        item = self.items.get(session_id)
        return None if item is None else Session.of(item)

    def apply(self, write: Write) -> Outcome:
        """As a store without that condition would."""
        if self._without is not None and self._without[0] == write.operation:
            kept = tuple(each for each in write.conditions if each.attribute != self._without[1])
            write = replace(write, conditions=kept)
        before = self.items.get(write.session_id, {})
        outcome = super().apply(write)
        after = self.items.get(write.session_id, {})
        if after is not before and after:
            self._journal.note(write, before, after)
        return outcome


class Process:
    """A generator of the engine's, running until it ends or is killed."""

    __slots__ = ("extraction", "frozen", "kind", "on_end", "on_kill", "steps", "tokens")

    def __init__(
        self,
        kind: str,
        steps: Steps[Any],
        on_end: Callable[[Any], None],
        on_kill: Callable[[], None],
    ) -> None:
        self.kind = kind
        self.steps = steps
        self.on_end = on_end
        self.on_kill = on_kill
        self.extraction: tuple[float, Done | Raised] | None = None
        self.frozen = False
        self.tokens: set[str] = set()
        """By which it is the owner."""


@dataclass
class Client:
    """Somebody who waits for an answer."""

    name: str
    final: bool
    patient: bool = True
    told: list[str] = field(default_factory=list)
    """Kinds of the answers, in order."""
    key: int = 0


class World:
    """One seed's course of events."""

    def __init__(
        self,
        seed: int,
        plan: Plan,
        *,
        without: tuple[str, str] | None = None,
        requests: type[Requests] = Requests,
        workers: type[Workers] = Workers,
    ) -> None:
        self.random = random.Random(seed)
        self.plan = plan
        self.now = 1_000.0
        self.started = self.now
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.numbers = itertools.count()
        item = {"session_id": SESSION, "status": "active", "messages": ("hello",)}
        if not plan.legacy:
            item |= {"guard_version": 3, "guard_state": "active", "guard_writer": "earlier"}
        self.journal = Journal(lambda: self.now)
        self.table = Table(self.journal, item, without)
        self.parts = Parts(self.table, self, plan.times, lambda: self.now, self._token)
        self.requests = requests(
            self.parts, Replies(), lambda session: plan.policy, lambda session: plan.predicted
        )
        self.workers = workers(self.parts)
        self.messages = 0
        """Under way to a worker, or with one."""
        self.running = 0
        self.waiting_clients = 0
        self.saved: list[str] = []
        """Acknowledged saves: they must not be lost."""
        self.accepted = 0
        self.owed = False
        """Somebody was told that it is pending, or the table said so when its request ended."""
        self.owed_by_queue = False
        """Somebody was told so after a queue had taken the job."""
        self.resumed: Process | None = None
        self.deleted = False
        self.meddled = False
        self.kill_seen = 0
        self.slowest = 0.0

    # -- what the engine is given -------------------------------------------------------------------------

    def _token(self) -> str:
        token = f"t{next(self.numbers)}"
        if self.resumed is not None:
            self.resumed.tokens.add(token)
        return token

    def send(self, job: Job, delay: float) -> None:
        """The queue takes a message."""
        self.accepted += 1
        for late in self._deliveries():
            self.messages += 1
            self.after(min(delay, 900.0) + late, lambda: self._deliver(job, 1))

    def _deliveries(self) -> Iterator[float]:
        yield_ = self.random.uniform(0.01, 1.0)
        if self._faulty(self.plan.queue_faults):
            fate = self.random.choice(("lost", "twice", "late"))
            if fate == "twice":
                yield self.random.uniform(0.01, 30.0)
            if fate == "late":
                yield_ += self.random.uniform(1.0, 120.0)
            if fate == "lost" and self.plan.sweeper:
                return
        yield yield_

    # -- time ---------------------------------------------------------------------------------------------

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        """Have something happen later."""
        heapq.heappush(self.events, (self.now + seconds, next(self.numbers), event))

    def _faulty(self, share: float) -> bool:
        return self.now - self.started < self.plan.faults_until and self.random.random() < share

    def run(self) -> World:
        """Let it all happen, and judge the end."""
        plan = self.plan
        for number in range(plan.clients):
            client = Client(f"client {number}", True, patient=self.random.random() >= plan.gives_up)
            self.waiting_clients += 1
            self.after(
                self.random.choice((0.0, 0.0, 5.0, 31.0, 70.0)) * self.random.random(), self._asks(client)
            )
        for number in range(plan.messengers):
            self.after(self.random.random() * 40.0, self._asks(Client(f"messenger {number}", False)))
        for number in range(plan.careless):
            self.after(self.random.random() * 60.0, partial(self._save_carelessly, number))
        if plan.outsider:
            self.after(self.random.random() * self.random.choice((12.0, 120.0)), self._meddle)
        if plan.deleter:
            self.after(self.random.random() * 12.0, self._delete)
        if plan.sweeper:
            self.after(60.0, self._sweep)
        while self.events and not self._over():
            self.now, _, event = heapq.heappop(self.events)
            if self.now - self.started > 20_000.0:
                raise Broken("it never ends")
            event()
        self._judge()
        return self

    def _over(self) -> bool:
        """Nothing is under way any more but the sweeper, which has nothing to find."""
        quiet = not (self.running or self.messages or self.waiting_clients)
        return quiet and not ("guard_open" in self.table.items.get(SESSION, {}) and self.plan.sweeper)

    # -- processes ----------------------------------------------------------------------------------------

    def spawn(self, process: Process) -> None:
        """Start one."""
        self.running += 1
        self._go(process, None, None)

    def _go(self, process: Process, value: Any, error: Exception | None) -> None:
        """Resume it with what came of its last step."""
        self.resumed = process
        try:
            step = process.steps.send(value) if error is None else process.steps.throw(error)
        except StopIteration as end:
            self.running -= 1
            process.on_end(end.value)
            return
        if self._dies(step, "before"):
            self._kill(process)
            return
        self._take(process, step)

    def _dies(self, step: Step, when: str) -> bool:
        at = self.plan.kill_at
        if at is not None:
            name = step.name if isinstance(step, Do) else type(step).__name__
            if (name, when) == at[:2]:
                self.kill_seen += 1
                return self.kill_seen == at[2]
            return False
        return self._faulty(self.plan.kills / 2)

    def _kill(self, process: Process) -> None:
        self.running -= 1
        process.steps.close()
        process.on_kill()

    def _take(self, process: Process, step: Step) -> None:
        if isinstance(step, Do):
            self._call(process, step)
        elif isinstance(step, Start):
            process.extraction = (self.now + self.random.uniform(*self.plan.extraction), self._found())
            self._later(process, step, 0.0, None)
        elif isinstance(step, Wait):
            self._wait(process, step)
        elif isinstance(step, Stop):
            self._later(process, step, self.random.random() * TIMES.stop, None)
        else:
            assert isinstance(step, Pause)
            self._later(process, step, step.seconds, None)

    def _found(self) -> Done | Raised:
        if self.random.random() < self.plan.raising:
            return Raised("ValueError")
        return Done({"goals": next(self.numbers)})

    def _wait(self, process: Process, step: Wait) -> None:
        assert process.extraction is not None
        end, found = process.extraction
        if end <= step.until:
            self._later(process, step, max(0.0, end - self.now), found)
        else:
            assert step.until < math.inf
            self._later(process, step, max(0.0, step.until - self.now), None)

    def _later(
        self, process: Process, step: Step, seconds: float, value: Any, error: Exception | None = None
    ) -> None:
        if self._faulty(self.plan.freezes):
            process.frozen = True
            seconds += self.random.uniform(0.0, 150.0)

        def resume() -> None:
            if self._dies(step, "after"):
                self._kill(process)
            else:
                self._go(process, value, error)

        self.after(seconds, resume)

    def _call(self, process: Process, step: Do) -> None:
        """A call takes effect some time after it was made, and is answered some time after that."""
        fates = ("before", "after", "landing late", "twice")
        fate = self.random.choice(fates) if self._faulty(self.plan.faults) else ""
        sends = step.name.endswith(("send", "send on"))
        gave_up: Exception = DispatchFailed("no answer") if sends else StoreUnavailable("no answer")
        out = self.plan.outage[0] <= self.now - self.started < self.plan.outage[1] and not sends
        if fate == "before" or out:
            self._later(process, step, self.random.random() * TIMES.write, None, gave_up)
            return
        if fate == "landing late":
            self.after(TIMES.write + self.random.random() * 40.0, step.work)
            self._later(process, step, TIMES.write, None, gave_up)
            return
        latency = self.random.choice((0.005, 0.02, 0.3)) * self.random.random()
        if self._faulty(self.plan.freezes):
            process.frozen = True
            latency += self.random.uniform(0.0, 150.0)

        def effect() -> None:
            value = step.work()
            if fate == "twice":  # a client that sends it again by itself
                value = step.work()
            if fate == "after":
                self._later(process, step, max(0.0, TIMES.write - latency), None, gave_up)
            else:
                self._later(process, step, latency, value)

        self.after(latency, effect)

    # -- who takes part -----------------------------------------------------------------------------------

    def _asks(self, client: Client) -> Callable[[], None]:
        return lambda: self._ask(client)

    def _ask(self, client: Client) -> None:
        """A client's request, and the gateway that gives up on it."""
        sent_at, answered = self.now, [False]
        deadline = sent_at + GATEWAY_S
        conversing = self.random.uniform(0.0, 12.0)

        def end(reply: Reply | None) -> None:
            self._judge_reply(process, client, reply, self.now - sent_at)
            hear(reply)

        def hear(reply: Reply | None) -> None:
            if not answered[0]:
                answered[0] = True
                self._hears(client, reply)

        handler = self._message(client, deadline, conversing)
        process = Process("request", handler, end, lambda: None)
        self.after(GATEWAY_S, lambda: hear(None))
        self.spawn(process)

    def _message(self, client: Client, deadline: float, conversing: float) -> Steps[Reply | None]:
        """The API's handler of a message."""
        turn = FINAL if client.final else Turn(text=f"hash of {client.name}")
        if client.told[-1:] == ["ready"]:
            return (yield from self.requests.complete(SESSION, deadline))
        seen: Seen = yield from self.requests.look(SESSION, turn)
        if seen.reply is not None or seen.session is None:
            return seen.reply
        yield Pause(conversing)
        said = f"{client.name} {next(self.numbers)}"
        changes = {"messages": (*seen.session.data["messages"], said)}
        if client.final:
            return (yield from self.requests.finish(seen.session, deadline, turn, changes))
        saved = yield from self.requests.save(seen.session, changes, turn=None)
        if saved.reply is None:
            self.saved.append(said)
        return saved.reply

    def _hears(self, client: Client, reply: Reply | None) -> None:
        """What a client does with an answer; None is the gateway's 503, or a messenger's success."""
        client.told.append("gateway" if reply is None else reply.kind)
        if not client.final:
            return
        final = reply is not None and reply.kind in (
            "completed",
            "failed",
            "conflict",
            "not_active",
            "missing",
        )
        leaves = not client.patient and client.told[-1] != "ready"
        if final or leaves or len(client.told) > 400:
            if client.patient and not final:
                raise Broken(f"a client was never answered: {client.told[-3:]}")
            self.waiting_clients -= 1
            return
        self.after(self.random.uniform(2.0, 12.0), self._asks(client))

    def _deliver(self, job: Job, count: int) -> None:
        """The queue hands a message to a worker."""

        def end(done: bool) -> None:
            if done:
                self.messages -= 1
            else:
                again(self.random.uniform(1.0, 30.0))

        def again(seconds: float) -> None:
            if count >= 10:  # the dead-letter queue
                self.messages -= 1
            else:
                self.after(seconds, lambda: self._deliver(job, count + 1))

        process = Process(
            "worker",
            self.workers.work(job, self.now + self.plan.worker_s),
            end,
            lambda: again(self.plan.visibility),
        )
        self.spawn(process)

    def _sweep(self) -> None:
        self.after(60.0, self._sweep)
        self.spawn(Process("sweeper", self._swept(), lambda sent: None, lambda: None))

    def _swept(self) -> Steps[int]:
        try:
            return (yield from self.workers.sweep(10))
        except NoAnswer:  # Lambda counts it as an error
            return 0

    def _save_carelessly(self, number: int) -> None:
        """Somebody who saves what was read, whatever its state."""

        def steps() -> Steps[Seen | None]:
            session = self.table.load(SESSION)
            if session is None:
                return None
            yield Pause(self.random.random() * 5.0)
            changes = {"messages": (*session.data["messages"], f"careless {number}")}
            return (yield from self.requests.save(session, changes, None))

        self.spawn(Process("careless", steps(), lambda seen: None, lambda: None))

    def _meddle(self) -> None:
        """An update of the status alone, by somebody who knows no versions."""
        item = self.table.items.get(SESSION, {})
        if item.get("status") == "active":
            self.meddled = True
            self.table.items[SESSION] = {**item, "status": self.plan.outsider}
            if self.plan.resumes:
                self.after(self.random.random() * self.random.choice((5.0, 120.0)), self._resume)

    def _resume(self) -> None:
        item = self.table.items.get(SESSION, {})
        if item.get("status") == self.plan.outsider:
            self.table.items[SESSION] = {**item, "status": "active"}

    def _delete(self) -> None:
        item = self.table.items.get(SESSION, {})
        if item and item.get("guard_state", "active") == "active":
            self.deleted = True
            del self.table.items[SESSION]

    # -- what must hold -----------------------------------------------------------------------------------

    def _judge_reply(self, process: Process, client: Client, reply: Reply | None, seconds: float) -> None:
        item = self.table.items.get(SESSION, {})
        state = item.get("guard_state", "active")
        if not process.frozen:
            self.slowest = max(self.slowest, seconds)
            if seconds > GATEWAY_S - TIMES.answer:
                raise Broken(f"answered {reply and reply.kind} after {seconds:.2f} s")
        if reply is None or self.meddled:  # between a step and its answer somebody else may act
            return
        if reply.kind == "pending":
            self.owed = True
            if state not in ("extracting", "completed", "failed"):
                raise Broken(f"pending, but the table says {state}")
            # A retry that meets somebody at work is told so: the item is the job, and the lease its alarm.
            owner = item.get("guard_owner")
            at_work = owner and owner not in process.tokens and item["guard_lease_until"] > self.now - 5.0
            at_work = at_work or self.journal.released_at > self.now - TIMES.write  # since the retry looked
            self.owed_by_queue = self.owed_by_queue or self.accepted > 0
            if not self.accepted and state == "extracting" and not at_work and not process.frozen:
                raise Broken("pending, but no queue ever took a message")
        if reply.kind == "completed" and reply.content["result"] != item.get("extracted_result"):
            raise Broken("a result that is not the stored one")
        if reply.kind == "not_active" and item.get("status") == "completed":
            raise Broken("SESSION_NOT_ACTIVE for a completed session")

    def _judge(self) -> None:
        item = self.table.items.get(SESSION, {})
        if item and self.meddled:
            return self._judge_meddled(item)
        state = item.get("guard_state", "active")
        if state == "extracting" and (self.plan.sweeper or self.owed_by_queue or not self.plan.gives_up):
            raise Broken("a session was lost: nobody will ever complete it")
        # Without a sweeper a retry may be told pending by a lease that ends with nobody told.
        owed = self.owed if self.plan.sweeper else self.owed_by_queue
        if owed and state not in ("completed", "failed"):
            raise Broken(f"somebody was told pending, and it is {state}")
        if state == "completed" and (self.journal.completions, item["status"]) != (1, "completed"):
            raise Broken(f"completed {self.journal.completions} times, status {item['status']}")
        soon = not self.plan.raising and self.plan.extraction[1] < self.plan.worker_s / 2
        if state == "failed" and soon and item["guard_attempt"] < self.plan.times.attempts:
            raise Broken("failed before all attempts were used")
        begun = self._nothing_goes_wrong() and state in ("extracting", "completed", "failed")
        if begun and (state != "completed" or item["guard_attempt"] > 2):
            raise Broken(f"nothing went wrong, and it is {state} after {item['guard_attempt']} attempts")
        self._judge_saves(item)

    def _judge_meddled(self, item: dict[str, Any]) -> None:
        """What somebody else has ended stays so, and nobody looks for it any more."""
        if item["status"] != self.plan.outsider and not self.plan.resumes:
            raise Broken(f"{item['status']}, though somebody set {self.plan.outsider}")
        if "guard_open" in item and self.plan.sweeper:
            raise Broken("the sweeper finds it again and again")
        self._judge_saves(item)

    def _nothing_goes_wrong(self) -> bool:
        plan = self.plan
        wrong = (plan.faults, plan.kills, plan.freezes, plan.queue_faults, plan.raising, plan.outage[1])
        return not any(wrong) and plan.extraction[1] + 10.0 < plan.worker_s and plan.kill_at is None

    def _judge_saves(self, item: dict[str, Any]) -> None:
        lost = [text for text in self.saved if text not in item.get("messages", ())]
        if lost and not self.deleted:
            raise Broken(f"an acknowledged save was overwritten: {lost}")


def plan_of(seed: int) -> Plan:
    """A plan out of all there are, chosen by the seed."""
    dice = random.Random(seed * 7919 + 1)
    sweeper = dice.random() < 0.7
    gives_up = dice.choice((0.0, 0.5))
    # Without a sweeper a job whose request died before it sent a message waits for its client's retry.
    dying = sweeper or not gives_up
    outage = dice.random() * 60.0 if dice.random() < 0.2 else 0.0
    quiet = dice.random() < 0.2
    return Plan(
        policy=dice.choice(("inline-or-defer", "inline-or-defer", "defer", "explicit")),
        predicted=dice.choice((5.0, 10.0, 10.0, 40.0)),
        extraction=dice.choice(((0.5, 8.0), (5.0, 40.0), (10.0, 120.0))),
        raising=0.0 if quiet else dice.choice((0.0, 0.0, 0.3, 1.0)),
        clients=dice.choice((1, 2, 3)),
        messengers=dice.choice((0, 1, 2)),
        outsider=dice.choice((None,) * 8 + ("cancelled", "completed", "paused")),
        resumes=dice.random() < 0.5,
        deleter=dice.random() < 0.1,
        careless=dice.choice((0, 0, 1)),
        gives_up=gives_up,
        faults=0.0 if quiet else dice.choice((0.0, 0.1, 0.3)),
        kills=0.0 if quiet or not dying else dice.choice((0.0, 0.03, 0.1)),
        freezes=0.0 if quiet or not dying else dice.choice((0.0, 0.03, 0.1)),
        queue_faults=0.0 if quiet else dice.choice((0.0, 0.2)),
        sweeper=sweeper,
        worker_s=dice.choice((90.0, 300.0)),
        outage=(outage, outage + 100.0) if outage and not quiet else (0.0, 0.0),
        times=dice.choice((TIMES, TIMES, Times(attempts=2))),
        legacy=dice.random() < 0.3,
    )
