"""Settings that no start may accept, and those that it must not replace."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Sequence
from typing import Final

from conformance.agents.steps import WORKS
from conformance.fakes.json_values import JsonValue
from conformance.lab.boards import Handle
from conformance.lab.judging import UnmetError
from conformance.lab.lab import Lab
from conformance.manifest.sections import Dialect
from conformance.scenario import scenario
from conformance.scenarios.lives import Life, brief_life, printed_since
from conformance.scenarios.tracker_records import asks_for_nothing

WARNING: Final = r"by.?state|warn|ignor|invalid|limit"
UNKNOWN_KIND: Final = "carrier-pigeon"
UNSET_VARIABLE: Final = "SYMPHONY_LAB_IS_NOT_SET"
IDLE_POLLS: Final = 8
IDLE_S: Final = 4.0
"""After so many polls, or this time without any, an agent would have been started."""


@scenario(
    "Settings that fail validation end the start with a message, before the tracker is asked",
    checks=(
        "config.tracker.kind_supported",
        "config.provider.rejected",
        "config.secret.empty",
        "config.states.required",
        "config.validate.limits",
        "config.validate.types",
        "config.codex.command_empty",
        "workflow.error.location",
        "startup.validate.refused",
        "cli.exit.startup_failure",
        "log.failure.visible",
    ),
)
async def settings_that_are_refused(lab: Lab) -> None:
    lab.tracker.put("ENG-1", title="Not to be touched")
    lab.script(None, WORKS)
    # So that no fallback of an adapter finds the credential.
    nothing = dict.fromkeys(lab.tracker.variables(), "")

    async def life(cause: str, *, secret: bool = True, **sections: dict[str, JsonValue]) -> Life:
        lab.workflow("A prompt", **sections)
        return await brief_life(lab, cause, variables=None if secret else nothing)

    no_kind = await life("no tracker.kind", tracker={"kind": None})
    unknown = await life("an unknown tracker.kind", tracker={"kind": UNKNOWN_KIND})
    command = await life("an empty codex.command", codex={"command": ""})
    limits = [
        await life("hooks.timeout_ms 0", hooks={"timeout_ms": 0}),
        await life("hooks.timeout_ms -5", hooks={"timeout_ms": -5}),
        await life("agent.max_turns 0", agent={"max_turns": 0}),
        await life("agent.max_turns as text", agent={"max_turns": "many"}),
    ]
    typed = await life("polling.interval_ms as a list", polling={"interval_ms": [250]})
    scope: dict[str, JsonValue] = {"project_slug": None, "team_key": None, "repo": None}
    scopeless = await life("no scope for the adapter", tracker={"provider": scope})
    asked = len(lab.tracker.requests())
    key = "api_key" if lab.dialect is Dialect.LINEAR else "token"
    keyless = await life("no credential", secret=False, tracker={"provider": {key: None}})
    empty = await life("an empty variable as credential", secret=False)
    reference: dict[str, JsonValue] = {"provider": {key: f"${UNSET_VARIABLE}"}}
    unset = await life("an unset variable as credential", secret=False, tracker=reference)
    seen = lab.tracker.requests()[asked:]
    stateless = await life(
        "no states at all", tracker={"active_states": None, "terminal_states": None}
    )
    causes = ("kind", UNKNOWN_KIND, "command", "timeout", "timeout", "turns", "turns")
    lives = zip((no_kind, unknown, command, *limits), causes, strict=True)
    # What is accepted although it must not be is the breach of another requirement.
    refused = [(each, cause) for each, cause in lives if not each.is_at_work]

    with lab.judging("config.tracker.kind_supported") as judge:
        for each in (no_kind, unknown):
            judge.holds(not each.is_at_work, expected="it fails validation", seen=each)
    with lab.judging("config.codex.command_empty") as judge:
        judge.holds(not command.is_at_work, expected="it fails validation", seen=command)
    with lab.judging("config.validate.limits") as judge:
        for each in limits:
            judge.holds(not each.is_at_work, expected="it fails validation", seen=each)
    with lab.judging("config.validate.types") as judge:
        judge.holds(not typed.is_at_work, expected="it fails validation", seen=typed)
        judge.contains(typed.output, "interval_ms", "the report")
    with lab.judging("config.provider.rejected") as judge:
        # What an adapter cannot do without is its own; none can do without both.
        own = [each for each in (scopeless, keyless) if not each.asked and each.code is not None]
        judge.holds(
            own, expected="what the adapter refuses ends the start", seen=f"{scopeless}; {keyless}"
        )
    with lab.judging("config.secret.empty") as judge:
        sent = [each.headers["authorization"] for each in seen if "authorization" in each.headers]
        judge.equal(sent, [], "the credentials that were sent")
        if lab.dialect is Dialect.LINEAR:
            for each in (empty, unset):
                judge.holds(
                    not each.asked, expected="as without a credential, no request", seen=each
                )
        else:
            judge.info("without a credential an adapter may read what is public")
    with lab.judging("config.states.required") as judge:
        judge.holds(
            stateless.polls or (stateless.code and stateless.output.strip()),
            expected="the adapter has default states, or the start fails with an error",
            seen=stateless,
        )
    located = [
        (each, name)
        for each, name in ((limits[0], "timeout_ms"), (limits[2], "max_turns"))
        if not each.is_at_work
    ]
    with lab.judging("workflow.error.location") as judge:
        for each, name in located:
            judge.contains(each.output, name, "the report")
            judge.contains(each.output, lab.workflow_path.name, "the report")
    _judge_refusals(lab, refused)


def _judge_refusals(lab: Lab, refused: Sequence[tuple[Life, str]]) -> None:
    """What holds for every start that fails; each with what its report has to name."""
    with lab.judging("startup.validate.refused") as judge:
        judge.holds(refused, expected="wrong settings are refused", seen="all are accepted")
        for each, cause in refused:
            judge.holds(
                each.code is not None and not each.asked and each.says(cause),
                expected=f"no request to the tracker, an end, and a message that names {cause}",
                seen=each,
            )
    with lab.judging("cli.exit.startup_failure") as judge:
        for each, _ in refused:
            judge.holds(each.code, expected="an exit code that is not zero", seen=each)
    with lab.judging("log.failure.visible") as judge:
        for each, _ in refused:
            judge.holds(each.output.strip(), expected="the failure can be seen", seen=each)


@scenario(
    "An explicit empty list of states means none, which is not asked for",
    checks=("config.states.explicit_empty", "tracker.reads.empty"),
)
async def empty_lists_of_states(lab: Lab) -> None:
    early = lab.tracker.put("ENG-1")
    lab.script(None, WORKS)
    lab.workflow("Too early", tracker={"active_states": []})
    await lab.start(ready=False)
    # With no state to look for, there may be no reads to count; and a start takes its time.
    with contextlib.suppress(UnmetError):
        await lab.until(
            lambda: lab.tracker.requests() or lab.output().strip() or not lab.target.alive,
            "a sign of life",
            within=lab.manifest.launch.ready_within_ms / 1000,
        )
    latest = time.monotonic() + max(IDLE_S, lab.manifest.limits.reload_latency_ms / 1000)
    await lab.until(
        lambda: len(lab.tracker.polls()) > IDLE_POLLS or time.monotonic() > latest,
        "polls, or the time in which some would have come",
    )
    with lab.judging("config.states.explicit_empty") as judge:
        judge.holds(lab.target.alive, expected="it starts", seen=lab.output()[-300:])
        judge.equal(len(lab.sessions()), 0, "the number of agents without any active state")
    with lab.judging("tracker.reads.empty") as judge:
        empty = [dict(each.variables) for each in lab.tracker.requests() if asks_for_nothing(each)]
        judge.equal(empty, [], "the requests for issues in no state")
    lab.workflow("At last", tracker={"terminal_states": []})
    with lab.judging("config.states.explicit_empty") as judge:
        session = await lab.at_gate(early)
        judge.equal(session.prompts()[0], "At last", "the prompt of the earliest agent")
        lab.finish(early, "Done")
        await lab.ended(session)
        await lab.never(
            lambda: lab.files.workspace(early) is None,
            "without terminal states no workspace is removed",
        )


@scenario(
    "Limits of states are found whatever their spelling, and those that are none are ignored",
    checks=(
        "config.agent.by_state_normalised",
        "config.agent.by_state_invalid",
        "config.codex.passthrough",
    ),
)
async def limits_of_states(lab: Lab) -> None:
    limited = [lab.tracker.put(f"ENG-{number}") for number in (1, 2)]
    free = [lab.tracker.put(f"ENG-{number}", state="In Progress") for number in (3, 4)]
    lab.script(None, WORKS)
    # Unusual values, so that no default can be taken for them.
    policy: dict[str, JsonValue] = {"type": "readOnly", "networkAccess": True}
    lab.workflow(
        agent={"max_concurrent_agents_by_state": {" tODO ": 1}},
        codex={
            "approval_policy": "untrusted",
            "thread_sandbox": "read-only",
            "turn_sandbox_policy": policy,
        },
    )
    await lab.start()
    await lab.until(lambda: any(lab.sessions(each) for each in limited), "an agent in Todo")
    with lab.judging("config.agent.by_state_normalised"):
        await lab.never(
            lambda: all(lab.sessions(each) for each in limited), "one agent in Todo at most"
        )
    session = await lab.until(
        lambda: [each for each in lab.sessions() if each.turns], "an agent begins its turn"
    )
    with lab.judging("config.codex.passthrough") as judge:
        thread, begun = session[0].thread_starts[0], session[0].turns[0]
        judge.equal(thread.get("approvalPolicy"), "untrusted", "the approval policy")
        judge.equal(thread.get("sandbox"), "read-only", "the sandbox of the thread")
        judge.equal(begun.get("sandboxPolicy"), policy, "the sandbox policy of the turn")

    await lab.stop()
    before, mark = lab.output(), len(lab.sessions())
    limits: dict[str, JsonValue] = {
        "Todo": 1,
        "In Progress": 0,
        "Backlog": "many",
        "Human Review": -1,
    }
    lab.workflow(agent={"max_concurrent_agents_by_state": limits})

    def begun_of(issues: Sequence[Handle]) -> int:
        return sum(any(i.is_workspace(s.name) for s in lab.sessions()[mark:]) for i in issues)

    with lab.judging("config.agent.by_state_invalid") as judge:
        await lab.start()
        await lab.until(lambda: begun_of(free) == len(free), "0 is no limit for In Progress")
        await lab.until(lambda: begun_of(limited), "an agent in Todo")
        await lab.never(lambda: begun_of(limited) > 1, "the limit of Todo is in force")
        said = printed_since(lab, before).splitlines()
        warned = [line for line in said if re.search(WARNING, line, re.IGNORECASE)]
        judge.holds(
            [line for line in warned if "in progress" in line.lower()],
            expected="a warning about the limit of In Progress",
            seen="\n".join(said)[-500:],
        )
