"""The provider settings of the files tracker, read and judged once.

Keys that are not known here are left alone. Looks at local paths and at nothing else.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, StrictStr, ValidationError

from symphony.documents.references import PathReferenceError, resolve_path, resolve_reference
from symphony.domain.issue import state_key
from symphony.domain.problems import Problem, ProblemError
from symphony.domain.settings import TrackerSettings
from symphony.trackers.blockers import unstarted_states

DEFAULT_PATH = "./issues"
INVALID = "invalid_tracker_config"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesSettings:
    """`directory` is absolute and was there when the settings were read. `named_states` are all
    that the settings mention; `unstarted` and `terminal` are in the form of `state_key`."""

    directory: str
    assignee: str | None
    named_states: tuple[str, ...]
    unstarted: frozenset[str]
    terminal: frozenset[str]


class _Provider(BaseModel):
    model_config = ConfigDict(extra="ignore")

    path: StrictStr | None = None
    assignee: StrictStr | None = None
    states: list[StrictStr] = []
    unstarted_states: list[StrictStr] | None = None


def read_settings(
    tracker: TrackerSettings, environment: Mapping[str, str], base: str
) -> FilesSettings:
    """The settings, or `ProblemError` with the keys that are wrong.

    `base` is the directory that a relative path counts from.
    """
    provider = _provider(tracker)
    unstarted = provider.unstarted_states
    return FilesSettings(
        directory=_directory(provider.path, environment, base),
        assignee=_assignee(provider.assignee, environment),
        named_states=(*tracker.active_states, *tracker.terminal_states, *provider.states),
        unstarted=(
            unstarted_states(tracker.active_states)
            if unstarted is None
            else frozenset(map(state_key, unstarted))
        ),
        terminal=frozenset(map(state_key, tracker.terminal_states)),
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


def _directory(path: str | None, environment: Mapping[str, str], base: str) -> str:
    try:
        written = resolve_path(path or "", environment=environment, directory=base)
    except PathReferenceError as error:
        raise ProblemError(_problem("path", str(error), "")) from None
    directory = written or os.path.normpath(os.path.join(base, DEFAULT_PATH))
    if not os.path.exists(directory):
        raise ProblemError(
            _problem(
                "path",
                f"the directory of issues does not exist: {directory}",
                f"Create it with `mkdir -p {shlex.quote(directory)}`, or run `symphony init`.",
            )
        )
    if not os.path.isdir(directory) or not os.access(directory, os.R_OK | os.X_OK):
        raise ProblemError(
            _problem(
                "path",
                f"this is not a directory that can be read: {directory}",
                "Name the directory that holds the issues, one Markdown file each.",
            )
        )
    return directory


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
                "Name somebody, set the variable, or remove the key to take every issue.",
            )
        )
    return name


def _problem(key: str, message: str, remedy: str) -> Problem:
    return Problem(code=INVALID, message=message, remedy=remedy, key=f"tracker.provider.{key}")
