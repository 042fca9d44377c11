"""The tool `linear_graphql`: one GraphQL operation of the agent, carried out by the daemon.

The address and the key are those of the session's settings, and nothing in the arguments changes
them. What the key may do is what the tool may do. Never raises for what the caller did wrong or
Linear refused; no answer holds the key.
"""

from __future__ import annotations

import json

import anyio.to_thread

from symphony.domain.json import JsonObject, JsonValue, as_object, as_text
from symphony.domain.tools import ToolResult, ToolSpec
from symphony.trackers.errors import TrackerError
from symphony.trackers.issue_update import RefusedError
from symphony.trackers.linear.client import LinearClient, Operation, Result
from symphony.trackers.linear.failures import RefusedAnswerError, is_denied, masked, remedy

TOOL_NAME = "linear_graphql"

MAXIMUM_QUERY_CHARACTERS = 100_000
"""A comment or description goes into the variables; no query is so long."""

MAXIMUM_TOKENS = 10_000
"""Of a query: parsing more would hold up the daemon."""

MAXIMUM_RESULT_CHARACTERS = 100_000
"""Of a result as JSON. It becomes input of the model."""

SPEC = ToolSpec(
    name=TOOL_NAME,
    description=(
        "Run one GraphQL query or mutation against Linear, with the credential of this daemon. "
        "Errors in the answer mean that it failed. Ask only for the fields that you need, and give "
        "every connection a small `first`. The schema can be looked up with introspection, for "
        'example { __type(name: "IssueUpdateInput") { inputFields { name } } }.'
    ),
    input_schema={
        "type": "object",
        "additionalProperties": False,
        "required": ["query"],
        "properties": {
            "query": {
                "type": "string",
                "description": "One GraphQL operation, with the fragments that it uses.",
            },
            "variables": {
                "type": ["object", "null"],
                "description": "The values of the operation's variables.",
                "additionalProperties": True,
            },
        },
    },
    changes_tracker=True,
)


class LinearTool:
    """Carries out calls with one client. `secrets` are masked in whatever comes back."""

    def __init__(self, client: LinearClient, secrets: frozenset[str]) -> None:
        self._client = client
        self._secrets = secrets

    async def execute(self, name: str, arguments: JsonValue) -> ToolResult:
        """One call of the tool."""
        try:
            query, variables = _read_arguments(name, arguments)
            # In a thread: the first call imports graphql-core, and a long query takes its time.
            operation = await anyio.to_thread.run_sync(_parse, query)
            result = await self._client.call(operation, variables)
        except RefusedError as refusal:
            return refusal.result()
        except TrackerError as error:
            return ToolResult(success=False, content=_told(error, self._secrets))
        content = dict(_content(result))
        if is_denied(result.errors):
            content["remedy"] = remedy(self._client.key_name, changes=operation.changes)
        told = _bounded(masked(content, self._secrets))
        return ToolResult(success=not result.errors, content=told)


def _read_arguments(name: str, arguments: JsonValue) -> tuple[str, JsonObject]:
    if name != TOOL_NAME:
        raise RefusedError(
            "unknown_tool", f"there is no tool `{name}` here", {"tools": [TOOL_NAME]}
        )
    given = as_object(arguments)
    if given is None:
        raise _invalid("the arguments must be a JSON object with `query`")
    unknown = sorted(set(given) - {"query", "variables"})
    if unknown:
        raise _invalid(f"there is no such argument: {', '.join(unknown)}")
    query = as_text(given.get("query"))
    if query is None or not query.strip():
        raise _invalid("`query` must be the text of one GraphQL operation")
    if len(query) > MAXIMUM_QUERY_CHARACTERS:
        raise _invalid(
            f"`query` has {len(query)} characters; at most {MAXIMUM_QUERY_CHARACTERS} are taken. "
            "Put long texts into `variables`"
        )
    variables = given.get("variables")
    if variables is not None and as_object(variables) is None:
        raise _invalid("`variables` must be a JSON object or null")
    return query, as_object(variables) or {}


def _parse(query: str) -> Operation:
    """The operation, if the text holds exactly one query or mutation. Raises `RefusedError`."""
    from graphql import GraphQLSyntaxError, OperationDefinitionNode, OperationType, parse

    try:
        document = parse(query, max_tokens=MAXIMUM_TOKENS)
    except GraphQLSyntaxError as error:
        where = f" (line {error.locations[0].line})" if error.locations else ""
        raise _invalid(f"`query` is not GraphQL{where}: {error.message}") from None
    except RecursionError:
        raise _invalid("`query` is nested too deeply") from None
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if len(operations) != 1:
        raise _invalid(f"`query` must hold one operation; this has {len(operations)}")
    kind = operations[0].operation
    if kind is OperationType.SUBSCRIPTION:
        raise _invalid("subscriptions are not available; ask with a query")
    return Operation(text=query, document=document, changes=kind is OperationType.MUTATION)


def _invalid(message: str) -> RefusedError:
    return RefusedError("invalid_arguments", message)


def _content(result: Result) -> JsonObject:
    content: dict[str, JsonValue] = {"data": result.data}
    if result.errors:
        content["errors"] = result.errors
    return content


def _told(error: TrackerError, secrets: frozenset[str]) -> JsonValue:
    """What the provider said beside the category, so that the agent can mend its query."""
    told: dict[str, JsonValue] = {"code": error.category, "message": error.message}
    if error.status is not None:
        told["status"] = error.status
    if error.retry_after_ms is not None:
        told["retry_after_ms"] = error.retry_after_ms
    content: dict[str, JsonValue] = {"error": told}
    if isinstance(error, RefusedAnswerError) and error.answer is not None:
        content["response"] = _bounded(error.answer)
    return masked(content, secrets)


def _bounded(content: JsonValue) -> JsonValue:
    """The content, or its beginning as text where it is too much (`tool.result.bounded`)."""
    text = json.dumps(content, ensure_ascii=False)
    if len(text) <= MAXIMUM_RESULT_CHARACTERS:
        return content
    return {
        "cut": f"The operation was carried out. Its answer has {len(text)} characters, of which "
        f"{MAXIMUM_RESULT_CHARACTERS} are shown; ask for fewer fields or a smaller `first`.",
        "beginning": text[:MAXIMUM_RESULT_CHARACTERS],
    }
