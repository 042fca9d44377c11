"""The file that `symphony init` writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symphony.domain.json import JsonValue
from symphony.workflow.schema import sections
from symphony.workflow.section import is_older_form
from symphony.workflow.starter import STARTER_KINDS, StarterAnswers, StarterKind, render_starter
from symphony.workflow.yaml_text import yaml_text
from tests.support.workflows import BARE_ISSUE, FULL_ISSUE, loaded

SCOPES: dict[StarterKind, str] = {
    "files": "./issues",
    "linear": "my-project-0a1b2c3d4e5f",
    "github": "team/project",
}


def answers(kind: StarterKind) -> StarterAnswers:
    return StarterAnswers(
        kind=kind,
        scope=SCOPES[kind],
        max_concurrent_agents=5,
        workspace_root="~/work spaces",
        clone_url="https://example.org/team/my project.git",
    )


@pytest.mark.parametrize("kind", STARTER_KINDS)
def test_a_new_file_loads_without_a_warning(kind: StarterKind) -> None:
    for given_answers in (StarterAnswers(kind=kind, scope=SCOPES[kind]), answers(kind)):
        workflow = loaded(render_starter(given_answers))
        assert workflow.warnings == ()
        assert workflow.settings.tracker.kind == kind
        for issue in (FULL_ISSUE, BARE_ISSUE):
            for attempt in (None, 2):
                assert issue.identifier in workflow.template.render(issue, attempt)


@pytest.mark.parametrize("kind", STARTER_KINDS)
def test_the_answers_are_in_force(kind: StarterKind) -> None:
    settings = loaded(render_starter(answers(kind))).settings
    assert SCOPES[kind] in settings.tracker.provider.values()
    assert settings.agent.max_concurrent_agents == 5
    assert settings.workspace.root == "/home/ada/work spaces"
    assert settings.hooks.after_create is not None
    assert "git clone --quiet -- 'https://example.org/team/my project.git' ." in (
        settings.hooks.after_create
    )
    assert settings.hooks.after_run is not None


@pytest.mark.parametrize("kind", STARTER_KINDS)
def test_a_secret_is_named_and_not_asked_for(kind: StarterKind) -> None:
    provider = loaded(render_starter(answers(kind))).settings.tracker.provider
    secrets = {"files": None, "linear": "$LINEAR_API_KEY", "github": "$GITHUB_TOKEN"}
    assert (provider.get("api_key") or provider.get("token")) == secrets[kind]


def test_every_key_is_explained() -> None:
    text = render_starter(StarterAnswers(kind="files", scope="./issues"))
    for name, section in sections().items():
        assert f"\n{name}:\n" in text
        for member, field in section.model_fields.items():
            assert (f" {member}:" in text) is not is_older_form(field)


def test_what_is_left_as_a_comment_can_be_uncommented() -> None:
    text = render_starter(StarterAnswers(kind="files", scope="./issues"))
    uncommented = [
        line.replace("  # ", "  ", 1) if _is_setting(line) else line for line in text.splitlines()
    ]
    workflow = loaded("\n".join(uncommented))
    assert workflow.warnings == ()
    assert workflow.settings.server_port == 8080
    assert workflow.settings.hooks.before_run == "git fetch --quiet"


def _is_setting(line: str) -> bool:
    names = {name for section in sections().values() for name in section.model_fields}
    return any(line.startswith(f"  # {name}: ") for name in names)


@given(scope=st.text(min_size=1), root=st.text(min_size=1), url=st.text(min_size=1))
def test_no_answer_can_break_out_of_its_place(scope: str, root: str, url: str) -> None:
    given_answers = StarterAnswers(
        kind="files", scope=scope, workspace_root=f"/{root}", clone_url=url
    )
    printable = all(text.strip() and text.isprintable() for text in (scope, root, url))
    if not printable:
        with pytest.raises(ValueError, match="one line"):
            render_starter(given_answers)
        return
    settings = loaded(render_starter(given_answers)).settings
    assert settings.tracker.provider["path"] == scope
    assert settings.agent.max_concurrent_agents == 3


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=6,
    )
)
def test_values_written_as_yaml_read_back_the_same(value: JsonValue) -> None:
    text = f"---\ntracker:\n  kind: files\n  provider: {{x: {yaml_text(value)}}}\n---\n"
    assert loaded(text).settings.tracker.provider == {"x": value}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("In Progress", "In Progress"),
        ("~/work", "~/work"),
        ("no", "no"),
        ("true", '"true"'),
        ("5", '"5"'),
        ("a: b", '"a: b"'),
        ("a, b", '"a, b"'),
        ("", '""'),
        ("é", "é"),
        ("two\nlines", '"two\\nlines"'),
    ],
)
def test_text_is_quoted_only_where_it_must_be(value: str, text: str) -> None:
    assert yaml_text(value) == text
