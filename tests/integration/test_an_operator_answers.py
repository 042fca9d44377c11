"""A model asks a person, an operator answers on the command line, the real thread goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from symphony.domain.json import JsonObject
from tests.integration.running_daemon import PATIENCE, RunningDaemon
from tests.support.model_server import Call, IssueScript, ModelServer, Say, shell

pytestmark = pytest.mark.agent

ASK: JsonObject = {
    "questions": [
        {
            "id": "colour",
            "header": "Colour",
            "question": "Which colour shall it be?",
            "options": [
                {"label": "Red", "description": "warm"},
                {"label": "Blue", "description": "cold"},
            ],
        }
    ]
}
DONE = Call("issue_update", {"state": "Done"})


def symphony(daemon: RunningDaemon, *words: str) -> str:
    """What a command prints; it has to go well."""
    done = subprocess.run(
        (str(Path(sys.executable).with_name("symphony")), *words),
        cwd=daemon.laboratory.root,
        env=daemon.laboratory.environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.proves("operator.answer.told", "policy.blocked.released", "policy.blocked.visible")
def test_the_thread_that_asked_goes_on_with_the_answer_and_finishes(daemon: RunningDaemon) -> None:
    daemon.write_issue("T-1", text="Paint the roof.")
    steps = [shell("echo begun > begun.txt"), Call("request_user_input", ASK), DONE, Say("Done.")]
    with ModelServer(IssueScript({"T-1": steps})) as model:
        daemon.write_workflow(
            model.base_url, options=("features.default_mode_request_user_input=true",)
        )
        daemon.start("--port", "0")
        daemon.wait_for(lambda: daemon.log(event="issue_blocked"), "the model asks")
        daemon.wait_for(lambda: not daemon.agents(), "the agent is gone")
        assert "Which colour shall it be?" in symphony(daemon, "status")
        symphony(daemon, "answer", "T-1", "Blue, like the sea.")
        daemon.wait_for_state("T-1", "Done")
        daemon.wait_for(lambda: not daemon.workspace("T-1").exists(), "T-1 is removed")
        requests = model.requests
    asked, answered = requests[1], requests[2]
    # Codex names its thread to the provider: the history of the first session is in the second.
    assert asked.thread == answered.thread
    assert any("Paint the roof." in text for text in answered.user_texts[:-1])
    assert "Blue, like the sea." in answered.user_texts[-1]
    assert not daemon.defects()
