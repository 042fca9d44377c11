"""The model fails and comes back: the daemon tries again and the issue gets done."""

from __future__ import annotations

import pytest

from tests.integration.running_daemon import RunningDaemon
from tests.support.model_server import (
    Call,
    Cut,
    IssueScript,
    ModelServer,
    Refuse,
    Reply,
    Say,
    Silence,
)

pytestmark = pytest.mark.agent

DONE = Call("issue_update", {"state": "Done"})


def failed_runs(daemon: RunningDaemon) -> int:
    """How many runs ended in a failure so far."""
    return len(daemon.log(event="run_ended", outcome="failed"))


@pytest.mark.proves(
    "turn.outcome.failed", "run.error.retried", "retry.attempt.counted", "retry.backoff.cap"
)
@pytest.mark.parametrize("fault", [Refuse(500), Refuse(429), Cut()], ids=["500", "429", "cut"])
def test_a_failed_turn_is_retried_until_the_model_is_back(
    daemon: RunningDaemon, fault: Reply
) -> None:
    daemon.write_issue("T-1")
    with ModelServer(IssueScript({"T-1": [fault, fault, DONE, Say("Done.")]})) as model:
        daemon.write_workflow(model.base_url)
        daemon.start()
        daemon.wait_for_state("T-1", "Done")

    assert failed_runs(daemon) == 2
    retries = daemon.log(event="retry_scheduled", kind="failure")
    assert [retry["attempt"] for retry in retries] == ["1", "2"]
    assert all(retry["reason"] for retry in retries)
    threads = {request.thread for request in model.requests[:3]}
    assert len(threads) == 3


@pytest.mark.proves("turn.outcome.failed", "run.error.retried")
def test_a_model_that_cannot_be_reached_fails_the_run_instead_of_holding_it(
    daemon: RunningDaemon,
) -> None:
    # Nothing about reconnecting stands in the workflow: to bound it is the daemon's own doing.
    daemon.write_issue("T-1")
    script = IssueScript({"T-1": [DONE, Say("Done.")]})
    with ModelServer(script, listening=False) as model:
        daemon.write_workflow(model.base_url)
        daemon.start()
        daemon.wait_for(lambda: failed_runs(daemon) >= 1, "a run fails")
        assert daemon.issue_state("T-1") == "Todo"
        model.listen()
        daemon.wait_for_state("T-1", "Done")


@pytest.mark.proves("stall.action.retry", "stall.clock.origin", "run.end.process_stopped")
def test_a_model_that_says_nothing_is_a_stall_and_the_next_try_works(
    daemon: RunningDaemon,
) -> None:
    daemon.write_issue("T-1")
    with ModelServer(IssueScript({"T-1": [Silence(), DONE, Say("Done.")]})) as model:
        daemon.write_workflow(model.base_url, codex={"stall_timeout_ms": 4_000})
        daemon.start()
        daemon.wait_for_state("T-1", "Done")

    assert len(daemon.log(event="run_ended", outcome="stalled")) == 1
    assert daemon.log(event="retry_scheduled", kind="failure", attempt="1")


@pytest.mark.proves("recovery.service.survives")
def test_one_issue_that_fails_again_and_again_does_not_hold_up_another(
    daemon: RunningDaemon,
) -> None:
    daemon.write_issue("T-1", priority="1")
    daemon.write_issue("T-2", priority="2")
    script = IssueScript({"T-1": [Refuse(500)] * 200, "T-2": [Say("Half."), DONE, Say("Done.")]})
    with ModelServer(script) as model:
        daemon.write_workflow(model.base_url, agent={"max_concurrent_agents": 1})
        daemon.start()
        daemon.wait_for_state("T-2", "Done")
        daemon.wait_for(lambda: failed_runs(daemon) >= 2, "the other one is still tried")
    assert daemon.issue_state("T-1") == "Todo"
