"""From a process that was just started to a thread that turns can run on (`session.start.*`)."""

from __future__ import annotations

import os
from collections.abc import Sequence

from symphony import __version__
from symphony.agents import messages
from symphony.agents.channel import Channel
from symphony.agents.cut_off import find_cut_off_thread
from symphony.agents.errors import AgentError, Category
from symphony.agents.reporting import Reporter
from symphony.agents.sandbox import is_trusted
from symphony.domain.ids import ThreadId
from symphony.domain.settings import CodexSettings
from symphony.domain.tools import ToolSpec


class Handshake:
    """The first exchanges of one session. `resume_thread` is gone on with; where there is none, and
    with `look_back`, a thread that was cut off in the workspace."""

    def __init__(
        self,
        channel: Channel,
        reporter: Reporter,
        settings: CodexSettings,
        workspace: str,
        *,
        resume_thread: ThreadId | None = None,
        look_back: bool = False,
    ) -> None:
        self._channel = channel
        self._reporter = reporter
        self._settings = settings
        self._workspace = workspace
        self._resume_thread = resume_thread
        self._look_back = look_back

    async def open_thread(self, tools: Sequence[ToolSpec], title: str) -> tuple[ThreadId, bool]:
        """Initialise the connection, then start a thread or resume one, and name it.

        An agent that does not have the thread any more starts another. Gives the thread, and
        whether it has a history. Raises `AgentError`.
        """
        self._check_workspace()
        await self._channel.request("initialize", messages.initialize_params(__version__))
        await self._channel.send(self._channel.connection.notify("initialized"))
        wanted = self._resume_thread
        if wanted is None and self._look_back:
            wanted = await find_cut_off_thread(self._channel, self._workspace)
        thread = await (self._start(tools) if wanted is None else self._resume(wanted, tools))
        await self._name(thread, title)
        return thread, thread == wanted

    def _check_workspace(self) -> None:
        path = self._workspace
        if not os.path.isabs(path) or not os.path.isdir(path):
            text = f"the workspace {path!r} is not the absolute path of a directory"
            raise AgentError(Category.INVALID_WORKSPACE_CWD, text)

    async def _start(self, tools: Sequence[ToolSpec]) -> ThreadId:
        params = messages.thread_start_params(
            self._settings, self._workspace, tools, trusted=is_trusted(self._workspace)
        )
        result = await self._channel.request("thread/start", params)
        return _named(messages.read_thread_id(result), "thread/start")

    async def _resume(self, thread: ThreadId, tools: Sequence[ToolSpec]) -> ThreadId:
        self._reporter.resume(thread)
        try:
            return await self._resumed(thread)
        except AgentError as error:
            if error.category is not Category.RESPONSE_ERROR:
                raise
            await self._reporter.event("notification", f"a new thread: {error.message}")
            return await self._start(tools)

    async def _resumed(self, thread: ThreadId) -> ThreadId:
        params = messages.thread_resume_params(
            thread, self._settings, self._workspace, trusted=is_trusted(self._workspace)
        )
        result = await self._channel.request("thread/resume", params)
        return _named(messages.read_thread_id(result), "thread/resume")

    async def _name(self, thread: ThreadId, title: str) -> None:
        """A label only: an agent that does not know how to name a thread is as good."""
        try:
            params = messages.thread_name_params(thread, title)
            await self._channel.request("thread/name/set", params)
        except AgentError as error:
            if error.category is not Category.RESPONSE_ERROR:
                raise
            await self._reporter.event("notification", f"the thread has no name: {error.message}")


def _named(thread: ThreadId | None, method: str) -> ThreadId:
    if thread is None:
        text = f"the agent's answer to {method} names no thread"
        raise AgentError(Category.RESPONSE_ERROR, text)
    return thread
