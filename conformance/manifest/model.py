"""The whole manifest: what an implementation says of itself, checked.

Guarantees: a manifest that exists is consistent; placeholders, ids and capabilities in it exist.
Must not: read files or start anything.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, JsonValue, PrivateAttr, model_validator

from conformance.catalogue import Level, Profile
from conformance.manifest.placeholders import (
    COMMAND_PLACEHOLDERS,
    FRONT_MATTER_PLACEHOLDERS,
    VERSION_PLACEHOLDERS,
    refuse_unknown,
)
from conformance.manifest.requirement_links import Links, check_links
from conformance.manifest.sections import (
    Build,
    Capability,
    Dialect,
    Http,
    Implementation,
    Launch,
    Limits,
    Logs,
    Policies,
    Section,
    Tracker,
)

SCHEMA = 1

_TOOLS = frozenset({Capability.LINEAR_GRAPHQL, Capability.GITHUB_API})
_PROFILES = {
    Capability.HTTP: Profile.HTTP,
    Capability.TOOLS: Profile.TOOLS,
    Capability.SSH: Profile.SSH,
}


class Manifest(Section):
    """One implementation. `path` is None where there is no file and only a command was given."""

    # The name that authors write is one that every model already has.
    schema_version: Literal[1] = Field(alias="schema")
    implementation: Implementation
    build: Build = Build()
    launch: Launch
    http: Http = Http()
    logs: Logs = Logs()
    tracker: Tracker = Tracker()
    front_matter: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    capabilities: frozenset[Capability] = frozenset()
    policies: Policies = Policies()
    limits: Limits = Limits()
    documentation: Links = Field(default_factory=dict[str, str])
    attested: Links = Field(default_factory=dict[str, str])
    _path: Path | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for key, words, known in self._texts():
            refuse_unknown(words, known, key)
        check_links("documentation", self.documentation, {Level.DOCUMENT})
        check_links("attested", self.attested, {Level.MUST, Level.SHOULD, Level.MAY})
        return self

    def located(self, path: Path) -> Self:
        """The same, as it was read from `path`."""
        copy = self.model_copy()
        copy._path = path.absolute()
        return copy

    @property
    def path(self) -> Path | None:
        return self._path

    @property
    def directory(self) -> Path:
        """`{manifest_dir}`: where the file is, else the current directory."""
        return Path.cwd() if self._path is None else self._path.parent

    @property
    def name(self) -> str:
        return self.implementation.name

    @property
    def offered(self) -> frozenset[Capability]:
        """The capabilities that are declared, and those that they imply."""
        implied = {Capability.TOOLS} if self.capabilities & _TOOLS else set[Capability]()
        return self.capabilities | implied

    def offers(self, capability: str) -> bool:
        """Whether it declares the capability. Raises `ValueError` for a name that is none."""
        return Capability(capability) in self.offered

    @property
    def profiles(self) -> frozenset[Profile]:
        """The profiles that bind it; core is always one."""
        named = {_PROFILES[each] for each in self.offered if each in _PROFILES}
        return frozenset({Profile.CORE, *named})

    def speaks(self, dialect: Dialect) -> bool:
        """Whether it can be pointed at the fake of this tracker."""
        return dialect in self.tracker.dialects

    def documented_at(self, requirement: str) -> str | None:
        """Where its documentation states its choice."""
        return _link(self.documentation, requirement)

    def attested_at(self, requirement: str) -> str | None:
        """Where its authors show what cannot be seen from outside."""
        return _link(self.attested, requirement)

    def _texts(self) -> tuple[tuple[str, object, frozenset[str]], ...]:
        launch = self.launch
        version = self.implementation.version_command
        return (
            ("implementation.version_command", version, VERSION_PLACEHOLDERS),
            ("launch.command", launch.command, COMMAND_PLACEHOLDERS),
            ("launch.directory", launch.directory, COMMAND_PLACEHOLDERS),
            ("launch.environment", launch.environment, COMMAND_PLACEHOLDERS),
            ("http.arguments", self.http.arguments, COMMAND_PLACEHOLDERS),
            ("logs.arguments", self.logs.arguments, COMMAND_PLACEHOLDERS),
            ("tracker.linear", self.tracker.linear, FRONT_MATTER_PLACEHOLDERS),
            ("tracker.github", self.tracker.github, FRONT_MATTER_PLACEHOLDERS),
            ("front_matter", self.front_matter, FRONT_MATTER_PLACEHOLDERS),
        )


def _link(links: Mapping[str, str], requirement: str) -> str | None:
    for pattern, link in links.items():
        if requirement == pattern or fnmatch.fnmatchcase(requirement, pattern):
            return link
    return None
