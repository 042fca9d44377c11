"""Where a GitHub answers: its REST and GraphQL addresses, and what counts as the same place.

Pure. Only https is accepted, except to loopback addresses (`tracker.transport.encrypted`).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

import httpx

PUBLIC_REST = "https://api.github.com"
ENTERPRISE_PATH = "/api/v3"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class AddressError(ValueError):
    """The address cannot be used; the text says why, without naming the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """`rest` has no slash at its end. Both have one origin."""

    rest: str
    graphql: str


def addresses_of(api_url: str) -> Addresses:
    """The addresses that a configured one stands for. Raises `AddressError`."""
    url = _judged(api_url)
    origin = f"{url.scheme}://{url.netloc}"
    path = url.path.rstrip("/")
    if not path and _is_enterprise_server(url):
        path = ENTERPRISE_PATH
    if path.endswith(ENTERPRISE_PATH):
        stem = path.removesuffix("/v3")
        return Addresses(rest=f"{origin}{path}", graphql=f"{origin}{stem}/graphql")
    return Addresses(rest=f"{origin}{path}", graphql=f"{origin}{path}/graphql")


def joined(base: str, written: str) -> str:
    """What a reference in an answer of `base` leads to; empty where it is no address."""
    try:
        address = urljoin(base, written)
        _origin(address)
        httpx.URL(address)
    except (ValueError, httpx.InvalidURL):
        return ""
    return address


def same_origin(one: str, other: str) -> bool:
    """Whether two absolute addresses have scheme, host and port in common."""
    return _origin(one) == _origin(other)


def _judged(api_url: str) -> SplitResult:
    if "@" in api_url:
        # Not shown, and not taken apart: a credential in it may hold any character.
        raise AddressError("the address must not contain a user name or password")
    try:
        url = urlsplit(api_url)
        host, _ = url.hostname, url.port
    except ValueError as error:
        raise AddressError(f"`{api_url}` is not an address: {error}") from None
    if not host or url.scheme not in _DEFAULT_PORTS:
        raise AddressError(f"`{api_url}` is not an address that begins with https://")
    if url.query or url.fragment:
        # Nor is this: tokens are handed over in queries, too.
        raise AddressError("the address must not have a query or a fragment")
    if url.scheme == "http" and not is_loopback(host):
        raise AddressError(f"`{api_url}` would send the token unencrypted")
    return url


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, by name or by address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_enterprise_server(url: SplitResult) -> bool:
    # A loopback address stands for a proxy or a test server, and means what it says.
    host = url.hostname or ""
    is_hosted = host == "api.github.com" or (host.startswith("api.") and host.endswith(".ghe.com"))
    return not is_hosted and not is_loopback(host)


def _origin(address: str) -> tuple[str, str, int | None]:
    url = urlsplit(address)
    return (url.scheme, url.hostname or "", url.port or _DEFAULT_PORTS.get(url.scheme))
