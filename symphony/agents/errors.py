"""How a session can fail, under the category names of the specification (10.6).

The categories are stable: the scheduler, logs and operators' alerts key on them.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

MAX_MESSAGE_CHARACTERS: Final = 10_000
"""More than the last words of an agent, which are the longest part of any message of ours."""


class Category(Enum):
    """Why a session failed. The last four are ours; the others are the specification's."""

    CODEX_NOT_FOUND = "codex_not_found"
    INVALID_WORKSPACE_CWD = "invalid_workspace_cwd"
    RESPONSE_TIMEOUT = "response_timeout"
    TURN_TIMEOUT = "turn_timeout"
    PORT_EXIT = "port_exit"
    RESPONSE_ERROR = "response_error"
    TURN_FAILED = "turn_failed"
    TURN_CANCELLED = "turn_cancelled"
    TURN_INPUT_REQUIRED = "turn_input_required"
    INVALID_AGENT_CONFIG = "invalid_agent_config"
    PROMPT_TOO_LONG = "prompt_too_long"
    PROTOCOL_ERROR = "protocol_error"
    INTERNAL_ERROR = "internal_error"


class AgentError(Exception):
    """A session or a turn of it has failed. `category` is stable, `message` is for people."""

    def __init__(self, category: Category, message: str) -> None:
        message = message[:MAX_MESSAGE_CHARACTERS]
        super().__init__(f"{category.value}: {message}")
        self.category = category
        self.message = message
