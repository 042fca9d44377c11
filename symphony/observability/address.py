"""Where a running daemon can be asked: one small file beside its session logs.

It helps commands to find the daemon of a workspace root, and nothing depends on it. A file that a
killed daemon left is recognised by the process that it names; whoever reads it checks who holds the
lock of the root.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from symphony.domain.json import JsonValue, as_object, as_text, as_whole_number
from symphony.observability.session_log import default_logs_root

FILE_NAME = "http.json"
LARGEST_BYTES = 4096
_DIRECTORY_MODE = 0o700
_FILE_MODE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """`url` ends with a slash. `pid` is the daemon's."""

    url: str
    pid: int


def address_file(workspace_root: str, environment: Mapping[str, str]) -> str | None:
    """The file of the daemon of this root; None where there is no home directory."""
    folder = default_logs_root(workspace_root, environment)
    return None if folder is None else os.path.join(folder, FILE_NAME)


def announce(path: str, address: Address) -> None:
    """Write the file. Raises `OSError`."""
    os.makedirs(os.path.dirname(path), mode=_DIRECTORY_MODE, exist_ok=True)
    text = json.dumps({"url": address.url, "pid": address.pid}) + "\n"
    # In one step: nobody reads half of it.
    waiting = f"{path}.{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with open(os.open(waiting, flags, _FILE_MODE), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(waiting, path)


def withdraw(path: str, address: Address) -> None:
    """Remove the file, if it is still this daemon's."""
    if find(path) == address:
        with contextlib.suppress(OSError):
            os.unlink(path)


def find(path: str) -> Address | None:
    """What the file says; None where there is none that can be used."""
    try:
        with open(path, "rb") as file:
            value: JsonValue = json.loads(file.read(LARGEST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    members = as_object(value) or {}
    url, pid = as_text(members.get("url")), as_whole_number(members.get("pid"))
    if url is None or pid is None or not url.startswith("http://"):
        return None
    return Address(url=url, pid=pid)
