"""Small worlds in which Hypothesis chooses what happens next, and shrinks what breaks a rule.

It explores anew where `SYMPHONY_SIMULATION_EVENTS` asks for a long run, else it repeats itself.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from symphony.domain.run import (
    AgentActivity,
    Failed,
    IssueRefreshed,
    NeedsPerson,
    RunOutcome,
    Succeeded,
)
from symphony.domain.settings import Settings
from symphony.scheduler.commands import (
    CheckWorkflow,
    Command,
    ReadCandidates,
    ReadIssues,
    ReadTerminal,
    RemoveWorkspace,
)
from symphony.scheduler.events import (
    DaemonStarted,
    Event,
    OperatorAnswered,
    OperatorStopped,
    PollRequested,
    ReadFailure,
    RunEnded,
    RunReported,
    ShutdownRequested,
    WorkflowRejected,
)
from symphony.scheduler.snapshot import take_snapshot
from tests.support.scheduling import Driver, id_of, issue, settings
from tests.support.simulation.before import Before, eligible
from tests.support.simulation.invariants import Watch

NAMES = ("A", "B", "C", "D")
STATES = ("Todo", "In Progress", "Done", "Backlog")
OUTCOMES: tuple[RunOutcome, ...] = (
    Succeeded(),
    Failed(category="turn_failed", message="no"),
    NeedsPerson(request="user_input", question="Which?"),
)
SETTINGS = st.builds(
    settings,
    slots=st.sampled_from((0, 1, 2)),
    by_state=st.sampled_from((None, {"Todo": 1})),
    labels=st.sampled_from(((), ("agent",))),
    stall_ms=st.sampled_from((0, 15_000)),
    interval_ms=st.sampled_from((5_000, 30_000)),
)
ROUNDS_TO_THE_END = 200


class WatchedDriver(Driver):
    """A driver that judges every step."""

    def __init__(self, bound: Settings) -> None:
        super().__init__(settings=bound)
        self.watch = Watch(self.state, self.timers)

    def decide(self, event: Event) -> list[Command]:
        before, is_past = Before.of(self.state), self.watch.is_past(event)
        commands = super().decide(event)
        self.watch.after(before, event, commands, self.now_ms, is_past=is_past)
        return commands

    def send_late(self, event: Event) -> None:
        """An event of a run that is over."""
        before, shown = Before.of(self.state), take_snapshot(self.state, self.now)
        assert self.send(event) == []
        self.watch.unchanged(before, take_snapshot(self.state, self.now), shown, event)


class SchedulerMachine(RuleBasedStateMachine):
    """Everything that can happen, in any order."""

    world: WatchedDriver

    @initialize(bound=SETTINGS, names=st.lists(st.sampled_from(NAMES), unique=True))
    def begin(self, bound: Settings, names: list[str]) -> None:
        self.world = WatchedDriver(bound)
        self.world.put(*(issue(name, labels=("agent",)) for name in names))
        self.world.withhold(
            ReadIssues, ReadCandidates, ReadTerminal, CheckWorkflow, RemoveWorkspace
        )
        self.world.send(DaemonStarted())

    # The tracker and the people.

    @rule(
        name=st.sampled_from(NAMES),
        state=st.sampled_from(STATES),
        labels=st.sampled_from(((), ("agent",))),
        namesake=st.booleans(),
    )
    def change(self, name: str, state: str, labels: tuple[str, ...], namesake: bool) -> None:
        known = self.world.tracker.get(id_of(name))
        if known is None:
            identifier = "A" if namesake else name
            self.world.put(issue(name, state=state, labels=labels, identifier=identifier))
        else:
            self.world.put(replace(known, state=state, labels=labels))

    @rule(name=st.sampled_from(NAMES))
    def vanish(self, name: str) -> None:
        self.world.tracker.pop(id_of(name), None)

    @rule(bound=SETTINGS)
    def reload(self, bound: Settings) -> None:
        self.world.reload(bound)

    @rule()
    def break_the_workflow(self) -> None:
        self.world.send(WorkflowRejected(reason="no"))

    @rule()
    def ask_for_a_poll(self) -> None:
        self.world.send(PollRequested())

    @precondition(lambda self: self.world.state.parked)
    @rule(which=st.integers(0, 9), late=st.sampled_from((0, 0, 1)))
    def operator_answers(self, which: int, late: int) -> None:
        parked = list(self.world.state.parked.items())
        issue_id, one = parked[which % len(parked)]
        self.world.send(
            OperatorAnswered(issue_id=issue_id, question=one.epoch - late, text="this one")
        )

    @rule(name=st.sampled_from(NAMES))
    def operator_stops(self, name: str) -> None:
        self.world.send(OperatorStopped(issue_id=id_of(name)))

    # Time and answers.

    @rule(seconds=st.sampled_from((0, 0.05, 1, 10, 30, 120)))
    def wait(self, seconds: float) -> None:
        self.world.advance(seconds)

    @precondition(lambda self: self.world.asked)
    @rule(
        which=st.integers(0, 9), as_asked=st.booleans(), fails=st.sampled_from((None, None, 0, 20))
    )
    def answer(self, which: int, as_asked: bool, fails: int | None) -> None:
        world = self.world
        if fails is not None:
            world.read_failure = ReadFailure(
                category="tracker_request", message="no", retry_after_ms=fails * 1_000 or None
            )
        world.answer(world.asked[which % len(world.asked)], as_asked=as_asked)
        world.read_failure = None

    # Runs.

    def some_run(self, which: int) -> str:
        runs = list(self.world.state.running)
        return runs[which % len(runs)].removeprefix("id-")

    @precondition(lambda self: self.world.state.running)
    @rule(which=st.integers(0, 9), outcome=st.sampled_from(OUTCOMES))
    def end(self, which: int, outcome: RunOutcome) -> None:
        """A run ends, and tries to end and to report once more."""
        name = self.some_run(which)
        run_id = self.world.run_id(name)
        self.world.end(name, outcome)
        self.world.send_late(RunEnded(run_id=run_id, outcome=outcome))
        activity = AgentActivity(event="late")
        self.world.send_late(RunReported(run_id=run_id, update=activity))

    @precondition(lambda self: self.world.state.running)
    @rule(which=st.integers(0, 9))
    def report(self, which: int) -> None:
        name = self.some_run(which)
        self.world.report(name, AgentActivity(event="notification"))
        known = self.world.tracker.get(id_of(name))
        if known is not None:
            self.world.report(name, IssueRefreshed(issue=known))

    @rule(sure=st.integers(0, 9))
    def stop(self, sure: int) -> None:
        if sure == 0:
            self.world.send(ShutdownRequested())

    # The end: whatever happened before, what is open gets done.

    def teardown(self) -> None:
        if not hasattr(self, "world") or self.world.state.draining:
            return
        world = self.world
        world.withheld.clear()
        world.answer_what_is_not_withheld()
        for known in list(world.tracker.values()):
            world.put(replace(known, identifier=issue(known.id.removeprefix("id-")).identifier))
        world.reload(settings(slots=1))
        for number in range(ROUNDS_TO_THE_END):
            self.one_round(number)
            if self.all_is_done():
                return
        raise AssertionError(f"never done: {world.state}")

    def one_round(self, number: int) -> None:
        """People answer, runs finish their issues, time passes."""
        world = self.world
        for issue_id in list(world.state.parked):
            if issue_id in world.tracker:
                world.put(replace(world.tracker[issue_id], description=f"answer {number}"))
        for issue_id in list(world.state.running):
            if issue_id in world.tracker:
                world.put(replace(world.tracker[issue_id], state="Done"))
            world.succeed(issue_id.removeprefix("id-"))
        world.advance(30)

    def all_is_done(self) -> bool:
        world = self.world
        todo = [known for known in world.tracker.values() if eligible(known, world.state.settings)]
        claimed = (world.state.running, world.state.retrying, world.state.cleaning)
        return not todo and not any(claimed)


SchedulerMachine.TestCase.settings = hypothesis_settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    derandomize="SYMPHONY_SIMULATION_EVENTS" not in os.environ,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestSchedulerMachine = pytest.mark.proves(
    "claim.issue.single_run", "claim.release.redispatch", "run.events.stale"
)(SchedulerMachine.TestCase)
