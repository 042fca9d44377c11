"""What agents and hooks inherit, and what they never get."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from conformance.fakes.linear.server import LinearFake
from symphony.domain.json import JsonValue, as_object
from tests.support.daemon_site import WAIT, Script, Section, Site
from tests.support.linear import KEY as KNOWN_KEY
from tests.support.linear import PROJECT, linear_fake, put_issue

KEY = "canary/7c1f-0d2e"
"""Not in the form of any token, so that nothing but its value gives it away."""


@pytest.fixture
def linear() -> Generator[LinearFake]:
    """A fake Linear on loopback."""
    with linear_fake() as fake:
        fake.keys[KEY] = fake.keys[KNOWN_KEY]
        yield fake


def tracker(fake: LinearFake, api_key: str) -> Section:
    """The settings of a project of the fake."""
    provider: Section = {"endpoint": fake.url, "project_slug": PROJECT, "api_key": api_key}
    return {"kind": "linear", "provider": provider}


@pytest.mark.proves("config.variable.no_override", "config.coerce.verbatim", "launch.command.shell")
def test_children_see_the_environment_of_the_daemon_and_the_login_profile(site: Site) -> None:
    profile = site.home / ".bash_profile"
    profile.write_text("export FROM_PROFILE=yes\n")
    command = f'AGENT_ONLY="$FROM_PROFILE ~" exec {site.launcher}'
    site.write_workflow(codex={"command": command})
    site.write_issue("MT-1")
    hostile = {"CODEX_COMMAND": "false", "WORKSPACE_ROOT": "/nowhere", "POLLING_INTERVAL_MS": "1"}
    daemon = site.start(environment={**hostile, "PLAIN": "plain"})
    daemon.wait_for_log(event="run_ended")
    (session,) = site.sessions("MT-1")
    assert session.environment["AGENT_ONLY"] == "yes ~"
    assert session.environment["PLAIN"] == "plain"
    assert session.environment["HOME"] == str(site.home)
    assert str(session.environment["SYMPHONY_OWNER"]).endswith(":agent-1")


@pytest.mark.proves(
    "security.secret.variable",
    "security.agent_env.absent",
    "security.agent_env.removed",
    "security.agent_env.login_profile",
    "security.secret.logs",
    "hook.env.secrets",
    "tool.execute.host_side",
    "tool.result.no_secret",
    "tool.advertise.selected_only",
    "tracker.writes.none",
)
def test_the_key_of_the_tracker_is_the_daemons_alone(site: Site, linear: LinearFake) -> None:
    issue = put_issue(linear, "ENG-1", title=f"Do not print {KEY}")
    other = put_issue(linear, "ENG-2", state="Backlog")
    (team, *_) = linear.world.teams.values()
    state = linear.world.state_named(team, "In Progress").id
    update = (
        f'mutation {{ issueUpdate(id: "{issue.id}", input: {{stateId: "{state}"}}) {{ success }} }}'
    )
    print_all: JsonValue = {"do": "run", "command": "env; cat ~/.bash_profile"}
    say: JsonValue = {"do": "message", "text": f"I found {KEY}."}
    # A second gate: an agent whose issue is done is stopped, perhaps before it hears the answer.
    script: Script = {"turns": [[print_all, say, WAIT, _query(f"# {KEY}\n{update}"), WAIT]]}
    site.write_script("ENG-1", script)
    # Names that the file uses and the adapter knows, another one, and a text that holds the key.
    names = {"BOARD_KEY": KEY, "LINEAR_API_KEY": KEY, "COPY": KEY, "INSIDE": f"https://{KEY}@x.y"}
    profile = "".join(f"export {name}={KEY}\n" for name in ("BOARD_KEY", "LINEAR_API_KEY"))
    (site.home / ".bash_profile").write_text(profile)
    hooks = ("after_create", "before_run", "after_run", "before_remove")
    site.write_workflow(
        "{{ issue.title }}",
        tracker=tracker(linear, "$BOARD_KEY"),
        hooks=dict.fromkeys(hooks, f"env >> {site.top}/hook-environment; env"),
    )
    logs = site.top / "logs"
    daemon = site.start(str(site.workflow), "--logs-root", str(logs), environment=names)
    working = site.at_gate("ENG-1")
    assert not any(request.is_mutation for request in linear.requests.all())
    working.go()
    site.at_gate("ENG-1")
    assert linear.world.state_of(issue) == "In Progress"
    linear.world.set_state(issue, linear.world.state_named(team, "Done"))
    daemon.wait_for_log(event="workspace_removed", issue_identifier="ENG-1")
    assert daemon.stop() == 0
    assert linear.world.state_of(other) == "Backlog"
    assert {request.headers["authorization"] for request in linear.requests.all()} == {KEY}
    (session,) = site.sessions("ENG-1")
    assert KEY not in str(session.environment)
    assert not names.keys() & session.environment.keys()
    assert "SYMPHONY_TEST_TOKEN" in session.environment
    (answer,) = session.answers("item/tool/call")
    assert (as_object(answer["result"]) or {})["success"] is True
    assert KEY not in str(answer)
    hook_environment = (site.top / "hook-environment").read_text()
    assert hook_environment.count("SYMPHONY_ISSUE_ID=") == len(hooks)
    assert KEY not in hook_environment
    assert KEY not in daemon.log_text()
    written = [path for path in logs.rglob("*") if path.is_file()]
    assert len(written) == 2
    assert all(KEY not in path.read_text() for path in written)


def _query(text: str) -> JsonValue:
    return {"do": "tool", "tool": "linear_graphql", "arguments": {"query": text}}


@pytest.mark.proves("security.secret.logs", "hook.env.secrets", "tracker.error.candidates")
def test_a_key_that_is_refused_is_not_told_and_a_hook_may_ask_for_it(
    site: Site, linear: LinearFake
) -> None:
    wrong = "canary/9999-0d2e"
    (site.workspaces / "ENG-1").mkdir(parents=True)
    put_issue(linear, "ENG-1", state="Done")
    look = f'[ "$BOARD_KEY" = {KEY} ] && touch {site.top}/asked; echo "$BOARD_KEY"; exit 1'
    hooks: Section = {"env": ["BOARD_KEY"], "before_remove": look}
    site.write_workflow(tracker=tracker(linear, "$BOARD_KEY"), hooks=hooks)
    refused = site.start(environment={"BOARD_KEY": wrong})
    refused.wait_for_log(event="candidate_read_failed")
    assert refused.stop() == 0
    assert wrong not in refused.log_text()
    daemon = site.start(environment={"BOARD_KEY": KEY})
    daemon.wait_for_log(event="workspace_removed", issue_identifier="ENG-1")
    assert (site.top / "asked").exists()
    failed = daemon.wait_for_log(event="hook_failed", hook="before_remove")
    assert failed["output"] == "[redacted]"


@pytest.mark.proves("config.secret.empty", "startup.validate.refused", "security.secret.logs")
@pytest.mark.parametrize("value", [None, ""])
def test_a_key_that_is_not_set_ends_the_start_before_any_request(
    site: Site, linear: LinearFake, value: str | None
) -> None:
    site.write_workflow(tracker=tracker(linear, "$BOARD_KEY"))
    daemon = site.start(environment={} if value is None else {"BOARD_KEY": value})
    assert daemon.wait_for_exit() == 1
    refusals = daemon.log(event="startup_failed")
    assert [line["key"] for line in refusals] == ["tracker.provider.api_key"]
    assert len(linear.requests) == 0
