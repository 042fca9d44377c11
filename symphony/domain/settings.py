"""The settings of one WORKFLOW.md after defaults, environment and validation.

Durations are milliseconds, paths are absolute text. One `Settings` value is immutable and is bound
to a session when it starts; a reload makes a new value for what starts later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from symphony.domain.json import JsonObject, JsonValue

DEFAULT_SERVER_HOST = "127.0.0.1"
DEFAULT_PROMPT = "You are working on an issue from the configured tracker."


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerSettings:
    """`provider` is kept as written (`$NAME` unresolved); only the adapter resolves its secrets."""

    kind: str
    provider: JsonObject = field(default_factory=dict[str, JsonValue])
    required_labels: tuple[str, ...] = ()
    active_states: tuple[str, ...]
    terminal_states: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PollingSettings:
    interval_ms: int = 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceSettings:
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSettings:
    """Scripts, or None where there is none. `env` names variables that hooks may inherit although
    they are known to hold a secret."""

    after_create: str | None = None
    before_run: str | None = None
    after_run: str | None = None
    before_remove: str | None = None
    timeout_ms: int = 60_000
    env: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """Keys of `max_concurrent_agents_by_state` are normalised with `state_key`."""

    max_concurrent_agents: int = 10
    max_turns: int = 20
    max_retry_backoff_ms: int = 300_000
    max_concurrent_agents_by_state: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True, kw_only=True)
class CodexSettings:
    """`approval_policy` and `turn_sandbox_policy` pass through to the agent as they are written.

    `turn_sandbox_policy` None means: derive one from `thread_sandbox` that keeps `.git` of the
    workspace writable. `stall_timeout_ms` of zero or less switches stall detection off.
    """

    command: str = "codex app-server"
    approval_policy: JsonValue = "never"
    thread_sandbox: str = "workspace-write"
    turn_sandbox_policy: JsonObject | None = None
    model: str | None = None
    auto_approve: bool = False
    turn_timeout_ms: int = 3_600_000
    read_timeout_ms: int = 5_000
    stall_timeout_ms: int = 300_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that one WORKFLOW.md says. `workflow_path` is the file; relative paths of adapters
    count from its directory. `revision` changes with every accepted edit. `server_token` is kept as
    written (`$NAME` unresolved)."""

    workflow_path: str
    revision: str
    tracker: TrackerSettings
    workspace: WorkspaceSettings
    polling: PollingSettings = field(default_factory=PollingSettings)
    hooks: HookSettings = field(default_factory=HookSettings)
    agent: AgentSettings = field(default_factory=AgentSettings)
    codex: CodexSettings = field(default_factory=CodexSettings)
    server_port: int | None = None
    server_host: str = DEFAULT_SERVER_HOST
    server_token: str | None = field(default=None, repr=False)
    prompt_template: str = DEFAULT_PROMPT
