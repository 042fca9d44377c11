"""Read a manifest from a file, or make one from a bare command.

Guarantees: whatever is wrong ends as one `ManifestError` that names the file, the key and, where it
can be told, the line. Must not: run anything that a manifest names.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from conformance.manifest.errors import ManifestError
from conformance.manifest.model import SCHEMA, Manifest
from conformance.manifest.placeholders import UnknownPlaceholderError
from conformance.manifest.positions import line_of
from conformance.manifest.requirement_links import UnfitRequirementError
from conformance.manifest.sections import Capability

LARGEST_MANIFEST: Final = 1024 * 1024
"""Bytes. Whatever is larger is some other file."""
LONGEST_SHOWN: Final = 80
"""Characters of a wrong value in a message."""
_TOML_PLACE: Final = re.compile(r" \(at line (\d+), column \d+\)$")
_Place = tuple[int | str, ...]


def load_manifest(path: Path) -> Manifest:
    """Read and check the file. Raises `ManifestError`."""
    text = _read(path)
    try:
        content: object = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(str(error))
        raise ManifestError(
            path=path,
            line=int(place[1]) if place else None,
            problem=f"this is not TOML: {_TOML_PLACE.sub('', str(error))}",
            remedy="mend the line; https://toml.io shows the notation",
        ) from None
    return _checked(content, path, text).located(path)


def shipped_manifests() -> Mapping[str, Path]:
    """The manifests that come with the suite, by their names without `.toml`."""
    folder = Path(__file__).resolve().parents[1] / "implementations"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def manifest_for_command(command: Sequence[str]) -> Manifest:
    """The manifest of an implementation that has none: only `command`, with `{workflow}` in it.

    Nothing optional is declared. Raises `ManifestError`.
    """
    if not command:
        raise ManifestError(
            path=None,
            problem="no command is given",
            remedy="write it behind `--`, such as: run -- ./symphony {workflow}",
        )
    content = {
        "schema": SCHEMA,
        "implementation": {"name": Path(command[0]).name or command[0]},
        "launch": {"command": list(command)},
    }
    return _checked(content, None, "")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_MANIFEST + 1)
    except OSError as error:
        raise ManifestError(
            path=path,
            problem=f"the manifest cannot be read: {error.strerror or error}",
            remedy="give the path of a TOML file, or a command behind `--`",
        ) from None
    if len(data) > LARGEST_MANIFEST:
        raise ManifestError(
            path=path, problem="the file is larger than 1 MiB", remedy="give a manifest"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ManifestError(
            path=path, problem="the file is not UTF-8", remedy="save it as UTF-8"
        ) from None


def _checked(content: object, path: Path | None, text: str) -> Manifest:
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        # One at a time: the first mistake often explains the others.
        raise _explained(error.errors()[0], path, text) from None


def _explained(detail: ErrorDetails, path: Path | None, text: str) -> ManifestError:
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, UnknownPlaceholderError | UnfitRequirementError):
        words = cause.key.replace('"', "").split(".", 1)
        return ManifestError(
            path=path,
            key=cause.key,
            line=line_of(text, tuple(words)),
            problem=str(cause),
            remedy=cause.remedy,
        )
    place = detail["loc"]
    problem, remedy = _problem(detail, place)
    return ManifestError(
        path=path,
        key=".".join(str(part) for part in place if isinstance(part, str)),
        line=line_of(text, tuple(part for part in place if isinstance(part, str))),
        problem=problem,
        remedy=remedy,
    )


def _problem(detail: ErrorDetails, place: _Place) -> tuple[str, str]:
    if detail["type"] == "extra_forbidden":
        return "there is no such key", _known_keys(place)
    if detail["type"] == "missing":
        return "the key is missing", "add it; docs/conformance/manifest.md describes each"
    if place[:1] == ("capabilities",):
        return f"there is no capability {detail['input']!r}", _nearest(
            str(detail["input"]), [each.value for each in Capability]
        )
    if place == ("schema",):
        return f"{detail['input']!r} is no schema that this suite reads", f"write schema = {SCHEMA}"
    said = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    said = said.replace("a valid tuple", "a list").replace("a valid dictionary", "a table")
    given = repr(detail["input"])[:LONGEST_SHOWN]
    return f"{given} does not fit: it {said}", "correct the value"


def _known_keys(place: _Place) -> str:
    model: type[BaseModel] = Manifest
    for part in place[:-1]:
        inner = model.model_fields[str(part)].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        model = inner
    known = [field.alias or name for name, field in model.model_fields.items()]
    return _nearest(str(place[-1]), known)


def _nearest(given: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(given, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(known))}"
