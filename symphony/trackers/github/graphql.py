"""GraphQL at GitHub: one document in, its data out, and every error where it belongs.

An answer of 200 with errors is an error, unless all that failed is something that the caller asked
to be told about as missing (`tracker.error.application`). Fields that an older server does not know
are left out once it has said so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from symphony.domain.json import JsonObject, JsonValue, as_array, as_object, as_text
from symphony.trackers.errors import TrackerError
from symphony.trackers.github.answers import (
    QUOTED_CHARACTERS,
    Answer,
    json_of,
    object_of,
    rate_limited,
    refused,
    reset_ms,
)
from symphony.trackers.github.client import GitHubClient
from symphony.trackers.github.queries import Extras

_RIGHT_TO_READ = "read issues, and projects where the states come from one"
_RIGHT_TO_CHANGE = (
    "write projects: *Projects* write of a fine-grained token or an app, the scope `project` of a "
    "classic one"
)

_OPTIONAL = frozenset(each.value for each in Extras)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Something that GitHub says is not there, by its path in the answer."""

    path: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    data: JsonObject
    missing: Sequence[Missing]


class GraphQL:
    """Reads through one client, whose token is that of the setting `key`. `extras` shrinks when the
    server refuses one of them."""

    def __init__(self, client: GitHubClient, repository: str) -> None:
        self._client = client
        self._repository = repository
        self.key = client.key
        self.extras: tuple[Extras, ...] = tuple(Extras)

    async def read(
        self,
        document: Callable[[Sequence[Extras]], str],
        variables: Mapping[str, JsonValue],
    ) -> Data:
        """The data for a document that is built from the extras. Raises `TrackerError`."""
        while True:
            tried = self.extras
            payload = await self._post(document(tried), variables)
            unknown = _unknown_fields(payload) & {each.value for each in tried}
            if not unknown:
                return self._judged(payload)
            self.extras = tuple(each for each in self.extras if each.value not in unknown)

    async def change(self, document: str, variables: Mapping[str, JsonValue]) -> JsonObject:
        """Carry out a mutation, once. Raises `TrackerError`."""
        payload = await self._post(document, variables, changes_nothing=False)
        found = self._judged(payload, _RIGHT_TO_CHANGE)
        if found.missing:
            raise TrackerError("tracker_response", f"GitHub: {found.missing[0].message}")
        return found.data

    async def _post(
        self,
        document: str,
        variables: Mapping[str, JsonValue],
        *,
        changes_nothing: bool = True,
    ) -> JsonObject:
        answer = await self._client.request(
            "POST",
            self._client.addresses.graphql,
            body={"query": document, "variables": dict(variables)},
            changes_nothing=changes_nothing,
        )
        if answer.status != 200:
            raise self._refused(answer)
        payload = object_of(json_of(answer), "GraphQL result")
        if any(as_text(each.get("type")) == "RATE_LIMITED" for each in _errors(payload)):
            error = rate_limited(answer, reset_ms(answer.headers, self._client.now()))
            self._client.hold(error)
            raise error
        return payload

    def _refused(self, answer: Answer) -> TrackerError:
        if answer.status == 404:
            return TrackerError(
                "tracker_status",
                f"tracker.provider.api_url: there is no GraphQL interface at "
                f"{self._client.addresses.graphql} (404). Check the address",
                status=404,
            )
        return refused(answer, self._repository, self.key, self._client.now())

    def _judged(self, payload: JsonObject, needed: str = _RIGHT_TO_READ) -> Data:
        missing: list[Missing] = []
        for error in _errors(payload):
            path = tuple(str(each) for each in as_array(error.get("path")) or ())
            if _OPTIONAL & set(path):
                # It is null in the data, and stands there for "unknown".
                continue
            if as_text(error.get("type")) != "NOT_FOUND":
                raise self._application_error(error, needed)
            missing.append(Missing(path=path, message=_message(error)))
        data = as_object(payload.get("data"))
        if data is None:
            said = missing[0].message if missing else "neither data nor errors"
            raise TrackerError("tracker_response", f"GitHub's GraphQL answer has no data: {said}")
        return Data(data=data, missing=missing)

    def _application_error(self, error: JsonObject, needed: str) -> TrackerError:
        said = _message(error)
        if as_text(error.get("type")) in ("FORBIDDEN", "INSUFFICIENT_SCOPES"):
            return TrackerError(
                "tracker_status",
                f"{self.key}: the token may not do what is needed ({said}). Give it the right to "
                f"{needed}",
                status=200,
            )
        return TrackerError("tracker_response", f"GitHub's GraphQL answer is an error: {said}")


def _errors(payload: JsonObject) -> list[JsonObject]:
    found = (as_object(each) for each in as_array(payload.get("errors")) or ())
    return [each for each in found if each is not None]


def _unknown_fields(payload: JsonObject) -> set[str]:
    names: set[str] = set()
    for error in _errors(payload):
        extensions = as_object(error.get("extensions")) or {}
        name = as_text(extensions.get("fieldName"))
        if as_text(extensions.get("code")) == "undefinedField" and name is not None:
            names.add(name)
    return names


def _message(error: JsonObject) -> str:
    return " ".join((as_text(error.get("message")) or "no reason given").split())[
        :QUOTED_CHARACTERS
    ]
