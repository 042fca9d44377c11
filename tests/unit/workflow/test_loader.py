"""What the settings of a WORKFLOW.md come to mean."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from symphony.domain.problems import ProblemError
from symphony.domain.settings import (
    DEFAULT_PROMPT,
    AgentSettings,
    CodexSettings,
    HookSettings,
    PollingSettings,
    Settings,
)
from symphony.workflow.loader import load_workflow
from tests.support.workflows import ADAPTERS, ENVIRONMENT, PATH, front_matter, loaded, refused


def settings_of(text: str) -> Settings:
    return loaded(text).settings


@pytest.mark.proves(
    "config.default.times",
    "config.default.limits",
    "config.default.command",
    "config.default.workspace_root",
)
def test_what_is_left_out_has_the_documented_default() -> None:
    settings = settings_of(front_matter())
    assert settings.polling == PollingSettings(interval_ms=30_000)
    assert settings.hooks == HookSettings(timeout_ms=60_000)
    assert settings.agent == AgentSettings(
        max_concurrent_agents=10, max_turns=20, max_retry_backoff_ms=300_000
    )
    assert settings.codex == CodexSettings(
        command="codex app-server",
        approval_policy="never",
        thread_sandbox="workspace-write",
        turn_timeout_ms=3_600_000,
        read_timeout_ms=5_000,
        stall_timeout_ms=300_000,
    )
    assert settings.workspace.root == "/scratch/symphony_workspaces"
    assert settings.server_port is None


def test_the_defaults_of_the_models_are_those_of_the_domain() -> None:
    explicit = settings_of(
        front_matter(
            "polling:\n  interval_ms: 30000\nhooks:\n  timeout_ms: 60000\n"
            "agent:\n  max_turns: 20\ncodex:\n  stall_timeout_ms: 300000\n"
        )
    )
    assumed = settings_of(front_matter())
    assert (explicit.polling, explicit.hooks, explicit.agent, explicit.codex) == (
        assumed.polling,
        assumed.hooks,
        assumed.agent,
        assumed.codex,
    )


def test_every_key_reaches_the_settings() -> None:
    path = Path(__file__).parent / "corpus" / "good" / "everything.md"
    settings = load_workflow(path, environment=ENVIRONMENT, adapter_defaults=ADAPTERS).settings
    assert settings.tracker.provider == {
        "path": "./issues",
        "something_of_the_adapter": {"nested": [1, "two"]},
    }
    assert settings.tracker.required_labels == ("agent", "Ready to go")
    assert settings.tracker.active_states == ("Todo", "In Progress")
    assert settings.tracker.terminal_states == ("Done", "Cancelled")
    assert settings.polling.interval_ms == 5_000
    assert settings.workspace.root == str(path.parent.parent / "workspaces")
    assert settings.hooks == HookSettings(
        after_create='git clone "$SYMPHONY_WORKFLOW_DIR" .\ngit switch -c work\n',
        before_run="git fetch",
        after_run="git status",
        before_remove="git push || true",
        timeout_ms=120_000,
        env=("GITHUB_TOKEN",),
    )
    assert settings.agent == AgentSettings(
        max_concurrent_agents=3,
        max_turns=7,
        max_retry_backoff_ms=60_000,
        max_concurrent_agents_by_state={"in review": 1},
    )
    assert settings.codex == CodexSettings(
        command="FOO=1 codex app-server",
        approval_policy={"granular": {"sandbox_approval": True}},
        thread_sandbox="read-only",
        turn_sandbox_policy={"type": "readOnly"},
        model="gpt-5.5",
        auto_approve=True,
        turn_timeout_ms=1_000,
        read_timeout_ms=2_000,
        stall_timeout_ms=3_000,
    )
    assert settings.server_port == 8080


@pytest.mark.proves("config.variable.whole_value", "config.coerce.verbatim")
def test_provider_commands_and_scripts_stay_as_they_are_written() -> None:
    text = front_matter(
        "  provider: {api_key: $HOME, url: 'https://x/~/$HOME'}\n"
        "hooks:\n  before_run: cd ~ && echo $HOME\n"
        "codex:\n  command: ~/bin/codex $HOME\n"
    )
    settings = settings_of(text)
    assert settings.tracker.provider == {"api_key": "$HOME", "url": "https://x/~/$HOME"}
    assert settings.hooks.before_run == "cd ~ && echo $HOME"
    assert settings.codex.command == "~/bin/codex $HOME"


@pytest.mark.proves("config.provider.preserved")
def test_unknown_provider_keys_reach_the_adapter_without_a_warning() -> None:
    workflow = loaded(front_matter("  provider: {anything: {at: [all, null, 5, false]}}\n"))
    provider = workflow.settings.tracker.provider
    assert json.loads(json.dumps(provider)) == {"anything": {"at": ["all", None, 5, False]}}
    assert workflow.warnings == ()


@pytest.mark.proves(
    "config.root.home",
    "config.root.variable",
    "config.root.variable_unset",
    "config.root.relative",
    "config.default.workspace_root",
)
@pytest.mark.parametrize(
    ("written", "root"),
    [
        ("~/work", "/home/ada/work"),
        ("'~'", "/home/ada"),
        ("~", "/scratch/symphony_workspaces"),
        ("work", "/repo/work"),
        ("./a/../b", "/repo/b"),
        ("../beside", "/beside"),
        ("/srv/work/", "/srv/work"),
        ("$ROOT", "/srv/from-variable"),
        ("$RELATIVE", "/repo/from/variable"),
        ("$UNSET", "/scratch/symphony_workspaces"),
        ("$EMPTY", "/scratch/symphony_workspaces"),
        ("''", "/scratch/symphony_workspaces"),
        ("", "/scratch/symphony_workspaces"),
        ("/srv/$ROOT/x", "/srv/$ROOT/x"),
    ],
)
def test_the_workspace_root_becomes_absolute(written: str, root: str) -> None:
    environment = {
        **ENVIRONMENT,
        "ROOT": "/srv/from-variable",
        "RELATIVE": "from/variable",
        "EMPTY": "",
    }
    text = front_matter(f"workspace:\n  root: {written}\n")
    assert loaded(text, environment=environment).settings.workspace.root == root


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("$UNSET", "`$UNSET` is unset or empty"),
        ("/srv/$HOME/x", "`$HOME` stays as it is"),
        ("${HOME}", "`${HOME}` stays as it is"),
        (".", "/repo holds other things"),
        ("'~'", "/home/ada holds other things"),
        ("/", "/ holds other things"),
    ],
)
def test_a_doubtful_root_is_warned_about(written: str, said: str) -> None:
    (warning,) = loaded(front_matter(f"workspace:\n  root: {written}\n")).warnings
    assert (warning.key, warning.line) == ("workspace.root", 5)
    assert said in warning.message


@pytest.mark.proves("config.variable.no_override")
def test_variables_that_no_value_names_change_nothing() -> None:
    environment = {
        **ENVIRONMENT,
        "POLLING_INTERVAL_MS": "1",
        "WORKSPACE_ROOT": "/elsewhere",
        "CODEX_COMMAND": "other",
    }
    text = front_matter()
    assert loaded(text, environment=environment) == loaded(text)


@pytest.mark.proves("config.states.explicit_empty")
def test_an_explicit_empty_list_of_states_is_kept() -> None:
    tracker = settings_of(front_matter("  active_states: []\n  terminal_states: []\n")).tracker
    assert (tracker.active_states, tracker.terminal_states) == ((), ())


@pytest.mark.proves("config.states.required")
def test_only_the_states_that_nobody_names_are_missing() -> None:
    (problem,) = refused(front_matter("  active_states: [Todo]\n", kind="bare"))
    assert problem.key == "tracker.terminal_states"


@pytest.mark.proves("config.agent.by_state_normalised", "config.agent.by_state_invalid")
def test_bad_state_limits_are_ignored_one_by_one() -> None:
    workflow = loaded(
        front_matter(
            "agent:\n  max_concurrent_agents: 4\n  max_concurrent_agents_by_state:\n"
            "    ' In Review ': 1\n    TODO: '2'\n    zero: 0\n    minus: -1\n    word: many\n"
            "    truth: true\n    half: 0.5\n    nothing:\n    list: [1]\n"
        )
    )
    limits = workflow.settings.agent.max_concurrent_agents_by_state
    assert limits == {"in review": 1, "todo": 2}
    assert workflow.settings.agent.max_concurrent_agents == 4
    assert [warning.line for warning in workflow.warnings] == [9, 10, 11, 12, 13, 14, 15]


@pytest.mark.proves("config.unknown_keys.ignored")
def test_unknown_keys_are_ignored_with_a_hint() -> None:
    workflow = loaded(front_matter("polling:\n  intervall_ms: 1\nx-ours: {a: 1}\nmax_turns: 3\n"))
    assert workflow.settings.polling.interval_ms == 30_000
    hints = {warning.key: warning.remedy for warning in workflow.warnings}
    assert hints["polling.intervall_ms"] == "Did you mean `polling.interval_ms`?"
    assert hints["max_turns"] == "Did you mean `agent.max_turns`?"
    assert set(hints) == {"polling.intervall_ms", "max_turns", "x-ours"}


@pytest.mark.proves("config.codex.passthrough")
def test_policies_of_the_agent_are_passed_on_whatever_they_say() -> None:
    codex = settings_of(
        front_matter(
            "codex:\n  approval_policy: {reject: {rules: true}}\n"
            "  thread_sandbox: something-new\n  turn_sandbox_policy: {type: future, x: [1]}\n"
        )
    ).codex
    assert codex.approval_policy == {"reject": {"rules": True}}
    assert codex.thread_sandbox == "something-new"
    assert codex.turn_sandbox_policy == {"type": "future", "x": [1]}


def test_older_keys_of_linear_count_where_the_provider_has_none() -> None:
    text = front_matter(
        "  endpoint: https://a\n  api_key: $A\n  project_slug: old\n  assignee: me\n"
        "  team_key: ABC\n  provider: {project_slug: new}\n",
        kind="linear",
    )
    workflow = loaded(text)
    assert workflow.settings.tracker.provider == {
        "endpoint": "https://a",
        "api_key": "$A",
        "project_slug": "new",
        "assignee": "me",
        "team_key": "ABC",
    }
    assert workflow.warnings == ()


def test_older_keys_of_linear_mean_nothing_to_other_kinds() -> None:
    workflow = loaded(front_matter("  api_key: $A\n"))
    assert workflow.settings.tracker.provider == {}
    assert [warning.key for warning in workflow.warnings] == ["tracker.api_key"]


@pytest.mark.proves("config.tracker.kind_supported")
def test_an_unsupported_kind_is_refused_with_the_supported_ones() -> None:
    (problem,) = refused(front_matter(kind="Files"))
    assert problem.code == "unsupported_tracker_kind"
    assert problem.remedy == "Did you mean `files`? Supported: bare, files, github, linear."


def test_a_message_speaks_the_words_of_the_settings_reference() -> None:
    (problem,) = refused(front_matter("polling:\n  interval_ms: 30s\n"))
    assert str(problem) == (
        f"{PATH}:5: polling.interval_ms: must be an integer of at least 1 (milliseconds); "
        'got "30s" (workflow_invalid_setting). For example `interval_ms: 30000`.'
    )


def test_a_long_wrong_value_is_cut() -> None:
    (problem,) = refused(front_matter(f"polling:\n  interval_ms: {'x' * 500}\n"))
    assert len(problem.message) < 200


def test_a_hidden_front_matter_is_explained() -> None:
    (problem,) = refused("--- \ntracker:\n  kind: files\n---\n")
    assert "first line must be exactly `---`" in problem.remedy


def test_nothing_of_a_file_with_one_mistake_is_returned() -> None:
    assert (
        len(refused(front_matter("polling:\n  interval_ms: 5000\nagent:\n  max_turns: x\n"))) == 1
    )


@pytest.mark.proves("workflow.body.trimmed")
def test_the_body_is_trimmed_and_its_line_known() -> None:
    workflow = loaded(front_matter(body="\n\n  \n  Do it.\n\n"))
    assert workflow.settings.prompt_template == "Do it."
    assert workflow.template.first_line == 8


@pytest.mark.proves("template.body.fallback")
def test_an_empty_body_is_replaced_by_the_default_prompt() -> None:
    assert settings_of(front_matter(body=" \n")).prompt_template == DEFAULT_PROMPT


@pytest.mark.proves("template.error.scope")
def test_a_broken_template_refuses_no_file() -> None:
    workflow = loaded(front_matter(body="ok\n{{ issue.titel }}\n{% if x %}{% endif %}"))
    assert [(warning.code, warning.line) for warning in workflow.warnings] == [
        ("template_render_error", 6),
        ("template_render_error", 7),
    ]
    assert workflow.template.problem == workflow.warnings[0]


def test_the_revision_follows_the_content() -> None:
    one, again, other = (loaded(front_matter(body=body)) for body in ("a", "a", "b"))
    assert one.settings.revision == again.settings.revision != other.settings.revision
    assert one.signature.startswith(one.settings.revision)
    assert one.settings.workflow_path == PATH


@pytest.mark.proves("workflow.path.missing")
def test_a_missing_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "WORKFLOW.md"
    with pytest.raises(ProblemError) as caught:
        load_workflow(path, environment={}, adapter_defaults=ADAPTERS)
    (problem,) = caught.value.problems
    assert (problem.code, problem.path) == ("missing_workflow_file", str(path))
    assert "symphony init" in problem.remedy


@pytest.mark.parametrize("what", ["directory", "pipe", "loop"])
def test_what_is_no_readable_file_is_refused_at_once(what: str, tmp_path: Path) -> None:
    path = tmp_path / "WORKFLOW.md"
    if what == "directory":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(path)
    with pytest.raises(ProblemError) as caught:
        load_workflow(path, environment={}, adapter_defaults=ADAPTERS)
    assert caught.value.code == "missing_workflow_file"


def test_a_relative_path_is_made_absolute(tmp_path: Path) -> None:
    path = tmp_path / "WORKFLOW.md"
    path.write_text(front_matter("workspace:\n  root: ws\n"))
    relative = os.path.relpath(path)
    workflow = load_workflow(relative, environment={}, adapter_defaults=ADAPTERS)
    assert workflow.settings.workflow_path == str(path)
    assert workflow.settings.workspace.root == str(tmp_path / "ws")
