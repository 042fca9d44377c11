"""A defect that ends the daemon is told on the log, without secrets, and with an exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SECRET = "a-secret-that-has-no-shape"

# A daemon that breaks while it runs, below the command line as it is.
SCRIPT = """
import anyio, sys
from symphony.cli.daemon import serve
from symphony.observability.logs import configure_logging
from symphony.observability.redaction import Redactor
from symphony.runtime.daemon import Daemon, DaemonOptions

class Broken(Daemon):
    async def run(self):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.break_down)

    async def break_down(self):
        raise RuntimeError(f"boom with {sys.argv[1]}")

redactor = Redactor([sys.argv[1]])
logs = configure_logging(line_format="text", stream=sys.stderr, redactor=redactor,
                         logs_root=sys.argv[2], level="info")
daemon = Broken(DaemonOptions(workflow_path="WORKFLOW.md", environment={}))
print(*serve(daemon, logs))
"""


@pytest.mark.proves("log.failure.visible", "security.secret.logs", "cli.exit.abnormal")
def test_a_defect_is_logged_and_redacted_on_every_sink(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, SECRET, str(tmp_path / "logs")],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=60,
    )
    # Failed, and not known to have ended everything: the warden is left on guard.
    assert done.stdout.split() == ["1", "False"], done.stderr
    (line,) = done.stderr.splitlines()
    assert "level=error event=daemon_failed" in line
    assert 'reason="RuntimeError: boom with [redacted]"' in line
    log = (tmp_path / "logs" / "symphony.log").read_text()
    assert log == done.stderr
    assert SECRET not in log
