"""Who may ask: checks of Host, Origin and token, before anything else looks at a request.

Without a token the interface is on loopback, and its only foes are pages in a browser of the same
machine. A page that has its name resolve to loopback is told by its Host; one that sends requests
across origins by Origin and the `Sec-Fetch-*` headers. With a token every Host is welcome, because
a browser gives the token of one name to no other.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from symphony.http.answers import ApiError

OPEN_PATHS: Final = frozenset({"/healthz", "/readyz"})
"""Answered without a token: whoever restarts the daemon has none, and they tell nothing."""

_READS: Final = frozenset({"GET", "HEAD"})
_FOREIGN_SITES: Final = frozenset({"cross-site", "same-site"})
_DEFAULT_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}
_CHALLENGE: Final = 'Bearer realm="symphony", Basic realm="symphony", charset="UTF-8"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the checks look at; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """`token` None means that nobody needs one."""

    token: str | None = None

    def check(self, asked: Asked) -> None:
        """Raises `ApiError` where the request is refused."""
        host = asked.headers.get("host", "")
        if self.token is None and not is_loopback_host(host):
            raise _refused(
                "host_refused",
                "The Host header does not name this machine. Ask for http://127.0.0.1 or "
                "http://localhost with the port, or set server.token for other names.",
            )
        if is_foreign(asked, host):
            raise _refused("origin_refused", "Pages of other sites may not ask.")
        if self.token is not None and asked.path not in OPEN_PATHS:
            self._check_token(asked.headers.get("authorization", ""), self.token)

    def _check_token(self, given: str, token: str) -> None:
        shown = shown_token(given)
        if shown is None or not hmac.compare_digest(shown, token.encode()):
            raise ApiError(
                status=401,
                code="unauthorized",
                message="Send the token of server.token: `Authorization: Bearer TOKEN`, or as the "
                "password of any user.",
                headers={"WWW-Authenticate": _CHALLENGE},
            )


def _refused(code: str, message: str) -> ApiError:
    return ApiError(status=403, code=code, message=message)


def shown_token(authorization: str) -> bytes | None:
    """The token of a header, as bearer or as password; None where there is none."""
    scheme, _, value = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode("utf-8", "surrogateescape")
    if scheme.lower() != "basic":
        return None
    try:
        pair = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    _, colon, password = pair.partition(b":")
    return password if colon else None


def is_loopback_host(host: str) -> bool:
    """Whether a Host header, with a port or without, names this machine."""
    name = _split(f"//{host}")[0]
    if name is None:
        return False
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_foreign(asked: Asked, host: str) -> bool:
    """Whether a browser says that a page of another origin sends this. Following a link is fine."""
    origin = asked.headers.get("origin")
    if origin is not None and not _is_same_origin(origin, host):
        return True
    if asked.headers.get("sec-fetch-site") not in _FOREIGN_SITES:
        return False
    followed = asked.headers.get("sec-fetch-mode") == "navigate" and asked.method in _READS
    return not followed


def _is_same_origin(origin: str, host: str) -> bool:
    scheme = origin.partition(":")[0].lower()
    default = _DEFAULT_PORTS.get(scheme)
    if default is None:
        return False
    asked_name, asked_port = _split(f"//{host}")
    name, port = _split(origin)
    return name is not None and (name, port or default) == (asked_name, asked_port or default)


def _split(address: str) -> tuple[str | None, int | None]:
    """Name in lower case and port; no name where it is no address."""
    try:
        parts = urlsplit(address)
        name, port = parts.hostname, parts.port
    except ValueError:
        return (None, None)
    plain = parts.username is None and not (parts.path or parts.query or parts.fragment)
    return (name if plain else None, port)
