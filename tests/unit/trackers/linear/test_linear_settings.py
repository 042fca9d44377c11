"""What may stand below `tracker.provider` for Linear, and what each mistake is called."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from symphony.domain.json import JsonValue
from symphony.domain.problems import ProblemError
from symphony.domain.settings import TrackerSettings
from symphony.runtime.configuration import WorkflowComposer
from symphony.trackers.linear.profile import PROFILE
from symphony.trackers.linear.settings import DEFAULT_ENDPOINT, LinearSettings, read_settings

KEY = "lin_api_0123456789abcdef"
ENVIRONMENT = {"LINEAR_API_KEY": KEY}


def read(
    provider: Mapping[str, JsonValue], environment: Mapping[str, str] = ENVIRONMENT
) -> LinearSettings:
    settings = TrackerSettings(
        kind="linear",
        provider={"project_slug": "0123456789ab", **provider},
        active_states=("Todo",),
        terminal_states=("Done",),
    )
    return read_settings(settings, environment)


def problems(
    provider: Mapping[str, JsonValue], environment: Mapping[str, str] = ENVIRONMENT
) -> list[tuple[str, str | None]]:
    with pytest.raises(ProblemError) as caught:
        read(provider, environment)
    assert all(each.message and each.remedy for each in caught.value.problems)
    assert KEY not in str(caught.value)
    return [(each.code, each.key) for each in caught.value.problems]


def test_a_project_and_a_key_in_the_environment_are_enough() -> None:
    settings = read({})
    assert settings.endpoint == DEFAULT_ENDPOINT
    assert (settings.api_key, settings.tool_api_key, settings.assignee) == (KEY, None, None)
    assert settings.scope.project_slugs == ("0123456789ab",)
    assert settings.secret_names == {"LINEAR_API_KEY"}
    assert KEY not in repr(settings)


@pytest.mark.proves("security.secret.variable", "security.agent_env.removed")
def test_a_key_may_come_from_any_variable_and_all_their_names_are_known() -> None:
    settings = read(
        {"api_key": "$READING", "tool_api_key": " $WRITING "},
        {"READING": "one-key", "WRITING": "another-key"},
    )
    assert (settings.api_key, settings.tool_api_key) == ("one-key", "another-key")
    assert settings.secret_names == {"LINEAR_API_KEY", "READING", "WRITING"}
    assert settings.secrets == {"one-key", "another-key"}


@pytest.mark.proves("config.secret.empty")
@pytest.mark.parametrize("environment", [{}, {"NAME": ""}, {"NAME": " "}])
def test_a_key_that_names_an_unset_variable_is_missing_whatever_else_is_set(
    environment: dict[str, str],
) -> None:
    assert problems({"api_key": "$NAME"}, {**environment, **ENVIRONMENT}) == [
        ("missing_tracker_secret", "tracker.provider.api_key")
    ]
    assert problems({"tool_api_key": "$NAME"}, {**environment, **ENVIRONMENT}) == [
        ("missing_tracker_secret", "tracker.provider.tool_api_key")
    ]


def test_without_any_key_the_problem_says_where_to_get_one() -> None:
    with pytest.raises(ProblemError) as caught:
        read({}, {})
    (problem,) = caught.value.problems
    assert (problem.code, problem.key) == ("missing_tracker_secret", "tracker.provider.api_key")
    assert "LINEAR_API_KEY" in problem.remedy


def test_a_key_with_line_breaks_is_refused_before_it_reaches_a_header() -> None:
    assert problems({"api_key": "one\r\nX-Other: two"}) == [
        ("invalid_tracker_config", "tracker.provider.api_key")
    ]


@pytest.mark.parametrize(
    ("written", "slugs"),
    [
        ("0123456789ab", ("0123456789ab",)),
        ("engine-0123456789ab", ("engine-0123456789ab", "0123456789ab")),
        (
            "https://linear.app/acme/project/engine-0123456789ab/overview",
            ("engine-0123456789ab", "0123456789ab"),
        ),
        ("my-demo", ("my-demo",)),
        ("$PROJECT", ("from-environment",)),
    ],
)
def test_a_project_is_recognised_in_every_form_that_linear_shows(
    written: str, slugs: tuple[str, ...]
) -> None:
    environment = {**ENVIRONMENT, "PROJECT": "from-environment"}
    assert read({"project_slug": written}, environment).scope.project_slugs == slugs


def test_a_team_can_be_the_scope() -> None:
    scope = read({"project_slug": None, "team_key": "ENG"}).scope
    assert (scope.project_slugs, scope.team_key) == ((), "ENG")


def test_neither_project_nor_team_is_an_error_because_it_would_mean_everything() -> None:
    assert problems({"project_slug": " "}) == [
        ("invalid_tracker_config", "tracker.provider.project_slug")
    ]


@pytest.mark.parametrize(
    ("provider", "environment", "assignee"),
    [
        ({}, {}, None),
        ({}, {"LINEAR_ASSIGNEE": "ada@example.com"}, "ada@example.com"),
        ({}, {"LINEAR_ASSIGNEE": ""}, None),
        ({"assignee": "me"}, {"LINEAR_ASSIGNEE": "ada"}, "me"),
        ({"assignee": "@grace"}, {}, "grace"),
        ({"assignee": "$WHO"}, {"WHO": "me"}, "me"),
    ],
)
def test_an_assignee_comes_from_the_file_or_the_environment(
    provider: dict[str, JsonValue], environment: dict[str, str], assignee: str | None
) -> None:
    assert read(provider, {**ENVIRONMENT, **environment}).assignee == assignee


@pytest.mark.parametrize("written", ["", " ", "$UNSET"])
def test_an_assignee_that_stands_for_nothing_never_means_everybody(written: str) -> None:
    assert problems({"assignee": written}) == [
        ("invalid_tracker_config", "tracker.provider.assignee")
    ]


@pytest.mark.proves("tracker.transport.encrypted")
@pytest.mark.parametrize(
    "endpoint",
    [
        "http://api.linear.app/graphql",
        "http://127.0.0.1.example.com/graphql",
        "http://10.0.0.1/graphql",
        "ftp://localhost/graphql",
        "//localhost",
        "$ENDPOINT",
        "https://",
        "https://user:word@api.linear.app/graphql",
        "https://api.linear.app/graphql#part",
        "https://[::1/graphql",
        "https://api.linear.app:port/graphql",
    ],
)
def test_an_address_that_is_not_safe_is_refused(endpoint: str) -> None:
    assert problems({"endpoint": endpoint}) == [
        ("invalid_tracker_config", "tracker.provider.endpoint")
    ]


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://linear.example.com:8443/graphql",
        "http://localhost:1/graphql",
        "http://127.0.0.1:1/graphql",
        "http://[::1]:1/graphql",
        "http://fake.localhost/graphql",
    ],
)
def test_https_and_loopback_are_taken(endpoint: str) -> None:
    assert read({"endpoint": endpoint}).endpoint == endpoint


@pytest.mark.proves("config.provider.rejected")
def test_every_mistake_is_told_at_once() -> None:
    assert problems({"endpoint": "http://example.com", "project_slug": "", "assignee": ""}, {}) == [
        ("invalid_tracker_config", "tracker.provider.endpoint"),
        ("missing_tracker_secret", "tracker.provider.api_key"),
        ("invalid_tracker_config", "tracker.provider.project_slug"),
        ("invalid_tracker_config", "tracker.provider.assignee"),
    ]
    assert problems({"api_key": 7, "team_key": ["A"]}) == [
        ("invalid_tracker_config", "tracker.provider.api_key"),
        ("invalid_tracker_config", "tracker.provider.team_key"),
    ]


@pytest.mark.anyio
async def test_the_older_flat_keys_reach_the_adapter_and_provider_keys_win(tmp_path: Path) -> None:
    workflow = tmp_path / "WORKFLOW.md"
    workflow.write_text(
        "---\ntracker:\n  kind: linear\n  endpoint: http://localhost:1/older\n"
        "  api_key: $OLDER\n  project_slug: older-0123456789ab\n  assignee: me\n  team_key: ENG\n"
        "  provider:\n    endpoint: http://localhost:1/graphql\n---\nWork.\n"
    )
    composed = WorkflowComposer(str(workflow), {"OLDER": "older-key"}).load().workflow
    assert composed.settings.tracker.active_states == PROFILE.default_active_states
    settings = read_settings(composed.settings.tracker, {"OLDER": "older-key"})
    assert settings.endpoint == "http://localhost:1/graphql"
    assert (settings.api_key, settings.assignee) == ("older-key", "me")
    assert settings.scope.project_slugs == ("older-0123456789ab", "0123456789ab")
    assert settings.scope.team_key == "ENG"
    assert composed.tracker.secret_environment_names() == {"LINEAR_API_KEY", "OLDER"}
    await composed.tracker.aclose()


def test_a_refused_key_is_told_with_the_line_of_the_file(tmp_path: Path) -> None:
    workflow = tmp_path / "WORKFLOW.md"
    workflow.write_text("---\ntracker:\n  kind: linear\n  project_slug: demo\n---\nWork.\n")
    with pytest.raises(ProblemError) as caught:
        WorkflowComposer(str(workflow), {}).load()
    (problem,) = caught.value.problems
    assert (problem.code, problem.line) == ("missing_tracker_secret", 2)
