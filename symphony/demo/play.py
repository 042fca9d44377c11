"""The whole demo: make the place, run the daemon in it, look at what came of it, say so."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
from rich.text import Text

from symphony.demo.board import ISSUES
from symphony.demo.git import environment_without_git, require_git
from symphony.demo.history import History
from symphony.demo.outcome import Result, results, results_table
from symphony.demo.place import Place, claimed, fill
from symphony.demo.stage import End, Ending, perform
from symphony.demo.views import LiveView, PlainView, Screen
from symphony.demo.words import count
from symphony.demo.workflow import PACES, AgentKind, agent_command, workflow_text
from symphony.domain.problems import Problem, ProblemError
from symphony.observability.logs import LOG_FILE_NAME, configure_logging
from symphony.observability.redaction import Redactor
from symphony.runtime.daemon import DaemonOptions
from symphony.runtime.identity import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """`plain` asks for lines instead of a live view; `limit_s` None means the agent's own."""

    agent: AgentKind
    directory: str
    slots: int
    plain: bool
    limit_s: float | None


def play(options: DemoOptions, identity: Identity) -> int:
    """Run the demo; returns 0 only if every issue is done."""
    screen = _screen()
    try:
        require_git(os.environ)
        codex = _codex() if options.agent == "codex" else None
        with claimed(options.directory) as place:
            command = agent_command(options.agent, codex)
            pace = PACES[options.agent]
            fill(place, workflow_text(slots=options.slots, command=command, pace=pace))
            _announce(screen, place, options)
            return _run(screen, place, options, identity)
    except ProblemError as error:
        for problem in error.problems:
            print(f"symphony demo: {problem}", file=sys.stderr)
        return 1


def _screen() -> Screen:
    # A title or a table may hold what the terminal's encoding has not.
    reconfigure: object = getattr(sys.stdout, "reconfigure", None)
    if callable(reconfigure):
        reconfigure(errors="replace")
    return Screen(highlight=False, markup=False, emoji=False)


def _codex() -> str:
    """The path of the program. Raises `ProblemError`."""
    program = shutil.which("codex")
    if program is None:
        raise ProblemError(
            Problem(
                code="codex_missing",
                message="the program `codex` is not on the PATH",
                remedy="Install it (`npm install -g @openai/codex` or `brew install codex`), run "
                "`codex login` once, and start the demo again; or leave out `--agent codex`.",
            )
        )
    return os.path.abspath(program)


def _announce(screen: Screen, place: Place, options: DemoOptions) -> None:
    who = "the bundled demo agent" if options.agent == "demo" else "your Codex"
    agents = count(options.slots, "agent")
    screen.print(f"{len(ISSUES)} issues, {who}, at most {agents} at a time, in {shown(place.root)}")
    if options.agent == "codex":
        screen.print("This uses your Codex account: eight small tasks, one session each or more.")


def _run(screen: Screen, place: Place, options: DemoOptions, identity: Identity) -> int:
    history = History()
    redactor = Redactor()
    logs = configure_logging(
        line_format="text", stream=None, redactor=redactor, logs_root=str(place.logs)
    )
    daemon = DaemonOptions(
        workflow_path=str(place.workflow),
        environment=environment_without_git(os.environ),
        logs_root=str(place.logs),
        identity=identity,
        redactor=redactor,
    )
    limit_s = options.limit_s or PACES[options.agent].limit_s
    is_live = screen.is_terminal and not screen.is_dumb_terminal and not options.plain
    title = "symphony demo" if options.agent == "demo" else "symphony demo with Codex"
    view = LiveView(screen, history, title) if is_live else PlainView(screen, history)
    try:
        with view:
            ending = anyio.run(partial(perform, daemon, history, view, limit_s=limit_s))
    finally:
        logs.close()
    return _conclude(screen, place, history, ending, options.agent)


def _conclude(
    screen: Screen, place: Place, history: History, ending: Ending, agent: AgentKind
) -> int:
    found = results(place)
    undone = [result for result in found if not result.is_done]
    screen.print()
    screen.print(_headline(found, history, ending), style="bold")
    screen.print()
    screen.print(results_table(found, history.tallies))
    if undone or ending.end is not End.FINISHED:
        _tell_what_is_wrong(screen, place, undone, ending)
        if agent == "codex" and ending.end is End.STUCK:
            screen.print("\nIs Codex logged in? `codex login status` says so.")
        if ending.end is End.LATE and not any(each.turns for each in history.tallies.values()):
            # Hooks and agents begin with the user's own login profile.
            screen.print("\nNo agent got to work. Is your login shell slow? `time bash -lc true`")
        return 130 if ending.end is End.INTERRUPTED else 1
    _tell_next_steps(screen, place)
    return 0


def _headline(found: Sequence[Result], history: History, ending: Ending) -> str:
    done = sum(result.is_done for result in found)
    latest = history.latest
    seconds = 0.0 if latest is None else history.seconds(latest.generated_at)
    head = f"{done} of {len(found)} issues are done after {seconds:.1f} s"
    return f"{head}: {ending.reason}" if ending.reason else f"{head}."


def _tell_what_is_wrong(
    screen: Screen, place: Place, undone: Sequence[Result], ending: Ending
) -> None:
    screen.print()
    if ending.end is End.INTERRUPTED:
        screen.print("Every agent has been stopped. `symphony demo` starts from the beginning.")
        return
    for result in undone:
        screen.print(f"{result.issue.identifier} is not done: {result.missing}.")
    _steps(
        screen,
        "To see what went wrong:",
        ("what the daemon decided, line by line", f"less {shown(place.logs / LOG_FILE_NAME)}"),
        ("what was said with each agent, a folder for each issue", f"ls {shown(place.logs)}"),
        ("where unfinished issues were worked on", f"ls {shown(place.workspaces)}"),
    )


def _tell_next_steps(screen: Screen, place: Place) -> None:
    repository, issues = shown(place.repository), shown(place.issues)
    program = own_program()
    _steps(
        screen,
        "Look at what they left:",
        ("eight branches, one for each issue", f"git -C {repository} log --oneline --graph --all"),
        ("an issue, moved and commented by its agent", f"cat {issues}/{ISSUES[0].file_name}"),
        ("all that the daemon was told", f"less {shown(place.workflow)}"),
        ("run it again by hand, on an issue that you add", f"{program} {shown(place.workflow)}"),
    )
    _steps(
        screen,
        "Use it on your own project:",
        ("write a WORKFLOW.md to start from", f"{program} init"),
        ("say whether the daemon would start with it", f"{program} check"),
        ("run it, until Ctrl-C", program),
    )


def _steps(screen: Screen, heading: str, *steps: tuple[str, str]) -> None:
    """Commands to copy, each below a remark on what it does."""
    screen.print(f"\n{heading}")
    for remark, command in steps:
        screen.print(Text(f"  # {remark}", style="dim"))
        screen.print(Text(f"  {command}"), soft_wrap=True)


def shown(path: Path) -> str:
    """A path as one would type it from here."""
    try:
        return shlex.quote(str(path.relative_to(Path.cwd())))
    except (ValueError, OSError):
        return shlex.quote(str(path))


def own_program() -> str:
    """How `symphony` was called, so that the next call works as well."""
    called = Path(sys.argv[0])
    if called.name != "symphony":
        return "symphony"
    found = shutil.which("symphony")
    if found is not None and os.path.samefile(found, called):
        return "symphony"
    return shown(called.absolute())
