"""How the agent is started: by which shell, with which words, and without which secrets."""

from __future__ import annotations

from typing import Final

from conformance.agents.steps import WORKS
from conformance.fakes.json_values import JsonObject
from conformance.lab.lab import Lab
from conformance.manifest.sections import Dialect
from conformance.scenario import scenario
from conformance.scenarios.hooks import write_profiles
from conformance.scenarios.progress import lines_with

OWN_NAME: Final = "KEY_OF_THIS_SCENARIO"
"""The variable that the workflow file names for the credential, in place of the usual one."""
KEYS: Final = {Dialect.LINEAR: "api_key", Dialect.GITHUB: "token"}


@scenario(
    "The command of the agent is a script for a login bash, and means what it says",
    checks=("launch.command.shell", "launch.command.verbatim", "config.coerce.verbatim"),
)
async def command_of_the_agent(lab: Lab) -> None:
    plain = lab.tracker.put("ENG-1", title="By a simple command")
    lab.script(None, WORKS)
    # Only a login shell reads it, and of these only bash.
    profile = lab.target.places.home / ".bash_profile"
    profile.write_text("export LOGIN_SHELL=bash\n", encoding="utf-8")
    lab.workflow(codex={"command": f"{lab.agents.command()} '$HOME' '~/x'"})
    await lab.start()
    session = await lab.at_gate(plain)

    with lab.judging("launch.command.shell") as judge:
        judge.equal(session.environment.get("LOGIN_SHELL"), "bash", "the login shell")
    with lab.judging("config.coerce.verbatim") as judge:
        judge.equal(list(session.argv[-2:]), ["$HOME", "~/x"], "quoted words of the command")

    spoken = "two  words"
    script = [
        "cd . && true",
        "if [[ abc == a* ]]; then",
        f"  SPOKEN='{spoken}' {lab.agents.command()} \"${{NOT_SET:-a  b}}\"",
        "fi",
    ]
    await lab.reload(codex={"command": "\n".join(script)})
    elaborate = lab.tracker.put("ENG-2", title="By a script")
    with lab.judging("launch.command.verbatim") as judge:
        session = await lab.at_gate(elaborate)
        judge.equal(session.environment.get("SPOKEN"), spoken, "an assignment ahead of a command")
        judge.equal(session.argv[-1], "a  b", "a quoted word with a variable that is not set")


@scenario(
    "The tracker's credential is read from a variable, and turns up nowhere else",
    checks=("security.secret.variable", "security.secret.logs", "security.agent_env.absent"),
)
async def credential_of_the_tracker(lab: Lab) -> None:
    issue = lab.tracker.put("ENG-1", title="Mend the bridge")
    lab.script(issue, WORKS)
    # A hook may see the environment of the service, and what it prints is quoted when it fails.
    lab.workflow(tracker=_tracker(lab), hooks={"after_run": "env; exit 3"})
    lab.tracker.fault("echo_secret", times=2, only="candidates", skip=1)
    lab.tracker.fault("echo_secret", times=2, only="by_id")
    await lab.start(variables=_variables(lab))
    session = await lab.at_gate(issue)
    await lab.polls(4)

    with lab.judging("security.secret.variable") as judge:
        shown = [value for each in lab.tracker.requests() for value in each.headers.values()]
        judge.holds(
            any(lab.secret in each for each in shown),
            expected=f"requests carry the credential of the variable {OWN_NAME}",
            seen="they carry another, or none",
        )
    with lab.judging("security.agent_env.absent") as judge:
        exposed = [name for name, each in session.environment.items() if lab.secret in str(each)]
        judge.equal(exposed, [], "the variables of the agent that hold the credential")
    lab.tracker.set_state(issue.name, "Human Review")
    await lab.ended(session)
    await lab.polls()
    with lab.judging("security.secret.logs") as judge:
        faults = lab.timeline.events("tracker", "fault")
        judge.holds(faults, expected="the tracker repeats the credential in an error")
        told = [
            each.text.replace(lab.secret, "(the credential)")
            for each in lines_with(lab, lab.secret)
        ]
        judge.equal(told, [], "the lines of output that hold the credential")


@scenario(
    "Where tools are offered, the agent has no credential, even if a login profile exports it",
    checks=("security.agent_env.removed", "security.agent_env.login_profile"),
    needs=("tools",),
)
async def credential_and_login_profile(lab: Lab) -> None:
    issue = lab.tracker.put("ENG-1", title="Mend the bridge")
    names = sorted({OWN_NAME, *lab.tracker.variables()})
    write_profiles(lab, "".join(f"export {name}='{lab.secret}'\n" for name in names))
    lab.script(issue, WORKS)
    lab.workflow(tracker=_tracker(lab))
    await lab.start(variables={**_variables(lab), **lab.tracker.variables()})
    session = await lab.at_gate(issue)

    exposed = [name for name, each in session.environment.items() if lab.secret in str(each)]
    with lab.judging("security.agent_env.removed") as judge:
        judge.lacks(exposed, OWN_NAME, "the variables that hold the credential")
    with lab.judging("security.agent_env.login_profile") as judge:
        judge.equal(exposed, [], "the variables that hold the credential")


def _tracker(lab: Lab) -> JsonObject:
    return {"provider": {KEYS[lab.dialect]: f"${OWN_NAME}"}}


def _variables(lab: Lab) -> dict[str, str]:
    """The credential under a name of our own; under the usual one there is something else."""
    wrong = dict.fromkeys(lab.tracker.variables(), "not-the-credential")
    return {**wrong, OWN_NAME: lab.secret}
