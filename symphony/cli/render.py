"""`symphony render`: the exact prompt that an agent would get."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from symphony.cli.board import (
    EXIT_WORKFLOW,
    QuestionError,
    complain,
    compose,
    read_issue,
)
from symphony.cli.parsing import CommandParser
from symphony.cli.problems import all_told
from symphony.domain.ids import IssueId, IssueIdentifier
from symphony.domain.issue import BlockerRef, Issue
from symphony.domain.problems import ProblemError
from symphony.workflow.template import PromptTemplate

_DESCRIPTION = """\
Prints the prompt of the first turn for one issue, as the agent would get it, and nothing else. With
--sample no tracker is asked: the issue is made up, and every field of it has a value.
"""

_EXIT_CODES = """\
exit codes:
  0  printed
  1  WORKFLOW.md cannot be used, or the template fails for this issue
  4  the tracker does not show the issue
  5  the tracker did not answer
"""

SAMPLE = Issue(
    id=IssueId("sample-id"),
    identifier=IssueIdentifier("SAMPLE-1"),
    title="Mend the bridge",
    description="The third plank is loose.\n\nIt should hold two people.",
    state="Todo",
    priority=2,
    branch_name="mend-the-bridge",
    url="https://tracker.example/SAMPLE-1",
    assignee_id="sample-user",
    labels=("agent", "bridges"),
    blocked_by=(BlockerRef(id="other-id", identifier="SAMPLE-2", state="Done"),),
    dispatchable=True,
    native_ref={},
    created_at=datetime(2026, 1, 1, 9, 30, tzinfo=UTC),
    updated_at=datetime(2026, 1, 2, 9, 30, tzinfo=UTC),
)


def render_parser() -> CommandParser:
    """What the command takes."""
    parser = CommandParser(
        "render",
        _DESCRIPTION,
        _EXIT_CODES,
        usage="symphony render ISSUE [PATH] | symphony render --sample [PATH]",
    )
    parser.add_argument("--sample", action="store_true", help="for an issue that is made up")
    parser.add_argument(
        "--attempt", type=int, metavar="N", help="as for the Nth repetition (default: a fresh run)"
    )
    parser.add_argument(
        "words",
        nargs="*",
        metavar="ISSUE, PATH",
        help="the issue's identifier, such as ABC-123, unless --sample is given; then the workflow "
        "file (default: ./WORKFLOW.md)",
    )
    return parser


def run_render(words: Sequence[str]) -> int:
    """Print the prompt; gives the exit code."""
    parser = render_parser()
    options = parser.parse_args(words)
    names: list[str] = options.words
    if not options.sample and not names:
        parser.error("name an issue, or use --sample")
    identifier = None if options.sample else names.pop(0)
    if len(names) > 1:
        parser.error(f"what is {names[1]!r}? One workflow file is enough")
    try:
        template, issue = _subject(names[0] if names else None, identifier)
        print(template.render(issue, options.attempt))
    except QuestionError as error:
        return complain(error)
    except ProblemError as error:
        return complain(QuestionError(all_told(error.problems), EXIT_WORKFLOW))
    return 0


def _subject(path: str | None, identifier: str | None) -> tuple[PromptTemplate, Issue]:
    if identifier is None:
        return compose(path).template, SAMPLE
    workflow, issue = read_issue(path, identifier)
    return workflow.template, issue
