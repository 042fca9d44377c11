"""Where the interface listens, decided and bound before the daemon begins.

What is wrong with it is an error of the start that names the key and what to do. Off loopback there
is no listening without a token (`http.bind.loopback`).
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from typing import Final

from symphony.documents.references import referenced_name, resolve_secret
from symphony.domain.problems import Problem, ProblemError
from symphony.http.server import Listener
from symphony.runtime.surface import Wish

SHORTEST_TOKEN: Final = 16
"""Nobody guesses one of that length over a network."""
LONGEST_TOKEN: Final = 512
"""Fits into a header with room to spare."""

FLAG: Final = "--port"


def resolve_token(wish: Wish) -> str | None:
    """The token that clients have to show; None where none is set. Raises `ProblemError`."""
    written = wish.settings.server_token
    if written is None:
        return None
    token = resolve_secret(written, wish.environment)
    if token is None:
        name = referenced_name(written.strip())
        raise _problem(
            wish,
            "http_token_missing",
            f"the environment variable {name} is not set, or empty",
            "Set it for the daemon, for example with `openssl rand -hex 32`, or remove the key.",
            "server.token",
        )
    plain = token.isascii() and token.isprintable() and " " not in token
    if not plain or not SHORTEST_TOKEN <= len(token) <= LONGEST_TOKEN:
        raise _problem(
            wish,
            "http_token_unusable",
            f"the token must have {SHORTEST_TOKEN} to {LONGEST_TOKEN} printable ASCII characters "
            "and no space",
            "Make one with `openssl rand -hex 32`.",
            "server.token",
        )
    return token


def bind(wish: Wish, token: str | None) -> Listener:
    """Take the port. Blocks for as long as a name takes to resolve. Raises `ProblemError`."""
    family, address = _address(wish)
    if token is None and not ipaddress.ip_address(address).is_loopback:
        raise _problem(
            wish,
            "http_token_required",
            f"{address} can be reached from other machines, and server.token is not set",
            "Set `token: $NAME` below `server`, or listen on 127.0.0.1.",
            "server.host",
        )
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, wish.port))
        # Now, and not when the server begins: clients that come before it find a queue.
        bound.listen()
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        raise _refused(wish, address, error) from error
    return Listener(socket=bound, host=address, port=bound.getsockname()[1])


def _address(wish: Wish) -> tuple[socket.AddressFamily, str]:
    host = wish.settings.server_host
    try:
        found = socket.getaddrinfo(host, wish.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _problem(
            wish,
            "http_host_unknown",
            f"{host!r} is no address of this machine: {error}",
            "Write an address such as 127.0.0.1, or a name that resolves.",
            "server.host",
        ) from error
    family, *_, address = found[0]
    # A scope, as in fe80::1%eth0, is not part of what is compared.
    return family, str(address[0]).partition("%")[0]


def _refused(wish: Wish, address: str, error: OSError) -> ProblemError:
    port, key = wish.port, wish.port_key
    if error.errno == errno.EADDRINUSE:
        return _problem(
            wish,
            "http_port_in_use",
            f"port {port} of {address} is in use by another program",
            f"End that program (`ss -ltnp 'sport = :{port}'` names it), or choose another port; 0 "
            "takes a free one.",
            key,
        )
    if error.errno == errno.EACCES:
        return _problem(
            wish,
            "http_port_not_permitted",
            f"port {port} may not be opened by this user",
            "Choose a port from 1024 on.",
            key,
        )
    return _problem(
        wish,
        "http_host_unusable",
        f"{address} cannot be listened on: {os.strerror(error.errno or 0)}",
        "Write an address of this machine, such as 127.0.0.1.",
        "server.host",
    )


def _problem(wish: Wish, code: str, message: str, remedy: str, key: str) -> ProblemError:
    path = None if key == FLAG else wish.settings.workflow_path
    return ProblemError(Problem(code=code, message=message, remedy=remedy, path=path, key=key))
