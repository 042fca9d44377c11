"""`symphony check --online`: what the credentials of a provider may do, as far as it tells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import yaml

from conformance.fakes.github.entities import Token
from conformance.fakes.github.server import GitHubFake
from conformance.fakes.linear.executor import Rights
from conformance.fakes.linear.server import LinearFake
from symphony.domain.json import JsonValue
from tests.support.daemon_process import RunCommand
from tests.support.github_worlds import REPOSITORY, hub_with_repository
from tests.support.linear import KEY, PROJECT, READ_ONLY_KEY, linear_fake, put_issue

READING = "github_pat_that-may-only-read-0123"
WRITING = "github_pat_that-may-write-4567"
UNKNOWN = "github_pat_that-nobody-made-89ab"


@pytest.fixture
def linear() -> Iterator[LinearFake]:
    """A Linear with one issue in Todo. The key that writes is Grace's, so that the two differ."""
    with linear_fake() as fake:
        put_issue(fake)
        grace = next(user for user in fake.world.users.values() if user.name.startswith("Grace"))
        fake.keys[KEY] = Rights(user_id=grace.id)
        yield fake


@pytest.fixture
def github() -> Iterator[GitHubFake]:
    """A GitHub with one open issue, a token that reads and one that writes."""
    hub = hub_with_repository()
    repository = hub.repository(REPOSITORY)
    assert repository is not None
    hub.put_issue(repository)
    tokens = {READING: Token(can_write=False), WRITING: Token()}
    with GitHubFake(hub, tokens=tokens) as fake:
        yield fake


class Check:
    """Runs the command on a workflow whose credentials are in the environment."""

    def __init__(self, run: RunCommand, directory: Path, environment: dict[str, str]) -> None:
        self._run = run
        self._directory = directory
        self._environment = environment

    def linear(self, fake: LinearFake, api_key: str, tool_api_key: str) -> CompletedProcess[str]:
        """With these keys for Linear."""
        self._environment |= {"READING": api_key, "WRITING": tool_api_key}
        return self._online(
            "linear",
            endpoint=fake.url,
            project_slug=PROJECT,
            api_key="$READING",
            tool_api_key="$WRITING",
        )

    def github(
        self, fake: GitHubFake, token: str, tool_token: str | None = None
    ) -> CompletedProcess[str]:
        """With these tokens for GitHub."""
        self._environment["GITHUB_TOKEN"] = token
        own: dict[str, JsonValue] = {}
        if tool_token is not None:
            self._environment["WRITING"] = tool_token
            own["tool_token"] = "$WRITING"
        return self._online("github", repo=REPOSITORY, api_url=fake.url, **own)

    def _online(self, kind: str, **provider: JsonValue) -> CompletedProcess[str]:
        settings = {"tracker": {"kind": kind, "provider": provider}, "codex": {"command": "cat"}}
        text = f"---\n{yaml.safe_dump(settings)}---\nWork on {{{{ issue.identifier }}}}.\n"
        (self._directory / "WORKFLOW.md").write_text(text, encoding="utf-8")
        done = self._run("check", "--online")
        for secret in (KEY, READ_ONLY_KEY, READING, WRITING, UNKNOWN):
            assert secret not in done.stdout + done.stderr
        return done


@pytest.fixture
def check(run: RunCommand, tmp_path: Path, environment: dict[str, str]) -> Check:
    return Check(run, tmp_path, environment)


def told_of(done: CompletedProcess[str]) -> list[str]:
    """What was found online, line by line."""
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.partition(" is good.")[0].splitlines()[:-1]


def error_of(done: CompletedProcess[str]) -> str:
    """The only problem."""
    assert (done.returncode, done.stdout) == (1, "")
    first, *rest = done.stderr.splitlines()
    assert first.startswith("error: ")
    assert not any(line.startswith("error: ") for line in rest)
    return first


@pytest.mark.proves("tracker.writes.none", "security.secret.logs")
def test_of_each_key_of_linear_it_is_said_whose_it_is(check: Check, linear: LinearFake) -> None:
    told = told_of(check.linear(linear, READ_ONLY_KEY, KEY))
    unsure = "whether it may write, Linear shows only when it refuses a change."
    assert told == [
        "The tracker answers: 1 issues in active states.",
        f"tracker.provider.api_key belongs to Ada Example; {unsure}",
        f"tracker.provider.tool_api_key belongs to Grace Example; {unsure}",
    ]
    assert not any(request.is_mutation for request in linear.requests.all())


def test_one_key_of_linear_for_both_is_told_of_once(check: Check, linear: LinearFake) -> None:
    told = told_of(check.linear(linear, KEY, KEY))
    assert [line.split()[0] for line in told[1:]] == ["tracker.provider.api_key"]


@pytest.mark.proves("tracker.error.categories", "security.secret.logs")
def test_a_tool_api_key_that_linear_refuses_is_named(check: Check, linear: LinearFake) -> None:
    error = error_of(check.linear(linear, READ_ONLY_KEY, "lin_api_that_nobody_made"))
    assert "tracker.provider.tool_api_key" in error
    assert "tracker.provider.api_key" not in error
    assert "lin_api_that_nobody_made" not in error


@pytest.mark.proves("tracker.writes.none", "security.secret.logs")
def test_of_each_token_of_github_it_is_said_what_it_may_do(
    check: Check, github: GitHubFake
) -> None:
    own, tools = told_of(check.github(github, READING, WRITING))[1:]
    assert own.startswith(
        "tracker.provider.token reads the repository; "
        "whoever is behind it may not change that (pull);"
    )
    assert tools.startswith(
        "tracker.provider.tool_token reads the repository, and whoever is behind it may change that"
    )
    assert "push" in tools
    assert not any(request.is_mutation for request in github.requests.all())


def test_a_tool_token_that_may_only_read_is_told_of(check: Check, github: GitHubFake) -> None:
    other = "github_pat_that-may-only-read-too"
    github.tokens[other] = Token(can_write=False)
    own, tools = told_of(check.github(github, WRITING, other))[1:]
    assert "may change that" in own
    assert tools.startswith("tracker.provider.tool_token reads the repository; ")
    assert "may not change that (pull)" in tools


def test_the_scopes_of_a_classic_token_are_told(check: Check, github: GitHubFake) -> None:
    github.tokens[READING] = Token(can_write=False, scopes="repo:status, public_repo")
    (own,) = told_of(check.github(github, READING))[1:]
    assert own.endswith("; its scopes are repo:status, public_repo.")


@pytest.mark.proves("tracker.error.categories", "security.secret.logs")
def test_a_tool_token_that_github_refuses_is_named(check: Check, github: GitHubFake) -> None:
    error = error_of(check.github(github, READING, UNKNOWN))
    assert "tracker.provider.tool_token: GitHub does not accept the token (401" in error
    assert "tracker.provider.token:" not in error


@pytest.mark.proves("tracker.error.categories")
def test_a_tool_token_that_does_not_see_the_repository_is_told_of(
    check: Check, github: GitHubFake
) -> None:
    github.tokens[WRITING] = Token(repositories=frozenset({"acme/gadgets"}))
    error = error_of(check.github(github, READING, WRITING))
    assert f"there is no repository {REPOSITORY}, or the token cannot see it (404" in error
    assert "tracker.provider.tool_token" in error
