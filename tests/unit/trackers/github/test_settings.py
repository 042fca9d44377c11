"""The provider settings of the GitHub tracker."""

from __future__ import annotations

import pytest

from symphony.domain.json import JsonObject
from symphony.domain.problems import Problem, ProblemError
from symphony.domain.settings import TrackerSettings
from symphony.trackers.github.addresses import Addresses
from symphony.trackers.github.settings import GitHubSettings, read_settings

SECRET = "ghp_very-secret"


def settings(
    provider: JsonObject, active: tuple[str, ...] = ("Todo", "In Progress"), **environment: str
) -> GitHubSettings:
    tracker = TrackerSettings(
        kind="github", provider=provider, active_states=active, terminal_states=("Done",)
    )
    return read_settings(tracker, environment)


def problem(
    provider: JsonObject, active: tuple[str, ...] = ("Todo",), **environment: str
) -> Problem:
    with pytest.raises(ProblemError) as caught:
        settings(provider, active, **environment)
    assert SECRET not in str(caught.value)
    return caught.value.problems[0]


COMPLETE: JsonObject = {"repo": "acme/widgets", "token": SECRET}


def test_the_environment_stands_in_for_what_is_not_written() -> None:
    found = settings({}, GITHUB_REPO="acme/widgets", GITHUB_TOKEN=SECRET)
    assert (found.owner, found.name, found.token) == ("acme", "widgets", SECRET)
    assert found.tool_token == SECRET
    assert found.state_source == "issue"
    assert found.addresses == Addresses(
        rest="https://api.github.com", graphql="https://api.github.com/graphql"
    )


def test_what_is_written_wins_over_the_environment() -> None:
    found = settings(COMPLETE, GITHUB_REPO="other/place", GITHUB_TOKEN="other")
    assert (found.repository, found.token) == ("acme/widgets", SECRET)


@pytest.mark.proves("security.secret.variable")
def test_a_secret_may_be_the_name_of_a_variable_and_that_name_is_kept_from_children() -> None:
    provider: JsonObject = {"repo": "a/b", "token": "$READ", "tool_token": "$WRITE"}
    found = settings(provider, READ="one", WRITE="two")
    assert (found.token, found.tool_token) == ("one", "two")
    assert found.secret_names == {"READ", "WRITE", "GITHUB_TOKEN"}


def test_the_representation_holds_no_secret() -> None:
    assert SECRET not in repr(settings({**COMPLETE, "tool_token": f"{SECRET}2"}))


@pytest.mark.parametrize(
    ("api_url", "rest", "graphql"),
    [
        ("https://api.github.com/", "https://api.github.com", "https://api.github.com/graphql"),
        (
            "https://api.acme.ghe.com",
            "https://api.acme.ghe.com",
            "https://api.acme.ghe.com/graphql",
        ),
        (
            "https://git.acme.com",
            "https://git.acme.com/api/v3",
            "https://git.acme.com/api/graphql",
        ),
        (
            "https://git.acme.com:8443/api/v3/",
            "https://git.acme.com:8443/api/v3",
            "https://git.acme.com:8443/api/graphql",
        ),
        ("http://127.0.0.1:80", "http://127.0.0.1:80", "http://127.0.0.1:80/graphql"),
        ("http://[::1]:9/api/v3", "http://[::1]:9/api/v3", "http://[::1]:9/api/graphql"),
        ("https://proxy/gh", "https://proxy/gh", "https://proxy/gh/graphql"),
        ("$API", "https://git.acme.com/api/v3", "https://git.acme.com/api/graphql"),
    ],
)
def test_addresses_are_those_of_github_or_of_an_enterprise_server(
    api_url: str, rest: str, graphql: str
) -> None:
    found = settings({**COMPLETE, "api_url": api_url}, API="https://git.acme.com")
    assert found.addresses == Addresses(rest=rest, graphql=graphql)


@pytest.mark.proves("tracker.transport.encrypted")
@pytest.mark.parametrize(
    "api_url",
    [
        "http://api.github.com",
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "ftp://api.github.com",
        "api.github.com",
        f"https://user:{SECRET}@api.github.com",
        "https://api.github.com/?x=1",
        "https://[::1",
        "https://host:port",
    ],
)
def test_an_address_that_would_leak_or_mean_nothing_is_refused(api_url: str) -> None:
    assert problem({**COMPLETE, "api_url": api_url}).key == "tracker.provider.api_url"


@pytest.mark.proves("config.provider.rejected")
@pytest.mark.parametrize(
    ("provider", "key"),
    [
        ({"repo": None}, "repo"),
        ({"repo": "acme"}, "repo"),
        ({"repo": "acme/widgets/issues"}, "repo"),
        ({"repo": "https://github.com/acme/widgets"}, "repo"),
        ({"repo": "acme/.."}, "repo"),
        ({"repo": "$UNSET"}, "repo"),
        ({"state_source": "labels"}, "state_source"),
        ({"label_prefix": " "}, "label_prefix"),
        ({"state_source": "project"}, "project_number"),
        ({"state_source": "project", "project_number": 0}, "project_number"),
        ({"state_source": "project", "project_number": "3"}, "project_number"),
        ({"state_source": "project", "project_number": 3, "project_owner": "a b"}, "project_owner"),
        ({"state_source": "project", "project_number": 3, "project_field": ""}, "project_field"),
        ({"assignee": "$UNSET"}, "assignee"),
        ({"assignee": "@me"}, "assignee"),
        ({"unstarted_states": "Todo"}, "unstarted_states"),
        ({"tool_may_merge": "yes"}, "tool_may_merge"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_by_its_key(provider: JsonObject, key: str) -> None:
    found = problem({**COMPLETE, **provider})
    assert (found.code, found.key) == ("invalid_tracker_config", f"tracker.provider.{key}")


@pytest.mark.proves("config.secret.empty")
@pytest.mark.parametrize("token", [None, "", "$UNSET", "$EMPTY"])
def test_a_missing_token_is_an_error_that_names_the_variable(token: str | None) -> None:
    found = problem({"repo": "a/b", "token": token}, EMPTY=" ")
    assert (found.code, found.key) == ("missing_tracker_secret", "tracker.provider.token")
    assert "Set " in found.remedy


def test_a_tool_token_that_is_missing_is_not_replaced_by_the_other_one() -> None:
    found = problem({**COMPLETE, "tool_token": "$UNSET"})
    assert (found.code, found.key) == ("missing_tracker_secret", "tracker.provider.tool_token")


def test_a_token_that_would_break_a_header_is_refused_without_being_shown() -> None:
    assert problem({"repo": "a/b", "token": f"{SECRET}\nX: y"}).key == "tracker.provider.token"


@pytest.mark.parametrize("source", ["label", "project"])
def test_states_from_elsewhere_have_to_be_named(source: str) -> None:
    provider: JsonObject = {**COMPLETE, "state_source": source, "project_number": 1}
    assert problem(provider, ("open",)).key == "tracker.active_states"


def test_unstarted_is_what_the_settings_say_or_the_usual_name() -> None:
    assert settings(COMPLETE).unstarted == {"todo"}
    assert settings({**COMPLETE, "unstarted_states": ["Ready "]}).unstarted == {"ready"}
