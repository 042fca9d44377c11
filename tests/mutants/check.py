"""Whether every mutant of some areas applies: `python -m tests.mutants.check AREA ...`.

Each is applied and taken back in this process, and one line tells of each that cannot be. The exit
code is 1 where there is any.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from tests.mutants.patching import applied, load_daemon
from tests.mutants.registry import AREAS, Mutant, MutantError, all_mutants


def broken(mutants: Sequence[Mutant]) -> Iterator[str]:
    """What is wrong with each that does not apply."""
    for each in mutants:
        try:
            with applied(each):
                pass
        except (MutantError, AttributeError, KeyError, TypeError) as error:
            yield f"{each.area}: {each.name}: {type(error).__name__}: {error}"


def main(areas: Sequence[str]) -> int:
    """The exit code; without areas all are checked."""
    load_daemon()
    found = list(broken(all_mutants(areas or AREAS)))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
