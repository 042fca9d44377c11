"""Changing one thing of the daemon in this process, everywhere it is used, and taking that back.

Guarantees: a name that was imported elsewhere by `from ... import ...` is changed there too; what
is not there, or is the same afterwards, is an error; `undo` leaves everything as it was. Must not:
be used in a process that goes on to test the daemon itself.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Generator, Iterator, MutableMapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

from tests.mutants.registry import Mutant, MutantError

LEFT_OUT: Final = ("symphony.__main__", "symphony.demo", "symphony.cli.demo", "symphony.testing")
"""What no daemon loads."""
LATE: Final = ("symphony.trackers.linear.operations",)
"""What a daemon loads with the first call of a tool only: it takes longer than all of the rest."""

_undos: Final[list[Callable[[], None]]] = []


def load_daemon() -> None:
    """Import every module of the daemon, so that every place is there at which a thing is used."""
    package = importlib.import_module("symphony")
    for found in pkgutil.walk_packages(package.__path__, "symphony."):
        if not found.name.startswith(LEFT_OUT) and found.name not in LATE:
            importlib.import_module(found.name)


def private(owner: object, name: str) -> Any:
    """A member that is not meant for others. Raises `MutantError` where it is not there."""
    try:
        return getattr(owner, name)
    except AttributeError:
        raise MutantError(f"{_named(owner)} has no {name} any more") from None


def replace(owner: ModuleType | type, name: str, replacement: object) -> Any:
    """Put `replacement` in the place of a function, method or constant; what was there is returned.

    What belongs to a module is replaced in every module that has it. Raises `MutantError`.
    """
    original = private(owner, name)
    if isinstance(owner, type):
        _set(owner, name, replacement)
        return original
    for module, each in list(_uses(original, name)):
        _set(module, each, replacement)
    return original


def replace_in(owner: ModuleType, name: str, replacement: object) -> Any:
    """The same, at this one place of use."""
    original = private(owner, name)
    _set(owner, name, replacement)
    return original


def replace_item(mapping: MutableMapping[Any, Any], key: object, replacement: object) -> Any:
    """Put `replacement` under a key that exists; what was there is returned."""
    if key not in mapping:
        raise MutantError(f"there is no {key!r} any more")
    original = mapping[key]
    _undos.append(lambda: mapping.__setitem__(key, original))
    mapping[key] = replacement
    return original


@contextmanager
def applied(mutant: Mutant) -> Generator[int]:
    """The mutant in force, with the number of places that it changed. Raises `MutantError` where
    that is none."""
    before = len(_undos)
    try:
        mutant.apply()
        if len(_undos) == before:
            raise MutantError(f"the mutant {mutant.name} changes nothing")
        yield len(_undos) - before
    finally:
        while len(_undos) > before:
            _undos.pop()()


def _uses(original: object, name: str) -> Iterator[tuple[ModuleType, str]]:
    """Where modules of the daemon have this very thing. A constant is told by its name as well:
    small numbers are one object for everybody."""
    for module_name, module in list(sys.modules.items()):
        if module_name.partition(".")[0] != "symphony":
            continue
        for each, value in list(vars(module).items()):
            if value is original and (each == name or callable(original)):
                yield module, each


def _set(owner: ModuleType | type, name: str, replacement: object) -> None:
    # Not by getattr: a static or class method has to come back as what it was.
    members = vars(owner)
    original = members.get(name)
    if replacement is original:
        raise MutantError(f"{_named(owner)}.{name} is replaced by itself")
    if name in members:
        _undos.append(lambda: setattr(owner, name, original))
    else:
        _undos.append(lambda: delattr(owner, name))
    setattr(owner, name, replacement)


def _named(owner: object) -> str:
    return str(getattr(owner, "__name__", type(owner).__name__))
