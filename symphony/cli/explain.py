"""`symphony explain ISSUE` and `symphony plan`: what the next poll would do, by the scheduler's own
rules."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from symphony.cli.board import (
    EXIT_BLOCKED,
    Board,
    QuestionError,
    add_path,
    complain,
    not_visible,
    read_board,
)
from symphony.domain.json import JsonObject
from symphony.processes.lock import find_holders
from symphony.scheduler.eligibility import Rule
from symphony.scheduler.explain import Explanation, plan
from symphony.scheduler.state import SchedulerState

_EXPLAIN = """\
Says of one issue whether a daemon that starts now would run it, rule by rule, and names the first
rule that blocks. Reads the tracker; starts and changes nothing. Runs and retries of a daemon that
is at work already are not counted.
"""

_EXIT_CODES = """\
exit codes:
  0  it would run
  1  WORKFLOW.md cannot be used
  3  a rule blocks it
  4  the tracker does not show it
  5  the tracker did not answer
"""

_PLAN = """\
Lists the candidates in the order of dispatch and says of each whether a daemon that starts now
would start it, or why not. Reads the tracker; starts and changes nothing.
"""


def run_explain(words: Sequence[str]) -> int:
    """Explain one issue; gives the exit code."""
    parser = _parser("explain", _EXPLAIN, _EXIT_CODES)
    parser.add_argument("issue", metavar="ISSUE", help="its identifier, such as ABC-123")
    add_path(parser)
    options = parser.parse_args(words)
    try:
        board = read_board(options.path, options.issue)
        explanation = _of_issue(board, options.issue)
    except QuestionError as error:
        return complain(error)
    if options.json:
        print(json.dumps(_as_json(explanation), ensure_ascii=False, indent=2))
    else:
        print(_told(explanation, len(board.candidates)))
        _tell_of_daemon(board)
    return 0 if explanation.would_run else EXIT_BLOCKED


def run_plan(words: Sequence[str]) -> int:
    """List what would be started; gives the exit code."""
    parser = _parser("plan", _PLAN, None)
    add_path(parser)
    options = parser.parse_args(words)
    try:
        board = read_board(options.path)
    except QuestionError as error:
        return complain(error)
    planned = plan(SchedulerState(settings=board.workflow.settings), board.candidates)
    if options.json:
        print(json.dumps([_as_json(each) for each in planned], ensure_ascii=False, indent=2))
        return 0
    for each in planned:
        print(_row(each))
    starts = sum(each.would_run for each in planned)
    print(f"{starts} of {len(planned)} candidates would be started.")
    _tell_of_daemon(board)
    return 0


def _parser(name: str, description: str, epilog: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"symphony {name}",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="for another program to read")
    return parser


def _of_issue(board: Board, identifier: str) -> Explanation:
    issue = board.issue
    if issue is None:
        raise not_visible(board.workflow, identifier)
    # One that is not in an active state is no candidate; it is judged like one, to say why.
    others = [each for each in board.candidates if each.id != issue.id]
    planned = plan(SchedulerState(settings=board.workflow.settings), (*others, issue))
    return next(each for each in planned if each.issue.id == issue.id)


def _told(explanation: Explanation, candidates: int) -> str:
    issue, block = explanation.issue, explanation.block
    lines = [f"{issue.identifier} ({issue.state}): {_one_line(issue.title)}", ""]
    for rule in explanation.rules:
        lines.append(f"  {'pass ' if rule.passed else 'BLOCK'}  {rule.code:<20}{_why(rule)}")
    lines.append("")
    if block is None:
        lines.append(f"It would run: number {explanation.place} of {candidates} candidates.")
    else:
        lines.append(f"It would not run ({block.code}): {block.reason}.")
    return "\n".join(lines)


def _why(rule: Rule) -> str:
    return "" if rule.passed else f"  {rule.reason}"


def _row(explanation: Explanation) -> str:
    issue, block = explanation.issue, explanation.block
    verdict = "start" if block is None else f"wait   {block.code}: {block.reason}"
    return f"{explanation.place:>4}  {issue.identifier:<14} {issue.state:<14} {verdict}"


def _as_json(explanation: Explanation) -> JsonObject:
    issue, block = explanation.issue, explanation.block
    return {
        "issue_id": issue.id,
        "issue_identifier": issue.identifier,
        "state": issue.state,
        "place": explanation.place,
        "would_run": explanation.would_run,
        "code": None if block is None else block.code,
        "reason": None if block is None else block.reason,
        "rules": [
            {
                "code": rule.code,
                "passed": rule.passed,
                "reason": None if rule.passed else rule.reason,
            }
            for rule in explanation.rules
        ],
    }


def _tell_of_daemon(board: Board) -> None:
    root = board.workflow.settings.workspace.root
    holders = find_holders(root)
    if holders:
        pids = ", ".join(str(pid) for pid in holders)
        print(
            f"A daemon is at work on {root} (process {pids}); its runs and retries are not counted."
        )


def _one_line(text: str) -> str:
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(plain.split())
