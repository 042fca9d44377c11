"""What GitHub demands of the headers of every request."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import Message

from conformance.fakes.github.entities import Token
from conformance.fakes.github.replies import ApiError

API_VERSIONS = ("2022-11-28", "2026-03-10")
MEDIA_TYPES = ("application/vnd.github", "application/json", "application/*", "*/*")


def token_of(headers: Message, tokens: Mapping[str, Token]) -> Token:
    """Whose request it is, of those that `tokens` knows. Raises `ApiError`."""
    if not headers.get("User-Agent"):
        raise ApiError(403, "Request forbidden by administrative rules. Send a User-Agent")
    version = headers.get("X-GitHub-Api-Version")
    if version is not None and version not in API_VERSIONS:
        raise ApiError(400, f"The API version {version} is not supported")
    if not headers.get("Accept", "*/*").startswith(MEDIA_TYPES):
        raise ApiError(415, "Unsupported 'Accept' header. Must accept 'application/json'.")
    scheme, _, secret = headers.get("Authorization", "").partition(" ")
    token = tokens.get(secret.strip())
    if scheme.lower() not in ("bearer", "token") or token is None:
        raise ApiError(401, "Bad credentials")
    return token
