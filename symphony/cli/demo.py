"""`symphony demo`: eight issues get done, on this machine and without an account."""

from __future__ import annotations

import argparse

from symphony.cli.parsing import CommandParser

_DESCRIPTION = """\
Makes a small git repository and a folder of eight issues in a scratch directory, and runs the
daemon on them: it clones, hands out work, retries the issue that fails once, lets the blocked one
wait, and cleans up. The bundled agent speaks the protocol of the real one and needs no network.
"""

_EPILOG = """\
The directory is yours to look at afterwards; the next demo in it replaces what this one made, and
a directory that no demo made is left alone. Exit code 0 means that every issue is done and has its
commit.
"""

MAX_SLOTS = 8
"""There are no more issues."""
DEFAULT_DIRECTORY = "symphony-demo"


def run_demo(words: list[str]) -> int:
    """Run the demo; returns the exit code."""
    options = demo_parser().parse_args(words)
    # Before heavy imports: the warden is forked from a small process without threads.
    from symphony.cli.daemon import own_processes

    identity = own_processes()
    from symphony.demo.play import DemoOptions, play

    demo = DemoOptions(
        agent=options.agent,
        directory=options.directory,
        slots=options.slots,
        plain=options.plain,
        limit_s=options.limit,
    )
    try:
        return play(demo, identity)
    finally:
        if identity.warden is not None:
            identity.warden.dismiss()


def demo_parser() -> CommandParser:
    """What the command takes."""
    parser = CommandParser("demo", _DESCRIPTION, _EPILOG)
    parser.add_argument(
        "--agent",
        choices=("demo", "codex"),
        default="demo",
        help="who does the work: the bundled agent (default), or the Codex that you have installed "
        "and logged in, at its usual cost",
    )
    parser.add_argument(
        "--directory",
        metavar="DIR",
        default=DEFAULT_DIRECTORY,
        help=f"the scratch directory (default: ./{DEFAULT_DIRECTORY})",
    )
    parser.add_argument(
        "--slots",
        type=_slots,
        metavar="N",
        default=3,
        help=f"how many agents run at a time, 1 to {MAX_SLOTS} (default: 3)",
    )
    parser.add_argument(
        "--plain",
        action="store_true",
        help="one line for each happening instead of a live view; the default where the output is "
        "no terminal",
    )
    parser.add_argument(
        "--limit",
        type=_seconds,
        metavar="SECONDS",
        default=None,
        help="give up after so long (default: 60, with Codex 1800)",
    )
    return parser


def _slots(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_SLOTS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MAX_SLOTS}")
    return int(text)


def _seconds(text: str) -> float:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of seconds, from 1")
    return float(text)
