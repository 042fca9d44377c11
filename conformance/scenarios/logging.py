"""What the service logs, and that it does not depend on being able to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from conformance.agents.steps import WORKS, agent_script, fail, gate, say, turn
from conformance.lab.boards import Handle, only_for
from conformance.lab.lab import Lab
from conformance.lab.logs import LogLine
from conformance.manifest.model import Manifest
from conformance.manifest.sections import Dialect
from conformance.scenario import scenario
from conformance.scenarios.lives import printed_since

PAYLOAD: Final = "payload" * 40_000
"""Of an agent's message; 280 kB."""
LARGEST_LINE: Final = 16_000
"""Characters of a line that is no dump of a payload."""
REASON: Final = "thereactoriscold"
THREAD: Final = "thread-of-the-lab"
FULL: Final = Path("/dev/full")
"""A file that can be opened and never written to; Linux has it."""
GOOD_END: Final = r"complet|succe|finish|normal|cancel|stopped"
BAD_END: Final = r"fail|error|retry|crash|abnormal"


@scenario(
    "Lines about issues and sessions name them, and say what came of an action and why",
    checks=(
        "log.context.issue",
        "log.context.session",
        "log.format.keys",
        "log.outcome.stated",
        "log.payload.limited",
        "log.failure.visible",
    ),
)
async def log_lines_of_a_run(lab: Lab) -> None:
    working = lab.tracker.put("ENG-1")
    failing = lab.tracker.put("ENG-2")
    unhooked = lab.tracker.put("ENG-3")
    lab.script(working, agent_script(turn(gate("talk"), say(PAYLOAD), gate()), thread_id=THREAD))
    lab.script(failing, agent_script(turn(fail(REASON))), WORKS)
    lab.workflow(hooks={"before_run": only_for({unhooked: "exit 7"})})
    await lab.start()
    session = await lab.at_gate(working, gate="talk")
    session.open_gate("talk")
    await lab.at_gate(working)
    await lab.at_gate(failing, 2)
    await lab.polls(3)
    begun = lab.log()
    before = lab.output()
    lab.finish(working)
    await lab.ended(session)
    await lab.until(lambda: lab.files.workspace(working) is None, "the workspace is removed")

    about = {each.identifier: _about(lab.log(), each) for each in (working, failing, unhooked)}
    with lab.judging("log.context.issue") as judge:
        for name, lines in about.items():
            judge.holds(lines, expected=f"lines about {name}", seen=lab.output()[-300:])
            for line in lines:
                judge.holds(
                    _value(line, "issue_id") and _value(line, "issue_identifier") == name,
                    expected=f"issue_id, and {name} as issue_identifier",
                    seen=line.text[:500],
                )
        if lab.dialect is Dialect.LINEAR:
            ids = {_value(line, "issue_id") for line in about[working.identifier]}
            judge.equal(ids, {working.id}, "the values of issue_id")
    with lab.judging("log.context.session") as judge:
        judge.holds(
            _of_session(begun),
            expected="a line with the session_id of thread and turn while it works",
            seen=_ends_with(begun),
        )
        # What is written comes a little later than what is done.
        await lab.until(
            lambda: _of_session(_new(lab, before)),
            "a line with the session_id of thread and turn when it ends",
            seen=lambda: _ends_with(_new(lab, before)),
        )
    with lab.judging("log.format.keys") as judge:
        named = re.compile(rf"(?<![\w/.-]){re.escape(working.identifier)}(?![\w-])")
        for line in lab.log():
            judge.holds(
                line.values or not named.search(line.text),
                expected="a log line has keys and values",
                seen=line.text[:500],
            )
    with lab.judging("log.outcome.stated") as judge:
        await lab.until(
            lambda: _say(_about(_new(lab, before), working), GOOD_END),
            f"an outcome such as {GOOD_END}",
            seen=lambda: _ends_with(_about(_new(lab, before), working)),
        )
        for issue in (failing, unhooked):
            lines = about[issue.identifier]
            judge.holds(
                _say(lines, BAD_END),
                expected=f"an outcome such as {BAD_END}",
                seen=_ends_with(lines),
            )
        for issue, reason in ((failing, rf"{REASON}|turn"), (unhooked, "hook|before_run")):
            told = [
                each
                for each in about[issue.identifier]
                if re.search(BAD_END, each.text, re.I) and re.search(reason, each.text, re.I)
            ]
            judge.holds(
                told,
                expected=f"a reason of the failure of {issue.identifier}, such as {reason}",
                seen=_ends_with(about[issue.identifier]),
            )
    with lab.judging("log.failure.visible") as judge:
        judge.holds(
            _say(about[unhooked.identifier], BAD_END),
            expected="a run that cannot begin is seen in the output",
            seen=lab.output()[-500:],
        )
    with lab.judging("log.payload.limited") as judge:
        longest = max((len(each.text) for each in lab.log()), default=0)
        judge.holds(
            longest <= LARGEST_LINE,
            expected=f"no line is longer than {LARGEST_LINE} characters",
            seen=f"one of {longest}",
        )


