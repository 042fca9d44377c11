"""Whom a command is about: a manifest file, one that comes with the suite, or a bare command."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from conformance.cli.options import Options
from conformance.exit_codes import CommandError, ExitCode
from conformance.manifest.errors import ManifestError
from conformance.manifest.loading import load_manifest, manifest_for_command
from conformance.manifest.model import Manifest
from conformance.manifest.sections import Dialect, Tracker


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """`launch`: the words of a bare command; empty where there is a file."""

    manifest: Manifest
    dialect: Dialect
    launch: tuple[str, ...] = ()


def subject_of(options: Options) -> Subject:
    """What the command line says. Raises `CommandError`."""
    if options.implementation is not None and options.launch:
        raise CommandError(
            "give either --implementation or a command after --, not both", ExitCode.USAGE
        )
    if options.implementation is None and not options.launch:
        raise CommandError(
            "say what to judge: --implementation FILE, or a command after -- such as "
            "-- ./my-symphony {workflow}",
            ExitCode.USAGE,
        )
    return make_subject(options.implementation, options.launch, options.dialect)


def make_subject(path: Path | None, launch: tuple[str, ...], dialect: str | None) -> Subject:
    """The same, from its parts. Raises `CommandError`."""
    try:
        if path is not None:
            manifest = load_manifest(_found(path))
            return Subject(manifest=manifest, dialect=_chosen(manifest, dialect))
        launch = _anywhere(launch)
        manifest = manifest_for_command(launch)
    except ManifestError as error:
        raise CommandError(str(error), ExitCode.USAGE) from error
    _require_workflow(launch)
    # A bare command says nothing of trackers, so that its user does.
    wanted = Dialect(dialect) if dialect else manifest.tracker.dialects[0]
    spoken = manifest.model_copy(update={"tracker": Tracker(dialects=(wanted,))})
    return Subject(manifest=spoken, dialect=wanted, launch=launch)


def shipped() -> dict[str, Path]:
    """The manifests that come with the suite, by their names without `.toml`."""
    directory = resources.files("conformance") / "implementations"
    return {
        Path(entry.name).stem: Path(str(entry))
        for entry in directory.iterdir()
        if entry.name.endswith(".toml")
    }


def _found(path: Path) -> Path:
    """A bare name that is no file stands for one of those that come with the suite."""
    known = shipped()
    return known[str(path)] if not path.exists() and str(path) in known else path


def _chosen(manifest: Manifest, dialect: str | None) -> Dialect:
    if dialect is None:
        return manifest.tracker.dialects[0]
    if not manifest.speaks(Dialect(dialect)):
        raise CommandError(
            f"{manifest.path}: tracker.dialects does not name {dialect}; add it there, or choose "
            f"{' or '.join(manifest.tracker.dialects)}",
            ExitCode.USAGE,
        )
    return Dialect(dialect)


def _anywhere(launch: tuple[str, ...]) -> tuple[str, ...]:
    """The command with absolute paths, where a word is that of a file: each scenario runs in a
    directory of its own, and a bundle may be played again from anywhere."""
    if not launch:
        return ()
    program, *rest = launch
    first = str(Path(program).absolute()) if os.sep in program else program
    return (first, *(str(Path(word).absolute()) if Path(word).is_file() else word for word in rest))


def _require_workflow(launch: tuple[str, ...]) -> None:
    if not any("{workflow}" in word for word in launch):
        raise CommandError(
            "the command after -- has to say where the path of the workflow file goes: "
            "put {workflow} there",
            ExitCode.USAGE,
        )
