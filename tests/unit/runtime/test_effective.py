"""Which workflow is used for what, and when its tracker is closed."""

from __future__ import annotations

import logging
from dataclasses import replace

import anyio
import pytest

from symphony.domain.settings import Settings
from symphony.runtime.effective import EffectiveWorkflow, WorkflowShelf
from symphony.scheduler.events import PollRequested, WorkflowAccepted
from symphony.testing import settle
from symphony.trackers.memory import MemoryTracker
from symphony.workflow.template import parse_template
from tests.support.virtual_daemon import make_issue, make_settings, virtual_daemon

pytestmark = pytest.mark.anyio


class WatchedTracker(MemoryTracker):
    """Tells whether it was closed, and how often; may have a secret, and may break."""

    def __init__(self, *names: str, secret: str = "", breaks: bool = False) -> None:
        super().__init__(map(make_issue, names))
        self.closed = 0
        self._secret = secret
        self._breaks = breaks

    def secret_environment_names(self) -> frozenset[str]:
        return frozenset({f"NAME_OF_{self._secret}"}) if self._secret else frozenset()

    def secret_values(self) -> frozenset[str]:
        return frozenset({self._secret}) if self._secret else frozenset()

    async def aclose(self) -> None:
        self.closed += 1
        if self._breaks:
            raise RuntimeError("the connection is in a bad mood")


class CountingTracker(MemoryTracker):
    """Says that it has sent so many requests."""

    def __init__(self, requests_sent: int) -> None:
        super().__init__()
        self.requests_sent = requests_sent


def workflow(settings: Settings, tracker: MemoryTracker) -> EffectiveWorkflow:
    return EffectiveWorkflow(settings=settings, template=parse_template("Go."), tracker=tracker)


@pytest.mark.proves("tool.session.bound", "reload.apply.runs")
async def test_a_run_is_carried_out_with_the_workflow_that_it_was_decided_with() -> None:
    """A reload is accepted, and an answer that starts a run is ahead of it in the mailbox."""
    old, new = WatchedTracker(), WatchedTracker()
    async with virtual_daemon(old) as daemon:
        old.put(make_issue("B-1"))
        old.gate = anyio.Event()
        await daemon.post(PollRequested())
        await daemon.clock.advance(50)
        # What the reload does while the loop is busy with the answer of the poll.
        settings = make_settings("2")
        daemon.shelf.put(replace(daemon.shelf.current, settings=settings, tracker=new))
        old.gate.set()
        await settle()
        await daemon.post(WorkflowAccepted(settings=settings))
        run = daemon.worker.latest("B-1")
        assert run.workflow.settings.revision == "1"
        assert run.workflow.tracker is old
        assert old.closed == 0


async def test_a_tracker_is_closed_once_the_last_run_of_its_workflow_has_ended() -> None:
    old, new = WatchedTracker("A-1"), WatchedTracker()
    async with virtual_daemon(old) as daemon:
        await daemon.reload(make_settings("2"), new)
        assert old.closed == 0
        await daemon.clock.advance(31_000)
        assert daemon.worker.latest("A-1").cancelled
        assert (old.closed, new.closed) == (1, 0)


async def test_an_edit_that_is_undone_while_a_run_goes_on_leaves_no_tracker_open() -> None:
    trackers = [WatchedTracker() for _ in range(3)]
    first, second, again = make_settings("1"), make_settings("2"), make_settings("1")
    shelf = WorkflowShelf(workflow(first, trackers[0]))
    async with shelf.borrow(first) as bound:
        shelf.put(workflow(second, trackers[1]))
        await shelf.drop(first)
        shelf.put(workflow(again, trackers[2]))
        await shelf.drop(second)
        assert bound.tracker is trackers[0]
        assert [tracker.closed for tracker in trackers] == [0, 1, 0]
    assert [tracker.closed for tracker in trackers] == [1, 1, 0]
    await shelf.close()
    assert [tracker.closed for tracker in trackers] == [1, 1, 1]


async def test_a_tracker_that_two_workflows_share_stays_open() -> None:
    tracker = WatchedTracker()
    first, second = make_settings("1"), make_settings("2")
    shelf = WorkflowShelf(workflow(first, tracker))
    shelf.put(workflow(second, tracker))
    await shelf.drop(first)
    assert tracker.closed == 0
    await shelf.close()
    assert tracker.closed == 1


async def test_what_nobody_keeps_is_not_replaced_by_another_workflow() -> None:
    first = make_settings("1")
    shelf = WorkflowShelf(workflow(first, MemoryTracker()))
    shelf.put(workflow(make_settings("2"), MemoryTracker()))
    await shelf.drop(first)
    with pytest.raises(LookupError):
        shelf.take(first)


@pytest.mark.proves("recovery.service.survives")
async def test_a_tracker_that_cannot_be_closed_costs_nobody_anything(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "symphony")
    old, new = WatchedTracker(breaks=True), WatchedTracker("A-1")
    async with virtual_daemon(old) as daemon:
        old.gate = anyio.Event()
        await daemon.post(PollRequested())
        await daemon.clock.advance(50)
        await daemon.reload(make_settings("2"), new)
        old.gate.set()
        await daemon.clock.advance(200)
        assert daemon.running() == ["A-1"]
    assert old.closed == 1
    assert [each.message for each in caplog.records].count("tracker_close_failed") == 1


@pytest.mark.proves("security.agent_env.removed")
async def test_the_secrets_of_earlier_trackers_stay_known() -> None:
    first = make_settings("1")
    shelf = WorkflowShelf(workflow(first, WatchedTracker(secret="one")))
    shelf.put(workflow(make_settings("2"), WatchedTracker(secret="two")))
    await shelf.drop(first)
    assert shelf.secret_names == {"NAME_OF_one", "NAME_OF_two"}
    assert shelf.secret_values == {"one", "two"}


async def test_the_name_of_the_token_of_the_http_interface_is_a_secret_name() -> None:
    settings = replace(make_settings(), server_token="$STATUS_TOKEN")
    shelf = WorkflowShelf(workflow(settings, WatchedTracker(secret="KEY")))
    assert shelf.secret_names == {"STATUS_TOKEN", "NAME_OF_KEY"}


async def test_requests_of_every_tracker_are_counted_and_never_forgotten() -> None:
    first, second, third = CountingTracker(3), CountingTracker(4), MemoryTracker()
    settings = [make_settings(revision) for revision in "123"]
    shelf = WorkflowShelf(workflow(settings[0], first))
    assert shelf.requests_sent == 3
    shelf.put(workflow(settings[1], second))
    assert shelf.requests_sent == 7
    await shelf.drop(settings[0])
    first.requests_sent = 100
    assert shelf.requests_sent == 7
    second.requests_sent += 1
    shelf.put(workflow(settings[2], third))
    await shelf.drop(settings[1])
    assert shelf.requests_sent == 8
    await shelf.close()
    assert shelf.requests_sent == 8


async def test_requests_that_nobody_counts_are_unknown_and_not_none() -> None:
    assert WorkflowShelf(workflow(make_settings(), MemoryTracker())).requests_sent is None


async def test_requests_to_a_tracker_that_two_workflows_share_are_counted_once() -> None:
    tracker, first = CountingTracker(5), make_settings("1")
    shelf = WorkflowShelf(workflow(first, tracker))
    shelf.put(workflow(make_settings("2"), tracker))
    assert shelf.requests_sent == 5
    await shelf.drop(first)
    assert shelf.requests_sent == 5
