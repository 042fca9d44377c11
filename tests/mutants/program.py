"""The `symphony` command with one defect: `python -m tests.mutants.program NAME [ARGUMENT ...]`.

`list` in the place of a name shows all defects. The change is made before the daemon begins, in
this process only; the package itself stays as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from tests.mutants.patching import applied, load_daemon
from tests.mutants.registry import MutantError, all_mutants, find_mutant

EXIT_USAGE: Final = 2


def main(words: Sequence[str]) -> int:
    """The exit code of `symphony`, or 2 where there is no such mutant."""
    if not words or words[0] in ("list", "-h", "--help"):
        for each in all_mutants():
            print(f"{each.area:15} {each.name:40} {' '.join(each.kills)}")
        return 0 if words else EXIT_USAGE
    load_daemon()
    from symphony.cli import main as symphony

    try:
        with applied(find_mutant(words[0])):
            return symphony.main(words[1:])
    except MutantError as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
