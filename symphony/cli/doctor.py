"""`symphony doctor`: is everything there that the daemon will need tonight?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial

import anyio

from symphony.cli.board import (
    READ_TIMEOUT_S,
    QuestionError,
    add_path,
    ask_tracker,
    complain,
    compose,
)
from symphony.cli.examination import (
    Finding,
    examine_agent,
    examine_clock,
    examine_port,
    examine_root,
    examine_shell,
)
from symphony.cli.parsing import CommandParser
from symphony.cli.trial import Trials
from symphony.runtime.effective import EffectiveWorkflow, WorkflowShelf
from symphony.trackers.errors import TrackerError

_DESCRIPTION = """\
Tries out what the daemon will need: the shell, the agent with its version, login and sandbox, the
tracker and what the credentials may do there, the workspace root, the port, the clock. Starts no
run and changes nothing.
"""

_EXIT_CODES = """\
exit codes:
  0  nothing stands in the way; there may be warnings
  1  something does, or WORKFLOW.md cannot be used
"""


def doctor_parser() -> CommandParser:
    """What the command takes."""
    parser = CommandParser("doctor", _DESCRIPTION, _EXIT_CODES)
    add_path(parser)
    return parser


def run_doctor(words: Sequence[str]) -> int:
    """Examine everything; gives the exit code."""
    options = doctor_parser().parse_args(words)
    try:
        workflow = compose(options.path)
    except QuestionError as error:
        return complain(error)
    failures = warnings = 0
    for finding in _findings(workflow):
        failures += finding.verdict == "fail"
        warnings += finding.verdict == "warn"
        # At once: a slow login shell or tracker should not look like a hang.
        print(f"{finding.verdict:<5} {finding.topic:<11} {finding.message}", flush=True)
        if finding.remedy:
            print(f"{'':<18}{finding.remedy}", flush=True)
    print(_summary(failures, warnings))
    return 1 if failures else 0


def _findings(workflow: EffectiveWorkflow) -> Iterator[Finding]:
    settings = workflow.settings
    template = workflow.template.problem
    if template is None:
        yield Finding(topic="workflow", verdict="ok", message=settings.workflow_path)
    else:
        yield Finding(
            topic="workflow",
            verdict="fail",
            message=str(template),
            remedy="Every run fails until the prompt is mended.",
        )
    # What the daemon would keep from a child, the trial keeps from it too.
    shelf = WorkflowShelf(workflow)
    trials = Trials(
        environment=os.environ,
        secret_names=shelf.secret_names,
        secret_values=shelf.secret_values,
    )
    yield from examine_shell()
    yield from examine_agent(settings, trials)
    yield from _tracker(workflow)
    yield from examine_root(settings)
    yield from examine_port(settings)
    yield from examine_clock(settings)


def _tracker(workflow: EffectiveWorkflow) -> Iterator[Finding]:
    kind = workflow.settings.tracker.kind
    try:
        count, rights = anyio.run(partial(ask_tracker, workflow.tracker, workflow.settings))
    except (TrackerError, TimeoutError) as error:
        reason = str(error) or f"no answer within {READ_TIMEOUT_S:.0f} s"
        yield Finding(
            topic="tracker",
            verdict="fail",
            message=f"{kind} does not answer: {reason}",
            remedy="Check the settings below tracker.provider.",
        )
        return
    for sentence in (f"{kind} answers: {count} issues in active states", *rights):
        yield Finding(topic="tracker", verdict="ok", message=sentence)


def _summary(failures: int, warnings: int) -> str:
    told = [
        f"{count} {word}{'s' if count > 1 else ''}"
        for count, word in ((failures, "failure"), (warnings, "warning"))
        if count
    ]
    return f"\n{' and '.join(told).capitalize()}." if told else "\nAll is well."
