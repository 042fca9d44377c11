"""`symphony check [PATH]`: everything that start-up validates, and more, without starting."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from functools import partial

import anyio

from symphony.cli.board import READ_TIMEOUT_S, add_path, ask_tracker
from symphony.cli.daemon import DEFAULT_WORKFLOW
from symphony.cli.parsing import CommandParser
from symphony.cli.problems import all_told, told
from symphony.domain.problems import Problem, ProblemError
from symphony.domain.settings import Settings
from symphony.runtime.configuration import Composed, WorkflowComposer
from symphony.trackers.errors import TrackerError
from symphony.trackers.port import Tracker

_DESCRIPTION = """\
Says whether the daemon would start with this WORKFLOW.md: front matter, settings, tracker settings,
prompt template, workspace root, programs. Every problem comes with file, line, key and what to do.
Nothing is started or changed.
"""


def run_check(words: Sequence[str]) -> int:
    """0: it would start. 1: it would not, or with --online, the tracker does not answer."""
    options = check_parser().parse_args(words)
    path = os.path.abspath(options.path or DEFAULT_WORKFLOW)
    try:
        composed = WorkflowComposer(path, os.environ).load()
    except ProblemError as error:
        print(all_told(error.problems), file=sys.stderr)
        print(f"\nThe daemon would not start: {_count(len(error.problems))}.", file=sys.stderr)
        return 1
    return _report(composed, online=options.online)


def check_parser() -> CommandParser:
    """What the command takes."""
    parser = CommandParser("check", _DESCRIPTION)
    add_path(parser)
    parser.add_argument(
        "--online",
        action="store_true",
        help="also read the active issues once, and say what the credentials may do",
    )
    return parser


def _report(composed: Composed, *, online: bool) -> int:
    workflow = composed.workflow
    template = workflow.template.problem
    errors = [*([template] if template else []), *_environment_problems(workflow.settings)]
    for warning in composed.warnings:
        if warning != template:
            print(told(warning, "warning"), file=sys.stderr)
    if online:
        errors += _tracker_problems(workflow.tracker, workflow.settings)
    if errors:
        print(all_told(errors), file=sys.stderr)
        print(f"\n{_count(len(errors)).capitalize()} found.", file=sys.stderr)
        return 1
    print(_summary(workflow.settings))
    return 0


def _count(number: int) -> str:
    return "one problem" if number == 1 else f"{number} problems"


def _environment_problems(settings: Settings) -> list[Problem]:
    """What the file cannot know: the machine that the daemon would run on."""
    problems: list[Problem] = []
    if shutil.which("bash") is None:
        problems.append(
            Problem(
                code="shell_missing",
                message="there is no `bash` on the PATH, which starts hooks and the agent",
                remedy="Install bash.",
            )
        )
    root = nearest_entry(settings.workspace.root)
    if not os.path.isdir(root) or not os.access(root, os.W_OK | os.X_OK):
        problems.append(
            Problem(
                code="workspace_root_unusable",
                message=f"{root} is not a directory that can be written to, so "
                f"{settings.workspace.root} cannot be used",
                remedy="Set workspace.root to a directory that the daemon's user can write to.",
                path=settings.workflow_path,
                key="workspace.root",
            )
        )
    return problems + _command_problems(settings)


def _command_problems(settings: Settings) -> list[Problem]:
    """A plain command whose program is nowhere; anything cleverer is left to the shell."""
    first = settings.codex.command.split()[0]
    plain = all(letter.isalnum() or letter in "._/-" for letter in first)
    if not plain or shutil.which(first) is not None:
        return []
    return [
        Problem(
            code="codex_not_found",
            message=f"the program `{first}` is not on the PATH of this shell",
            remedy="Install it, or set codex.command to where it is. If only a login shell finds "
            "it, this may be ignored: agents are started by `bash -lc`.",
            path=settings.workflow_path,
            key="codex.command",
        )
    ]


def nearest_entry(path: str) -> str:
    """The path, or the nearest one above it that there is."""
    while not os.path.lexists(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    return path


def _tracker_problems(tracker: Tracker, settings: Settings) -> list[Problem]:
    try:
        count, rights = anyio.run(partial(ask_tracker, tracker, settings))
    except (TrackerError, TimeoutError) as error:
        category = error.category if isinstance(error, TrackerError) else "tracker_request"
        reason = str(error) or f"no answer within {READ_TIMEOUT_S:.0f} s"
        return [
            Problem(
                code=category,
                message=f"the tracker did not answer: {reason}",
                remedy="Check the settings below tracker.provider.",
                path=settings.workflow_path,
                key="tracker",
            )
        ]
    print(f"The tracker answers: {count} issues in active states.")
    for sentence in rights:
        print(sentence)
    return []


def _summary(settings: Settings) -> str:
    tracker = settings.tracker
    labels = ", ".join(tracker.required_labels) or "none"
    active = ", ".join(tracker.active_states) or "(no state)"
    terminal = ", ".join(tracker.terminal_states) or "(no state)"
    slots, command = settings.agent.max_concurrent_agents, settings.codex.command
    return f"""{settings.workflow_path} is good. The daemon would
  poll      the {tracker.kind} tracker every {settings.polling.interval_ms} ms
  work on   issues in {active} (required labels: {labels})
  clean up  when they are in {terminal}
  run       at most {slots} at once, each with `{command}`
  in        {settings.workspace.root}"""
