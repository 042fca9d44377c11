"""`symphony answer ISSUE` and `symphony stop ISSUE`: what an operator wants of the daemon."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from urllib.parse import quote

from symphony.agents.text import one_line
from symphony.cli.asking import EXIT_CODES, EXIT_REFUSED, Place, add_place, ask, find_daemon
from symphony.cli.board import QuestionError, complain
from symphony.cli.parsing import CommandParser
from symphony.domain.json import JsonObject, as_object, as_text

LARGEST_ANSWER_BYTES = 64 * 1024
"""Read from standard input; the daemon takes less, and says how much."""
QUESTION_CHARACTERS = 2_000

_EXIT_CODES = f"""\
{EXIT_CODES}\
  4  the daemon does not know the issue
  6  refused: the issue is in another state than this needs
"""

_ANSWER = """\
Answers what the agent of a blocked issue asked. A new run of the issue goes on in the same thread,
as soon as a slot is free, and is told the answer. Without TEXT the question is shown and the answer
is read from standard input. An issue that was stopped is started again in the same way.
"""

_STOP = """\
Ends the run of an issue, if one goes on, with all its processes, and starts no other until the
state, the labels or the text of the issue change, or until it is answered. The tracker is not
touched; a daemon that is started again knows nothing of it.
"""


def answer_parser() -> CommandParser:
    """What `symphony answer` takes."""
    parser = _parser("answer", _ANSWER)
    parser.add_argument("text", nargs="?", metavar="TEXT", help="the answer (default: from stdin)")
    add_place(parser)
    return parser


def stop_parser() -> CommandParser:
    """What `symphony stop` takes."""
    parser = _parser("stop", _STOP)
    add_place(parser)
    return parser


def run_answer(words: Sequence[str]) -> int:
    """Answer; gives the exit code."""
    options = answer_parser().parse_args(words)
    try:
        place = find_daemon(options.path, options.url)
        asked = _question(place, options.issue)
        text = options.text if options.text is not None else _read(asked)
        wish = {
            "issue_identifier": options.issue,
            "answer": text,
            "question_number": asked.get("question_number"),
        }
        ask(place, "api/v1/answer", body=wish)
    except QuestionError as error:
        return complain(error)
    print(f"{one_line(options.issue, 80)} is answered; it goes on when a slot is free.")
    return 0


def run_stop(words: Sequence[str]) -> int:
    """Stop; gives the exit code."""
    options = stop_parser().parse_args(words)
    try:
        place = find_daemon(options.path, options.url)
        done = ask(place, "api/v1/stop", body={"issue_identifier": options.issue})
    except QuestionError as error:
        return complain(error)
    ends = "its agent is being ended" if done.get("was") == "running" else "it will not be started"
    print(f"{one_line(options.issue, 80)} is held until it changes; {ends}.")
    return 0


def _parser(name: str, description: str) -> CommandParser:
    parser = CommandParser(name, description, _EXIT_CODES)
    parser.add_argument("issue", metavar="ISSUE", help="its identifier, such as ABC-123")
    return parser


def _question(place: Place, identifier: str) -> JsonObject:
    """What the issue asks now. Raises `QuestionError`."""
    known = ask(place, f"api/v1/{quote(identifier, safe='')}")
    asked = as_object(known.get("blocked"))
    if asked is None:
        status = one_line(as_text(known.get("status")) or "?", 40)
        message = f"error: {one_line(identifier, 80)} asks nothing; it is {status}."
        raise QuestionError(message, EXIT_REFUSED)
    return asked


def _read(asked: JsonObject) -> str:
    if sys.stdin.isatty():
        question = one_line(as_text(asked.get("question")) or "", QUESTION_CHARACTERS)
        print(f"{question}\n\nYour answer, and Ctrl-D on a line of its own to send it:")
    data = sys.stdin.buffer.read(LARGEST_ANSWER_BYTES + 1)
    if len(data) > LARGEST_ANSWER_BYTES:
        message = f"error: an answer has at most {LARGEST_ANSWER_BYTES} bytes."
        raise QuestionError(message, EXIT_REFUSED)
    text = data.decode("utf-8", "replace").strip()
    if not text:
        raise QuestionError("error: nothing was answered.", EXIT_REFUSED)
    return text
