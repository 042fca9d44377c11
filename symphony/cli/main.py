"""The `symphony` command: picks the command, imports it late, and turns errors into exit codes.

Exit codes: 0 done or stopped in order, 1 start-up or run failed, 2 wrong usage.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Final, cast

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "run": ("symphony.cli.run", "run_run"),
    "init": ("symphony.cli.init", "run_init"),
    "check": ("symphony.cli.check", "run_check"),
    "doctor": ("symphony.cli.doctor", "run_doctor"),
    "logs": ("symphony.cli.logs", "run_logs"),
    "status": ("symphony.cli.status", "run_status"),
    "answer": ("symphony.cli.answer", "run_answer"),
    "stop": ("symphony.cli.answer", "run_stop"),
    "top": ("symphony.cli.top", "run_top"),
    "plan": ("symphony.cli.explain", "run_plan"),
    "explain": ("symphony.cli.explain", "run_explain"),
    "render": ("symphony.cli.render", "run_render"),
    "completion": ("symphony.cli.completion", "run_completion"),
    "schema": ("symphony.cli.schema", "run_schema"),
    "demo": ("symphony.cli.demo", "run_demo"),
}
"""Each command with the module and the function that run it. What the command takes is told by the
function `<command>_parser` of the same module."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in COMMANDS:
        return _run_command(words[0], words[1:])
    return _run_program(words)


def _run_program(words: list[str]) -> int:
    from symphony.cli.run import run_program

    return run_program(words)


def _run_command(name: str, words: list[str]) -> int:
    module, function = COMMANDS[name]
    # Late: nobody pays for the command that was not asked for.
    run = cast("Callable[[list[str]], int]", getattr(import_module(module), function))
    try:
        return run(words)
    except BrokenPipeError:
        # Whoever read has seen enough, as in `... | head`. Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
