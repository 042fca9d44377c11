"""Why a requirement has no check: `coverage.toml`.

Guarantees: each entry names a requirement that exists, says `attested` (the implementation's
documentation states it, and its manifest links the place) or `excluded` (it shows on no tap), and
gives a reason in words; an entry beside a check is refused by the tests. Must not: excuse anything
by a pattern; every id is named.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conformance.catalogue import Catalogue, Level, Profile, Requirement, RequirementId

PATH = Path(__file__).with_name("coverage.toml")


class Ground(StrEnum):
    """Why there is no check."""

    ATTESTED = "attested"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """`text` is a sentence for the reader of a report."""

    id: RequirementId
    ground: Ground
    text: str


class CoverageError(Exception):
    """The file of reasons is wrong; the message begins with its path."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    attested: dict[str, str] = Field(default_factory=dict)
    excluded: dict[str, str] = Field(default_factory=dict)


def load_reasons(catalogue: Catalogue, path: Path = PATH) -> Mapping[RequirementId, Reason]:
    """Every reason, by id. Raises `CoverageError`."""
    try:
        with path.open("rb") as file:
            content = _File.model_validate(tomllib.load(file))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise CoverageError(f"{path}: {error}") from error
    reasons: dict[RequirementId, Reason] = {}
    for ground, texts in ((Ground.ATTESTED, content.attested), (Ground.EXCLUDED, content.excluded)):
        for name, text in texts.items():
            if name not in catalogue:
                raise CoverageError(f"{path}: {ground}: no requirement is called {name!r}")
            if not text.strip():
                raise CoverageError(f"{path}: {ground}: {name} has no reason")
            if name in reasons:
                raise CoverageError(f"{path}: {name} is both attested and excluded")
            known = RequirementId(name)
            reasons[known] = Reason(id=known, ground=ground, text=text.strip())
    return reasons


def uncovered(
    catalogue: Catalogue, checks: Collection[RequirementId], reasons: Collection[RequirementId]
) -> list[Requirement]:
    """The requirements that every implementation must meet, with neither check nor reason."""
    return [
        requirement
        for requirement in catalogue
        if requirement.level is Level.MUST
        and requirement.profile is Profile.CORE
        and requirement.id not in checks
        and requirement.id not in reasons
    ]


def superfluous(
    checks: Collection[RequirementId], reasons: Collection[RequirementId]
) -> list[RequirementId]:
    """Reasons for having no check, of requirements that have one."""
    return sorted(set(checks).intersection(reasons))
