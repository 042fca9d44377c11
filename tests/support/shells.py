"""What a shell offers when the completion key is pressed."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.daemon_process import PATIENCE_S, PROGRAM

_BASH = """\
source <("$0" completion bash)
COMP_WORDS=("$0" "$@")
COMP_CWORD=$#
_symphony
(( ${#COMPREPLY[@]} )) && printf '%s\\n' "${COMPREPLY[@]}"
true
"""


def completed(directory: Path, environment: Mapping[str, str], *words: str) -> Sequence[str]:
    """What bash offers for the last of these words; the script has to be silent."""
    done = subprocess.run(
        ("bash", "--norc", "-c", _BASH, PROGRAM, *words),
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()
