"""What is said to the app-server and what is read from it, by name.

The builders give parameters that are valid against the schema which an installed Codex generates
(0.163 and 0.169 were checked; `session.protocol.version`). The readers are lenient: unknown members
and values are ignored, a missing one is None, and nothing here raises for what the server sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeGuard

from symphony.agents.text import one_line
from symphony.domain.ids import ThreadId, TurnId
from symphony.domain.json import JsonObject, JsonValue, as_object, as_text
from symphony.domain.settings import CodexSettings
from symphony.domain.tools import ToolSpec

CLIENT_NAME: Final = "symphony"
CLIENT_TITLE: Final = "Symphony"
MAX_TITLE_CHARACTERS: Final = 200
"""A thread's name is a label in a list; trackers allow titles of any length."""
MAX_ERROR_CHARACTERS: Final = 1_000
"""Of what the agent says of an error; the whole of it is in the session log."""
MAX_NAME_CHARACTERS: Final = 100
"""Of a status or a kind of error, which are words."""
MAX_ID_CHARACTERS: Final = 200
"""Of a thread or a turn, which have 36. The scheduler keeps those of many sub-agents."""
MAX_PROMPT_CHARACTERS: Final = 1_048_576
"""The agent refuses a longer turn input with -32602."""

SWITCHED_OFF: Final = ("plugins", "unbounded_connection_retries")
"""Features of Codex that a daemon does not want: looking for plugins on hosts outside, and turns
that reconnect for ever to a provider that cannot be reached."""


def initialize_params(version: str) -> JsonObject:
    """`dynamicTools` are accepted only from clients that ask for the experimental interface."""
    return {
        "clientInfo": {"name": CLIENT_NAME, "title": CLIENT_TITLE, "version": version},
        "capabilities": {"experimentalApi": True},
    }


def features_to_switch_off(command: str) -> Sequence[str]:
    """Those of `SWITCHED_OFF` that the command does not mention: one that it does is decided."""
    return [name for name in SWITCHED_OFF if name not in command]


def config_overrides(command: str, workspace: str, *, trusted: bool) -> JsonObject:
    """Codex settings of one thread.

    The trust level is always given. Without it, Codex takes `cwd` in a git repository for trusted
    when the sandbox allows writing, and appends every workspace to the operator's config.toml.
    """
    level = "trusted" if trusted else "untrusted"
    features = {f"features.{name}": False for name in features_to_switch_off(command)}
    return {**features, "projects": {workspace: {"trust_level": level}}}


def thread_start_params(
    settings: CodexSettings, workspace: str, tools: Sequence[ToolSpec], *, trusted: bool
) -> JsonObject:
    """`session.start.cwd`, `policy.startup.supplied`, `tool.advertise.form`."""
    params: dict[str, JsonValue] = dict(_thread_params(settings, workspace, trusted=trusted))
    if tools:
        params["dynamicTools"] = [_tool(tool) for tool in tools]
    return params


def thread_resume_params(
    thread: ThreadId, settings: CodexSettings, workspace: str, *, trusted: bool
) -> JsonObject:
    """Tools persist with the thread, so they are not given again."""
    common = _thread_params(settings, workspace, trusted=trusted)
    return {"threadId": thread, "excludeTurns": True, **common}


def newest_thread_params(workspace: str) -> JsonObject:
    """Of this directory, from the agent's index alone: else it would read all sessions again."""
    return {"cwd": workspace, "limit": 1, "useStateDbOnly": True}


def last_turn_params(thread: ThreadId) -> JsonObject:
    """How it ended, without what was said in it."""
    return {"threadId": thread, "limit": 1, "itemsView": "notLoaded"}


def _thread_params(
    settings: CodexSettings, workspace: str, *, trusted: bool
) -> Mapping[str, JsonValue]:
    params: dict[str, JsonValue] = {
        "cwd": workspace,
        "approvalPolicy": settings.approval_policy,
        "sandbox": settings.thread_sandbox,
        "config": config_overrides(settings.command, workspace, trusted=trusted),
    }
    if settings.model is not None:
        params["model"] = settings.model
    return params


def _tool(tool: ToolSpec) -> JsonObject:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "inputSchema": tool.input_schema,
    }


def thread_name_params(thread: ThreadId, title: str) -> JsonObject:
    """`session.start.title`: the name of the thread, because a turn has none."""
    return {"threadId": thread, "name": one_line(title, MAX_TITLE_CHARACTERS)}


def too_long(prompt: str) -> str | None:
    """What is wrong with a prompt that the agent would refuse."""
    if len(prompt) <= MAX_PROMPT_CHARACTERS:
        return None
    return (
        f"the prompt has {len(prompt)} characters; the agent takes at most {MAX_PROMPT_CHARACTERS}"
    )


