"""The real Codex program, and a place of its own to run it in.

`find_program` says where the program is, or why there is none. A `Laboratory` is one directory with
everything that a test of the real program needs: a private home, issues, workspaces, a repository.
It lies outside the system's temporary directories, because those are writable inside the sandbox of
Codex and would hide a sandbox that does not hold. Nothing of the user's own Codex is read or
written.
"""

from __future__ import annotations

import importlib.metadata
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "openai-codex-cli-bin"
INSTALL = "install it with: make integration"

# A turn fails with the first fault of the model: the retries under test are those of the daemon.
_PROVIDER = (
    'model_providers.loopback={{name="Loopback",base_url="{url}",wire_api="responses",'
    "request_max_retries=0,stream_max_retries=0}}"
)


@dataclass(frozen=True, slots=True)
class Missing:
    """Why the tests of the real program cannot run, and what to do about it."""

    reason: str


def find_program() -> Path | Missing:
    """The `codex` program of the package `openai-codex-cli-bin`."""
    try:
        package = importlib.metadata.distribution(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        return Missing(f"the package {PACKAGE} is not installed; {INSTALL}")
    program = Path(str(package.locate_file("codex_cli_bin/bin/codex")))
    if not os.access(program, os.X_OK):
        return Missing(f"{PACKAGE} {package.version} has no program at {program}; {INSTALL}")
    return program


def find_ground() -> Path | Missing:
    """A writable directory outside the temporary ones."""
    temporary = {Path(tempfile.gettempdir()).resolve(), Path("/tmp").resolve()}
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    candidates = (Path(cache), Path("/var/tmp"))
    for candidate in candidates:
        place = candidate.resolve()
        if temporary.isdisjoint({place, *place.parents}) and _can_hold_directories(place):
            return place
    names = ", ".join(str(candidate) for candidate in candidates)
    return Missing(
        f"none of {names} is a writable directory outside {tempfile.gettempdir()}; "
        "set XDG_CACHE_HOME to one"
    )


def _can_hold_directories(place: Path) -> bool:
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(place, os.W_OK | os.X_OK)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSeen:
    """A live process of the machine."""

    pid: int
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Laboratory:
    """One test's directory. Every process that is started with `environment` can be found again by
    the directory's name, which stands in its environment."""

    root: Path
    program: Path

    @classmethod
    def build(cls, ground: Path, program: Path) -> Laboratory:
        """Make the directory, with a git repository of one commit to clone from."""
        root = Path(tempfile.mkdtemp(prefix="symphony-integration-", dir=ground))
        laboratory = cls(root=root, program=program)
        for directory in (laboratory.codex_home, laboratory.issues, laboratory.workspaces):
            directory.mkdir(parents=True)
        (laboratory.home / ".gitconfig").write_text(
            "[user]\n\tname = Agent\n\temail = agent@example.invalid\n", encoding="utf-8"
        )
        laboratory.repository.mkdir()
        laboratory.git(laboratory.repository, "init", "--quiet", "--initial-branch=main")
        laboratory.git(laboratory.repository, "commit", "--quiet", "--allow-empty", "-m", "start")
        laboratory.start_once()
        return laboratory

    @property
    def home(self) -> Path:
        """The home directory of the daemon and of everything it starts."""
        return self.root / "home"

    @property
    def codex_home(self) -> Path:
        """Where Codex keeps its threads and settings."""
        return self.home / "codex"

    @property
    def issues(self) -> Path:
        """The folder of the files tracker."""
        return self.root / "issues"

    @property
    def workspaces(self) -> Path:
        """The workspace root."""
        return self.root / "workspaces"

    @property
    def repository(self) -> Path:
        """What workspaces are cloned from, and may push branches to."""
        return self.root / "repository"

    def arguments(self, model_url: str, *options: str) -> Sequence[str]:
        """The command line of the app-server against a model on loopback. `options` are further
        `key=value` settings of Codex."""
        settings = (
            "model=loopback-model",
            "model_provider=loopback",
            _PROVIDER.format(url=model_url),
            *options,
        )
        pairs = [part for setting in settings for part in ("-c", setting)]
        return (str(self.program), "app-server", *pairs)

    def command(self, model_url: str, *options: str) -> str:
        """The same as text for `codex.command`. The program is named by its full path, because a
        login shell may set its own search path."""
        return shlex.join(self.arguments(model_url, *options))

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """An environment without anything of the user's, and with `more`."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(self.home),
            "CODEX_HOME": str(self.codex_home),
            # The directory may lie inside somebody's checkout.
            "GIT_CEILING_DIRECTORIES": str(self.root),
            **(more or {}),
        }

    def start_once(self) -> None:
        """Let Codex set up its home. Several first starts at once fail in each other's way."""
        subprocess.run(
            (str(self.program), "app-server"),
            env=self.environment(),
            check=True,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=30,
        )

    def forget_codex_home(self) -> None:
        """Make the home of Codex as new as on a machine where it never ran."""
        shutil.rmtree(self.codex_home)
        self.codex_home.mkdir()

    def git(self, directory: Path, *arguments: str) -> str:
        """What a git command prints, run in a directory of this laboratory."""
        return subprocess.run(
            ("git", *arguments),
            cwd=directory,
            env=self.environment(),
            check=True,
            text=True,
            stdout=subprocess.PIPE,
            timeout=30,
        ).stdout

    def processes(self) -> Sequence[ProcessSeen]:
        """Every live process that belongs to this laboratory."""
        return processes_with(str(self.root))

    def clean(self) -> None:
        """End what is left of this laboratory's processes and remove the directory."""
        for process in self.processes():
            try:
                os.kill(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        shutil.rmtree(self.root, ignore_errors=True)


def processes_with(token: str) -> Sequence[ProcessSeen]:
    """The live processes, zombies excepted, whose command line or environment has this text."""
    needle = token.encode()
    seen: list[ProcessSeen] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            found = needle in command or needle in (entry / "environ").read_bytes()
        except OSError:  # it ended meanwhile, or belongs to somebody else
            continue
        if found:
            text = command.replace(b"\0", b" ").decode(errors="replace")
            seen.append(ProcessSeen(pid=int(entry.name), command=text[:200]))
    return seen