@scenario(
    "A service whose output is refused goes on, and says so elsewhere",
    checks=("log.sink.survives", "log.sink.warned", "cli.exit.abnormal"),
)
async def logs_that_cannot_be_written(lab: Lab) -> None:
    if not FULL.exists():
        for id_ in ("log.sink.survives", "log.sink.warned", "cli.exit.abnormal"):
            lab.not_applicable(id_, f"this system has no {FULL}")
        return
    issue = lab.tracker.put("ENG-1")
    lab.script(None, WORKS)
    lab.workflow("Work")
    manifest = lab.target.manifest
    words = ("/bin/sh", "-c", f'exec "$@" >{FULL} 2>{FULL}', "sh", *_command(manifest))
    launch = manifest.launch.model_copy(update={"command": words})
    lab.target.manifest = manifest.model_copy(update={"launch": launch})
    with lab.judging("log.sink.survives"):
        await lab.start()
        session = await lab.at_gate(issue)
        lab.finish(issue, "Human Review")
        await lab.ended(session)
        await lab.polls(2)
        # By now it has met the full output more than once.
        lab.tracker.set_state(issue.name, "Todo")
        await lab.at_gate(issue, 2)
    with lab.judging("cli.exit.abnormal") as judge:
        judge.holds(
            lab.target.exit_code != 0,
            expected="it goes on, or ends with another code than 0",
            seen="it exited with 0",
        )
    # Where it is played says nothing, whatever the directory is called.
    kept = lab.output().replace(str(lab.target.places.ground), "")
    if not manifest.logs.files:
        lab.not_applicable("log.sink.warned", "the manifest names no log files beside the output")
        return
    with lab.judging("log.sink.warned") as judge:
        judge.holds(
            re.search(r"sink|no space|enospc|log\w*[ ._-]*(write|fail|error)", kept, re.IGNORECASE),
            expected="the log files tell of the output that could not be written",
            seen=kept[-500:],
        )


def _command(manifest: Manifest) -> Sequence[str]:
    """The command of the manifest, for a shell that starts in another directory, with what makes
    it write log files."""
    program, *rest = (*manifest.launch.command, *manifest.logs.arguments)
    is_relative = "/" in program and not program.startswith(("/", "{"))
    return (str(manifest.directory / program) if is_relative else program, *rest)


def _new(lab: Lab, before: str) -> Sequence[LogLine]:
    """What it has written since its output was `before`."""
    new = printed_since(lab, before)
    return [line for line in lab.log() if line.text in new]


def _of_session(lines: Sequence[LogLine]) -> Sequence[LogLine]:
    """Lines that name both the thread and the turn of the working agent."""
    ids = [(each, _value(each, "session_id")) for each in lines]
    return [each for each, id_ in ids if id_.startswith(THREAD) and id_ != THREAD]


def _say(lines: Sequence[LogLine], pattern: str) -> bool:
    return any(re.search(pattern, each.text, re.IGNORECASE) for each in lines)


def _ends_with(lines: Sequence[LogLine]) -> str:
    return "\n".join(each.text[:200] for each in lines)[-500:]


def _about(lines: Sequence[LogLine], issue: Handle) -> Sequence[LogLine]:
    """Lines about this issue, and not about several or about a directory of its name."""
    name = re.compile(rf"(?<![\w/.-]){re.escape(issue.identifier)}(?![\w/-])")
    return [
        each
        for each in lines
        if name.search(each.text)
        or _value(each, "issue_identifier") == issue.identifier
        or (issue.number is None and _value(each, "issue_id") == issue.id)
    ]


def _value(line: LogLine, key: str) -> str:
    """Also of a key within others, as some formats of JSON have them."""
    found = [
        value for name, value in line.values.items() if name == key or name.endswith(f".{key}")
    ]
    return found[0] if found else ""
