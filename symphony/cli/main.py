"""The `symphony` command: picks the command, imports it late, and turns errors into exit codes.

Exit codes: 0 done or stopped in order, 1 start-up or run failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Final, cast

from symphony import __version__

_DESCRIPTION = """\
Turns an issue tracker into finished work: polls the tracker that WORKFLOW.md names, gives each
eligible issue a workspace of its own, and runs a coding agent in it until the issue is done.
"""

_EPILOG = """\
commands:
  symphony [PATH]            run the daemon with this WORKFLOW.md (default: ./WORKFLOW.md)
  symphony init              write a commented WORKFLOW.md to start from
  symphony check [PATH]      say whether the daemon would start with it, and what is wrong if not
  symphony doctor [PATH]     try out what the daemon will need: agent, tracker, sandbox, disk, clock
  symphony status [PATH]     what the running daemon does; `symphony top` keeps it up to date
  symphony plan [PATH]       list the candidates, and what a poll would do with each
  symphony explain ISSUE     say why an issue would run or not, rule by rule
  symphony render ISSUE      print the exact prompt that its agent would get
  symphony logs ISSUE        what was said in its newest session; -f to follow
  symphony schema            print a JSON Schema of the front matter, for editors
  symphony demo              watch eight issues get done, offline, with a bundled demo agent
  symphony COMMAND --help    what a command takes

The daemon runs until SIGTERM or Ctrl-C, then stops every agent and exits with 0; a second signal
stops at once. Edits of WORKFLOW.md apply while it runs. Logs go to stderr.

A file that is named like a command is given with its directory: symphony ./check
"""

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "init": ("symphony.cli.init", "run_init"),
    "check": ("symphony.cli.check", "run_check"),
    "doctor": ("symphony.cli.doctor", "run_doctor"),
    "logs": ("symphony.cli.logs", "run_logs"),
    "status": ("symphony.cli.status", "run_status"),
    "top": ("symphony.cli.top", "run_top"),
    "plan": ("symphony.cli.explain", "run_plan"),
    "explain": ("symphony.cli.explain", "run_explain"),
    "render": ("symphony.cli.render", "run_render"),
    "schema": ("symphony.cli.schema", "run_schema"),
    "demo": ("symphony.cli.demo", "run_demo"),
}
"""Each command with the module and the function that run it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in COMMANDS:
        return _run_command(words[0], words[1:])
    options = _daemon_parser().parse_args(words)
    # Late, and the daemon's own module later still: it forks its warden before heavy imports.
    from symphony.cli.daemon import run_daemon

    return run_daemon(
        path=options.path,
        port=options.port,
        logs_root=options.logs_root,
        log_format=options.log_format,
        log_level=options.log_level,
    )


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


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= 65_535:
        message = f"{text!r} is not a port: a number from 0 (any free port) to 65535"
        raise argparse.ArgumentTypeError(message)
    return port


def _daemon_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="symphony",
        usage="symphony [PATH] [options] | symphony COMMAND ...",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "path", nargs="?", metavar="PATH", help="the workflow file (default: ./WORKFLOW.md)"
    )
    parser.add_argument(
        "--port",
        type=_port,
        metavar="N",
        help="port of the HTTP interface on loopback; overrides server.port",
    )
    parser.add_argument(
        "--logs-root",
        metavar="DIR",
        help="write symphony.log and the session logs below DIR (default: session logs only, below "
        "~/.local/state/symphony)",
    )
    parser.add_argument(
        "--log-format",
        choices=("text", "json"),
        default="text",
        help="key=value lines (text, the default) or one JSON object a line",
    )
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="the least severe lines to write (default: info)",
    )
    parser.add_argument("--version", action="version", version=f"symphony {__version__}")
    return parser
