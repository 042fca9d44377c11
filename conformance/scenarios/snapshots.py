"""What a snapshot of the running state has, and that the work hangs on nobody who looks at it."""

from __future__ import annotations

import socket
from datetime import datetime

from conformance.fakes.json_values import JsonObject, JsonValue, as_object, as_text
from conformance.lab.judging import Judge, UnmetError
from conformance.lab.lab import Lab
from conformance.scenario import scenario
from conformance.scenarios.http_views import (
    TOKENS,
    USED_PERCENT,
    at_gate_since,
    is_about,
    is_browser_rendered,
    keep_busy,
    leaves,
    read_page,
    read_state,
    row_of,
    rows,
    until_row,
    until_up,
)
from conformance.target.launching import needs_port


@scenario(
    "A snapshot has a row for each session and retry, and the work needs nobody who looks at it",
    checks=(
        "snapshot.running.rows",
        "snapshot.retrying.rows",
        "snapshot.rows.current",
        "snapshot.totals.sums",
        "status.surface.source",
        "status.surface.independent",
    ),
    needs=("http",),
)
async def snapshots(lab: Lab) -> None:
    if not needs_port(lab.manifest):
        unseen = lab.tracker.put("ENG-9")
        await lab.start()
        with lab.judging("status.surface.independent"):
            await lab.until(lambda: lab.sessions(unseen), "work begins without the HTTP interface")
        await lab.stop()
        lab.tracker.set_state("ENG-9", "Human Review")
    busy = await keep_busy(lab)
    await until_up(lab)
    retry = await until_row(lab, "retrying", busy.retrying)
    state = await read_state(lab)
    with lab.judging("snapshot.rows.current"):
        row_of(state, "running", busy.running)
        row_of(state, "running", busy.other)
    with lab.judging("snapshot.running.rows") as judge:
        row = row_of(state, "running", busy.running)
        judge.equal(row.get("turn_count"), len(busy.session.turns), "the number of turns begun")
        _has_address(judge, row)
        judge.equal(len(rows(state, "running")), 2, "how many sessions are shown")
    with lab.judging("snapshot.retrying.rows") as judge:
        _has_address(judge, retry)
        for member in ("attempt", "due_at", "error", "issue_identifier"):
            judge.holds(retry.get(member), expected=f"the row has {member}", seen=retry)
        due, now = _instant(retry.get("due_at")), _instant(state.get("generated_at"))
        judge.holds(
            due is None or now is None or (due - now).total_seconds() < 15,
            expected="the retry of a first failure is due within 10 s",
            seen=f"at {now} it is due at {due}",
        )
        judge.equal(len(rows(state, "retrying")), 1, "how many retries are shown")
    with lab.judging("snapshot.totals.sums"):
        await _totals(lab)
    with lab.judging("status.surface.source") as judge:
        await _page_agrees(lab, judge, state)

    port = lab.target.port or 0
    with lab.judging("status.surface.independent"):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as rude:
            rude.sendall(b"GET /api/v1/state HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half:")
            lab.finish(busy.running)
            await lab.ended(busy.session)
            again = await at_gate_since(lab, busy.retrying, 1)
        await lab.polls(1)
    with lab.judging("snapshot.rows.current") as judge:
        state = await read_state(lab)
        shown = [each for each in rows(state, "running") if is_about(each, busy.running)]
        judge.equal(shown, [], "the rows of a session that ended")
        row_of(state, "running", busy.retrying)
        waiting = [each for each in rows(state, "retrying") if is_about(each, busy.retrying)]
        judge.equal(waiting, [], "the rows of a retry that runs by now")
        # Soon after: a state that is kept for a while would be the old one.
        lab.tracker.set_state(busy.retrying.name, "Human Review")
        await lab.ended(again)
        await lab.polls(1)
        shown = rows(await read_state(lab), "running")
        gone = [each for each in shown if is_about(each, busy.retrying)]
        judge.equal(gone, [], "the rows of a session that was stopped")


def _has_address(judge: Judge, row: JsonObject) -> None:
    url = as_text(row.get("issue_url")) or ""
    judge.holds(url.startswith("https://"), expected="the row has the issue's address", seen=row)


def _instant(value: JsonValue) -> datetime | None:
    try:
        return datetime.fromisoformat(as_text(value) or "")
    except ValueError:
        return None


async def _totals(lab: Lab) -> None:
    async def are() -> bool:
        state = await read_state(lab)
        totals = as_object(state.get("codex_totals"))
        wrong = [name for name, wanted in TOKENS.items() if totals.get(name) != wanted]
        seconds = totals.get("seconds_running")
        # Whether what still runs is among the seconds is judged where they are measured.
        if wrong or not isinstance(seconds, (int, float)):
            raise UnmetError("", f"codex_totals are {totals}")
        if USED_PERCENT not in list(leaves(state.get("rate_limits"))):
            raise UnmetError("", f"rate_limits are {state.get('rate_limits')}")
        return True

    wanted = f"totals of {dict(TOKENS)}, some seconds, and limits of {USED_PERCENT} percent"
    await lab.until_answered(are, wanted)


async def _page_agrees(lab: Lab, judge: Judge, state: JsonObject) -> None:
    """What runs and what waits by the interface for programs stands in the page too."""
    page = await read_page(lab)
    shown = [*rows(state, "running"), *rows(state, "retrying")]
    names = [as_text(each.get("issue_identifier")) or "" for each in shown]
    if page.status != 200 or await is_browser_rendered(lab, page, names):
        judge.info("no view was rendered that could be compared with the state")
        return
    missing = [each for each in names if each not in page.text]
    judge.equal(missing, [], "the issues of the state that the page does not show")