def turn_start_params(
    thread: ThreadId,
    prompt: str,
    settings: CodexSettings,
    workspace: str,
    sandbox_policy: JsonObject | None,
) -> JsonObject:
    """One turn. `sandbox_policy` None leaves the thread's sandbox in force."""
    params: dict[str, JsonValue] = {
        "threadId": thread,
        "input": [{"type": "text", "text": prompt}],
        "cwd": workspace,
        "approvalPolicy": settings.approval_policy,
    }
    if sandbox_policy is not None:
        params["sandboxPolicy"] = sandbox_policy
    return params


def turn_interrupt_params(thread: ThreadId, turn: TurnId) -> JsonObject:
    return {"threadId": thread, "turnId": turn}


# What comes back.


def read_thread_id(result: JsonValue) -> ThreadId | None:
    """Of the answer to `thread/start` and `thread/resume`."""
    return _map_thread(_identity_in(result, "thread"))


def read_listed_thread_id(thread: JsonObject) -> ThreadId | None:
    """Of an entry in the answer to `thread/list`."""
    return _map_thread(as_text(thread.get("id")))


def read_turn_id(result: JsonValue) -> TurnId | None:
    """Of the answer to `turn/start`."""
    return _map_turn(_identity_in(result, "turn"))


def thread_of(params: JsonObject) -> ThreadId | None:
    """The thread that a notification or request belongs to."""
    return _map_thread(as_text(params.get("threadId")) or as_text(params.get("conversationId")))


def turn_of(params: JsonObject) -> TurnId | None:
    """The turn that a notification or request belongs to."""
    return _map_turn(as_text(params.get("turnId")) or _identity_in(params, "turn"))


def _map_thread(identity: str | None) -> ThreadId | None:
    return ThreadId(identity) if _is_identity(identity) else None


def _map_turn(identity: str | None) -> TurnId | None:
    return TurnId(identity) if _is_identity(identity) else None


def _is_identity(text: str | None) -> TypeGuard[str]:
    return text is not None and 0 < len(text) <= MAX_ID_CHARACTERS


def _identity_in(value: JsonValue, member: str) -> str | None:
    inner = as_object((as_object(value) or {}).get(member))
    return None if inner is None else as_text(inner.get("id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnEnd:
    """The end of some thread's turn. `status` is `completed`, `failed`, `interrupted` or what a
    version unknown to us says; `message` is the agent's own explanation, possibly empty."""

    thread_id: ThreadId | None
    turn_id: TurnId | None
    status: str
    message: str = ""


_OLDER_ENDS: Final = {"turn/failed": "failed", "turn/cancelled": "interrupted"}


def read_turn_end(method: str, params: JsonObject) -> TurnEnd | None:
    """The end of a turn, if that is what this notification tells.

    The name `turn/completed` says only that the turn is over; the status says how
    (`turn.outcome.failed`). A missing status is not taken for a good one.
    """
    turn = as_object(params.get("turn")) or {}
    if method == "turn/completed":
        status = one_line(as_text(turn.get("status")) or "unknown", MAX_NAME_CHARACTERS)
    elif method in _OLDER_ENDS:
        status = _OLDER_ENDS[method]
    else:
        return None
    message = _error_text(turn.get("error")) or _error_text(params.get("error"))
    return TurnEnd(
        thread_id=thread_of(params), turn_id=turn_of(params), status=status, message=message
    )


def _error_text(error: JsonValue) -> str:
    """`message`, the kind of the error where the agent names it, and its details."""
    if (plain := as_text(error)) is not None:
        return one_line(plain, MAX_ERROR_CHARACTERS)
    inner = as_object(error)
    if inner is None:
        return ""
    kind = inner.get("codexErrorInfo")
    kinds = as_object(kind)
    name = next(iter(kinds), None) if kinds else as_text(kind)
    message = as_text(inner.get("message")) or "the agent gave no reason"
    details = as_text(inner.get("additionalDetails"))
    parts = (
        one_line(message, MAX_ERROR_CHARACTERS),
        f"({one_line(details, MAX_ERROR_CHARACTERS)})" if details else "",
        f"[{one_line(name, MAX_NAME_CHARACTERS)}]" if name else "",
    )
    return " ".join(part for part in parts if part)


def read_error_notice(params: JsonObject) -> str:
    """The text of an `error` notification."""
    return _error_text(params.get("error")) or "the agent reported an error"


def read_broken_config(params: JsonObject) -> str | None:
    """The text of a `configWarning` that says: a file was not applied.

    Other warnings under the same name are harmless (bubblewrap is bundled instead of installed, a
    key is not known, a workspace carries settings that are not trusted), and a daemon that refused
    them would start on few machines. What names a place in a file, or says that defaults are used
    instead, means that the operator's settings, perhaps the restrictive ones, are not in force.
    """
    summary = as_text(params.get("summary")) or ""
    names_file = as_text(params.get("path")) is not None
    if not names_file and "using defaults" not in summary.lower():
        return None
    details = as_text(params.get("details"))
    return one_line(" ".join(part for part in (summary, details) if part), 1_000)
