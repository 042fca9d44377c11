"""Credentials that only the daemon may have, and where to look for one that got out.

The daemon finds them in its environment. A `Lookout` reads the environments of everything that
works in a workspace each time the model is asked, which is while an agent is alive; afterwards it
goes through what the model was told and through every file of the laboratory.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.codex import Laboratory
from tests.support.model_server import ModelRequest, Reply, Script

_PROFILE = ".bash_profile"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaboratoryWithSecrets(Laboratory):
    """The same place, whose daemon starts with these variables."""

    secrets: Mapping[str, str]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The laboratory's environment with the secrets, and with `more`."""
        return Laboratory.environment(self, {**self.secrets, **(more or {})})

    def export_in_login_profile(self) -> None:
        """Let every login shell set the variables again, as many users' shells do."""
        lines = (f"export {name}={value}\n" for name, value in self.secrets.items())
        (self.home / _PROFILE).write_text("".join(lines), encoding="utf-8")


def with_secrets(laboratory: Laboratory, secrets: Mapping[str, str]) -> LaboratoryWithSecrets:
    """A view of the laboratory in which these variables are set."""
    return LaboratoryWithSecrets(
        root=laboratory.root, program=laboratory.program, secrets=dict(secrets)
    )


class Lookout:
    """Watches one laboratory while its agents run."""

    def __init__(self, laboratory: LaboratoryWithSecrets) -> None:
        self._laboratory = laboratory
        self._secrets = [value.encode() for value in laboratory.secrets.values()]
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._leaks: set[str] = set()

    def watching(self, script: Script) -> Script:
        """The script, with a look around at each request."""

        def watched(request: ModelRequest) -> Reply:
            self._look()
            return script(request)

        return watched

    @property
    def commands_seen(self) -> Sequence[str]:
        """The command lines of the processes that were looked at."""
        with self._lock:
            return sorted(self._seen)

    def leaks(self, requests: Sequence[ModelRequest]) -> Sequence[str]:
        """Where a secret was found: in an environment, in a request of the model, in a file."""
        said = [
            f"request {request.number} of the model"
            for request in requests
            if self._holds_secret(json.dumps(request.body, ensure_ascii=False).encode())
        ]
        with self._lock:
            return [*sorted(self._leaks), *said, *self._files()]

    def _look(self) -> None:
        for command, environment in _processes_below(self._laboratory.workspaces):
            with self._lock:
                self._seen.add(command)
                if self._holds_secret(environment):
                    self._leaks.add(f"the environment of: {command}")

    def _files(self) -> Iterator[str]:
        for path in sorted(self._laboratory.root.rglob("*")):
            if path.name == _PROFILE or path.is_symlink() or not path.is_file():
                continue
            if self._holds_secret(path.read_bytes()):
                yield f"the file {path}"

    def _holds_secret(self, data: bytes) -> bool:
        return any(secret in data for secret in self._secrets)


def _processes_below(directory: Path) -> Iterator[tuple[str, bytes]]:
    """Command line and environment of each live process whose working directory is there."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if not Path(os.readlink(entry / "cwd")).is_relative_to(directory):
                continue
            command, environment = (
                (entry / "cmdline").read_bytes(),
                (entry / "environ").read_bytes(),
            )
        except OSError:  # it ended meanwhile, or belongs to somebody else
            continue
        yield command.replace(b"\0", b" ").decode(errors="replace"), environment
