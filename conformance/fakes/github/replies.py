"""Answers of the fake before they go over the wire, and the errors that GitHub gives."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from conformance.fakes.json_values import JsonValue

JSON_TYPE = "application/json; charset=utf-8"
DOCUMENTATION = "https://docs.github.com/rest"


@dataclass(slots=True, kw_only=True)
class Reply:
    """One answer. Header names are as they are sent."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])


class ApiError(Exception):
    """A refusal of the REST interface."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def reply(self) -> Reply:
        content: JsonValue = {
            "message": self.message,
            "documentation_url": DOCUMENTATION,
            "status": str(self.status),
        }
        answer = json_reply(content, self.status)
        answer.headers.update(self.headers)
        return answer


def json_reply(content: JsonValue, status: int = 200) -> Reply:
    """The content as JSON, with its entity tag."""
    body = json.dumps(content, ensure_ascii=False).encode()
    tag = hashlib.sha256(body).hexdigest()
    return Reply(
        status=status, body=body, headers={"Content-Type": JSON_TYPE, "ETag": f'W/"{tag}"'}
    )
