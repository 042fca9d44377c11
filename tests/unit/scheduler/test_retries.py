"""When and as what an issue runs again, and what ends its claim."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symphony.domain.run import Failed, IssueRefreshed, Stopped, StopReason
from symphony.domain.settings import Settings
from symphony.scheduler.commands import ReadCandidates, ReadIssues, RemoveWorkspace
from symphony.scheduler.events import ForRetry, ReadFailure, RetryDue
from symphony.scheduler.retry import NO_SLOTS, failure_delay_ms
from tests.support.scheduling import Driver, id_of, issue, settings

OUTAGE = ReadFailure(category="tracker_request", message="refused")


def one_running(bound: Settings | None = None) -> Driver:
    return Driver(issue("A"), settings=bound or settings()).begin()


def reads_for_retry(world: Driver) -> list[ReadIssues]:
    return [read for read in world.of(ReadIssues) if isinstance(read.purpose, ForRetry)]


# Delays and attempts.


@pytest.mark.proves("retry.continuation.delay", "retry.continuation.attempt")
def test_a_good_end_is_followed_by_a_continuation_after_one_second() -> None:
    world = one_running()
    world.succeed("A")
    assert world.queued("A").due_in_ms == 1_000
    world.advance(0.999)
    assert world.running == []
    world.advance(0.001)
    assert world.starts == [("A", None), ("A", 1)]


@pytest.mark.proves("retry.continuation.attempt", "run.sessions.uncapped")
def test_continuations_go_on_as_attempt_1_as_long_as_the_issue_is_active() -> None:
    world = one_running()
    for _ in range(50):
        world.succeed("A")
        world.advance(1)
    assert world.starts == [("A", None)] + [("A", 1)] * 50


@pytest.mark.proves("retry.backoff.failure", "retry.backoff.cap", "retry.attempt.counted")
def test_failures_in_a_row_wait_ever_longer_up_to_the_cap_and_are_counted() -> None:
    world = one_running(settings(backoff_cap_ms=100_000, stall_ms=0))
    waits: list[int] = []
    for _ in range(6):
        world.fail("A")
        waits.append(world.queued("A").due_in_ms)
        world.advance(waits[-1] / 1000)
    assert waits == [10_000, 20_000, 40_000, 80_000, 100_000, 100_000]
    assert world.starts == [("A", None), *(("A", number) for number in range(1, 7))]


@pytest.mark.proves("retry.backoff.failure", "retry.backoff.cap")
@pytest.mark.parametrize(
    ("failures", "cap_ms", "delay_ms"),
    [
        (0, 300_000, 10_000),
        (1, 300_000, 10_000),
        (2, 300_000, 20_000),
        (5, 300_000, 160_000),
        (6, 300_000, 300_000),
        (1, 5_000, 5_000),
        (10_000, 300_000, 300_000),
        (10_000, 10**15, 10_000 << 32),
    ],
)
def test_the_formula_of_the_backoff(failures: int, cap_ms: int, delay_ms: int) -> None:
    assert failure_delay_ms(failures, cap_ms) == delay_ms


@pytest.mark.proves("retry.backoff.after_continuation", "retry.attempt.counted")
def test_the_failure_of_a_continuation_waits_10_seconds_as_success_resets_the_count() -> None:
    world = one_running()
    for wait in (10, 20):
        world.fail("A")
        world.advance(wait)
    world.succeed("A")
    world.advance(1)
    world.fail("A")
    assert (world.queued("A").due_in_ms, world.queued("A").attempt) == (10_000, 1)


@pytest.mark.proves("reload.apply.runs", "retry.backoff.cap")
def test_a_lowered_cap_governs_the_retries_that_are_scheduled_later() -> None:
    world = one_running()
    world.fail("A")
    world.reload(settings(backoff_cap_ms=3_000, revision="2"))
    assert world.queued("A").due_in_ms == 10_000
    world.advance(10)
    world.fail("A")
    assert world.queued("A").due_in_ms == 3_000


@pytest.mark.proves("retry.entry.fields", "snapshot.retrying.rows")
def test_a_queued_retry_shows_attempt_due_time_name_and_error() -> None:
    world = one_running()
    world.fail("A")
    row = world.queued("A")
    assert (row.issue.identifier, row.attempt, row.kind) == ("A", 1, "failure")
    assert row.error == "turn_failed: it broke"
    assert (row.due_at - world.now.utc).total_seconds() == 10
    world.advance(10)
    world.succeed("A")
    assert world.queued("A").error is None


@pytest.mark.proves("retry.spawn.failure", "run.error.retried", "recovery.service.survives")
@pytest.mark.parametrize(
    "category",
    ["codex_not_found", "hook_failed", "prompt_error", "turn_timeout", "port_exit", "issue_read"],
)
def test_whatever_fails_an_attempt_it_is_retried_and_the_claim_stays(category: str) -> None:
    world = Driver(issue("A"), issue("B"), settings=settings()).begin()
    world.fail("A", category)
    assert world.claim("A") == "retrying"
    assert world.running == ["B"]
    world.advance(10)
    assert world.running == ["B", "A"]


def test_a_run_that_ends_stopped_though_nobody_asked_counts_as_failed() -> None:
    world = one_running()
    world.end("A", Stopped(reason=StopReason.SHUTDOWN))
    assert world.queued("A").error == "stopped: shutdown"


# The claim.


@pytest.mark.proves("claim.retry.holds", "claim.issue.single_run")
def test_no_poll_dispatches_an_issue_whose_retry_is_queued() -> None:
    world = one_running(settings(interval_ms=1_000))
    for wait in (10, 20, 40):
        world.fail("A")
        world.advance(wait - 0.001)
        assert world.running == []
        world.advance(0.001)
        assert world.running == ["A"]


@pytest.mark.proves("claim.issue.single_run")
def test_an_issue_that_a_poll_names_twice_is_started_once() -> None:
    world = Driver(settings=settings())
    world.withhold(ReadCandidates)
    world.begin()
    world.offer(issue("A"), issue("A"))
    assert world.starts == [("A", None)]


@pytest.mark.proves("claim.release.redispatch")
@pytest.mark.parametrize("reason", ["Backlog", "Done", "vanished"])
def test_a_released_issue_is_dispatched_again_once_it_is_eligible(reason: str) -> None:
    world = one_running()
    world.fail("A")
    if reason == "vanished":
        world.vanish("A")
    else:
        world.move("A", reason)
    world.advance(10)
    assert world.claim("A") is None
    world.put(issue("A"))
    world.tick()
    assert world.starts == [("A", None), ("A", None)]


# The read of a due retry.


@pytest.mark.proves("retry.refresh.failed", "claim.retry.holds")
def test_a_failed_read_queues_the_retry_again_and_keeps_the_claim() -> None:
    world = one_running()
    world.fail("A")
    world.read_failure = OUTAGE
    waits: list[int] = []
    for _ in range(3):
        world.advance(world.queued("A").due_in_ms / 1000)
        assert world.claim("A") == "retrying"
        waits.append(world.queued("A").due_in_ms)
    assert waits == [20_000, 40_000, 80_000]
    assert "tracker_request: refused" in (world.queued("A").error or "")
    world.read_failure = None
    world.advance(80)
    assert world.running == ["A"]


@pytest.mark.proves("retry.refresh.failed", "retry.backoff.failure")
def test_the_failed_read_of_a_continuation_is_the_first_failure_in_a_row() -> None:
    world = one_running()
    world.succeed("A")
    world.read_failure = OUTAGE
    world.advance(1)
    assert world.queued("A").due_in_ms == 10_000


@pytest.mark.proves("retry.refresh.terminal", "reconcile.cleanup.deadline")
@pytest.mark.parametrize("ended_well", [True, False])
def test_an_issue_that_is_terminal_at_its_retry_is_cleaned_and_released(ended_well: bool) -> None:
    world = one_running()
    world.prepare("A", "/recorded/A")
    _ = world.succeed("A") if ended_well else world.fail("A")
    world.move("A", "Done")
    world.advance(1 if ended_well else 10)
    assert world.removals == [("A", "/recorded/A")]
    assert world.claim("A") is None
    assert world.starts == [("A", None)]


@pytest.mark.proves("retry.refresh.terminal")
def test_an_issue_stays_claimed_while_its_workspace_is_being_removed() -> None:
    world = one_running(settings(interval_ms=1_000))
    world.succeed("A")
    world.move("A", "Done")
    world.withhold(RemoveWorkspace)
    world.advance(1)
    world.put(issue("A"))
    world.advance(60)
    assert (world.claim("A"), world.running) == ("cleaning", [])
    world.answer()
    world.advance(1)
    assert world.running == ["A"]


@pytest.mark.proves("retry.refresh.terminal", "recovery.service.survives")
def test_a_removal_that_fails_is_told_and_releases_the_claim() -> None:
    world = one_running()
    world.removal_problem = "permission denied"
    world.succeed("A")
    world.move("A", "Done")
    world.advance(1)
    assert world.claim("A") is None
    assert world.announced("workspace_removal_failed")[0].fields == {"reason": "permission denied"}


@pytest.mark.proves("retry.refresh.ineligible", "eligibility.labels.all")
@pytest.mark.parametrize("change", ["Backlog", "vanished", "label removed", "not dispatchable"])
def test_an_issue_that_does_not_qualify_at_its_retry_is_released_with_its_workspace(
    change: str,
) -> None:
    world = Driver(issue("A", labels=("agent",)), settings=settings(labels=("agent",))).begin()
    world.fail("A")
    match change:
        case "vanished":
            world.vanish("A")
        case "label removed":
            world.put(issue("A"))
        case "not dispatchable":
            world.put(issue("A", labels=("agent",), dispatchable=False))
        case _:
            world.move("A", change)
    world.advance(10)
    assert world.claim("A") is None
    assert world.removals == []
    assert world.starts == [("A", None)]


# Slots.


def two_for_one_slot() -> Driver:
    """A waits for a slot although its retry was due; B has the slot."""
    world = Driver(issue("A"), issue("B", created=1), settings=settings(slots=1)).begin()
    world.fail("A")
    world.advance(10)
    assert world.running == ["B"]
    return world


@pytest.mark.proves("retry.slots.requeue", "retry.slots.reason", "retry.slots.attempt")
def test_a_due_retry_without_a_slot_is_queued_again_with_the_same_attempt() -> None:
    world = two_for_one_slot()
    for _ in range(3):
        row = world.queued("A")
        assert row.error == "no available orchestrator slots" == NO_SLOTS
        assert (row.attempt, row.due_in_ms, row.waiting_for) == (1, 10_000, "slot")
        world.advance(10)
    assert world.claim("A") == "retrying"


@pytest.mark.proves("retry.slots.requeue", "slots.state.limit")
def test_a_retry_waits_for_a_slot_of_its_state_as_well() -> None:
    world = Driver(
        issue("A"),
        issue("B", created=1),
        issue("C", state="Rework", created=2),
        settings=settings(by_state={"Todo": 1}),
    ).begin()
    world.fail("A")
    world.advance(10)
    assert world.running == ["C", "B"]
    assert world.queued("A").error == NO_SLOTS


@pytest.mark.proves("retry.slots.wakes", "retry.slots.attempt")
def test_a_retry_that_waits_for_a_slot_goes_on_as_soon_as_one_frees() -> None:
    world = two_for_one_slot()
    world.advance(3)
    world.vanish("B")
    world.fail("B")
    assert world.running == ["A"]
    assert world.starts[-1] == ("A", 1)


@pytest.mark.proves("retry.slots.wakes")
def test_the_longest_waiting_retry_goes_first_and_one_slot_wakes_one() -> None:
    world = Driver(
        issue("A"), issue("B"), issue("C", created=9), settings=settings(slots=2)
    ).begin()
    world.fail("B")
    world.fail("A")
    world.reload(settings(slots=1, revision="2"))
    world.advance(10)
    assert world.running == ["C"]
    before = len(reads_for_retry(world))
    world.vanish("C")
    world.fail("C")
    assert world.running == ["B"]
    assert len(reads_for_retry(world)) == before + 1


@pytest.mark.proves("retry.slots.wakes")
def test_a_slot_that_a_woken_retry_leaves_unused_wakes_the_next_one() -> None:
    world = Driver(
        issue("A"), issue("B"), issue("C", created=9), settings=settings(slots=2)
    ).begin()
    world.fail("A")
    world.fail("B")
    world.reload(settings(slots=1, revision="2"))
    world.advance(10)
    world.vanish("A")
    world.vanish("C")
    world.fail("C")
    assert world.claim("A") is None
    assert world.running == ["B"]


@pytest.mark.proves("retry.slots.wakes", "slots.state.refreshed")
@pytest.mark.parametrize("seen_by", ["tick", "run"])
def test_a_run_that_changes_its_state_frees_a_slot_of_the_old_one(seen_by: str) -> None:
    bound = settings(by_state={"Todo": 1}, interval_ms=12_000)
    world = Driver(issue("A"), issue("B", created=1), settings=bound).begin()
    world.fail("A")
    world.advance(10)
    assert world.running == ["B"]
    world.move("B", "In Progress")
    if seen_by == "tick":
        world.tick()
    else:
        world.report("B", IssueRefreshed(issue=world.tracker[id_of("B")]))
    assert world.running == ["B", "A"]


@pytest.mark.proves("retry.slots.requeue")
def test_a_retry_that_waits_for_a_slot_still_ends_with_its_issue() -> None:
    world = two_for_one_slot()
    world.move("A", "Done")
    world.advance(10)
    assert world.claim("A") is None


# What comes late.


@pytest.mark.proves("run.events.stale", "claim.retry.holds")
def test_the_timer_of_an_earlier_retry_changes_nothing() -> None:
    world = one_running()
    world.fail("A")
    early = world.timers["RetryTimer", id_of("A")].timer
    world.advance(10)
    world.fail("A")
    before = len(world.commands)
    world.send(RetryDue(issue_id=id_of("A"), epoch=early.epoch))
    world.send(RetryDue(issue_id=id_of("Z"), epoch=1))
    assert world.commands[before:] == []
    assert world.queued("A").due_in_ms == 20_000


@pytest.mark.proves("run.events.stale", "claim.issue.single_run")
def test_the_read_of_an_earlier_retry_changes_nothing() -> None:
    world = one_running()
    world.fail("A")
    world.withhold(ReadIssues)
    world.advance(10)
    late = world.asked[0]
    world.answer(late)
    assert world.running == ["A"]
    world.fail("A")
    world.asked.append(late)
    assert world.answer(late) == []
    assert world.running == []


@pytest.mark.proves("claim.retry.holds")
def test_a_retry_is_read_once_while_its_read_is_under_way() -> None:
    world = two_for_one_slot()
    world.withhold(ReadIssues)
    world.vanish("B")
    world.fail("B")
    world.advance(25)
    reads = [one.question for one in world.asked if isinstance(one.question, ReadIssues)]
    assert [read.ids for read in reads].count((id_of("A"),)) == 1
    assert world.queued("A").waiting_for == "refresh"


@pytest.mark.proves("run.error.retried")
def test_a_failure_says_why_in_the_retry_and_in_the_log() -> None:
    world = one_running()
    world.end("A", Failed(category="hook_failed", message="before_run: exit 3"))
    assert world.queued("A").error == "hook_failed: before_run: exit 3"
    fields = world.announced("retry_scheduled")[0].fields
    assert (fields["attempt"], fields["delay_ms"], fields["kind"]) == (1, 10_000, "failure")


@pytest.mark.proves("run.refresh.failed", "tracker.limit.bounded")
def test_a_refresh_that_was_refused_for_its_rate_is_not_retried_before_its_time() -> None:
    world = Driver(issue("A"), settings=settings()).begin()
    refused = Failed(category="issue_refresh_failed", message="429", retry_after_ms=600_000)
    world.end("A", refused)
    row = world.queued("A")
    assert (row.kind, row.attempt, row.due_in_ms) == ("failure", 1, 600_000)
    assert world.announced("retry_scheduled")[-1].fields["delay_ms"] == 600_000
    world.put(issue("B"))
    world.advance(599)
    assert world.starts == [("A", None)]
    world.advance(1)
    assert sorted(world.starts[1:]) == [("A", 1), ("B", None)]


@pytest.mark.proves("tracker.limit.bounded")
def test_a_wish_that_a_run_heard_of_an_earlier_tracker_binds_nobody() -> None:
    bound = settings()
    world = Driver(issue("A"), settings=bound).begin()
    world.reload(replace(bound, tracker=replace(bound.tracker, provider={"project": "b"})))
    refused = Failed(category="issue_refresh_failed", message="429", retry_after_ms=600_000)
    world.end("A", refused)
    assert world.queued("A").due_in_ms == 10_000
