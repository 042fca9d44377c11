"""The thread whose last turn was cut off in a workspace (`recovery.thread.resumed`).

The agent keeps its threads, so the agent is asked; the daemon writes nothing down. Codex answers
both questions from its own store, also after SIGKILL. An agent that knows no such questions has no
such thread.
"""

from __future__ import annotations

from typing import Final

from symphony.agents import messages
from symphony.agents.channel import Channel
from symphony.agents.errors import AgentError, Category
from symphony.domain.ids import ThreadId
from symphony.domain.json import JsonObject, JsonValue, as_array, as_object

_NO_ANSWER: Final = (Category.RESPONSE_ERROR, Category.RESPONSE_TIMEOUT)


async def find_cut_off_thread(channel: Channel, workspace: str) -> ThreadId | None:
    """The newest thread that this program began in the directory, if its last turn was interrupted,
    be it by a kill or by the end of the daemon, which closes the agent's input.

    Raises `AgentError` where the connection fails.
    """
    try:
        listed = await channel.request("thread/list", messages.newest_thread_params(workspace))
        thread = _ours(_first(listed), workspace)
        if thread is None:
            return None
        turns = await channel.request("thread/turns/list", messages.last_turn_params(thread))
    except AgentError as error:
        if error.category not in _NO_ANSWER:
            raise
        return None
    return thread if _first(turns).get("status") == "interrupted" else None


def _first(page: JsonValue) -> JsonObject:
    entries = as_array((as_object(page) or {}).get("data")) or ()
    return (as_object(entries[0]) if entries else None) or {}


def _ours(thread: JsonObject, workspace: str) -> ThreadId | None:
    """What a person began there by hand is not gone on with."""
    ours = thread.get("originator") == messages.CLIENT_NAME and thread.get("cwd") == workspace
    return messages.read_listed_thread_id(thread) if ours else None
