"""The tools of the GitHub tracker as they are advertised."""

from __future__ import annotations

from symphony.domain.tools import ToolSpec
from symphony.trackers.github.settings import GitHubSettings
from symphony.trackers.github.tool_paths import METHODS

API_TOOL = "github_api"
STATUS_TOOL = "github_project_status"


def api_spec(settings: GitHubSettings) -> ToolSpec:
    """`github_api`, for the repository of the settings."""
    place = f"/repos/{settings.repository}"
    return ToolSpec(
        name=API_TOOL,
        description=(
            f"Call GitHub's REST API for the repository {settings.repository}. Read the "
            "repository, its issues, pull requests, commits, checks and contents; create and "
            "change issues, comments, labels and pull requests. The answer has `status` and `body`."
        ),
        input_schema={
            "type": "object",
            "additionalProperties": False,
            "required": ["path"],
            "properties": {
                "method": {
                    "type": "string",
                    "enum": list(METHODS),
                    "description": "GET if left out.",
                },
                "path": {
                    "type": "string",
                    "description": f"Begins with {place}, such as {place}/issues/1/comments.",
                },
                "params": {
                    "type": "object",
                    "additionalProperties": {"type": ["string", "integer", "boolean"]},
                    "description": "Parameters of the query, such as per_page and page.",
                },
                "body": {
                    "type": ["object", "array"],
                    "description": "The JSON body of a request that changes something.",
                },
            },
        },
        changes_tracker=True,
    )


def status_spec(settings: GitHubSettings) -> ToolSpec:
    """`github_project_status`."""
    named = ", ".join(f"`{state}`" for state in settings.named_states)
    return ToolSpec(
        name=STATUS_TOOL,
        description="Move the issue you are working on to another column of its project board.",
        input_schema={
            "type": "object",
            "additionalProperties": False,
            "required": ["status"],
            "properties": {
                "status": {
                    "type": "string",
                    "description": f"The column. The workflow knows {named}; the board may have "
                    "more.",
                }
            },
        },
        changes_tracker=True,
    )
