"""A process that is just being replaced by another program is found all the same."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from symphony.processes.owner import OwnerMark
from symphony.processes.tree import OwnedTree
from tests.support.process_tokens import wait_until

LOOKS = 150


@pytest.mark.proves("recovery.restart.single_run", "run.end.tree")
def test_a_look_finds_a_process_that_does_nothing_but_call_execve(
    token: str, tmp_path: Path
) -> None:
    script = tmp_path / "again"
    begun = tmp_path / "begun"
    script.write_text(f"[ -e {begun} ] || touch {begun}\nexec sh {script}\n")
    mark = OwnerMark(root=token, daemon="dead", run="1")
    environment = {"SYMPHONY_OWNER": mark.render(), "PATH": os.environ["PATH"]}
    with subprocess.Popen(("sh", script), env=environment) as process:
        try:
            wait_until(begun.exists, "the script runs")
            trees = (OwnedTree(carries=lambda each: each == mark) for _ in range(LOOKS))
            found = [[member.pid for member in tree.look()] for tree in trees]
            assert found == [[process.pid]] * LOOKS
        finally:
            process.kill()
