"""Agents that attack the daemon: it lives, says what they did, and others finish their work.

The long profile writes as many bytes on standard error as `SYMPHONY_FLOOD_BYTES` says.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from tests.support.daemon_process import LogRecord, wait_until
from tests.support.daemon_site import FINISH, WAIT, Site

FLOOD_BYTES = int(os.environ.get("SYMPHONY_FLOOD_BYTES", str(40 * 1024 * 1024)))
FLOOD_S = 600.0
MAX_RESIDENT_KIB = 200 * 1024
"""At its highest. The daemon has a third of it when it starts; the rest is one line of the longest
that is read, in the forms that it goes through, and what waits for the disk."""
PROGRAM = Path(__file__).with_name("hostile_program.py")

ENDS = {
    "stderr": ("turn_failed", "bytes of noise"),
    "line": ("protocol_error", "a line of more than"),
    "bytes": ("turn_failed", "sent what is no text"),
    "deep": ("turn_failed", "sent what is nested deeply"),
    "requests": ("turn_failed", "got "),
}
"""The category under which each attack ends, and a part of what is said of it."""


def write_command(site: Site) -> str:
    """A command that attacks in workspaces named after an attack, and works in all others."""
    program = shlex.join((sys.executable, "-S", "-E", str(PROGRAM)))
    command = site.top / "attacker"
    command.write_text(
        f"#!/bin/bash\nname=${{PWD##*/}}\ncase $name in\n"
        f"  stderr) exec {program} stderr {FLOOD_BYTES} ;;\n"
        f'  {"|".join(ENDS)}) exec {program} "$name" ;;\n'
        f'esac\nexec {shlex.quote(str(site.launcher))} "$@"\n'
    )
    command.chmod(0o755)
    return str(command)


def highest_resident_kib(pid: int) -> int:
    """The most memory that this process has had."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def ended(site: Site, name: str) -> LogRecord:
    """How the first run of this issue ended."""
    found = site.daemon.log(event="run_ended", issue_identifier=name)
    return found[0] if found else {}


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.proves("session.stderr.drained", "session.rpc.malformed", "policy.request.bounded")
def test_agents_that_attack_end_alone(site: Site) -> None:
    site.write_script("first", {"turns": [[WAIT, FINISH]]})
    # Noise is no progress, and a slow machine takes its time for a gigabyte of it.
    site.write_workflow(codex={"command": write_command(site), "stall_timeout_ms": 0})
    site.write_issue("first")
    site.start()
    before = site.at_gate("first")
    for name in (*ENDS, "second"):
        site.write_issue(name)
    site.until(lambda: site.state("second") == "Done", "an issue that came with them is done")
    before.go()
    site.until(lambda: site.state("first") == "Done", "an issue that ran before them is done")
    wait_until(
        lambda: all(ended(site, name) for name in ENDS),
        "every attack is over",
        seconds=FLOOD_S,
        give_up=lambda: None if site.daemon.runs else "the daemon has ended",
    )
    for name, (category, words) in ENDS.items():
        reason = ended(site, name)["reason"]
        assert reason.startswith(f"{category}: "), reason
        assert words in reason
    # Those that repeat an open id get no answer of their own; which these are is a matter of time.
    answers = int(ended(site, "requests")["reason"].partition("got ")[2].split()[0])
    assert 10 < answers <= 1_001
    highest = highest_resident_kib(site.daemon.pid)
    print(f"resident at most: {highest} KiB; {answers} answers; {FLOOD_BYTES} bytes of noise")
    assert highest < MAX_RESIDENT_KIB
