"""What the HTTP interface shows while sessions run and retries wait, to programs and to people."""

from __future__ import annotations

import re
from typing import Final

from conformance.agents.steps import say
from conformance.catalogue import Profile
from conformance.fakes.json_values import JsonObject, as_array, as_object, as_text
from conformance.lab.files import real
from conformance.lab.judging import Judge
from conformance.lab.lab import Lab
from conformance.scenario import scenario
from conformance.scenarios.http_views import (
    TOKENS,
    USED_PERCENT,
    Busy,
    absent,
    identifier_of,
    is_browser_rendered,
    is_envelope,
    keep_busy,
    leaves,
    linked,
    read_page,
    read_state,
    row_of,
    rows,
    until_up,
)

STATE: Final = ("generated_at", "counts", "running", "retrying", "codex_totals", "rate_limits")
RUN: Final = ("state", "session_id", "turn_count", "last_event", "last_message")
RUN_TIMES: Final = ("started_at", "last_event_at", "tokens")
ISSUE: Final = ("issue_id", "issue_identifier", "issue_url")
RETRY: Final = ("attempt", "due_at", "error")
DETAILS: Final = (
    *("issue_identifier", "issue_id", "status", "workspace", "attempts", "running", "retry"),
    *("logs", "recent_events", "last_error", "tracked"),
)
UNSUPPORTED: Final = ("POST /api/v1/state", "DELETE /api/v1/state", "DELETE /api/v1/refresh")


@scenario(
    "The JSON interface and the page say what runs and what waits, and change nothing",
    checks=(
        "http.enable.flag",
        "http.state.served",
        "http.state.shape",
        "http.issue.served",
        "http.issue.envelope",
        "http.issue.unknown",
        "http.issue.encoded",
        "http.api.read_only",
        "http.error.method",
        "http.error.envelope",
        "http.dashboard.root",
        "http.dashboard.content",
        "http.dashboard.uses_api",
        "security.secret.http",
    ),
    profile=Profile.HTTP,
    needs=("http",),
)
async def json_interface(lab: Lab) -> None:
    # What a program prints may hold a credential, and the agent passes it on.
    busy = await keep_busy(lab, error=f"Refused with the key {lab.secret}")
    with lab.judging("http.enable.flag"):
        await until_up(lab)
    names = {
        "running": await identifier_of(lab, "running", busy.running),
        "retrying": await identifier_of(lab, "retrying", busy.retrying),
    }
    with lab.judging("http.state.served") as judge:
        told = list(leaves(await read_state(lab)))
        for name in names.values():
            judge.contains(told, name, "the state")
        judge.contains(told, TOKENS["total_tokens"], "the state")
        judge.contains(told, USED_PERCENT, "the state")
    with lab.judging("http.state.shape") as judge:
        _judge_shape(judge, await read_state(lab), busy)

    for status, name in names.items():
        answer = await lab.api.issue(name)
        details = answer.object()
        with lab.judging("http.issue.served") as judge:
            judge.equal(answer.status, 200, f"the answer for {name}, which is {status}")
            judge.contains(list(leaves(details)), name, f"the details of {name}")
        with lab.judging("http.issue.envelope") as judge:
            judge.equal(absent(details, DETAILS), [], "the members that the details do not have")
            attempts = ("restart_count", "current_retry_attempt")
            judge.equal(
                absent(details.get("attempts"), attempts), [], "what attempts does not have"
            )
            judge.equal(details.get("status"), status, f"the status of {name}")
            part, members = (
                ("running", (*RUN, *RUN_TIMES)) if status == "running" else ("retry", RETRY)
            )
            judge.equal(absent(details.get(part), members), [], f"what {part} does not have")
    with lab.judging("http.issue.envelope") as judge:
        details = (await lab.api.issue(names["running"])).object()
        path = as_text(as_object(details.get("workspace")).get("path")) or ""
        judge.equal(real(path), real(busy.session.cwd), "workspace.path")

    await _errors(lab, busy, names["running"])
    await _page(lab, [*names.values()])
    await _secrets(lab, busy, [*names.values()])
    await _encoded(lab, busy)


def _judge_shape(judge: Judge, state: JsonObject, busy: Busy) -> None:
    judge.equal(absent(state, STATE), [], "the members that the state does not have")
    for name, members in (
        ("running", (*ISSUE, *RUN, *RUN_TIMES)),
        ("retrying", (*ISSUE, *RETRY)),
    ):
        count = as_object(state.get("counts")).get(name)
        judge.equal(count, len(rows(state, name)), f"counts.{name} beside its rows")
        for row in rows(state, name):
            judge.equal(absent(row, members), [], f"what a row of {name} does not have")
    tokens = as_object(row_of(state, "running", busy.running).get("tokens"))
    judge.equal({name: tokens.get(name) for name in TOKENS}, dict(TOKENS), "tokens of a session")
    totals = as_object(state.get("codex_totals"))
    for name in (*TOKENS, "seconds_running"):
        is_number = isinstance(totals.get(name), (int, float))
        judge.holds(is_number, expected=f"codex_totals.{name} is a number", seen=totals)


