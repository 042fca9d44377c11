"""One WORKFLOW.md over time: what it says now, and whether that is new.

The file is read again whenever it is asked for, whatever a watcher saw (`reload.detect.defensive`):
it is small, and comparing its content is the only test of a change that cannot be fooled by clocks,
links or file systems. A file that cannot be used never takes effect in part; the last accepted one
stays in force with its owner. Not safe for use from two threads at once.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from symphony.domain.problems import Problem, ProblemError
from symphony.workflow.adapters import AdapterDefaults
from symphony.workflow.loader import LoadedWorkflow, interpret_workflow, read_workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The content is new and accepted, or accepted again after it was rejected."""

    workflow: LoadedWorkflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The file cannot be used. `key` is the same for the same failure, so that it is reported once
    (`reload.invalid.reported_once`)."""

    problems: tuple[Problem, ...]
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """The content is the one that was accepted last."""


Reading: TypeAlias = Loaded | Rejected | Unchanged


class WorkflowSource:
    """Reads one file again and again. `environment` and `adapter_defaults` stay as they were."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        environment: Mapping[str, str],
        adapter_defaults: Mapping[str, AdapterDefaults],
    ) -> None:
        self.path = os.path.abspath(path)
        self._environment = dict(environment)
        self._adapter_defaults = dict(adapter_defaults)
        self._content: bytes | None = None
        self._verdict: Loaded | Rejected | None = None

    def load(self) -> LoadedWorkflow:
        """Read the file for the first time. Raises `ProblemError`."""
        reading = self._read_again()
        if isinstance(reading, Rejected):
            raise ProblemError(*reading.problems)
        return reading.workflow

    def poll(self) -> Reading:
        """Read the file, and say what is new about it."""
        before = self._verdict
        reading = self._read_again()
        return Unchanged() if reading is before and isinstance(reading, Loaded) else reading

    def _read_again(self) -> Loaded | Rejected:
        try:
            content = read_workflow(self.path)
        except ProblemError as error:
            return self._settle(None, _rejected(error))
        if content == self._content and self._verdict is not None:
            return self._verdict
        try:
            workflow = interpret_workflow(
                content,
                path=self.path,
                environment=self._environment,
                adapter_defaults=self._adapter_defaults,
            )
        except ProblemError as error:
            return self._settle(content, _rejected(error))
        return self._settle(content, Loaded(workflow=workflow))

    def _settle(self, content: bytes | None, verdict: Loaded | Rejected) -> Loaded | Rejected:
        self._content, self._verdict = content, verdict
        return verdict


def _rejected(error: ProblemError) -> Rejected:
    return Rejected(problems=error.problems, key=problems_key(error.problems))


def problems_key(problems: tuple[Problem, ...]) -> str:
    """A short text that is equal for equal problems, for telling a new failure from an old one."""
    told = "\n".join(str(problem) for problem in problems)
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:16]
