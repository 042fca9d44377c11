"""Where the HTTP interface listens, what it sets off, and what hostile clients change: nothing."""

from __future__ import annotations

import re
from typing import Final

import anyio

from conformance.agents.steps import WORKS, fail
from conformance.catalogue import Profile
from conformance.fakes.json_values import as_array, as_object
from conformance.lab.api import ApiAnswer
from conformance.lab.judging import Judge, UnmetError
from conformance.lab.lab import Lab
from conformance.scenario import scenario
from conformance.scenarios.http_clients import SEES_SOCKETS, Crowd, Listener, listeners
from conformance.scenarios.http_views import (
    absent,
    api_at,
    is_envelope,
    read_state,
    row_of,
    until_up,
)
from conformance.target.launching import needs_port
from conformance.target.process import ExitStatus

UNSEEN: Final = "sockets that listen can be seen on Linux only"
LONG_INTERVAL_MS: Final = 60_000
"""Between two polls: whatever happens in the scenario happens because it was asked for."""
BURST: Final = 5
STATE: Final = ("running", "retrying", "codex_totals")
"""What a state has that is one."""


@scenario(
    "The server listens where the flag or the workflow file says, on loopback, or not at all",
    checks=(
        "http.enable.flag",
        "http.enable.override",
        "http.enable.ephemeral",
        "http.enable.absent",
        "http.bind.loopback",
        "http.bind.restart",
    ),
    profile=Profile.HTTP,
    needs=("http",),
)
async def ports(lab: Lab) -> None:
    lab.script(None, WORKS)
    in_file, by_flag, later = lab.free_port(), lab.free_port(), lab.free_port()
    if needs_port(lab.manifest):
        for name in ("http.enable.absent", "http.bind.restart"):
            lab.not_applicable(name, "its command always names a port")
    else:
        await _by_file_or_not_at_all(lab, in_file, later)

    lab.workflow(server={"port": in_file})
    await lab.start(port=by_flag)
    with lab.judging("http.enable.flag"):
        await until_up(lab)
    with lab.judging("http.enable.override") as judge:
        await until_up(lab)
        judge.equal(await _answers(lab, in_file), False, "whether server.port answers beside it")
    _judge_loopback(lab)
    await lab.stop()

    await lab.start(port=0)
    with lab.judging("http.enable.ephemeral") as judge:
        if not SEES_SOCKETS and not lab.manifest.http.port_pattern:
            raise UnmetError("the port is found in the output", "there is no http.port_pattern")

        async def found() -> int:
            named = [lab.target.port] if lab.target.port else []
            for port in (*named, *sorted({each.port for each in listeners(lab.target.pid)})):
                if await _answers(lab, port):
                    return port
            return 0

        port = await lab.until_answered(found, "some port answers /api/v1/state")
        judge.lacks([in_file, by_flag], port, "the ports that were named elsewhere")
    _judge_loopback(lab)


async def _by_file_or_not_at_all(lab: Lab, in_file: int, later: int) -> None:
    lab.workflow()
    await lab.start()
    await lab.polls()
    if SEES_SOCKETS:
        with lab.judging("http.enable.absent") as judge:
            seen = [str(each) for each in listeners(lab.target.pid)]
            judge.equal(seen, [], "where it listens without a port")
    else:
        lab.not_applicable("http.enable.absent", UNSEEN)
    await lab.stop()

    lab.workflow(server={"port": in_file})
    await lab.start()
    with lab.judging("http.enable.flag"):
        await until_up(lab, api_at(lab, in_file))
    with lab.judging("http.bind.restart") as judge:
        await lab.reload(server={"port": later})
        old, new = await _answers(lab, in_file), await _answers(lab, later)
        judge.info(f"after server.port changed, the old port answers: {old}, the new one: {new}")
    await lab.stop()


async def _answers(lab: Lab, port: int) -> bool:
    try:
        await read_state(lab, api_at(lab, port))
    except UnmetError:
        return False
    return True


def _judge_loopback(lab: Lab) -> None:
    if not SEES_SOCKETS:
        lab.not_applicable("http.bind.loopback", UNSEEN)
        return
    with lab.judging("http.bind.loopback") as judge:
        seen: list[Listener] = listeners(lab.target.pid)
        judge.holds(seen, expected="a socket that listens", seen="none")
        wide = [str(each) for each in seen if not each.is_loopback]
        judge.equal(wide, [], "the addresses beyond loopback that it listens on")


