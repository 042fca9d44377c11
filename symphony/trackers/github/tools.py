"""The tools of the GitHub tracker: `github_api`, and `github_project_status` for boards.

Executed by the daemon with its own credential, bound to the settings of the session, and held to
the repository (`tool.execute.host_side`, `tool.scope.confined`). Never raises for what the caller
did wrong or GitHub refused; no answer contains a credential, and each is of bounded size.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError

from symphony.domain.issue import state_key
from symphony.domain.json import JsonValue, as_object
from symphony.domain.tools import ToolContext, ToolResult, ToolSpec
from symphony.trackers.errors import TrackerError
from symphony.trackers.github.access import Access, read_access
from symphony.trackers.github.answers import Answer, rights_asked_for
from symphony.trackers.github.by_number import IssuesByNumber, number_of
from symphony.trackers.github.client import REDACTED, GitHubClient, Limits
from symphony.trackers.github.graphql import GraphQL
from symphony.trackers.github.queries import SET_STATUS
from symphony.trackers.github.settings import GitHubSettings
from symphony.trackers.github.tool_paths import judged_path
from symphony.trackers.github.tool_specs import API_TOOL, api_spec, status_spec
from symphony.trackers.issue_update import RefusedError, known_state, succeeded

MAXIMUM_RESULT_CHARACTERS = 60_000
"""What a model can use of one answer; a longer list has pages."""

MAXIMUM_BODY_CHARACTERS = 200_000
"""GitHub takes 65,536 characters of text in an issue; this is room for its markup as JSON."""

MAXIMUM_PARAMETERS = 30

_Parameter: TypeAlias = str | int | bool


class _ApiArguments(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    method: Literal["GET", "POST", "PATCH", "PUT", "DELETE"] = "GET"
    path: str
    params: dict[str, _Parameter] | None = None
    body: dict[str, object] | list[object] | None = None


class _StatusArguments(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    status: str


class Tools:
    """Those of one tracker. `client` is the daemon's own, used where the tools have no token of
    their own."""

    def __init__(self, settings: GitHubSettings, client: GitHubClient, *, limits: Limits) -> None:
        self._settings = settings
        self._has_own_client = settings.tool_token != settings.token
        self._client = (
            GitHubClient(settings.addresses, settings.tool_token, key="tool_token", limits=limits)
            if self._has_own_client
            else client
        )
        self._graphql = GraphQL(self._client, settings.repository)
        self.specs: Sequence[ToolSpec] = (
            (api_spec(settings),)
            if settings.board is None
            else (api_spec(settings), status_spec(settings))
        )

    async def execute(self, name: str, arguments: JsonValue, context: ToolContext) -> ToolResult:
        """Run the tool."""
        try:
            return self._without_secrets(await self._run(name, arguments, context))
        except ValidationError as error:
            return RefusedError("invalid_arguments", _sentence(error)).result()
        except RefusedError as refusal:
            return refusal.result()
        except TrackerError as error:
            return self._without_secrets(_failure(error))

    async def access(self) -> Access | None:
        """The rights of the tools' own token; None if they have none of their own. Raises
        `TrackerError`."""
        if not self._has_own_client:
            return None
        return await read_access(self._client, self._settings)

    @property
    def requests_sent(self) -> int:
        """Requests with the tools' own token so far; others are the daemon's client's to count."""
        return self._client.traffic.requests if self._has_own_client else 0

    async def aclose(self) -> None:
        """Close the connections. Idempotent."""
        if self._has_own_client:
            await self._client.aclose()

    async def _run(self, name: str, arguments: JsonValue, context: ToolContext) -> ToolResult:
        known = [spec.name for spec in self.specs]
        if name not in known:
            raise RefusedError("unknown_tool", f"there is no tool `{name}` here", {"tools": known})
        if as_object(arguments) is None:
            raise RefusedError("invalid_arguments", "the arguments must be a JSON object")
        if name == API_TOOL:
            return await self._call(_ApiArguments.model_validate(arguments))
        wanted = _StatusArguments.model_validate(arguments)
        return await self._set_status(wanted.status, context)

    async def _call(self, given: _ApiArguments) -> ToolResult:
        judged = judged_path(given.method, given.path.strip(), self._settings)
        answer = await self._client.request(
            given.method,
            f"{self._client.addresses.rest}{judged.path}",
            parameters=_parameters(given.params),
            body=_body(given),
            changes_nothing=given.method == "GET",
            # A redirect leads to an address that was not judged: the caller is told of it.
            may_follow=lambda _: False,
        )
        # Before the body is cut, which could leave a part of a credential.
        redacted = replace(answer, body=self._redacted(answer.body))
        return _result(redacted, self._client.key)

    async def _set_status(self, wanted: str, context: ToolContext) -> ToolResult:
        number = number_of(context.issue.id)
        by_number = IssuesByNumber(self._graphql, self._settings)
        head, record = (None, None) if number is None else await by_number.read_with_board(number)
        if head is None or record is None or record.placement is None:
            raise RefusedError(
                "issue_not_found", f"{context.issue.identifier} is not on the board any more"
            )
        status = known_state(wanted, head.options)
        before = record.placement.status
        if before is not None and state_key(before) == state_key(status):
            return succeeded(context.issue.identifier, {})
        variables: Mapping[str, JsonValue] = {
            "project": head.id,
            "item": record.placement.item_id,
            "field": head.field_id,
            "option": head.options[status],
        }
        await self._graphql.change(SET_STATUS, variables)
        changed: Mapping[str, JsonValue] = {"status": {"from": before, "to": status}}
        return succeeded(context.issue.identifier, changed)

    def _without_secrets(self, result: ToolResult) -> ToolResult:
        text = json.dumps(result.content).encode()
        redacted = self._redacted(text)
        if redacted == text:
            return result
        return ToolResult(success=result.success, content=json.loads(redacted))

    def _redacted(self, data: bytes) -> bytes:
        for secret in (self._settings.token, self._settings.tool_token):
            data = data.replace(secret.encode(), REDACTED)
        return data


