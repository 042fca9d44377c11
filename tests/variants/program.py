"""The `symphony` command as a legal variant: `python -m tests.variants.program NAME[,NAME] ...`.

`list` in the place of a name shows all variants, `check` says which of them cannot be applied any
more. Changes are made before the daemon begins, in this process only; the package itself stays as
it is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Final

from tests.mutants.patching import applied, load_daemon
from tests.mutants.registry import Mutant, MutantError
from tests.variants.registry import Variant, VariantError, all_variants, find_variants

EXIT_USAGE: Final = 2


def change_of(variant: Variant) -> Mutant | None:
    """The change in the form in which it can be applied and taken back; None where it has none."""
    if variant.apply is None:
        return None
    return Mutant(
        name=variant.name,
        area="variants",
        kills=(),
        about=variant.about,
        dialect="linear",
        apply=variant.apply,
    )


def broken(variants: Sequence[Variant]) -> Iterator[str]:
    """What is wrong with each that does not apply."""
    for each in variants:
        change = change_of(each)
        try:
            with ExitStack() as stack:
                if change is not None:
                    stack.enter_context(applied(change))
        except (MutantError, AttributeError, KeyError, TypeError) as error:
            yield f"{each.name}: {type(error).__name__}: {error}"


def main(words: Sequence[str]) -> int:
    """The exit code of `symphony`, or 2 where there is no such variant."""
    if not words or words[0] in ("list", "-h", "--help"):
        for each in all_variants():
            print(f"{each.name:36} {each.about}")
        return 0 if words else EXIT_USAGE
    load_daemon()
    if words[0] == "check":
        found = list(broken(all_variants()))
        print("\n".join(found), end="\n" if found else "")
        return 1 if found else 0
    from symphony.cli import main as symphony

    try:
        changes = [change_of(each) for each in find_variants(words[0].split(","))]
        with ExitStack() as stack:
            for change in changes:
                if change is not None:
                    stack.enter_context(applied(change))
            return symphony.main(words[1:])
    except (MutantError, VariantError) as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
