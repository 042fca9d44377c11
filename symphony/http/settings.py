"""The settings in force, as they may be shown: without credentials, scripts and the prompt.

A value that the workflow file keeps in the environment is shown as its `$NAME`. What a credential
usually stands in is masked even where nobody declared it; scripts may hold anything, and only
whether there is one is told (`security.secret.http`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from symphony.documents.references import referenced_name
from symphony.domain.json import JsonObject, JsonValue
from symphony.domain.settings import CodexSettings, HookSettings, Settings
from symphony.http.cleaning import Redact, clean_object, clean_text
from symphony.observability.redaction import MASK

_SECRET_NAME: Final = re.compile(r"(?i)(key|token|secret|password|passwd|credential|authorization)")
_ASSIGNMENT: Final = re.compile(
    r"(?i)\b(\w*(?:key|token|secret|password|passwd|credential)\w*\s?[=:]\s?)(\"[^\"]*\"|'[^']*'|\S+)"
)


def settings_document(settings: Settings, redact: Redact) -> JsonObject:
    """By section and key, as in the workflow file."""
    tracker, agent = settings.tracker, settings.agent
    document: dict[str, JsonValue] = {
        "tracker": {
            "kind": tracker.kind,
            "provider": without_secrets(tracker.provider),
            "required_labels": tracker.required_labels,
            "active_states": tracker.active_states,
            "terminal_states": tracker.terminal_states,
        },
        "polling": {"interval_ms": settings.polling.interval_ms},
        "workspace": {"root": settings.workspace.root},
        "hooks": _hooks(settings.hooks),
        "agent": {
            "max_concurrent_agents": agent.max_concurrent_agents,
            "max_turns": agent.max_turns,
            "max_retry_backoff_ms": agent.max_retry_backoff_ms,
            "max_concurrent_agents_by_state": agent.max_concurrent_agents_by_state,
        },
        "codex": _codex(settings.codex, redact),
        "server": {
            "port": settings.server_port,
            "host": settings.server_host,
            "token": settings.server_token is not None,
        },
    }
    return clean_object(document, redact)


def _hooks(hooks: HookSettings) -> JsonObject:
    return {
        "after_create": hooks.after_create is not None,
        "before_run": hooks.before_run is not None,
        "after_run": hooks.after_run is not None,
        "before_remove": hooks.before_remove is not None,
        "timeout_ms": hooks.timeout_ms,
        "env": hooks.env,
    }


def _codex(codex: CodexSettings, redact: Redact) -> JsonObject:
    return {
        "command": without_assigned_secrets(clean_text(codex.command, redact)),
        "approval_policy": codex.approval_policy,
        "thread_sandbox": codex.thread_sandbox,
        "turn_sandbox_policy": codex.turn_sandbox_policy,
        "model": codex.model,
        "auto_approve": codex.auto_approve,
        "turn_timeout_ms": codex.turn_timeout_ms,
        "read_timeout_ms": codex.read_timeout_ms,
        "stall_timeout_ms": codex.stall_timeout_ms,
    }


def without_secrets(provider: JsonObject) -> JsonObject:
    """The map of an adapter, with what looks like a credential by its name masked."""
    return {name: _member(name, value) for name, value in provider.items()}


def _member(name: str, value: JsonValue) -> JsonValue:
    if isinstance(value, Mapping):
        return without_secrets(value)
    named = referenced_name(value) is not None
    return MASK if value is not None and not named and _SECRET_NAME.search(name) else value


def without_assigned_secrets(command: str) -> str:
    """A shell command without the values of `NAME=value` where the name speaks of a secret."""
    return _ASSIGNMENT.sub(lambda match: f"{match[1]}{MASK}", command)