def _parameters(params: Mapping[str, _Parameter] | None) -> Mapping[str, str | int] | None:
    if params is None:
        return None
    if len(params) > MAXIMUM_PARAMETERS:
        raise RefusedError("invalid_arguments", f"more than {MAXIMUM_PARAMETERS} `params`")
    return {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in params.items()
    }


def _body(given: _ApiArguments) -> JsonValue:
    if given.body is None:
        return None
    if given.method == "GET":
        raise RefusedError("invalid_arguments", "a GET has no `body`; use `params`")
    try:
        text = json.dumps(given.body, allow_nan=False)
        text.encode()
    except ValueError as error:
        raise RefusedError("invalid_arguments", f"`body` cannot be sent: {error}") from None
    if len(text) > MAXIMUM_BODY_CHARACTERS:
        raise RefusedError(
            "invalid_arguments",
            f"`body` has {len(text)} characters; at most {MAXIMUM_BODY_CHARACTERS} are taken",
        )
    body: JsonValue = json.loads(text)
    return body


def _result(answer: Answer, key: str) -> ToolResult:
    content: dict[str, JsonValue] = {"status": answer.status, "body": _payload(answer)}
    if 'rel="next"' in answer.headers.get("link", ""):
        content["has_next_page"] = True
    text = json.dumps(content["body"], ensure_ascii=False)
    if len(text) > MAXIMUM_RESULT_CHARACTERS:
        content["body"] = text[:MAXIMUM_RESULT_CHARACTERS]
        content["truncated"] = (
            f"the body has {len(text)} characters of JSON and is cut; ask for less with `params`, "
            "such as a smaller per_page"
        )
    if 200 <= answer.status < 300:
        return ToolResult(success=True, content=content)
    error: Mapping[str, JsonValue] = {
        "code": "tracker_status",
        "message": _status_sentence(answer, key),
        **content,
    }
    return ToolResult(success=False, content={"error": error})


def _payload(answer: Answer) -> JsonValue:
    try:
        payload: JsonValue = json.loads(answer.body) if answer.body else None
    except (ValueError, RecursionError):
        return answer.body.decode("utf-8", errors="replace")
    return payload


def _status_sentence(answer: Answer, key: str) -> str:
    if 300 <= answer.status < 400:
        return (
            f"GitHub redirects elsewhere ({answer.status}), which is not followed: it was moved, "
            "or it is a download"
        )
    said = f"GitHub refused it with {answer.status}"
    if answer.status == 401:
        return f"{said}: it does not accept the token in {key}, which the operator has to renew"
    if answer.status == 403:
        return f"{said}: the token in {key} may not do that{rights_asked_for(answer)}"
    return said


def _failure(error: TrackerError) -> ToolResult:
    details: dict[str, JsonValue] = {}
    if error.status is not None:
        details["status"] = error.status
    if error.retry_after_ms is not None:
        details["retry_after_ms"] = error.retry_after_ms
    return RefusedError(error.category, error.message, details).result()


def _sentence(error: ValidationError) -> str:
    parts: list[str] = []
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(str(part) for part in each["loc"])
        what = "there is no such argument" if each["type"] == "extra_forbidden" else each["msg"]
        parts.append(f"`{place}`: {what}")
    return "; ".join(parts)
