"""`symphony [PATH]` and `symphony run [PATH]`: the daemon; with `--once`, a single round of it.

Imports nothing heavy: the daemon forks its warden from a small process.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from symphony import __version__
from symphony.cli.parsing import CommandParser

_DESCRIPTION = """\
Turns an issue tracker into finished work: polls the tracker that WORKFLOW.md names, gives each
eligible issue a workspace of its own, and runs a coding agent in it until the issue is done.
"""

_EPILOG = """\
commands:
  symphony [PATH]            run the daemon with this WORKFLOW.md (default: ./WORKFLOW.md)
  symphony run [PATH]        the same; with --once for a single round, as in cron or CI
  symphony init              write a commented WORKFLOW.md to start from
  symphony check [PATH]      say whether the daemon would start with it, and what is wrong if not
  symphony doctor [PATH]     try out what the daemon will need: agent, tracker, sandbox, disk, clock
  symphony status [PATH]     what the running daemon does; `symphony top` keeps it up to date
  symphony plan [PATH]       list the candidates, and what a poll would do with each
  symphony explain ISSUE     say why an issue would run or not, rule by rule
  symphony render ISSUE      print the exact prompt that its agent would get
  symphony answer ISSUE      answer what its agent asked; it goes on in the same thread
  symphony stop ISSUE        end its run, and start no other until it changes
  symphony logs ISSUE        what was said in its newest session; -f to follow
  symphony schema            print a JSON Schema of the front matter, for editors
  symphony completion SHELL  print what makes bash, zsh or fish complete all this
  symphony demo              watch eight issues get done, offline, with a bundled demo agent
  symphony COMMAND --help    what a command takes

The daemon runs until SIGTERM or Ctrl-C, then stops every agent and exits with 0; a second signal
stops at once. Edits of WORKFLOW.md apply while it runs. Logs go to stderr.

A file that is named like a command is given with its directory: symphony ./check
"""

_RUN = """\
Runs the daemon, as `symphony [PATH]` does. With --once it polls once, carries what this poll starts
to the end of its run, with all its turns, gives freed slots to the others that the poll found
waiting for one, and ends. It retries nothing, opens no second session for an issue, and takes no
issue that appears meanwhile: the next round does. What came of it is printed on standard output.
"""

_EXIT_CODES = """\
exit codes:
  0  stopped in order; with --once: every run ended well, or there was nothing to do
  1  could not start, or failed while running; with --once also: a run failed or needs a person,
     the tracker could not be read, or the round was interrupted
  2  wrong usage
"""


def run_program(words: Sequence[str]) -> int:
    """`symphony` without a command; gives the exit code."""
    return _run(program_parser().parse_args(words), once=False)


def run_run(words: Sequence[str]) -> int:
    """`symphony run`; gives the exit code."""
    options = run_parser().parse_args(words)
    return _run(options, once=options.once)


def program_parser() -> CommandParser:
    """What `symphony` without a command takes."""
    usage = "symphony [PATH] [options] | symphony COMMAND ..."
    parser = CommandParser("", _DESCRIPTION, _EPILOG, usage=usage)
    _add_daemon(parser)
    parser.add_argument("--version", action="version", version=f"symphony {__version__}")
    return parser


def run_parser() -> CommandParser:
    """What `symphony run` takes."""
    parser = CommandParser("run", _RUN, _EXIT_CODES)
    parser.add_argument("--once", action="store_true", help="one round, then end")
    _add_daemon(parser)
    return parser


def _run(options: argparse.Namespace, *, once: bool) -> int:
    # Late: it forks its warden before heavy imports.
    from symphony.cli.daemon import run_daemon

    return run_daemon(
        path=options.path,
        port=options.port,
        logs_root=options.logs_root,
        log_format=options.log_format,
        log_level=options.log_level,
        plain=options.plain,
        once=once,
    )


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= 65_535:
        message = f"{text!r} is not a port: a number from 0 (any free port) to 65535"
        raise argparse.ArgumentTypeError(message)
    return port


def _add_daemon(parser: CommandParser) -> None:
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
    parser.add_argument(
        "--plain",
        action="store_true",
        help="log lines only, also on a terminal, where they otherwise pass above a view of what "
        "the daemon does",
    )
