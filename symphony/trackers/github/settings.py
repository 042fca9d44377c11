"""The provider settings of the GitHub tracker, read and judged once.

Does no I/O. Keys that are not known here are left alone. Only here is `$NAME` resolved for a
secret; no message contains one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError

from symphony.documents.references import referenced_name, resolve_reference
from symphony.domain.issue import state_key
from symphony.domain.json import JsonValue
from symphony.domain.problems import Problem, ProblemError
from symphony.domain.settings import TrackerSettings
from symphony.trackers.blockers import unstarted_states
from symphony.trackers.github.addresses import (
    PUBLIC_REST,
    AddressError,
    Addresses,
    addresses_of,
)
from symphony.trackers.github.profile import ACTIVE_STATES

INVALID = "invalid_tracker_config"
MISSING_SECRET = "missing_tracker_secret"  # noqa: S105 - the name of an error
TOKEN_VARIABLE = "GITHUB_TOKEN"  # noqa: S105 - the name of a variable
REPOSITORY_VARIABLE = "GITHUB_REPO"

StateSource: TypeAlias = Literal["issue", "label", "project"]

_OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9_])?")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSettings:
    """A Projects v2 board. `status_field` and `priority_field` are names of its fields."""

    owner: str
    number: int
    status_field: str
    priority_field: str

    def variables(self) -> Mapping[str, JsonValue]:
        """The board as the queries name it."""
        return {
            "boardOwner": self.owner,
            "board": self.number,
            "statusField": self.status_field,
            "priorityField": self.priority_field,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubSettings:
    """`token` serves the daemon's reads, `tool_token` the tools; they may be the same. `board` is
    there where `state_source` is `project`. `unstarted` and `terminal` are in the form of
    `state_key`."""

    owner: str
    name: str
    addresses: Addresses
    state_source: StateSource
    label_prefix: str
    board: BoardSettings | None
    assignee: str | None
    wait_for_sub_issues: bool
    tool_may_merge: bool
    named_states: tuple[str, ...]
    unstarted: frozenset[str]
    terminal: frozenset[str]
    secret_names: frozenset[str]
    token: str = field(repr=False)
    tool_token: str = field(repr=False)

    @property
    def repository(self) -> str:
        return f"{self.owner}/{self.name}"


class _Provider(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    repo: StrictStr | None = None
    token: StrictStr | None = None
    tool_token: StrictStr | None = None
    tool_may_merge: StrictBool = False
    api_url: StrictStr | None = None
    state_source: Literal["issue", "label", "project"] = "issue"
    label_prefix: StrictStr = "status:"
    project_owner: StrictStr | None = None
    project_number: StrictInt | None = Field(default=None, ge=1, le=2**31 - 1)
    project_field: StrictStr = "Status"
    priority_field: StrictStr = "Priority"
    assignee: StrictStr | None = None
    unstarted_states: list[StrictStr] | None = None
    wait_for_sub_issues: StrictBool = False


def read_settings(tracker: TrackerSettings, environment: Mapping[str, str]) -> GitHubSettings:
    """The settings, or `ProblemError` with the keys that are wrong."""
    provider = _provider(tracker)
    owner, name = _repository(provider.repo, environment)
    token = _token(provider.token, environment)
    _refuse_default_states(tracker, provider)
    unstarted = provider.unstarted_states
    return GitHubSettings(
        owner=owner,
        name=name,
        addresses=_addresses(provider.api_url, environment),
        state_source=provider.state_source,
        label_prefix=_label_prefix(provider),
        board=_board(provider, owner),
        assignee=_assignee(provider.assignee, environment),
        wait_for_sub_issues=provider.wait_for_sub_issues,
        tool_may_merge=provider.tool_may_merge,
        named_states=(*tracker.active_states, *tracker.terminal_states),
        unstarted=(
            unstarted_states(tracker.active_states)
            if unstarted is None
            else frozenset(map(state_key, unstarted))
        ),
        terminal=frozenset(map(state_key, tracker.terminal_states)),
        secret_names=_secret_names(provider),
        token=token,
        tool_token=_tool_token(provider.tool_token, environment) or token,
    )


def _provider(tracker: TrackerSettings) -> _Provider:
    try:
        return _Provider.model_validate(tracker.provider)
    except ValidationError as error:
        problems = [
            _problem(".".join(map(str, each["loc"])), each["msg"], "")
            for each in error.errors(include_url=False, include_input=False)
        ]
        raise ProblemError(*problems) from None


def _repository(written: str | None, environment: Mapping[str, str]) -> tuple[str, str]:
    text = resolve_reference(written or "", environment) or environment.get(REPOSITORY_VARIABLE, "")
    owner, _, name = text.strip().partition("/")
    if not _OWNER.fullmatch(owner) or not _NAME.fullmatch(name) or name in (".", ".."):
        message = f"`{text}` is not `owner/name`" if text else "no repository is named"
        remedy = f"Write `repo: owner/name`, or set {REPOSITORY_VARIABLE}."
        raise ProblemError(_problem("repo", message, remedy))
    return owner, name.removesuffix(".git")


def _token(written: str | None, environment: Mapping[str, str]) -> str:
    token = resolve_reference(written or f"${TOKEN_VARIABLE}", environment)
    if token is None:
        variable = referenced_name((written or "").strip()) or TOKEN_VARIABLE
        raise ProblemError(
            _problem(
                "token",
                f"there is no token: {variable} is unset or empty",
                f"Set {variable} in the environment of the daemon to a token that may read the "
                "issues of the repository.",
                code=MISSING_SECRET,
            )
        )
    return _usable_secret("token", token)


def _tool_token(written: str | None, environment: Mapping[str, str]) -> str | None:
    if written is None:
        return None
    token = resolve_reference(written, environment)
    if token is None:
        # Falling back to the other token would give the agent rights that nobody granted.
        raise ProblemError(
            _problem(
                "tool_token",
                "the token for the tools is unset or empty",
                "Set its variable, or remove the key to let the tools use `token`.",
                code=MISSING_SECRET,
            )
        )
    return _usable_secret("tool_token", token)


def _usable_secret(key: str, token: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ProblemError(
            _problem(key, "the token has characters that no token has", "Copy it again.")
        )
    return token


def _secret_names(provider: _Provider) -> frozenset[str]:
    written = (provider.token, provider.tool_token)
    names = (referenced_name((each or "").strip()) for each in written)
    return frozenset({TOKEN_VARIABLE, *(name for name in names if name is not None)})


def _addresses(written: str | None, environment: Mapping[str, str]) -> Addresses:
    try:
        return addresses_of(resolve_reference(written or "", environment) or PUBLIC_REST)
    except AddressError as error:
        remedy = (
            "Write the address of the REST API, such as https://github.example.com/api/v3; plain "
            "http is only for loopback addresses."
        )
        raise ProblemError(_problem("api_url", str(error), remedy)) from None


def _label_prefix(provider: _Provider) -> str:
    prefix = provider.label_prefix.strip()
    if not prefix:
        raise ProblemError(
            _problem(
                "label_prefix",
                "a blank prefix would take every label for a state",
                "Write something like `status:`.",
            )
        )
    return prefix


def _board(provider: _Provider, owner: str) -> BoardSettings | None:
    if provider.state_source != "project":
        return None
    if provider.project_number is None:
        raise ProblemError(
            _problem(
                "project_number",
                "the states are to come from a project, but none is named",
                "Write the number that stands at the end of the project's address.",
            )
        )
    project_owner = owner if provider.project_owner is None else provider.project_owner.strip()
    if not _OWNER.fullmatch(project_owner):
        raise ProblemError(
            _problem(
                "project_owner",
                f"`{project_owner}` is not the login of a user or an organisation",
                "Write the login, or remove the key if it is the owner of the repository.",
            )
        )
    for key in ("project_field", "priority_field"):
        if not getattr(provider, key).strip():
            raise ProblemError(_problem(key, "the name of the field is blank", "Name it."))
    return BoardSettings(
        owner=project_owner,
        number=provider.project_number,
        status_field=provider.project_field.strip(),
        priority_field=provider.priority_field.strip(),
    )


def _assignee(written: str | None, environment: Mapping[str, str]) -> str | None:
    if written is None:
        return None
    name = (resolve_reference(written, environment) or "").removeprefix("@")
    if not name:
        # Taken for "anybody", it would start what was meant to be left alone.
        raise ProblemError(
            _problem(
                "assignee",
                f"`{written}` stands for nothing",
                "Write a login, set the variable, or remove the key to take every issue.",
            )
        )
    if name.lower() == "me":
        # The token of an app has no user behind it that could be meant.
        raise ProblemError(
            _problem("assignee", f"`{written}` is not a login", "Write the login itself.")
        )
    return name


def _refuse_default_states(tracker: TrackerSettings, provider: _Provider) -> None:
    if provider.state_source != "issue" and tracker.active_states == ACTIVE_STATES:
        raise ProblemError(
            Problem(
                code=INVALID,
                message=(
                    f"`state_source: {provider.state_source}` has states of its own, and `open` is "
                    "the only active one"
                ),
                remedy="Write the names of the active states as the board has them.",
                key="tracker.active_states",
            )
        )


def _problem(key: str, message: str, remedy: str, *, code: str = INVALID) -> Problem:
    return Problem(code=code, message=message, remedy=remedy, key=f"tracker.provider.{key}")