async def _errors(lab: Lab, busy: Busy, name: str) -> None:
    unknown = await lab.api.issue("ENG-404")
    with lab.judging("http.issue.unknown") as judge:
        judge.equal(unknown.status, 404, "the answer for an issue that nobody knows of")
    refused = {f"PUT /api/v1/{name}": await lab.api.request("PUT", f"/api/v1/{name}", body="{}")}
    for request in UNSUPPORTED:
        refused[request] = await lab.api.request(*request.split(" "))
    with lab.judging("http.error.method") as judge:
        for request, answer in refused.items():
            judge.equal(answer.status, 405, f"the answer to {request}")
    with lab.judging("http.error.envelope") as judge:
        for request, answer in {"GET /api/v1/ENG-404": unknown, **refused}.items():
            judge.holds(
                answer.status < 400 or is_envelope(answer),
                expected=f"the answer to {request} has error.code and error.message",
                seen=answer.text[:300],
            )
    with lab.judging("http.api.read_only") as judge:
        await lab.polls(1)
        state = await read_state(lab)
        row_of(state, "running", busy.running)
        row_of(state, "retrying", busy.retrying)
        judge.holds(busy.session.alive, expected="its session goes on", seen="it ended")


async def _page(lab: Lab, names: list[str]) -> None:
    page = await read_page(lab)
    with lab.judging("http.dashboard.root") as judge:
        judge.equal(page.status, 200, "the answer to GET /")
        judge.contains(page.headers.get("content-type", ""), "text/html", "its content type")
        judge.holds(re.search(r"<\w", page.text), expected="a page", seen=page.text[:200])
    if await is_browser_rendered(lab, page, names):
        scripts = [page, *(answer for _, answer in await linked(lab, page))]
        with lab.judging("http.dashboard.uses_api") as judge:
            asks = any("/api/v1" in each.text or "api/v1/" in each.text for each in scripts)
            judge.holds(asks, expected="its scripts ask the JSON interface", seen="they do not")
        lab.not_applicable("http.dashboard.content", "the page is rendered in a browser")
        return
    lab.not_applicable("http.dashboard.uses_api", "the page is rendered by the server")
    with lab.judging("http.dashboard.content") as judge:
        for name in names:
            judge.contains(page.text, name, "the page")
        counts = r"4\D{0,8}444|4\D{0,8}321|4[.,][34]\d*\s*k"
        judge.holds(
            re.search(counts, page.text, re.IGNORECASE),
            expected="the page shows tokens: 4444, or 4321 of input",
            seen="neither",
        )


async def _secrets(lab: Lab, busy: Busy, names: list[str]) -> None:
    """The credential comes in by an error of the tracker, by an agent, and by a failed turn."""
    busy.session.push(say(f"The key is {lab.secret}."), say(f"key={lab.secret}"))
    lab.tracker.fault("echo_secret", times=None, only="candidates")
    await lab.polls()
    answers: list[tuple[str, str]] = []
    page = await read_page(lab)
    answers.append(("/", page.text))
    answers += [(path, each.text) for path, each in await linked(lab, page)]
    for path in ("state", "ENG-404", *names):
        answer = await lab.api.request("GET", f"/api/v1/{path}")
        answers.append((path, f"{answer.text} {list(answer.headers.values())}"))
    answers.append(("refresh", (await lab.api.refresh()).text))
    lab.tracker.clear_faults()
    with lab.judging("security.secret.http") as judge:
        faults = lab.timeline.events("tracker", "fault")
        judge.holds(faults, expected="the tracker repeats the credential in an error")
        shown = sorted({path for path, text in answers if lab.secret in text})
        judge.equal(shown, [], "the answers that hold the credential")


async def _encoded(lab: Lab, busy: Busy) -> None:
    """Last, since the retry gets its slot as well."""
    if lab.dialect.value != "linear":
        lab.not_applicable("http.issue.encoded", "its identifiers have no reserved characters")
        return
    lab.finish(busy.running)
    lab.finish(busy.other)
    slashed = lab.tracker.put("A/B C")
    with lab.judging("http.issue.encoded") as judge:
        await lab.at_gate(slashed)
        answer = await lab.api.issue(slashed.identifier)
        judge.equal(answer.status, 200, "the answer for A%2FB%20C")
        told = answer.object().get("issue_identifier")
        judge.equal(told, slashed.identifier, "its identifier")
        events = as_array(answer.object().get("recent_events"))
        judge.info(f"it has {len(events)} recent events")
