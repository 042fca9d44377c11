"""What must hold where runs start: eligible, in a free slot, once, by a fresh answer."""

from __future__ import annotations

from collections import Counter

from symphony.domain.issue import Issue
from symphony.scheduler.commands import StartRun
from symphony.scheduler.events import CandidatesRead, ForRefill, ForRetry, IssuesRead, ReadFailure
from tests.support.simulation.before import asked_for, eligible
from tests.support.simulation.facts import Facts, Happening
from tests.support.simulation.runs import SimulatedRun


def judge_start(facts: Facts, step: Happening, command: StartRun) -> None:
    """One start; the run is known from here on."""
    issue = command.request.issue
    _judge_reason(facts, step, issue)
    _judge_place(facts, issue)
    is_retry = isinstance(step.event, IssuesRead) and isinstance(step.event.purpose, ForRetry)
    claim = step.before.claims.get(issue.id)
    assert claim == ("retrying" if is_retry else None), f"{issue.id} was {claim} when it started"
    attempt = step.before.queued[issue.id].attempt if is_retry else None
    assert command.request.attempt == attempt, f"attempt {command.request.attempt}, not {attempt}"
    told = command.request.answer
    expected = facts.answers.get(issue.id)
    assert (None if told is None else told.text) == expected, f"a run is not told {expected!r}"
    if not is_retry:
        facts.failures[issue.id] = 0
    facts.happened[f"start after {type(asked_for(step.event)).__name__}"] += 1
    facts.runs[command.request.run_id] = SimulatedRun(
        run_id=command.request.run_id,
        issue_id=issue.id,
        identifier=issue.identifier,
        attempt=attempt,
        settings=command.settings,
        heard_ms=step.now_ms,
    )


def _judge_reason(facts: Facts, step: Happening, issue: Issue) -> None:
    """By what is known now, and by nothing older."""
    event, asked = step.event, step.asked
    assert isinstance(event, CandidatesRead | IssuesRead), f"{type(event).__name__} started one"
    assert asked is not None
    assert not isinstance(event.answer, ReadFailure), "started by an answer that failed"
    assert issue in event.answer, "what was started is not what was read"
    assert eligible(issue, facts.state.settings), f"{issue} is not eligible"
    assert not facts.broken, "a start while the workflow is broken"
    assert asked.settings is facts.state.settings, "started by an answer to older settings"
    decided = facts.decided.get(issue.id, 0)
    assert asked.number >= decided, "started by an answer from the past"


def _judge_place(facts: Facts, issue: Issue) -> None:
    for run in facts.runs.values():
        assert run.issue_id != issue.id, f"a second run of {issue.id}"
        assert run.identifier != issue.identifier, f"{run.issue_id} uses that workspace"
    assert issue.identifier not in facts.removing.values(), "a run in a vanishing workspace"


def note_refusals(facts: Facts, step: Happening) -> None:
    """What a refill found ineligible is known; what old settings found is not."""
    event, asked = step.event, step.asked
    if not isinstance(event, IssuesRead) or not isinstance(event.purpose, ForRefill):
        return
    if isinstance(event.answer, ReadFailure) or step.is_past or asked is None:
        return
    # Where one answer shows an issue in two states, either may be taken for the truth.
    fine = {issue.id for issue in event.answer if eligible(issue, facts.state.settings)}
    for issue_id in event.ids:
        if issue_id not in fine:
            facts.decided[issue_id] = max(facts.decided.get(issue_id, 0), asked.number)


def judge_slots(facts: Facts, step: Happening) -> None:
    """The limits hold wherever something starts."""
    running = facts.state.running
    same = len(running) == len(facts.runs) and all(
        (run := facts.runs.get(one.run_id)) is not None and run.issue_id == key
        for key, one in running.items()
    )
    assert same, "the scheduler and the world do not agree on who runs"
    started = [one.request.issue for one in step.commands if isinstance(one, StartRun)]
    if not started:
        return
    agent = facts.state.settings.agent
    assert len(running) <= agent.max_concurrent_agents, f"{len(running)} run at once"
    used = Counter(one.issue.state.strip().lower() for one in running.values())
    for issue in started:
        key = issue.state.strip().lower()
        limit = agent.max_concurrent_agents_by_state.get(key)
        assert limit is None or used[key] <= limit, f"{used[key]} runs in {key}"


def judge_rest_of_poll(facts: Facts, step: Happening) -> None:
    """A poll that may start what it finds leaves nobody behind while there is a slot."""
    event, state = step.event, facts.state
    if facts.broken:
        return
    if not isinstance(event, CandidatesRead) or isinstance(event.answer, ReadFailure):
        return
    if step.is_past or step.asked is None or step.asked.settings is not state.settings:
        return
    agent = state.settings.agent
    if len(state.running) >= agent.max_concurrent_agents:
        return
    used = Counter(one.issue.state.strip().lower() for one in state.running.values())
    in_use = state.identifiers_in_use()
    # What a refill judged while the poll was under way is read once more.
    read_again = {one.id for one in state.backlog if state.refill.armed or state.refill.reading}
    for issue in event.answer:
        key = issue.state.strip().lower()
        limit = agent.max_concurrent_agents_by_state.get(key)
        is_free = limit is None or used[key] < limit
        is_new = step.asked.number > facts.decided.get(issue.id, 0)
        if (
            is_new
            and is_free
            and issue.identifier not in in_use
            and eligible(issue, state.settings)
        ):
            is_served = issue.id in read_again or state.claim_of(issue.id) is not None
            assert is_served, f"{issue.id} was left behind although a slot is free"
