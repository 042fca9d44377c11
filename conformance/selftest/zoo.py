"""Judges each hostile program with the suite as a user runs it, and looks at how that ends.

Guarantees: each has its expected exit code, a bound in time, and a token by which anything that it
leaves behind is found; leftovers are ended and reported. Must not: look inside the suite; it starts
the program `symphony-conformance` anew for each.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.exit_codes import CommandError, ExitCode
from conformance.selftest.leftovers import processes_with

PROGRAM: Final = Path(__file__).with_name("hostile.py")
LIMIT_S: Final = 120.0
"""For one program; on an idle machine each takes a few seconds."""
MARK: Final = "--belongs-to="

_MANIFEST: Final = """\
schema = 1
[implementation]
name = "{name}"
[launch]
command = ["{python}", "-E", "{program}", "{name}", "{{workflow}}", "{token}"]
ready_within_ms = 4000
stop_grace_ms = 1000
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Animal:
    """`expected`: the exit codes that are right for it."""

    name: str
    expected: frozenset[int]


ZOO: Final = (
    Animal(name="exits_at_once", expected=frozenset({ExitCode.NEVER_READY})),
    Animal(name="never_polls", expected=frozenset({ExitCode.NEVER_READY})),
    Animal(name="never_dispatches", expected=frozenset({ExitCode.NOT_CONFORMING})),
    Animal(name="floods_its_log", expected=frozenset({ExitCode.NOT_CONFORMING})),
    Animal(name="ignores_term", expected=frozenset({ExitCode.NOT_CONFORMING})),
    Animal(name="forks_away", expected=frozenset({ExitCode.NOT_CONFORMING, ExitCode.NEVER_READY})),
    Animal(name="leaves_children", expected=frozenset({ExitCode.NOT_CONFORMING})),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """How the suite fared with one program. `code` is None where it did not end in time."""

    animal: Animal
    code: int | None
    seconds: float
    leftovers: tuple[int, ...]
    said: str

    @property
    def is_right(self) -> bool:
        return self.code in self.animal.expected and not self.leftovers


def run_zoo(names: Sequence[str], tell: Callable[[str], None] = print) -> int:
    """Visit these (none: all), one after the other, and say a line for each; the exit code.

    Raises `CommandError` for a name that is none.
    """
    known = {animal.name: animal for animal in ZOO}
    if unknown := [name for name in names if name not in known]:
        raise CommandError(
            f"no hostile program is called {unknown[0]!r}; known are {', '.join(known)}",
            ExitCode.USAGE,
        )
    wrong = 0
    for name in names or known:
        seen = visit(known[name])
        wrong += not seen.is_right
        tell(_line(seen))
        if not seen.is_right:
            tell(seen.said)
    return ExitCode.HARNESS if wrong else ExitCode.CONFORMING


def visit(animal: Animal) -> Visit:
    """Let the suite judge one program."""
    token = f"{MARK}{secrets.token_hex(8)}"
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="symphony-zoo-") as directory:
        code, said = _judge(animal, token, Path(directory))
        leftovers = tuple(processes_with(token))
    for pid in leftovers:
        os.kill(pid, signal.SIGKILL)
    return Visit(
        animal=animal,
        code=code,
        seconds=time.monotonic() - begun,
        leftovers=leftovers,
        said=said,
    )


def _judge(animal: Animal, token: str, directory: Path) -> tuple[int | None, str]:
    manifest = directory / "manifest.toml"
    manifest.write_text(
        _MANIFEST.format(name=animal.name, python=sys.executable, program=PROGRAM, token=token)
    )
    command = (sys.executable, "-m", "conformance", "smoke", "--implementation", str(manifest))
    package = Path(__file__).parents[2]
    with subprocess.Popen(
        (*command, "--results", str(directory / "results")),
        cwd=package,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as suite:
        try:
            said, _ = suite.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(suite.pid, signal.SIGKILL)
            return None, suite.communicate()[0]
    return suite.returncode, said


def _line(seen: Visit) -> str:
    ended = f"exit code {seen.code}" if seen.code is not None else "did not end"
    wanted = " or ".join(map(str, sorted(seen.animal.expected)))
    left = f"; left running: {', '.join(map(str, seen.leftovers))}" if seen.leftovers else ""
    verdict = "ok   " if seen.is_right else "WRONG"
    return (
        f"{verdict} {seen.animal.name:18} {ended} (expected {wanted}), {seen.seconds:.1f} s{left}"
    )