@scenario(
    "A refresh makes the service poll and reconcile at once",
    checks=("http.refresh.triggers", "http.refresh.accepted", "http.refresh.coalesced"),
    profile=Profile.HTTP,
    needs=("http",),
)
async def refreshes(lab: Lab) -> None:
    working = lab.tracker.put("ENG-1")
    lab.script(None, WORKS)
    lab.workflow(polling={"interval_ms": LONG_INTERVAL_MS})
    await lab.start(port=lab.free_port())
    session = await lab.at_gate(working)
    await until_up(lab)

    lab.tracker.set_state(working.name, "Human Review")
    found = lab.tracker.put("ENG-2")
    mark = lab.timeline.last
    answers = [await lab.api.refresh()]
    with lab.judging("http.refresh.triggers"):
        await lab.until(lambda: lab.tracker.polls(after=mark), "a poll, long before it is due")
        await lab.at_gate(found)
        await lab.ended(session)

    mark = lab.timeline.last
    answers.append(await lab.api.refresh("{}"))
    with lab.judging("http.refresh.triggers"):
        await lab.until(lambda: lab.tracker.polls(after=mark), "another poll")
    with lab.judging("http.refresh.accepted") as judge:
        for answer, body in zip(answers, ("no body", "{}"), strict=True):
            judge.equal(answer.status, 202, f"the answer to a refresh with {body}")
            members = ("queued", "coalesced", "requested_at", "operations")
            judge.equal(absent(answer.json(), members), [], "the members that it does not have")
            operations = list(as_array(answer.object().get("operations")))
            judge.equal(sorted(map(str, operations)), ["poll", "reconcile"], "operations")

    mark = lab.timeline.last
    with lab.judging("http.refresh.coalesced") as judge:
        told = [(await lab.api.refresh()).object().get("coalesced") for _ in range(BURST)]
        await lab.until(lambda: lab.tracker.polls(after=mark), "a poll")
        count = len(lab.tracker.polls(after=mark))
        judge.info(f"{BURST} requests say coalesced {told}; at first they led to {count} polls")


@scenario(
    "Hostile clients change nothing about the work, and a state that cannot be read is no state",
    checks=("http.failure.isolated", "http.snapshot.failure", "snapshot.error.modes"),
    profile=Profile.HTTP,
    needs=("http",),
)
async def hostile_clients(lab: Lab) -> None:
    working, failing = lab.tracker.put("ENG-1"), lab.tracker.put("ENG-2")
    lab.script(None, WORKS)
    answers: list[ApiAnswer] = []
    ended: list[ExitStatus] = []
    # While the cleanup at start takes its time, there may be nothing to be told yet.
    lab.files.make_workspace("ENG-7")
    lab.tracker.put("ENG-7", state="Done")
    lab.tracker.fault("slow_body", only="terminal", delay_s=0.002)
    lab.workflow()
    await lab.start(ready=False, port=lab.free_port())
    mark = lab.timeline.last

    async def begun() -> bool:
        await _ask(lab, answers)
        return bool(lab.tracker.polls(after=mark))

    await lab.until_answered(begun, "a poll", within=lab.manifest.launch.ready_within_ms / 1000)
    lab.should_live = True
    await until_up(lab)
    session = await lab.at_gate(working)
    broken = await lab.at_gate(failing)

    with Crowd(lab.target.port or 0) as crowd:
        crowd.storm()
        await _ask(lab, answers)
        with lab.judging("http.failure.isolated") as judge:
            broken.push(fail())
            await lab.at_gate(failing, 2)
            await lab.at_gate(lab.tracker.put("ENG-3"))
            crowd.storm()
            await lab.polls()
            judge.holds(session.alive, expected="a session goes on", seen="it ended")
            lab.finish(working)
            await lab.ended(session)
            await lab.until(
                lambda: lab.files.workspace(working) is None, "the workspace of what is done goes"
            )
        await _ask(lab, answers)
        with lab.judging("http.failure.isolated") as judge:
            row_of(await read_state(lab), "running", failing)
            lab.should_live = False
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_ask_until_gone, lab, answers)
                ended.append(await lab.stop())
            judge.holds(
                not ended[0].forced,
                expected="it stops in time, whoever is connected",
                seen="killed",
            )

    refused = [each for each in answers if not _is_state(each)]
    with lab.judging("http.snapshot.failure") as judge:
        judge.info(f"{len(refused)} of {len(answers)} reads found no state")
        for each in refused:
            judge.holds(
                each.status in (200, 503) and is_envelope(each),
                expected="the state, or an error envelope with 503 or 200",
                seen=f"{each.status}: {each.text[:300]}",
            )
    if not refused:
        lab.not_applicable("snapshot.error.modes", "the state could be read whenever it was asked")
        return
    with lab.judging("snapshot.error.modes") as judge:
        for each in refused:
            _names_a_mode(judge, each)


def _is_state(answer: ApiAnswer) -> bool:
    return answer.status == 200 and not absent(answer.object(), STATE)


def _names_a_mode(judge: Judge, answer: ApiAnswer) -> None:
    error = as_object(answer.object().get("error"))
    judge.holds(
        re.search(r"time(d )?out|unavailable", str(error), re.IGNORECASE),
        expected="the error says timeout or unavailable",
        seen=answer.text[:300],
    )


async def _ask(lab: Lab, answers: list[ApiAnswer]) -> bool:
    """Read the state once; False where nobody answers."""
    try:
        answers.append(await lab.api.state())
    except UnmetError:
        return False
    return True


async def _ask_until_gone(lab: Lab, answers: list[ApiAnswer]) -> None:
    async def is_gone() -> bool:
        return not lab.target.alive or not await _ask(lab, answers)

    within = lab.manifest.launch.stop_grace_ms / 1000 + 10
    await lab.until_answered(is_gone, "an end of all answers", within=within)
