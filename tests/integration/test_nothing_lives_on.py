"""A run that is stopped, and a daemon that is, leave no process behind.

Processes are found by a token that stands in the command of the agent, or by the laboratory's name
in their environment: whatever the daemon started has it.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping

import pytest

from symphony.domain.json import JsonValue
from tests.integration.running_daemon import STOP_PATIENCE, RunningDaemon, wait_until
from tests.support.codex import processes_with
from tests.support.model_server import Call, IssueScript, ModelServer, Say, shell

pytestmark = pytest.mark.agent

DONE = Call("issue_update", {"state": "Done"})
AFTER_A_KILL = 10.0
"""Seconds in which everything must be gone after the daemon was killed."""


def token_of(daemon: RunningDaemon) -> str:
    """A text that stands in the commands of this test's agent and nowhere else."""
    return f"token-{daemon.laboratory.root.name}"


def long_command(daemon: RunningDaemon) -> Call:
    """A command that lasts, with a second process in the background."""
    token = token_of(daemon)
    return shell(f"bash -c 'sleep 300; true' {token} & sleep 300; echo {token}")


def sandbox(name: str) -> Mapping[str, JsonValue]:
    """Settings for a run with this sandbox."""
    return {"thread_sandbox": name}


def wait_for_command(daemon: RunningDaemon) -> None:
    """Wait until the agent's command is being started.

    On purpose no longer: while bubblewrap sets the sandbox up, its command can outlive Codex.
    """
    token = token_of(daemon)
    daemon.wait_for(lambda: len(processes_with(token)) >= 2, "the agent's command begins")


@pytest.mark.proves(
    "reconcile.state.terminal",
    "reconcile.state.inactive",
    "reconcile.stop.released",
    "reconcile.cleanup.after_exit",
    "run.end.tree",
)
@pytest.mark.parametrize("state", ["Done", "Backlog"])
@pytest.mark.parametrize("kind", ["workspace-write", "danger-full-access"])
def test_a_change_of_state_stops_the_command_that_is_running(
    daemon: RunningDaemon, state: str, kind: str
) -> None:
    daemon.write_issue("T-1")
    with ModelServer(IssueScript({"T-1": [long_command(daemon)]})) as model:
        daemon.write_workflow(model.base_url, codex=sandbox(kind))
        daemon.start()
        wait_for_command(daemon)
        daemon.write_issue("T-1", state=state)
        daemon.wait_for(lambda: not processes_with(token_of(daemon)), "the command is gone")
        daemon.wait_for(lambda: not daemon.agents(), "the agent is gone")
        daemon.wait_for(lambda: daemon.log(event="run_ended"), "the run is over")
        if state == "Done":
            daemon.wait_for(lambda: not daemon.workspace("T-1").exists(), "no workspace is left")
        else:
            assert daemon.workspace("T-1").is_dir()
        assert len(model.requests) == 1
    (ended,) = daemon.log(event="run_ended")
    assert ended["outcome"] == "canceled_by_reconciliation"
    assert not daemon.log(event="retry_scheduled")


@pytest.mark.proves(
    "cli.exit.normal", "cli.exit.signal", "cli.stop.agents_ended", "cli.stop.workspaces_kept"
)
@pytest.mark.parametrize("kind", ["workspace-write", "danger-full-access"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_stop_in_the_middle_of_a_command_is_orderly_and_complete(
    daemon: RunningDaemon, number: signal.Signals, kind: str
) -> None:
    daemon.write_issue("T-1")
    with ModelServer(IssueScript({"T-1": [long_command(daemon)]})) as model:
        daemon.write_workflow(model.base_url, codex=sandbox(kind))
        daemon.start()
        wait_for_command(daemon)
        daemon.signal(number)
        assert daemon.wait_for_exit() == 0
        wait_until(lambda: not daemon.processes(), "nothing is left", seconds=AFTER_A_KILL)
    assert daemon.workspace("T-1").is_dir()
    assert daemon.issue_state("T-1") == "Todo"


@pytest.mark.proves(
    "recovery.kill.agents_ended", "recovery.restart.redispatch", "recovery.thread.resumed"
)
@pytest.mark.parametrize("kind", ["workspace-write", "danger-full-access"])
def test_a_killed_daemon_leaves_nothing_and_the_next_one_goes_on(
    daemon: RunningDaemon, kind: str
) -> None:
    daemon.write_issue("T-1")
    steps = [long_command(daemon), shell("ls"), DONE, Say("Done.")]
    with ModelServer(IssueScript({"T-1": steps})) as model:
        daemon.write_workflow(model.base_url, codex=sandbox(kind))
        daemon.start()
        wait_for_command(daemon)
        (daemon.workspace("T-1") / "left-behind").touch()
        daemon.signal(signal.SIGKILL)
        assert daemon.wait_for_exit() == -signal.SIGKILL
        wait_until(lambda: not daemon.processes(), "nothing is left", seconds=AFTER_A_KILL)

        daemon.start()
        daemon.wait_for_state("T-1", "Done")
        requests = model.requests
    results = [text for request in requests for text in request.tool_results]
    assert any("left-behind" in text for text in results)
    # The thread that was cut off goes on, with its history, and is told what happened.
    assert {request.thread for request in requests} == {requests[0].thread}
    assert "was cut off" in requests[-1].user_texts[-1]
    (resumed,) = daemon.log(event="thread_resumed")
    assert resumed["thread_id"] == requests[0].thread


@pytest.mark.proves("cli.stop.agents_ended")
def test_a_second_signal_stops_at_once_and_leaves_nothing_either(daemon: RunningDaemon) -> None:
    daemon.write_issue("T-1")
    with ModelServer(IssueScript({"T-1": [long_command(daemon)]})) as model:
        # An orderly stop would wait for this hook.
        daemon.write_workflow(model.base_url, hooks={"after_run": "sleep 45"})
        daemon.start()
        wait_for_command(daemon)
        daemon.signal(signal.SIGTERM)
        daemon.wait_for(
            lambda: any("sleep 45" in command for command in daemon.processes()), "the hook runs"
        )
        daemon.signal(signal.SIGTERM)
        daemon.wait_for_exit(STOP_PATIENCE)
        wait_until(lambda: not daemon.processes(), "nothing is left", seconds=AFTER_A_KILL)
