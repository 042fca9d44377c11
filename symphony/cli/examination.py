"""What `symphony doctor` looks at, one function for each question.

Each gives findings: what is well, what may be a problem, what is one, with what to do. Nothing is
changed; what has to be tried out is tried in a directory that is removed again.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

from symphony.cli.check import nearest_entry
from symphony.cli.trial import Trials
from symphony.domain.settings import Settings
from symphony.processes.lock import find_holders

Verdict: TypeAlias = Literal["ok", "warn", "fail"]

RELEASED: Final = datetime(2026, 11, 1, tzinfo=UTC)
"""A clock that shows an earlier time than this version's own is wrong."""
CLOCK_SLACK_S: Final = 300.0
LOWEST_FREE_BYTES: Final = 1_000_000_000
"""A clone and a build need more than this almost anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`remedy` is empty where nothing has to be done."""

    topic: str
    verdict: Verdict
    message: str
    remedy: str = ""


def examine_shell() -> Iterator[Finding]:
    """Hooks and agents are run by bash."""
    found = shutil.which("bash")
    if found is None:
        yield Finding(
            topic="shell",
            verdict="fail",
            message="there is no `bash` on the PATH",
            remedy="Install bash; it starts hooks and agents.",
        )
    else:
        yield Finding(topic="shell", verdict="ok", message=found)


def examine_agent(settings: Settings, trials: Trials) -> Iterator[Finding]:
    """The agent's program as a login shell finds it, its version, its login, its sandbox."""
    program = settings.codex.command.split()[0]
    if not all(letter.isalnum() or letter in "._/-" for letter in program):
        yield Finding(
            topic="agent",
            verdict="warn",
            message="codex.command is more than a program with arguments; it was not tried",
        )
        return
    with tempfile.TemporaryDirectory(prefix="symphony-doctor-") as directory:
        version = trials.run(f"{program} --version", directory)
        if version.exit_code != 0:
            yield Finding(
                topic="agent",
                verdict="fail",
                message=f"`{program} --version` does not run in a login shell: "
                f"{_last_line(version.output) or 'no answer'}",
                remedy="Install the agent, or set codex.command to where it is. Agents are "
                "started by `bash -lc`, whose PATH is that of the login profile.",
            )
            return
        yield Finding(topic="agent", verdict="ok", message=_last_line(version.output))
        if os.path.basename(program) == "codex":
            yield _login(program, trials, directory)
            yield _sandbox(program, trials, directory)


def _login(program: str, trials: Trials, directory: str) -> Finding:
    status = trials.run(f"{program} login status", directory)
    told = _last_line(status.output)
    if status.exit_code == 0:
        return Finding(topic="login", verdict="ok", message=told)
    return Finding(
        topic="login",
        verdict="warn",
        message=f"the agent says: {told or 'nothing'}",
        remedy=f"Run `{program} login` as the daemon's user, unless its configuration names a "
        "model provider that needs none.",
    )


def _sandbox(program: str, trials: Trials, directory: str) -> Finding:
    tried = trials.run(f"{program} sandbox -- true", directory)
    if tried.exit_code == 0:
        return Finding(topic="sandbox", verdict="ok", message="a command runs in it")
    return Finding(
        topic="sandbox",
        verdict="warn",
        message=f"`{program} sandbox -- true` fails: {_last_line(tried.output) or 'no answer'}",
        remedy="In a container the kernel may forbid user namespaces: allow them, or read "
        "docs/security.md before you set codex.thread_sandbox to danger-full-access.",
    )


def examine_root(settings: Settings) -> Iterator[Finding]:
    """The workspace root: can it be used, does the sandbox protect it, is there room."""
    root = settings.workspace.root
    nearest = nearest_entry(root)
    if not os.path.isdir(nearest) or not os.access(nearest, os.W_OK | os.X_OK):
        yield Finding(
            topic="workspaces",
            verdict="fail",
            message=f"{nearest} is not a directory that can be written to",
            remedy="Set workspace.root to one that the daemon's user can write to.",
        )
        return
    holders = find_holders(root)
    used = f", in use by a daemon (process {', '.join(map(str, holders))})" if holders else ""
    yield Finding(topic="workspaces", verdict="ok", message=f"{root}{used}")
    if _is_below(root, "/tmp") or _is_below(root, tempfile.gettempdir()):  # noqa: S108 - compared only
        yield Finding(
            topic="workspaces",
            verdict="warn",
            message=f"{root} lies in a temporary directory, which every sandbox may write to: "
            "agents are not kept apart, and the system may clean it",
            remedy="Set workspace.root to a directory outside of it.",
        )
    free = shutil.disk_usage(nearest).free
    if free < LOWEST_FREE_BYTES:
        yield Finding(
            topic="disk",
            verdict="warn",
            message=f"{free // 1_000_000} MB are free below {nearest}",
            remedy="Make room; agents clone and build there.",
        )


def examine_port(settings: Settings) -> Iterator[Finding]:
    """The port of the HTTP interface, if there is to be one."""
    port = settings.server_port
    if port is None or find_holders(settings.workspace.root):
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            yield Finding(
                topic="port",
                verdict="fail",
                message=f"server.port {port} cannot be had: {error.strerror}",
                remedy="End what uses it, choose another, or 0 for any free one.",
            )
        else:
            yield Finding(topic="port", verdict="ok", message=f"{port} is free")


def examine_clock(settings: Settings) -> Iterator[Finding]:
    """Rate limits, retries and conditional requests compare times with other machines."""
    now = time.time()
    written = os.stat(settings.workflow_path).st_mtime
    if now < RELEASED.timestamp() or written - now > CLOCK_SLACK_S:
        yield Finding(
            topic="clock",
            verdict="fail",
            message=f"it shows {datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M} UTC, which is "
            "before this version or WORKFLOW.md was made",
            remedy="Set the clock, and let it be kept in time.",
        )
    else:
        shown = datetime.fromtimestamp(now, UTC)
        yield Finding(topic="clock", verdict="ok", message=f"{shown:%Y-%m-%d %H:%M} UTC")


def _is_below(path: str, directory: str) -> bool:
    above = os.path.realpath(directory)
    return os.path.commonpath((os.path.realpath(path), above)) == above


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    return "".join(letter if letter.isprintable() else " " for letter in last)[:200]
