"""What a child may know: its environment, and the shell text it runs.

A tracker's secrets stay out of every child (`Secrets never reach a child` in SECURITY.md): by name,
by value under any other name, and once more after a login profile has exported them again. What a
login shell that the child itself starts reads from a profile is outside of our reach.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Mapping
from typing import Final

from symphony.processes.owner import OWNER_VARIABLE, OwnerMark, marked_value

SHORTEST_SECRET: Final = 6
"""A shorter value is compared with nothing: dropping every variable that is `1` or `true` would
break the child and protect nobody."""
SHORTEST_EMBEDDED_SECRET: Final = 16
"""From this length on a value is also looked for inside others, such as `https://KEY@host`."""
_SHELL_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def child_environment(
    base: Mapping[str, str],
    *,
    drop_names: Collection[str],
    drop_values: Collection[str],
    owner: OwnerMark,
    keep_names: Collection[str] = (),
) -> dict[str, str]:
    """A copy of `base` without the secrets and with the owner mark.

    `drop_names` are variables that hold a secret, `drop_values` the secrets themselves.
    `keep_names` wins over both.
    """
    dropped = frozenset(drop_names)
    secrets = frozenset(value.strip() for value in drop_values)
    environment = {
        name: value
        for name, value in base.items()
        if name in keep_names or (name not in dropped and not _holds_secret(value, secrets))
    }
    environment[OWNER_VARIABLE] = marked_value(base.get(OWNER_VARIABLE), owner)
    return environment


def _holds_secret(value: str, secrets: Collection[str]) -> bool:
    return any(
        (len(secret) >= SHORTEST_SECRET and value.strip() == secret)
        or (len(secret) >= SHORTEST_EMBEDDED_SECRET and secret in value)
        for secret in secrets
    )


def guard_script(command: str, drop_names: Collection[str]) -> str:
    """The text for a login shell that forgets the secret names, then runs `command` unchanged.

    The command follows on a line of its own, so assignments, `&&`, pipes and several lines mean
    what they say. A variable that a profile made read-only cannot be unset and is no longer
    exported instead; a shell that can do neither stops before the command.
    """
    names = sorted(name for name in drop_names if _SHELL_NAME.fullmatch(name))
    if not names:
        return command
    words = " ".join(names)
    forget = f"unset -v {words} 2>/dev/null || export -n {words} || exit 126"
    return f"{forget}\n{command}"


def login_shell(script: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Arguments that run `script` with `bash -lc`, or `sh -lc` where bash is missing."""
    path = environment.get("PATH")
    shell = shutil.which("bash", path=path) or shutil.which("sh", path=path) or "/bin/sh"
    return (shell, "-lc", script)
