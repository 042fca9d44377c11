"""Mutants of the tracker tools that an agent may call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symphony.agents import answers, messages, policy, tool_result
from symphony.agents.answers import Answering
from symphony.agents.policy import ToolCall
from symphony.domain.json import JsonObject, as_object
from symphony.domain.tools import ToolResult, ToolSpec
from symphony.trackers.github import tool_paths
from symphony.trackers.github.tool_paths import JudgedPath
from symphony.trackers.linear import tools
from symphony.trackers.linear.tools import LinearTool
from symphony.trackers.linear.tracker import LinearTracker
from tests.mutants.patching import private, replace, replace_in
from tests.mutants.registry import mutant


@mutant(
    "tools_under_another_name",
    kills=("tool.advertise.form",),
    about="Tools are advertised as `tools` instead of `dynamicTools`.",
)
def _() -> None:
    original: Any = messages.thread_start_params

    def params(*arguments: Any, **options: Any) -> JsonObject:
        built: dict[str, Any] = dict(original(*arguments, **options))
        if "dynamicTools" in built:
            built["tools"] = built.pop("dynamicTools")
        return built

    replace(messages, "thread_start_params", params)


@mutant(
    "tools_of_another_adapter",
    kills=("tool.advertise.selected_only",),
    about="A tool for GitHub is advertised with the Linear tracker.",
)
def _() -> None:
    original = LinearTracker.tool_specs

    def tool_specs(self: LinearTracker) -> Sequence[ToolSpec]:
        other = ToolSpec(
            name="github_api",
            description="Call GitHub's REST interface.",
            input_schema={"type": "object", "properties": {"path": {"type": "string"}}},
            changes_tracker=True,
        )
        return (*original(self), other)

    replace(LinearTracker, "tool_specs", tool_specs)


@mutant(
    "failed_tool_succeeds",
    kills=("tool.result.structured", "tool.result.failure"),
    about="A result says that the call succeeded, whatever came of it.",
)
def _() -> None:
    original = policy.tool_result

    def result(text: str, *, success: bool) -> JsonObject:
        del success
        return original(text, success=True)

    replace_in(answers, "tool_result", result)


@mutant(
    "unreachable_tracker_ends_the_session",
    kills=("tool.result.failure",),
    about="A tool that cannot reach the tracker ends the session.",
)
def _() -> None:
    original: Any = private(Answering, "_call")

    async def call(self: Answering, wanted: ToolCall) -> JsonObject:
        execute = private(self, "_execute_tool")

        async def executed(name: str, arguments: Any) -> ToolResult:
            result: ToolResult = await execute(name, arguments)
            error = as_object((as_object(result.content) or {}).get("error")) or {}
            if error.get("code") == "tracker_request":
                private(self, "_channel").fail(ConnectionError("the tracker is not there"))
            return result

        self._execute_tool = executed  # pyright: ignore[reportPrivateUsage]
        try:
            answered: JsonObject = await original(self, wanted)
            return answered
        finally:
            self._execute_tool = execute  # pyright: ignore[reportPrivateUsage]

    replace(Answering, "_call", call)


@mutant(
    "result_repeats_the_key",
    kills=("tool.result.no_secret",),
    about="What the tracker repeats of the key stands in the result of a tool.",
)
def _() -> None:
    from symphony.trackers.linear import client, failures

    def as_it_is(value: object, secrets: object) -> object:
        del secrets
        return value

    for each in (tools, client, failures):
        replace_in(each, "masked", as_it_is)


@mutant(
    "results_of_any_size",
    kills=("tool.result.bounded",),
    about="A result is handed to the agent in full, however large it is.",
)
def _() -> None:
    original = tool_result.render_tool_result

    def render(result: ToolResult, *, max_bytes: int) -> str:
        del max_bytes
        return original(result, max_bytes=1_000_000_000)

    replace(tools, "MAXIMUM_RESULT_CHARACTERS", 1_000_000_000)
    replace(tool_result, "render_tool_result", render)


@mutant(
    "tool_calls_are_not_made",
    kills=(
        "tool.execute.host_side",
        "tool.result.failure",
        "tool.result.structured",
        "tool.session.bound",
    ),
    about="A mutation is answered with success and not sent to the tracker.",
)
def _() -> None:
    original = LinearTool.execute

    async def execute(self: LinearTool, name: str, arguments: Any) -> ToolResult:
        query = str((as_object(arguments) or {}).get("query", ""))
        if query.lstrip().startswith("mutation"):
            return ToolResult(success=True, content={"data": {}})
        return await original(self, name, arguments)

    replace(LinearTool, "execute", execute)


@mutant(
    "dots_leave_the_repository",
    kills=("tool.scope.confined",),
    about="A path with `..` leads out of the repository that the tool is held to.",
    dialect="github",
)
def _() -> None:
    original: Any = tool_paths.judged_path

    def judged(method: str, path: str, settings: Any) -> JudgedPath:
        prefix = f"/repos/{settings.repository}/"
        if path.startswith(prefix) and ".." in path:
            return JudgedPath(path=path)
        found: JudgedPath = original(method, path, settings)
        return found

    replace(tool_paths, "judged_path", judged)
