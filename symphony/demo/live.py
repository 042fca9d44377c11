"""The live view: one screen out of the history. Pure; width and height are the caller's.

States are written in words, so that nothing depends on colour; what is foreign is `Text`, never
markup. Eighty columns are enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from symphony.demo.happenings import Happening, why_waiting
from symphony.demo.history import History
from symphony.demo.words import count, doing, failure, plain, stopping
from symphony.scheduler.snapshot import RetryRow, RunningRow, Snapshot

NAME_WIDTH: Final = 7
STATE_WIDTH: Final = 11
MIN_HAPPENINGS: Final = 3
_FRAME_LINES: Final = 6
"""The head, three rules, the line of the cursor, and one that an echoed Ctrl-C may take."""

_PHASES: Final = {
    "preparing_workspace": "prepares its workspace",
    "building_prompt": "writes the prompt",
    "launching_agent_process": "starts the agent",
    "initializing_session": "opens a session",
    "streaming_turn": "waits for the agent's first word",
    "finishing": "ends the session",
}


def live_view(
    history: History, *, total: int, done: int, height: int, title: str
) -> RenderableType:
    """`done` of `total` issues are finished; `height` is that of the terminal, in lines."""
    snapshot = history.latest
    if snapshot is None:
        return Text(f"{title}: the daemon starts ...")
    running = running_table(snapshot)
    waiting = waiting_table(snapshot)
    used = _FRAME_LINES + max(running.row_count, 1) + max(waiting.row_count, 1)
    room = max(height - used, MIN_HAPPENINGS)
    return Group(
        head_line(history, snapshot, total=total, done=done, title=title),
        _rule(f"running {len(snapshot.running)} of {snapshot.max_concurrent_agents}"),
        running if running.row_count else Text("  nothing", style="dim"),
        _rule(f"waiting {waiting.row_count}"),
        waiting if waiting.row_count else Text("  nothing", style="dim"),
        _rule("what happened"),
        *(happening_line(each, history) for each in history.recent[-room:]),
    )


def head_line(
    history: History, snapshot: Snapshot, *, total: int, done: int, title: str
) -> RenderableType:
    """Progress, time and cost in one line."""
    table = Table.grid(expand=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    seconds = history.seconds(snapshot.generated_at)
    tokens = count(snapshot.totals.total_tokens, "token")
    facts = f"{done} of {total} done   {tokens}   {seconds:.1f} s"
    table.add_row(Text(title, style="bold"), Text(facts))
    return table


def running_table(snapshot: Snapshot) -> Table:
    """Who runs: issue, state, turn, what it does, tokens, seconds."""
    table = _table(NAME_WIDTH, STATE_WIDTH, 7, None, 10, 6, right=(4, 5))
    for row in sorted(snapshot.running, key=lambda each: each.run_id):
        tokens = "-" if row.tokens is None else f"{row.tokens.total_tokens:,} tok"
        table.add_row(
            _name(row.issue.identifier),
            Text(plain(row.issue.state)),
            Text(f"turn {row.turn_count}" if row.turn_count else ""),
            Text(plain(activity(row))),
            Text(tokens),
            Text(f"{row.seconds:.1f} s"),
        )
    return table


def activity(row: RunningRow) -> str:
    """What a run does now, in plain words."""
    if row.stopping is not None:
        return stopping(row.stopping)
    told = doing(row.recent) if row.phase == "streaming_turn" else None
    return told or _PHASES.get(row.phase, row.phase)


def waiting_table(snapshot: Snapshot) -> Table:
    """What waits, and why: parked issues first, then retries, then the rest in its order."""
    table = _table(NAME_WIDTH, STATE_WIDTH, None)
    for name, state, reason in _waiting_rows(snapshot):
        table.add_row(_name(name), Text(plain(state)), Text(plain(reason)))
    return table


def _waiting_rows(snapshot: Snapshot) -> Iterator[tuple[str, str, str]]:
    for blocked in snapshot.blocked:
        issue = blocked.issue
        yield issue.identifier, issue.state, f"needs a person: {blocked.question}"
    for retry in snapshot.retrying:
        yield retry.issue.identifier, retry.issue.state, why_queued(retry)
    for issue in snapshot.cleaning:
        yield issue.identifier, issue.state, "its workspace is being removed"
    for row in snapshot.skipped:
        yield row.issue.identifier, row.issue.state, why_waiting(row)


def why_queued(retry: RetryRow) -> str:
    """What a queued retry waits for."""
    if retry.waiting_for == "slot":
        return "waits for a free slot"
    if retry.waiting_for == "workflow":
        return "waits until WORKFLOW.md is valid again"
    wait = f"in {retry.due_in_ms / 1000:.1f} s"
    if retry.kind == "continuation":
        return f"ended well; looked at once more {wait}"
    return f"tried again {wait}: {failure(retry.error)}"


def happening_line(happening: Happening, history: History) -> RenderableType:
    """Time, issue and text on one line."""
    table = _table(7, NAME_WIDTH, None, right=(0,))
    seconds = f"{history.seconds(happening.at):.1f} s"
    name, text = happening.identifier or "", Text(plain(happening.text))
    table.add_row(Text(seconds, style="dim"), _name(name), text)
    return table


def _table(*widths: int | None, right: Sequence[int] = ()) -> Table:
    """Columns without a width share what is left."""
    table = Table.grid(padding=(0, 1), expand=True)
    for number, width in enumerate(widths):
        table.add_column(
            width=width,
            ratio=1 if width is None else None,
            justify="right" if number in right else "left",
            no_wrap=True,
            overflow="ellipsis",
        )
    return table


def _rule(title: str) -> Rule:
    return Rule(Text(title), align="left", style="dim")


def _name(identifier: str) -> Text:
    return Text(plain(identifier), style="bold")
