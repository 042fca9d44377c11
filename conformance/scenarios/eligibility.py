"""Which issues get no agent: incomplete, resting, ended, not ours, without their labels."""

from __future__ import annotations

from conformance.agents.steps import WORKS
from conformance.fakes.json_values import JsonValue
from conformance.lab.boards import Handle
from conformance.lab.lab import Lab
from conformance.manifest.sections import Dialect
from conformance.scenario import scenario

LABELS = ("Agent-Ready", "core")


def own_issues_only(lab: Lab) -> dict[str, JsonValue]:
    """Keys of the provider: only what is assigned to the owner of the credential is ours."""
    return {"assignee": "me" if lab.dialect is Dialect.LINEAR else "bot"}


@scenario(
    "Only complete issues that are active, dispatchable and carry all labels are dispatched",
    checks=(
        "eligibility.fields.required",
        "eligibility.state.active",
        "eligibility.dispatchable.false",
        "eligibility.labels.all",
        "eligibility.labels.compared",
        "eligibility.labels.blank",
    ),
)
async def eligibility(lab: Lab) -> None:
    def put(name: str, *labels: str, state: str = "Todo", assignee: str = "bot") -> Handle:
        return lab.tracker.put(name, labels=labels, state=state, assignee=assignee)

    ready = put("ENG-1", *LABELS)
    resting = put("ENG-2", *LABELS, state="Backlog")
    lacking = put("ENG-3", LABELS[0])
    bare = put("ENG-4")
    # Not ours by either rule that an adapter may have: it waits for another, and is another's.
    foreign = put("ENG-5", *LABELS, assignee="ada")
    lab.tracker.put("ENG-5", blocked_by=["ENG-2"])
    lab.script(None, WORKS)
    tracker: dict[str, JsonValue] = {"provider": own_issues_only(lab)}
    lab.workflow(tracker={**tracker, "required_labels": ["  AGENT-ready ", "Core"]})

    # Every issue comes without its title until the faults are cleared.
    lab.tracker.fault("null_field", field="title", times=None, only="candidates")
    lab.tracker.fault("null_field", field="title", times=None, only="by_id")
    await lab.start()
    with lab.judging("eligibility.fields.required"):
        await lab.never(lambda: lab.sessions(), "an issue without a title gets no agent")
    lab.tracker.clear_faults()
    # A change that shows in the provider's time stamps: unchanged pages may be remembered.
    for number in range(1, 6):
        lab.tracker.put(f"ENG-{number}", title="Has a title by now")

    with lab.judging("eligibility.labels.compared"):
        await lab.at_gate(ready)
    await lab.polls()
    unwanted = (
        ("eligibility.state.active", resting, "an issue in the backlog gets no agent"),
        ("eligibility.dispatchable.false", foreign, "an issue that is not dispatchable stays"),
        ("eligibility.labels.all", lacking, "an issue that lacks one label gets no agent"),
        ("eligibility.labels.all", bare, "an issue without any label gets no agent"),
    )
    for name, issue, expected in unwanted:
        with lab.judging(name) as judge:
            ran = lab.sessions(issue)
            judge.holds(not ran, expected=expected, seen=f"{issue.identifier} ran")

    await lab.reload(tracker={**tracker, "required_labels": ["  "]})
    late = put("ENG-6", *LABELS)
    with lab.judging("eligibility.labels.blank"):
        await lab.never(
            lambda: lab.sessions(late), "where a blank label is required no issue gets an agent"
        )


@scenario(
    "Names of states are the same in any spelling, and a state in both lists is terminal",
    checks=(
        "eligibility.state.terminal_wins",
        "state.compare.normalised",
        "state.provider.filter",
    ),
)
async def spellings_of_states(lab: Lab) -> None:
    moving = lab.tracker.put("ENG-1")
    reviewed = lab.tracker.put("ENG-2", state="In Review")
    twofold = lab.tracker.put("ENG-3", state="Duplicate")
    ended = lab.tracker.put("ENG-4", state="Canceled")
    leftover = lab.files.make_workspace(ended.identifier)
    lab.script(None, WORKS)
    lab.workflow(
        tracker={
            "active_states": ["Todo", "  in PROGRESS ", "in review", "Duplicate"],
            "terminal_states": ["  DONE ", "canceled", "Duplicate"],
        }
    )
    await lab.start()
    session = await lab.at_gate(moving)

    with lab.judging("state.provider.filter"):
        await lab.at_gate(reviewed)
        # On GitHub the name of a workspace follows from the adapter's own form of identifiers.
        if lab.dialect is Dialect.LINEAR:
            await lab.until(
                lambda: not leftover.exists(), "the workspace of an issue in Canceled is removed"
            )
    with lab.judging("eligibility.state.terminal_wins"):
        await lab.never(lambda: lab.sessions(twofold), "a state in both lists is terminal")

    lab.tracker.set_state(moving.name, "In Progress")
    with lab.judging("state.compare.normalised"):
        await lab.reads_by_id(moving)
        await lab.never(
            lambda: not session.alive or len(lab.sessions(moving)) > 1,
            "In Progress is the active state that the workflow file spells '  in PROGRESS '",
        )
    lab.tracker.set_state(moving.name, "Done")
    with lab.judging("state.compare.normalised"):
        await lab.until(
            lambda: lab.files.workspace(moving) is None,
            "Done is the terminal state that the workflow file spells '  DONE '",
        )
