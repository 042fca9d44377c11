"""The tables of a manifest, as its author writes them.

Guarantees: every table refuses keys that it does not have, and every value has its range. Must
not: read files, or look at more than one table at a time; `model` does the latter.
"""

from __future__ import annotations

import re
import signal
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StrictBool, StrictInt

Milliseconds: TypeAlias = Annotated[int, Field(gt=0, le=3_600_000, strict=True)]
"""Longer than an hour is a slip of the unit."""
Word: TypeAlias = Annotated[str, Field(min_length=1)]
Command: TypeAlias = tuple[str, ...]
"""A program and its arguments; nothing in it is seen by a shell."""


class Dialect(StrEnum):
    """The tracker that a workflow names; the suite has a fake of each."""

    LINEAR = "linear"
    GITHUB = "github"


class Spelling(StrEnum):
    """Where a workflow for Linear says which project it is about."""

    PROVIDER = "provider"
    """Under `tracker.provider`."""
    FLAT = "flat"
    """Directly under `tracker`, as older versions had it."""
    BOTH = "both"


class GitHubStates(StrEnum):
    """What the state of an issue on GitHub is made of."""

    LABEL = "label"
    ISSUE = "issue"
    """Only open and closed."""


class Capability(StrEnum):
    """What is optional: declared, it is checked; otherwise it is not applicable."""

    HTTP = "http"
    TOOLS = "tools"
    LINEAR_GRAPHQL = "linear_graphql"
    GITHUB_API = "github_api"
    GITHUB_BLOCKERS = "github_blockers"
    THREAD_RESUME = "thread_resume"
    PARKING = "parking"
    SSH = "ssh"


def _known_signal(name: str) -> str:
    if f"SIG{name}" not in signal.Signals.__members__:
        raise ValueError("is no name of a signal, such as TERM or INT, without SIG")
    return name


def _finds_a_port(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    if pattern and groups != 1:
        raise ValueError("needs one group, which is the port")
    return pattern


class Section(BaseModel):
    """A table: nothing in it can be changed, nothing unknown is in it, no value is guessed at."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Implementation(Section):
    """Who is judged. `version_command` prints the version as its first line of output."""

    name: Word
    language: str = ""
    source: str = ""
    version_command: Command = ()


class Build(Section):
    """How to make it, for the reader and for CI; the suite itself builds nothing."""

    steps: tuple[Command, ...] = ()


class Launch(Section):
    """How it is started and stopped.

    Words of `command`, `directory` and the values of `environment` may hold placeholders. `inherit`
    names variables that it gets from the environment of the suite; it gets few others.
    """

    command: Annotated[Command, Field(min_length=1)]
    environment: dict[str, str] = Field(default_factory=dict[str, str])
    inherit: tuple[Word, ...] = ()
    directory: Word | None = None
    stop_signal: Annotated[str, AfterValidator(_known_signal)] = "TERM"
    stop_grace_ms: Milliseconds = 10_000
    stop_exit_codes: tuple[StrictInt, ...] = (0, 143)
    ready_within_ms: Milliseconds = 30_000
    git_repository: StrictBool = False
    issues_after_start: StrictBool = False


class Http(Section):
    """The HTTP interface. `arguments` follow the command where a scenario wants it by flag.

    `port_pattern` is a regular expression with one group, the port, that finds in the output which
    one was taken; without it only ports that the suite chooses are tried.
    """

    arguments: Command = ("--port", "{port}")
    port_pattern: Annotated[str, AfterValidator(_finds_a_port)] = ""


class Logs(Section):
    """Where else it logs. `files` is a pattern of paths below `{logs}`, such as `log/*.log`.
    `arguments` follow the command where a scenario wants them written beside the output."""

    files: str = ""
    arguments: Command = ()


class Tracker(Section):
    """Which fakes it can be pointed at, and how. `linear` and `github` are merged into the
    `tracker` section of the workflow for that dialect; their texts may hold placeholders."""

    dialects: Annotated[tuple[Dialect, ...], Field(min_length=1)] = (Dialect.LINEAR,)
    spelling: Spelling = Spelling.BOTH
    github_states: GitHubStates = GitHubStates.LABEL
    linear: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    github: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class Policies(Section):
    """What it decides where the specification leaves the choice. `any`: it does not say, and each
    permitted behaviour passes."""

    approvals: Literal["decline", "accept", "fail", "block", "any"] = "any"
    input: Literal["fail", "answer_none", "block", "any"] = "any"
    unknown_request: Literal["error", "fail", "any"] = "any"
    non_directory: Literal["refuse", "replace", "any"] = "any"
    unterminated_front_matter: Literal["refuse", "read", "any"] = "any"
    reload_invalid_retry: Literal["dispatch", "queue", "any"] = "any"
    reload_in_flight: Literal["keep", "restart", "any"] = "any"
    after_run_of_failed_before_run: Literal["run", "skip", "any"] = "any"


class Limits(Section):
    """How fast it can be. `reload_latency_ms`: after how long at most an edit is in force."""

    smallest_poll_interval_ms: Milliseconds = 100
    reload_latency_ms: Milliseconds = 5_000
