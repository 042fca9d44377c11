"""What to start, from a manifest and the directories of one scenario.

Guarantees: a target sees nothing of the user's environment but `PATH`, the language and what the
manifest asks for; its home, caches and temporary files lie below `Places.ground`. Must not: start
anything.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.manifest.model import Manifest
from conformance.manifest.placeholders import fill, named_in
from conformance.target.errors import TargetError
from conformance.target.supervisor import Order

OWNER_VARIABLE: Final = "SYMPHONY_CONFORMANCE_TARGET"
"""Holds a word by which everything that a target started is found again."""
_INHERITED: Final = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
_LANGUAGE: Final = "C.UTF-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The directories of one scenario; all that it has is below `ground`.

    A workspace root may be changed by a scenario; `workspace_root` is only what the placeholder
    stands for.
    """

    ground: Path
    workflow: Path
    workspace_root: Path

    @property
    def home(self) -> Path:
        return self.ground / "home"

    @property
    def temporary(self) -> Path:
        return self.ground / "tmp"

    @property
    def logs(self) -> Path:
        return self.ground / "logs"

    def make(self) -> None:
        """Create what has to be there before a target starts; the workspace root is its own."""
        for each in (self.home, self.temporary, self.logs, self.workflow.parent):
            each.mkdir(parents=True, exist_ok=True)


def needs_port(manifest: Manifest) -> bool:
    """Whether the command cannot be written without a port."""
    return "port" in named_in([*manifest.launch.command, *manifest.launch.environment.values()])


def free_port() -> int:
    """A loopback port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def launch_order(
    manifest: Manifest,
    places: Places,
    *,
    token: str,
    variables: Mapping[str, str],
    port: int | None = None,
    workflow: Path | None,
    directory: Path | None = None,
    arguments: Sequence[str] = (),
) -> Order:
    """What to start. Raises `TargetError` where the program is not there.

    With a `port`, the manifest's arguments for it follow the command, unless that has it already.
    Without a `workflow` the words that name it are left out. `arguments` come last. `directory` is
    where it starts, unless the manifest insists on another.
    """
    launch = manifest.launch
    values = _values(manifest, places, port, workflow)
    environment = _environment(manifest, places, values, {**variables, OWNER_VARIABLE: token})
    words = [each for each in launch.command if workflow or "{workflow}" not in each]
    if port is not None and "port" not in named_in(words):
        words += manifest.http.arguments
    chosen = Path(fill(launch.directory, values)) if launch.directory else directory
    where = manifest.directory / chosen if chosen else places.workflow.parent
    program, *rest = (fill(word, values) for word in words)
    return Order(
        arguments=[_program(program, manifest, environment), *rest, *arguments],
        directory=str(where),
        environment=environment,
    )


def version_order(manifest: Manifest, places: Places) -> Order:
    """What prints the version. Raises `TargetError` where the program is not there."""
    values = _values(manifest, places, None, None)
    environment = _environment(manifest, places, values, {})
    program, *rest = (fill(word, values) for word in manifest.implementation.version_command)
    return Order(
        arguments=[_program(program, manifest, environment), *rest],
        directory=str(places.workflow.parent),
        environment=environment,
    )


def _values(
    manifest: Manifest, places: Places, port: int | None, workflow: Path | None
) -> dict[str, str]:
    return {
        "workflow": str(workflow or ""),
        "port": "" if port is None else str(port),
        "logs": str(places.logs),
        "workspace_root": str(places.workspace_root),
        "manifest_dir": str(manifest.directory),
        "home": str(places.home),
        "python": sys.executable,
    }


def _environment(
    manifest: Manifest, places: Places, values: Mapping[str, str], variables: Mapping[str, str]
) -> dict[str, str]:
    home = str(places.home)
    inherited = {
        name: os.environ[name]
        for name in (*_INHERITED, *manifest.launch.inherit)
        if name in os.environ
    }
    own = {
        "HOME": home,
        "XDG_CONFIG_HOME": f"{home}/.config",
        "XDG_CACHE_HOME": f"{home}/.cache",
        "XDG_DATA_HOME": f"{home}/.local/share",
        "XDG_STATE_HOME": f"{home}/.local/state",
        "TMPDIR": str(places.temporary),
    }
    asked = {name: fill(value, values) for name, value in manifest.launch.environment.items()}
    return {"LANG": _LANGUAGE, "PATH": os.defpath, **inherited, **own, **asked, **variables}


def _program(name: str, manifest: Manifest, environment: Mapping[str, str]) -> str:
    """The path of the program: by `PATH`, or relative to the manifest."""
    by_path = os.sep not in name
    candidate = name if by_path else str(manifest.directory / name)
    found = shutil.which(candidate, path=environment["PATH"])
    if found is None:
        where = "in no directory of PATH" if by_path else f"not at {candidate}"
        raise TargetError(
            f"the program {name!r} of the manifest is {where}, or cannot be executed; "
            "build the implementation, or correct the command"
        )
    return found if by_path else candidate
