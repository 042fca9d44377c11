"""From checked front matter to `Settings`: defaults of the adapter, `$NAME`, `~`, absolute paths.

Pure functions of the values, the environment and the path of the file. Only `workspace.root` is
resolved here. `tracker.provider` stays as written, because only the adapter may see its secrets;
commands, scripts and addresses are never rewritten (`config.coerce.verbatim`).
"""

from __future__ import annotations

import os.path
import tempfile
from collections.abc import Mapping
from typing import Final

from symphony.documents.front_matter import Document
from symphony.documents.references import PathReferenceError, resolve_path
from symphony.domain.json import JsonValue
from symphony.domain.problems import Problem
from symphony.domain.settings import (
    AgentSettings,
    CodexSettings,
    HookSettings,
    PollingSettings,
    Settings,
    TrackerSettings,
    WorkspaceSettings,
)
from symphony.workflow.adapters import AdapterDefaults
from symphony.workflow.schema import (
    AgentSection,
    CodexSection,
    FrontMatter,
    HooksSection,
    TrackerSection,
)
from symphony.workflow.validation import INVALID_SETTING

WORKSPACES_DIRECTORY: Final = "symphony_workspaces"
"""The default root, within the system's temporary directory."""

FLAT_PROVIDER_KEYS: Final = ("endpoint", "api_key", "project_slug", "assignee", "team_key")
"""Provider keys that older files have directly under `tracker`."""

FLAT_PROVIDER_KIND: Final = "linear"
"""The only kind for which they count."""


def resolve_settings(
    values: FrontMatter,
    *,
    kind: str,
    defaults: AdapterDefaults,
    limits: Mapping[str, int],
    root: str,
    path: str,
    revision: str,
    prompt: str,
) -> Settings:
    """Put the settings together. What can be wrong has been checked before."""
    return Settings(
        workflow_path=path,
        revision=revision,
        tracker=_tracker(values.tracker, kind, defaults),
        polling=PollingSettings(interval_ms=values.polling.interval_ms),
        workspace=WorkspaceSettings(root=root),
        hooks=_hooks(values.hooks),
        agent=_agent(values.agent, limits),
        codex=_codex(values.codex),
        server_port=values.server.port,
        server_host=values.server.host.strip(),
        server_token=values.server.token,
        prompt_template=prompt,
    )


def _tracker(section: TrackerSection, kind: str, defaults: AdapterDefaults) -> TrackerSettings:
    return TrackerSettings(
        kind=kind,
        provider=_provider(section, kind),
        required_labels=tuple(section.required_labels),
        active_states=_states(section.active_states, defaults.active_states),
        terminal_states=_states(section.terminal_states, defaults.terminal_states),
    )


def _provider(section: TrackerSection, kind: str) -> dict[str, JsonValue]:
    provider: dict[str, JsonValue] = {}
    if kind == FLAT_PROVIDER_KIND:
        flat: dict[str, JsonValue] = {
            "endpoint": section.endpoint,
            "api_key": section.api_key,
            "project_slug": section.project_slug,
            "assignee": section.assignee,
            "team_key": section.team_key,
        }
        provider.update((name, value) for name, value in flat.items() if value is not None)
    provider.update(section.provider)
    return provider


def _states(configured: list[str] | None, assumed: tuple[str, ...] | None) -> tuple[str, ...]:
    """An explicit empty list is legal and stays empty (`config.states.explicit_empty`)."""
    return tuple(configured) if configured is not None else assumed or ()


def _hooks(section: HooksSection) -> HookSettings:
    return HookSettings(
        after_create=_script(section.after_create),
        before_run=_script(section.before_run),
        after_run=_script(section.after_run),
        before_remove=_script(section.before_remove),
        timeout_ms=section.timeout_ms,
        env=tuple(section.env),
    )


def _script(text: str | None) -> str | None:
    return text if text is not None and text.strip() else None


def _agent(section: AgentSection, limits: Mapping[str, int]) -> AgentSettings:
    return AgentSettings(
        max_concurrent_agents=section.max_concurrent_agents,
        max_turns=section.max_turns,
        max_retry_backoff_ms=section.max_retry_backoff_ms,
        max_concurrent_agents_by_state=dict(limits),
    )


def _codex(section: CodexSection) -> CodexSettings:
    return CodexSettings(
        command=section.command,
        approval_policy=section.approval_policy,
        thread_sandbox=section.thread_sandbox,
        turn_sandbox_policy=section.turn_sandbox_policy,
        model=section.model,
        auto_approve=section.auto_approve,
        turn_timeout_ms=section.turn_timeout_ms,
        read_timeout_ms=section.read_timeout_ms,
        stall_timeout_ms=section.stall_timeout_ms,
    )


def resolve_root(written: str | None, *, environment: Mapping[str, str], directory: str) -> str:
    """The absolute workspace root. Raises `PathReferenceError`."""
    resolved = None
    if written is not None:
        resolved = resolve_path(written, environment=environment, directory=directory)
    return resolved or os.path.join(_temporary_directory(environment), WORKSPACES_DIRECTORY)


def _temporary_directory(environment: Mapping[str, str]) -> str:
    for name in ("TMPDIR", "TEMP", "TMP"):
        if (value := environment.get(name)) and os.path.isabs(value):
            return os.path.normpath(value)
    return tempfile.gettempdir()


def root_problem(error: PathReferenceError, document: Document, path: str) -> Problem:
    """A root that cannot be resolved."""
    return Problem(
        code=INVALID_SETTING,
        message=str(error),
        remedy="Write a path, `~/...`, or `$NAME` as the whole value.",
        path=path,
        line=document.line_of("workspace", "root"),
        key="workspace.root",
    )
