"""`symphony logs ISSUE`: what was said in the sessions of one issue, in plain words.

Reads the session logs from disk, so that it needs no running daemon. What agents said is made fit
for a terminal: no control character of theirs reaches it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

from symphony.agents.activity import describe
from symphony.agents.text import one_line
from symphony.cli.board import EXIT_NOT_VISIBLE, QuestionError, add_path, complain, compose
from symphony.cli.parsing import CommandParser
from symphony.domain.json import JsonObject, as_object, as_text, parse_json
from symphony.observability.session_log import SESSIONS_DIRECTORY, default_logs_root
from symphony.workspaces.key import workspace_key

LARGEST_LINE_BYTES = 1024 * 1024
"""The daemon writes no longer ones; whatever else stands in the file is cut."""
SHOWN_CHARACTERS = 300
DEFAULT_LINES = 40
_LOOK_AGAIN_MS = 500
_ARROWS = {"to_agent": ">", "from_agent": "<", "stderr": "!", "note": "#"}

_DESCRIPTION = """\
Prints the newest session log of an issue: each message to (>) and from (<) the agent in plain
words, what it printed beside (!), with the time in UTC. Needs no running daemon and no tracker.
"""


def run_logs(words: Sequence[str]) -> int:
    """Print; gives the exit code."""
    options = logs_parser().parse_args(words)
    try:
        folder = _folder(options.issue, options.path, options.logs_root)
        newest = _newest(folder, options.issue)
    except QuestionError as error:
        return complain(error)
    show = _raw if options.raw else _told
    position = 0
    lines = list(_lines(newest, 0))
    for line, end in lines[-options.lines :] if options.lines else lines:
        _print(show(line))
        position = end
    if not options.follow:
        return 0
    for line in _following(folder, newest, position):
        _print(show(line))
    return 0


def logs_parser() -> CommandParser:
    """What the command takes."""
    parser = CommandParser("logs", _DESCRIPTION)
    parser.add_argument("issue", metavar="ISSUE", help="its identifier, such as ABC-123")
    add_path(parser)
    parser.add_argument(
        "-f", "--follow", action="store_true", help="go on until Ctrl-C, into new sessions as well"
    )
    parser.add_argument(
        "-n",
        "--lines",
        type=int,
        default=DEFAULT_LINES,
        metavar="N",
        help=f"the last N lines, 0 for all (default: {DEFAULT_LINES})",
    )
    parser.add_argument("--raw", action="store_true", help="the lines of the file as they are")
    parser.add_argument(
        "--logs-root", metavar="DIR", help="as given to the daemon, where it was given one"
    )
    return parser


def _folder(issue: str, path: str | None, logs_root: str | None) -> str:
    root = logs_root
    if root is None:
        root = default_logs_root(compose(path).settings.workspace.root, os.environ)
    if root is None:
        raise QuestionError("error: there is no home directory; use --logs-root", EXIT_NOT_VISIBLE)
    return os.path.join(os.path.abspath(root), SESSIONS_DIRECTORY, workspace_key(issue))


def _newest(folder: str, issue: str) -> str:
    files = _files(folder)
    if not files:
        message = (
            f"error: there is no session log of {issue} below {os.path.dirname(folder)}. Check the "
            "spelling, and --logs-root if the daemon was started with it."
        )
        raise QuestionError(message, EXIT_NOT_VISIBLE)
    return files[-1]


def _files(folder: str) -> list[str]:
    """The names begin with the time, so that they sort from the oldest to the newest."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".jsonl"))
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names]


def _lines(path: str, position: int) -> Iterator[tuple[bytes, int]]:
    """The complete lines after a position, each with the position of its end."""
    with open(path, "rb") as file:
        file.seek(position)
        while line := file.readline(LARGEST_LINE_BYTES):
            if not line.endswith(b"\n") and len(line) < LARGEST_LINE_BYTES:
                return
            position += len(line)
            yield line, position


def _following(folder: str, path: str, position: int) -> Iterator[bytes]:
    """What is added, woken by the file system; a newer file takes over where this one ends."""
    from watchfiles import watch

    changes = watch(
        folder,
        recursive=False,
        watch_filter=None,
        rust_timeout=_LOOK_AGAIN_MS,
        yield_on_timeout=True,
        raise_interrupt=True,
    )
    for _ in changes:
        for line, end in _lines(path, position):
            position = end
            yield line
        newer = [each for each in _files(folder) if each > path]
        if newer:
            path, position = newer[0], 0


def _raw(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\n")


def _told(line: bytes) -> str:
    entry = as_object(parse_json(line)) or {}
    at = (as_text(entry.get("at")) or "")[11:23]
    direction = as_text(entry.get("direction")) or "note"
    text = as_text(entry.get("line")) or ""
    words = text if direction in ("stderr", "note") else _message(text)
    return f"{at} {_ARROWS.get(direction, '?')} {one_line(words, SHOWN_CHARACTERS)}"


def _message(text: str) -> str:
    message = as_object(parse_json(text.encode()))
    if message is None:
        return text
    method = as_text(message.get("method"))
    if method is None:
        refused = as_object(message.get("error"))
        words = "" if refused is None else as_text(refused.get("message")) or "no reason"
        return f"{f'refused: {words}' if words else 'answered'} ({message.get('id')})"
    params: JsonObject = as_object(message.get("params")) or {}
    activity = describe(method, params) if message.get("id") is None else None
    return method if activity is None or activity.message == method else f"{activity.message}"


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
