"""Boards for benchmarks: what WORKFLOW.md says of each tracker, and what was asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from conformance.fakes.github.entities import Token
from conformance.fakes.github.hub import Hub
from conformance.fakes.github.server import GitHubFake
from conformance.fakes.linear.executor import Rights
from conformance.fakes.linear.server import LinearFake
from conformance.fakes.recording import Request
from conformance.fakes.world import World

KEY = "lin_api_benchmark_0123456789"
PROJECT = "benchmark0123"
TOKEN = "ghs_benchmark-0123456789"  # noqa: S105 - of the fake
REPOSITORY = "acme/benchmark"
ISSUE = "$ISSUE"
"""Stands for the id of the agent's own issue in what it calls."""

_UPDATE = (
    "mutation($id: String!, $state: String!)"
    " { issueUpdate(id: $id, input: {stateId: $state}) { success } }"
)


class Board(Protocol):
    """A board with issues. `environment` is what the daemon needs to read it; `done` the call by
    which an agent moves its issue to the end."""

    environment: Mapping[str, str]

    def open(self, root: Path) -> str:
        """Be there from now on, in this directory or anywhere; gives the front matter's `tracker`
        in one line."""
        ...

    def close(self) -> None: ...

    def done(self) -> dict[str, object]:
        """`tool` and `arguments`."""
        ...

    def requests(self, after: int = 0) -> Sequence[Request]:
        """What was asked, by the daemon and by agents, beyond the first so many."""
        ...

    def is_poll(self, request: Request) -> bool:
        """Whether this asks for candidates, from the first page on."""
        ...


class LinearBoard:
    """A project of a fake Linear. Each of its answers takes `delay_s`."""

    def __init__(self, issues: int, *, state: str = "Todo", delay_s: float = 0.0) -> None:
        self.environment: Mapping[str, str] = {"LINEAR_API_KEY": KEY}
        self.world = World()
        team = self.world.add_team("ENG")
        self.world.add_project(PROJECT, "Benchmark", team)
        user = self.world.add_user("Ada Example")
        self.fake = LinearFake(self.world, keys={KEY: Rights(user_id=user.id)}, delay_s=delay_s)
        for number in range(issues):
            self.world.put_issue(
                team,
                title=f"Issue {number}",
                description="What is to be done, in a few words. " * 5,
                labels=("bug", "ui"),
                priority=number % 5,
                state=state,
                project=PROJECT,
            )

    def open(self, root: Path) -> str:
        del root
        self.fake.start()
        where = f'endpoint: "{self.fake.url}", project_slug: {PROJECT}'
        return f"{{kind: linear, provider: {{{where}}}}}"

    def close(self) -> None:
        self.fake.stop()

    def done(self) -> dict[str, object]:
        variables = {"id": ISSUE, "state": self._state_id("Done")}
        return {"tool": "linear_graphql", "arguments": {"query": _UPDATE, "variables": variables}}

    def requests(self, after: int = 0) -> Sequence[Request]:
        return self.fake.requests.all(after)

    def is_poll(self, request: Request) -> bool:
        return "projects" in request.root_fields

    def in_state(self, name: str) -> int:
        """How many issues are in this state."""
        with self.world.lock:
            wanted = self._state_id(name)
            return sum(issue.state_id == wanted for issue in self.world.issues.values())

    def move_all(self, name: str) -> None:
        """All issues at one moment."""
        with self.world.lock:
            state = self.world.states[self._state_id(name)]
            for issue in self.world.issues.values():
                self.world.set_state(issue, state)

    def _state_id(self, name: str) -> str:
        return next(state.id for state in self.world.states.values() if state.name == name)


class GitHubBoard:
    """A repository of a fake GitHub, whose issues are open or closed."""

    def __init__(self, issues: int, *, is_open: bool = True) -> None:
        self.environment: Mapping[str, str] = {"GITHUB_TOKEN": TOKEN}
        self.hub = Hub()
        repository = self.hub.add_repository(REPOSITORY)
        self.fake = GitHubFake(self.hub, tokens={TOKEN: Token(login=None)})
        for number in range(issues):
            issue = self.hub.put_issue(repository, title=f"Issue {number}")
            self.hub.set_open(issue, is_open)

    def open(self, root: Path) -> str:
        del root
        self.fake.start()
        where = f'api_url: "{self.fake.url}", repo: {REPOSITORY}'
        return f"{{kind: github, provider: {{{where}}}}}"

    def close(self) -> None:
        self.fake.stop()

    def done(self) -> dict[str, object]:
        path = f"/repos/{REPOSITORY}/issues/{ISSUE}"
        arguments = {"method": "PATCH", "path": path, "body": {"state": "closed"}}
        return {"tool": "github_api", "arguments": arguments}

    def requests(self, after: int = 0) -> Sequence[Request]:
        return self.fake.requests.all(after)

    def is_poll(self, request: Request) -> bool:
        return request.path.startswith(f"/repos/{REPOSITORY}/issues?")


class FilesBoard:
    """A folder of Markdown files, of which nobody is asked."""

    environment: Mapping[str, str] = {}

    def __init__(self, issues: int, *, state: str = "Todo") -> None:
        self._issues, self._state = issues, state

    def open(self, root: Path) -> str:
        folder = root / "issues"
        folder.mkdir()
        for number in range(self._issues):
            text = f"---\ntitle: Issue {number}\nstate: {self._state}\n---\nWhat is to be done.\n"
            (folder / f"ISSUE-{number}.md").write_text(text)
        return "{kind: files}"

    def close(self) -> None:
        """Nothing runs."""

    def done(self) -> dict[str, object]:
        return {"tool": "issue_update", "arguments": {"state": "Done"}}

    def requests(self, after: int = 0) -> Sequence[Request]:
        del after
        return ()

    def is_poll(self, request: Request) -> bool:
        del request
        return False
