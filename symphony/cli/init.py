"""`symphony init`: a commented WORKFLOW.md to start from.

Asks on a terminal for what no flag gave; elsewhere it takes flags and defaults and asks nothing. An
existing file is never overwritten.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from symphony.cli.daemon import DEFAULT_WORKFLOW
from symphony.cli.parsing import CommandParser
from symphony.trackers.registry import adapter_profiles
from symphony.workflow.starter import STARTER_KINDS, StarterAnswers, StarterKind, render_starter

_DESCRIPTION = """\
Writes a WORKFLOW.md in which every key is explained, and for the files tracker the folder of
issues with a first one. Asks for what no flag says, if there is a terminal to ask on.
"""

# Those that both the starter and this version's adapters know.
KINDS: tuple[StarterKind, ...] = tuple(kind for kind in STARTER_KINDS if kind in adapter_profiles())
_BY_NAME: dict[str, StarterKind] = {kind: kind for kind in KINDS}

_SCOPES = {
    "files": ("folder with the issues", "./issues"),
    "linear": ("slug id of the Linear project", ""),
    "github": ("GitHub repository, as owner/name", ""),
}

_FIRST_ISSUE = """\
---
title: Say hello
state: Todo
priority: 2
labels: []
---
Create a file `HELLO.md` that greets whoever reads it, and commit it if this is a git repository.
"""


def run_init(words: Sequence[str]) -> int:
    """0: written. 1: refused, nothing was changed. 2: wrong usage."""
    options = init_parser().parse_args(words)
    path = os.path.abspath(options.path or DEFAULT_WORKFLOW)
    if os.path.lexists(path):
        print(f"error: {path} exists; remove it, or name another file.", file=sys.stderr)
        return 1
    try:
        answers = _answers(options)
    except (EOFError, KeyboardInterrupt):
        print("\nerror: nothing was written, because a question was not answered.", file=sys.stderr)
        return 1
    if answers is None:
        return 2
    try:
        text = render_starter(answers)
        _write(path, text)
        issues = _first_issue(path, answers)
    except (OSError, ValueError) as error:
        print(f"error: nothing usable was written: {error}", file=sys.stderr)
        return 1
    _tell(path, issues)
    return 0


def init_parser() -> CommandParser:
    """What the command takes."""
    parser = CommandParser("init", _DESCRIPTION)
    parser.add_argument(
        "path", nargs="?", metavar="PATH", help="the file to write (default: ./WORKFLOW.md)"
    )
    parser.add_argument("--tracker", choices=KINDS, help="where issues are (default: files)")
    parser.add_argument(
        "--scope",
        metavar="TEXT",
        help="folder of the issues (files), slug id of the project (linear), owner/name (github)",
    )
    parser.add_argument("--slots", type=int, metavar="N", help="agents at once (default: 3)")
    parser.add_argument(
        "--clone", metavar="URL", help="repository that each new workspace is cloned from"
    )
    parser.add_argument(
        "--workspace-root", metavar="DIR", help="where workspaces are (default: as configured)"
    )
    return parser


def _answers(options: argparse.Namespace) -> StarterAnswers | None:
    """The answers from flags, questions and defaults; None (told) where one is missing or wrong."""
    asking = sys.stdin.isatty() and sys.stdout.isatty()
    wanted = options.tracker or _ask(asking, f"Tracker ({', '.join(KINDS)})", "files")
    kind = _BY_NAME.get(wanted)
    if kind is None:
        return _wrong(f"there is no tracker {wanted!r}; use one of {', '.join(KINDS)}")
    question, default = _SCOPES[kind]
    scope = options.scope or _ask(asking, question.capitalize(), default)
    if not scope:
        return _wrong(f"the {question} is needed: --scope TEXT")
    clone = options.clone or _ask(asking, "Repository to clone into workspaces (empty: none)", "")
    slots = options.slots if options.slots is not None else 3
    if slots < 1:
        return _wrong("--slots takes a whole number of at least 1")
    return StarterAnswers(
        kind=kind,
        scope=scope,
        max_concurrent_agents=slots,
        workspace_root=options.workspace_root,
        clone_url=clone or None,
    )


def _ask(asking: bool, question: str, default: str) -> str:
    if not asking:
        return default
    shown = f" [{default}]" if default else ""
    return input(f"{question}{shown}: ").strip() or default


def _wrong(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)


def _write(path: str, text: str) -> None:
    # "x": somebody may have made the file since it was looked for.
    with open(path, "x", encoding="utf-8") as file:
        file.write(text)


def _first_issue(path: str, answers: StarterAnswers) -> str | None:
    """Make the folder of a files tracker, with a first issue where it is new."""
    if answers.kind != "files":
        return None
    folder = os.path.normpath(
        os.path.join(os.path.dirname(path), os.path.expanduser(answers.scope))
    )
    if not os.path.isdir(folder):
        os.makedirs(folder)
        _write(os.path.join(folder, "hello.md"), _FIRST_ISSUE)
    return folder


def _tell(path: str, issues: str | None) -> None:
    print(f"Wrote {path}.")
    if issues is not None:
        print(f"Issues are the Markdown files in {issues}.")
    print("Next: read it, then `symphony check` and `symphony`.")
