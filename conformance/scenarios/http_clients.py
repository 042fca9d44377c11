"""Clients that no server likes, and where a process listens.

Guarantees: every connection is closed in the end; nothing here waits for the server. Must not:
judge.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from conformance.target.table import PROCESS_TABLE_EXISTS, descendants, process_table

SEES_SOCKETS: Final = PROCESS_TABLE_EXISTS
HALF_REQUESTS: Final = 20
DEAF: Final = 10
RESETS: Final = 20
PATIENCE_S: Final = 2.0
"""For a connection to be taken, and for what is sent to it."""
_LISTENS: Final = "0A"

_HOST: Final = b" HTTP/1.1\r\nHost: 127.0.0.1\r\n"
_STATE: Final = b"GET /api/v1/state" + _HOST + b"\r\n"
_RUDE: Final = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    b"\r\n\r\n\r\n" * 50,
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /api/v1/" + b"A" * 100_000 + _HOST + b"\r\n",
    b"GET /api/v1/%00%ff%2e%2e%2f%2e%2e" + _HOST + b"\r\n",
    b"GET /../../etc/passwd" + _HOST + b"\r\n",
    b"GET /api/v1/state" + _HOST + b"X-Long: " + b"b" * 1_000_000 + b"\r\n\r\n",
    b"POST /api/v1/refresh" + _HOST + b"Content-Length: 10000000000\r\n\r\n{",
    b"POST /api/v1/refresh" + _HOST + b"Content-Length: -1\r\n\r\n{}",
    b"POST /api/v1/refresh" + _HOST + b'Content-Length: 9\r\n\r\n{"a": [[[',
    b"POST /api/v1/refresh" + _HOST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
    b"POST /api/v1/refresh" + _HOST + b"Content-Length: 4000000\r\n\r\n" + b"[" * 4_000_000,
)


class Crowd:
    """Rude clients of one port; use as a context manager."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for each in self._open:
            each.close()

    def storm(self) -> None:
        """Some of each kind. Those that say half of something, or do not listen, stay."""
        for words in _RUDE:
            self._say(words)
        for _ in range(HALF_REQUESTS):
            self._say(b"GET /api/v1/state HTTP/1.1\r\nHost: 127.0.0.1\r\nX-")
        for _ in range(DEAF):
            self._say(_STATE * 50)
        for _ in range(RESETS):
            self._reset()

    def _say(self, words: bytes) -> socket.socket | None:
        with contextlib.suppress(OSError):
            client = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE_S)
            self._open.append(client)
            # What it does not take at once it need not take at all.
            client.setblocking(False)
            client.send(words)
            return client
        return None

    def _reset(self) -> None:
        client = self._say(_STATE)
        if client is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A TCP socket that takes connections."""

    address: str
    port: int

    @property
    def is_loopback(self) -> bool:
        address = ipaddress.ip_address(self.address)
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return (mapped or address).is_loopback

    def __str__(self) -> str:
        return f"{self.address} port {self.port}"


def listeners(pid: int | None) -> list[Listener]:
    """Where the process and what it started listen, over TCP; Linux only, empty elsewhere."""
    if pid is None or not SEES_SOCKETS:
        return []
    table = process_table()
    own = {inode for each in (pid, *descendants(table, pid)) for inode in _sockets(each)}
    return [listener for inode, listener in _listening() if inode in own]


def _sockets(pid: int) -> Iterator[str]:
    """The inodes of the sockets that a process has open."""
    directory = f"/proc/{pid}/fd"
    with contextlib.suppress(OSError):
        for name in os.listdir(directory):
            with contextlib.suppress(OSError):
                found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"{directory}/{name}"))
                if found:
                    yield found[1]


def _listening() -> Iterator[tuple[str, Listener]]:
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(f"/proc/net/{name}", encoding="ascii") as lines:
            for line in list(lines)[1:]:
                words = line.split()
                if words[3] == _LISTENS:
                    address, _, port = words[1].partition(":")
                    yield words[9], Listener(address=_address(address), port=int(port, 16))


def _address(text: str) -> str:
    """From the kernel's form: words of 32 bits, each in the order of this machine."""
    words = [int(text[place : place + 8], 16) for place in range(0, len(text), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    return str(ipaddress.ip_address(packed))
