"""`symphony status`: what the running daemon does, on one page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from symphony.agents.text import one_line
from symphony.cli.asking import EXIT_CODES, add_place, ask, find_daemon
from symphony.cli.board import QuestionError, complain
from symphony.cli.parsing import CommandParser
from symphony.domain.json import JsonObject, JsonValue, as_array, as_object, as_text
from symphony.scheduler.state import STOPPED_BY_OPERATOR

SHOWN_WAITING = 20
"""More rows than fit on a screen help nobody; `--json` has all of them."""
MESSAGE_CHARACTERS = 60

_DESCRIPTION = """\
Shows what the daemon of this WORKFLOW.md does: running sessions, retries, blocked issues with their
question, waiting issues with the reason, totals. The daemon needs its HTTP interface (`--port`, or
server.port).
"""


def status_parser() -> CommandParser:
    """What the command takes."""
    parser = CommandParser("status", _DESCRIPTION, EXIT_CODES)
    add_place(parser)
    parser.add_argument("--json", action="store_true", help="for another program to read")
    return parser


def run_status(words: Sequence[str]) -> int:
    """Show it; gives the exit code."""
    options = status_parser().parse_args(words)
    try:
        state = ask(find_daemon(options.path, options.url), "api/v1/state")
    except QuestionError as error:
        return complain(error)
    if options.json:
        print(json.dumps(state, ensure_ascii=False, indent=2))
    else:
        print("\n".join(lines_of(state)))
    return 0


def lines_of(state: JsonObject) -> Iterator[str]:
    """The page, line by line."""
    yield from _head(state)
    yield from _section("Running", map(_running, _rows(state, "running")))
    yield from _section("Retrying", map(_retrying, _rows(state, "retrying")))
    yield from _section("Blocked", map(_blocked, _rows(state, "blocked")))
    waiting = _rows(state, "skipped")
    yield from _section("Waiting", map(_waiting, waiting[:SHOWN_WAITING]))
    more = max(len(waiting), round(_number(_map(state, "counts").get("skipped")))) - SHOWN_WAITING
    if more > 0:
        yield f"  ... and {more:,} more"
    yield ""
    yield _totals(state)


def _head(state: JsonObject) -> Iterator[str]:
    limits, workflow = _map(state, "limits"), _map(state, "workflow")
    slots = _number(limits.get("max_concurrent_agents"))
    used = slots - _number(limits.get("free_slots"))
    stopping = ", stopping" if state.get("draining") is True else ""
    # The path last: it may be long, and a terminal cuts it.
    yield f"{used:g} of {slots:g} slots in use{stopping}, by {_text(workflow, 'path')}"
    if problem := _text(workflow, "problem"):
        yield f"WORKFLOW.md cannot be used, nothing new starts: {problem}"
    poll = as_object(state.get("last_poll"))
    if poll is None:
        yield "Not polled yet."
        return
    ago = age_of_poll(state)
    yield f"Polled {ago} ago: {_number(poll.get('candidates')):g} candidates.{_next(poll, state)}"
    if problem := _text(poll, "problem"):
        yield f"The tracker does not answer: {problem}"


def _next(poll: JsonObject, state: JsonObject) -> str:
    at, now = _instant(poll.get("next_at")), _instant(state.get("generated_at"))
    if at is None or now is None:
        return ""
    left = (at - now).total_seconds()
    return f" Polling again in {_duration(left)}." if left > 0 else " Polling."


def _section(title: str, rows: Iterable[str]) -> Iterator[str]:
    found = list(rows)
    if found:
        yield ""
        yield title
        yield from (f"  {row}" for row in found)


def _running(row: JsonObject) -> str:
    return f"{_name(row)} {_text(row, 'state'):<14} {running_text(row)}"


def running_text(row: JsonObject) -> str:
    """What a session does, for how long, and what it costs."""
    tokens = _map(row, "tokens").get("total_tokens")
    counted = f"{_number(tokens):,.0f} tokens" if tokens is not None else "tokens unknown"
    doing = _text(row, "last_message") or _text(row, "phase")
    attempt = row.get("attempt")
    again = f"attempt {_number(attempt):g}, " if attempt is not None else ""
    stopping = " (stopping)" if row.get("stopping") is not None else ""
    return (
        f"{again}turn {_number(row.get('turn_count')):g}, "
        f"{_duration(_number(row.get('seconds')))}, {counted}{stopping}: {_short(doing)}"
    )


def _retrying(row: JsonObject) -> str:
    return f"{_name(row)} {retrying_text(row)}"


def retrying_text(row: JsonObject) -> str:
    """Which attempt comes next, when, and why."""
    due = _number(row.get("due_in_ms")) / 1000
    waits = _text(row, "waiting_for")
    when = f"in {_duration(due)}" if waits == "time" else f"waits for {waits}"
    error = _short(_text(row, "error"))
    if _text(row, "kind") == "continuation":
        return f"ended well, looked at once more {when}" + (f": {error}" if error else "")
    if _text(row, "kind") == "answer":
        return f"goes on with the answer {when}"
    return f"attempt {_number(row.get('attempt')):g} {when}" + (f": {error}" if error else "")


def _blocked(row: JsonObject) -> str:
    asks = "" if row.get("request") == STOPPED_BY_OPERATOR else "asks: "
    return f"{_name(row)} {asks}{_short(_text(row, 'question'))}"


def _waiting(row: JsonObject) -> str:
    return f"{_name(row)} {_text(row, 'code')}: {_short(_text(row, 'reason'))}"


def _totals(state: JsonObject) -> str:
    totals = _map(state, "codex_totals")
    requests = _map(state, "tracker").get("requests_sent")
    asked = "" if requests is None else f", {_number(requests):,.0f} requests to the tracker"
    return (
        f"Totals: {_number(state.get('completed_runs')):g} runs completed, "
        f"{_number(totals.get('total_tokens')):,.0f} tokens, "
        f"{_duration(_number(totals.get('seconds_running')))} of work{asked}"
    )


def _rows(state: JsonObject, name: str) -> list[JsonObject]:
    return [row for each in as_array(state.get(name)) or () if (row := as_object(each)) is not None]


def _map(members: JsonObject, name: str) -> JsonObject:
    return as_object(members.get(name)) or {}


def _text(members: JsonObject, name: str) -> str:
    return one_line(as_text(members.get(name)) or "", 4 * MESSAGE_CHARACTERS)


def _name(row: JsonObject) -> str:
    return f"{_text(row, 'issue_identifier'):<12}"


def _short(text: str) -> str:
    return one_line(text, MESSAGE_CHARACTERS)


def _number(value: JsonValue) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def _instant(value: JsonValue) -> datetime | None:
    try:
        return datetime.fromisoformat(as_text(value) or "").astimezone(UTC)
    except ValueError:
        return None


def age_of_poll(state: JsonObject) -> str:
    """How long before this state the tracker was read last."""
    at, now = _instant(_map(state, "last_poll").get("at")), _instant(state.get("generated_at"))
    return "?" if at is None or now is None else _duration((now - at).total_seconds())


def _duration(seconds: float) -> str:
    """`42 s`, `3 m 05 s`, `2 h 07 m`."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} m {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} m"
