"""From WORKFLOW.md to a workflow in force: read, select the adapter, build the tracker.

The loader knows keys and lines, the adapter knows what its provider needs; here the adapter's
complaints get the file and line of the key that they are about.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from symphony.documents.front_matter import Document
from symphony.domain.problems import Problem, ProblemError
from symphony.runtime.effective import EffectiveWorkflow
from symphony.trackers.port import Tracker
from symphony.trackers.registry import adapter_profiles, profile
from symphony.workflow.adapters import AdapterDefaults
from symphony.workflow.loader import LoadedWorkflow
from symphony.workflow.source import Loaded, Rejected, Unchanged, WorkflowSource, problems_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A workflow that can be used, and what is odd about it all the same."""

    workflow: EffectiveWorkflow
    warnings: tuple[Problem, ...]


Look: TypeAlias = Composed | Rejected | Unchanged


class WorkflowComposer:
    """Composes one file again and again. Blocks briefly on local files; one thread at a time."""

    def __init__(self, path: str, environment: Mapping[str, str]) -> None:
        self.path = os.path.abspath(path)
        self._environment = environment
        defaults = {
            kind: AdapterDefaults(
                active_states=adapter.default_active_states,
                terminal_states=adapter.default_terminal_states,
            )
            for kind, adapter in adapter_profiles().items()
        }
        self._source = WorkflowSource(self.path, environment=environment, adapter_defaults=defaults)
        # Accepted by the loader and refused by the adapter, which may change its mind: a directory
        # that was missing can appear without an edit of the file.
        self._unbuilt: LoadedWorkflow | None = None

    def load(self) -> Composed:
        """Read for the first time. Raises `ProblemError` with every mistake."""
        return self._compose(self._source.load(), None)

    def look(self, previous: EffectiveWorkflow) -> Look:
        """What is new, if anything. Never raises for what the file or the provider says."""
        reading = self._source.poll()
        if isinstance(reading, Rejected):
            self._unbuilt = None
            return reading
        loaded = reading.workflow if isinstance(reading, Loaded) else self._unbuilt
        if loaded is None:
            return Unchanged()
        self._unbuilt = loaded
        try:
            composed = self._compose(loaded, previous)
        except ProblemError as error:
            return Rejected(problems=error.problems, key=problems_key(error.problems))
        self._unbuilt = None
        return composed

    def _compose(self, loaded: LoadedWorkflow, previous: EffectiveWorkflow | None) -> Composed:
        tracker = _reusable(loaded, previous) or self._build(loaded)
        workflow = EffectiveWorkflow(
            settings=loaded.settings, template=loaded.template, tracker=tracker
        )
        return Composed(workflow=workflow, warnings=loaded.warnings)

    def _build(self, loaded: LoadedWorkflow) -> Tracker:
        settings = loaded.settings
        base = os.path.dirname(settings.workflow_path)
        try:
            adapter = profile(settings.tracker.kind)
            return adapter.build(settings.tracker, self._environment, base)
        except ProblemError as error:
            problems = [_located(problem, loaded) for problem in error.problems]
            raise ProblemError(*problems) from error


def _reusable(loaded: LoadedWorkflow, previous: EffectiveWorkflow | None) -> Tracker | None:
    """The tracker in use, where nothing that concerns it changed: it keeps its caches."""
    if previous is None or previous.settings.tracker != loaded.settings.tracker:
        return None
    return previous.tracker


def _located(problem: Problem, loaded: LoadedWorkflow) -> Problem:
    if problem.path is not None:
        return problem
    line = _line(loaded.document, (problem.key or "tracker").split("."))
    return replace(problem, path=loaded.settings.workflow_path, line=line)


def _line(document: Document, keys: list[str]) -> int | None:
    """The line of the key, or of the nearest key around it that the file has."""
    while keys:
        line = document.line_of(*keys)
        if line is not None:
            return line
        keys.pop()
    return None
