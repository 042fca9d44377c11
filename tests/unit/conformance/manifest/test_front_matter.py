"""Workflow files: what a scenario sets, where the implementation reads it."""

from __future__ import annotations

import yaml

from conformance.fakes.json_values import JsonObject, JsonValue, as_object
from conformance.manifest.front_matter import Wiring, front_matter, merge, workflow_text
from conformance.manifest.model import Manifest
from conformance.manifest.sections import Dialect

WIRING = Wiring(
    endpoint="http://127.0.0.1:9/graphql",
    workspace_root="/work/spaces",
    agent_command="agent app-server",
    project_slug="engine-1",
    repository="acme/widgets",
)


def manifest(**more: JsonValue) -> Manifest:
    content: dict[str, JsonValue] = {
        "schema": 1,
        "implementation": {"name": "mine"},
        "launch": {"command": ["mine", "{workflow}"]},
        **more,
    }
    return Manifest.model_validate(content)


def tracker(
    settings: JsonObject | None = None, dialect: Dialect = Dialect.LINEAR, **more: JsonValue
) -> JsonObject:
    """The tracker section that comes out."""
    return as_object(front_matter(manifest(**more), dialect, WIRING, settings or {})["tracker"])


LINEAR = {
    "endpoint": "http://127.0.0.1:9/graphql",
    "api_key": "$LINEAR_API_KEY",
    "project_slug": "engine-1",
}


def test_a_workflow_is_front_matter_and_prompt() -> None:
    text = workflow_text(manifest(), Dialect.LINEAR, WIRING, {"agent": {"max_turns": 2}}, "Go on.")
    assert text.startswith("---\n")
    _, front, body = text.split("---\n", 2)
    assert yaml.safe_load(front) == {
        "tracker": {"kind": "linear", "provider": LINEAR, **LINEAR},
        "workspace": {"root": "/work/spaces"},
        "codex": {"command": "agent app-server"},
        "agent": {"max_turns": 2},
    }
    assert body == "Go on.\n"


def test_no_anchor_or_alias_is_written_for_values_that_are_the_same() -> None:
    states: JsonValue = ["Todo"]
    text = workflow_text(
        manifest(), Dialect.LINEAR, WIRING, {"a": {"x": states}, "b": {"y": states}}, ""
    )
    assert "&" not in text
    assert "*" not in text


def test_the_older_spelling_puts_the_keys_under_tracker() -> None:
    assert tracker(tracker={"spelling": "flat"}) == {"kind": "linear", **LINEAR}


def test_the_newer_spelling_puts_the_keys_under_provider() -> None:
    assert tracker(tracker={"spelling": "provider"}) == {"kind": "linear", "provider": LINEAR}


def test_a_scenario_changes_a_key_of_linear_in_every_spelling() -> None:
    settings: JsonObject = {"tracker": {"provider": {"project_slug": None, "team_key": "ENG"}}}
    section = tracker(settings)
    for place in (section, as_object(section["provider"])):
        assert "project_slug" not in place
        assert place["team_key"] == "ENG"


def test_github_is_pointed_at_a_repository_with_states_in_labels() -> None:
    assert tracker(dialect=Dialect.GITHUB) == {
        "kind": "github",
        "provider": {
            "api_url": "http://127.0.0.1:9/graphql",
            "token": "$GITHUB_TOKEN",
            "repo": "acme/widgets",
            "state_source": "label",
        },
    }
    by_issue = tracker(dialect=Dialect.GITHUB, tracker={"github_states": "issue"})
    assert "state_source" not in as_object(by_issue["provider"])


def test_the_manifest_adds_front_matter_with_placeholders() -> None:
    section = tracker(
        tracker={"spelling": "provider", "linear": {"provider": {"url": "{endpoint}"}}},
        front_matter={"agent": {"kind": "codex", "program": "{agent_command}"}},
    )
    assert as_object(section["provider"])["url"] == WIRING.endpoint
    made = front_matter(
        manifest(front_matter={"agent": {"kind": "codex", "program": "{agent_command}"}}),
        Dialect.LINEAR,
        WIRING,
        {"agent": {"kind": "other"}},
    )
    assert made["agent"] == {"kind": "other", "program": "agent app-server"}


def test_what_a_scenario_writes_is_not_searched_for_placeholders() -> None:
    made = front_matter(manifest(), Dialect.LINEAR, WIRING, {"hooks": {"before_run": "{token}"}})
    assert made["hooks"] == {"before_run": "{token}"}


def test_maps_are_merged_and_none_removes_a_key() -> None:
    below: JsonObject = {"a": {"x": 1, "y": 2}, "b": [1], "c": 3}
    assert merge(below, {"a": {"x": None, "z": 3}, "b": [2], "c": None, "d": {"e": None}}) == {
        "a": {"y": 2, "z": 3},
        "b": [2],
        "d": {},
    }
    assert below["a"] == {"x": 1, "y": 2}


def test_the_wiring_tells_which_variables_hold_the_secret() -> None:
    assert WIRING.secret_variables(Dialect.LINEAR) == ("LINEAR_API_KEY",)
    assert WIRING.secret_variables(Dialect.GITHUB) == ("GITHUB_TOKEN",)
    literal = Wiring(endpoint="e", workspace_root="w", agent_command="a", api_key="lin_1")
    assert literal.secret_variables(Dialect.LINEAR) == ()
