"""`symphony explain ISSUE` and `symphony plan`: what the next poll would do, by the scheduler's own
rules. Of a daemon that is at work, `explain` first tells what that one knows."""

from __future__ import annotations

import json
from collections.abc import Sequence

from symphony.cli.board import (
    EXIT_BLOCKED,
    EXIT_NOT_VISIBLE,
    Board,
    QuestionError,
    add_path,
    complain,
    compose,
    not_visible,
    read_board,
)
from symphony.cli.known import Knowledge, ask_about, ask_if_there
from symphony.cli.parsing import CommandParser
from symphony.domain.json import JsonValue
from symphony.domain.settings import Settings
from symphony.processes.lock import find_holders
from symphony.scheduler.eligibility import Rule
from symphony.scheduler.explain import Explanation, plan
from symphony.scheduler.state import SchedulerState

EXIT_NO_DAEMON = 5
"""With --daemon; 3 says that a rule blocks."""

_EXPLAIN = """\
Says of one issue why it runs or does not. If a daemon is at work on the workspace root and has its
HTTP interface (`--port`, or server.port), it first tells what that daemon knows: its runs, retries
and questions, and what its last poll decided. Then it reads the tracker, and says rule by rule
whether a daemon that starts now would run the issue. Starts and changes nothing.
"""

_EXIT_CODES = """\
exit codes:
  0  it would run; with --daemon: it runs
  1  WORKFLOW.md cannot be used
  3  a rule blocks it; with --daemon: it waits
  4  the tracker does not show it; with --daemon: the daemon does not know it
  5  the tracker did not answer; with --daemon: the daemon did not, or there is none
"""

_PLAN = """\
Lists the candidates in the order of dispatch and says of each whether a daemon that starts now
would start it, or why not. Reads the tracker; starts and changes nothing.
"""


def explain_parser() -> CommandParser:
    """What `explain` takes."""
    parser = CommandParser("explain", _EXPLAIN, _EXIT_CODES)
    parser.add_argument("--json", action="store_true", help="for another program to read")
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--daemon", action="store_true", help="ask the running daemon only")
    one.add_argument("--tracker", action="store_true", help="read the tracker only")
    parser.add_argument(
        "--url",
        help="address of the daemon's HTTP interface (default: found by the workspace root)",
    )
    parser.add_argument("issue", metavar="ISSUE", help="its identifier, such as ABC-123")
    add_path(parser)
    return parser


def plan_parser() -> CommandParser:
    """What `plan` takes."""
    parser = CommandParser("plan", _PLAN)
    parser.add_argument("--json", action="store_true", help="for another program to read")
    add_path(parser)
    return parser


def run_explain(words: Sequence[str]) -> int:
    """Explain one issue; gives the exit code."""
    options = explain_parser().parse_args(words)
    try:
        workflow = compose(options.path)
        if options.daemon:
            return _by_daemon(workflow.settings, options.url, options.issue, as_json=options.json)
        known, problem = None, None
        if not options.tracker:
            known, problem = ask_if_there(workflow.settings, options.url, options.issue)
        if not options.json:
            _tell_of_daemon(known, problem)
        board = read_board(workflow, options.issue)
        explanation = _of_issue(board, options.issue)
    except QuestionError as error:
        return complain(error)
    if options.json:
        _print_json({**_as_json(explanation), "daemon": known and known.as_json()})
    else:
        if known is not None:
            print("By the tracker as it is now, for a daemon that starts now:")
        print(_told(explanation, len(board.candidates)))
    return 0 if explanation.would_run else EXIT_BLOCKED


def _by_daemon(settings: Settings, url: str | None, issue: str, *, as_json: bool) -> int:
    try:
        known = ask_about(settings, url, issue)
    except QuestionError as error:
        return complain(QuestionError(str(error), EXIT_NO_DAEMON))
    if as_json:
        _print_json({"issue_identifier": issue, "daemon": known.as_json()})
    else:
        print(known.told())
    if known.runs:
        return 0
    return EXIT_BLOCKED if known.is_known else EXIT_NOT_VISIBLE


def _tell_of_daemon(known: Knowledge | None, problem: str | None) -> None:
    if known is not None:
        print(f"{known.told()}\n")
    elif problem is not None:
        print(f"A daemon is at work and cannot be asked: {problem}\n")


def _print_json(value: JsonValue) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def run_plan(words: Sequence[str]) -> int:
    """List what would be started; gives the exit code."""
    options = plan_parser().parse_args(words)
    try:
        board = read_board(compose(options.path))
    except QuestionError as error:
        return complain(error)
    planned = plan(SchedulerState(settings=board.workflow.settings), board.candidates)
    if options.json:
        _print_json([_as_json(each) for each in planned])
        return 0
    for each in planned:
        print(_row(each))
    starts = sum(each.would_run for each in planned)
    print(f"{starts} of {len(planned)} candidates would be started.")
    _tell_of_holders(board)
    return 0


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


def _as_json(explanation: Explanation) -> dict[str, JsonValue]:
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


def _tell_of_holders(board: Board) -> None:
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
