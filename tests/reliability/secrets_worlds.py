"""One board of each kind of tracker with canaries for keys, and what an agent can do with it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final

from conformance.fakes.faults import Fault
from conformance.fakes.github.entities import Token
from conformance.fakes.github.server import GitHubFake
from conformance.fakes.linear.server import LinearFake
from symphony.domain.json import JsonValue
from tests.reliability.secrets_hunt import CANARIES
from tests.support.daemon_site import FINISH, Section, Site
from tests.support.github_worlds import REPOSITORY, hub_with_repository
from tests.support.linear import KEY, PROJECT, linear_fake, put_issue

NAMES: Final = ("talks", "crashes", "hooks", "asks", "fails")
"""What the issues of a board are there for; each has a number, from 1."""
VARIABLES: Final[Mapping[str, str]] = {
    "BOARD_KEY": CANARIES["reading key"],
    "COPY_OF_KEY": CANARIES["reading key"],
    "KEY_IN_ADDRESS": f"https://user:{CANARIES['tool key']}@tracker.example/",
    "SURFACE_TOKEN": CANARIES["surface token"],
    "OPENAI_API_KEY": CANARIES["model key"],
    "OTHER_TOKEN": CANARIES["foreign token"],
}
"""In the environment of the daemon."""
INHERITED: Final = ("model key", "foreign token")
"""What no tracker declared: children inherit it, and no log shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretWorld:
    """`tracker` is the section of the workflow, `own` are names of variables that the tracker
    itself declares, `not_secret` canaries that nothing makes a secret on this board. `echo` makes
    the next reads, and the next call of `ask`, fail with an answer that repeats the key. `finish`
    and `ask` are steps of an agent."""

    tracker: Section
    own: Sequence[str]
    not_secret: Sequence[str] = ()
    identifiers: Mapping[str, str]
    echo: Callable[[], None]
    finish: JsonValue
    ask: JsonValue


@contextmanager
def linear(site: Site) -> Generator[SecretWorld]:
    del site
    with linear_fake() as fake:
        for name in ("reading key", "tool key"):
            fake.keys[CANARIES[name]] = fake.keys[KEY]
        issues = [put_issue(fake, f"ENG-{number}") for number in range(1, len(NAMES) + 1)]
        (team, *_) = fake.world.teams.values()
        done = fake.world.state_named(team, "Done").id
        move = f'issueUpdate(id: "{issues[0].id}", input: {{stateId: "{done}"}}) {{ success }}'
        yield SecretWorld(
            tracker={
                "kind": "linear",
                "provider": {
                    "endpoint": fake.url,
                    "project_slug": PROJECT,
                    "api_key": "$BOARD_KEY",
                    "tool_api_key": CANARIES["tool key"],
                },
            },
            own=("LINEAR_API_KEY",),
            identifiers={name: issue.identifier for name, issue in zip(NAMES, issues, strict=True)},
            echo=lambda: _echo(fake, "issues", "viewer"),
            finish=_query(f"mutation {{ {move} }}"),
            ask=_query("query { viewer { id name } }"),
        )


@contextmanager
def github(site: Site) -> Generator[SecretWorld]:
    del site
    hub = hub_with_repository()
    tokens = {CANARIES[name]: Token(login="ada") for name in ("reading key", "tool key")}
    with GitHubFake(hub, tokens=tokens) as fake:
        repository = hub.repository(REPOSITORY)
        assert repository is not None
        for number in range(1, len(NAMES) + 1):
            hub.put_issue(repository, number)
        path = f"/repos/{REPOSITORY}"
        yield SecretWorld(
            tracker={
                "kind": "github",
                "provider": {
                    "repo": REPOSITORY,
                    "api_url": fake.url,
                    "token": "$BOARD_KEY",
                    "tool_token": CANARIES["tool key"],
                },
            },
            own=("GITHUB_TOKEN",),
            identifiers={name: f"GH-{number}" for number, name in enumerate(NAMES, start=1)},
            echo=lambda: _echo(fake, "issues", "labels"),
            finish=_call(method="PATCH", path=f"{path}/issues/1", body={"state": "closed"}),
            ask=_call(path=f"{path}/labels"),
        )


@contextmanager
def files(site: Site) -> Generator[SecretWorld]:
    """Without a provider, the secrets that are left are those of the surface and of others."""
    names = {name: f"MT-{number}" for number, name in enumerate(NAMES, start=1)}
    for identifier in names.values():
        site.write_issue(identifier)
    yield SecretWorld(
        tracker={},
        own=(),
        not_secret=("reading key", "tool key"),
        identifiers=names,
        echo=lambda: None,
        finish=FINISH,
        ask={"do": "tool", "tool": "issue_update", "arguments": {"state": "no such state"}},
    )


WORLDS: Final[Mapping[str, Callable[[Site], AbstractContextManager[SecretWorld]]]] = {
    "linear": linear,
    "github": github,
    "files": files,
}


def _echo(fake: LinearFake | GitHubFake, *only: str) -> None:
    for each in only:
        fake.faults.add(Fault(kind="echo_secret", only=each, times=2))


def _query(text: str) -> JsonValue:
    return {"do": "tool", "tool": "linear_graphql", "arguments": {"query": text}}


def _call(**arguments: JsonValue) -> JsonValue:
    return {"do": "tool", "tool": "github_api", "arguments": arguments}
